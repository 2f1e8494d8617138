"""JAX as its users write it: one network's training as a `lax.scan` over steps, `jax.vmap` over networks, optax.

For full batches, two classes and Adam.
"""

from __future__ import annotations

import time

import numpy as np

from bench import measurement
from bench.measurement import Check, Measurement, Setting
from bench.works import Work

NAME = "JAX vmap of scan"
SLOW_START = False
SETTINGS = tuple(Setting(block) for block in (16, 64, 256, 1024))
STRIDE = 50  # steps of one call, a length that the program is compiled for


class _Trainer:
    def __init__(self, work: Work, setting: Setting, first: int):
        import jax
        import optax

        x, y = work.rows
        adam = optax.adam(work.lr)

        def forward(parameters):
            hidden = x
            for w, b in parameters[:-1]:
                hidden = jax.nn.relu(hidden @ w + b)
            w, b = parameters[-1]
            return hidden @ w + b

        def loss(parameters):
            return optax.sigmoid_binary_cross_entropy(forward(parameters), y).mean()

        def step(carry, _):
            parameters, state = carry
            updates, state = adam.update(jax.grad(loss)(parameters), state, parameters)
            return (optax.apply_updates(parameters, updates), state), None

        def train(parameters, state):
            return jax.lax.scan(step, (parameters, state), length=STRIDE)[0]

        parameters = jax.device_put(work.initial(setting.block, first))
        self.carry = (parameters, jax.vmap(adam.init)(parameters))
        self.forward = jax.vmap(forward)
        begun = time.perf_counter()
        self.program = jax.jit(jax.vmap(train)).lower(*self.carry).compile()
        self.compile_seconds = time.perf_counter() - begun

    def advance(self, steps: int) -> int:
        import jax

        calls = -(-steps // STRIDE)
        for _ in range(calls):
            self.carry = self.program(*self.carry)
        jax.block_until_ready(self.carry)
        return calls * STRIDE

    def outputs(self) -> np.ndarray:
        return np.asarray(self.forward(self.carry[0]))


def measure(seconds: float, work: Work) -> Measurement:
    """Blocks of the best size."""
    return measurement.measure(_Trainer, SETTINGS, seconds, work)


def check(work: Work) -> Check:
    """One block."""
    return measurement.check(_Trainer, work)
