"""The phase diagram, the edge of chaos as a curve, and the correlation map as one: what the cards draw."""

from __future__ import annotations

import math

import numpy as np
import pytest

from trainability import theory
from trainability.theory.correlation import correlation_curve
from trainability.theory.variance import attractor


@pytest.mark.parametrize("text", ["tanh", "relu", "gelu", "sigmoid"])
def test_the_phase_diagram_agrees_with_single_points(text: str):
    diagram = theory.phase_diagram(text)
    assert diagram.chi_1.shape == (128, 128)
    rng = np.random.default_rng(0)
    for row, column in rng.integers(128, size=(60, 2)):
        point = attractor(text, float(diagram.sigma_w[column]) ** 2, float(diagram.sigma_b[row]) ** 2)
        assert diagram.bounded[row, column] == (point is not None)
        if point is not None and point.q:
            assert diagram.q[row, column] == pytest.approx(point.q, rel=2e-3, abs=1e-9)
            assert diagram.chi_1[row, column] == pytest.approx(point.chi_1, rel=1e-3)


@pytest.mark.parametrize("text", ["tanh", "gelu", "expr:1/(1 + exp(-50*x))", "glu"])
def test_the_edge_is_a_curve_of_critical_points(text: str):
    edge = theory.edge_of_chaos(text)
    known = np.flatnonzero((edge.sigma_b > 0.01) & (edge.sigma_b < 3))
    for i in known[:: max(1, len(known) // 6)]:
        points = theory.critical_points(text, float(edge.sigma_b[i]))
        near = min(points, key=lambda point: abs(math.log(point.q / edge.q[i])) if point.q else math.inf)
        assert near.q == pytest.approx(edge.q[i], rel=2e-2)
        assert near.sigma_w == pytest.approx(edge.sigma_w[i], rel=1e-3)
        assert near.attracts == edge.attracts[i] or near.chi_q == pytest.approx(1, abs=1e-3)


def test_no_edge_is_made_up():
    gelu = theory.edge_of_chaos("gelu")  # below its doubly critical point layers leave every point of the edge
    assert not (gelu.attracts & (gelu.sigma_b > 1e-3) & (gelu.sigma_b < 0.41)).any()
    relu = theory.edge_of_chaos("relu")
    assert (relu.sigma_w == pytest.approx(math.sqrt(2)), relu.sigma_b.max()) == (True, 0)
    log_softmax = theory.at_width("log_softmax", 64)
    for flat in (log_softmax, "binary_step", "expr:0*x"):
        assert np.isnan(theory.edge_of_chaos(flat).sigma_w).all()
    # Its slope settles with the root of the variance, which grows: there is no limit to show.
    diagram = theory.phase_diagram(log_softmax, [0.2, 1.0], [0.0, 0.5])
    assert diagram.bounded.tolist() == [[True, False]] * 2
    assert np.isfinite(diagram.chi_1).tolist() == diagram.bounded.tolist()
    assert np.isinf(theory.phase_diagram("exponential", [1.0], [0.0]).chi_1).all()
    assert theory.phase_diagram("relu", [2.0], [0.0]).chi_1[0, 0] == pytest.approx(2.0)


@pytest.mark.parametrize("text", ["tanh", "expr:where(x > 0.3, x, 0.1)", "maxout"])
def test_a_correlation_curve_is_the_map_to_three_digits(text: str):
    c = np.array([-1, -0.99, -0.7, 0, 0.4, 0.95, 1])
    exact = [theory.correlation_map(text, float(v), 1.5, 0.1, 1.0) for v in c]
    assert correlation_curve(text, c, 1.5, 0.1, 1.0) == pytest.approx(exact, abs=2e-3)


@pytest.mark.parametrize(("text", "sign"), [("expr:sin(30*x)", -1), ("expr:cos(30*x)", 1)])
def test_a_correlation_curve_of_a_fast_wave(text: str, sign: int):
    """E[sin(au) sin(av)] = ½ (exp(−a²(1 − c)) − exp(−a²(1 + c))), which Hermite's series needs 900 terms for."""
    c = np.array([-1, -0.9995, -0.99, 0, 0.99, 0.9995, 1])
    product = 0.5 * (np.exp(-900 * (1 - c)) + sign * np.exp(-900 * (1 + c)))
    exact = (1.5 * product + 0.1) / (1.5 * 0.5 + 0.1)
    assert correlation_curve(text, c, 1.5, 0.1, 1.0) == pytest.approx(exact, abs=2e-3)


def test_the_edge_of_chaos_runs_through_the_diagram():
    for sigma_b in (0.1, 0.4):
        edge = theory.critical_sigma_w("tanh", sigma_b)
        diagram = theory.phase_diagram("tanh", [edge - 0.01, edge + 0.01], [sigma_b])
        assert diagram.chaotic.tolist() == [[False, True]]
