"""Composite Gauss–Legendre quadrature on panels that are halved until the function is resolved on each.

On a panel the function is sampled at 16 nodes. How fast its Legendre coefficients fall tells whether 16 are enough; a
panel on which they do not fall is halved. A kink ends in panels as narrow as the floating point allows.
SciPy's `quad` is the twin that the tests hold this against; it is a hundred times slower for a family of integrals.
"""

from __future__ import annotations

from collections.abc import Callable

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


def nodes_of(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """The nodes of panels from `low` to `high` (…,): shape (…, ORDER)."""
    return (0.5 * (low + high))[..., None] + (0.5 * (high - low))[..., None] * NODES


def weights_of(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """The weights that belong to `nodes_of`."""
    return (0.5 * (high - low))[..., None] * WEIGHTS


def tails(values: np.ndarray) -> np.ndarray:
    """The larger of the last two Legendre coefficients of `values` (…, ORDER) on each panel."""
    return np.abs(values @ TO_COEFFICIENTS[-2:].T).max(axis=-1)


def refine(
    function: Callable[[np.ndarray], np.ndarray],
    edges: np.ndarray,
    tolerance: float,
    floor: Callable[[np.ndarray], np.ndarray | float],
    what: str,
) -> tuple[np.ndarray, np.ndarray]:
    """Edges between which `function` is resolved, and which of the panels are not although they are narrowest.

    Args:
        function: x of any shape to values of shape (functions, *x.shape): all of them are to be resolved.
        edges: ascending, at least two.
        tolerance: a panel is resolved when its last coefficients are below this share of its largest value, …
        floor: … or below this: a function of the panels' distance from 0, a number or (functions, panels).
        what: the function's name, for the error.

    Returns:
        (edges, stuck) with `stuck` bool of shape (panels,). A panel with a value that is not finite is not refined.

    Raises:
        SpecError: more than `MOST_PANELS` panels are needed.
    """
    low, high = edges[:-1], edges[1:]
    done_low, done_high, done_stuck = [], [], []
    count = 0
    while low.size:
        middle, half = 0.5 * (low + high), 0.5 * (high - low)
        at = function(middle[:, None] + half[:, None] * WITH_ENDS)
        values = at[..., :ORDER]
        sizes = np.abs(at).max(axis=-1)
        finite = np.isfinite(sizes).all(axis=0)
        far = np.maximum(np.abs(low), np.abs(high))
        with np.errstate(invalid="ignore", over="ignore"):
            enough = np.maximum(tolerance * sizes, floor(np.minimum(np.abs(low), np.abs(high)))) + _TINY
            # What rounding x alone does to the values: near a root they are all noise, relative to themselves.
            enough = np.maximum(enough, 4 * np.finfo(float).eps * far * np.ptp(values, axis=-1) / half)
            beyond = np.abs(at[..., ORDER:] - values @ TO_ENDS.T).max(axis=-1)
            rough = ((tails(values) > enough) | (beyond > ENDS_WORSE * enough)).any(axis=0) & finite
        wide = high - low > NARROWEST * np.maximum(1.0, far)
        split = rough & wide
        done_low.append(low[~split])
        done_high.append(high[~split])
        done_stuck.append((rough & ~wide)[~split])
        count += int((~split).sum())
        low, high = low[split], high[split]
        if count + 2 * low.size > MOST_PANELS:
            raise SpecError(f"{what} is too rough or too noisy to be integrated between {edges[0]:g} and {edges[-1]:g}")
        middle = 0.5 * (low + high)
        low, high = np.concatenate([low, middle]), np.concatenate([middle, high])
    low, high, stuck = (np.concatenate(part) for part in (done_low, done_high, done_stuck))
    order = np.argsort(low)
    return np.append(low[order], high[order[-1]]), stuck[order]
