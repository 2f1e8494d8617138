"""What our engine made of a network in 100 steps, with all that a twin in another library needs to do the same."""

from __future__ import annotations

import dataclasses
import functools
import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from tests.peers import twin
from trainability import activations
from trainability.activations import Activation
from trainability.core import random
from trainability.core.catalogue import Choice
from trainability.core.types import Dataset
from trainability.engine.initial import initial_parameters
from trainability.engine.interface import Measures, Program, checkpoints
from trainability.losses import LOSSES, Loss
from trainability.optimizers import OPTIMIZERS, Optimizer
from trainability.sweep import plan
from trainability.sweep.spec import make_spec

STEPS = 100
SEED = 2**40 + 3
SAMPLES = 21
"""Odd, as batches must be: where a hinge pulls as often up as down, a bias' gradient is rounding noise or nothing."""
RATES = {
    "sgd": 0.05,
    "momentum": 0.02,
    "nesterov": 0.02,
    "adagrad": 0.02,
    "adadelta": 1.0,
    "rmsprop": 0.002,
    "lion": 0.002,
    **dict.fromkeys(("adam", "adamw", "adamax", "radam", "lamb"), 0.005),
}
"""Large enough to tell something in 100 steps and well inside stability: beyond it a change of one bit in one weight
was seen to grow to 1e-3 within PyTorch alone, so that no two libraries could agree."""


def _data(task: str) -> Dataset:
    """21 samples of 3 features that no linear function fits."""
    rng = np.random.default_rng(5)
    x = rng.normal(size=(SAMPLES, 3))
    bent = x[:, 0] * x[:, 1] + np.sin(2.0 * x[:, 2])
    y: np.ndarray = np.digitize(bent, np.quantile(bent, [1 / 3, 2 / 3]) if task == "classes" else [0.0])
    if task == "regression":
        y = np.stack([bent, np.abs(x[:, 0]) - x[:, 2]], axis=1)
    classes = {"binary": ("a", "b"), "classes": ("a", "b", "c"), "regression": ()}[task]
    target = "r2>=0.9" if task == "regression" else "accuracy>=1"
    names = ("y1", "y2") if task == "regression" else ("y",)
    return Dataset(task, task, x, y, x[:0], y[:0], ("u", "v", "w"), classes, names, target)  # pyright: ignore


DATA = {task: _data(task) for task in ("binary", "classes", "regression")}


@dataclass(frozen=True)
class Trajectory:
    """One trial of ours.

    Attributes:
        program: what it is; its network, names and dtype.
        activation, output, loss, optimizer: with the trial's values of their parameters.
        numbers: the trial's row of `engine.interface.Trials.numbers`.
        x, y: inputs (samples, 3) and encoded targets (samples, outputs).
        batches: the samples of every step, (steps, batch).
        initial, final: parameters as `engine.interface.BlockResult` has them, without the axis of trials.
        marks, losses: the checkpoints and the loss over all samples, in use, at each.
    """

    program: Program
    activation: Choice[Activation]
    output: Choice[Activation]
    loss: Choice[Loss]
    optimizer: Choice[Optimizer]
    numbers: Mapping[str, Any]
    x: np.ndarray
    y: np.ndarray
    batches: np.ndarray
    initial: Mapping[str, Any]
    final: Mapping[str, Any]
    marks: tuple[int, ...]
    losses: np.ndarray


@functools.cache
def trajectories(task: str, **settings: Any) -> tuple[Trajectory, ...]:
    """Two trials that go through our engine in one block: the first cell of the spec and the last one."""
    data = DATA[task]
    chosen = settings.get("optimizer", "adam")
    name = (chosen if isinstance(chosen, str) else chosen[0]).partition(":")[0]
    settings = {"dtype": "float64", "hidden": "5", "lr": RATES.get(name, OPTIMIZERS[name].default_rate), **settings}
    spec = plan.resolve(make_spec({"problem": task, "steps": STEPS, "seeds": 1, **settings}), data)
    grid = plan.cells(spec, data)
    program = grid[0].program
    block = plan.Block("test", program, STEPS, np.array([(grid[0].index, 0), (grid[-1].index, 1)]))
    trials = plan.trials(block, grid, SEED)
    result = _engine().run(program, trials, data, STEPS, Measures((), _nothing), lambda steps: None)
    assert all(cell.program == program for cell in grid)
    assert set(result.columns["ended"]) <= {"steps", "solved"}, "a trial that became NaN shows nothing"
    first = initial_parameters(program.network, trials, _learned(program.network.activation), program.dtype)
    key = random.trial_key(SEED, trials.trial, random.Stream.ORDER)
    loss = LOSSES[program.loss]
    found = []
    for i, cell in enumerate((grid[0], grid[-1])):
        chosen = {
            "activation": activations.choose(cell.axes["activation"]),
            "output": activations.choose(cell.axes["output"]),
            "loss": LOSSES.choose(cell.axes["loss"]),
            "optimizer": OPTIMIZERS.choose(cell.axes["optimizer"]),
        }
        found.append(
            Trajectory(
                program=program,
                **chosen,
                numbers=cell.numbers,
                x=data.x_train.astype(program.dtype),
                y=loss.encode(data, data.y_train).astype(program.dtype),
                batches=_batches(program.batch, (key[0][i : i + 1], key[1][i : i + 1])),
                initial=_of(first, i),
                final=_of(result.parameters, i),
                marks=checkpoints(STEPS),
                losses=result.columns["history_train_loss"][i],
            )
        )
    return tuple(found)


