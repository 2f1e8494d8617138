"""The lanes engine against the reference engine, and one trial of it alone and among others."""

from __future__ import annotations

import ctypes
import threading
from typing import Any

import jax
import numpy as np
import pytest

from tests.made import ENGINE, MEASURES, cells, dataset, equal
from tests.required import required
from trainability import problems
from trainability.activations import ACTIVATIONS, choose
from trainability.core.errors import SpecError
from trainability.core.statistics import wilson
from trainability.core.types import Dataset
from trainability.engine import selection
from trainability.engine.initial import initial_parameters
from trainability.engine.interface import BlockResult, Engine
from trainability.engine.lanes import LanesEngine, missing, unavailable
from trainability.engine.lanes.formulas import formula_of
from trainability.engine.lanes.library import kernels, load
from trainability.engine.lanes.run import unpacked
from trainability.losses import LOSSES
from trainability.optimizers import OPTIMIZERS
from trainability.schedules import SCHEDULES
from trainability.sweep import plan
from trainability.sweep.spec import make_spec

pytestmark = required(unavailable())

WILD = {"float32": 1e30, "float64": 1e300}
SOAK = pytest.mark.soak  # each needs a program of the reference engine, which takes seconds to compile
DATA = {task: dataset(task) for task in ("binary", "classes", "regression")}
TOLERANCE = {"float32": 1e-4, "float64": 1e-10}


def trained(engine: Engine, data: Dataset, grid: tuple[plan.Cell, ...], rows: list[tuple[int, int]]) -> BlockResult:
    """The given (cell, trial) rows as one block."""
    block = plan.Block("b", grid[0].program, grid[0].steps, np.array(rows))
    return engine.run(block.program, plan.trials(block, grid, 5), data, block.steps, MEASURES, lambda steps: None)


def agree(data: Dataset, trials: int = 6, **settings: Any) -> tuple[BlockResult, BlockResult]:
    """Train with both engines; parameters, histories and vital signs agree."""
    grid = cells(data, **settings)
    assert missing(grid[0].program) == ""
    rows = [(cell.index, trial) for cell in grid for trial in range(trials)]
    ours, theirs = trained(LanesEngine(), data, grid, rows), trained(ENGINE, data, grid, rows)
    compare(ours, theirs, TOLERANCE[grid[0].program.dtype])
    return ours, theirs


def compare(ours: BlockResult, theirs: BlockResult, tolerance: float) -> None:
    """AssertionError unless parameters, histories and vital signs agree."""
    assert ours.parameters.keys() == theirs.parameters.keys()
    for part, wanted in theirs.parameters.items():
        for a, b in zip(jax.tree.leaves(ours.parameters[part]), jax.tree.leaves(wanted), strict=True):
            assert a.dtype == b.dtype
            np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance * np.abs(b).max(initial=1e-3), err_msg=part)
    for name, wanted in theirs.columns.items():
        got = ours.columns[name]
        if wanted.dtype.kind != "f":
            np.testing.assert_array_equal(got, wanted, name)
        else:  # histories are float32 whatever the trial's type
            scale = np.abs(wanted[np.isfinite(wanted)]).max(initial=1e-3)
            # Where two outputs are equal but for rounding, the engines may name different classes.
            close = 0.1 if name.endswith("score") and tolerance == TOLERANCE["float32"] else 1e-4 * scale
            np.testing.assert_allclose(got, wanted, rtol=1e-3, atol=close, err_msg=name)


OFTEN = ("gelu", "elu", "relu6", "prelu", "rrelu", "glu", "softmax", "sparsemax")
"""Activations trained in every run; test_lanes_cover.py trains all, and so does the soak."""


@pytest.mark.parametrize("name", [pytest.param(a.name, marks=() if a.name in OFTEN else SOAK) for a in ACTIVATIONS])
def test_activations_train_as_in_the_reference(name: str):
    agree(DATA["binary"], activation=name, depth=2, steps=100, optimizer="sgd", lr=0.02, dtype="float64")


@pytest.mark.parametrize("dtype", [pytest.param("float32", marks=SOAK), "float64"])
@pytest.mark.parametrize("name", [o.name for o in OPTIMIZERS])
def test_optimizers_train_as_in_the_reference(name: str, dtype: str):
    rates = {"adadelta": 1.0, "sgd": 0.05, "momentum": 0.02, "nesterov": 0.02, "adagrad": 0.02}
    agree(DATA["classes"], activation="tanh", optimizer=name, lr=rates.get(name, 0.002), steps=100, dtype=dtype)


