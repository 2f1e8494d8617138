"""The schedules."""

from __future__ import annotations

from typing import Any

from trainability.core.catalogue import Parameter
from trainability.schedules import Schedule

_FINAL = Parameter("final", 0.0, low=0.0, doc="factor at the end")
_WARMUP = Parameter("warmup", 0.1, low=0.0, high=1.0, open_low=True, doc="share of the steps that warm up")


def _constant(progress: Any) -> Any:
    import jax.numpy as jnp

    return jnp.ones_like(progress)


def _linear(progress: Any, final: Any) -> Any:
    return 1.0 + (final - 1.0) * progress


def _cosine(progress: Any, final: Any) -> Any:
    import jax.numpy as jnp

    return final + (1.0 - final) * 0.5 * (1.0 + jnp.cos(jnp.pi * progress))


def _exponential(progress: Any, final: Any) -> Any:
    return final**progress


def _step(progress: Any, factor: Any, stages: Any) -> Any:
    import jax.numpy as jnp

    # A little more than the product, which rounding can leave just below a whole number.
    return factor ** jnp.floor(stages * (progress + 1e-6))


def _warmup(progress: Any, warmup: Any) -> Any:
    import jax.numpy as jnp

    return jnp.minimum(1.0, progress / warmup)


def _warmup_cosine(progress: Any, warmup: Any, final: Any) -> Any:
    import jax.numpy as jnp

    rest = jnp.clip((progress - warmup) / jnp.maximum(1.0 - warmup, 1e-6), 0.0, 1.0)
    return jnp.where(progress < warmup, progress / warmup, _cosine(rest, final))


CONSTANT = Schedule(name="constant", aliases=("none",), summary="the rate stays", factor=_constant)
LINEAR = Schedule(name="linear", summary="down in a straight line", parameters=(_FINAL,), factor=_linear)
COSINE = Schedule(
    name="cosine",
    summary="down along half a cosine",
    parameters=(_FINAL,),
    factor=_cosine,
    reference="I. Loshchilov, F. Hutter, SGDR, ICLR 2017",
)
EXPONENTIAL = Schedule(
    name="exponential",
    summary="the same share lost at every step",
    parameters=(Parameter("final", 0.01, low=0.0, open_low=True, doc="factor at the end"),),
    factor=_exponential,
)
STEP = Schedule(
    name="step",
    summary="times a factor at equal stages",
    parameters=(
        Parameter("factor", 0.1, low=0.0, open_low=True, doc="factor of a stage"),
        Parameter("stages", 3.0, low=1.0, integer=True, doc="number of stages"),
    ),
    factor=_step,
)
WARMUP = Schedule(name="warmup", summary="up in a straight line, then constant", parameters=(_WARMUP,), factor=_warmup)
WARMUP_COSINE = Schedule(
    name="warmup_cosine",
    summary="up in a straight line, then down along half a cosine",
    parameters=(_WARMUP, _FINAL),
    factor=_warmup_cosine,
)