@functools.cache
def _engine() -> Any:
    from trainability.engine.reference import ReferenceEngine

    return ReferenceEngine()


def _nothing(layer: Any, xp: Any) -> Any:
    return xp.zeros(0, layer.activation.dtype)


def _learned(activation: str) -> tuple[int, ...]:
    entry = activations.choose(activation).entry
    return tuple(i for i, p in enumerate(entry.parameters) if p.name in entry.learned)


def _of(parameters: Any, trial: int) -> Any:
    import jax

    return jax.tree.map(lambda a: np.asarray(a)[trial], parameters)


def _batches(batch: int, key: random.Words) -> np.ndarray:
    """The samples of every step, drawn again in NumPy."""
    if not batch:
        return np.tile(np.arange(SAMPLES), (STEPS, 1))
    per_epoch = SAMPLES // batch
    epochs = []
    for epoch in range(-(-STEPS // per_epoch)):
        order = np.argsort(random.words(key, epoch, SAMPLES)[0][0], kind="stable")
        epochs.append(order[: per_epoch * batch].reshape(per_epoch, batch))
    return np.concatenate(epochs)[:STEPS]


def resolved(path: str) -> Any:
    """What a catalogue's path names; ``torch.optim.SGD(momentum=0.9)`` names the class."""
    module, _, name = path.partition("(")[0].rpartition(".")
    return getattr(importlib.import_module(module), name)


def compare(ours: Trajectory, parameters: Mapping[str, Any], losses: Any, tolerance: float, library: str) -> None:
    """Assert that a twin took the same way: every checkpoint's loss and every parameter at the end."""
    where = f"{library}, {ours.activation.text}, {ours.optimizer.text}, {ours.loss.text}:"
    network = ours.program.network
    moved = max(float(np.abs(a - b).max()) for a, b in _pairs(ours.initial, ours.final, "weights"))
    assert moved > 0.02, f"{where} the weights moved by {moved:.2g} only, which shows little"
    # A bias before batch normalisation changes nothing, so its gradient is rounding noise. Lion takes the noise's sign:
    # there the bias wanders, and the running mean, which follows it, and what is measured with that mean.
    batch = network.norm == "batch"
    wanders = batch and ours.program.optimizer == "lion"
    for name in ("weights", "biases", "factor", "shift", "activation", "running"):
        for layer, (a, b) in enumerate(_pairs(ours.final, parameters, name)):
            if name == "biases" and batch and layer < len(network.hidden):
                continue
            if name == "running" and wanders:
                continue
            np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance, err_msg=f"{where} {name} {layer}")
    if not wanders:
        # Histories are kept in float32.
        near = max(tolerance, 2e-7)
        np.testing.assert_allclose(ours.losses, losses, rtol=near, atol=near, err_msg=f"{where} losses")


def moved_by_rounding(ours: Trajectory, library: str, parameters: Mapping[str, Any]) -> float:
    """How far the twin's final weights are from its own where every input is another by a few roundings."""
    noise = np.random.default_rng(0).uniform(-4, 4, ours.x.shape) * np.finfo(ours.x.dtype).eps
    near, _ = twin(library).train(dataclasses.replace(ours, x=ours.x * (1 + noise)))
    return max(float(np.abs(a - b).max()) for a, b in _pairs(parameters, near, "weights"))


def _pairs(a: Mapping[str, Any], b: Mapping[str, Any], name: str) -> list[tuple[np.ndarray, np.ndarray]]:
    ours, theirs = a.get(name, []), b.get(name, [])
    assert len(ours) == len(theirs), name
    return [(np.asarray(p), np.asarray(q)) for p, q in zip(ours, theirs, strict=True)]
