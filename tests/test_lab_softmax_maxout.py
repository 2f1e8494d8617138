"""P15: softmax and the two losses against SciPy and PyTorch, the best two lines against any others."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.special
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize

from trainability.activations import choose, numpy_function
from trainability.core.types import Network
from trainability.lab.maxout import best_two_pieces, two_pieces
from trainability.lab.phenomena.softmax_maxout import (
    DUELS,
    TARGETS,
    X,
    run,
)
from trainability.lab.phenomenon import Setting
from trainability.lab.probabilities import OUTPUTS, are_probabilities, plain_softmax, softmax

NUMBERS = st.floats(-5, 5)


@given(st.lists(st.floats(-30, 30), min_size=2, max_size=12))
def test_both_softmaxes_are_scipys(scores: list[float]):
    z = np.array(scores)
    for f in (plain_softmax, softmax):
        np.testing.assert_allclose(f(z), scipy.special.softmax(z), rtol=1e-12)
        assert are_probabilities(f(z))


def test_what_is_no_probability():
    assert not are_probabilities(np.array([0.5, 0.6]))
    assert not are_probabilities(np.array([1.5, -0.5]))
    assert not are_probabilities(np.array([np.nan, 0.5]))
    assert list(are_probabilities(np.array([[0.25, 0.75], [1, 1]]))) == [True, False]
    assert not are_probabilities(plain_softmax(np.array([800.0, 0])))
    assert are_probabilities(softmax(np.array([800.0, 0])))


@pytest.mark.parametrize("name", OUTPUTS)
def test_where_the_cross_entropy_exists(name: str):
    """PyTorch's negative log-likelihood of an output is a number where we say that there is one."""
    scores = np.random.default_rng(5).standard_normal((500, 10))
    outputs = torch.tensor(OUTPUTS[name][1](scores))
    losses = torch.nn.functional.nll_loss(torch.log(outputs), torch.zeros(500, dtype=torch.long), reduction="none")
    np.testing.assert_array_equal(torch.isfinite(losses).numpy(), outputs[:, 0].numpy() > 0)


@given(NUMBERS, NUMBERS, NUMBERS, NUMBERS)
def test_two_lines_are_found_again(a: float, b: float, c: float, d: float):
    x = np.linspace(-3, 3, 41)
    wanted = two_pieces(np.array([a, b]), np.array([c, d]), x)
    fit = two_pieces(*best_two_pieces(x, wanted), x)
    bends = np.ptp(np.diff(wanted)) > 1e-9
    on_the_grid = bends and np.isclose((c - d) / (b - a) * 20 / 3 * 2 % 1, 0, atol=1e-9)
    if not bends or on_the_grid:
        np.testing.assert_allclose(fit, wanted, atol=1e-9)
    else:  # a bend between the places tried costs at most what it is beside the nearest
        assert np.sqrt(np.mean((fit - wanted) ** 2)) <= 0.04 * abs(b - a) + 1e-9


@pytest.mark.parametrize("name", TARGETS)
def test_no_other_two_lines_do_better(name: str):
    wanted = numpy_function(choose(name))(X)
    off = lambda p: np.mean((two_pieces(p[:2], p[2:], X) - wanted) ** 2)  # noqa: E731
    best = off(np.concatenate(best_two_pieces(X, wanted)))
    r = np.random.default_rng(6)
    others = [minimize(off, r.normal(size=4), method="Nelder-Mead", options={"maxiter": 4000}).fun for _ in range(12)]
    assert best <= min(others) * 1.01 + 1e-20
    assert min(others) <= best * 1.01 + 1e-6  # the search comes near, so the comparison is a test


def test_duels_have_equal_numbers_of_weights():
    inputs = {"xor": 2, "moons": 2, "circle": 2, "parity:4": 4}
    for _, problem, settings, maxout, relu in DUELS.values():
        depth = settings["depth"]
        ours = Network(inputs[problem], (maxout,) * depth, 1, "maxout", pieces=2).weights
        other = Network(inputs[problem], (relu,) * depth, 1, "relu").weights
        assert ours == pytest.approx(other, rel=0 if depth == 1 else 0.04)


def test_what_is_measured():
    records = run(Setting(quick=True, seeds=4, seed=9))
    assert max(records["networks"].values()) < 1e-14
    assert records["networks"]["relu"] == 0
    assert list(records["undefined"]) == list(OUTPUTS)
    assert not records["undefined"]["softmax"].any()
    assert records["answers"]["relu", 8].shape == (4, len(X))
    for key in ("adam", "descent"):
        assert records["digits"][key, "cross_entropy"].spec.loss == ("cross_entropy",)
        assert records["digits"][key, "mse"].spec.output == ("softmax",)
