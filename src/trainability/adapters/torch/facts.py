"""What is known of the numbers that went into the model and its loss, gathered over the moments."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import torch

from trainability.adapters.torch.names import ACTIVATIONS, LOSSES, PASSING
from trainability.adapters.torch.trace import Operation
from trainability.core.chart import LossFacts, TensorFacts

MOST_FEATURES: Final = 10_000
MOST_CLASSES: Final = 1000


@dataclass
class Gathered:
    """Numbers of one place of the program, of all moments together."""

    shape: tuple[int, ...] = ()
    parts: list[np.ndarray] = field(default_factory=list)

    def add(self, tensor: torch.Tensor) -> None:
        """Take in a tensor, batch first."""
        values = tensor.detach().to("cpu", torch.float64).numpy()
        if not self.parts:
            self.shape = tuple(values.shape)
        flat = values.reshape(len(values), -1) if values.ndim > 1 else values.reshape(-1, 1)
        if not self.parts or flat.shape[1] == self.parts[0].shape[1]:
            self.parts.append(flat[:1024])

    def facts(self) -> TensorFacts | None:
        """What is known by now; None if nothing came."""
        if not self.parts:
            return None
        rows = np.concatenate(self.parts)
        finite = np.isfinite(rows)
        known = rows[finite]
        small = rows.shape[1] <= MOST_FEATURES
        with np.errstate(all="ignore"):
            deviation = np.where(finite.all(axis=0), rows.std(axis=0), np.nan) if small else np.zeros(0)
        return TensorFacts(
            shape=self.shape,
            low=float(known.min()) if known.size else math.nan,
            high=float(known.max()) if known.size else math.nan,
            mean=float(known.mean()) if known.size else math.nan,
            std=float(known.std()) if known.size else math.nan,
            feature_std=deviation,
            constant=float(np.mean(deviation == 0)) if deviation.size and len(rows) > 1 else 0.0,
            bad=float(1 - finite.mean()) if rows.size else 0.0,
            whole=bool((known == np.round(known)).all()),
        )


@dataclass
class LossSeen:
    """The loss of the traced steps."""

    name: str = "custom"
    kind: Any = "unknown"
    reduction: str = "mean"
    last: str | None = None
    broadcast: bool = False
    decreasing: bool = True
    output: Gathered = field(default_factory=Gathered)
    target: Gathered = field(default_factory=Gathered)
    target_shape: tuple[int, ...] = ()
    counts: Counter[int] = field(default_factory=Counter)
    labels: bool = False

    def see(self, root: torch.Tensor, operations: list[Operation]) -> None:
        """Find the loss at the end of the operations that lead to `root`."""
        made = next((op for op in reversed(operations) if op.name in LOSSES), None)
        output, target = _arguments(made) if made else _difference(operations)
        if made:
            self.name, self.kind = LOSSES[made.name]
            self.reduction = str(made.keywords.get("reduction", "mean"))
        else:
            self.reduction = "sum" if operations and operations[-1].name == "sum" else "mean"
            self.kind = "regression" if target is not None else "unknown"
        self.decreasing = not _negated(operations, made)
        if output is None:
            return
        self.output.add(output)
        self.last = _last_activation(output, operations)
        if target is None:
            return
        self.target_shape = tuple(target.shape)
        self.labels = not target.is_floating_point()
        stretched = output.shape != target.shape and not (self.kind == "classes" and self.labels)
        self.broadcast = self.broadcast or (stretched and self.kind != "classes")
        self.target.add(target)
        if self.labels and target.numel():
            self.counts.update(int(label) for label in target.detach().reshape(-1)[:4096].tolist())

    def facts(self) -> LossFacts | None:
        """What is known by now."""
        output = self.output.facts()
        if output is None:
            return None
        return LossFacts(
            name=self.name, kind=self.kind, reduction=self.reduction, output_shape=self.output.shape,
            target_shape=self.target_shape, output=output, target=self.target.facts(), last=self.last,
            counts=dict(self.counts) if len(self.counts) <= MOST_CLASSES else {}, broadcast=self.broadcast,
            constant=self._constant(), decreasing=self.decreasing,
        )  # fmt: skip

    def _constant(self) -> float:
        """The loss of the best constant answer to the targets that were seen; of a batch, where it is a sum."""
        if not self.target.parts or self.reduction == "none":
            return math.nan
        samples = self.target.shape[0] if self.reduction == "sum" and self.target.shape else 1
        return samples * self._constant_of_one()

    def _constant_of_one(self) -> float:
        y = np.concatenate([part.reshape(len(part), -1) for part in self.target.parts])
        if self.kind == "classes" and self.labels:
            p = np.array(list(self.counts.values()), float)
            p = p[p > 0] / p.sum()
            return float(-(p * np.log(p)).sum())
        if self.kind == "binary":
            p = np.clip(y.mean(axis=0), 1e-12, 1 - 1e-12)
            return float(np.mean(-(p * np.log(p) + (1 - p) * np.log(1 - p))))
        if self.name in ("mse", "custom"):
            return float(np.mean((y - y.mean(axis=0)) ** 2))
        if self.name == "mae":
            return float(np.mean(np.abs(y - np.median(y, axis=0))))
        return math.nan


def _arguments(loss: Operation) -> tuple[torch.Tensor | None, torch.Tensor | None]:
    named = [loss.keywords.get(name) for name in ("input", "target")]
    given = [*loss.arguments[:2], *(value for value in named if value is not None)]
    tensors = [value for value in given if isinstance(value, torch.Tensor)]
    return (tensors[0] if tensors else None), (tensors[1] if len(tensors) > 1 else None)


def _difference(operations: list[Operation]) -> tuple[torch.Tensor | None, torch.Tensor | None]:
    """Output and target of a loss written by hand: the last difference of a trained and an untrained tensor."""
    for operation in reversed(operations):
        if operation.name in ("sub", "__sub__", "__rsub__", "rsub"):
            tensors = list(operation.tensors())
            trained = [t for t in tensors if t.requires_grad]
            fixed = [t for t in tensors if not t.requires_grad]
            if len(trained) == 1 and len(fixed) == 1 and fixed[0].dim() > 0:
                return trained[0], fixed[0]
    return None, None


def _negated(operations: list[Operation], loss: Operation | None) -> bool:
    """Whether the loss's sign was turned on the way to what is minimised."""
    after = operations[operations.index(loss) + 1 :] if loss else operations[-3:]
    turned = sum(operation.name in ("neg", "__neg__") for operation in after)
    return bool(loss) and turned % 2 == 1


def _last_activation(output: torch.Tensor, operations: list[Operation]) -> str | None:
    """The activation that made the loss's input, through what only reshapes."""
    wanted = id(output)
    for operation in reversed(operations):
        if id(operation.output) != wanted:
            continue
        if operation.name in ACTIVATIONS:
            return ACTIVATIONS[operation.name]
        first = next(operation.tensors(), None)
        if operation.name not in PASSING or operation.name in ("add", "add_", "__add__") or first is None:
            return None
        wanted = id(first)
    return None
