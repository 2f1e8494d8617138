"""One training step, one check of the target and one measurement, each of one trial."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Bool, Float, Int

from trainability.core import random
from trainability.core.records import vital_rows
from trainability.engine.interface import Measures, Program
from trainability.engine.reference.forward import Noise, forward, layer_views
from trainability.losses import LOSSES, boundary
from trainability.optimizers import OPTIMIZERS
from trainability.schedules import SCHEDULES

CHUNK = 4096
"""Samples that are evaluated at once; bounds the memory of an evaluation over a large data set."""


class State(NamedTuple):
    """A trial in training. Steps count from 0; −1 stands for never.

    Attributes:
        parameters: what is learned.
        optimizer: optax's state.
        running: batch normalisation's running (mean, variance) of each hidden layer.
        order: the samples' order in the running epoch, int32.
        alive: whether it still trains.
        first_step: first step at which the target held.
        nan_step: the step that became non-finite.
        stop_step: the step at which early stopping ended it.
        best, waited: lowest validation loss so far and epochs since.
    """

    parameters: Any
    optimizer: Any
    running: Any
    order: Int[Array, " samples"]
    alive: Bool[Array, ""]
    first_step: Int[Array, ""]
    nan_step: Int[Array, ""]
    stop_step: Int[Array, ""]
    best: Float[Array, ""]
    waited: Int[Array, ""]


class Samples(NamedTuple):
    """Inputs (samples, features) and encoded targets (samples, outputs), shared by all trials."""

    x: Float[Array, "samples inputs"]
    y: Float[Array, "samples outputs"]


class Data(NamedTuple):
    """What is trained on and what is held out, with what R² divides by (0 for labels)."""

    train: Samples
    validation: Samples
    train_spread: Float[Array, ""]
    validation_spread: Float[Array, ""]


class Keys(NamedTuple):
    """A trial's keys, each two uint32 scalars."""

    order: random.Words
    dropout: random.Words
    activation: random.Words


def optimizer(program: Program, numbers: Any, total: Any) -> optax.GradientTransformation:
    """The trial's optimiser with its schedule over `total` steps."""
    entry, schedule = OPTIMIZERS[program.optimizer], SCHEDULES[program.schedule]

    def rate(count: Any) -> Any:
        return numbers["rate"] * factor(program, numbers, count, total, schedule)

    return entry.make(rate, *(numbers["optimizer"][i] for i in range(len(entry.parameters))))


def factor(program: Program, numbers: Any, count: Any, total: Any, schedule: Any) -> Any:
    """The schedule's factor on the rate after `count` of `total` steps."""
    progress = count.astype(program.dtype) / total.astype(program.dtype)
    return schedule.factor(progress, *(numbers["schedule"][i] for i in range(len(schedule.parameters))))


def start(program: Program, parameters: Any, numbers: Any, samples: int, total: Any) -> State:
    """The state of a trial before its first step."""
    never = jnp.int32(-1)
    units = [b.shape for b in parameters["biases"][:-1]] if program.network.norm == "batch" else []
    running = [(jnp.zeros(s, program.dtype), jnp.ones(s, program.dtype)) for s in units]
    return State(
        parameters=parameters,
        optimizer=optimizer(program, numbers, total).init(parameters),
        running=running,
        order=jnp.arange(samples if program.batch else 0, dtype=jnp.int32),
        alive=jnp.bool_(True),
        first_step=never,
        nan_step=never,
        stop_step=never,
        best=jnp.asarray(jnp.inf, program.dtype),
        waited=jnp.int32(0),
    )


def per_sample(
    program: Program,
    numbers: Any,
    outputs: Float[Array, "samples outputs"],
    targets: Float[Array, "samples outputs"],
) -> Float[Array, " samples"]:
    """The loss of each sample."""
    entry = LOSSES[program.loss]
    return entry.function(outputs, targets, *(numbers["loss"][i] for i in range(len(entry.parameters))))


