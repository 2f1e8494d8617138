"""Every operation does to a Flax NNX recipe what it says, wherever the model's code calls its activations."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx
from sklearn.metrics import accuracy_score

import trainability
from tests.plain_jax import plain_jax  # noqa: F401
from tests.treated import treating
from tests.zoo.data import circles, digits, line
from tests.zoo.flax_modules import Attention, Convolution, Normalized, Recurrent
from tests.zoo.flax_run import lecun, mlp, scores
from trainability import Recipe
from trainability.adapters.flax.operations import BY_KIND
from trainability.adapters.flax.optimizer import settings
from trainability.adapters.flax.patient import Patient
from trainability.adapters.flax.rewired import Change, Rewired, forward
from trainability.adapters.flax.trainer import train
from trainability.core.errors import SpecError
from trainability.core.operation import KINDS, Operation
from trainability.doctor import examine, read_recipe


def linear(inputs: int, units: int, rngs: nnx.Rngs) -> nnx.Linear:
    return nnx.Linear(inputs, units, kernel_init=lecun, rngs=rngs)


class Functional(nnx.Module):
    """Activations as functions of jax.nn's, of NumPy's and by hand, a residual, dropout, and a softmax at the end."""

    def __init__(self, rate: float = 0.0) -> None:
        rngs = nnx.Rngs(0)
        self.a, self.b, self.c, self.d = (linear(i, o, rngs) for i, o in ((2, 8), (8, 8), (8, 8), (8, 2)))
        self.drop = nnx.Dropout(rate, rngs=rngs)

    def __call__(self, x: Any) -> Any:
        x = self.drop(jnp.maximum(self.a(x), 0))
        x = x + jax.nn.gelu(self.b(x))
        x = jnp.tanh(self.c(x))
        return jax.nn.softmax(self.d(x))


def of(model: nnx.Module, data: tuple[np.ndarray, np.ndarray], loss: Callable[..., Any], tx: Any) -> Recipe:
    x, y = data
    return Recipe(model, loss, tx, (x[:-32], y[:-32]), (x[-32:], y[-32:]), 1, 32)


def log_loss(p: Any, y: Any) -> Any:
    return -jnp.log(jnp.take_along_axis(p, y[:, None], axis=1)).mean()


def classes(seed: int = 0) -> Recipe:
    return of(Functional(0.5), circles(96), log_loss, optax.adam(1e-2))


def regression(seed: int = 0) -> Recipe:
    model = mlp(4, 8, 8, 1, activation=nnx.tanh)
    rate = optax.exponential_decay(0.01, 5, 0.5)
    tx = optax.chain(optax.add_decayed_weights(1e-3), optax.sgd(rate))
    return of(model, line(96), lambda a, y: optax.squared_error(a, y).mean(), tx)


treated = treating(Patient, BY_KIND)


def fits(make: Callable[..., Recipe], operation: Operation) -> bool:
    try:
        treated(make(), operation)
    except SpecError:
        return False
    return True


ALL = [Operation(kind, value) for kind, known in KINDS.items() for value in known.values]


@pytest.mark.parametrize("operation", ALL, ids=str)
def test_an_operation_fits_one_recipe_or_the_other_and_training_goes_on(operation: Operation):
    make = next((make for make in (regression, classes) if fits(make, operation)), None)
    assert make is not None, "no recipe could be changed so"
    if isinstance(operation.value, float) and operation.value not in KINDS[operation.kind].values[-1:]:
        return  # training is compiled anew: of numbers one is enough
    outcome = train(make, (operation,), 0)
    assert np.isfinite(outcome.score) or operation.kind == "rate"


def test_activations_are_swapped_wherever_they_are_called():
    model = Functional()
    x, y = map(jnp.asarray, circles(64))
    patient = treated(
        of(model, (x, y), log_loss, optax.sgd(0.1)), Operation("activation", "elu"), Operation("output", "fit")
    )
    hidden = nnx.elu(model.a(x))
    hidden = hidden + nnx.elu(model.b(hidden))
    wanted = model.d(nnx.elu(model.c(hidden)))
    answer: Any = patient.model
    np.testing.assert_allclose(answer(x), wanted, atol=1e-6)
    np.testing.assert_allclose(patient.answer(answer(x)), nnx.softmax(wanted), atol=1e-6)
    np.testing.assert_allclose(patient.loss(answer(x), y), scores(wanted, y).mean(), rtol=1e-6)


def test_an_activation_is_put_where_there_was_none():
    model = mlp(2, 8, 8, 2, activation=None)
    x, y = circles(64)
    patient = treated(of(model, (x, y), scores, optax.sgd(0.1)), Operation("activation", "relu"))
    answer: Any = patient.model
    wanted = model.layers[2](nnx.relu(model.layers[1](nnx.relu(model.layers[0](x)))))
    np.testing.assert_allclose(answer(x), wanted, atol=1e-6)


@pytest.mark.parametrize("kind", ["layer", "batch"])
def test_normalisation_stands_before_the_activation_and_is_trained(kind: str):
    model = mlp(2, 8, 8, 2)
    x, y = circles(64)
    patient = treated(of(model, (x, y), scores, optax.sgd(0.1)), Operation("normalize", kind))
    make = {"layer": nnx.LayerNorm, "batch": nnx.BatchNorm}[kind]
    one, two = (make(8, rngs=nnx.Rngs(0)) for _ in range(2))
    wanted = model.layers[4](nnx.relu(two(model.layers[2](nnx.relu(one(model.layers[0](x)))))))
    answer: Any = patient.model
    np.testing.assert_allclose(answer(x), wanted, atol=1e-5)
    assert len(nnx.to_flat_state(nnx.state(patient.model, patient.wrt))) == 6 + 4
    if kind == "batch":  # its running numbers move as the model is called
        moved = answer.changes[1].before[0]
        np.testing.assert_allclose(moved.mean[...], two.mean[...], atol=1e-6)
        assert float(jnp.abs(moved.mean[...]).max()) > 0


@pytest.mark.parametrize("make", [Normalized, Convolution, Attention, Recurrent, lambda: Functional(0.5)])
def test_a_rewired_model_does_as_the_model_does(make: Callable[[], nnx.Module]):
    x = digits()[0][:4, : 2 if make not in (Normalized, Convolution, Attention, Recurrent) else 64]
    model, twin = make(), make()
    hidden = forward(model, x).hidden
    rewired = Rewired(model, [Change() for _ in hidden], bare=False)
    for _ in range(2):  # random numbers and running means go on as they do in the model itself
        np.testing.assert_allclose(nnx.jit(lambda m: m(x))(rewired), nnx.jit(lambda m: m(x))(twin), atol=1e-5)
    for (path, one), (_, other) in zip(*(nnx.to_flat_state(nnx.state(m)) for m in (model, twin)), strict=True):
        if not jnp.issubdtype(one.dtype, jax.dtypes.prng_key):
            np.testing.assert_allclose(one[...], other[...], atol=1e-6, err_msg=str(path))


WEIGHTS = {"w": jnp.array([1.0, -2.0, 0.5])}
GRADIENTS = [np.random.default_rng(i).standard_normal(3).astype(np.float32) for i in range(5)]


def moved(tx: optax.GradientTransformation) -> np.ndarray:
    """The weights after a few updates."""
    weights, state = WEIGHTS, tx.init(WEIGHTS)
    for gradient in GRADIENTS:
        updates, state = tx.update({"w": jnp.asarray(gradient)}, state, weights)
        weights = optax.apply_updates(weights, updates)
    return np.asarray(jax.tree.leaves(weights)[0])


def all_of(parameters: Any) -> Any:
    return jax.tree.map(lambda _: True, parameters)


def operated(tx: Any, *operations: Operation) -> Any:
    x, y = line(40)
    recipe = Recipe(mlp(4, 2, 1), optax.squared_error, tx, (x, y), (x, y), 1, 8)  # 5 updates
    return treated(recipe, *operations).optimizer


def cosine(rate: float) -> Callable[[Any], Any]:
    return lambda step: rate * 0.5 * (1 + jnp.cos(jnp.pi * step / 5))


@pytest.mark.parametrize(
    ("given", "operation", "wanted"),
    [
        (optax.sgd(0.1, momentum=0.9), Operation("rate", 10.0), optax.sgd(1.0, momentum=0.9)),
        (optax.adamw(1e-2), Operation("rate", 0.1), optax.adamw(1e-3)),
        (optax.inject_hyperparams(optax.adamw)(1e-2), Operation("rate", 10.0), optax.adamw(0.1)),
        (optax.adamw(1e-2, weight_decay=0.3), Operation("decay", 0.01), optax.adamw(1e-2, weight_decay=0.01)),
        (optax.adamw(1e-2, weight_decay=0.3), Operation("decay", 0.0), optax.adam(1e-2)),
        (
            optax.adamw(1e-2, weight_decay=0.3, mask=all_of), Operation("decay", 0.01),
            optax.adamw(1e-2, weight_decay=0.01),
        ),
        (
            optax.inject_hyperparams(optax.adamw)(1e-2, weight_decay=0.3), Operation("decay", 0.01),
            optax.adamw(1e-2, weight_decay=0.01),
        ),
        (optax.sgd(0.1), Operation("decay", 0.3), optax.chain(optax.add_decayed_weights(0.3), optax.sgd(0.1))),
        (optax.sgd(1.0), Operation("clip", 0.1), optax.chain(optax.clip_by_global_norm(0.1), optax.sgd(1.0))),
        (optax.adam(optax.exponential_decay(0.1, 1, 0.5)), Operation("schedule", "constant"), optax.adam(0.1)),
        (
            optax.inject_hyperparams(optax.sgd)(optax.warmup_cosine_decay_schedule(0.0, 0.1, 2, 5)),
            Operation("schedule", "constant"), optax.sgd(0.1),
        ),
        (optax.sgd(0.1, momentum=0.9), Operation("schedule", "cosine"), optax.sgd(cosine(0.1), momentum=0.9)),
        (optax.sgd(0.3), Operation("optimizer", "adam"), optax.adam(1e-3)),
    ],
)  # fmt: skip
def test_transformations_are_those_that_optax_makes(
    given: optax.GradientTransformation, operation: Operation, wanted: optax.GradientTransformation
):
    before = moved(given)
    np.testing.assert_allclose(moved(operated(given, operation)), moved(wanted), rtol=1e-4)
    np.testing.assert_array_equal(moved(given), before)  # the user's own is what it was


def test_what_cannot_be_done_to_a_transformation_is_said():
    with pytest.raises(SpecError, match="constant already"):
        operated(optax.adam(0.1), Operation("schedule", "constant"))
    with pytest.raises(SpecError, match="weight decay is 0 already"):
        operated(optax.adam(0.1), Operation("decay", 0.0))
    with pytest.raises(SpecError, match="'adam' already"):
        operated(optax.adam(0.1), Operation("optimizer", "adam"))
    inner = optax.MultiSteps(optax.adamw(0.1, weight_decay=0.3), 2).gradient_transformation()
    with pytest.raises(SpecError, match="cannot be changed from outside"):
        operated(inner, Operation("decay", 0.01))


def test_a_watch_reads_the_rate_that_treatment_made():
    for tx in (optax.sgd(0.1), optax.inject_hyperparams(optax.sgd)(0.1)):
        made = operated(tx, Operation("rate", 10.0), Operation("schedule", "warmup"))
        optimizer = nnx.Optimizer(mlp(4, 2, 1), made, wrt=nnx.Param)
        assert settings(optimizer)[1]["lr"] == pytest.approx(1.0)


def test_wiring_trains_all_and_in_training_mode():
    model = Functional(0.5)
    model.eval()
    head = nnx.All(nnx.Param, nnx.PathContains("d"))
    recipe = of(model, circles(64), log_loss, nnx.Optimizer(model, optax.sgd(0.1), wrt=head))
    assert len(nnx.to_flat_state(nnx.state(model, treated(recipe).wrt))) == 2
    rewired = treated(recipe, Operation("normalize", "layer"))
    assert len(nnx.to_flat_state(nnx.state(rewired.model, rewired.wrt))) == 2 + 6
    wired = treated(recipe, Operation("wiring", "all"), Operation("activation", "tanh"))
    assert len(nnx.to_flat_state(nnx.state(wired.model, wired.wrt))) == 8
    assert not model.drop.deterministic


@pytest.mark.parametrize(
    ("layer", "fan_in"),
    [
        (nnx.Linear(300, 400, rngs=nnx.Rngs(0)), 300),
        (nnx.LinearGeneral(100, (20, 40), rngs=nnx.Rngs(0)), 100),
        (nnx.LinearGeneral((20, 10), 300, axis=(-2, -1), rngs=nnx.Rngs(0)), 200),
        (nnx.Conv(16, 256, (3, 3), rngs=nnx.Rngs(0)), 144),
        (nnx.ConvTranspose(16, 256, (4, 4), strides=2, rngs=nnx.Rngs(0)), 64),
        (nnx.ConvTranspose(16, 256, (4, 4), transpose_kernel=True, rngs=nnx.Rngs(0)), 256),
    ],
)
def test_weights_are_drawn_critically(layer: Any, fan_in: int):
    trainability.init_("flax", layer, activation="gelu", seed=3)
    first = np.asarray(layer.kernel[...])
    point = trainability.theory.recommended("gelu")
    assert first.std() == pytest.approx(point.sigma_w / fan_in**0.5, rel=0.02)
    assert np.asarray(layer.bias[...]).std() == pytest.approx(point.sigma_b, rel=0.2)
    trainability.init_("flax", layer, activation="gelu", seed=3)
    np.testing.assert_array_equal(layer.kernel[...], first)


@functools.partial(nnx.jit, static_argnums=0)
def plain_step(loss: Any, model: nnx.Module, optimizer: nnx.Optimizer, x: Any, y: Any) -> None:
    optimizer.update(model, nnx.grad(lambda m: loss(m(x), y))(model))


def test_an_untreated_recipe_is_the_plain_loop_watched_or_not():
    outcome = train(classes, (), 3)
    recipe = classes(3)
    model, order = recipe.model, np.random.default_rng(3)
    optimizer = nnx.Optimizer(model, recipe.optimizer, wrt=nnx.Param)
    x, y = recipe.train
    rows = order.permutation(64)
    for part in (rows[:32], rows[32:]):
        plain_step(recipe.loss, model, optimizer, x[part], y[part])
    model.eval()
    held_out, targets = recipe.validation
    assert outcome.score == accuracy_score(targets, np.asarray(model(held_out)).argmax(-1))
    assert outcome.cost == outcome.planned == 64
    watched = train(classes, (), 3, watch=True)
    assert (watched.score, watched.cost) == (outcome.score, outcome.cost)
    assert watched.chart is not None
    assert watched.chart.validation is not None
    np.testing.assert_allclose(watched.chart.validation.losses, [float(log_loss(model(held_out), targets))], rtol=1e-4)
    assert [layer.activation for layer in watched.chart.layers] == ["relu", "gelu", "tanh", "softmax"]


def test_a_rewired_model_is_watched_as_any_other():
    operations = Operation("activation", "sigmoid"), Operation("normalize", "layer"), Operation("dropout", 0.1)
    chart = train(classes, operations, 0, watch=True).chart
    assert chart is not None
    assert [layer.activation for layer in chart.layers] == ["sigmoid", "sigmoid", "sigmoid", "softmax"]
    assert [layer.name for layer in chart.layers] == ["model.a", "model.b", "model.c", "model.d"]
    assert all(parameter.used and parameter.held for parameter in chart.parameters)
    assert chart.dropout == pytest.approx(0.1)


def test_training_ends_where_the_loss_is_no_number():
    def broken(seed: int) -> Recipe:
        return dataclasses.replace(regression(), optimizer=optax.sgd(1e30), epochs=50)

    outcome = train(broken, (), 0)
    assert np.isnan(outcome.score)
    assert outcome.cost < outcome.planned == 50 * 64


def test_programs_that_differ_in_what_an_inner_function_holds_are_not_mistaken():
    def weighted(weight: float) -> Callable[[int], Recipe]:
        held = jnp.full((1, 1), weight)
        loss = jax.jit(lambda a, y: (held * (a - y) ** 2).mean())
        return lambda seed: dataclasses.replace(regression(), loss=loss, optimizer=optax.sgd(0.1), metric="r2")

    assert len({train(weighted(weight), (), 0).score for weight in (0.1, 1.0)}) == 2


SICK = """
import numpy as np, optax, trainability
from flax import nnx
from tests.zoo.flax_run import mlp

