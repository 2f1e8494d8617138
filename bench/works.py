"""What the contestants train."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from trainability.core.types import Dataset
    from trainability.sweep.plan import Cell

Parameters = list[tuple[np.ndarray, np.ndarray]]
"""Per layer the weights (networks, fan_in, fan_out) and the biases (networks, fan_out)."""

DRAWN: Final = 256
"""So many networks get weights of their own; in a larger block they repeat, which costs what others would cost."""


@dataclass(frozen=True)
class Work:
    """A classification problem and a ReLU network for it, in float32, with the problem's cross-entropy.

    Attributes:
        name: for tables.
        problem: a problem of `trainability` with labels, two classes or more.
        depth, width: hidden layers, and units of each.
        optimizer: ``adam`` (0.9, 0.999, 1e-8) or ``sgd`` (no momentum).
        lr: the learning rate.
        batch: samples a step, in an order that each network draws anew every epoch; 0 for all of them.
        init: an initialiser of the weights; the biases start at 0.
        samples, validation: rows, where the problem leaves the choice, and the share of them that is held out.
        networks: how many there are to train; None for as many as fill the time.
        seed: of the rows and of the first weights.
    """

    name: str
    problem: str
    depth: int
    width: int
    optimizer: str = "adam"
    lr: float = 0.01
    batch: int = 0
    init: str = "he_uniform"
    samples: int | None = None
    validation: float = 0.0
    networks: int | None = None
    seed: int = 0

    @functools.cached_property
    def dataset(self) -> Dataset:
        """The data as the package loads it."""
        from trainability import problems

        return problems.load(self.problem, seed=self.seed, validation=self.validation, samples=self.samples)

    @functools.cached_property
    def rows(self) -> tuple[np.ndarray, np.ndarray]:
        """The inputs (rows, features) and the targets (rows, outputs), float32: 0 and 1, for classes one-hot."""
        data = self.dataset
        y = data.y_train[:, None] if data.task == "binary" else data.y_train[:, None] == np.arange(len(data.classes))
        return data.x_train.astype(np.float32), y.astype(np.float32)

    @functools.cached_property
    def cell(self) -> Cell:
        """The one cell of the package's plan for this work."""
        from trainability.sweep import plan
        from trainability.sweep.spec import make_spec

        spec = plan.resolve(make_spec(self.settings()), self.dataset)
        return plan.cells(spec, self.dataset)[0]

    @property
    def widths(self) -> list[tuple[int, int]]:
        """(fan_in, fan_out) of every layer."""
        x, y = self.rows
        return list(itertools.pairwise([x.shape[1], *[self.width] * self.depth, y.shape[1]]))

    @property
    def step_rows(self) -> int:
        """How many samples a step takes."""
        return self.batch or len(self.rows[0])

    @property
    def numbers(self) -> int:
        """How many one network keeps in training: parameters, gradient, Adam's averages, outputs of layers."""
        parameters = sum((a + 1) * b for a, b in self.widths)
        return 4 * parameters + 2 * self.step_rows * sum(b for _, b in self.widths)

    def initial(self, networks: int, first: int = 0) -> Parameters:
        """The parameters of networks `first` and following before training: those of the package's own trials."""
        parts = _drawn(self, first, min(networks, DRAWN))
        rows = np.arange(networks) % DRAWN
        return [(w[rows], b[rows]) for w, b in parts]

    def batches(self, networks: int, first: int = 0) -> Iterator[np.ndarray]:
        """The samples of each step, (networks, batch): an incomplete batch at an epoch's end is left out."""
        generators = [np.random.default_rng([self.seed, first + i]) for i in range(networks)]
        count = len(self.rows[0]) // self.batch
        while True:
            order = np.stack([generator.permutation(len(self.rows[0])) for generator in generators])
            yield from order[:, : count * self.batch].reshape(networks, count, self.batch).swapaxes(0, 1)

    def losses(self, outputs: np.ndarray) -> np.ndarray:
        """The mean loss over all rows of every network; outputs, logits, are (networks, rows, outputs)."""
        z, y = outputs.astype(np.float64), self.rows[1]
        if y.shape[1] == 1:
            return (np.logaddexp(0, z) - z * y).mean(axis=(1, 2))
        return (np.logaddexp.reduce(z, axis=2) - (z * y).sum(axis=2)).mean(axis=1)

    def accuracy(self, outputs: np.ndarray) -> float:
        """The share of right answers to all rows, over all networks; outputs are (networks, rows, outputs)."""
        y = self.rows[1]
        if y.shape[1] == 1:
            return float(((outputs > 0) == (y > 0)).mean())
        return float((outputs.argmax(axis=2) == y.argmax(axis=1)).mean())

    def settings(self) -> dict[str, Any]:
        """The same work as settings of `trainability.compare`."""
        return {
            "problem": self.problem, "samples": self.samples, "validation": self.validation, "depth": self.depth,
            "width": self.width, "activation": "relu", "init": self.init, "bias_init": "zeros",
            "optimizer": self.optimizer, "lr": self.lr, "batch": self.batch or "full", "seed": self.seed,
        }  # fmt: skip


@functools.lru_cache(maxsize=1)
def _drawn(work: Work, first: int, networks: int) -> Parameters:
    from trainability.engine.initial import initial_parameters
    from trainability.sweep import plan

    cell = work.cell
    block = plan.Block("", cell.program, cell.steps, np.array([(0, first + i) for i in range(networks)]))
    drawn = initial_parameters(cell.program.network, plan.trials(block, (cell,), work.seed), (), "float32")
    return list(zip(drawn["weights"], drawn["biases"], strict=True))


XOR: Final = Work("xor-9x5", "xor", depth=9, width=5, init="uniform:1", networks=4096)
DIGITS: Final = Work("digits-200", "digits", depth=1, width=200, lr=0.001, batch=32, validation=0.25, networks=64)
RATES: Final = {"adam": 0.001, "sgd": 0.01}
SHAPES: Final = tuple(
    Work(f"{width}x{depth}-{rows}-{optimizer}", problem, depth, width, optimizer, lr, samples=samples)
    for width, depth, (rows, problem, samples), (optimizer, lr) in itertools.product(
        (2, 5, 8, 16, 32), (1, 4, 9), ((4, "xor", None), (32, "xor_cloud", 32)), RATES.items()
    )
)
"""Every width × depth × batch × optimiser, the batch being all rows."""