def penalty(program: Program, numbers: Any, parameters: Any) -> Float[Array, ""]:
    """λ₁ Σ|w| + λ₂ Σw² over the weight matrices, as Keras' regularisers have it."""
    total = jnp.zeros((), program.dtype)
    for w in parameters["weights"]:
        if program.l1:
            total += numbers["l1"] * jnp.sum(jnp.abs(w))
        if program.l2:
            total += numbers["l2"] * jnp.sum(jnp.square(w))
    return total


def step(program: Program, state: State, numbers: Any, keys: Keys, count: Any, total: Any, data: Data) -> State:
    """One step of one trial: a batch, its gradient, an update. A trial that has ended stays as it is."""
    batch = take_batch(program, state, count, data.train)
    noise = Noise(keys.dropout, keys.activation, count)

    def objective(parameters: Any) -> Any:
        outputs, running, _ = forward(program, parameters, numbers, state.running, batch.x, training=True, noise=noise)
        loss = jnp.mean(per_sample(program, numbers, outputs, batch.y))
        return loss + penalty(program, numbers, parameters), running

    (loss, running), gradient = jax.value_and_grad(objective, has_aux=True)(state.parameters)
    if program.clip:
        norm = optax.tree.norm(gradient)
        shrink = jnp.minimum(1.0, numbers["clip"] / jnp.maximum(norm, jnp.finfo(program.dtype).tiny))
        gradient = jax.tree.map(lambda g: g * shrink, gradient)
    with jax.numpy_dtype_promotion("standard"):  # optax raises its traced decay rates to a whole-numbered count
        updates, memory = optimizer(program, numbers, total).update(gradient, state.optimizer, state.parameters)
    parameters: Any = optax.apply_updates(state.parameters, updates)
    if program.decay:
        shrunk = numbers["decay"] * numbers["rate"]
        shrunk = shrunk * factor(program, numbers, count, total, SCHEDULES[program.schedule])
        old = state.parameters["weights"]
        parameters["weights"] = [w - shrunk * o for w, o in zip(parameters["weights"], old, strict=True)]

    finite = jnp.isfinite(loss)
    for leaf in jax.tree.leaves(parameters):
        finite &= jnp.all(jnp.isfinite(leaf))
    go = state.alive & finite
    keep = lambda new, old: jnp.where(go, new, old)  # noqa: E731
    return state._replace(
        parameters=jax.tree.map(keep, parameters, state.parameters),
        optimizer=jax.tree.map(keep, memory, state.optimizer),
        running=jax.tree.map(keep, running, state.running),
        alive=go,
        nan_step=jnp.where(state.alive & ~finite, count + 1, state.nan_step),
    )


def shuffle(state: State, keys: Keys, epoch: Any) -> State:
    """A new order of the samples for an epoch: sorted by one random word each."""
    minor = jnp.arange(len(state.order), dtype=jnp.uint32)
    word, _ = random.threefry(keys.order, (jnp.full_like(minor, epoch.astype(jnp.uint32)), minor))
    return state._replace(order=jnp.argsort(word, stable=True).astype(jnp.int32))


