"""What many trained networks answer: for claims about the shape of an answer, which a run's tables do not hold."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from trainability.core.types import Dataset
from trainability.lab.phenomenon import Setting

K = TypeVar("K", bound=Hashable)


@dataclass(frozen=True)
class Trained:
    """Networks of one cell after training.

    Attributes:
        answers: on the points that were asked for, shape (trials, points, outputs).
        columns: the trials' records, one row per trial; see `core.records`.
    """

    answers: np.ndarray
    columns: dict[str, np.ndarray]


def train(
    setting: Setting, points: np.ndarray, cells: Mapping[K, tuple[Dataset, Mapping[str, Any]]]
) -> dict[K, Trained]:
    """Train `setting.seeds` networks of each cell and ask each of them for its answers.

    The networks are those that `compare` trains for the same settings and seed. Nothing is kept on disk.

    Args:
        points: inputs, shape (points, features).
        cells: name to data and settings as `compare` takes them, one level an axis.
    """
    from trainability.engine import selection
    from trainability.engine.answers import answers
    from trainability.engine.interface import Measures
    from trainability.store import cache_directory
    from trainability.sweep import plan
    from trainability.sweep.spec import make_spec

    blocks = []
    for name, (data, settings) in cells.items():
        spec = make_spec({"problem": data.name, "seeds": setting.seeds, "seed": setting.seed, **settings})
        spec = plan.resolve(spec, data)
        grid = plan.cells(spec, data)
        assert len(grid) == 1, "one level an axis"
        for block in plan.blocks(grid, spec.seeds, spec.engine):
            blocks.append((name, data, block, plan.trials(block, grid, spec.seed)))
    engine = selection.make(cache_directory("programs"), None, selection.resolve("auto"))

    def work(i: int) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        _, data, block, trials = blocks[i]
        result = engine.run(block.program, trials, data, block.steps, Measures((), _nothing), _ignored)
        answered = []
        for k in range(len(trials)):
            numbers = {name: values[k] for name, values in trials.numbers.items()}
            answered.append(answers(block.program, _of_trial(result.parameters, k), numbers, points))
        return np.stack(answered), result.columns

    with ThreadPoolExecutor(engine.workers) as pool:
        done = list(pool.map(work, range(len(blocks))))
    found = {}
    for name in cells:
        parts = [made for made, block in zip(done, blocks, strict=True) if block[0] == name]
        columns = {key: np.concatenate([part[key] for _, part in parts]) for key in parts[0][1]}
        found[name] = Trained(np.concatenate([answered for answered, _ in parts]), columns)
    return found


def _of_trial(tree: Any, i: int) -> Any:
    if isinstance(tree, dict):
        return {name: _of_trial(part, i) for name, part in tree.items()}
    return [_of_trial(part, i) for part in tree] if isinstance(tree, list | tuple) else tree[i]


def _nothing(view: Any, xp: Any) -> Any:
    raise AssertionError("nothing is measured of a layer")


def _ignored(steps: int) -> None:
    """Nobody watches."""
