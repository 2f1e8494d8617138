"""Gates of several pieces: sums of products by functions of one piece, and what is sampled."""

from __future__ import annotations

import math

import pytest

from trainability import theory
from trainability.theory.correlation import products
from trainability.theory.moments import moments


def test_what_is_sampled_says_how_well():
    """sin(x1·x3 + x2): cosines of a product of Gaussians, and of one beside it, are known."""
    m = moments("expr:sin(x1*x3 + x2)")
    for q in (0.01, 1.0, 3.0):
        one, two = math.exp(-2 * q) / math.sqrt(1 + 4 * q * q), 2 * q / (1 + 4 * q * q)
        exact = {
            "second": (1 - one) / 2, "growth": one * (1 + two), "mean": 0.0,
            "slope_second": (1 + 2 * q + one * (1 + two)) / 2,
        }  # fmt: skip
        for kind, value in exact.items():
            found = m.estimate(kind, q)
            assert 0 < found.error < 0.01 * (1 + q)
            assert abs(found.value - value) <= 2 * found.error
    at = products("expr:sin(x1*x3 + x2)", 1.0)
    assert at.at(1.0) == (m.at("second", 1.0), m.at("slope_second", 1.0))
    assert at.at(0.0)[0] == pytest.approx(0.0, abs=0.02)


@pytest.mark.parametrize("q", [1e-4, 0.4, 9.0])
def test_sums_of_products_are_what_their_parts_are(q: float):
    """(1 − g)·x2 + g·tanh(x3), g = sigmoid(x1), by expectations of functions of one piece."""
    m, g, tanh = moments("expr:(1 - sigmoid(x1))*x2 + sigmoid(x1)*tanh(x3)"), moments("sigmoid"), moments("tanh")
    # 1 − g(x) = g(−x).
    open_, slope = g.at("second", q), g.at("slope_second", q)
    assert m.at("second", q) == pytest.approx(open_ * (q + tanh.at("second", q)), rel=1e-11)
    each = slope * (q + tanh.at("second", q)), open_, open_ * tanh.at("slope_second", q)
    assert m.slope_each(q) == pytest.approx(each, rel=1e-11)
    growth = g.at("growth", q) * (q + tanh.at("second", q)) + open_ * (1 + tanh.at("growth", q))
    assert m.at("growth", q) == pytest.approx(growth, rel=1e-10)
    product = products("sigmoid", q).at(0.3)[0] * (0.3 * q + products("tanh", q).at(0.3)[0])
    assert m.products(q).at(0.3)[0] == pytest.approx(product, rel=1e-10)


def test_an_lstms_cell_is_critical_at_variance_0_alone():
    """Near 0 it is (x2 + x4)/2; means that vanish there must not leave rounding."""
    (point,) = theory.critical_points("expr:sigmoid(x1)*tanh(x2) + sigmoid(x3)*x4")
    assert (point.q, point.attracts) == (0.0, True)
    assert point.sigma_w == pytest.approx(math.sqrt(2), rel=1e-12)
