"""The plan: choices made explicit, the grid of cells, blocks of trials, targets. No engine is asked."""

from __future__ import annotations

import dataclasses
import itertools
import tracemalloc
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.made import dataset
from trainability.activations import ACTIVATIONS
from trainability.core.catalogue import Catalogue
from trainability.core.errors import SpecError, UnknownName, UsageError
from trainability.core.types import Dataset
from trainability.engine.interface import Target
from trainability.engine.selection import block_size
from trainability.initializers import INITIALIZERS
from trainability.losses import LOSSES
from trainability.normalization import NORMALIZATIONS
from trainability.optimizers import OPTIMIZERS
from trainability.schedules import SCHEDULES
from trainability.sweep import plan
from trainability.sweep.spec import AXES, MOST, Spec, make_spec
from trainability.sweep.target import parse_target, target_text

DATA = dataset()
ALL_IN = dataset(held_out=0)
VALUES = dataset("regression")


def resolved(data: Dataset = DATA, **settings: Any) -> Spec:
    return plan.resolve(make_spec({"problem": data.name, **settings}), data)


def grid(data: Dataset = DATA, **settings: Any) -> tuple[plan.Cell, ...]:
    return plan.cells(resolved(data, **settings), data)


CATALOGUES: dict[str, Catalogue[Any]] = {
    "activation": ACTIVATIONS, "output": ACTIVATIONS, "init": INITIALIZERS, "bias_init": INITIALIZERS,
    "norm": NORMALIZATIONS, "loss": LOSSES, "optimizer": OPTIMIZERS, "schedule": SCHEDULES,
}  # fmt: skip
NAMES = [(axis, entry.name) for axis, catalogue in CATALOGUES.items() for entry in catalogue]


@pytest.mark.parametrize(("axis", "name"), NAMES, ids=[f"{axis}-{name}" for axis, name in NAMES])
def test_a_name_and_its_aliases_are_one_level(axis: str, name: str):
    aliases = CATALOGUES[axis][name].aliases
    spelled = [name, name.upper(), f" {name} ", *aliases]
    assert getattr(resolved(**{axis: spelled}), axis) == (name,)


def test_defaults_written_out_are_the_same_level():
    assert resolved(activation="leaky_relu,leaky_relu:0.01,leaky_relu:alpha=1e-2").activation == ("leaky_relu",)
    assert resolved(activation="swish,silu,relu").activation == ("silu", "relu")
    assert resolved(activation="expr:x*2,expr:(x * 2)").activation == ("expr:x*2",)
    assert resolved(hidden="64-32,064 - 32,5").hidden == ("64-32", "5")
    assert resolved(target="val_accuracy >= 0.90").target == "validation_accuracy>=0.9"
    assert resolved(batch=f"full,{len(DATA.x_train)}").batch == (0,)


SPECS: list[dict[str, Any]] = [
    {},
    {"hidden": "4-3,5"},
    {"epochs": 3, "batch": 8, "early_stopping": 2, "target": "val_accuracy >= 0.90"},
    {"activation": "swish,expr:where(x > 0, x, 0.1*x)", "lr": "0.1,1e-3", "loss": "mse,bce", "dtype": "float64"},
]


@pytest.mark.parametrize("settings", SPECS, ids=str)
def test_a_resolved_spec_has_nothing_left_to_resolve(settings: dict[str, Any]):
    once = resolved(**settings)
    assert plan.resolve(once, DATA) == once
    assert make_spec(once.model_dump(exclude_none=True)) == once


def test_what_the_problem_decides():
    assert resolved(DATA).loss == ("bce",)
    assert resolved(dataset("classes")).loss == ("cross_entropy",)
    assert resolved(VALUES).loss == ("mse",)
    assert resolved(DATA).target == "accuracy>=1"
    assert resolved(DATA).batch == (0,)
    assert resolved(dataset(samples=100)).batch == (32,)
    assert (resolved().depth, resolved().width, resolved().steps) == ((2,), (8,), 2000)
    assert (resolved(hidden="3").depth, resolved(epochs=2).steps) == ((), None)