@pytest.mark.parametrize(
    ("loss", "task"),
    [pytest.param(loss.name, task, marks=() if task == "classes" else SOAK) for loss in LOSSES for task in loss.tasks],
)
def test_losses_train_as_in_the_reference(loss: str, task: str):
    # Odd batches: where a hinge pulls as often up as down, a bias' gradient is rounding noise or nothing.
    agree(DATA[task], loss=loss, activation="gelu", optimizer="sgd", lr=0.02, steps=100, dtype="float64", batch=7)


@pytest.mark.parametrize("name", [s.name for s in SCHEDULES])
def test_schedules_train_as_in_the_reference(name: str):
    agree(DATA["regression"], schedule=name, activation="tanh", optimizer="momentum", steps=100, dtype="float64")


PLAIN: dict[str, Any] = {"optimizer": "sgd", "lr": 0.02}
"""With batch normalisation: it takes a bias off again, and Adam would turn its gradient's rounding noise into steps."""

SETTINGS: dict[str, dict[str, Any]] = {
    "float32": {"task": "binary", "depth": 4, "width": 5},
    "penalties": {"task": "classes", "l1": [0.01, 0.03], "l2": 0.02, "clip": 0.3, "decay": 0.1, "optimizer": "sgd"},
    "residual": {"task": "regression", "hidden": "3-3-5-5", "depth": (), "width": (), "residual": True, "batch": 5},
    "wide": {"task": "classes", "hidden": "33-7-18", "depth": (), "width": (), "dtype": "float64"},
    "no hidden layer": {"task": "binary", "depth": 0},
    "early stopping": {"task": "binary", "early_stopping": 3, "lr": 0.3, "dtype": "float64"},
    "validation target": {"task": "binary", "target": "validation_loss<=0.6", "batch": 9},
    "values of their own": {"task": "binary", "lr": [0.001, 0.05], "activation": "elu:0.5,elu:2"},
    "output activation": {"task": "classes", "loss": "mse", "output": "softplus", "dtype": "float64"},
    "softmax at the end": {"task": "classes", "loss": "mse", "output": "softmax", "dtype": "float64"},
    "prelu at the end": {"task": "regression", "output": "prelu:0.3", "dtype": "float64"},
    "dropout": {"task": "binary", "dropout": 0.3, "depth": 3, "batch": 7, "dtype": "float64"},
    "dropout of large batches": {"task": "binary", "dropout": [0.0, 0.5], "activation": "rrelu"},
    "batch norm": {"task": "classes", "norm": "batch", "batch": 9, "dtype": "float64", **PLAIN},
    "layer norm": {"task": "regression", "norm": "layer", "residual": True, "width": 3, "depth": 3, "dtype": "float64"},
    "rms norm of gates": {"task": "binary", "norm": "rms", "activation": "maxout:3", "dtype": "float64"},
    "typed gate": {"task": "binary", "activation": "expr:x1*sin(x2)", "norm": "batch", "dtype": "float64", **PLAIN},
    "perceptron": {"task": "binary", "depth": 0, "loss": "perceptron", "optimizer": "sgd", "batch": 1, "init": "zeros"},
}


@pytest.mark.parametrize("name", SETTINGS)
def test_settings_train_as_in_the_reference(name: str):
    settings = {"activation": "tanh", "steps": 100, **SETTINGS[name]}
    agree(DATA[settings.pop("task")], **settings)


def test_more_samples_than_a_pass_holds():
    data = dataset("classes", samples=333, held_out=70)
    agree(data, activation="tanh", steps=20, dtype="float64")
    agree(data, activation="tanh", steps=20, dtype="float64", batch=100)
    agree(data, activation="rrelu", norm="batch", dropout=0.1, steps=20, dtype="float64", batch=100, **PLAIN)


def test_a_trial_that_becomes_nan_is_frozen_as_in_the_reference_and_its_neighbours_go_on():
    wild = {"activation": "exponential", "depth": 2, "lr": [1.0, 1e-3], "optimizer": "sgd", "dtype": "float64"}
    ours, _ = agree(DATA["binary"], trials=8, steps=30, **wild)
    assert {"nan", "steps"} <= set(ours.columns["ended"])


@pytest.mark.parametrize("kernel", kernels())
@pytest.mark.parametrize("dtype", TOLERANCE)
def test_a_trial_is_the_same_alone_among_others_and_on_every_instruction_set(kernel: str, dtype: str):
    grid = cells(DATA["binary"], activation="gelu", lr=[0.01, WILD[dtype]], batch=7, steps=60, dtype=dtype)
    rows = [(cell.index, trial) for trial in range(20) for cell in grid]
    among = trained(LanesEngine(kernel=kernels()[0]), DATA["binary"], grid, rows)
    assert len(set(among.columns["ended"])) > 1
    for place in (0, 1, 17, len(rows) - 1):
        alone = trained(LanesEngine(kernel=kernel), DATA["binary"], grid, [rows[place]])
        assert equal(alone, 0, among, place) == []


