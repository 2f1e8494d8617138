"""Composite Gauss–Legendre quadrature on panels that are halved until the function is resolved on each.

On a panel the function is sampled at 16 nodes. How fast its Legendre coefficients fall tells whether 16 are enough; a
panel on which they do not fall is halved. A kink ends in panels as narrow as the floating point allows.
SciPy's `quad` is the twin that the tests hold this against; it is a hundred times slower for a family of integrals.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from trainability.core.errors import SpecError

ORDER = 16
NODES, WEIGHTS = np.polynomial.legendre.leggauss(ORDER)
_VANDERMONDE = np.polynomial.legendre.legvander(NODES, ORDER - 1)

TO_COEFFICIENTS = (_VANDERMONDE * WEIGHTS[:, None] * (np.arange(ORDER) + 0.5)).T
"""(ORDER, ORDER): from values at the nodes to Legendre coefficients."""

_ENDS = np.array([-1 + 1e-6, 1 - 1e-6])
WITH_ENDS = np.concatenate([NODES, _ENDS])
"""The nodes and the ends: a jump between a panel's last node and the next panel's first would be seen by neither."""
TO_ENDS = np.polynomial.legendre.legvander(_ENDS, ORDER - 1) @ TO_COEFFICIENTS
"""(2, ORDER): from values at the nodes to what their polynomial is at the panel's ends."""

ENDS_WORSE = 1e3
"""How much worse the polynomial may be at the ends than its last coefficients are."""
_TINY = 1e-280

NARROWEST = 1e-13
"""No panel is made narrower than this, relative to 1 or to where it lies."""

MOST_PANELS = 6_000

_FALLS, _GENERATIONS = 0.1, 3
"""What counts as noise: coefficients that do not fall to a tenth when a panel is halved, nor when its halves are, …"""

_MOST_NOISE, _FEW, _NOISE_COUNTS = 1e-4, 1e-9, 4.0
"""… and that are small, or on a panel so narrow; a panel may then be wrong by so many times its coefficients."""


