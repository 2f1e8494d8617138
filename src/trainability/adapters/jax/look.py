"""One look at a loss function: its layers, its loss, its gradients; the training is not touched."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from trainability.adapters.jax.evaluation import Evaluated, evaluate
from trainability.adapters.jax.layers import TracedLayer, seen, traced_layers
from trainability.adapters.jax.loss import TracedLoss, traced_loss
from trainability.adapters.jax.names import LOSSES
from trainability.adapters.jax.penalty import penalized
from trainability.adapters.jax.trace import Program, program
from trainability.adapters.layer import SeenLayer
from trainability.adapters.origin import Done, first_bad
from trainability.adapters.record import Record
from trainability.core.chart import Origin


@dataclass(eq=False)
class Look:
    """What one evaluation of a loss, and its gradient, showed.

    Attributes:
        loss: the scalar.
        used: paths of the parameters and of the model's further arrays that it depends on.
        operations: names of what was done: functions that are known, else primitives.
        cut: names of trained layers whose answers did not reach it by a differentiable way, but for `stopped`.
        stopped: those that stop_gradient alone keeps from it, as one keeps a part as it is on purpose, too.
        facts: how the loss is made; a caller that knows better may write into it before `note`.
    """

    loss: float
    used: frozenset[str]
    operations: frozenset[str]
    cut: tuple[str, ...]
    stopped: tuple[str, ...]
    facts: TracedLoss
    _program: Program
    _layers: list[TracedLayer]
    _trained: frozenset[str]
    _gradients: Mapping[str, Any]
    _answers: Mapping[int, Any]
    _slopes: Mapping[int, tuple[Any, Any]]
    _before: Mapping[str, np.ndarray]

    @property
    def batch(self) -> int:
        """Samples, as the loss got them; 0 if that is not known."""
        shape = () if self.facts.output is None else self._program.shapes[self.facts.output]
        return shape[0] if shape else 0

    def value(self, number: int) -> np.ndarray:
        """What a number of `facts` stands for."""
        return np.asarray(self._program.values[number])

    @property
    def factor(self) -> float:
        """What the loss is multiplied with before it is minimised."""
        return self.facts.factor(self._program.values)

    def note(self, record: Record, step: int, inputs: bool = True, loss: bool = True) -> None:
        """Take inputs, loss, cut layers and the first number that is not finite into the record.

        To be called before the training goes on, which may take the arrays' memory. A caller that knows inputs or loss
        better leaves them out.
        """
        values = self._program.values
        fed = self.fed() if inputs else None
        if fed is not None:
            record.see_inputs(fed)
        target = self.facts.note(record.loss, values) if loss else None
        if fed is not None and target is not None:
            record.pairs.add(fed, target, record.loss.labels)
        record.penalized |= penalized(self._program)
        record.cut.update(dict.fromkeys(self.cut))
        record.unrecorded.update(dict.fromkeys(self.stopped))
        if record.origin is None and not math.isfinite(self.loss):
            record.origin = record.suspect or self._first_bad(step)
        record.suspect = self._bad_gradient(step)

    def _bad_gradient(self, step: int) -> Origin | None:
        """Which layer, the nearest to the loss, got a gradient that is not finite from a finite loss."""
        if not math.isfinite(self.loss):
            return None
        gradients = {
            layer.name: np.asarray(self._gradients[layer.parameter]).astype(float)
            for layer in self._layers if layer.parameter in self._gradients
        }  # fmt: skip
        bad = [name for name, gradient in gradients.items() if not np.isfinite(gradient).all()]
        largest = max((float(np.abs(g[np.isfinite(g)]).max(initial=0.0)) for g in gradients.values()), default=0.0)
        return Origin(bad[-1], step, "backward", max(largest, abs(self.loss))) if bad else None

    def layers(self, after: Mapping[str, Any] | None = None) -> list[SeenLayer]:
        """The layers in forward order.

        Args:
            after: the parameters after the update that followed; None where there was none.
        """
        found = []
        for layer in self._layers:
            before = self._before[layer.parameter]
            weights = (before, None) if after is None else (after[layer.parameter], before)
            trained = layer.parameter in self._trained
            gradients = (self._gradients.get(layer.parameter), self._answers.get(layer.output))
            slopes = self._slopes.get(layer.output)
            found.append(seen(layer, self._program.values, weights, gradients, slopes, trained))
        return found

    def fed(self) -> np.ndarray | None:
        """What the first parameter meets: the inputs after whatever was done to them; None for whole numbers."""
        made = self._program
        trained, given = made.reached(made.parameters.values()), made.reached(made.data)
        for equation in made.equations:
            if trained.isdisjoint(equation.inputs):
                continue
            met = [n for n in equation.inputs if n in given and n not in trained and made.shapes[n]]
            if met:
                fed = np.asarray(made.values[met[0]]) if met[0] in made.values else np.zeros(0, bool)
                return fed.astype(float) if met[0] in made.floating else fed if fed.dtype.kind in "iu" else None
        return None

    def _first_bad(self, step: int) -> Origin:
        made = self._program
        names = {layer.output: layer.name for layer in self._layers}
        known = made.floating - made.literals
        done = [
            Done(one.name, names.get(one.output), one.output, tuple(n for n in one.inputs if n in known))
            for one in made.operations
            if one.output in made.floating
        ]
        weights = {*made.parameters.values(), *made.own}
        return first_bad(done, lambda n: np.asarray(made.values[n]).astype(float), weights, LOSSES.keys(), step)


def look(
    loss: Callable[..., Any],
    parameters: Mapping[str, Any],
    data: Sequence[Any],
    trained: Collection[str],
    own: Mapping[str, Any] | None = None,
    kept: dict[Any, Callable[..., Any]] | None = None,
    first: bool = False,
) -> Look:
    """Evaluate a loss and its gradient once more, step by step, and see how it comes about.

    Args:
        loss: ``loss(parameters, *data)`` gives a scalar; pure: nothing else changes when it is called.
        parameters: path to array.
        data: of one batch: inputs, targets; arrays or trees of them.
        trained: paths of the parameters that the optimiser moves.
        own: path to further arrays of the model's that `loss` holds, such as running means: they count as no data.
        kept: what was compiled; a watch hands in the same dictionary each time, and only the first look is slow.
        first: whether the loss to be told of is the first of several that are added up.
    """
    made = program(loss, parameters, data, own or {})
    facts = traced_loss(made, first)
    found = traced_layers(made, facts.operation)
    wanted = {made.parameters[path] for path in trained} & made.floating
    evaluated = evaluate(made, found, wanted, {} if kept is None else kept)
    return looked(made, facts, found, evaluated, parameters, trained)


def looked(
    made: Program,
    facts: TracedLoss,
    layers: list[TracedLayer],
    evaluated: Evaluated,
    parameters: Mapping[str, Any],
    trained: Collection[str],
) -> Look:
    """A look at a program that was evaluated with its gradient; what has none is not in `evaluated`."""
    made.values = evaluated.values
    wanted = {made.parameters[path] for path in trained} & made.floating
    back, ahead = made.differentiable(), made.reached(wanted)
    came = back & evaluated.answers.keys()
    met = {n for equation in made.equations for n in equation.inputs}
    # Weights that come back another way are not lost, as those of a critic whose own slope is in its loss.
    found = {name for name, n in made.parameters.items() if n in back and n in evaluated.weights}
    lost = [one for one in layers if one.parameter in trained and one.output not in came and one.parameter not in found]
    stopped = made.differentiable(through_stops=True) - back
    return Look(
        loss=float(made.values[made.root]),
        used=frozenset(name for name, n in made.parameters.items() if n in met)
        | frozenset(name for n, name in made.own.items() if n in met),
        operations=frozenset(operation.name for operation in made.operations),
        cut=tuple(layer.name for layer in lost if layer.output not in stopped),
        stopped=tuple(layer.name for layer in lost if layer.output in stopped),
        facts=facts,
        _program=made,
        _layers=layers,
        _trained=frozenset(trained),
        _gradients={name: evaluated.weights[made.parameters[name]] for name in made.parameters if name in found},
        _answers={n: evaluated.answers[n] for n in came & ahead},
        _slopes=evaluated.slopes,
        _before={layer.parameter: np.array(parameters[layer.parameter]) for layer in layers},
    )
