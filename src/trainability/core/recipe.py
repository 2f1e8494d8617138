"""A recipe: all that is needed to train a model once more, from another seed or with something changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from trainability.core.chart import Chart
from trainability.core.errors import SpecError
from trainability.core.operation import Operation


@dataclass(frozen=True, eq=False)
class Recipe:
    """What a function of a seed returns, so that the doctor can train it; everything is new in each call.

    Attributes:
        model: a ``torch.nn.Module``, a Keras model or an ``nnx.Module``.
        loss: from answers and targets to a scalar; for Keras also a loss's name.
        optimizer: of the framework: built over the model's parameters, or a function that builds one of them
            (PyTorch), as it is compiled with (Keras), or an optax transformation or an ``nnx.Optimizer`` (Flax).
        train, validation: inputs and targets, samples first, as arrays or tensors.
        epochs, batch_size: how long, and how many samples a step.
        metric: ``accuracy``, ``r2``, or a function of answers and targets to a number of which more is better, on
            held-out samples; None for what suits the targets.
    """

    model: Any
    loss: Any
    optimizer: Any
    train: tuple[Any, Any]
    validation: tuple[Any, Any]
    epochs: int
    batch_size: int
    metric: str | Callable[[Any, Any], float] | None = None

    def __post_init__(self) -> None:
        for name in ("train", "validation"):
            pair = getattr(self, name)
            if not isinstance(pair, tuple | list) or len(pair) != 2 or not all(hasattr(part, "shape") for part in pair):
                raise SpecError(f"a recipe's {name} is a pair of arrays, inputs and targets; got {_kind(pair)}")
            inputs, targets = pair
            if not len(inputs) or len(inputs) != len(targets):
                raise SpecError(f"a recipe's {name} has {len(inputs)} inputs and {len(targets)} targets")
        for name in ("epochs", "batch_size"):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise SpecError(f"a recipe's {name} is a whole number of at least 1, got {value!r}")
        if isinstance(self.metric, str) and self.metric not in ("accuracy", "r2"):
            raise SpecError(f"a recipe's metric is 'accuracy', 'r2' or a function, got {self.metric!r}")


def _kind(value: object) -> str:
    return f"{type(value).__module__}.{type(value).__name__}"


@dataclass(frozen=True)
class Outcome:
    """What came of one training.

    Attributes:
        score: the metric on held-out samples; NaN where training broke.
        metric: ``accuracy``, ``r2`` or ``own``.
        cost: samples that went through a training step.
        planned: the same, had training not broken.
        chart: what was seen, where it was watched.
    """

    score: float
    metric: str
    cost: int
    planned: int
    chart: Chart | None = None


class Trainer(Protocol):
    """What an adapter knows of recipes: how to train one."""

    def __call__(
        self, make: Callable[[int], Recipe], operations: tuple[Operation, ...], seed: int, watch: bool = False
    ) -> Outcome:
        """Seed every generator, make the recipe of `seed`, change it by the operations, train it and score it.

        Raises:
            SpecError: an operation does not fit this recipe, as where there is no activation to replace.
        """
        ...
