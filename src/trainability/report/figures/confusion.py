"""Which class is taken for which."""

from __future__ import annotations

from typing import Final

import numpy as np

from trainability.core.records import portrait_points
from trainability.report.figures.answers import decide, portraits
from trainability.report.inputs import RunRecord
from trainability.report.style import SHARES, Picture, drawing, ink_on, new_figure
from trainability.report.words import short

_MOST_WITH_NUMBERS: Final = 12
_MOST_CLASSES: Final = 40
_FEWEST_SAMPLES: Final = 10


def picture(record: RunRecord) -> Picture | None:
    """A confusion matrix per portrait; each row shows the share of a true class's samples."""
    import matplotlib

    data, found = record.dataset, portraits(record)
    classes = len(data.classes)
    _, labels, source = portrait_points(data)
    if data.task == "regression" or not found or classes > _MOST_CLASSES or len(labels) < _FEWEST_SAMPLES:
        return None
    labels = labels.reshape(-1).astype(int)
    colours = matplotlib.colormaps[SHARES]
    with drawing():
        figure = new_figure(2.9 if classes <= 6 else 3.4, {1: 3.6, 2: 6.4, 3: 8.6}.get(len(found), 10.0))
        grid = figure.subplots(1, len(found), squeeze=False, sharey=True)[0]
        for axes, portrait in zip(grid, found, strict=True):
            decided = decide(portrait.answers)
            counts = np.zeros((classes, classes), int)
            known = decided >= 0
            np.add.at(counts, (labels[known], decided[known]), 1)
            share = counts / np.maximum(np.bincount(labels, minlength=classes), 1)[:, None]
            axes.imshow(colours(share), aspect="equal", interpolation="none")
            if classes <= _MOST_WITH_NUMBERS:
                for (i, j), count in np.ndenumerate(counts):
                    axes.text(
                        j,
                        i,
                        f"{count}",
                        ha="center",
                        va="center",
                        fontsize=8 if classes <= 6 else 6,
                        color=ink_on(colours(float(share[i, j]))),
                    )
            names = [short(name) for name in data.classes]
            axes.set_xticks(range(classes), names, rotation=90 if max(map(len, names)) > 3 else 0)
            axes.set_yticks(range(classes), names)
            axes.set_title(portrait.title, fontsize=8.5)
            axes.set_xlabel("predicted class")
        grid[0].set_ylabel("true class")
    which = "held-out" if source == "validation" else "training"
    caption = (
        f"Confusion matrix of single networks on {which} samples: a row is a true class and the "
        f"numbers count "
        "samples; what lies off the diagonal is mistaken, and one full column is a network that always names "
        "the same class."
    )
    return Picture(figure, caption, "Confusion matrices of typical solved and failed networks.")