def nodes_of(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """The nodes of panels from `low` to `high` (…,): shape (…, ORDER)."""
    return (0.5 * (low + high))[..., None] + (0.5 * (high - low))[..., None] * NODES


def weights_of(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """The weights that belong to `nodes_of`."""
    return (0.5 * (high - low))[..., None] * WEIGHTS


def tails(values: np.ndarray) -> np.ndarray:
    """The larger of the last two Legendre coefficients of `values` (…, ORDER) on each panel."""
    return np.abs(values @ TO_COEFFICIENTS[-2:].T).max(axis=-1)


@dataclass(frozen=True)
class Refined:
    """Panels between which functions are resolved, as far as they can be.

    Attributes:
        edges: ascending, shape (panels + 1,).
        loss: what share of a function's size on a panel may be wrong, shape (functions, panels): 0 where it is
            resolved, 1 where the narrowest panel does not resolve it, between where rounding or noise hides it.
        whole: whether the panels go as far as was asked.
    """

    edges: np.ndarray
    loss: np.ndarray
    whole: bool

    @property
    def stuck(self) -> np.ndarray:
        """Which panels do not resolve a function although they are the narrowest: bool, shape (panels,)."""
        return np.asarray((self.loss >= 1).any(axis=0))


def refine(
    function: Callable[[np.ndarray], np.ndarray],
    edges: np.ndarray,
    tolerance: float,
    floor: Callable[[np.ndarray], np.ndarray | float],
    what: str,
) -> tuple[np.ndarray, np.ndarray]:
    """(edges, stuck) of `refined`, where that goes as far as is asked.

    Args:
        what: the function's name, for the error.

    Raises:
        SpecError: more than `MOST_PANELS` panels are needed.
    """
    found = refined(function, edges, tolerance, floor, what, least=math.inf)
    return found.edges, found.stuck


def refined(
    function: Callable[[np.ndarray], np.ndarray],
    edges: np.ndarray,
    tolerance: float,
    floor: Callable[[np.ndarray], np.ndarray | float],
    what: str,
    least: float,
) -> Refined:
    """Panels between which `function` is resolved; fewer than asked for where it is too rough far out.

    Args:
        function: x of any shape to values of shape (functions, *x.shape): all of them are to be resolved.
        edges: ascending, at least two.
        tolerance: a panel is resolved when its last coefficients are below this share of its largest value, …
        floor: … or below this: a function of the panels' distance from 0, a number or (functions, panels).
        what: the function's name, for the error.
        least: the distance from 0 up to which it must be resolved.

    Returns:
        Panels; one with a value that is not finite is not halved.

    Raises:
        SpecError: more than `MOST_PANELS` panels are needed for the distance `least`.
    """
    low, high = edges[:-1], edges[1:]
    before = flat = None
    done: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    count, reach = 0, math.inf
    while low.size:
        middle, half = 0.5 * (low + high), 0.5 * (high - low)
        at = function(middle[:, None] + half[:, None] * WITH_ENDS)
        values, ends = at[..., :ORDER], at[..., ORDER:]
        finite, pole = np.isfinite(values).all(axis=(0, 2)), ~np.isfinite(ends).all(axis=-1)
        ends = np.where(np.isfinite(ends), ends, 0.0)
        sizes = np.maximum(np.abs(values).max(axis=-1), np.abs(ends).max(axis=-1))
        far, near = np.maximum(np.abs(low), np.abs(high)), np.minimum(np.abs(low), np.abs(high))
        with np.errstate(invalid="ignore", over="ignore"):
            nominal = np.maximum(tolerance * sizes, floor(near)) + _TINY
            # What rounding x alone does to the values: near a root they are all noise, relative to themselves.
            enough = np.maximum(nominal, 4 * np.finfo(float).eps * far * np.ptp(values, axis=-1) / half)
            beyond = np.abs(ends - values @ TO_ENDS.T).max(axis=-1)
            last = tails(values)
            rough = ((last > enough) | (beyond > ENDS_WORSE * enough) | pole) & finite
            flat = _flat(last, before, flat)
            noisy = (
                rough
                & ~pole
                & (beyond <= ENDS_WORSE * last)
                & (flat >= _GENERATIONS)
                & ((last <= _MOST_NOISE * sizes) | (high - low < _FEW * far))
            )
            left = np.where(last > nominal, np.minimum(_NOISE_COUNTS * last / sizes, 1.0), 0.0)
            loss = np.where(rough & ~noisy, 1.0, np.where(finite, left, 0.0))
        split = (rough & ~noisy).any(axis=0) & (high - low > NARROWEST * np.maximum(1.0, far))
        done.append((low[~split], high[~split], loss[:, ~split]))
        count += int((~split).sum())
        low, high, near, far, last, flat = (part[..., split] for part in (low, high, near, far, last, flat))
        if low.size and count + 2 * low.size > MOST_PANELS:
            # Where it is rough everywhere, half of what is left is given up, and half again.
            reach = float(np.median(near))
            if reach < least:
                raise SpecError(
                    f"{what} is too rough or too noisy to be integrated between {edges[0]:g} and {edges[-1]:g}"
                )
            keep = far <= reach
            low, high, last, flat = (part[..., keep] for part in (low, high, last, flat))
            done = [_within(part, reach) for part in done]
            count = sum(part[0].size for part in done)
        middle = 0.5 * (low + high)
        low, high = np.concatenate([low, middle]), np.concatenate([middle, high])
        before, flat = np.concatenate([last, last], axis=-1), np.concatenate([flat, flat], axis=-1)
    nothing = (np.empty(0), np.empty(0), np.empty((1, 0)))
    low, high, loss = (np.concatenate(part, axis=-1) for part in zip(*done or [nothing], strict=True))
    if not low.size:
        return Refined(edges[:0], loss, False)
    order = np.argsort(low)
    return Refined(np.append(low[order], high[order[-1]]), loss[:, order], math.isinf(reach))


def _flat(last: np.ndarray, before: np.ndarray | None, flat: np.ndarray | None) -> np.ndarray:
    """For how many generations halving has helped neither half, of each function and panel.

    Halving leaves a kink in one half, and makes what is smooth smoother; noise alone stays in both.
    """
    if before is None or flat is None:
        return np.zeros(last.shape, dtype=int)
    same = last > _FALLS * before
    half = last.shape[-1] // 2
    both = same[..., :half] & same[..., half:]
    return np.where(np.concatenate([both, both], axis=-1), flat + 1, 0)


def _within(part: tuple[np.ndarray, np.ndarray, np.ndarray], reach: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    low, high, loss = part
    keep = np.maximum(np.abs(low), np.abs(high)) <= reach
    return low[keep], high[keep], loss[:, keep]
