"""P4, P12, P13: first gradients beside PyTorch's and theory's; ways that weights take; units that come back."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.peers.trajectory import resolved
from trainability import activations
from trainability.lab.phenomena.dying_relu import revived
from trainability.lab.phenomena.vanishing_gradient import ACTIVATIONS, INITS
from trainability.lab.start_gradients import draw_networks, predicted_factors, start_gradients
from trainability.lab.zigzag import learn
from trainability.theory import predict

DEPTH, WIDTH = 5, 12


@pytest.mark.parametrize("name", [name for name in ACTIVATIONS if activations.choose(name).entry.torch])
@pytest.mark.parametrize("init", ["torch", "normal:1"])
def test_pytorch_finds_the_same_gradients(name: str, init: str) -> None:
    drawn = draw_networks(init, DEPTH, WIDTH, 3, seed=4)
    found = start_gradients(name, drawn)
    choice = activations.choose(name)
    assert choice.entry.torch is not None
    phi, keywords = resolved(choice.entry.torch.path), choice.entry.torch.keywords(choice.named)
    for i in range(3):
        answer, sums = torch.tensor(drawn.x[i]), []
        for w, b in zip(drawn.weights, drawn.biases, strict=True):
            sums.append(answer @ torch.tensor(w[i]) + torch.tensor(b[i]).requires_grad_())
            sums[-1].retain_grad()
            answer = phi(sums[-1], **keywords)
        sums[-1].sum().backward()
        # PyTorch has the hard sigmoid's slope, 1/6, in single precision.
        theirs = [float(z.grad.pow(2).mean().sqrt()) for z in sums[:-1]]
        np.testing.assert_allclose(found[i], theirs, rtol=1e-6)


@pytest.mark.parametrize("init", INITS)
def test_drawn_networks_have_the_variance_of_their_initialiser(init: str) -> None:
    drawn = draw_networks(init, 2, 64, 40, seed=1)
    (said,) = predict("tanh", init, depth=2, width=64)
    assert drawn.weights[0].var() * 64 == pytest.approx(said.sigma_w2, rel=0.02)
    assert drawn.biases[0].var() == pytest.approx(said.sigma_b2, rel=0.15, abs=1e-12)


def test_prediction_is_that_of_wide_networks() -> None:
    """The weights' gradients that `predict` speaks of are these times their layer's input."""
    depth, width = 6, 10_000
    (said,) = predict("relu", "he_normal", depth=depth, width=width)
    factors = predicted_factors("relu", "he_normal", depth, width)
    np.testing.assert_allclose(factors, 1.0, rtol=1e-3)
    second = np.array([1.0, *(q / 2 for q in said.variance[: depth - 1])])  # E relu² is half the variance
    wanted = np.array(said.gradient[:depth]) / np.sqrt(second)
    np.testing.assert_allclose(factors, wanted[:-1] / wanted[1:], rtol=1e-3)


@given(st.sampled_from(["sigmoid", "expr:tanh(x) + 1", "softplus"]), st.integers(2, 6), st.integers(0, 2**32))
def test_positive_answers_make_all_gradients_of_a_sample_agree(name: str, inputs: int, seed: int) -> None:
    ways = learn(name, inputs, batch=1, steps=30, units=4, seed=seed)
    assert ways.alike.all()
    steps = np.diff(ways.path, axis=1)
    assert ((steps >= 0).all(axis=2) | (steps <= 0).all(axis=2)).all()
    assert (ways.detour >= 1 - 1e-12).all()


@pytest.mark.parametrize("inputs", [2, 4])
def test_answers_around_zero_agree_by_chance(inputs: int) -> None:
    ways = learn("tanh", inputs, batch=1, steps=300, units=40, seed=1)
    assert ways.alike.mean() == pytest.approx(2.0 ** (1 - inputs), abs=0.02)


def test_a_unit_learns_and_centring_alone_is_a_shift() -> None:
    ways = learn("tanh", 3, batch=4, steps=400, units=20, seed=2)
    assert np.median(ways.left) < 1e-3
    half = learn("expr:sigmoid(x) - 0.5", 3, batch=4, steps=50, units=5, seed=2)
    other = learn("expr:tanh(x/2)/2", 3, batch=4, steps=50, units=5, seed=2)
    np.testing.assert_allclose(half.path, other.path, atol=1e-9)


def test_revival_is_a_fall_of_the_dead_share() -> None:
    dead = np.array([
        [[0.0], [0.5], [0.5]],  # dies and stays
        [[0.5], [0.5], [0.25]],  # comes back
        [[0.0], [0.0], [0.0]],  # nobody died: no case
        [[0.0], [0.0], [0.5]],  # dies at the end: cannot come back any more
        [[0.5], [np.nan], [np.nan]],  # became NaN: nothing came back
    ])  # fmt: skip
    np.testing.assert_array_equal(revived(dead), [False, True, False])
