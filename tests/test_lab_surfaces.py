"""Loss surfaces of two weights: PyTorch walks the same paths over them, and the holes are what they are said to be."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from trainability.lab.phenomena import optimizers
from trainability.lab.surfaces import DRAWN, Surface, descend

TORCH: dict[str, Any] = {
    "sgd": lambda w, rate: torch.optim.SGD([w], rate),
    "momentum": lambda w, rate: torch.optim.SGD([w], rate, momentum=0.9),
    "adam": lambda w, rate: torch.optim.Adam([w], rate),
}
SURFACES = [optimizers.hole(0.5), optimizers.ravine(100, np.pi / 4)]


def _torch_loss(surface: Surface, w: torch.Tensor) -> torch.Tensor:
    a, centre = torch.from_numpy(surface.matrix), torch.tensor(surface.centre, dtype=torch.float64)
    return 0.5 * w @ a @ w - surface.depth * torch.exp(-((w - centre) ** 2).sum() / (2 * surface.width**2))


@pytest.mark.parametrize("method", optimizers.METHODS)
def test_pytorch_walks_the_same_path(method: str) -> None:
    start, rates, steps = np.array([[5.0, 1.0]]), np.array([0.02, 0.3]), 120
    walked = descend(method, SURFACES, rates, start, steps)
    for i, (surface, rate) in enumerate(zip(SURFACES, rates, strict=True)):
        w = torch.tensor(start[0], requires_grad=True)
        optimizer, path = TORCH[method](w, float(rate)), [start[0]]
        for _ in range(steps):
            optimizer.zero_grad()
            _torch_loss(surface, w).backward()
            optimizer.step()
            path.append(w.detach().numpy().copy())
        np.testing.assert_allclose(walked.paths[i, 0], path, rtol=0, atol=1e-6)
        np.testing.assert_array_equal(walked.final[i, 0], walked.paths[i, 0, -1])


def test_the_goal_is_the_step_from_which_the_loss_stays_low() -> None:
    starts = np.array([[4.0, 3.0], [0.5, -4.0]])
    surfaces, rates = [optimizers.ravine(10, 0.3)] * 3, np.array([0.01, 0.5, 4.0])
    found = descend("momentum", surfaces, rates, starts, 200, goal=1e-2)
    assert found.paths.shape == (3, min(2, DRAWN), 201, 2)
    for i in range(3):
        for j in range(2):
            loss = surfaces[i](found.paths[i, j])
            outside = np.flatnonzero(~(loss <= 1e-2 * loss[0]))
            wanted = outside[-1] + 1 if outside[-1] < 200 else np.inf
            assert found.hit[i, j] == wanted
    assert np.isinf(found.hit).any()
    assert np.isfinite(found.hit).any()


@pytest.mark.parametrize("depth", [d for d in optimizers.HOLES if d >= 0.2])
def test_holes_are_minima_but_not_the_lowest_ones(depth: float) -> None:
    axis = np.stack([np.linspace(-1, 8, 9001), np.zeros(9001)], axis=1)
    loss = optimizers.hole(depth)(axis)
    minima = axis[1:-1, 0][(loss[1:-1] < loss[:-2]) & (loss[1:-1] < loss[2:])]
    np.testing.assert_allclose(minima, [0.0, 4.0], atol=0.25)
    assert abs(axis[loss.argmin(), 0]) < 0.01


@given(st.floats(1, 1e4), st.floats(-4, 4), st.tuples(st.floats(-5, 5), st.floats(-5, 5)))
def test_turning_a_ravine_keeps_its_curvatures(steep: float, angle: float, at: tuple[float, float]) -> None:
    turned, plain = Surface((1 / steep, 1.0), angle), Surface((1 / steep, 1.0))
    np.testing.assert_allclose(np.linalg.eigvalsh(turned.matrix), [1 / steep, 1.0], atol=1e-12)
    c, s = np.cos(angle), np.sin(angle)
    np.testing.assert_allclose(turned(np.array([[c, -s], [s, c]]) @ at), plain(np.array(at)), atol=1e-9)
