"""What a look at a JAX function finds, against the functions themselves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jax import lax

from tests.plain_jax import plain_jax  # noqa: F401
from trainability.adapters.jax.look import Look, look
from trainability.adapters.jax.names import ACROSS, ACTIVATIONS, LOSSES
from trainability.adapters.record import Record
from trainability.adapters.signs import signs_of

WIDTH, SAMPLES = 6, 40
X = np.random.default_rng(0).standard_normal((SAMPLES, WIDTH)).astype(np.float32)
Y = np.random.default_rng(1).standard_normal((SAMPLES, WIDTH)).astype(np.float32)
LABELS = np.random.default_rng(2).integers(0, WIDTH, SAMPLES)
BY_HAND: dict[str, Callable[[Any], Any]] = {
    "max0": lambda x: jnp.maximum(0, x), "logistic": lambda x: lax.logistic(x), "exp": jnp.exp, "sin": jnp.sin,
    "erf": jax.scipy.special.erf, "atan": jnp.arctan, "tanh": jnp.tanh,
}  # fmt: skip
FUNCTIONS = BY_HAND | {name: getattr(jax.nn, name) for name in ACTIVATIONS if hasattr(jax.nn, name)}
LOSS_FUNCTIONS = {name: getattr(optax, name) for name in LOSSES if hasattr(optax, name)}


def weights(layers: int, size: float = 0.5) -> dict[str, np.ndarray]:
    draw = np.random.default_rng(3)
    return {f"{i:02}.kernel": size * draw.standard_normal((WIDTH, WIDTH)).astype(np.float32) for i in range(layers)}


def squared(a: Any, y: Any) -> Any:
    return optax.squared_error(a, y).mean()


def seen(loss: Callable[..., Any], layers: int = 1, data: Any = (X, Y), **more: Any) -> Look:
    parameters = weights(layers)
    return look(loss, parameters, data, parameters, **more)


def test_most_functions_are_tried():
    assert len(FUNCTIONS) >= 25
    assert len(LOSS_FUNCTIONS) >= 10


def test_every_activation_is_known_with_its_slope():
    """All in one net, one after the other; a bias, a cast or a transposition in between changes nothing."""
    names = [name for name in FUNCTIONS if name != "glu"]

    def loss(parameters: Any, x: Any, y: Any) -> Any:
        for i, name in enumerate(names):
            z = x @ parameters[f"{i:02}.kernel"] + 0.1
            x = FUNCTIONS[name](z.T.T if i % 2 else z.astype(jnp.float32)).clip(-3, 3)
        return squared(x, y)

    layers = seen(loss, len(names)).layers()
    assert [layer.info.activation for layer in layers] == [ACTIVATIONS[name] for name in names]
    grid = jnp.linspace(-12, 12, 4801)

    @jax.jit
    def wanted(pres: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
        slopes = {name: jax.vmap(jax.grad(FUNCTIONS[name])) for name in pres}
        return {
            name: (slopes[name](pre.reshape(-1)).reshape(pre.shape), jnp.abs(slopes[name](grid)).max())
            for name, pre in pres.items()
        }

    pres = {name: jnp.asarray(layer.pre_activation, jnp.float32) for name, layer in zip(names, layers, strict=True)}
    peers = wanted({name: pre for name, pre in pres.items() if ACTIVATIONS[name] not in ACROSS})
    for name, layer in zip(names, layers, strict=True):
        np.testing.assert_allclose(layer.activation, FUNCTIONS[name](pres[name]), rtol=1e-5, atol=1e-6, err_msg=name)
        if name not in peers:
            assert np.isnan(layer.slope).all()
            continue
        slope, largest = peers[name]
        np.testing.assert_allclose(layer.slope, slope, rtol=1e-4, atol=1e-6, err_msg=name)
        assert layer.largest_slope == pytest.approx(float(largest), rel=1e-3), name


@pytest.mark.parametrize("name", LOSS_FUNCTIONS)
def test_every_loss_of_optax_is_known(name: str):
    target = LABELS if "integer" in name else np.abs(Y)

    def loss(parameters: Any, x: Any, y: Any) -> Any:
        return LOSS_FUNCTIONS[name](jax.nn.softplus(x @ parameters["00.kernel"]), y).sum()

    made = seen(loss, data=(X, target))
    record = Record("flax")
    made.note(record, 0)
    facts = record.chart(()).loss
    assert facts is not None
    assert (facts.name, facts.kind, facts.reduction, facts.last) == (*LOSSES[name], "sum", "softplus")
    assert facts.decreasing
    assert (facts.output_shape, facts.target_shape) == ((SAMPLES, WIDTH), target.shape)


@pytest.mark.parametrize(
    ("kernel", "apply", "units"),
    [
        ((3, 3, 2, 5), lambda x, w: lax.conv(x.reshape(-1, 2, 2, 2), w.transpose(3, 2, 0, 1), (1, 1), "SAME"), 5),
        ((5, 8), lambda x, w: x @ w.T, 5),
        ((8, 5), lambda x, w: (w.T @ x.T).T, 5),
        ((8, 2, 3), lambda x, w: jnp.einsum("si,ihd->shd", x, w), 6),
        ((2, 3, 8), lambda x, w: jnp.einsum("si,hdi->hsd", x, w).transpose(1, 0, 2), 6),
        ((2, 4, 3), lambda x, w: jnp.einsum("sgi,gij->sgj", x.reshape(-1, 2, 4), w), 6),
        ((8, 6), lambda x, w: jax.checkpoint(lambda a, b: jax.jit(jnp.dot)(a, b))(x, w), 6),
        ((8, 6), lambda x, w: x.astype(jnp.bfloat16) @ w.astype(jnp.bfloat16), 6),
    ],
    ids=["conv NCHW", "transposed", "weight first", "heads", "heads first", "groups", "checkpoint", "bfloat16"],
)
def test_units_and_their_weights(kernel: tuple[int, ...], apply: Callable[[Any, Any], Any], units: int):
    draw = np.random.default_rng(0)
    x, w = (draw.standard_normal(shape).astype(np.float32) for shape in ((SAMPLES, 8), kernel))

    def loss(parameters: Any, x: Any) -> Any:
        return jnp.square(jnp.tanh(apply(x, parameters["a.kernel"]))).mean()

    made = look(loss, {"a.kernel": w}, (x,), {"a.kernel"})
    (layer,) = made.layers()
    assert (layer.info.units, layer.info.fan_in, layer.info.activation) == (units, w.size // units, "tanh")
    assert layer.pre_activation.shape[1] == units
    gradient = np.asarray(jax.grad(loss)({"a.kernel": w}, x)["a.kernel"])
    assert layer.gradient is not None
    assert np.sort(layer.gradient.reshape(-1)) == pytest.approx(np.sort(gradient.reshape(-1)), rel=2e-2, abs=1e-4)
    # A unit's own weights make its answers: without them, and only without them, it answers nothing.
    for unit in (0, units - 1):
        changed = np.array(w)
        values = layer.weight[unit]
        changed[np.isin(changed, values.astype(np.float32))] = 0
        (other,) = look(loss, {"a.kernel": changed}, (x,), {"a.kernel"}).layers()
        silent = np.flatnonzero((other.pre_activation == 0).all(axis=0))
        assert list(silent) == [unit]


def test_gradients_by_answers_are_those_of_an_added_zero():
    parameters = weights(2)

    def loss(parameters: Any, x: Any, y: Any, added: Any = 0.0) -> Any:
        return squared(jnp.tanh(x @ parameters["00.kernel"] + added) @ parameters["01.kernel"], y)

    wanted = jax.grad(loss, argnums=3)(parameters, X, Y, jnp.zeros((SAMPLES, WIDTH)))
    (first, _) = look(loss, parameters, (X, Y), parameters).layers()
    np.testing.assert_allclose(first.answer_gradient, wanted, rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize(
    ("way", "cut", "stopped"), [(lax.stop_gradient, (), ("00",)), (lambda a: a.astype(int).astype(float), ("00",), ())]
)
def test_what_a_gradient_does_not_reach_is_cut(way: Any, cut: tuple[str, ...], stopped: tuple[str, ...]):
    def loss(parameters: Any, x: Any, y: Any) -> Any:
        return squared(way(x @ parameters["00.kernel"]) @ parameters["01.kernel"], y)

    made = seen(loss, 3)
    assert (made.cut, made.stopped) == (cut, stopped)
    assert made.used == {"00.kernel", "01.kernel"}
    assert [layer.gradient is None for layer in made.layers()] == [True, False]


@pytest.mark.parametrize(
    ("size", "is_one"),
    [
        (lambda w: (w**2).sum(), True), (lambda w: jnp.abs(w.ravel()).sum(), True), (lambda w: (w * w).sum(), True),
        (lambda w: w.sum(), False), (lambda w: (X[:, : w.shape[0]] @ w).sum() ** 2, False),
    ],
)  # fmt: skip
def test_a_penalty_is_of_the_weights_own_size(size: Any, is_one: bool):
    def loss(parameters: Any, x: Any, y: Any) -> Any:
        answer = jnp.tanh(x @ parameters["00.kernel"]) @ parameters["01.kernel"]
        return squared(answer, y) + 0.1 * size(parameters["00.kernel"])

    record = Record("flax")
    seen(loss, 2).note(record, 0)
    assert record.penalized == is_one


def test_a_helper_that_was_first_traced_elsewhere_is_not_mistaken():
    """`jnp.where` keeps what was traced first: inside of ELU."""
    jax.clear_caches()
    jax.nn.elu(jnp.ones((SAMPLES, WIDTH)))

    def loss(parameters: Any, x: Any, y: Any) -> Any:
        z = x @ parameters["00.kernel"]
        return squared(jnp.where(z > 0, z, 7 * z), y)

    assert seen(loss).layers()[0].info.activation is None


def test_programs_are_compiled_once():
    kept: dict[Any, Any] = {}

    def loss(parameters: Any, x: Any, y: Any) -> Any:
        return squared(jnp.tanh(x @ parameters["00.kernel"]), y)

    first = seen(loss, kept=kept)
    again = look(loss, {"00.kernel": weights(1, 2.0)["00.kernel"]}, (2 * X, Y), {"00.kernel"}, kept=kept)
    fresh = look(loss, {"00.kernel": weights(1, 2.0)["00.kernel"]}, (2 * X, Y), {"00.kernel"})
    assert len(kept) == 1
    assert first.loss != again.loss
    assert signs_of(again.layers()[0]) == pytest.approx(signs_of(fresh.layers()[0]), nan_ok=True)


def test_negation_and_stretching():
    def loss(parameters: Any, x: Any, y: Any) -> Any:
        return -jnp.mean((x @ parameters["00.kernel"] - y) ** 2)

    made = seen(loss, data=(X, Y[0]))
    record = Record("flax")
    made.note(record, 0)
    facts = record.chart(()).loss
    assert facts is not None
    assert (facts.name, facts.decreasing, facts.broadcast, facts.target_shape) == ("mse", False, True, (WIDTH,))
