"""Watching Keras changes nothing, leaves nothing behind, and sees what a watch of PyTorch sees; doors and recipes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import torch
from keras.src.random.seed_generator import global_seed_generator
from torch.nn import functional as F  # noqa: N812

import trainability
from tests import keras_checks
from tests.command import Cli, strict_json
from tests.zoo.data import Arrays, circles
from tests.zoo.torch_run import mlp
from trainability.adapters.keras.fitted import Fitted, observed_recipe
from trainability.adapters.keras.watch import Watch
from trainability.core.chart import SIGNS
from trainability.report.chart import Diagnosis

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize("check", keras_checks.CHECKS, ids=lambda check: check.__name__)
def test_on_pytorch(check: Callable[[], None]):
    assert keras.backend.backend() == "torch"
    check()


def batches(data: Arrays, steps: int = 6) -> tuple[np.ndarray, np.ndarray]:
    x, y = data
    rows = np.random.default_rng(0).integers(0, len(x), (steps, 32))
    return x[rows], y[rows]


def in_torch(activation: type[torch.nn.Module], path: Path) -> Diagnosis:
    """Train a network in PyTorch, and write its first weights and its batches to a file."""
    torch.manual_seed(0)
    model = mlp(2, 8, 8, 2, activation=activation)
    x, y = batches(circles())
    kernels = [p.detach().numpy().T.copy() for p in model.parameters()]
    weights: dict[str, Any] = {f"w{i}": kernel for i, kernel in enumerate(kernels)}
    np.savez(path, x=x, y=y, activation=activation.__name__.lower(), **weights)
    optimizer = torch.optim.SGD(model.parameters(), 0.5)
    with trainability.watch(model, optimizer) as seen:
        for inputs, targets in zip(x, y, strict=True):
            optimizer.zero_grad()
            F.cross_entropy(model(torch.from_numpy(inputs)), torch.from_numpy(targets).long()).backward()
            optimizer.step()
    return seen.diagnose()


def assert_same(wanted: Diagnosis, path: Path) -> None:
    found = np.load(path.with_suffix(".seen.npz"))
    assert found["codes"].tolist() == [finding.code for finding in wanted.findings]
    np.testing.assert_allclose(found["losses"], wanted.chart.losses, 1e-5)
    for name in SIGNS:
        np.testing.assert_allclose(found[name], wanted.chart.signs[name], 1e-5, 1e-5, err_msg=name)


def test_both_backends_give_the_signs_and_findings_of_pytorch(tmp_path: Path):
    wanted = {}
    for activation in (torch.nn.Tanh, torch.nn.ReLU):
        path = tmp_path / f"{activation.__name__}.npz"
        wanted[path] = in_torch(activation, path)
        keras_checks.twin(path)
        assert_same(wanted[path], path)
    # JAX as its users have it, in a process of its own: there it does all the checks as well.
    env = {name: value for name, value in os.environ.items() if not name.startswith("JAX_NUMPY")}
    env |= {"KERAS_BACKEND": "jax", "JAX_DISABLE_MOST_OPTIMIZATIONS": "1"}  # programs run shorter than they compile
    done = subprocess.run(
        [sys.executable, "-m", "tests.keras_checks", *map(str, wanted)],
        env=env, cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("passed") == len(keras_checks.CHECKS)
    for path, one in wanted.items():
        assert_same(one, path)


SCRIPT = """
import sys
{first}
import keras
import numpy as np
keras.utils.set_random_seed(0)
x = np.random.default_rng(0).standard_normal((200, 2)).astype("float32")
y = (x[:, 0] > 0).astype("int32")
inner = [keras.layers.Dense(8, "relu"), keras.layers.Dense(2, {last})]
model = keras.Sequential([keras.Input((2,)), *inner])
model.compile(keras.optimizers.Adam(0.05), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
history = model.fit(x, y, epochs=6, verbose=0)
print("arguments", sys.argv[1:], "loss", round(history.history["loss"][-1], 5))
{end}
"""
TORCH_FIRST = """
import torch
net = torch.nn.Linear(2, 1)
optimizer = torch.optim.SGD(net.parameters(), 0.1)
inputs = torch.eye(2)
for _ in range(20):
    optimizer.zero_grad()
    torch.nn.functional.mse_loss(net(inputs), inputs[:, :1]).backward()
    optimizer.step()
"""


def script(tmp_path: Path, last: str = "None", end: str = "", first: str = "") -> Path:
    path = tmp_path / "train.py"
    path.write_text(SCRIPT.format(first=first, last=last, end=end), "utf-8")
    return path


def test_a_script_is_watched_as_it_is(cli: Cli, tmp_path: Path):
    path = script(tmp_path)
    alone = subprocess.run([sys.executable, path, "a", "--b"], capture_output=True, text=True, check=True)
    code, out, err = cli("doctor", path, "--", "a", "--b")
    assert (code, out) == (0, alone.stdout)
    assert "Sequential: 42 steps" in err


def test_a_script_with_a_mistake_has_exit_code_1(cli: Cli, tmp_path: Path):
    path = script(tmp_path, last="'softmax'")
    code, _, err = cli("doctor", path, "--json", tmp_path / "found.json", "--report", tmp_path / "chart.html")
    assert code == 1
    assert "double-softmax" in err
    assert strict_json((tmp_path / "found.json").read_text("utf-8"))["findings"][0]["code"] == "double-softmax"
    assert (tmp_path / "chart.html").exists()


CRASH = """
class Boom(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        raise ValueError("boom")
model.fit(x, y, verbose=0, callbacks=[Boom()])
"""


def test_a_crash_keeps_traceback_and_chart(tmp_path: Path):
    path = script(tmp_path, end=CRASH)
    alone = subprocess.run([sys.executable, path], capture_output=True, text=True, check=False)
    watched = subprocess.run(
        [sys.executable, "-m", "trainability", "doctor", path], capture_output=True, text=True, check=False
    )
    assert alone.returncode == watched.returncode == 1
    assert alone.stderr.rstrip() in watched.stderr
    assert "Sequential: 43 steps" in watched.stderr


def test_a_script_that_trains_pytorch_and_keras(tmp_path: Path):
    path = script(tmp_path, first=TORCH_FIRST, end="[model.train_on_batch(x[:32], y[:32]) for _ in range(3)]")
    command = [sys.executable, "-m", "trainability", "doctor", path]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Linear: 20 steps" in done.stderr
    assert "Sequential: 45 steps" in done.stderr


def test_the_recipe_of_a_fit_is_told(cli: Cli, tmp_path: Path):
    x, y = circles(100)
    layers = [keras.Input((2,)), keras.layers.Dense(4, "relu"), keras.layers.Dense(2, "softmax")]
    model: Any = keras.Sequential(layers)
    model.compile(keras.optimizers.SGD(0.1, momentum=0.9), "sparse_categorical_crossentropy")
    with Watch(model) as watch:
        model.fit(x, y, epochs=2, batch_size=10, verbose=0)
    made = watch.recipe()(3), watch.recipe()(3), watch.recipe()(4)
    kernels = [recipe.model.get_weights()[0] for recipe in made]
    assert np.array_equal(kernels[0], kernels[1])
    assert not np.array_equal(kernels[0], kernels[2])
    assert not np.array_equal(kernels[0], model.get_weights()[0])
    assert (len(made[0].train[0]), len(made[0].validation[0])) == (80, 20)
    assert (made[0].epochs, made[0].batch_size, made[0].loss) == (2, 10, "sparse_categorical_crossentropy")
    assert made[0].optimizer.momentum == 0.9


def test_what_is_no_recipe_is_said():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    x, y = circles(20)
    given = {"x": x, "y": y, "epochs": 1, "batch_size": None, "validation_data": None, "validation_split": 0.5}
    assert len(observed_recipe(model, [Fitted.of(model, given)])(0).validation[0]) == 10
    cases = (
        ([], "did not go through fit"),
        ([given | {"x": iter([]), "y": None}], "no pair of arrays"),
        ([given | {"class_weight": {0: 1.0}}], "no class_weight"),
        ([given | {"validation_data": iter([])}], "held-out data that are no arrays"),
    )
    for fits, words in cases:
        with pytest.raises(trainability.UsageError, match=words):
            observed_recipe(model, [Fitted.of(model, one) for one in fits])


def test_a_backend_that_cannot_be_watched_is_said(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "openvino")
    with pytest.raises(trainability.UsageError, match="KERAS_BACKEND to jax, tensorflow or torch"):
        trainability.watch(keras_checks.small(compiled=False))


def test_assert_trainable_tries_a_copy_once():
    keras.utils.set_random_seed(0)
    x, y = circles(64)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    sick = keras.Sequential([keras.Input((2,)), *(keras.layers.Dense(16, "sigmoid") for _ in range(12))])
    sick.add(keras.layers.Dense(2))
    before = [weight.copy() for weight in sick.get_weights()]
    state = np.array(global_seed_generator().state)
    with pytest.raises(AssertionError, match="vanishing-gradient"):
        trainability.testing.assert_trainable(sick, (x, y), loss)
    assert all(np.array_equal(a, b) for a, b in zip(before, sick.get_weights(), strict=True))
    assert np.array_equal(state, np.array(global_seed_generator().state))
    assert not sick.compiled
    well = keras.Sequential([keras.Input((2,)), keras.layers.Dense(16, "relu"), keras.layers.Dense(2)])
    trainability.testing.assert_trainable(well, (x, y), loss)


def test_bad_targets_are_noted_once():
    x, y = np.ones((40, 2), np.float32), np.ones((40, 1), np.float32)
    y[-1] = np.nan
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    with trainability.watch(model) as seen:
        model.fit(x, y, 4, 2, verbose=0, shuffle=False)
    first, second = (seen.diagnose().chart for _ in range(2))
    assert first.origin is not None
    assert (first.origin.layer, first.origin.step) == ("targets", 9)
    assert first.loss is not None
    assert second.loss is not None
    assert first.loss.target is not None
    assert second.loss.target is not None
    assert first.loss.target.bad == second.loss.target.bad > 0