def test_blocks_side_by_side_give_the_same_records():
    grid = cells(DATA["classes"], steps=200, activation="tanh")
    alone = trained(LanesEngine(), DATA["classes"], grid, [(0, 3)])
    results: list[BlockResult] = []

    def work() -> None:
        results.append(trained(LanesEngine(), DATA["classes"], grid, [(0, t) for t in range(20)]))

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [equal(alone, 0, result, 3) for result in results] == [[], [], []]


def test_what_the_engine_is_told_ends_the_run():
    class Stop(Exception):
        pass

    def stop(steps: int) -> None:
        if steps:
            raise Stop

    grid = cells(DATA["binary"], steps=10**8)
    block = plan.Block("b", grid[0].program, grid[0].steps, np.array([(0, 0)]))
    with pytest.raises(Stop):
        LanesEngine().run(block.program, plan.trials(block, grid, 0), DATA["binary"], block.steps, MEASURES, stop)


def test_progress_adds_up_to_the_steps():
    told: list[int] = []
    grid = cells(DATA["binary"], steps=5000)
    block = plan.Block("b", grid[0].program, grid[0].steps, np.array([(0, t) for t in range(50)]))
    LanesEngine().run(block.program, plan.trials(block, grid, 0), DATA["binary"], 5000, MEASURES, told.append)
    assert sum(told) == 5000


def test_what_the_kernel_does_not_know_goes_to_the_reference_and_the_engine_says_so():
    engine = selection.make(None, None, "lanes")
    assert engine.name == "lanes"
    for activation, names in (("relu", "lanes"), ("expr:x/units_max(abs(x))", "lanes and reference")):
        trained(engine, DATA["binary"], cells(DATA["binary"], activation=activation), [(0, 0)])
        assert engine.name == names


def test_without_a_kernel_auto_is_the_reference_and_lanes_is_an_error(monkeypatch: pytest.MonkeyPatch):
    assert selection.resolve("auto") == "lanes"
    monkeypatch.setattr(selection, "unavailable", lambda: "it was not built")
    assert selection.resolve("auto") == "reference"
    with pytest.raises(SpecError, match="it was not built"):
        selection.resolve("lanes")


def test_solved_shares_are_the_references():
    """XOR with 512 seeds and 10,000 steps in float32: each share lies in the other's interval."""
    data = problems.load("xor", seed=0)
    spec = plan.resolve(make_spec({"problem": "xor", "depth": 4, "width": 3, "steps": 10_000}), data)
    grid = plan.cells(spec, data)
    solved = []
    for engine in (LanesEngine(), ENGINE):
        blocks = [[(0, t) for t in range(first, first + 32)] for first in range(0, 512, 32)]
        solved.append(sum(int(trained(engine, data, grid, rows).columns["solved"].sum()) for rows in blocks))
    for a, b in (solved, solved[::-1]):
        low, high = wilson(a, 512)
        assert low <= b / 512 <= high
    assert 100 < solved[0] < 412


def test_parameters_are_packed_and_unpacked_for_every_kind_of_layer():
    settings = {"activation": "prelu", "norm": "batch", "hidden": "5-4", "depth": (), "width": (), "init": "torch"}
    program, data = cells(DATA["binary"], **settings)[0].program, DATA["binary"]
    block = plan.Block("b", program, 5, np.array([(0, t) for t in range(64)]))
    trials = plan.trials(block, cells(data, **settings), 0)
    flat, running = LanesEngine().make(load().Block32, program, trials, data, 5, MEASURES).parameters()
    ours, first = unpacked(program, flat, running), initial_parameters(program.network, trials, (0,), "float32")
    assert [len(ours[name]) for name in ("weights", "factor", "shift", "activation", "running")] == [3, 2, 2, 2, 2]
    for name, arrays in first.items():
        for a, b in zip(ours[name], arrays, strict=True):
            np.testing.assert_array_equal(a, b)


