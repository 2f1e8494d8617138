"""Every optimiser against its update rule in NumPy, from the paper and, where forms differ, optax's documentation."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import pytest

from tests.strict_jax import strict_jax  # noqa: F401 (a fixture: pytest finds it by its name)
from trainability.optimizers import OPTIMIZERS, Optimizer

Rule: TypeAlias = Callable[..., Any]
"""(w, t, g, memory, *parameters) -> the step that the rate is multiplied with, of update t = 1, 2, … of one array w;
memory starts as an empty dictionary."""

STEPS = 30
SHAPES = ((3, 2), (2,), (2, 4))


def _mean(memory: dict[str, Any], name: str, value: Any, share: float, first: float = 0.0) -> Any:
    """A running mean that starts at `first`."""
    memory[name] = share * memory.get(name, first) + (1 - share) * value
    return memory[name]


def _moments(t: int, g: Any, memory: dict[str, Any], b1: float, b2: float) -> tuple[Any, Any]:
    """Adam's two running means, corrected for their start at 0."""
    return _mean(memory, "m", g, b1) / (1 - b1**t), _mean(memory, "v", g**2, b2) / (1 - b2**t)


def momentum(w: Any, t: int, g: Any, memory: dict[str, Any], share: float) -> Any:
    memory["v"] = share * memory.get("v", 0.0) + g
    return memory["v"]


def nesterov(w: Any, t: int, g: Any, memory: dict[str, Any], share: float) -> Any:
    return g + share * momentum(w, t, g, memory, share)


def adagrad(w: Any, t: int, g: Any, memory: dict[str, Any], initial: float, eps: float) -> Any:
    memory["sum"] = memory.get("sum", initial) + g**2
    return g / np.sqrt(memory["sum"] + eps)


def adadelta(w: Any, t: int, g: Any, memory: dict[str, Any], rho: float, eps: float) -> Any:
    moved = memory.get("moved", 0.0)
    step = np.sqrt(moved + eps) / np.sqrt(_mean(memory, "v", g**2, rho) + eps) * g
    _mean(memory, "moved", step**2, rho)
    return step


def rmsprop(w: Any, t: int, g: Any, memory: dict[str, Any], decay: float, eps: float) -> Any:
    return g / (np.sqrt(_mean(memory, "v", g**2, decay)) + eps)


def adam(w: Any, t: int, g: Any, memory: dict[str, Any], b1: float, b2: float, eps: float) -> Any:
    m, v = _moments(t, g, memory, b1, b2)
    return m / (np.sqrt(v) + eps)


def adamw(w: Any, t: int, g: Any, memory: dict[str, Any], b1: float, b2: float, eps: float, decay: float) -> Any:
    return adam(w, t, g, memory, b1, b2, eps) + decay * w


def adamax(w: Any, t: int, g: Any, memory: dict[str, Any], b1: float, b2: float, eps: float) -> Any:
    memory["u"] = np.maximum(b2 * memory.get("u", 0.0), np.abs(g) + eps)
    return _mean(memory, "m", g, b1) / (1 - b1**t) / memory["u"]


def nadam(w: Any, t: int, g: Any, memory: dict[str, Any], b1: float, b2: float, eps: float) -> Any:
    """The look ahead is the next step's mean, with 0 in place of its gradient, plus this step's own share."""
    _, v = _moments(t, g, memory, b1, b2)
    ahead = b1 * memory["m"] / (1 - b1 ** (t + 1)) + (1 - b1) * g / (1 - b1**t)
    return ahead / (np.sqrt(v) + eps)


def amsgrad(w: Any, t: int, g: Any, memory: dict[str, Any], b1: float, b2: float, eps: float) -> Any:
    """The largest of the corrected second moments, as optax has it; the paper corrects neither moment."""
    m, v = _moments(t, g, memory, b1, b2)
    memory["largest"] = np.maximum(memory.get("largest", 0.0), v)
    return m / (np.sqrt(memory["largest"]) + eps)


def radam(w: Any, t: int, g: Any, memory: dict[str, Any], b1: float, b2: float, eps: float) -> Any:
    """Algorithm 2; the threshold is optax's 5 (the paper's is 4)."""
    m, v = _moments(t, g, memory, b1, b2)
    longest = 2 / (1 - b2) - 1
    rho = longest - 2 * t * b2**t / (1 - b2**t)
    if rho < 5:
        return m
    rectified = math.sqrt((rho - 4) * (rho - 2) * longest / ((longest - 4) * (longest - 2) * rho))
    return rectified * m / (np.sqrt(v) + eps)


def adabelief(w: Any, t: int, g: Any, memory: dict[str, Any], b1: float, b2: float, eps: float) -> Any:
    m = _mean(memory, "m", g, b1)
    memory["s"] = _mean(memory, "s", (g - m) ** 2, b2) + eps
    return m / (1 - b1**t) / (np.sqrt(memory["s"] / (1 - b2**t)) + eps)


