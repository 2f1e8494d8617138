"""A Keras step on the TensorFlow backend: its batch is looked at once more, uncompiled, before the step itself."""

# TensorFlow has no wheels for every machine on which types are checked.
# pyright: reportMissingImports=false

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras.src.random.seed_generator import global_seed_generator
from tensorflow.python.eager import context

from trainability.adapters.jax.evaluation import Evaluated
from trainability.adapters.jax.layers import TracedLayer, traced_layers
from trainability.adapters.jax.look import Look, looked
from trainability.adapters.jax.loss import last_activation, traced_loss
from trainability.adapters.jax.names import ACTIVATIONS
from trainability.adapters.jax.trace import Program
from trainability.adapters.keras.again import Again
from trainability.adapters.keras.facts import of_step, parameters_of, see_layers, see_optimizer
from trainability.adapters.keras.names import FROM_LOGITS, Known
from trainability.adapters.keras.tensorflow_trace import Trace, slopes
from trainability.adapters.record import Record


class TensorflowLook(Again):
    """A step that changes variables.

    What is compiled for training stays as it is, and gets the batch that was looked at by the way by which it gets
    every other. What the look itself changed, such as running means and random states, is put back.
    """

    def __init__(self, model: Any, record: Record):
        super().__init__(model, record)
        self._losses: list[float] = []
        self._scores = False  # of the answers that went into an activation, not of what came out

    def plain(self, function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
        tracker = self.model._loss_tracker
        before = tracker.total.numpy(), tracker.count.numpy()
        try:
            logs = function(*arguments)
        except tf.errors.OutOfRangeError as error:
            raise StopIteration from error  # the epoch is over
        after = tracker.total.numpy(), tracker.count.numpy()
        self._losses.append(of_step(before, after, logs.get("loss") if isinstance(logs, dict) else None))
        return logs

    def losses(self) -> list[float]:
        found, self._losses = self._losses, []
        return found

    def watched(self, step: int, function: Callable[..., Any], arguments: tuple[Any, ...]) -> tuple[Any, bool]:
        (iterator,) = arguments
        if self.failed is not None or isinstance(iterator, tf.distribute.DistributedIterator):
            return self.plain(function, arguments), False
        batches = list(itertools.islice(iterator, self.model.steps_per_execution))
        if not batches:  # the step itself is to find that out: it moves random states on before it does
            return self.plain(function, arguments), False
        see_optimizer(self.model, self.record, lambda variable: variable.value)
        with self.harmless():
            self.resting.before(lambda variable: variable.value)
        seen = None
        if self.usual:
            with self.harmless():
                batch = keras.tree.map_structure(_tensor, batches[0])
                x, y, weights = keras.utils.unpack_x_y_sample_weight(batch)
                see_layers(self.model, self.record, len(keras.tree.flatten(x)[0]))
                seen = self._look(x, y, weights)
                self.note(seen, step, x, y)
        result = self.plain(function, (_handed_back(batches, iterator),))
        if self.failed is None:
            with self.harmless():
                self.resting.after(lambda variable: variable.value)
        if seen is not None and self.failed is None:
            with self.harmless():
                after = {name: variable.numpy() for name, variable in parameters_of(self.model).items()}
                self.record.moment(step, seen.layers(after))
        return result, True

    def known(self) -> Known:
        known = super().known()
        if known is None or not self._scores:
            return known
        # This backend takes the scores that the last activation got, whatever `from_logits` says.
        names = {scores: probabilities for probabilities, scores in FROM_LOGITS.items()}
        return names.get(known[0], known[0]), known[1]

    def _look(self, x: Any, y: Any, weights: Any) -> Look:
        model = self.model
        named = parameters_of(model)
        ids = {id(variable) for variable in named.values()}
        others = {str(i): v for i, v in enumerate(model.variables) if id(v) not in ids}
        trained = {id(v) for v in model.trainable_variables}
        trace = Trace(named, others, [part for part in keras.tree.flatten((x, y, weights)) if part is not None])
        with _as_before(model), tf.GradientTape() as tape:
            with trace.recording():
                answer = model(x, training=True) if model._call_has_training_arg else model(x)
                loss = model._compute_loss(x=x, y=y, y_pred=answer, sample_weight=weights, training=True)
            answers = keras.tree.flatten(answer)
            self._scores = hasattr(answers[0], "_keras_logits")
            made = trace.program(loss, answers)
            facts = traced_loss(made)
            if self.known() is not None:
                facts.output = made.answers[1]
                last = last_activation(facts.output, made)
                facts.last = ACTIVATIONS[last.name] if last else None
            layers = _first_of_each(traced_layers(made, facts.operation))
        wanted = {name: v for name, v in named.items() if id(v) in trained and made.parameters[name] in made.floating}
        values = {name: made.values[made.parameters[name]].numpy() for name in named}
        evaluated = _evaluated(tape, loss, made, layers, wanted)
        return looked(made, facts, layers, evaluated, values, wanted)


def _evaluated(
    tape: tf.GradientTape, loss: Any, made: Program, layers: list[TracedLayer], wanted: dict[str, Any]
) -> Evaluated:
    places = [layer.output for layer in layers]
    sources = [*(variable.value for variable in wanted.values()), *(made.values[n] for n in places)]
    numbers = [*(made.parameters[name] for name in wanted), *places]
    pairs = list(zip(numbers, tape.gradient(loss, sources), strict=True))
    weights, answers = (
        {number: np.asarray(tf.convert_to_tensor(gradient)) for number, gradient in some if gradient is not None}
        for some in (pairs[: len(wanted)], pairs[len(wanted) :])
    )
    slope = {one.output: slopes(one, made) for one in layers if one.activation}
    return Evaluated(made.values, weights, answers, slope)


def _first_of_each(layers: list[TracedLayer]) -> list[TracedLayer]:
    """A layer that is used again, as in a recurrence, counts once: at its first call, or the first with activation."""
    found: dict[str, TracedLayer] = {}
    for layer in layers:
        known = found.get(layer.parameter)
        if known is None or (known.activation is None and layer.activation is not None):
            found[layer.parameter] = layer
    return list(found.values())


@contextlib.contextmanager
def _as_before(model: Any) -> Iterator[None]:
    """Put back whatever a forward pass changes: statistics, random states, metrics."""
    state = global_seed_generator().state
    variables = [*model.non_trainable_variables, *model.metrics_variables, state]
    kept = [tf.identity(variable.value) for variable in variables]
    within: Any = context.context()
    draws: Any = within._rng
    drawn = None if draws is None else draws.getstate()
    try:
        yield
    finally:
        for variable, value in zip(variables, kept, strict=True):
            variable.value.assign(value)
        within._rng = draws
        if draws is not None:
            draws.setstate(drawn)


def _tensor(part: Any) -> Any:
    """A part of a batch as a tensor; None for an empty one."""
    return None if part is None or isinstance(part, tf.experimental.Optional) else tf.convert_to_tensor(part)


def _handed_back(batches: list[Any], iterator: Any) -> Any:
    """What gives the batches that were taken, in the form in which the compiled step knows its iterator."""
    if not isinstance(iterator, tf.data.Iterator):
        return itertools.chain(batches, iterator)
    made = [tf.data.Dataset.from_tensors(batch) for batch in batches]
    whole = made[0]
    for one in made[1:]:
        whole = whole.concatenate(one)
    variant = tf.data.experimental.to_variant(whole)
    return iter(tf.data.experimental.from_variant(variant, iterator.element_spec))
