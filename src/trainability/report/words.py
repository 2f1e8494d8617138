"""Numbers and names as a reader wants to see them, the same on the terminal, on the page and in sentences."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import polars as pl

NOTHING: Final = "–"

# Axes whose values speak for themselves when they are the only thing that varies; an activation always does.
_NAMES: Final = ("activation", "init", "optimizer", "loss", "problem")
# One learns *at* such a number, and *with* anything else.
_SIZES: Final = ("depth", "width", "lr")


def missing(value: object) -> bool:
    """Whether `value` is None or NaN."""
    return value is None or (isinstance(value, float) and math.isnan(value))


def number(value: float | None, digits: int = 3) -> str:
    """`value` to so many significant digits: ``0.0123``, ``2.3e-5``, ``12,300``, ``∞``; a dash for None."""
    if value is None or math.isnan(value):
        return NOTHING
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if value and not 1e-4 <= abs(value) < 1e6:
        mantissa, _, exponent = f"{value:.{digits - 1}e}".partition("e")
        mantissa = mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa
        return f"{mantissa}e{int(exponent)}"
    if abs(value) >= 10 ** (digits - 1):
        return f"{value:,.0f}"
    return f"{value:.{digits}g}"


def percent(share: float | None) -> str:
    """A share in per cent without the sign: ``49``, ``98.5``, ``100``; only 0 and 1 become 0 and 100."""
    if share is None or math.isnan(share):
        return NOTHING
    if share in (0.0, 1.0):
        return f"{100 * share:.0f}"
    if 0.1 <= share <= 0.9:
        return f"{100 * share:.0f}"
    tenths = min(max(round(1000 * share), 1), 999) / 10
    return f"{tenths:.1f}".removesuffix(".0")


def whole_percent(share: float) -> str:
    """A share in whole per cent, for places without room; only 0 and 1 become 0 and 100."""
    return f"{100 * share:.0f}" if share in (0.0, 1.0) else f"{min(max(round(100 * share), 1), 99)}"


def interval(low: float | None, high: float | None) -> str:
    """Two shares as ``43 to 55 %``."""
    return f"{percent(low)} to {percent(high)} %"


def value(item: object) -> str:
    """One value of an axis."""
    if missing(item):
        return NOTHING
    if isinstance(item, bool):
        return "yes" if item else "no"
    return number(item) if isinstance(item, float) else short(str(item), 48)


def p_value(p: float) -> str:
    """A p-value as ``p = 0.012``, or ``p < 0.001`` where more digits would pretend."""
    return f"p = {number(p, 2)}" if p >= 0.001 else "p < 0.001"


def choices(fixed: Mapping[str, object]) -> str:
    """Axes with one value each, on a line: ``width 8, optimizer sgd``."""
    return ", ".join(f"{axis_label(axis)} {value(item)}" for axis, item in fixed.items())


def axis_label(axis: str) -> str:
    """An axis as a heading: ``l2``, ``learning rate``."""
    names = {"lr": "learning rate", "init": "initialiser", "norm": "normalisation", "bias_init": "bias initialiser"}
    return names.get(axis, axis.replace("_", " "))


def short(name: str, width: int = 24) -> str:
    """A name of the user's, cut in the middle if longer than `width`; never empty, no line breaks."""
    name = " ".join(name.split()) or NOTHING
    return name if len(name) <= width else f"{name[: width // 2]}…{name[-(width // 2 - 1) :]}"


def cell_name(cell: Mapping[str, Any], axes: Sequence[str]) -> str:
    """A cell inside a sentence: ``tanh at depth 9``, ``relu with loss bce``, ``relu at depth 4 with norm layer``."""
    if not axes:
        return "the network"
    if "activation" not in axes:
        return ", ".join(_words(cell, axes))
    named = dict(zip(_ordered(axes), _words(cell, axes), strict=True))
    text = named.pop("activation")
    for join, some in (
        (" at ", [word for axis, word in named.items() if axis in _SIZES]),
        (" with ", [word for axis, word in named.items() if axis not in _SIZES]),
    ):
        text += join + ", ".join(some) if some else ""
    return text


def starts_sentence(name: str, axes: Sequence[str]) -> str:
    """A cell's name with a capital, unless it starts with the name of an entry, which keeps its spelling."""
    entry = "activation" in axes or (len(axes) == 1 and axes[0] in _NAMES)
    return name if entry else name[:1].upper() + name[1:]


def cell_title(cell: Mapping[str, Any], axes: Sequence[str], width: int = 26) -> str:
    """A cell above a small picture: ``tanh · depth 9``, broken into lines of about `width` characters."""
    lines = [""]
    for word in _words(cell, axes):
        if lines[-1] and len(lines[-1]) + len(word) + 3 > width:
            lines.append(word)
        else:
            lines[-1] += f" · {word}" if lines[-1] else word
    return "\n".join(lines)


def ranked(cells: pl.DataFrame) -> pl.DataFrame:
    """The cells, best first: by solved share, fewer median steps, score, then loss; ties in grid order."""
    import polars as pl

    keys = ["solved", "median_steps", "accuracy", "final_loss"]
    return cells.sort(
        [pl.col(k).cast(pl.Float64).fill_nan(None) for k in keys],
        descending=[True, False, True, False], nulls_last=True, maintain_order=True,
    )  # fmt: skip


def levels(cells: pl.DataFrame, axis: str) -> list[Any]:
    """The values of an axis: numbers in order of size, names in the order in which the user gave them."""
    found = cells[axis].unique(maintain_order=True).to_list()
    numeric = all(isinstance(v, int | float) and not isinstance(v, bool) for v in found)
    return sorted(found) if numeric else found


def _words(cell: Mapping[str, Any], axes: Sequence[str]) -> list[str]:
    """One word group per axis: the activation first, then the depth, then the rest as they stand."""
    bare = set(_NAMES) if len(axes) == 1 else {"activation"}
    return [value(cell[a]) if a in bare else f"{axis_label(a)} {value(cell[a])}" for a in _ordered(axes)]


def _ordered(axes: Sequence[str]) -> list[str]:
    return sorted(axes, key=lambda axis: {"activation": 0, "depth": 1}.get(axis, 2))
