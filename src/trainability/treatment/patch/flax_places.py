"""Where a Flax NNX source says what its model is and, by optax, how it trains."""

from __future__ import annotations

import ast
from typing import Final

from trainability.treatment.patch.calls import argument, given, only_settings
from trainability.treatment.patch.hidden import flat
from trainability.treatment.patch.keras_network import initializers
from trainability.treatment.patch.names import followed, path_of, written, written_beside
from trainability.treatment.patch.network import Item
from trainability.treatment.patch.numbers import multiplied, number, replaced
from trainability.treatment.patch.places import Training, only
from trainability.treatment.patch.source import Edit, NoPlace, Source

USUAL: Final = {"adam": ("adam", 0.001), "sgd": ("sgd", 0.01), "rmsprop": ("rmsprop", 0.001)}
"""Of optax, with the rates that a treatment takes; sgd with momentum 0.9."""


def activation(at: Training, value: str) -> list[Edit]:
    """Every hidden activation."""
    found, bare = at.hidden()
    if bare:
        raise NoPlace("a hidden layer stands where nothing can be put behind it")
    return flat(_swapped(at.source, item, value) for item in found)


def _swapped(source: Source, item: Item, value: str) -> list[Edit]:
    named = item.node
    if item.function:
        assert isinstance(named, ast.Call)
        if len(named.args) + len(named.keywords) > 1:
            raise NoPlace("an activation has settings of its own")
        named = named.func
    home = (path_of(source, named) or "").rpartition(".")[0]
    home = home if home in ("flax.nnx", "jax.nn") else "jax.nn"
    shown, edits = written_beside(source, named, f"{home}.{value}")
    return [*edits, Edit(source.start(named), source.end(named), shown)]


def initialize(at: Training, value: str) -> list[Edit]:
    """``kernel_init`` of every layer, and ``bias_init`` where theory draws biases."""
    return initializers(at, "flax", "kernel_init", "bias_init")


def rate(at: Training, value: float) -> list[Edit]:
    """The optimiser's ``learning_rate``, by name or place."""
    found = argument(at.optimizer, 0, "learning_rate")
    if found is None or isinstance(followed(at.source, found), ast.Call):
        raise NoPlace("the schedule sets the rate")
    return multiplied(at.source, at.handed(found), value)


def optimizer(at: Training, value: str) -> list[Edit]:
    """Another optimiser with its usual settings."""
    call = at.optimizer
    wanted, usual = USUAL[value]
    if path_of(at.source, call.func) == f"optax.{wanted}":
        return []
    shown, edits = written_beside(at.source, call.func, f"optax.{wanted}")
    edits = [*edits, Edit(at.source.start(call.func), at.source.end(call.func), shown)]
    settings = {"learning_rate": repr(usual)} | ({"momentum": "0.9"} if value == "sgd" else {})
    return edits + only_settings(at.source, call, 0, "learning_rate", settings)


def decay(at: Training, value: float) -> list[Edit]:
    """``weight_decay`` of an optimiser that has it; others decay nothing, and get a step that does before them."""
    call = at.optimizer
    found = argument(call, None, "weight_decay")
    if found is not None:
        return replaced(at.source, found, value)
    if path_of(at.source, call.func) in ("optax.adamw", "optax.lion", "optax.nadamw", "optax.adamaxw"):
        return given(at.source, call, None, "weight_decay", number(value))
    there = at.calls("optax.add_decayed_weights")
    if there:
        step = only(there, "decays of the weights")
        at.own(step)
        size = argument(step, 0, "weight_decay")
        return (
            given(at.source, step, 0, "weight_decay", number(value))
            if size is None
            else replaced(at.source, size, value)
        )
    return [] if value == 0 else _before(at, call, f"optax.add_decayed_weights({number(value)})")


def clip(at: Training, value: float) -> list[Edit]:
    """The bound of a clipping that is there, or a step that clips before the optimiser's own."""
    there = at.calls("optax.clip_by_global_norm")
    if len(there) == 1:
        bound = argument(there[0], 0, "max_norm")
        return [] if bound is None else replaced(at.source, bound, value)
    return _before(at, at.optimizer, f"optax.clip_by_global_norm({float(value)!r})")


def _before(at: Training, call: ast.Call, step: str) -> list[Edit]:
    """``optax.chain(step, …)`` around an optimiser."""
    chain, edits = written(at.source, "optax.chain", call)
    shown = step.replace("optax.", chain.removesuffix("chain"), 1)
    start, end = at.source.start(call), at.source.end(call)
    return [*edits, Edit(start, start, f"{chain}({shown}, "), Edit(end, end, ")")]


def batch(at: Training, value: float) -> list[Edit]:
    """The recipe's batch size."""
    return multiplied(at.source, at.handed(at.field("batch_size")), value, whole=True)


def epochs(at: Training, value: float) -> list[Edit]:
    """The recipe's epochs."""
    return multiplied(at.source, at.handed(at.field("epochs")), value, whole=True)
