"""A training step that is compiled once for all trainings whose programs are the same."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import jax
from flax import nnx
from jax import core

MOST: Final = 64
"""Programs that are kept."""
_KEPT: dict[str, Callable[[Sequence[Any], Sequence[Any]], list[Any]]] = {}
"""Text of a program to the program, of its constants and its arguments: the oldest goes first."""


class Compiled:
    """A step of a model, its optimiser and a batch, which updates both and answers the loss.

    ``nnx.jit`` compiles anew for every transformation and every function that a model holds, and a treatment trains
    dozens of models that differ in their numbers alone. Here two programs of the same text are the same.
    """

    def __init__(self, step: Callable[..., Any]):
        self.__wrapped__ = step
        self._made: dict[Any, tuple[Callable[..., Any], Sequence[Any], Any]] = {}

    def __call__(self, model: nnx.Module, optimizer: nnx.Optimizer, x: Any, y: Any) -> Any:
        if jax.config.jax_disable_jit:  # pyright: ignore[reportAttributeAccessIssue]
            return self.__wrapped__(model, optimizer, x, y)
        graph, state = nnx.split((model, optimizer))
        function, constants, tree = self.lower(graph, state, x, y)
        answers = function(constants, jax.tree.leaves((state, x, y)))
        loss, after = jax.tree.unflatten(tree, answers)
        nnx.update((model, optimizer), after)
        return loss

    @contextlib.contextmanager
    def many(self, model: nnx.Module, optimizer: nnx.Optimizer) -> Iterator[Callable[[Any, Any], Any]]:
        """A function of a batch that takes a step; model and optimiser learn of all of them at the end.

        Taking a model apart and putting it together takes longer than a step of a small one.
        """
        graph, state = nnx.split((model, optimizer))
        leaves, tree = jax.tree.flatten(state)
        made: dict[Any, tuple[Callable[..., Any], Sequence[Any], Any]] = {}

        def step(x: Any, y: Any) -> Any:
            nonlocal leaves
            key = x.shape, y.shape
            if key not in made:
                made[key] = self.lower(graph, jax.tree.unflatten(tree, leaves), x, y)
            function, constants, _ = made[key]
            loss, *leaves = function(constants, [*leaves, x, y])
            return loss

        yield step
        nnx.update((model, optimizer), jax.tree.unflatten(tree, leaves))

    def lower(self, graph: Any, state: Any, x: Any, y: Any) -> tuple[Callable[..., Any], Sequence[Any], Any]:
        """The program of these arguments, its constants, and the tree of its answers."""
        key = graph, x.shape, y.shape
        if key not in self._made:

            def pure(state: Any, x: Any, y: Any) -> Any:
                both = nnx.merge(graph, state)
                loss = self.__wrapped__(*both, x, y)
                return loss, nnx.state(both)

            closed, shapes = jax.make_jaxpr(pure, return_shape=True)(state, x, y)
            self._made[key] = _kept(closed.jaxpr), closed.consts, jax.tree.structure(shapes)
        return self._made[key]


def _kept(jaxpr: Any) -> Callable[[Sequence[Any], Sequence[Any]], list[Any]]:
    made = jax.jit(lambda constants, arguments: core.eval_jaxpr(jaxpr, constants, *arguments))
    if _holds_arrays(jaxpr):
        return made
    if len(_KEPT) >= MOST:
        del _KEPT[next(iter(_KEPT))]
    return _KEPT.setdefault(str(jaxpr), made)


def _holds_arrays(jaxpr: Any) -> bool:
    """Whether a function that it calls closes over arrays, which its text does not show."""
    for equation in jaxpr.eqns:
        for value in equation.params.values():
            for part in value if isinstance(value, tuple | list) else (value,):
                inner = getattr(part, "jaxpr", part)  # of a closed one
                if hasattr(inner, "eqns") and (getattr(part, "consts", ()) or _holds_arrays(inner)):
                    return True
    return False
