"""What the kernel can train; all else goes to the reference engine."""

from __future__ import annotations

from trainability.activations import Activation, choose, is_elementwise
from trainability.engine.interface import Program

OPTIMIZERS = frozenset({
    "sgd", "momentum", "nesterov", "sign_sgd", "adagrad", "adadelta", "rmsprop", "adam", "adamw", "adamax", "nadam",
    "amsgrad", "adabelief", "yogi", "lion",
})  # fmt: skip
LOSSES = frozenset({"bce", "cross_entropy", "hinge", "squared_hinge", "mse", "mae", "huber", "log_cosh"})
SCHEDULES = frozenset({"constant", "linear", "cosine", "exponential", "step", "warmup", "warmup_cosine"})


def missing(program: Program) -> str:
    """The first thing of `program` that the kernel does not know, in words, or ``""`` if it knows all."""
    network = program.network
    for text in (network.activation, network.output):
        if not _covers(choose(text).entry):
            return f"the activation {text}"
    for kind, name, known in (
        ("loss", program.loss, LOSSES),
        ("optimiser", program.optimizer, OPTIMIZERS),
        ("schedule", program.schedule, SCHEDULES),
    ):
        if name not in known:
            return f"the {kind} {name}"
    if network.norm != "none":
        return "normalisation"
    return "dropout" if program.dropout else ""


def _covers(activation: Activation) -> bool:
    return is_elementwise(activation) and not (activation.by_hand or activation.learned or activation.random)