TWO_LEVELS: dict[str, Any] = {
    "depth": [0, 2], "width": [2, 3], "hidden": ["4-3", "5"], "activation": ["relu", "expr:where(x > 0, x, 0.1*x)"],
    "init": ["uniform:1", "he_normal"], "bias_init": ["zeros", "uniform:0.1"], "norm": ["none", "layer"],
    "residual": [False, True], "loss": ["mse", "huber"], "output": ["tanh", "identity"], "optimizer": ["sgd", "adam"],
    "lr": [0.1, 0.01], "schedule": ["constant", "cosine"], "batch": [2, 3], "clip": [0.0, 1.0], "dropout": [0.0, 0.5],
    "l1": [0.0, 0.1], "l2": [0.0, 0.1], "decay": [0.0, 0.1],
}  # fmt: skip


def test_every_axis_is_tried():
    assert set(TWO_LEVELS) == set(AXES)


@pytest.mark.parametrize("axis", AXES)
def test_every_list_is_an_axis(axis: str):
    settings = {"loss": "mse", axis: TWO_LEVELS[axis]}
    cells = grid(**settings)
    assert [cell.axes[axis] for cell in cells] == TWO_LEVELS[axis]
    assert [cell.index for cell in cells] == [0, 1]
    texts = ("init", "bias_init")  # initialisers are data of a block, told by the cell's axes
    assert axis in texts or (cells[0].program, cells[0].numbers) != (cells[1].program, cells[1].numbers)


def test_axes_cross_in_their_order():
    cells = grid(depth="1,2", activation="relu,tanh", lr="0.1,0.2")
    crossed = list(itertools.product((1, 2), ("relu", "tanh"), (0.1, 0.2)))
    assert [(c.axes["depth"], c.axes["activation"], c.axes["lr"]) for c in cells] == crossed


