"""P16's networks: the notes' first, the five changes, and what the loss of every step says of one of them."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from trainability.core.types import Dataset
from trainability.lab.phenomenon import Setting
from trainability.lab.text import Text, same

BASE: Final[dict[str, Any]] = {
    "hidden": "200", "init": "torch", "batch": 1, "epochs": 3, "activation": "sigmoid", "loss": "mse",
    "output": "sigmoid", "optimizer": "sgd", "lr": 0.01, "norm": "none",
}  # fmt: skip
CHANGES: Final[dict[str, tuple[Text, dict[str, Any]]]] = {
    # On logits, with the sigmoid inside the loss: the same function, without its overflow.
    "bce": (Text("binary cross-entropy", "이진 교차 엔트로피"), {"loss": "bce", "output": "identity"}),
    "leaky": (same("leaky ReLU"), {"activation": "leaky_relu:0.02"}),
    "adam": (same("Adam"), {"optimizer": "adam"}),
    "rate": (Text("rate 0.001", "학습률 0.001"), {"lr": 0.001}),
    "layer": (Text("layer normalisation", "층 정규화"), {"norm": "layer"}),
}
"""Changing to Adam with its usual rate changes two things, method and rate: here each is a change of its own."""
NOTES: Final[dict[str, tuple[Text, tuple[str, ...]]]] = {
    "base": (Text("the notes' first network", "노트의 처음 망"), ()),
    "bce": (CHANGES["bce"][0], ("bce",)),
    "leaky": (CHANGES["leaky"][0], ("leaky",)),
    "adam": (Text("Adam, rate 0.001", "Adam, 학습률 0.001"), ("adam", "rate")),
    "layer": (CHANGES["layer"][0], ("layer",)),
    "all": (Text("all together", "모두 함께"), tuple(CHANGES)),
}
"""The notes' six networks as combinations of the five changes."""
WATCHED: Final = 8
"""So many seeds of the first network and of that with cross-entropy have the loss of every step kept."""
WINDOW: Final = 100
"""Steps whose mean is taken for the loss at a time: of a single image it is noise."""
NUMBER: Final = 19
FOUR: Final = 4
ENOUGH: Final = 0.5


def settings(changes: tuple[str, ...]) -> dict[str, Any]:
    """The settings of `compare` for a network with these changes."""
    return {**BASE, **{key: value for name in changes for key, value in CHANGES[name][1].items()}}


def watch(
    setting: Setting, problem: str, samples: int | None, data: Dataset, changes: tuple[str, ...]
) -> tuple[np.ndarray, np.ndarray]:
    """The loss of every step, shape (seeds, steps), and the first seed's answers to the held-out image (classes,)."""
    from trainability.engine.answers import answers
    from trainability.engine.reference.trace import trace
    from trainability.sweep import plan
    from trainability.sweep.spec import make_spec

    seeds = min(WATCHED, setting.seeds) if len(changes) < 2 and set(changes) <= {"bce"} else 1
    asked = make_spec(
        {"problem": problem, "samples": samples, "seeds": seeds, "seed": setting.seed, **settings(changes)}
    )
    spec = plan.resolve(asked, data)
    grid = plan.cells(spec, data)
    block = plan.blocks(grid, seeds)[0]
    losses, final = trace(block.program, plan.trials(block, grid, setting.seed), data, block.steps)
    first = {name: [part[0] for part in parts] for name, parts in final.items() if name != "running"}
    x = data.x_validation[place(data)][None]
    return losses, answers(block.program, first, grid[0].numbers, x)[0]


def place(data: Dataset) -> int:
    """Which held-out image is shown: number 19, or where that is not of class 4 the next that is."""
    fours = np.flatnonzero(data.y_validation == FOUR)
    later = fours[fours >= NUMBER]
    return int(next(iter([*later, *fours]), min(NUMBER, len(data.y_validation) - 1)))


def smoothed(losses: np.ndarray) -> np.ndarray:
    """Means over `WINDOW` steps from the first whole window on: (trials, steps) to (trials, windows)."""
    sums = np.cumsum(np.pad(losses, ((0, 0), (1, 0))), axis=1, dtype=float)
    width = min(WINDOW, losses.shape[1])
    return (sums[:, width:] - sums[:, :-width]) / width


def half_way(losses: np.ndarray) -> np.ndarray:
    """How many steps the smoothed loss takes for half of its way from the first value to its least, shape (trials,)."""
    mean = smoothed(losses)
    middle = (mean[:, :1] + mean.min(axis=1, keepdims=True)) / 2
    return (mean <= middle).argmax(axis=1) + 1.0


def last_third(losses: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and deviation of the losses of the last third of the steps (the last of three epochs), each (trials,)."""
    end = losses[:, -(losses.shape[1] // 3) :]
    return end.mean(axis=1), end.std(axis=1)


def steps_to(marks: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """The first checkpoint with half of the answers right, or inf; shape (trials,)."""
    enough = scores >= ENOUGH
    return np.where(enough.any(axis=1), np.maximum(marks[enough.argmax(axis=1)], 1), np.inf)
