"""The works: what every contestant trains. A work is one line of `WORKS`; the first is the default."""

from __future__ import annotations

import functools
import itertools
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

Parameters = list[tuple[np.ndarray, np.ndarray]]
"""Per layer the weights (networks, fan_in, fan_out) and the biases (networks, fan_out)."""


@dataclass(frozen=True)
class Work:
    """A binary problem and a ReLU network for it, trained on all rows at every step.

    The loss is the mean cross-entropy of the logits, the optimiser Adam (0.9, 0.999, 1e-8), the weights come from
    uniform(-1, 1), the biases start at 0, all in float32.

    Attributes:
        name: what ``--work`` takes.
        problem: a binary problem of `trainability`; its number of rows is the batch.
        depth, width: hidden layers, and units of each.
        samples: rows, where the problem leaves the choice.
        lr: the learning rate.
        seed: of the rows and of the first weights.
    """

    name: str
    problem: str
    depth: int
    width: int
    samples: int | None = None
    lr: float = 0.01
    seed: int = 0

    @functools.cached_property
    def rows(self) -> tuple[np.ndarray, np.ndarray]:
        """The inputs (rows, features) and the labels 0 and 1 (rows,), float32."""
        from trainability import problems

        data = problems.load(self.problem, seed=self.seed, validation=0.0, samples=self.samples)
        return data.x_train.astype(np.float32), data.y_train.astype(np.float32)

    @property
    def widths(self) -> list[tuple[int, int]]:
        """(fan_in, fan_out) of every layer."""
        units = [self.rows[0].shape[1], *[self.width] * self.depth, 1]
        return list(itertools.pairwise(units))

    @property
    def numbers(self) -> int:
        """How many one network keeps in training: parameters, gradient, Adam's averages, outputs of layers."""
        parameters = sum((a + 1) * b for a, b in self.widths)
        return 4 * parameters + 2 * len(self.rows[1]) * sum(b for _, b in self.widths)

    def initial(self, networks: int, first: int = 0) -> Parameters:
        """The parameters of networks `first` and following before training, the same for every contestant."""
        sizes = [a * b for a, b in self.widths]
        draws = np.stack(
            [np.random.default_rng([self.seed, first + i]).uniform(-1, 1, sum(sizes)) for i in range(networks)]
        ).astype(np.float32)
        parts = np.split(draws, np.cumsum(sizes)[:-1], axis=1)
        return [
            (part.reshape(networks, a, b).copy(), np.zeros((networks, b), np.float32))
            for part, (a, b) in zip(parts, self.widths, strict=True)
        ]

    def losses(self, logits: np.ndarray) -> np.ndarray:
        """The loss of every network; logits are (networks, rows)."""
        z = logits.astype(np.float64)
        return (np.logaddexp(0, z) - z * self.rows[1]).mean(axis=1)

    def solved(self, logits: np.ndarray) -> float:
        """The share of networks that answer every row correctly; logits are (networks, rows)."""
        return float(((logits > 0) == (self.rows[1] > 0)).all(axis=1).mean())

    def settings(self) -> dict[str, Any]:
        """The same work as settings of `trainability.compare`."""
        return {
            "problem": self.problem, "samples": self.samples, "validation": 0.0, "depth": self.depth,
            "width": self.width, "activation": "relu", "init": "uniform:1", "bias_init": "zeros", "loss": "bce",
            "optimizer": "adam", "lr": self.lr, "batch": "full", "seed": self.seed,
        }  # fmt: skip


WORKS: Final = (
    Work("xor-9x5", "xor", depth=9, width=5),
    Work("xor-2x3", "xor", depth=2, width=3),
    Work("parity4-4x16", "parity:4", depth=4, width=16),
    Work("cloud64-4x32", "xor_cloud", depth=4, width=32, samples=64),
)
