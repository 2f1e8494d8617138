"""A few trials watched at every step: the loss of each batch as training sees it, and the weights at the end."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from trainability.activations import choose
from trainability.core import random
from trainability.core.types import Dataset
from trainability.engine.columns import counted
from trainability.engine.initial import initial_parameters, learned_places
from trainability.engine.interface import Program, Trials
from trainability.engine.reference import train
from trainability.engine.reference.forward import Noise, forward
from trainability.engine.reference.run import arrays_of


def trace(program: Program, trials: Trials, data: Dataset, steps: int) -> tuple[np.ndarray, dict[str, Any]]:
    """The loss of every step's batch before that step, shape (trials, steps), and the final parameters.

    First weights, batches and steps are those of `ReferenceEngine.run`; parameters have the leading axis trials. The
    target and early stopping are left out.
    """
    trials = counted(program, trials, data)
    learned = learned_places(choose(program.network.activation).entry)
    streams = (random.Stream.ORDER, random.Stream.DROPOUT, random.Stream.ACTIVATION)
    total = jnp.int32(steps)

    def one(parameters: Any, numbers: Any, keys: Any, arrays: train.Data) -> Any:
        first = train.start(program, parameters, numbers, len(arrays.train.x), total)
        epoch = len(arrays.train.x) // program.batch if program.batch else steps
        epochs = jnp.arange(-(-steps // epoch), dtype=jnp.int32)
        orders = jax.vmap(lambda number: train.shuffle(first, keys, number).order)(epochs)

        def step(state: train.State, count: Any) -> Any:
            state = state._replace(order=orders[count // epoch])
            batch = train.take_batch(program, state, count, arrays.train)
            noise = Noise(keys.dropout, keys.activation, count)
            outputs, _, _ = forward(
                program, state.parameters, numbers, state.running, batch.x, training=True, noise=noise
            )
            loss = jnp.mean(train.per_sample(program, numbers, outputs, batch.y))
            return train.step(program, state, numbers, keys, count, total, arrays), loss

        last, losses = jax.lax.scan(step, first, jnp.arange(steps, dtype=jnp.int32))
        return losses, {**last.parameters, "running": last.running}

    with jax.enable_x64(program.dtype == "float64"):
        host = initial_parameters(program.network, trials, learned, program.dtype)
        numbers = {name: jnp.asarray(values, program.dtype) for name, values in trials.numbers.items()}
        keys = jax.tree.map(jnp.asarray, train.Keys(*(random.trial_key(trials.seed, trials.trial, s) for s in streams)))
        run = jax.jit(jax.vmap(one, in_axes=(0, 0, 0, None)))
        losses, final = run(jax.tree.map(jnp.asarray, host), numbers, keys, arrays_of(program, data))
    return np.asarray(losses), jax.tree.map(np.asarray, final)
