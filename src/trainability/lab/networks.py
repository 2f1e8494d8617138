"""The trained networks themselves: what `compare` records of a trial does not hold its weights."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from trainability.core.types import Dataset

if TYPE_CHECKING:
    from trainability.engine.interface import Program


@dataclass(frozen=True)
class Trained:
    """The first trials of one cell after their training: the same networks that `compare` trains.

    Attributes:
        data: what was learned, after the features were made.
        weights, biases: of each layer, shapes (trials, fan_in, fan_out) and (trials, fan_out).
        columns: the trials' records, as `engine.interface.BlockResult.columns`.
    """

    data: Dataset
    weights: tuple[np.ndarray, ...]
    biases: tuple[np.ndarray, ...]
    columns: dict[str, np.ndarray] = field(repr=False)
    _program: Program = field(repr=False)
    _parameters: dict[str, Any] = field(repr=False)
    _numbers: dict[str, np.ndarray] = field(repr=False)

    def answers(self, trial: int, x: np.ndarray) -> np.ndarray:
        """What a trial's network answers to x, shape (samples, features); (samples, outputs), on the labels' scale."""
        from trainability.engine.answers import answers
        from trainability.sweep.tables import of_trial

        numbers = {name: values[trial] for name, values in self._numbers.items()}
        return answers(self._program, of_trial(self._parameters, trial), numbers, x)


def trained(problem: str, *, seeds: int = 1, **settings: Any) -> Trained:
    """Train the first `seeds` trials of one cell and keep their networks; nothing is cached, so take few.

    Args:
        problem, settings: as `trainability.compare`, each axis with one level.

    Raises:
        UsageError: as `trainability.compare`.
    """
    from trainability import api, vitals
    from trainability.engine import selection
    from trainability.engine.interface import Measures
    from trainability.store import cache_directory
    from trainability.sweep import plan
    from trainability.sweep.spec import make_spec

    asked = make_spec({"problem": problem, "seeds": seeds, **settings})
    data = api.load_data(asked)
    spec = plan.resolve(asked, data)
    grid = plan.cells(spec, data)
    if len(grid) != 1:
        raise ValueError(f"one cell is wanted, got {len(grid)}")
    rows = np.stack([np.zeros(seeds, np.int32), np.arange(seeds, dtype=np.int32)], axis=1)
    trials = plan.trials(plan.Block("b0000000", grid[0].program, grid[0].steps, rows), grid, spec.seed)
    engine = selection.make(cache_directory("programs"), 1, spec.engine)
    measures = Measures(vitals.names(), vitals.measure_layer)
    made = engine.run(grid[0].program, trials, data, grid[0].steps, measures, lambda steps: None)
    weights, biases = (tuple(np.asarray(part) for part in made.parameters[name]) for name in ("weights", "biases"))
    return Trained(data, weights, biases, made.columns, grid[0].program, made.parameters, trials.numbers)
