"""P1 and P2: the same networks, batches and steps in Keras; networks that are born dead against arithmetic."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.peers import keras_twin
from tests.peers.trajectory import Trajectory
from trainability import activations, api
from trainability.core import random
from trainability.core.types import Dataset
from trainability.engine.initial import initial_parameters
from trainability.engine.interface import checkpoints
from trainability.lab.born_dead import dead_layers, most_born_dead
from trainability.lab.phenomena import or_depth, or_depth_relu
from trainability.losses import LOSSES
from trainability.optimizers import OPTIMIZERS
from trainability.report.gather import history
from trainability.sweep import plan
from trainability.sweep.spec import make_spec


def _trajectory(settings: dict[str, Any]) -> Trajectory:
    """The first seed of a phenomenon's run, with all that a twin needs to repeat it."""
    asked = make_spec({"problem": "or_rows", "seeds": 1, **settings})
    data: Dataset = api.load_data(asked)
    spec = plan.resolve(asked, data)
    (cell,) = plan.cells(spec, data)
    program, samples = cell.program, len(data.x_train)
    steps = samples * settings["epochs"]
    trials = plan.trials(plan.Block("test", program, steps, np.array([(cell.index, 0)])), (cell,), spec.seed)
    first = initial_parameters(program.network, trials, (), program.dtype)
    key = random.trial_key(spec.seed, trials.trial, random.Stream.ORDER)
    orders = [np.argsort(random.words(key, epoch, samples)[0][0], kind="stable") for epoch in range(settings["epochs"])]
    loss = LOSSES.choose(cell.axes["loss"])
    result = api.compare("or_rows", seeds=1, **settings)
    return Trajectory(
        program=program,
        activation=activations.choose(cell.axes["activation"]),
        output=activations.choose(cell.axes["output"]),
        loss=loss,
        optimizer=OPTIMIZERS.choose(cell.axes["optimizer"]),
        numbers=cell.numbers,
        x=data.x_train.astype(program.dtype),
        y=loss.entry.encode(data, data.y_train).astype(program.dtype),
        batches=np.concatenate(orders)[:, None],
        initial={name: [np.asarray(part)[0] for part in parts] for name, parts in first.items()},
        final={},
        marks=checkpoints(steps),
        losses=np.array(result.trials["history_train_loss"][0]),
    )


CURVES: dict[str, dict[str, Any]] = {
    **{f"{more} more": {**or_depth.NOTES, "depth": 2 + more, "epochs": 1} for more in or_depth.MORE},
    "10 more, ReLU": {**or_depth_relu.NOTES, "output": "sigmoid", "epochs": 1},
    # Keras adds Adam's ε at another place; with hardly any the ways are the same where every rounding grows.
    "off the plateau": {
        **or_depth.NOTES,
        "depth": 2,
        "lr": 0.01,
        "optimizer": "adam:eps=1e-14",
        "epochs": 5,
        "dtype": "float64",
    },
}


@pytest.mark.parametrize("name", CURVES)
def test_keras_reproduces_the_stacks(name: str) -> None:
    ours = _trajectory(CURVES[name])
    _, losses = keras_twin.train(ours)
    np.testing.assert_allclose(ours.losses, losses, rtol=1e-4)
    assert losses[-1] < losses[0] - 0.01
    if name == "off the plateau":
        assert losses[-1] < 0.1, "a network that learns nothing ends at 0.18"


ROWS = or_depth_relu.ROWS


def test_one_layer_is_dead_with_the_chance_that_all_its_weights_are_negative() -> None:
    for width in (1, 2):
        share = dead_layers(ROWS, width, 1, 20_000, 1)[:, 0].mean()
        assert share == pytest.approx(0.25**width, abs=0.01)


@given(st.integers(1, 4), st.integers(1, 6), st.integers(0, 2**63))
def test_a_dead_layer_stays_and_is_no_likelier_than_the_bound(width: int, depth: int, seed: int) -> None:
    dead = dead_layers(ROWS, width, depth, 400, seed)
    assert (dead[:, 1:] >= dead[:, :-1]).all(), "behind a dead layer all are dead"
    assert (dead.mean(axis=0) <= most_born_dead(width, depth) + 0.12).all()


@given(st.integers(1, 3), st.integers(1, 5), st.floats(1e-3, 1e3), st.integers(0, 2**32))
def test_only_directions_matter(width: int, depth: int, factor: float, seed: int) -> None:
    np.testing.assert_array_equal(
        dead_layers(ROWS, width, depth, 50, seed), dead_layers(factor * ROWS, width, depth, 50, seed)
    )


def test_engine_and_drawn_networks_agree_on_who_is_born_dead() -> None:
    """Small weights and large ones: the very same networks have a dead layer, as often as those drawn here."""
    found = []
    for init in or_depth_relu.INITS:
        settings = {**or_depth_relu.NOTES, "epochs": 1, "init": init, "output": "sigmoid", "seeds": 256}
        dead = history(api.compare("or_rows", **settings).trials, "dead")[1]
        found.append((dead[:, 0, :-1] == 1).any(axis=1))
    np.testing.assert_array_equal(*found)
    drawn = dead_layers(ROWS, or_depth_relu.NOTES["width"], or_depth_relu.DEPTH, 4_000, 0)[:, -1]
    assert found[0].mean() == pytest.approx(drawn.mean(), abs=0.05)
