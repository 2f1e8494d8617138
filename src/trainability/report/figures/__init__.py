"""The figures of a report, one file each: ``picture(record)`` draws it, or is None if it does not apply."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from trainability.core.errors import DataError, UnknownName
from trainability.report.figures import confusion, gradient, loss, regions, regression, solved, vitals
from trainability.report.inputs import RunRecord
from trainability.report.style import Picture

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# In the order of the page.
KINDS: Final[dict[str, tuple[str, Callable[[RunRecord], Picture | None]]]] = {
    "solved": ("Where it learns", solved.picture),
    "loss": ("How the loss falls", loss.picture),
    "gradient": ("How large the gradient is in each layer", gradient.picture),
    "vitals": ("Inside the networks", vitals.picture),
    "regions": ("What single networks answer", regions.picture),
    "regression": ("Predicted and true", regression.picture),
    "confusion": ("Which class is taken for which", confusion.picture),
}


def plot(record: RunRecord, kind: str = "solved") -> Figure:
    """The figure of that `kind` (a key of `KINDS`), ready to show or save.

    Raises:
        UnknownName: no figure has that name.
        DataError: the run has nothing that this figure could show.
    """
    if kind not in KINDS:
        raise UnknownName("figure", kind, KINDS)
    found = KINDS[kind][1](record)
    if found is None:
        others = [name for name, (_, draw) in KINDS.items() if name != kind and draw(record) is not None]
        hint = f"; it has {', '.join(others)}" if others else ""
        raise DataError(f"this run has nothing to draw as '{kind}'{hint}")
    return found.figure
