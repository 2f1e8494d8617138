"""What a spec sets besides activation, loss, optimiser and normalisation: after 100 steps PyTorch and Keras agree.

Penalties, clipping, decoupled decay and residual connections against both libraries, schedules against PyTorch's own
schedulers, and single precision for every optimiser at its defaults.
"""

from __future__ import annotations

import math
from typing import Any

import pytest

from tests.peers import KERAS_WARNING, LIBRARIES, trajectory, twin
from tests.peers.rows import named
from trainability.optimizers import OPTIMIZERS
from trainability.schedules import SCHEDULES

pytestmark = pytest.mark.filterwarnings(KERAS_WARNING)

SETTINGS: dict[str, dict[str, Any]] = {
    "l1": {"task": "classes", "activation": "tanh", "optimizer": "adam:eps=1e-12", "l1": (0.01, 0.03)},
    "l2": {"task": "regression", "activation": "elu", "optimizer": "momentum", "l2": (0.01, 0.03)},
    "l1 and l2, batches": {
        "task": "binary",
        "activation": "glu",
        "optimizer": "sgd",
        "l1": 0.01,
        "l2": 0.02,
        "batch": 9,
    },
    "clip": {"task": "regression", "activation": "gelu", "optimizer": "sgd", "clip": (0.05, 0.2), "batch": 9},
    "clip with penalties": {
        "task": "classes",
        "activation": "prelu",
        "optimizer": "nesterov",
        "norm": "layer",
        "clip": 0.1,
        "l1": 0.003,
        "l2": 0.01,
    },
    "decay of sgd": {
        "task": "binary",
        "activation": "softplus",
        "optimizer": "sgd",
        "norm": "rms",
        "decay": (0.1, 0.3),
    },
    "decay of adam": {"task": "classes", "activation": "silu", "optimizer": "adam:eps=1e-12", "decay": (0.1, 2.0)},
    "residual": {
        "task": "regression",
        "activation": "relu",
        "optimizer": "adagrad",
        "hidden": "3-3-4",
        "residual": True,
    },
    "residual and batch norm": {
        "task": "classes",
        "activation": "tanh",
        "optimizer": "sgd",
        "hidden": "5-5",
        "residual": True,
        "norm": "batch",
    },
    "no hidden layer": {"task": "classes", "optimizer": "sgd", "hidden": (), "depth": 0, "width": 1},
}


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("name", SETTINGS)
def test_settings(name, library):
    # PyTorch divides by the gradient's norm plus 1e-6 when it clips.
    tolerance = 1e-4 if "clip" in SETTINGS[name] else 1e-6
    for ours in trajectory.trajectories(**SETTINGS[name]):
        trajectory.compare(ours, *twin(library).train(ours), tolerance, library)


@pytest.mark.parametrize("name", [o.name for o in OPTIMIZERS if o.torch or o.keras])
def test_single_precision(name):
    place = list(OPTIMIZERS).index(OPTIMIZERS[name])
    task = ("binary", "classes", "regression")[place % 3]
    norm = ("layer", "none", "rms", "none")[place % 4]
    libraries = [library for library in LIBRARIES if name in named(OPTIMIZERS, library)]
    for ours in trajectory.trajectories(task, activation="gelu", optimizer=name, norm=norm, dtype="float32"):
        for library in libraries:
            trajectory.compare(ours, *twin(library).train(ours), 1e-4, library)


@pytest.mark.parametrize("name", [o.name for o in OPTIMIZERS if o.torch and any(p.name == "eps" for p in o.parameters)])
def test_eps_is_where_pytorch_has_it(name):
    """A large epsilon: where it is added shows."""
    if name in ("adagrad", "radam"):
        pytest.skip("added elsewhere: see peers.torch_twin")
    for ours in trajectory.trajectories("binary", activation="gelu", optimizer=f"{name}:eps=1e-3"):
        trajectory.compare(ours, *twin("torch").train(ours), 1e-6, "torch")


def _schedulers() -> dict[str, Any]:
    """PyTorch's scheduler for each of our schedules at its defaults, over 100 steps."""
    from torch.optim import lr_scheduler as torchs

    def then_cosine(optimizer: Any) -> Any:
        # PyTorch's own warm-ups cannot start at a rate of 0, so this is the formula.
        return torchs.LambdaLR(optimizer, lambda t: t / 10 if t < 10 else 0.5 * (1 + math.cos(math.pi * (t - 10) / 90)))

    steps = trajectory.STEPS
    return {
        "constant": lambda o: torchs.ConstantLR(o, factor=1.0),
        "linear": lambda o: torchs.LinearLR(o, start_factor=1.0, end_factor=0.0, total_iters=steps),
        "cosine": lambda o: torchs.CosineAnnealingLR(o, T_max=steps),
        "exponential": lambda o: torchs.ExponentialLR(o, gamma=0.01 ** (1 / steps)),
        "step": lambda o: torchs.MultiStepLR(o, milestones=[34, 67], gamma=0.1),
        "warmup": lambda o: torchs.LambdaLR(o, lambda t: min(1.0, t / 10)),
        "warmup_cosine": then_cosine,
    }


@pytest.mark.parametrize("name", [schedule.name for schedule in SCHEDULES])
def test_schedules(name):
    for ours in trajectory.trajectories("classes", activation="tanh", optimizer="momentum", schedule=name):
        trajectory.compare(ours, *twin("torch").train(ours, _schedulers()[name]), 1e-6, "torch")
