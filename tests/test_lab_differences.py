"""Numerical derivatives (lab/differences.py) against SciPy, mpmath and polynomials whose slope is known."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import approx_fprime

from trainability.lab import PHENOMENA
from trainability.lab.differences import ORDERS, Method, estimate, rule
from trainability.lab.phenomena.numerical_derivative import sigmoid, slope, smooth
from trainability.lab.phenomenon import Setting

COEFFICIENTS = st.integers(-8, 8)
EXACT_STEPS = st.integers(-8, 0).map(lambda k: 2.0**k)
"""With small whole numbers and powers of two nothing is rounded, so that the formulas' own errors are seen."""


@given(COEFFICIENTS, COEFFICIENTS, COEFFICIENTS, st.integers(-8, 8), EXACT_STEPS)
def test_differences_of_a_quadratic_are_off_by_what_taylor_says(a, b, c, x, h):
    f = lambda z: a * z * z + b * z + c  # noqa: E731
    place, exact = np.array([float(x)]), 2 * a * x + b
    assert estimate(f, place, h, "forward") == exact + a * h
    assert estimate(f, place, h, "central") == exact
    assert estimate(f, place, h, "complex") == exact


@given(st.integers(-4, 4), EXACT_STEPS)
def test_central_and_complex_err_in_opposite_directions_on_a_cube(x, h):
    place = np.array([float(x)])
    assert estimate(lambda z: z * z * z, place, h, "central") == 3 * x * x + h * h
    assert estimate(lambda z: z * z * z, place, h, "complex") == 3 * x * x - h * h


@given(st.floats(-9, 9), st.floats(1e-12, 1e-2))
def test_forward_is_scipys(x, h):
    ours = estimate(np.tanh, np.array([x]), h, "forward")
    theirs = approx_fprime(np.array([x]), lambda z: np.tanh(z[0]), h)
    # SciPy divides by (x + h) − x, which is what h became when it was added.
    assert ours * h == pytest.approx(theirs * ((x + h) - x), abs=0, rel=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_precision_of_x_is_kept(dtype):
    x = np.linspace(-3, 3, 7).astype(dtype)
    for method in ORDERS:
        assert estimate(sigmoid, x, 1e-3, method).dtype == dtype  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("method", ["forward", "central"])
def test_the_rule_is_within_reach_of_the_best_step(method: Method):
    """For exp at 0 all derivatives are 1, which is what the rule supposes."""
    x = np.random.default_rng(0).uniform(-0.01, 0.01, 256)
    h = np.geomspace(1e-12, 1e-1, 89)
    errors = [np.sqrt(np.mean((estimate(np.exp, x, step, method) - np.exp(x)) ** 2)) for step in h]
    assert abs(np.log10(h[np.argmin(errors)] / rule(method, np.float64))) < 0.6


def test_the_slope_is_mpmaths():
    x = np.linspace(-30, 30, 61)
    with mpmath.workdps(40):
        exact = [float(mpmath.diff(lambda z: 1 / (1 + mpmath.exp(-z)), mpmath.mpf(float(v)))) for v in x]
    np.testing.assert_allclose(slope(x), exact, rtol=1e-14)
    np.testing.assert_allclose(estimate(sigmoid, x, 1e-20, "complex"), exact, rtol=1e-14)


def test_smooth_activations_are_those_without_a_kink():
    names = set(smooth())
    assert {"sigmoid", "tanh", "gelu", "softplus", "identity"} <= names
    assert not names & {"relu", "elu", "leaky_relu", "softmax", "maxout"}


def test_errors_at_the_notes_step_are_noise():
    records = PHENOMENA["p11"].run(Setting(quick=True, seeds=8))
    assert records["h"][0] == pytest.approx(1e-17)
    assert records["h"][-1] == 1
    for found in records["errors"].values():
        assert found["grid"].shape == (8, len(records["h"]))
    noise, fine = (records["errors"]["float64", "forward"][name][:, 0] for name in ("notes", "fine"))
    assert (noise > 1e5 * fine).all()
