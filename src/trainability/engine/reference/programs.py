"""The compiled programs of a block: `vmap` over trials, a loop over steps; compiled once."""

from __future__ import annotations

import functools
import threading
from typing import Any

import jax
import jax.numpy as jnp

from trainability.engine.interface import Measures, Program
from trainability.engine.reference import train

MOST_PROGRAMS = 64
"""How many blocks' compiled programs are kept, the last used ones. One takes 170 to 310 memory maps (measured; depth
does not matter), Linux allows a process 65,530, and without any left XLA ends the process by a segmentation fault."""

# A compiled program and a lock, so that two threads that want the same one compile it once.
_programs: dict[Any, Any] = {}
_locks: dict[Any, threading.Lock] = {}
_guard = threading.Lock()


def compiled(key: Any, parameters: Any, numbers: Any, keys: Any, arrays: Any, total: Any) -> Any:
    """(begin, segment) for a block: compiled once while they are kept, and on disk between processes."""
    with _guard:
        lock = _locks.setdefault(key, threading.Lock())
    with lock:
        with _guard:
            found = _programs.pop(key, None)
        if found is None:
            program, _, measures, *_ = key
            begin, segment = _build(program, measures)
            compiled_begin = begin.lower(parameters, numbers, total, len(arrays.train.x)).compile()
            state = jax.eval_shape(functools.partial(begin, samples=len(arrays.train.x)), parameters, numbers, total)
            compiled = segment.lower(state, numbers, keys, arrays, jnp.int32(0), jnp.int32(0), total).compile()
            found = (compiled_begin, compiled)
        with _guard:
            _programs[key] = found  # now the last one used
            while len(_programs) > MOST_PROGRAMS:
                del _programs[next(iter(_programs))]
        return found


def _build(program: Program, measures: Measures) -> tuple[Any, Any]:
    """The two programs of a block: its first state, and steps [first, last) with a measurement after them."""

    @functools.partial(jax.jit, static_argnames="samples")
    def begin(parameters: Any, numbers: Any, total: Any, samples: int) -> train.State:
        return jax.vmap(lambda p, n: train.start(program, p, n, samples, total))(parameters, numbers)

    @functools.partial(jax.jit, donate_argnums=0)
    def segment(state: Any, numbers: Any, keys: Any, data: Any, first: Any, last: Any, total: Any) -> Any:
        check = jax.vmap(lambda s, n, t: train.check(program, s, n, t, data), in_axes=(0, 0, None))
        shuffle = jax.vmap(train.shuffle, in_axes=(0, 0, None))
        step = jax.vmap(lambda s, n, k, t: train.step(program, s, n, k, t, total, data), in_axes=(0, 0, 0, None))

        def one_step(count: Any, state: Any) -> Any:
            return step(state, numbers, keys, count)

        def one_full_step(count: Any, state: Any) -> Any:
            return one_step(count, check(state, numbers, count))

        def one_epoch(carry: Any) -> Any:
            count, state = carry
            epoch = len(data.train.x) // program.batch

            def begin(state: Any) -> Any:
                return shuffle(check(state, numbers, count), keys, count // epoch)

            # All trials are at the same step, so an epoch begins for the whole block or not at all.
            state = jax.lax.cond(count % epoch == 0, begin, lambda state: state, state)
            end = jnp.minimum(last, (count // epoch + 1) * epoch)
            return end, jax.lax.fori_loop(count, end, one_step, state)

        if program.batch:
            _, state = jax.lax.while_loop(lambda carry: carry[0] < last, one_epoch, (first, state))
        else:
            state = jax.lax.fori_loop(first, last, one_full_step, state)
        scores, vitals = jax.vmap(lambda s, n: train.measure(program, s, n, data, measures))(state, numbers)
        return state, scores, vitals

    return begin, segment
