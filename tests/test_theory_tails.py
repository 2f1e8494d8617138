"""Where only the tails of a Gaussian pass an activation."""

from __future__ import annotations

import mpmath
import pytest

from tests import exactly
from trainability import theory
from trainability.theory.correlation import products


@pytest.mark.parametrize("name", ["softshrink", "hardshrink"])
def test_shrinkage_in_30_digits_where_only_the_tails_pass(name: str):
    """At a variance of λ²/250 all but 1e-56 of the pre-activations become 0; a difference between inputs is lost."""
    lambd, q, c = 0.5, 1e-3, 0.4
    with mpmath.workdps(exactly.DIGITS):
        h = mpmath.mpf(lambd) / mpmath.sqrt(mpmath.mpf(q))
        tau = mpmath.sqrt(1 - mpmath.mpf(c) ** 2)

        def rest(u, sign):
            """E[φ(v); v > h] given u, where v's correlation with it is ±c."""
            z = (h - sign * c * u) / tau
            mean = tau * (mpmath.npdf(z) - z * mpmath.ncdf(-z))
            return mean if name == "softshrink" else mean + h * mpmath.ncdf(-z)

        def phi(u):
            return u - h if name == "softshrink" else u

        def beyond(f):
            return 2 * q * mpmath.quad(f, [h, h + 0.1, h + 0.5, h + 2, h + 8])

        second = beyond(lambda u: phi(u) ** 2 * mpmath.npdf(u))
        product = beyond(lambda u: phi(u) * mpmath.npdf(u) * (rest(u, 1) - rest(u, -1)))
    found = products(name, q)
    assert found.second == pytest.approx(float(second), rel=1e-10)
    assert found.at(c)[0] == pytest.approx(float(product), rel=1e-10)
    point = theory.correlation_fixed_point(name, 0.5, q)
    assert (point.c, point.q) == (1.0, pytest.approx(q))
    assert 0 < point.slope < 1e-50


def test_a_threshold_that_no_pre_activation_reaches_is_no_error():
    """A typed formula has no closed form: what quadrature cannot resolve counts as the nothing that it is."""
    formula = "expr:where(x > 0.5, x - 0.5, 0)"
    point = theory.correlation_fixed_point(formula, 1.0, 1e-3)
    assert (point.c, point.q) == (1.0, pytest.approx(1e-3))
    assert theory.correlation_map(formula, 0.3, 1.0, 1e-3) == pytest.approx(1.0)
