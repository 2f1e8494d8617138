"""Sets in the plane: those of TensorFlow Playground, with its formulas, and two more.

Noise of the playground's sets is its slider over 100: from 0 to 0.5 there.
Reference: https://github.com/tensorflow/playground/blob/master/src/dataset.ts
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from trainability.core.catalogue import Parameter
from trainability.problems.problem import Draw, Problem, Samples

_REFERENCE: Final = "TensorFlow Playground, src/dataset.ts"
_PLANE: Final = ("x", "y")
_SAMPLES: Final = 200
_LABEL_NOISE: Final = "labels are those of a point moved by up to ±{} · noise in x and in y"


def _halves(samples: int) -> tuple[int, int]:
    """How many samples each of two classes gets."""
    return samples - samples // 2, samples // 2


def _classes(x: np.ndarray, y: np.ndarray) -> Samples:
    return Samples(x, y.astype(np.int64), _PLANE, ("0", "1"))


def _moved(x: np.ndarray, draw: Draw, reach: float) -> np.ndarray:
    return x + draw.disturbance.uniform(-reach, reach, x.shape) * draw.noise


def _circle(draw: Draw) -> Samples:
    inside, outside = _halves(draw.samples)
    r = draw.points
    radius = np.concatenate([r.uniform(0, 2.5, inside), r.uniform(3.5, 5, outside)])
    angle = r.uniform(0, 2 * np.pi, draw.samples)
    x = np.stack([radius * np.sin(angle), radius * np.cos(angle)], axis=1)
    return _classes(x, np.hypot(*_moved(x, draw, 5).T) < 2.5)


def _gauss(draw: Draw) -> Samples:
    y = np.repeat([1, 0], _halves(draw.samples))
    # The playground maps noise 0 … 0.5 to a variance of 0.5 … 4.
    deviation = math.sqrt(0.5 + 7 * draw.noise)
    return _classes(np.where(y == 1, 2, -2)[:, None] + deviation * draw.points.standard_normal((draw.samples, 2)), y)


def _spiral(draw: Draw) -> Samples:
    arms = []
    for count, start in zip(_halves(draw.samples), (0, np.pi), strict=True):
        along = np.arange(count) / count
        angle = 3.5 * np.pi * along + start
        arms.append(5 * along[:, None] * np.stack([np.sin(angle), np.cos(angle)], axis=1))
    return _classes(_moved(np.concatenate(arms), draw, 1), np.repeat([1, 0], _halves(draw.samples)))


def _moons(draw: Draw) -> Samples:
    first, second = (np.linspace(0, np.pi, count) for count in _halves(draw.samples))
    x = np.concatenate(
        [
            np.stack([np.cos(first), np.sin(first)], axis=1),
            np.stack([1 - np.cos(second), 0.5 - np.sin(second)], axis=1),
        ]
    )
    x = x + draw.noise * draw.disturbance.standard_normal(x.shape)
    return _classes(x, np.repeat([0, 1], _halves(draw.samples)))


def _xor_cloud(draw: Draw) -> Samples:
    x = draw.points.uniform(-5, 5, (draw.samples, 2))
    x += np.where(x > 0, 0.3, -0.3)
    return _classes(x, np.prod(_moved(x, draw, 5), axis=1) >= 0)


def _blobs(draw: Draw, k: float) -> Samples:
    count = int(k)
    y = np.arange(draw.samples) % count
    angle = 2 * np.pi * np.arange(count) / count
    centres = 4 * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    # 0.15 of the distance between neighbours: the nearest centre is right for 99.9 % of points without noise.
    deviation = 0.15 * 8 * math.sin(math.pi / count)
    x = centres[y] + deviation * draw.points.standard_normal((draw.samples, 2))
    x = x + draw.noise * draw.disturbance.standard_normal(x.shape)
    return Samples(x, y.astype(np.int64), _PLANE, tuple(str(i) for i in range(count)))


def _plane(draw: Draw) -> Samples:
    x = draw.points.uniform(-6, 6, (draw.samples, 2))
    return Samples(x, _moved(x, draw, 6).sum(axis=1, keepdims=True) / 10, _PLANE)


def _multigauss(draw: Draw) -> Samples:
    centres = np.array([(cx, cy) for cx in (-4, 0, 4) for cy in (2.5, -2.5)])
    signs = np.array([1, -1, -1, 1, 1, -1])
    x = draw.points.uniform(-6, 6, (draw.samples, 2))
    distance = np.linalg.norm(_moved(x, draw, 6)[:, None] - centres, axis=2)
    height = np.clip(1 - distance / 2, 0, 1)
    nearest = distance.argmin(axis=1)
    return Samples(x, (signs[nearest] * height[np.arange(len(x)), nearest])[:, None], _PLANE)


CIRCLE = Problem(
    name="circle",
    summary="a disc of radius 2.5 inside a ring from 3.5 to 5",
    task="binary",
    target="accuracy>=0.95",
    target_reason="a gap separates the classes; 5 % is left for held-out points at its edge",
    make=_circle,
    samples=_SAMPLES,
    noise=_LABEL_NOISE.format(5),
    reference=_REFERENCE,
)
GAUSS = Problem(
    name="gauss",
    summary="two Gaussian clouds at (2, 2) and (-2, -2)",
    task="binary",
    target="accuracy>=0.95",
    target_reason="the clouds overlap in 3 of 100,000 points without noise, in 8 of 100 at noise 0.5",
    make=_gauss,
    samples=_SAMPLES,
    noise="adds 7 · noise to the clouds' variance of 0.5",
    reference=_REFERENCE,
)
SPIRAL = Problem(
    name="spiral",
    summary="two interleaved spirals of 1¾ turns",
    task="binary",
    target="accuracy>=0.9",
    target_reason="11 training points per quarter turn: those held out between them are partly a guess",
    make=_spiral,
    samples=_SAMPLES,
    noise="moves points by up to ±noise in x and in y",
    reference=_REFERENCE,
)
MOONS = Problem(
    name="moons",
    summary="two interleaved half circles of radius 1",
    task="binary",
    target="accuracy>=0.95",
    target_reason="the half circles do not touch; 5 % is left for noise up to about 0.2",
    make=_moons,
    samples=_SAMPLES,
    noise="standard deviation added to x and to y",
    reference="scikit-learn, make_moons",
)
XOR_CLOUD = Problem(
    name="xor_cloud",
    summary="four squares in the quadrants, labelled by the sign of x · y",
    task="binary",
    target="accuracy>=0.95",
    target_reason="a gap of 0.6 separates the quadrants; 5 % is left for points at its edge",
    make=_xor_cloud,
    samples=_SAMPLES,
    noise=_LABEL_NOISE.format(5),
    reference=_REFERENCE,
)
BLOBS = Problem(
    name="blobs",
    summary="k Gaussian clouds on a circle of radius 4, one class each",
    task="classes",
    parameters=(Parameter("k", 3, low=2, high=20, integer=True, doc="classes"),),
    target="accuracy>=0.95",
    target_reason="the nearest centre is right for 99.9 % of points without noise",
    make=_blobs,
    samples=_SAMPLES,
    noise="standard deviation added to x and to y",
)
PLANE = Problem(
    name="plane",
    summary="the plane (x + y) / 10",
    task="regression",
    target="r2>=0.95",
    target_reason="a linear network reaches 1; 5 % of the variance is left for noise",
    make=_plane,
    samples=_SAMPLES,
    noise=_LABEL_NOISE.format(6).replace("labels", "targets"),
    reference=_REFERENCE,
)
MULTIGAUSS = Problem(
    name="multigauss",
    summary="six cones of height ±1 and radius 2 with alternating sign",
    task="regression",
    target="r2>=0.9",
    target_reason="a good fit to 375 training points reaches 0.96 held out, to 150 only 0.8",
    make=_multigauss,
    samples=500,
    noise=_LABEL_NOISE.format(6).replace("labels", "targets"),
    reference=_REFERENCE,
    aliases=("multi_gaussian",),
)
