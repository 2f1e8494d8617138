"""What a treatment may do to a recipe: a closed set of operations, each with its safety."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from trainability.core.errors import SpecError

Safety: TypeAlias = Literal["changes training", "changes the model"]
"""``changes training``: the trained model is used as before. ``changes the model``: what uses it has to change too."""


@dataclass(frozen=True)
class Kind:
    """A kind of operation.

    Attributes:
        safety: what it touches.
        values: what a random search draws from; a treatment may take others of their type.
        words: what it does, for people; ``{}`` is the value.
    """

    safety: Safety
    values: tuple[float, ...] | tuple[str, ...]
    words: str


KINDS: Final[Mapping[str, Kind]] = {
    "wiring": Kind("changes training", ("all",), "train {} parameters that the model has, in training mode"),
    "scale_inputs": Kind("changes the model", ("standardize",), "standardise the inputs by the training data"),
    "scale_targets": Kind("changes the model", ("standardize",), "standardise the targets, and turn answers back"),
    "activation": Kind(
        "changes the model", ("relu", "leaky_relu", "elu", "gelu", "silu", "tanh", "sigmoid"),
        "make {} the hidden activation",
    ),
    "output": Kind("changes the model", ("fit",), "make output activation and loss {} the targets"),
    "normalize": Kind("changes the model", ("layer", "batch"), "insert {} normalisation before the hidden activations"),
    "dropout": Kind("changes training", (0.0, 0.1, 0.3), "set the rate of dropout to {}"),
    "initialize": Kind("changes training", ("critical",), "initialise every layer at the {} gain of its activation"),
    "optimizer": Kind("changes training", ("adam", "sgd", "rmsprop"), "train with {} at its usual rate"),
    "decay": Kind("changes training", (0.0, 1e-4, 1e-2), "set weight decay to {}"),
    "rate": Kind("changes training", (0.001, 0.01, 0.1, 0.3, 3.0, 10.0, 100.0, 1000.0), "multiply the rate by {}"),
    "batch": Kind("changes training", (0.25, 4.0), "multiply the batch size by {}"),
    "epochs": Kind("changes training", (3.0, 10.0), "train {} times as many epochs"),
    "clip": Kind("changes training", (0.1, 1.0), "clip the gradient's norm at {}"),
    "schedule": Kind("changes training", ("constant", "cosine", "warmup"), "use a {} schedule of the learning rate"),
}  # fmt: skip
"""Kind to what it is, in the order in which operations are applied: a rate is multiplied after the optimiser is set."""


@dataclass(frozen=True)
class Operation:
    """One change to a recipe, such as ``Operation("rate", 10.0)``; `value` as in `KINDS`."""

    kind: str
    value: float | str

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise SpecError(f"there is no operation '{self.kind}'; there are {', '.join(KINDS)}")
        known = KINDS[self.kind].values
        if isinstance(known[0], str) and self.value not in known:
            raise SpecError(f"the operation '{self.kind}' takes {', '.join(map(str, known))}, got '{self.value}'")
        if not isinstance(known[0], str) and not (isinstance(self.value, float | int) and self.value >= 0):
            raise SpecError(f"the operation '{self.kind}' takes a number of at least 0, got '{self.value}'")

    @property
    def safety(self) -> Safety:
        return KINDS[self.kind].safety

    def __str__(self) -> str:
        value = self.value if isinstance(self.value, str) else f"{self.value:g}"
        return KINDS[self.kind].words.format(value)


def in_order(operations: tuple[Operation, ...]) -> tuple[Operation, ...]:
    """One operation of each kind, the last given, in the order in which they are applied."""
    last = {operation.kind: operation for operation in operations}
    return tuple(last[kind] for kind in KINDS if kind in last)
