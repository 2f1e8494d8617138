"""Watching a training step of a Flax NNX model: when to look, and what is put into the chart."""

from __future__ import annotations

import contextlib
import functools
import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
from flax import nnx

from trainability.adapters.flax.catch import Caught, Enough, catching, inside
from trainability.adapters.flax.handed import handed_back
from trainability.adapters.flax.losses import Losses
from trainability.adapters.flax.optimizer import accumulates, settings, unmoved
from trainability.adapters.jax.look import Look, look
from trainability.adapters.moments import next_moment
from trainability.adapters.record import Record
from trainability.core.chart import Chart, ParameterFacts
from trainability.core.errors import SpecError


@dataclass
class _Step:
    """A wrapped step.

    Attributes:
        compiled: whether it has to be started by itself to be seen.
        blind: whether it has nothing to do with the model.
    """

    step: Callable[..., Any]
    compiled: bool
    blind: bool = False


class Watch:
    """Watches the training of `model` while it is entered, through the step that `wrap` is given.

    At a moment the step's loss is evaluated once more beside it: a compiled step is started uncompiled on copies and
    left where it takes its gradient; of one that is not compiled the loss is seen as it goes. The step itself is done
    as ever, so that the same numbers come out, bit for bit.

    Args:
        model: the module that is trained: steps update it, or they take its state and hand back the next one.
        optimizer: what holds the parameters; None: all that the loss is differentiated by are trained.
    """

    def __init__(self, model: nnx.Module, optimizer: nnx.Optimizer | None = None):
        self.model, self.optimizer = model, optimizer
        self.record = Record("flax")
        self.losses = Losses()
        self._watching = False
        self._step, self._moment = 0, 0
        self._said: set[str] = set()
        self._kept: dict[Any, Callable[..., Any]] = {}
        self._looks: list[Look] = []
        self._failed: Exception | None = None
        self._arguments: dict[int, str] = {}
        self._states, self._answer = False, None
        self._used: set[str] = set()
        self._wanted: set[str] = set()
        self._accumulates = optimizer is not None and accumulates(optimizer)
        held = nnx.state(model, nnx.Param if optimizer is None else optimizer.wrt)
        self._held = {".".join(map(str, path)) for path, _ in nnx.to_flat_state(held)}
        if optimizer is not None:
            self._held -= unmoved(optimizer, model)

    def __enter__(self) -> Watch:
        self._watching = True
        return self

    def __exit__(self, *_: object) -> None:
        self._watching = False
        self._looks = []

    def wrap(self, step: Callable[..., Any]) -> Callable[..., Any]:
        """The training step, to be called in the loop in its place.

        Args:
            step: a function that takes a gradient of a loss of the model and updates it; compiled (``nnx.jit``) or not.
                The function that it takes the gradient with is to be made inside of it.
        """
        if not callable(step):
            raise SpecError(f"wrap takes the function that does a training step, got {type(step).__name__}")

        one = _Step(step, compiled=any(hasattr(f, "lower") for f in inside(step)))

        @functools.wraps(step, updated=())
        def watched(*args: Any, **kwargs: Any) -> Any:
            return self._done(one, args, kwargs) if self._watching and not one.blind else step(*args, **kwargs)

        return watched

    # --- while it trains

    def _done(self, one: _Step, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """A step, with a look at it where it is time."""
        surprised = any(not math.isfinite(loss) for loss in self.losses.found[-1:]) and self.record.origin is None
        due = self._step == self._moment or surprised
        wanted = due or (self.losses.settled and not self.losses.known)
        self._looks, self._failed, hidden = [], None, False
        if self.record.spoiled and not self._states:  # else weights are among the arguments
            self.record.see_batch(self._given(args, kwargs))
        before = self.losses.before((args, kwargs))
        if wanted and one.compiled:
            self._start(one.step, args, kwargs)
        if wanted and not one.compiled:
            with catching(one.step, self._names(), self._see):
                answer = one.step(*args, **kwargs)
            # If nothing was seen, its gradient is taken in a compiled function: next time it is started by itself.
            hidden = one.compiled = not self._looks and self._failed is None
            self._moment += hidden
        else:
            answer = one.step(*args, **kwargs)
        seen = self._looks[0] if self._looks else None
        if wanted and seen is None and not hidden and self._failed is None:
            self._leave(one)
            return answer
        if not hidden:
            loss, factor = (None, 1.0) if seen is None else (seen.loss, seen.factor)
            self.losses.settle(loss, answer, before, factor)
        self.losses.take(answer, before, None if seen is None else seen.loss)
        if seen is not None and due:
            try:
                self._measure(seen, answer)
            except Exception as error:  # likewise
                self._failed = error
        self._warn()
        self._answer = answer if self._states else None
        self._step += 1
        if self._step > self._moment:
            self._moment = next_moment(self._moment)
        return answer

    def _given(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[np.ndarray]:
        """The numbers that a step got beside modules and their parts."""
        leaves = jax.tree.leaves((args, kwargs), is_leaf=nnx.graphlib.is_graph_node)
        arrays = [leaf for leaf in leaves if isinstance(leaf, np.ndarray | jax.Array)]
        return [np.asarray(a).astype(float) for a in arrays if jax.numpy.issubdtype(a.dtype, jax.numpy.floating)]

    def _leave(self, one: _Step) -> None:
        """Leave a step alone that takes no gradient of this model's."""
        one.blind = True
        if not self.losses.settled:
            self.losses, self._step, self._moment = Losses(), 0, 0
        warnings.warn(
            "no gradient of this model's was seen in the wrapped step; make the gradient's function (nnx.grad, "
            "nnx.value_and_grad) inside of the step, and take it of the model that is watched",
            stacklevel=4,
        )

    def _warn(self) -> None:
        """Say, once each, what is not as it should be."""
        said = []
        if self._failed is not None:
            said.append(f"the wrapped step could not be looked at: {type(self._failed).__name__}: {self._failed}")
        if self.losses.settled and not self.losses.known:
            said.append(
                "the wrapped step does not hand back the loss that its gradient is of, so that is evaluated once more "
                "in every step, which is slow; return it from the step"
            )
        for words in said:
            if words not in self._said:
                self._said.add(words)
                warnings.warn(words, stacklevel=5)

    def _start(self, step: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """See the loss of a compiled step: start it uncompiled, on copies, and leave it at its gradient."""

        def see(caught: Caught) -> None:
            with jax.disable_jit(False):
                self._see(caught)
            raise Enough

        try:
            args, kwargs = _copied((args, kwargs))
            with catching(step, self._names(), see), jax.disable_jit():
                step(*args, **kwargs)
        except Enough:
            pass
        except Exception as error:  # training goes on; if it is the step's own mistake, the step will say so
            self._failed = error

    def look(self, batch: tuple[Any, Any], loss: Callable[[Any, Any], Any]) -> None:
        """Measure a loss of the model's answers once, in training mode, without a step; the model stays as it is."""
        inputs, targets = batch

        def answer(model: Any) -> Any:
            return jax.numpy.mean(loss(model(inputs), targets))

        def see(caught: Caught) -> None:
            self._see(caught)
            raise Enough

        copy = nnx.clone(self.model)
        copy.train()
        with contextlib.suppress(Enough), catching(answer, self._names(), see):
            nnx.grad(answer)(copy)
        if self._failed is not None:
            raise self._failed
        seen = self._looks[0]
        self.record.moment(0, seen.layers())
        self.losses.settle(seen.loss, None, ())
        self.losses.take(None, (), seen.loss)

    def _see(self, caught: Caught) -> None:
        if self._looks or self._failed is not None:
            return
        try:
            self._looks.append(self._looked(caught))
        except Exception as error:  # likewise
            self._failed = error

    def _looked(self, caught: Caught) -> Look:
        seen = look(
            caught.loss, caught.parameters, caught.data, caught.wanted & self._held, caught.own, self._kept
        )  # fmt: skip
        self._wanted |= caught.wanted
        self._used |= seen.used
        seen.note(self.record, self._step)
        for argument in caught.arguments:
            if isinstance(argument, nnx.Module):
                self._note_modules(argument, seen)
        return seen

    def _note_modules(self, model: nnx.Module, seen: Look) -> None:
        """Dropout and batch normalisation: rates, and whether they are in evaluation mode, by what was really done."""
        dropping = [(path, m) for path, m in nnx.iter_modules(model) if isinstance(m, nnx.Dropout) and m.rate > 0]
        ran = "dropout" in seen.operations
        off = [bool(module.deterministic) for _, module in dropping]
        for (path, module), still in zip(dropping, off, strict=True):
            if ran and (not still or all(off)):  # a call may say it, too
                self.record.dropout = max(self.record.dropout, float(module.rate))
            elif still:
                self.record.evaluating.add(".".join(map(str, path)))
        for path, module in nnx.iter_modules(model):
            if not isinstance(module, nnx.BatchNorm):
                continue
            name = ".".join(map(str, path))
            if f"{name}.mean" in seen.used:
                self.record.evaluating.add(name)
            elif seen.batch == 1:
                self.record.normalized_one.add(name)

    def _measure(self, seen: Look, answer: Any) -> None:
        after = {path: variable.get_value() for path, variable in self._variables()}
        if self._states or not any(id(value) not in self._arguments for value in after.values()):
            handed = handed_back(answer, {path: value.shape for path, value in after.items()})
            self._states = seen.used & self._held <= handed.keys()
            after |= handed if self._states else {}
        layers = seen.layers(after)
        if self._accumulates and all((layer.weight == layer.before).all() for layer in layers):
            layers = seen.layers()  # a step that only gathers gradients is no update
        self.record.moment(self._step, layers)
        if self.optimizer is not None:
            self.record.settings.append(settings(self.optimizer, self._step + 1 if self._states else None))

    # --- the model

    def _variables(self) -> list[tuple[str, nnx.Variable]]:
        known = nnx.to_flat_state(nnx.state(self.model))  # which holds bare arrays of the module's, too
        return [(".".join(map(str, path)), one) for path, one in known if isinstance(one, nnx.Variable)]

    def _names(self) -> dict[int, str]:
        """Id of an array of the model's to its path: of those that the last step handed back, where it does that."""
        found = {path: variable.get_value() for path, variable in self._variables()}
        if self._states:
            found |= handed_back(self._answer, {path: value.shape for path, value in found.items()})
        self._arguments = {id(value): path for path, value in found.items()}
        return self._arguments

    # --- afterwards

    def chart(self) -> Chart:
        """What was seen so far."""
        self.record.losses = self.losses.finish()
        if self.losses.unscaled:
            self.record.loss.factor = 1.0
        return self.record.chart(
            [
                ParameterFacts(
                    path, variable.get_value().size, path in self._wanted & self._held, path in self._held,
                    path in self._used,
                )
                for path, variable in self._variables()
                if isinstance(variable, nnx.Param)
            ]
        )  # fmt: skip


def _copied(arguments: Any) -> Any:
    """The arguments as a compiled step gets them: arrays of JAX's, and of objects that it may change copies."""
    leaves, tree = jax.tree.flatten(arguments, is_leaf=nnx.graphlib.is_graph_node)
    nodes = [leaf for leaf in leaves if nnx.graphlib.is_graph_node(leaf)]
    copies = iter(nnx.clone(nodes))

    def copied(leaf: Any) -> Any:
        if nnx.graphlib.is_graph_node(leaf):
            return next(copies)
        return jax.numpy.asarray(leaf) if isinstance(leaf, np.ndarray) else leaf

    return jax.tree.unflatten(tree, [copied(leaf) for leaf in leaves])
