"""What happens inside: vital signs by layer and step, in the best and in the worst cell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from trainability.report.gather import history, mean, trials_of
from trainability.report.inputs import RunRecord, shown_note
from trainability.report.style import SHARES, Picture, drawing, new_figure
from trainability.report.words import cell_title, ranked


@dataclass(frozen=True)
class _Sign:
    name: str
    title: str
    low: float = 0.0


_SIGNS: Final = (
    _Sign("correlation", "correlation of two inputs", -1.0),
    _Sign("dead", "dead units, share"),
    _Sign("saturated", "saturated units, share"),
)


def picture(record: RunRecord) -> Picture | None:
    """Heat maps of layer by step, means over the trials: a row for the best cell and one for the worst."""
    import matplotlib
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    ordered = ranked(record.cells).rows(named=True)
    cells = ordered[:1] + ordered[1:][-1:]
    found = {}
    for cell in cells:
        rows = trials_of(record.trials, cell["cell"])
        for sign in _SIGNS:
            steps, values = history(rows, sign.name)
            averages = mean(values)
            if averages.ndim == 2 and np.isfinite(averages).any():
                found[cell["cell"], sign.name] = steps, averages
    signs = [s for s in _SIGNS if any((c["cell"], s.name) in found for c in cells)]
    if not signs:
        return None
    with drawing():
        figure = new_figure(0.6 + 1.9 * len(cells), 10.0 if len(signs) > 1 else 5.5)
        grid = figure.subplots(len(cells), len(signs), squeeze=False)
        colours = matplotlib.colormaps[SHARES]
        for j, sign in enumerate(signs):
            low = min((np.nanmin(v) for (_, name), (_, v) in found.items() if name == sign.name), default=0.0)
            norm = Normalize(sign.low if low < -0.05 else 0.0, 1.0)
            for i, cell in enumerate(cells):
                axes = grid[i, j]
                if (cell["cell"], sign.name) not in found:
                    axes.text(0.5, 0.5, "nothing finite", transform=axes.transAxes, ha="center", va="center")
                    axes.set(xticks=[], yticks=[])
                    continue
                steps, values = found[cell["cell"], sign.name]
                axes.imshow(
                    colours(norm(np.ma.masked_invalid(values.T))),
                    aspect="auto",
                    origin="lower",
                    interpolation="none",
                )
                _ticks(axes, steps, values.shape[1])
                if i == len(cells) - 1:
                    axes.set_xlabel("step")
                if j == 0:
                    head = ("best: " if i == 0 else "worst: ") if len(cells) > 1 else ""
                    axes.set_ylabel(f"{head}{cell_title(cell, record.axes, 20)}\nlayer".lstrip("\n"))
            grid[0, j].set_title(sign.title)
            figure.colorbar(ScalarMappable(norm, colours), ax=list(grid[:, j]), fraction=0.05, pad=0.02)
    pair = "the best cell above, the worst below" if len(cells) > 1 else "the mean over its trials"
    caption = (
        f"Inside the networks, {pair}, layers upwards and steps to the right: a correlation near 1 "
        f"means that "
        "two different inputs look alike to that layer, dead units answer nothing to every input, and "
        f"saturated units sit on a flat end.{shown_note(record)}"
    )
    return Picture(figure, caption, "Heat maps of vital signs by layer and step for the best and the worst cell.")


def _ticks(axes: Any, steps: np.ndarray, layers: int) -> None:
    places = np.unique(np.linspace(0, len(steps) - 1, 5).round().astype(int))
    axes.set_xticks(places, [f"{steps[p]:,}" for p in places])
    rows = range(layers - 1, -1, -max(1, -(-layers // 6)))
    axes.set_yticks(rows, [str(r + 1) for r in rows])
