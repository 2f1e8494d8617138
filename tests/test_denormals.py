"""Numbers below the normal ones count as 0 in both engines, so that a network whose gradient dies is not slow to train.

Weights are near 1e-20, so that what comes through two layers, forwards or backwards, is near 1e-40.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.made import ENGINE, MEASURES, cells, dataset
from tests.required import required
from trainability.engine.interface import BlockResult, Engine
from trainability.engine.lanes import LanesEngine, unavailable
from trainability.sweep import plan

pytestmark = required(unavailable())

DATA = dataset("binary")
ENGINES = pytest.mark.parametrize("engine", [LanesEngine(), ENGINE] if not unavailable() else [], ids=lambda e: e.name)


def trained(engine: Engine, **settings: Any) -> BlockResult:
    grid = cells(DATA, init="normal:1e-20", activation="tanh", depth=2, **settings)
    block = plan.Block("b", grid[0].program, grid[0].steps, np.array([(0, trial) for trial in range(8)]))
    return engine.run(block.program, plan.trials(block, grid, 5), DATA, block.steps, MEASURES, lambda steps: None)


@ENGINES
def test_a_denormal_gradient_counts_as_zero(engine: Engine):
    """The sign of a gradient moves a weight by the rate, however small the gradient is, unless it is 0."""
    settings: dict[str, Any] = {"optimizer": "sign_sgd", "lr": 0.1, "steps": 1}
    resting = trained(engine, **settings).parameters["weights"]
    moved = trained(LanesEngine(), **settings, dtype="float64").parameters["weights"]
    for single, double in zip(resting, moved, strict=True):
        assert (np.abs(single) < 1e-18).all()
        np.testing.assert_allclose(np.abs(double), 0.1)


@ENGINES
def test_a_denormal_activation_counts_as_zero(engine: Engine):
    settings: dict[str, Any] = {"optimizer": "sgd", "lr": 1e-9, "steps": 1}
    single, double = (
        trained(by, **settings, dtype=dtype).columns["activation_mean"][:, 0, 1]
        for by, dtype in ((engine, "float32"), (LanesEngine(), "float64"))
    )
    assert (single == 0).all()
    assert (double != 0).all()


def test_the_engines_agree_on_a_network_that_dies():
    lanes, reference = (trained(engine, optimizer="sgd", lr=0.1, steps=40) for engine in (LanesEngine(), ENGINE))
    for name, theirs in reference.columns.items():
        if theirs.dtype.kind == "f":  # deviations of equal outputs are rounding noise
            np.testing.assert_allclose(lanes.columns[name], theirs, rtol=1e-3, atol=1e-12, err_msg=name)
        else:
            np.testing.assert_array_equal(lanes.columns[name], theirs, name)
    for part in ("weights", "biases"):
        for a, b in zip(lanes.parameters[part], reference.parameters[part], strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-18)
