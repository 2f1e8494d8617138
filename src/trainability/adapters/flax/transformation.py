"""Optax transformations with other settings.

Optax keeps its settings in closures. A transformation with another setting is made of the same functions over other
closures; what somebody else wrote is left as it is.
"""

from __future__ import annotations

import math
import types
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import jax.numpy as jnp
import numpy as np
import optax

from trainability.core.errors import SpecError

Change: TypeAlias = Callable[[str, str, Any], Any]
"""From a function's maker, a name in its closure and the value there to another value, or None for the same."""


def with_factor(tx: optax.GradientTransformation, factor: float) -> optax.GradientTransformation:
    """The rate times a factor: the rate itself where `optax.inject_hyperparams` manages it, else every update.

    These are the same for all rules whose update is proportional to their rate.
    """

    def change(maker: str, name: str, value: Any) -> Any:
        if name == "numeric_hps" and "learning_rate" in value:
            return {**value, "learning_rate": value["learning_rate"] * factor}
        return None

    changed = _with(tx, change)
    return optax.chain(tx, optax.scale(factor)) if changed is None else changed


def with_decay(tx: optax.GradientTransformation, known: float | None, decay: float) -> optax.GradientTransformation:
    """Another weight decay, in the place where it has one, else added to the gradient.

    Args:
        known: the present one; None for none.

    Raises:
        SpecError: it has one that cannot be changed.
    """

    def change(maker: str, name: str, value: Any) -> Any:
        if maker == "add_decayed_weights" and name == "weight_decay":
            return decay
        if name == "numeric_hps" and "weight_decay" in value:
            return {**value, "weight_decay": decay}
        return None

    changed = _with(tx, change)
    if changed is not None:
        return changed
    if known:
        raise SpecError("the weight decay of this transformation cannot be changed from outside")
    return optax.chain(optax.add_decayed_weights(decay), tx)


def without_schedule(tx: optax.GradientTransformation, steps: int) -> optax.GradientTransformation:
    """The rate kept at the highest that its schedule reaches in so many steps.

    Raises:
        SpecError: no schedule is seen.
    """

    def change(maker: str, name: str, value: Any) -> Any:
        if maker == "scale_by_schedule" and name == "step_size_fn":
            return _highest(value, steps)
        if name == "sched_hps" and "learning_rate" in value:
            scheduled = value["learning_rate"]
            schedule = getattr(scheduled, "schedule_fn", None)
            if schedule is not None:
                return {**value, "learning_rate": type(scheduled)(_highest(schedule, steps))}
        return None

    changed = _with(tx, change)
    if changed is None:
        raise SpecError("the learning rate is constant already, or its schedule cannot be seen from outside")
    return changed


def _highest(schedule: Callable[[Any], Any], steps: int) -> Callable[[Any], Any]:
    looked = np.unique(np.linspace(0, steps - 1, 64).astype(int))
    rate = max((float(schedule(step)) for step in looked), key=abs)
    return lambda count: rate


def shape(name: str, steps: int) -> Callable[[Any], Any]:
    """The factor of a schedule by step: ``cosine``, falling to 0; ``warmup``, rising over the first tenth."""
    if name == "cosine":
        return lambda step: 0.5 * (1 + jnp.cos(math.pi * jnp.minimum(1.0, step / steps)))
    return lambda step: jnp.minimum(1.0, (step + 1) / max(1, steps // 10))


def _with(tx: optax.GradientTransformation, change: Change) -> optax.GradientTransformation | None:
    """The transformation with changed closures; None where there was nothing to change."""
    made: dict[int, Any] = {}
    init, update = _rebuilt(tx.init, change, made), _rebuilt(tx.update, change, made)
    if init is tx.init and update is tx.update:
        return None
    return tx._replace(init=init, update=update)


def _rebuilt(value: Any, change: Change, made: dict[int, Any]) -> Any:
    """A function of optax's, or a tuple of such, over changed closures; itself where nothing in it changes."""
    if isinstance(value, tuple | list):
        parts = [_rebuilt(part, change, made) for part in value]
        if all(new is old for new, old in zip(parts, value, strict=True)):
            return value
        return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)
    known = isinstance(value, types.FunctionType) and value.__module__.startswith("optax.") and value.__closure__
    if not known:
        return value
    if id(value) not in made:
        made[id(value)] = value  # of a function that refers to itself
        made[id(value)] = _over(value, change, made)
    return made[id(value)]


def _over(function: types.FunctionType, change: Change, made: dict[int, Any]) -> types.FunctionType:
    maker, cells = function.__qualname__.partition(".")[0], function.__closure__ or ()
    inside: dict[str, Any] = {}
    for name, cell in zip(function.__code__.co_freevars, cells, strict=True):
        try:
            value = cell.cell_contents
        except ValueError:  # an empty cell
            continue
        other = change(maker, name, value)
        other = _rebuilt(value, change, made) if other is None else other
        if other is not value:
            inside[name] = other
    if not inside:
        return function
    names: Mapping[str, Any] = dict(zip(function.__code__.co_freevars, cells, strict=True))
    closure = tuple(types.CellType(inside[name]) if name in inside else cell for name, cell in names.items())
    copy = types.FunctionType(
        function.__code__, function.__globals__, function.__name__, function.__defaults__, closure
    )
    copy.__kwdefaults__, copy.__qualname__ = function.__kwdefaults__, function.__qualname__
    return copy
