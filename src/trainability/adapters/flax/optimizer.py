"""What an optax transformation is set to, as far as it can be seen.

Optax keeps its settings in closures. What `optax.inject_hyperparams` manages stands in the state; the rest is read from
the closures of optax's own functions, under the names that they have there; anybody else's stay unknown.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any, Final

import jax
import numpy as np
import optax
from flax import nnx

_NAMES: Final = {
    "scale_by_adam": "adam", "scale_by_rms": "rmsprop", "scale_by_stddev": "rmsprop", "scale_by_rss": "adagrad",
    "scale_by_lion": "lion", "scale_by_adamax": "adamax", "scale_by_amsgrad": "amsgrad", "scale_by_belief": "adabelief",
    "scale_by_trust_ratio": "lamb", "scale_by_adadelta": "adadelta", "scale_by_factored_rms": "adafactor",
    "scale_by_sign": "sign_sgd", "scale_by_radam": "radam", "scale_by_yogi": "yogi", "scale_by_novograd": "novograd",
}  # fmt: skip
_CHOOSING: Final = frozenset({"partition", "multi_transform", "masked"})
"""Transformations that treat some parameters unlike others."""
_INJECTED: Final = {"learning_rate": "lr", "weight_decay": "weight_decay", "momentum": "momentum"}


def settings(optimizer: nnx.Optimizer, step: int | None = None) -> tuple[str, dict[str, float]]:
    """Name and settings by PyTorch's names: ``lr``, ``weight_decay``, ``momentum``; without what is unknown.

    Args:
        step: how many updates were made, where the optimiser object itself does not count them.
    """
    found = list(_closures(optimizer.tx.update, set()))
    parts = dict(found)
    at = step or optimizer.step.get_value()
    factors = [_number(inside.get("step_size")) for part, inside in found if part == "scale"]
    factors += [_number(inside["step_size_fn"](at)) for part, inside in found if part == "scale_by_schedule"]
    known: dict[str, float] = {"lr": -math.prod(factors)} if factors else {}
    if "add_decayed_weights" in parts:
        known["weight_decay"] = _number(parts["add_decayed_weights"].get("weight_decay"))
    if "trace" in parts:
        known["momentum"] = _number(parts["trace"].get("decay"))
    injected = _injected(optimizer)
    if "lr" in injected:  # what scales it stands around the injection
        injected["lr"] *= -known.get("lr", -1.0)
    return _name(parts), {k: v for k, v in known.items() if v == v} | injected


def name(tx: optax.GradientTransformation) -> str:
    """Of a transformation, as `settings` has it."""
    return _name(dict(_closures(tx.update, set())))


def _name(parts: Mapping[str, Mapping[str, Any]]) -> str:
    name = next((_NAMES[part] for part in parts if part in _NAMES), None)
    if name is None and parts.keys() & {"scale", "scale_by_schedule"}:
        name = "sgd"
    for part, inside in parts.items():
        if part.startswith("inject"):
            name = getattr(inside.get("inner_factory"), "__name__", name)
    if name == "adam" and "add_decayed_weights" in parts:
        name = "adamw"
    return name or "unknown"


def accumulates(optimizer: nnx.Optimizer) -> bool:
    """Whether it moves the parameters only every few steps (`optax.MultiSteps`)."""
    return any("mini_step" in path for path, _ in nnx.to_flat_state(nnx.state(optimizer.opt_state)))


def unmoved(optimizer: nnx.Optimizer, model: nnx.Module) -> set[str]:
    """Paths of the parameters that it holds and leaves where they are, as `optax.multi_transform` may be told to.

    Known by what it makes of a gradient of ones; nothing where that moves no parameter, as at the start of a warm-up.
    """
    if not _CHOOSING & dict(_closures(optimizer.tx.update, set())).keys():
        return set()

    def updates(values: Any) -> Any:
        ones = jax.tree.map(jax.numpy.ones_like, values)
        return optimizer.tx.update(ones, optimizer.tx.init(values), values)[0]

    held = nnx.as_pure(nnx.state(model, optimizer.wrt))
    try:
        moved = {
            ".".join(map(str, path)): bool((np.asarray(value) != 0).any())
            for path, value in nnx.to_flat_state(jax.jit(updates)(held))
        }
    except Exception:  # one that wants more than a gradient, such as the loss
        return set()
    return {path for path, any_of_it in moved.items() if not any_of_it} if any(moved.values()) else set()


def _injected(optimizer: nnx.Optimizer) -> dict[str, float]:
    found = {}
    for path, leaf in nnx.to_flat_state(nnx.state(optimizer.opt_state)):
        if "hyperparams" in path and path[-1] in _INJECTED:
            found[_INJECTED[str(path[-1])]] = _number(leaf.get_value())
    return found


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float | jax.Array) and jax.numpy.ndim(value) == 0 else float("nan")


def _closures(function: Any, seen: set[int]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The functions of optax that an update is made of: the maker's name, and what it was made with."""
    if id(function) in seen or not str(getattr(function, "__module__", "")).startswith("optax."):
        return
    seen.add(id(function))
    inside = {}
    code = getattr(function, "__code__", None)
    for name, cell in zip(code.co_freevars if code else (), getattr(function, "__closure__", None) or (), strict=True):
        try:
            inside[name] = cell.cell_contents
        except ValueError:  # an empty cell
            continue
    maker = getattr(function, "__qualname__", "").partition(".")[0]
    if getattr(function, "__name__", "") in ("update_fn", "update"):
        yield maker, inside
    owner = getattr(function, "__self__", None)  # of a method, as those of MultiSteps
    for value in (*inside.values(), *(vars(owner).values() if hasattr(owner, "__dict__") else ())):
        for part in value if isinstance(value, list | tuple) else (value,):
            if callable(part):
                yield from _closures(part, seen)
