"""Patches of scripts and of other frameworks, examined by running what comes out; and lines where no place is known."""

from __future__ import annotations

import ast
from typing import Any

import pytest
import torch

from tests.patch_sources import FLAX, KERAS, KERAS_FUNCTIONAL, RECIPES, SCRIPT
from tests.patched import applied, ran
from trainability.adapters.torch.operations import Patient
from trainability.core.operation import KINDS, Operation
from trainability.core.recipe import Recipe
from trainability.treatment.patch import patch
from trainability.treatment.patch.keras_training import BATCH, DECAYING, RATES
from trainability.treatment.patch.make import Framework

EVERY = [Operation(kind, value) for kind, known in KINDS.items() for value in known.values]
FRAMEWORKS: tuple[Framework, ...] = ("torch", "keras", "flax")
each = pytest.mark.parametrize("operation", EVERY, ids=lambda o: f"{o.kind}-{o.value}")


def after(source: str, *operations: Operation, framework: Framework = "torch", function: str | None = None) -> str:
    """The patched source, where every operation has its place."""
    found = patch(source, "train.py", operations, framework, function)
    assert not [line for line in found.lines if line.endswith("):")], found.lines
    assert found.diff
    return applied(found.diff, source)


def script(kind: str, value: float | str) -> dict[str, Any]:
    return ran(after(SCRIPT, Operation(kind, value)))


def test_a_script_is_patched_where_it_trains():
    assert script("rate", 10.0)["optimizer"].param_groups[0]["lr"] == 0.5
    made = script("batch", 4.0)
    assert (made["train_loader"].batch_size, made["test_loader"].batch_size) == (32, 16)
    assert script("epochs", 3.0)["done"] == 12
    assert script("wiring", "all")["model"].training
    assert script("decay", 0.01)["optimizer"].param_groups[0]["weight_decay"] == 0.01
    assert type(script("optimizer", "rmsprop")["optimizer"]) is torch.optim.RMSprop
    norms = [p.grad.norm() for p in script("clip", 0.1)["model"].parameters()]
    assert torch.stack(norms).norm() == pytest.approx(0.1, rel=1e-4)
    assert torch.stack([p.grad.norm() for p in ran(SCRIPT)["model"].parameters()]).norm() > 0.2


@pytest.mark.parametrize(
    ("change", "kinds"),
    [
        (("done = 0", "other = optim.Adam(model.parameters())"), ("rate", "optimizer", "decay", "clip", "wiring")),
        (("shuffle=True", "shuffle=False"), ("batch",)),
        (("done += 1", "optimizer.step()"), ("clip",)),
        (("nn.ReLU()", "unknown()"), ("activation", "initialize", "dropout", "normalize")),
        (("lr=learning_rate", "**settings"), ("rate", "decay")),
        (("model.parameters(), lr", "groups, lr"), ("rate", "optimizer", "decay")),
        (("range(1, EPOCHS + 1)", "count()"), ("epochs",)),
    ],
    ids=lambda one: one[0] if isinstance(one, tuple) else "",
)
def test_where_there_is_no_one_place_there_are_lines(change: tuple[str, str], kinds: tuple[str, ...]):
    for kind in kinds:
        operation = Operation(kind, KINDS[kind].values[-1])
        found = patch(SCRIPT.replace(*change), "train.py", [operation], "torch")
        assert not found.diff
        assert found.lines[0].startswith(f"# {operation} (")


def test_what_rests_on_lines_goes_into_lines():
    source = SCRIPT.replace("done = 0", "other = optim.Adam(model.parameters())")
    found = patch(source, "train.py", [Operation("rate", 10.0), Operation("optimizer", "adam")], "torch")
    assert [line.split(" (")[0] for line in found.lines if line.endswith("):")] == [
        "# train with adam at its usual rate", "# multiply the rate by 10",
    ]  # fmt: skip


def network() -> torch.nn.Module:
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(2, 4), torch.nn.ReLU(), torch.nn.Dropout(0.5), torch.nn.Linear(4, 1))