class Allocated(ctypes.Structure):
    """glibc's struct mallinfo2."""

    _fields_ = [(name, ctypes.c_size_t) for name in (
        "arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks", "fordblks", "keepcost",
    )]  # fmt: skip


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallinfo2"), reason="the C library cannot tell")
@pytest.mark.parametrize(
    "settings",
    [
        {"width": 60, "depth": 3},
        {"width": 40, "depth": 2, "norm": "batch", "activation": "maxout:3", "optimizer": "amsgrad", "batch": 20},
        {"width": 50, "depth": 3, "dropout": 0.5, "residual": True, "activation": "prelu", "optimizer": "sgd"},
    ],
    ids=lambda settings: str(settings["width"]),
)
def test_the_memory_of_a_block_is_known_before_it_is_made(settings: dict[str, Any]):
    told = ctypes.CDLL(None).mallinfo2
    told.restype = Allocated
    data = dataset("classes", samples=200)
    program = cells(data, **settings)[0].program
    block = plan.Block("b", program, 5, np.array([(0, t) for t in range(64)]))
    rows = plan.trials(block, cells(data, **settings), 0)
    engine, kind = LanesEngine(), load().Block32
    before = told()
    made = engine.make(kind, program, rows, data, 5, MEASURES)
    after = told()
    taken = (after.uordblks + after.hblkhd) - (before.uordblks + before.hblkhd)
    expected = kind.bytes(engine.settings(program, 5, MEASURES), len(data.x_train), len(rows))
    assert made is not None
    assert 0.9 * expected <= taken <= 1.02 * expected + 100_000  # the arrays that it was made from, too


def test_what_does_not_fit_into_memory_is_refused_with_the_figure(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("trainability.engine.lanes.run.memory", lambda: 10**6)
    with pytest.raises(SpecError, match=r"16 of these networks side by side need 0\.0\d+ GB .* has 0\.001;"):
        agree(DATA["binary"], width=100, depth=3)


def test_every_worker_has_a_block_in_memory(monkeypatch: pytest.MonkeyPatch):
    data, kind = DATA["binary"], load().Block32
    grid = cells(data, width=60, depth=2)
    rows = plan.trials(plan.Block("b", grid[0].program, 5, np.array([(0, t) for t in range(16)])), grid, 0)
    one, two = LanesEngine(1), LanesEngine(2)
    block = kind.bytes(one.settings(grid[0].program, 5, MEASURES), len(data.x_train), 16)
    monkeypatch.setattr("trainability.engine.lanes.run.memory", lambda: block * 3 // 2)
    one.make(kind, grid[0].program, rows, data, 5, MEASURES)
    with pytest.raises(SpecError, match="32 of these networks"):
        two.make(kind, grid[0].program, rows, data, 5, MEASURES)


def test_networks_that_are_no_small_ones_go_to_the_reference():
    assert missing(cells(DATA["binary"], width=1000, depth=3)[0].program) == "networks of 2,007,001 weights"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"widths": [3]}, "2 to 4096 widths"),
        ({"widths": [3, 0, 1]}, "widths of 1 to"),
        ({"widths": [3, 2**21, 1]}, "widths of 1 to"),
        ({"widths": [3, 5, 1]}, "as many parameters"),
        ({"widths": [4, 4, 1]}, "as many parameters|as wide as"),
        ({"batch": 25}, "a batch of"),
        ({"steps": 2**32}, "fewer than 2"),
        ({"metric": 4}, "a metric"),
        ({"loss": "huber"}, "the loss's parameters"),
        ({"loss": "none such"}, "no loss"),
        ({"optimizer": "adamw"}, "the optimiser's parameters"),
        ({"schedule": "step"}, "the schedule's parameters"),
        ({"vitals": ["pulse"]}, "no vital sign"),
    ],
    ids=str,
)
def test_the_kernel_checks_its_arguments(change: dict[str, Any], said: str, monkeypatch: pytest.MonkeyPatch):
    engine, settings = LanesEngine(), LanesEngine.settings

    def changed(*arguments: Any) -> Any:
        result = settings(engine, *arguments)
        for name, value in change.items():
            setattr(result, name, value)
        return result

    monkeypatch.setattr(engine, "settings", changed)
    grid = cells(DATA["binary"], width=4, depth=1)
    with pytest.raises(ValueError, match=said):
        trained(engine, DATA["binary"], grid, [(0, 0)])


def test_checkpoints_that_do_not_rise_are_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("trainability.engine.lanes.run.checkpoints", lambda steps: (0, 5, 2, steps))
    with pytest.raises(ValueError, match="steps that rise"):
        trained(LanesEngine(), DATA["binary"], cells(DATA["binary"], width=4, depth=1), [(0, 0)])


def test_formulas_are_programs_of_plain_data():
    program = formula_of(choose("expr:sigmoid(2*x) + sigmoid(2*x)**2 + sqrt(pi)").entry)
    operations = [step[0] for step in program.code]
    assert len(operations) == len(set(program.code)) == len(program.code)
    assert operations.count(33) <= 2  # sigmoid(2x), and sigmoid(-2x) of the slope
