"""Curves: regressions of one input, evenly spaced, with Gaussian noise on the target."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Final

import numpy as np

from trainability.problems.problem import Draw, Problem, Samples

_SAMPLES: Final = 200


def _curve(function: Callable[[np.ndarray], np.ndarray], reach: float, draw: Draw) -> Samples:
    x = np.linspace(-reach, reach, draw.samples)[:, None]
    return Samples(x, function(x) + draw.noise * draw.disturbance.standard_normal(x.shape), ("x",))


def _step(x: np.ndarray) -> np.ndarray:
    return (x >= 0).astype(np.float64)


def _line(x: np.ndarray) -> np.ndarray:
    return 2 * x + 1


def _entry(
    name: str,
    summary: str,
    function: Callable[[np.ndarray], np.ndarray],
    reach: float,
    reason: str,
    target: str = "r2>=0.95",
) -> Problem:
    return Problem(
        name=name,
        summary=summary,
        task="regression",
        target=target,
        target_reason=reason,
        make=functools.partial(_curve, function, reach),
        samples=_SAMPLES,
        noise="standard deviation added to the target",
    )


LINE = _entry(
    "line",
    "2x + 1 for x from -1 to 1",
    _line,
    1,
    "a linear network reaches 1; 5 % of the variance is left for noise up to about 0.25",
)
SQUARE = _entry(
    "square",
    "x² for x from -10 to 10",
    np.square,
    10,
    "a line reaches 0 and two ReLU units 0.988: the bend has to be learned",
)
SINE = _entry(
    "sine",
    "sin x for x from -2π to 2π",
    np.sin,
    2 * np.pi,
    "a line reaches about 0.2; every bend is needed for 0.95",
)
STEP = _entry(
    "step",
    "0 below 0 and 1 from there on, for x from -1 to 1",
    _step,
    1,
    "a line reaches 0.75; the jump cannot be exact for a continuous network, so not 1",
)