def context(framework: Framework) -> dict[str, Any]:
    """What the lines of a framework take for granted."""
    import numpy as np

    x, y = np.random.default_rng(0).normal(3.0, 2.0, (20, 2)).astype("f"), np.ones((20, 1), "f")
    y[:7] = 4.0
    names: dict[str, Any] = {"epochs": 3, "batch_size": 8, "units": 4, "rate": 0.01}
    if framework == "torch":
        x, y, model = torch.as_tensor(x), torch.as_tensor(y), network()
        names["optimizer"] = torch.optim.SGD(model[3].parameters(), lr=0.1)
        model(x).pow(2).mean().backward()
    elif framework == "keras":
        import keras

        model = keras.Sequential([keras.Input((2,)), keras.layers.Dropout(0.5), keras.layers.Dense(1)])
        model.compile("adam", "mse")
    else:
        import optax
        from flax import nnx

        model = nnx.Sequential(nnx.Linear(2, 4, rngs=nnx.Rngs(0)), nnx.Dropout(0.5, rngs=nnx.Rngs(0)))
        names["transformation"] = optax.sgd(0.1)
    return names | {"x_train": x, "y_train": y, "x_validation": x, "model": model}


@each
@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_lines_run(framework: Framework, operation: Operation):
    lines = patch("", "empty.py", [operation], framework).lines
    assert lines[0].startswith(f"# {operation} (")
    assert lines[0].endswith("):")
    ran("\n".join(lines), **context(framework))


def test_the_lines_of_pytorch_do_what_the_operations_do():
    def by_lines(kind: str, value: float | str) -> dict[str, Any]:
        return ran("\n".join(patch("", "empty.py", [Operation(kind, value)], "torch").lines), **context("torch"))

    def by_operation(kind: str, value: float | str) -> Patient:
        from trainability.adapters.torch.operations import BY_KIND

        names = context("torch")
        data = names["x_train"], names["y_train"]
        patient = Patient.of(Recipe(names["model"], torch.nn.MSELoss(), names["optimizer"], data, data, 3, 8), 0)
        BY_KIND[kind](patient, value)
        return patient

    for kind, value, key in (("rate", 3.0, "lr"), ("decay", 0.1, "weight_decay")):
        group = by_lines(kind, value)["optimizer"].param_groups[0]
        assert group[key] == by_operation(kind, value).optimizer.param_groups[0][key]
    assert by_lines("batch", 0.25)["batch_size"] == by_operation("batch", 0.25).batch_size
    assert by_lines("epochs", 3.0)["epochs"] == by_operation("epochs", 3.0).epochs
    assert by_lines("dropout", 0.3)["model"][2].p == 0.3
    scaled = by_operation("scale_inputs", "standardize")
    torch.testing.assert_close(by_lines("scale_inputs", "standardize")["x_validation"], scaled.validation[0])
    mine, theirs = by_lines("scale_targets", "standardize"), by_operation("scale_targets", "standardize")
    torch.testing.assert_close(mine["y_train"], theirs.train[1])
    torch.testing.assert_close(mine["answers"], theirs.answer(mine["model"](mine["x_validation"])))
    held = [sum(p.numel() for g in one.param_groups for p in g["params"])
            for one in (by_lines("wiring", "all")["optimizer"], by_operation("wiring", "all").optimizer)]  # fmt: skip
    assert held == [17, 17]
    grads = [p.grad for p in by_lines("clip", 0.1)["model"].parameters()]
    assert torch.stack([grad.norm() for grad in grads]).norm() == pytest.approx(0.1, rel=1e-4)
    for value in ("cosine", "warmup"):
        from trainability.adapters.torch.trainer import _schedule

        patient = by_operation("schedule", value)
        mine, theirs = by_lines("schedule", value)["schedule"], _schedule(patient, 9)
        assert [mine.lr_lambdas[0](step) for step in range(12)] == [theirs.lr_lambdas[0](step) for step in range(12)]