def test_what_a_cell_is():
    one = grid(hidden="4-3", optimizer="sgd", loss="mse", batch=5, epochs=3, activation="leaky_relu:0.2")[0]
    assert one.program.network.hidden == (4, 3)
    assert one.axes["lr"] == OPTIMIZERS["sgd"].default_rate == one.numbers["rate"]
    assert one.numbers["activation"] == (0.2,)
    assert one.steps == 3 * (len(DATA.x_train) // 5)
    assert grid(epochs=3)[0].steps == 3
    assert grid(depth=0)[0].program.network.hidden == ()
    assert grid(batch="full")[0].axes["batch"] == len(DATA.x_train)


@given(seeds=st.integers(1, 100), depths=st.lists(st.integers(0, 3), min_size=1, max_size=3, unique=True))
def test_blocks_hold_every_trial_once(seeds: int, depths: list[int]):
    cells = grid(depth=depths, lr=[0.1, 0.2], width=2)
    made = plan.blocks(cells, seeds)
    rows = [tuple(row) for block in made for row in block.rows.tolist()]
    assert sorted(rows) == [(c.index, t) for c in cells for t in range(seeds)]
    assert len({block.key for block in made}) == len(made)
    for block in made:
        assert 1 <= len(block.rows) <= block_size(block.program)
        assert {(cells[cell].program, cells[cell].steps) for cell, _ in block.rows} == {(block.program, block.steps)}


@pytest.mark.parametrize("engine", ["lanes", "reference"])
def test_a_plan_of_very_many_trials_is_small(engine: str):
    """A Python object for each of a million trials would take more memory than training them."""
    cells, seeds = grid(), 200_000
    tracemalloc.start()
    try:
        blocks = plan.blocks(cells, seeds, engine)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert sum(len(block.rows) for block in blocks) == seeds
    assert peak < 40 * seeds


@given(trials=st.integers(1, 5_000_000), width=st.integers(1, 500))
def test_larger_blocks_still_leave_work_for_many_cores(trials: int, width: int):
    program = grid(depth=3, width=width)[0].program
    usual, size = (block_size(program, "lanes", n) for n in (0, trials))
    assert size == usual or (size > usual and trials / size > 128)


def test_a_blocks_rows_become_columns():
    cells = grid(lr=[0.1, 0.2], init=["he_normal", "uniform:1"], activation="elu:0.5")
    block = plan.Block("b", cells[0].program, cells[0].steps, np.array([(3, 7), (0, 2)]))
    trials = plan.trials(block, cells, seed=5)
    assert (trials.seed, trials.cell.tolist(), trials.trial.tolist()) == (5, [3, 0], [7, 2])
    assert trials.numbers["rate"].tolist() == [cells[3].axes["lr"], cells[0].axes["lr"]]
    assert trials.init == (cells[3].axes["init"], cells[0].axes["init"])
    assert trials.numbers["activation"].tolist() == [[0.5], [0.5]]


@pytest.mark.parametrize("part", ["x_train", "y_train", "x_validation", "y_validation"])
def test_the_data_digest_hears_every_array(part: str):
    array = getattr(DATA, part).copy()
    array.flat[-1] += 1
    assert plan.data_digest(dataclasses.replace(DATA, **{part: array})) != plan.data_digest(DATA)
    assert plan.data_digest(dataclasses.replace(DATA, **{part: array[:-1]})) != plan.data_digest(DATA)
    assert plan.data_digest(dataclasses.replace(DATA)) == plan.data_digest(DATA)


WRONG = [
    ({"activation": "relux"}, "unknown activation 'relux'; did you mean 'relu'"),
    ({"output": "sigmod", "loss": "mse"}, "unknown activation 'sigmod'; did you mean 'sigmoid'"),
    ({"init": "he_norml"}, "unknown initialiser 'he_norml'; did you mean 'he_normal'"),
    ({"bias_init": "zeross"}, "unknown initialiser 'zeross'; did you mean 'zeros'"),
    ({"norm": "batchh"}, "unknown normalisation 'batchh'; did you mean 'batch'"),
    ({"loss": "huberr"}, "unknown loss 'huberr'; did you mean 'huber'"),
    ({"optimizer": "adaam"}, "unknown optimiser 'adaam'; did you mean 'adam'"),
    ({"schedule": "cosin"}, "unknown schedule 'cosin'; did you mean 'cosine'"),
    ({"batch": 25}, "a batch of 25 is larger than the 24 training samples of 'made binary'"),
    ({"norm": "batch", "batch": 1}, "batch normalisation needs a batch of at least 2 samples"),
    ({"loss": "bce", "output": "sigmoid"}, "the loss 'bce' takes logits and applies the output activation itself"),
    ({"loss": "mse", "output": "maxout"}, "the output activation 'maxout' takes several pre-activations a unit"),
    ({"hidden": "64-x"}, "hidden '64-x': must be widths of 1 to 100,000, joined by '-', such as 64-32"),
    ({"hidden": "²"}, "hidden '²': must be widths"),
    ({"hidden": "0-1"}, "hidden '0-1': must be widths"),
    ({"hidden": "-".join(["1"] * 1001)}, "hidden has 1,001 layers; at most 1,000 are allowed"),
    ({"width": 99_999, "depth": 9}, "weights is too large; at most 50,000,000 are allowed"),
    ({"epochs": MOST, "batch": 1}, "epochs of 24 steps are 24,000,000,000 steps; at most 1,000,000,000 are allowed"),
    ({"seeds": 5_000_001}, "1 cell of 5,000,001 seeds are 5,000,001 trials; at most 5,000,000 are allowed"),
    ({"lr": list(range(1, 101)), "width": list(range(1, 101)), "clip": [0, 1, 2]}, "the grid has 30,000 cells"),
    ({name: list(range(1, 999)) for name in ("lr", "width", "clip", "l1", "l2", "decay", "depth")}, "the grid has"),
]


@pytest.mark.parametrize(("settings", "words"), WRONG, ids=[words for _, words in WRONG])
def test_what_does_not_fit_is_said(settings: dict[str, Any], words: str):
    with pytest.raises(UsageError) as caught:
        grid(**settings)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_early_stopping_needs_held_out_samples():
    assert grid(early_stopping=3)[0].program.patience
    with pytest.raises(SpecError, match="early stopping needs held-out samples; add a validation share"):
        grid(ALL_IN, early_stopping=3)


def test_a_loss_for_another_target_is_said():
    with pytest.raises(SpecError, match="the loss 'bce' is for classes, but 'made regression' has values"):
        grid(VALUES, loss="bce")


@pytest.mark.parametrize(
    ("text", "same", "target", "threshold"),
    [
        ("accuracy>=1", "accuracy>=1", Target("train_score", True), 1.0),
        (" Accuracy >= 0.90", "accuracy>=0.9", Target("train_score", True), 0.9),
        ("train_accuracy>=.5", "accuracy>=0.5", Target("train_score", True), 0.5),
        ("val_accuracy>=0.95", "validation_accuracy>=0.95", Target("validation_score", True), 0.95),
        ("validation_loss<=1e-3", "validation_loss<=0.001", Target("validation_loss", False), 0.001),
        ("loss<=0.1234567890123", "loss<=0.1234567890123", Target("train_loss", False), 0.1234567890123),
    ],
)
def test_targets(text: str, same: str, target: Target, threshold: float):
    assert parse_target(text, DATA) == (target, threshold)
    assert target_text(text, DATA) == same
    assert target_text(same, DATA) == same
    assert parse_target(same, DATA) == (target, threshold)


def test_a_regression_has_r2():
    assert parse_target("r2>=0.9", VALUES) == (Target("train_score", True), 0.9)
    assert target_text("val_R²>=-1", VALUES) == "validation_r2>=-1"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("nonsense", "is not of the form accuracy>=1, r2>=0.9 or loss<=0.01"),
        ("accuracy>=", "is not of the form"),
        ("accuracy>=nan", "is not of the form"),
        ("loss<=1e", "ends in '1e', which is not a number"),
        ("accuracy<=0.5", "must be written accuracy>=0.5"),
        ("loss=0.5", "must be written loss<=0.5"),
        ("accuracy>=2", "can never hold: an accuracy is at most 1"),
        ("accuracy>=95", "can never hold: an accuracy is at most 1; 95 % is written 0.95"),
        ("accuracy>=0", "always holds; name an accuracy above 0"),
        ("loss<=-1", "can never hold: a loss is at least 0"),
        ("loss<=1e999", "always holds; name a finite loss"),
        ("r2>=0.5", "does not fit 'made binary', whose target is classes; use accuracy"),
        ("validation_loss<=1", "needs held-out samples; add a validation share, such as 0.2"),
    ],
)
def test_targets_that_are_none(text: str, words: str):
    with pytest.raises(SpecError) as caught:
        parse_target(text, ALL_IN)
    assert str(caught.value).startswith(f"the target '{text}' {words}")


def test_more_targets_that_are_none():
    with pytest.raises(UnknownName, match="unknown target 'acuracy'; did you mean 'accuracy'"):
        parse_target("acuracy>=1", DATA)
    with pytest.raises(SpecError, match=r"R² is at most 1$"):
        parse_target("r2>=1.5", VALUES)
    with pytest.raises(SpecError, match="always holds"):
        parse_target("r2>=-1e999", VALUES)
    with pytest.raises(SpecError, match="whose target is values; use r2"):
        parse_target("accuracy>=0.5", VALUES)


def test_a_cell_takes_its_threshold_from_the_target():
    one = grid(target="val_loss<=0.25")[0]
    assert one.program.target == Target("validation_loss", False)
    assert one.numbers["threshold"] == 0.25
    assert np.isfinite(one.numbers["rate"])