def sick(seed):
    r = np.random.default_rng(seed)
    x = r.standard_normal((160, 2)).astype("float32")
    y = (x[:, :1] > 0).astype("float32")
    model = mlp(2, 4, 1, last=nnx.softmax, seed=seed)
    loss = lambda answers, targets: optax.squared_error(answers, targets).mean()
    return trainability.Recipe(model, loss, optax.adam(0.1), (x[:96], y[:96]), (x[96:], y[96:]), 6, 32)
"""


def test_a_sick_recipe_is_cured(tmp_path: Path):
    path = tmp_path / "recipes.py"
    path.write_text(SICK, "utf-8")
    found = trainability.treat(read_recipe(f"{path}:sick"), budget=2.0)
    assert found.findings[0].code == "output-activation"
    assert found.treatment is not None
    assert found.treatment.verdict == "cured"
    assert found.treatment.operations[0] == Operation("output", "fit")
    assert min(found.treatment.treated) > 0.9


def test_wrong_recipes_are_said_in_a_sentence():
    for change, words in (
        ({"optimizer": "adam"}, "an optax transformation here, got str"),
        ({"loss": "mse"}, "a function of answers and targets, got 'mse'"),
    ):
        with pytest.raises(trainability.UsageError, match=words):
            examine(lambda seed, change=change: dataclasses.replace(classes(), **change))
    with pytest.raises(
        trainability.UsageError, match=r"a torch.nn.Module, a flax.nnx.Module or a Keras model, got builtins"
    ):
        examine(lambda seed: dataclasses.replace(classes(), model=3))


def test_normalisation_goes_before_an_activation_that_was_put_in():
    x = np.random.default_rng(0).standard_normal((64, 64)).astype(np.float32)
    y = np.arange(64, dtype=np.int32) % 10

    def linear(seed: int) -> Recipe:
        model = mlp(64, 8, 10, activation=None, seed=seed)
        return Recipe(model, lambda a, b: scores(a, b).mean(), optax.adam(1e-3), (x, y), (x, y), 1, 32)

    chart = train(linear, (Operation("activation", "relu"), Operation("normalize", "layer")), 0, watch=True).chart
    assert chart is not None
    assert [layer.activation for layer in chart.layers] == ["relu", None]