def yogi(w: Any, t: int, g: Any, memory: dict[str, Any], b1: float, b2: float, eps: float) -> Any:
    """Both moments start at 1e-6, as optax has it, and are corrected as Adam's are."""
    v = memory.get("v", 1e-6)
    memory["v"] = v - (1 - b2) * np.sign(v - g**2) * g**2
    return _mean(memory, "m", g, b1, 1e-6) / (1 - b1**t) / (np.sqrt(memory["v"] / (1 - b2**t)) + eps)


def lamb(w: Any, t: int, g: Any, memory: dict[str, Any], b1: float, b2: float, eps: float, decay: float) -> Any:
    step = adamw(w, t, g, memory, b1, b2, eps, decay)
    sizes = np.linalg.norm(w), np.linalg.norm(step)
    return step * (sizes[0] / sizes[1] if all(sizes) else 1.0)


def lion(w: Any, t: int, g: Any, memory: dict[str, Any], b1: float, b2: float, decay: float) -> Any:
    direction = np.sign(b1 * memory.get("m", 0.0) + (1 - b1) * g)
    _mean(memory, "m", g, b2)
    return direction + decay * w


RULES: dict[str, Rule] = {
    "sgd": lambda w, t, g, memory: g,
    "sign_sgd": lambda w, t, g, memory: np.sign(g),
    **{rule.__name__: rule for rule in (momentum, nesterov, adagrad, adadelta, rmsprop, adam, adamw, adamax, nadam)},
    **{rule.__name__: rule for rule in (amsgrad, radam, adabelief, yogi, lamb, lion)},
}

CASES = [(other, fall) for other in (False, True) for fall in (0.0, 0.5)]


def numbers_of(entry: Optimizer, other: bool) -> tuple[float, ...]:
    """The defaults, or others: shares nearer to 0, and an eps or decay that is felt."""
    return tuple(
        (p.default * 0.8 if p.high == 1.0 else p.default * 1.5 + 1e-3) if other else p.default for p in entry.parameters
    )


def rate_of(count: Any, fall: Any) -> Any:
    """The rate before update number count + 1."""
    return 0.05 / (1.0 + fall * count)


def problem() -> tuple[list[np.ndarray], list[list[np.ndarray]]]:
    """First weights, of which one array is all zeros, and a gradient per step that shrinks and has zeros in it."""
    draw = np.random.Generator(np.random.Philox(3))
    weights = [draw.normal(size=shape) for shape in SHAPES]
    weights[1] = np.zeros_like(weights[1])
    gradients = [[draw.normal(size=shape) * 0.9**t + 0.1 for shape in SHAPES] for t in range(STEPS)]
    for step in gradients:
        step[2][0, 0] = 0.0
    return weights, gradients


def test_every_optimizer_has_a_rule():
    assert set(RULES) == {entry.name for entry in OPTIMIZERS}


@pytest.mark.parametrize("entry", OPTIMIZERS, ids=lambda entry: entry.name)
def test_each_optimizer_follows_its_rule(entry: Optimizer):
    """All numbers, the rate's too, are arguments of one compiled function, as the engine has it."""
    import jax
    import jax.numpy as jnp
    import optax

    @jax.jit
    def descend(start: Any, gradients: Any, fall: Any, numbers: Any) -> Any:
        optimizer = entry.make(lambda count: rate_of(count.astype(fall.dtype), fall), *numbers)

        def step(carry: Any, gradient: Any) -> Any:
            w, memory = carry
            with jax.numpy_dtype_promotion("standard"):
                updates, memory = optimizer.update(gradient, memory, w)
            w = optax.apply_updates(w, updates)
            return (w, memory), w

        return jax.lax.scan(step, (start, optimizer.init(start)), gradients)[1]

    for other, fall in CASES:
        weights, gradients = problem()
        numbers = numbers_of(entry, other)
        stacked = [jnp.asarray(np.stack(part)) for part in zip(*gradients, strict=True)]
        start = [jnp.asarray(w) for w in weights]
        found = descend(start, stacked, jnp.asarray(fall), tuple(map(jnp.asarray, numbers)))
        memories: list[dict[str, Any]] = [{} for _ in weights]
        for t in range(1, STEPS + 1):
            for i, g in enumerate(gradients[t - 1]):
                step = RULES[entry.name](weights[i], t, g, memories[i], *numbers)
                weights[i] = weights[i] - rate_of(t - 1, fall) * step
                where = f"update {t} with {numbers}, rate falling by {fall}"
                np.testing.assert_allclose(found[i][t - 1], weights[i], rtol=1e-10, atol=1e-13, err_msg=where)
    assert descend._cache_size() == 1