def keras_run(monkeypatch: pytest.MonkeyPatch, source: str, *operations: Operation) -> tuple[Any, dict[str, Any]]:
    """The compiled model of a patched script, and what `fit` was told."""
    import keras

    told: list[tuple[Any, tuple[Any, ...], dict[str, Any]]] = []
    monkeypatch.setattr(keras.Model, "fit", lambda self, *a, **k: told.append((self, a, k)))
    ran(after(source, *operations, framework="keras") if operations else source)
    model, positional, named = told[-1]
    return model, dict(zip(("x", "y", "batch_size", "epochs"), positional, strict=False)) | named


def layers(model: Any) -> list[tuple[str, str]]:
    """Class and activation of every layer."""
    return [(type(one).__name__, getattr(getattr(one, "activation", None), "__name__", "")) for one in model.layers]


def test_keras_scripts_are_patched_where_they_train(monkeypatch: pytest.MonkeyPatch):
    def of(source: str, kind: str, value: float | str) -> tuple[Any, dict[str, Any]]:
        return keras_run(monkeypatch, source, Operation(kind, value))

    assert float(of(KERAS, "rate", 10.0)[0].optimizer.learning_rate) == pytest.approx(0.01)
    assert float(of(KERAS_FUNCTIONAL, "rate", 0.1)[0].optimizer.learning_rate) == pytest.approx(0.05)
    for source in (KERAS, KERAS_FUNCTIONAL):
        made = of(source, "optimizer", "rmsprop")[0].optimizer
        assert (type(made).__name__, float(made.learning_rate)) == ("RMSprop", pytest.approx(0.001))
        assert (made.clipnorm, made.weight_decay) == (None, None)
        made = of(source, "clip", 1.0)[0].optimizer
        assert (made.global_clipnorm, made.clipnorm) == (1.0, None)
        assert of(source, "decay", 0.02)[0].optimizer.weight_decay == 0.02
        plain = of(source, "decay", 0.0)[0]
        assert plain.optimizer.weight_decay is None
        assert not plain.losses
    assert keras_run(monkeypatch, KERAS)[0].losses
    assert of(KERAS, "batch", 4.0)[1]["batch_size"] == 4 * BATCH
    assert of(KERAS_FUNCTIONAL, "batch", 0.25)[1]["batch_size"] == 2
    assert of(KERAS, "epochs", 10.0)[1]["epochs"] == 50
    assert of(KERAS_FUNCTIONAL, "epochs", 3.0)[1]["epochs"] == 9


def test_keras_models_are_patched_where_they_are_made(monkeypatch: pytest.MonkeyPatch):
    def of(source: str, kind: str, value: float | str) -> Any:
        return keras_run(monkeypatch, source, Operation(kind, value))[0]

    def names(model: Any) -> list[str]:
        return [activation for layer, activation in layers(model) if layer == "Dense"]

    assert names(of(KERAS, "activation", "gelu")) == ["gelu", "gelu", "softmax"]
    assert names(of(KERAS_FUNCTIONAL, "activation", "silu")) == ["silu", "silu", "silu", "sigmoid"]
    assert names(of(KERAS, "output", "fit")) == ["relu", "linear", "sigmoid"]
    assert names(of(KERAS_FUNCTIONAL, "output", "fit")) == ["tanh", "tanh", "tanh", "softmax"]
    assert [one.rate for one in of(KERAS, "dropout", 0.1).layers if hasattr(one, "rate")] == [0.1]
    for value, name in (("layer", "LayerNormalization"), ("batch", "BatchNormalization")):
        assert [layer for layer, _ in layers(of(KERAS, "normalize", value))] == [
            "Dense", name, "Activation", "Dropout", "Dense", name, "Dense",
        ]  # fmt: skip
    for source, activation in ((KERAS, "relu"), (KERAS_FUNCTIONAL, "tanh")):
        import trainability

        wanted = trainability.init_("keras", activation=activation)
        for one in of(source, "initialize", "critical").layers:
            if hasattr(one, "kernel_initializer"):
                assert one.kernel_initializer.get_config()["scale"] == wanted.get_config()["scale"]
    drawn = keras_run(monkeypatch, KERAS, Operation("activation", "gelu"), Operation("initialize", "critical"))[0]
    assert drawn.layers[0].bias_initializer.get_config()["stddev"] > 0


