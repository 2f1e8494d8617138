"""Watching a Flax NNX step changes nothing, leaves nothing behind, and measures what a slower twin measures."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

import trainability
from tests.plain_jax import plain_jax  # noqa: F401
from tests.zoo.data import circles, digits
from tests.zoo.flax_healthy import normalised
from tests.zoo.flax_modules import Normalized
from tests.zoo.flax_run import Run, lecun, mlp, run, scores
from trainability.adapters.flax.optimizer import settings
from trainability.adapters.flax.watch import Watch
from trainability.core.chart import SIGNS, Chart


def numbers(model: nnx.Module) -> dict[tuple[Any, ...], np.ndarray]:
    """Every array of a model, random states among them."""
    found = {}
    for path, variable in nnx.to_flat_state(nnx.state(model)):
        value = variable.get_value()
        random = jnp.issubdtype(value.dtype, jax.dtypes.prng_key)
        found[path] = np.asarray(jax.random.key_data(value) if random else value)
    return found


def watched(made: Run, step: Callable[..., Any] | None = None) -> Chart:
    with trainability.watch(made.model, made.optimizer) as chart:
        made.train(chart.wrap(step or made.step()))
    return chart.diagnose().chart


@pytest.mark.parametrize("compiled", [True, False])
def test_a_watched_run_has_the_bits_of_an_unwatched_one(compiled: bool):
    states = []
    for looked_at in (False, True):
        made = normalised() if compiled else run(mlp(2, 4, 2), circles(), scores)
        made.steps = 30 if compiled else 3
        step = made.step() if compiled else made.step().__wrapped__
        if looked_at:
            assert list(watched(made, step).moments) == ([0, 1, 2, 5, 10, 20] if compiled else [0, 1, 2])
        else:
            made.train(step)
        states.append(numbers(made.model) | numbers(made.optimizer))
    assert states[0].keys() == states[1].keys()
    for path, value in states[0].items():
        np.testing.assert_array_equal(value, states[1][path], err_msg=str(path))


def test_nothing_stays_behind_and_a_mistake_is_the_users_own():
    functions = nnx.grad, nnx.value_and_grad, jax.grad, jax.value_and_grad
    made = run(mlp(2, 4, 2), circles(), scores)

    def broken(model: nnx.Module, optimizer: nnx.Optimizer, x: Any, y: Any) -> None:
        nnx.grad(lambda m: scores(m(x.T), y).mean())(model)

    for step in (broken, nnx.jit(broken)):
        with pytest.raises(TypeError, match="dot_general"), trainability.watch(made.model, made.optimizer) as chart:
            made.train(chart.wrap(step))
        assert (nnx.grad, nnx.value_and_grad, jax.grad, jax.value_and_grad) == functions
        assert chart.diagnose().chart.steps == 0
    assert not jax.config.jax_disable_jit
    made.steps = 2
    made.train(chart.wrap(made.step()))  # after the watch it is the step alone
    assert chart.diagnose().chart.steps == 0


def test_signs_are_those_of_a_slow_twin():
    model = mlp(2, 8, 8, 2, activation=nnx.tanh)
    x, y = circles(64)
    watch = Watch(model)
    watch.look((x, y), scores)
    chart = watch.chart()
    gradients = nnx.grad(lambda m: scores(m(x), y).mean())(model)
    a = x.astype(float)
    for i, layer in enumerate(chart.layers):
        linear = model.layers[2 * i]
        kernel = np.asarray(linear.kernel[...], float)
        z = a @ kernel + np.asarray(linear.bias[...], float)
        a = np.tanh(z) if i < 2 else z
        gradient = np.asarray(gradients["layers"][2 * i]["kernel"][...], float)
        wanted = {
            "pre_activation_mean": z.mean(), "pre_activation_std": z.std(), "activation_mean": a.mean(),
            "activation_std": a.std(), "zeros": (a == 0).mean(), "gradient_rms": np.sqrt((gradient**2).mean()),
            "weight_rms": np.sqrt((kernel**2).mean()),
            "saturated": ((1 - a**2).mean(axis=0) < 0.05).mean() if i < 2 else 0.0,
        }  # fmt: skip
        for name, value in wanted.items():
            assert chart.sign(name)[i] == pytest.approx(value, rel=1e-4, abs=1e-6), name
        assert layer.name == f"layers.{2 * i}"
        assert layer.activation == ("tanh" if i < 2 else None)
        assert (layer.fan_in, layer.units) == kernel.shape
    assert chart.loss is not None
    assert chart.loss.constant == pytest.approx(math.log(2))
    assert chart.losses[0] == pytest.approx(float(scores(model(x), y).mean()))
    assert set(chart.signs) == set(SIGNS)


def test_update_ratio_is_that_of_the_step():
    made = run(mlp(2, 4, 2), circles(), scores, tx=optax.sgd(0.1), steps=1)
    before = np.asarray(made.model.layers[2].kernel[...], float)
    chart = watched(made)
    after = np.asarray(made.model.layers[2].kernel[...], float)
    wanted = np.log10(np.sqrt(((after - before) ** 2).mean() / (before**2).mean()))
    assert chart.sign("update_ratio")[1] == pytest.approx(wanted, rel=1e-6)


def _tuple(loss: Any, logits: Any) -> Any:
    return {"accuracy": jnp.float32(0.5), "loss": loss, "logits": logits}


def _nothing(loss: Any, logits: Any) -> None:
    return None


@pytest.mark.parametrize("answer", [lambda loss, logits: loss, _tuple, _nothing], ids=["alone", "among others", "none"])
@pytest.mark.parametrize("metric", [True, False], ids=["metric", "no metric"])
def test_losses_of_every_step_are_found(answer: Callable[..., Any], metric: bool, recwarn: pytest.WarningsRecorder):
    model = mlp(2, 8, 2)
    optimizer = nnx.Optimizer(model, optax.adam(1e-2), wrt=nnx.Param)
    averages = nnx.MultiMetric(right=nnx.metrics.Accuracy(), loss=nnx.metrics.Average("loss"))
    told = []
    x, y = circles(64)

    @nnx.jit
    def step(model: Any, optimizer: Any, averages: Any, x: Any, y: Any) -> Any:
        def loss_fn(model: Any, x: Any) -> Any:
            logits = model(x)
            return scores(logits, y).mean(), logits

        (loss, logits), grads = nnx.value_and_grad(loss_fn, has_aux=True)(model, x)
        optimizer.update(model, grads)
        if metric:
            averages.update(loss=loss, logits=logits, labels=y)
        return answer(loss, logits)

    with trainability.watch(model, optimizer) as chart:
        wrapped = chart.wrap(step)
        for i in range(8):
            told.append(float(scores(model(x), y).mean()))
            if i == 4:
                averages.reset()
            wrapped(model, optimizer, averages, x, y)
    np.testing.assert_allclose(chart.diagnose().chart.losses, told, rtol=1e-5)
    slow = [one for one in recwarn if "does not hand back the loss" in str(one.message)]
    assert len(slow) == (answer is _nothing and not metric)


@pytest.mark.parametrize(
    ("tx", "name", "wanted"),
    [
        (optax.sgd(0.1), "sgd", {"lr": 0.1}),
        (optax.sgd(0.1, momentum=0.9), "sgd", {"lr": 0.1, "momentum": 0.9}),
        (optax.chain(optax.clip_by_global_norm(1.0), optax.adam(2e-3)), "adam", {"lr": 2e-3}),
        (optax.adamw(1e-3, weight_decay=0.02), "adamw", {"lr": 1e-3, "weight_decay": 0.02}),
        (optax.rmsprop(1e-3), "rmsprop", {"lr": 1e-3}),
        (optax.adam(optax.exponential_decay(0.1, 1, 0.5)), "adam", {"lr": 0.1}),
        (optax.inject_hyperparams(optax.adam)(learning_rate=0.03), "adam", {"lr": 0.03}),
        (optax.MultiSteps(optax.sgd(0.1), 3), "sgd", {"lr": 0.1}),
        (optax.GradientTransformation(lambda p: None, lambda g, s, p=None: (g, s)), "unknown", {}),
    ],
)
def test_settings_of_the_optimizer(tx: Any, name: str, wanted: dict[str, float]):
    assert settings(nnx.Optimizer(mlp(2, 2), tx, wrt=nnx.Param)) == (name, pytest.approx(wanted))


def test_a_schedule_is_read_at_every_moment():
    made = run(mlp(2, 4, 2), circles(), scores, tx=optax.sgd(optax.linear_schedule(0.1, 0.0, 10)), steps=11)
    optimizer = watched(made).optimizer
    assert optimizer is not None
    assert (optimizer.first["lr"], optimizer.last["lr"]) == pytest.approx((0.09, 0.0), abs=1e-6)


def test_steps_that_gather_gradients_are_no_updates():
    made = run(mlp(2, 4, 2), circles(), scores, tx=optax.MultiSteps(optax.sgd(0.1), 2), steps=3)
    ratio = watched(made).signs["update_ratio"][:, 0]
    assert np.isnan(ratio[[0, 2]]).all()
    assert np.isfinite(ratio[1])


def test_what_is_in_evaluation_mode_is_told_by_what_was_done():
    for mode, evaluating, dropout in (("train", (), 0.3), ("eval", ("drop", "norm"), 0.0)):
        made = run(Normalized(), digits(), scores, steps=1)
        getattr(made.model, mode)()
        chart = watched(made)
        assert (chart.evaluating, chart.dropout) == (evaluating, dropout)
        assert [layer.name for layer in chart.layers] == ["into", "out"]
        assert chart.layers[0].activation == "relu"
    made = run(Normalized(), digits(), scores, steps=1, batch=1)
    assert watched(made).normalized_one == ("norm",)


def test_training_of_another_model_is_left_alone(recwarn: pytest.WarningsRecorder):
    mine, other = mlp(2, 2), run(mlp(2, 2, seed=1), circles(), scores, tx=optax.sgd(0.1), steps=2)
    with trainability.watch(mine) as chart:
        other.train(chart.wrap(other.step()))
    assert not len(chart.diagnose().chart.moments)
    assert any("no gradient of this model's was seen" in str(one.message) for one in recwarn)


def test_a_gradient_of_jaxs_own_is_seen():
    model = mlp(2, 4, 2)
    x, y = circles(64)

    @nnx.jit
    def step(model: nnx.Module, x: Any, y: Any) -> Any:
        graph, params = nnx.split(model)

        def loss_fn(params: Any) -> Any:
            return scores(nnx.merge(graph, params)(x), y).mean()

        loss, grads = jax.value_and_grad(loss_fn)(params)
        nnx.update(model, jax.tree.map(lambda p, g: p - 0.1 * g, params, grads))
        return loss

    with trainability.watch(model) as chart:
        wrapped = chart.wrap(step)
        for _ in range(3):
            wrapped(model, x, y)
    found = chart.diagnose().chart
    assert [layer.name for layer in found.layers] == ["layers.0", "layers.2"]
    assert np.isfinite(found.signs["update_ratio"]).all()


def test_a_step_from_state_to_state_is_seen_as_one_that_updates():
    """Flax' way to save the module's overhead: what is held in the hand is the state, not the module."""
    same = run(mlp(2, 4, 2), circles(), scores, tx=optax.adam(optax.linear_schedule(0.1, 0.0, 10)), steps=6)
    made = run(mlp(2, 4, 2), circles(), scores, tx=optax.adam(optax.linear_schedule(0.1, 0.0, 10)), steps=6)
    graph, state = nnx.split((made.model, made.optimizer))
    update = made.step().__wrapped__

    @jax.jit
    def step(state: Any, x: Any, y: Any) -> Any:
        model, optimizer = nnx.merge(graph, state)
        loss = update(model, optimizer, x, y)
        return nnx.state((model, optimizer)), loss

    def call(*arguments: Any) -> None:
        nonlocal state
        state, _ = wrapped(state, *arguments[2:])

    with trainability.watch(made.model, made.optimizer) as chart:
        wrapped = chart.wrap(step)
        made.train(call)
    a, b = chart.diagnose().chart, watched(same)
    assert list(a.moments) == list(b.moments)
    for name, values in b.signs.items():
        np.testing.assert_allclose(a.signs[name], values, rtol=1e-5, err_msg=name)
    assert a.optimizer == b.optimizer


def test_a_step_that_calls_a_compiled_one_is_seen_from_the_second_on():
    made = run(mlp(2, 4, 2), circles(), scores, steps=6)
    inner, called = made.step(), nnx.Variable(jnp.int32(0))
    made.model.called = called

    def step(model: Any, *arguments: Any) -> Any:
        model.called[...] += 1  # once a step, though some are started twice
        return inner(model, *arguments)

    chart = watched(made, step)
    assert int(called[...]) == 6
    assert list(chart.moments) == [1, 2, 5]
    assert np.isfinite(chart.losses).all()
    assert len(chart.losses) == 6


def test_the_first_number_that_is_not_finite():
    x, y = circles(64)
    made = run(mlp(2, 8, 2, activation=lambda z: jnp.log(z - 1e3)), (x, y), scores, steps=2)
    origin = watched(made).origin
    assert origin is not None
    assert (origin.layer, origin.step, origin.direction) == ("layers.0", 0, "forward")
    x[0, 0] = np.inf
    origin = watched(run(mlp(2, 8, 2), (x, y), scores, steps=40)).origin
    assert origin is not None
    assert origin.direction in ("inputs", "weights")


def test_what_is_no_model_is_refused():
    class Empty(nnx.Module):
        pass

    model = mlp(2, 2)
    for call, words in (
        (lambda: trainability.watch(3), "flax.nnx.Module"),
        (lambda: trainability.watch(Empty()), "no parameters"),
        (lambda: trainability.watch(model, optax.adam(1e-3)), "is an nnx.Optimizer, got"),
        (lambda: trainability.watch(model).wrap(3), "wrap takes the function"),
        (lambda: trainability.testing.assert_trainable(3, (0, 0), lambda a, b: a), "assert_trainable takes"),
    ):
        with pytest.raises(trainability.UsageError, match=words):
            call()


def test_assert_trainable_says_what_is_wrong_and_changes_nothing():
    model = Normalized()
    model.eval()
    x, y = digits()
    before = numbers(model)
    trainability.testing.assert_trainable(model, (x[:64], y[:64]), scores)
    assert model.drop.deterministic
    for path, value in numbers(model).items():
        np.testing.assert_array_equal(value, before[path])
    with pytest.raises(AssertionError, match="vanishing-gradient"):
        trainability.testing.assert_trainable(mlp(2, *[16] * 12, 2, activation=nnx.sigmoid), circles(64), scores)
    with pytest.raises(AssertionError, match="double-softmax"):
        trainability.testing.assert_trainable(mlp(2, 16, 2, last=nnx.softmax), circles(64), scores)
    with pytest.raises(TypeError, match="dot_general"):
        trainability.testing.assert_trainable(mlp(3, 2), circles(64), scores)


def test_kinds_of_layers():
    class Mixed(nnx.Module):
        def __init__(self) -> None:
            rngs = nnx.Rngs(0)
            self.rnn = nnx.RNN(nnx.GRUCell(4, 8, rngs=rngs, kernel_init=lecun, recurrent_kernel_init=lecun))
            self.attention = nnx.MultiHeadAttention(2, 8, decode=False, kernel_init=lecun, rngs=rngs)
            self.conv = nnx.Conv(8, 6, (3,), kernel_init=lecun, rngs=rngs)
            self.out = nnx.LinearGeneral((5, 6), (2, 2), axis=(-2, -1), kernel_init=lecun, rngs=rngs)

        def __call__(self, x: Any) -> Any:
            return self.out(nnx.silu(self.conv(self.attention(self.rnn(x)))))

    watch = Watch(Mixed())
    x = np.random.default_rng(0).standard_normal((16, 5, 4)).astype(np.float32)
    watch.look((x, np.zeros((16, 2, 2), np.float32)), optax.squared_error)
    found = {layer.name: (layer.kind, layer.fan_in, layer.units, layer.activation) for layer in watch.chart().layers}
    assert found == {
        "rnn.cell.dense_h": ("recurrent", 8, 24, None), "attention.query": ("attention", 8, 8, None),
        "attention.key": ("attention", 8, 8, None), "attention.value": ("attention", 8, 8, None),
        "attention.out": ("attention", 8, 8, None), "conv": ("convolution", 24, 6, "silu"),
        "out": ("linear", 30, 4, None),
    }  # fmt: skip
