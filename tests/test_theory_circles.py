"""Gates of two and three pieces by means over circles and spheres: exact ones, and places that are easily missed."""

from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mpmath import mp, mpf
from scipy.special import spherical_jn

from trainability.theory.expectations import KINDS
from trainability.theory.functions import Gate, resolve
from trainability.theory.gates.circle import Circles
from trainability.theory.gates.formula import GateFormula
from trainability.theory.gates.plane_products import _spherical_bessel
from trainability.theory.gates.radial import RadialGate
from trainability.theory.gates.ridge import RidgeGate
from trainability.theory.moments import moments


def _gate(text: str) -> Gate:
    gate = resolve(text)
    assert isinstance(gate, Gate)
    return gate


@pytest.mark.parametrize("q", [0.3, 1.0, 30.0])
def test_a_parabola_that_no_circle_crosses_at_first(q: float):
    """max(x1, x2²): narrow slivers between the two, which neither grid nor nodes see, and circles that only touch."""
    with mp.workdps(20):
        s = mpmath.sqrt(mpf(q))

        def mean(f):
            return float(
                2 * mpmath.quad(lambda z: f(q * z * z) * mpmath.npdf(z), [0, 0.1, 0.2, 0.5, 1, 2, 4, 6, 9, 13])
            )

        def largest(t):
            return t * t * mpmath.ncdf(t / s) + q * (mpmath.ncdf(-t / s) + t / s * mpmath.npdf(t / s))

        exact = {
            "second": mean(largest),
            "slope_second": mean(lambda t: mpmath.ncdf(-t / s) + 4 * t * mpmath.ncdf(t / s)),
        }
    m = moments("expr:max(x1, x2*x2)")
    for kind, value in exact.items():
        found = m.estimate(kind, q)
        assert found.value == pytest.approx(value, rel=3e-11)
        assert abs(found.value - value) <= 2 * found.error


def test_three_pieces_over_a_sphere_in_30_digits():
    """max(x1 + x2, x3) is the larger of two Gaussians of variances 2 and 1; |x| is chi's."""
    m = moments("expr:max(x1 + x2, x3)")
    # max(u, v)² is u² or v², each half of the time and whatever they are, since u − v changes its sign with both.
    assert m.at("second", 0.7) == pytest.approx(0.7 * 1.5, rel=1e-10)
    assert m.at("slope_second", 0.7) == pytest.approx(1.5, rel=1e-10)
    assert m.at("mean", 1.0) == pytest.approx(math.sqrt(3 / (2 * math.pi)), rel=1e-10)
    assert m.slope_each(0.7) == pytest.approx((0.5, 0.5, 0.5), rel=1e-10)
    length = moments("expr:sqrt(x1*x1 + x2*x2 + x3*x3)")
    for kind, value in (("mean", math.sqrt(8 / math.pi)), ("second", 3.0), ("fourth", 15.0), ("slope_second", 1.0)):
        assert length.at(kind, 1.0) == pytest.approx(value, rel=1e-12)


@settings(max_examples=25, deadline=None)
@given(st.floats(0.01, 100), st.floats(-5, 0.49), st.floats(0.01, 20), st.booleans())
def test_circles_that_touch_a_switch(radius: float, log_angle: float, steep: float, beyond: bool):
    """The share of a circle beyond a line, however little of it that is."""
    angle = 10**log_angle
    at, share = math.cos(angle), angle / math.pi
    line = f"{steep if beyond else -steep!r}*(0.6*x1 + 0.8*x2 - {at * radius!r})"
    found = Circles(GateFormula(_gate(f"expr:where({line} > 0, 1, 0)"))).means(np.array([radius])).value[0, 0]
    # The line's distance is known to 16 digits, the square of a small angle with it.
    assert found == pytest.approx(share if beyond else 1 - share, abs=1e-12 + 1e-15 / angle)


def test_spherical_bessel_functions_are_those_of_scipy():
    x = np.concatenate([[0.0, 1e-12, 1e-3, math.pi, 2 * math.pi], np.geomspace(1e-6, 400, 4001)])
    expected = spherical_jn(np.arange(16)[:, None], x)
    assert _spherical_bessel(x) == pytest.approx(expected, rel=1e-11, abs=1e-8)
    assert np.abs(_spherical_bessel(x) - expected)[:, x > 1e-3].max() < 1e-14


@settings(max_examples=25, deadline=None)
@given(st.floats(-3, 3), st.floats(0.1, 3), st.floats(-2, 2), st.sampled_from(["tanh", "relu", "hardtanh"]))
def test_functions_of_one_combination_of_pieces_are_those_of_one(a: float, b: float, shift: float, name: str):
    text = f"expr:where({a!r}*x1 + {shift!r} > {b!r}*x2, {name}(x1*{a!r} - x2*{b!r}), 0.3*({b!r}*x2 - {a!r}*x1))"
    ridge, circles = moments(text), RadialGate(Circles(GateFormula(_gate(text))))
    assert isinstance(ridge, RidgeGate)
    for kind in KINDS:
        expected = circles.at(kind, 0.7)
        assert ridge.at(kind, 0.7) == pytest.approx(expected, rel=1e-8, abs=1e-9 * circles.at("second", 0.7))
    assert ridge.slope_each(0.7) == pytest.approx(circles.slope_each(0.7), rel=1e-8, abs=1e-12)
