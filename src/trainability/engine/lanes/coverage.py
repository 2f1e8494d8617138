"""What the kernel can train; all else goes to the reference engine."""

from __future__ import annotations

from typing import Final

from trainability.activations import Activation, choose
from trainability.engine.interface import Program
from trainability.engine.lanes.formulas import SIMPLEX

OPTIMIZERS: Final = frozenset({
    "sgd", "momentum", "nesterov", "sign_sgd", "adagrad", "adadelta", "rmsprop", "adam", "adamw", "adamax", "nadam",
    "amsgrad", "adabelief", "yogi", "radam", "lamb", "lion",
})  # fmt: skip
LOSSES: Final = frozenset({
    "bce", "cross_entropy", "hinge", "squared_hinge", "perceptron", "mse", "mae", "huber", "log_cosh",
})  # fmt: skip
SCHEDULES: Final = frozenset({"constant", "linear", "cosine", "exponential", "step", "warmup", "warmup_cosine"})
NORMALIZATIONS: Final = frozenset({"none", "batch", "layer", "rms"})
VITALS: Final = frozenset({
    "pre_activation_mean", "pre_activation_std", "activation_mean", "activation_std", "dead", "saturated",
    "gradient_rms", "correlation",
})  # fmt: skip

MOST_WEIGHTS: Final = 2**20
"""Of a network. Sixteen larger ones side by side need gigabytes, and matrix products fill a processor without that."""


def missing(program: Program, vitals: tuple[str, ...] = ()) -> str:
    """The first thing of `program` and `vitals` that the kernel does not know, in words, or ``""`` if it knows all."""
    network = program.network
    if network.weights > MOST_WEIGHTS:
        return f"networks of {network.weights:,} weights"
    for text in (network.activation, network.output):
        if not _covers(choose(text).entry):
            return f"the activation {text}"
    for kind, wanted, known in (
        ("loss", (program.loss,), LOSSES),
        ("optimiser", (program.optimizer,), OPTIMIZERS),
        ("schedule", (program.schedule,), SCHEDULES),
        ("normalisation", (network.norm,), NORMALIZATIONS),
        ("vital sign", vitals, VITALS),
    ):
        for name in wanted:
            if name not in known:
                return f"the {kind} {name}"
    return ""


def _covers(activation: Activation) -> bool:
    return activation.name in SIMPLEX or not (activation.across_units or activation.by_hand)
