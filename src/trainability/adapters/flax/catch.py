"""Seeing the loss function that a training step differentiates, with what it is called with."""

from __future__ import annotations

import contextlib
import functools
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import jax
from flax import nnx
from jax import core


@dataclass(frozen=True, eq=False)
class Caught:
    """A loss as a pure function, ``loss(parameters, *data)``, with its concrete arguments.

    Attributes:
        parameters, own: path in the watched model to array; `own` are its further ones, and other models'.
        data: the arrays of its arguments that are no model's.
        wanted: paths of the parameters that it is differentiated by.
        arguments: what it was called with.
    """

    loss: Callable[..., Any]
    parameters: dict[str, Any]
    own: dict[str, Any]
    data: list[Any]
    wanted: frozenset[str]
    arguments: tuple[Any, ...]


class Enough(BaseException):
    """Ends a call that was only to be seen; no handler of a user's catches it."""


See: TypeAlias = Callable[[Caught], None]


@contextlib.contextmanager
def catching(step: Callable[..., Any], names: Mapping[int, str], see: See) -> Iterator[None]:
    """While entered, `see` is told of every gradient that is taken of the watched model's parameters.

    ``nnx.grad``, ``nnx.value_and_grad`` and JAX's own are stood in for, in their modules and under whatever names the
    step's file has imported them by. A gradient inside of a compiled function has no numbers yet and is not told of.

    Args:
        names: id of an array of the model's to its path.
    """
    undo = contextlib.ExitStack()
    muted = [False]
    spaces: list[dict[str, Any]] = [nnx.__dict__, jax.__dict__, *(getattr(f, "__globals__", {}) for f in inside(step))]
    stand_ins = {
        id(original): _stand_in(original, read, names, see, muted)
        for original, read in (
            (nnx.grad, _read_modules), (nnx.value_and_grad, _read_modules), (jax.grad, _read_trees),
            (jax.value_and_grad, _read_trees),
        )
    }  # fmt: skip
    for space in spaces:
        for name, value in list(space.items()):
            if id(value) in stand_ins:
                undo.callback(space.__setitem__, name, value)
                space[name] = stand_ins[id(value)]
    with undo:
        yield


def inside(step: Any) -> Iterator[Any]:
    """A function, and those that it was made of by decorators and `functools.partial`."""
    while step is not None:
        yield step
        step = step.func if isinstance(step, functools.partial) else getattr(step, "__wrapped__", None)


def _stand_in(original: Any, read: Any, names: Mapping[int, str], see: See, muted: list[bool]) -> Any:
    signature = inspect.signature(original)

    @functools.wraps(original)
    def stand_in(*arguments: Any, **options: Any) -> Any:
        if not arguments and not options.keys() & {"f", "fun"}:  # used as a decorator
            return functools.partial(stand_in, **options)
        gradient = original(*arguments, **options)
        bound = signature.bind(*arguments, **options)
        bound.apply_defaults()
        function = bound.arguments.get("f", bound.arguments.get("fun"))

        @functools.wraps(gradient)
        def call(*args: Any, **kwargs: Any) -> Any:
            if muted[0]:
                return gradient(*args, **kwargs)
            caught = read(function, bound.arguments, args, kwargs, names)
            muted[0] = True  # NNX's gradient is made of JAX's, and so is ours
            try:
                if caught is not None and caught.wanted:
                    see(caught)
                return gradient(*args, **kwargs)
            finally:
                muted[0] = False

        return call

    return stand_in


def _read_modules(
    function: Any, options: Mapping[str, Any], args: tuple[Any, ...], kwargs: dict[str, Any], names: Mapping[int, str]
) -> Caught | None:
    """A call of an NNX gradient: arguments are modules, arrays, and trees of them."""
    graph, state = nnx.split((args, kwargs))
    leaves = nnx.to_flat_state(state)
    chosen = options["argnums"]
    filters: dict[Any, Any] = {}
    for one in chosen if isinstance(chosen, Sequence) else (chosen,):
        state_of = one if isinstance(one, nnx.DiffState) else nnx.DiffState(one, nnx.Param)
        filters[state_of.argnum % max(1, len(args))] = nnx.filterlib.to_predicate(state_of.filter)
    slots = []
    for path, leaf in leaves:
        if not isinstance(leaf, nnx.Variable):
            slots.append(_Slot(leaf, None, False, False))
            continue
        among, number, *rest = path
        differentiated = among == 0 and number in filters and filters[number](tuple(rest), leaf)
        slots.append(_Slot(leaf.get_value(), ".".join(map(str, path)), isinstance(leaf, nnx.Param), differentiated))

    def rebuilt(values: Sequence[Any]) -> tuple[Any, Any]:
        new = [
            (path, leaf.replace(value) if isinstance(leaf, nnx.Variable) else value)
            for (path, leaf), value in zip(leaves, values, strict=True)
        ]
        return nnx.merge(graph, nnx.from_flat_state(new))

    return _caught(function, options["has_aux"], slots, rebuilt, args, names)


def _read_trees(
    function: Any, options: Mapping[str, Any], args: tuple[Any, ...], kwargs: dict[str, Any], names: Mapping[int, str]
) -> Caught | None:
    """A call of one of JAX's gradients: arguments are trees of arrays, a module's state among them."""
    leaves, tree = jax.tree.flatten((args, kwargs))
    chosen = options["argnums"]
    by = [args[i] for i in (chosen if isinstance(chosen, Sequence) else (chosen,))]
    differentiated = {id(leaf) for leaf in jax.tree.leaves(by)}
    slots = [_Slot(leaf, None, id(leaf) in differentiated, id(leaf) in differentiated) for leaf in leaves]
    return _caught(function, options["has_aux"], slots, lambda values: jax.tree.unflatten(tree, values), args, names)


@dataclass(frozen=True, eq=False)
class _Slot:
    """An array of a call: its place in a model (None: in none), and whether it is trained there."""

    value: Any
    place: str | None
    parameter: bool
    differentiated: bool


def _caught(
    function: Any, has_aux: bool, slots: Sequence[_Slot], rebuilt: Any, args: tuple[Any, ...], names: Mapping[int, str]
) -> Caught | None:
    if any(isinstance(slot.value, core.Tracer) for slot in slots):
        return None
    parameters: dict[str, int] = {}
    data: list[int] = []
    own: dict[str, Any] = {}
    for number, slot in enumerate(slots):
        path = names.get(id(slot.value))
        if path is not None and slot.parameter:
            parameters[path] = number
        elif path is not None or slot.place is not None:
            own[path or f"({slot.place})"] = slot.value
        else:
            data.append(number)

    def loss(given: Mapping[str, Any], *arrays: Any) -> Any:
        values = [slot.value for slot in slots]
        for path, number in parameters.items():
            values[number] = given[path]
        for number, array in zip(data, arrays, strict=True):
            values[number] = array
        again, keywords = rebuilt(values)
        answer = function(*again, **keywords)
        return answer[0] if has_aux else answer

    return Caught(
        loss=loss,
        parameters={path: slots[number].value for path, number in parameters.items()},
        own=own,
        data=[slots[number].value for number in data],
        wanted=frozenset(path for path, number in parameters.items() if slots[number].differentiated),
        arguments=args,
    )