def take_batch(program: Program, state: State, count: Any, train: Samples) -> Samples:
    """The samples of step `count`; the incomplete batch at an epoch's end is left out."""
    if not program.batch:
        return train
    first = (count % (len(train.x) // program.batch)) * program.batch
    chosen = jax.lax.dynamic_slice(state.order, (first,), (program.batch,))
    return Samples(train.x[chosen], train.y[chosen])


def evaluate(
    program: Program, state: State, numbers: Any, samples: Samples, spread: Float[Array, ""]
) -> tuple[Float[Array, ""], Float[Array, ""]]:
    """Mean loss and score over all samples, as the network answers in use (no dropout, running statistics).

    The score is the number of right labels, for a regression R² over all targets together.
    """
    count = len(samples.x)
    if count == 0:
        nothing = jnp.asarray(jnp.nan, program.dtype)
        return nothing, nothing

    def sums(x: Any, y: Any, real: Any) -> tuple[Any, Any]:
        outputs, _, _ = forward(program, state.parameters, numbers, state.running, x, training=False, noise=None)
        loss = per_sample(program, numbers, outputs, y)
        return jnp.sum(jnp.where(real, loss, 0.0)), jnp.sum(jnp.where(real, credit(program, outputs, y), 0.0))

    if count <= CHUNK:
        loss, credits = sums(samples.x, samples.y, jnp.ones(count, bool))
    else:
        chunks = -(-count // CHUNK)
        fill = chunks * CHUNK - count
        x = jnp.pad(samples.x, ((0, fill), (0, 0))).reshape(chunks, CHUNK, -1)
        y = jnp.pad(samples.y, ((0, fill), (0, 0))).reshape(chunks, CHUNK, -1)
        real = (jnp.arange(chunks * CHUNK) < count).reshape(chunks, CHUNK)
        loss, credits = (jnp.sum(part) for part in jax.lax.map(lambda part: sums(*part), (x, y, real)))
    # Right labels stay a count: XLA divides by a constant as a product with its inverse, and 41 · (1/41) is below 1.
    return loss / count, credits if program.labels else 1.0 - credits / spread


def credit(
    program: Program, outputs: Float[Array, "samples outputs"], targets: Float[Array, "samples outputs"]
) -> Float[Array, " samples"]:
    """Per sample: 1 for a right label and 0 for a wrong one; for a regression the squared error."""
    if not program.labels:
        return jnp.sum(jnp.square(outputs - targets), axis=1)
    if outputs.shape[1] == 1:
        return ((outputs > boundary(LOSSES[program.loss])) == (targets > 0.5)).all(axis=1).astype(program.dtype)
    return (jnp.argmax(outputs, axis=1) == jnp.argmax(targets, axis=1)).astype(program.dtype)


def check(program: Program, state: State, numbers: Any, count: Any, data: Data) -> State:
    """At an epoch's end: has the target been reached, has the validation loss stopped falling?"""
    target = program.target
    split, kind = target.metric.split("_")
    used = (data.train, data.train_spread) if split == "train" else (data.validation, data.validation_spread)
    loss, score = evaluate(program, state, numbers, *used)
    value = loss if kind == "loss" else score
    holds = value >= numbers["threshold"] if target.at_least else value <= numbers["threshold"]
    first = state.alive & holds & (state.first_step < 0)
    state = state._replace(first_step=jnp.where(first, count, state.first_step))
    if not program.patience:
        return state
    held_out, _ = evaluate(program, state, numbers, data.validation, data.validation_spread)
    better = held_out < state.best
    waited = jnp.where(better, 0, state.waited + 1)
    ended = state.alive & (waited >= numbers["patience"].astype(jnp.int32))
    return state._replace(
        best=jnp.where(better, held_out, state.best),
        waited=waited,
        alive=state.alive & ~ended,
        stop_step=jnp.where(ended, count, state.stop_step),
    )


def measure(
    program: Program, state: State, numbers: Any, data: Data, measures: Measures
) -> tuple[Float[Array, " scores"], Float[Array, "layers vitals"]]:
    """The four scores and the vital signs of one trial as it stands."""
    scores = (
        *evaluate(program, state, numbers, data.train, data.train_spread),
        *evaluate(program, state, numbers, data.validation, data.validation_spread),
    )
    rows = vital_rows(len(data.train.x))
    some = Samples(data.train.x[rows], data.train.y[rows])

    def objective(parameters: Any) -> Any:
        outputs, _, layers = forward(program, parameters, numbers, state.running, some.x, training=True, noise=None)
        return jnp.mean(per_sample(program, numbers, outputs, some.y)), layers

    gradient, layers = jax.grad(objective, has_aux=True)(state.parameters)
    views = layer_views(program, state.parameters, numbers, layers, gradient["weights"])
    return jnp.stack(scores), jnp.stack([measures.function(view, jnp) for view in views])