def test_the_defaults_are_keras():
    import inspect

    import keras

    for name, rate in RATES.items():
        settings = inspect.signature(getattr(keras.optimizers, name)).parameters
        assert settings["learning_rate"].default == rate, name
        assert (settings["weight_decay"].default is not None) == (name in DECAYING), name
    assert inspect.signature(keras.Model.fit).parameters["epochs"].default == 1


def test_nnx_recipes_are_patched():
    import jax
    import jax.numpy as jnp

    def of(kind: str, value: float | str) -> Recipe:
        source = after(FLAX, Operation(kind, value), framework="flax", function="recipe")
        return ran(source)["recipe"](0)

    def update(recipe: Recipe, size: float) -> float:
        with jax.numpy_dtype_promotion("standard"):
            state = recipe.optimizer.init(jnp.zeros(1))
            return abs(float(recipe.optimizer.update(jnp.array([size]), state, jnp.ones(1))[0][0]))

    assert update(of("rate", 10.0), 1.0) == pytest.approx(0.01, rel=1e-4)
    assert update(of("optimizer", "sgd"), 3.0) == pytest.approx(0.03)
    assert update(of("clip", 0.1), 1e-12) == pytest.approx(update(ran(FLAX)["recipe"](0), 1e-12))
    assert update(of("decay", 0.01), 0.0) == pytest.approx(0.001, rel=1e-4)
    assert (of("batch", 4.0).batch_size, of("epochs", 3.0).epochs) == (20, 9)
    assert of("dropout", 0.1).model.drop.rate == 0.1
    recipe = of("activation", "tanh")
    model, x = recipe.model, recipe.train[0]
    model.eval()
    with jax.numpy_rank_promotion("allow"):
        assert jnp.allclose(model(x), model.last(jnp.tanh(model.second(jnp.tanh(model.first(x))))))
    deviation = float(jnp.std(of("initialize", "critical").model.second.kernel[...]))
    assert deviation == pytest.approx((2 / 8) ** 0.5, rel=0.3)


DENSE = """
import keras
model = keras.Sequential([keras.layers.Dense(8, "sigmoid"), keras.layers.Dense(1, "sigmoid")])
model.compile("adam", "binary_crossentropy")
"""


def test_a_keras_activation_may_stand_in_its_place():
    assert 'Dense(8, "elu"), keras.layers.Dense(1, "sigmoid")' in after(
        DENSE, Operation("activation", "elu"), framework="keras"
    )
    normalised = after(DENSE, Operation("normalize", "layer"), framework="keras")
    assert (
        'Dense(8), keras.layers.LayerNormalization(), keras.layers.Activation("sigmoid"), keras.layers.Dense(1'
        in normalised
    )


DECAYED = """
import optax, trainability
def recipe(seed):
    optimizer = optax.chain(optax.add_decayed_weights(0.2), optax.adam(0.01))
    return trainability.Recipe(Net(seed), loss, optimizer, train, validation, 3, 5, "accuracy")
"""


@pytest.mark.parametrize("size", [0.0, 0.01])
def test_a_decay_of_optax_that_is_there_is_changed(size: float):
    changed = after(DECAYED, Operation("decay", size), framework="flax", function="recipe")
    assert f"optax.chain(optax.add_decayed_weights({size:g}), optax.adam(0.01))" in changed


def test_a_part_of_a_treatment_is_called_a_part():
    found = patch(
        DECAYED, "t.py", [Operation("rate", 10.0), Operation("scale_inputs", "standardize")], "flax", "recipe"
    )
    assert found.diff
    assert "is a part of it" in found.lines[0]


@each
@pytest.mark.parametrize("source", [*RECIPES.values(), SCRIPT, KERAS, KERAS_FUNCTIONAL, FLAX])
def test_no_framework_breaks_another_ones_source(source: str, operation: Operation):
    for framework in FRAMEWORKS:
        for function in (None, "recipe", "Net"):
            found = patch(source, "train.py", [operation], framework, function)
            ast.parse(applied(found.diff, source))
