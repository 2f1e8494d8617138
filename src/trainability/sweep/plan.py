"""From a spec to a table of trials: settings made explicit, cells, and blocks of trials that share a program."""

from __future__ import annotations

import hashlib
import itertools
import math
import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from trainability import activations
from trainability.core.catalogue import Choice
from trainability.core.errors import SpecError
from trainability.core.types import Dataset, Network
from trainability.engine import selection
from trainability.engine.interface import Program, Trials
from trainability.initializers import INITIALIZERS
from trainability.losses import DEFAULT_LOSS, LOSSES
from trainability.normalization import NORMALIZATIONS
from trainability.optimizers import OPTIMIZERS
from trainability.schedules import SCHEDULES
from trainability.sweep.spec import AXES, MOST, MOST_LAYERS, MOST_UNITS, Spec
from trainability.sweep.target import parse_target, target_text

DEFAULT_STEPS = 2000
DEFAULT_BATCH = 32
MOST_CELLS = 20_000
MOST_TRIALS = 5_000_000
MOST_WEIGHTS = 50_000_000


@dataclass(frozen=True)
class Cell:
    """All trials that differ only in seed.

    Attributes:
        index: place in the grid.
        axes: axis to level, for every axis of the spec that the grid has.
        program: what the trials' compiled program depends on.
        numbers: the trials' hyper-parameters, scalars or tuples; see `engine.interface.Trials`.
        steps: how many steps each trial takes.
    """

    index: int
    axes: dict[str, Any]
    program: Program
    numbers: dict[str, Any]
    steps: int


@dataclass(frozen=True)
class Block:
    """Trials of one program that are trained together.

    Attributes:
        key: names the block in the store.
        rows: (cell, trial) of each, int32 of shape (trials, 2).
    """

    key: str
    program: Program
    steps: int
    rows: np.ndarray


def data_digest(data: Dataset) -> str:
    """SHA-256 of what is learned, so that a changed file is another run."""
    digest = hashlib.sha256()
    for array in (data.x_train, data.y_train, data.x_validation, data.y_validation):
        digest.update(str((array.shape, array.dtype)).encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def resolve(spec: Spec, data: Dataset) -> Spec:
    """The spec with every choice explicit and every name in its canonical form; SpecError where something misfits."""
    samples = len(data.x_train)
    changes: dict[str, Any] = {"problem": data.name, "target": target_text(spec.target or data.target, data)}
    if not spec.hidden:
        changes |= {"depth": spec.depth or (2,), "width": spec.width or (8,)}
    else:
        changes["hidden"] = _unique("-".join(str(n) for n in _units(text)) for text in spec.hidden)
    changes["activation"] = _unique(activations.choose(text).text for text in spec.activation)
    changes["init"] = _unique(INITIALIZERS.choose(text).text for text in spec.init)
    changes["bias_init"] = _unique(INITIALIZERS.choose(text).text for text in spec.bias_init)
    changes["norm"] = _unique(NORMALIZATIONS[text].name for text in spec.norm)
    changes["loss"] = _unique(LOSSES.choose(text).text for text in spec.loss or (DEFAULT_LOSS[data.task],))
    changes["output"] = _unique(activations.choose(text).text for text in spec.output)
    changes["optimizer"] = _unique(OPTIMIZERS.choose(text).text for text in spec.optimizer)
    changes["schedule"] = _unique(SCHEDULES.choose(text).text for text in spec.schedule)
    changes["batch"] = spec.batch or (DEFAULT_BATCH if samples > DEFAULT_BATCH else 0,)
    for batch in changes["batch"]:
        if batch > samples:
            raise SpecError(f"a batch of {batch} is larger than the {samples} training samples of '{data.name}'")
    changes["batch"] = _unique(0 if batch == samples else batch for batch in changes["batch"])
    if not (spec.steps or spec.epochs):
        changes["steps"] = DEFAULT_STEPS
    changes["engine"] = selection.resolve(spec.engine)
    if spec.early_stopping and not len(data.x_validation):
        raise SpecError("early stopping needs held-out samples; add a validation share, such as 0.2")
    return spec.model_copy(update=changes)


def _unique(values: Any) -> tuple[Any, ...]:
    return tuple(dict.fromkeys(values))


def _units(text: str) -> tuple[int, ...]:
    """The hidden widths in a text such as ``64-32``."""
    words = [word.strip() for word in text.split("-")]
    if not all(re.fullmatch("[0-9]{1,9}", word) and 0 < int(word) <= MOST_UNITS for word in words):
        raise SpecError(f"hidden '{text}': must be widths of 1 to {MOST_UNITS:,}, joined by '-', such as 64-32")
    if len(words) > MOST_LAYERS:
        raise SpecError(f"hidden has {len(words):,} layers; at most {MOST_LAYERS:,} are allowed")
    return tuple(int(word) for word in words)


def cells(spec: Spec, data: Dataset) -> tuple[Cell, ...]:
    """The grid of a resolved spec, in the order of `AXES`; SpecError if a cell makes no sense."""
    axes = {name: getattr(spec, name) for name in AXES if getattr(spec, name)}
    count = math.prod(len(levels) for levels in axes.values())
    if count > MOST_CELLS:
        raise SpecError(f"the grid has {count:,} cells; at most {MOST_CELLS:,} are allowed: take fewer levels")
    if count * spec.seeds > MOST_TRIALS:
        raise SpecError(
            f"{count:,} cell{'s' if count > 1 else ''} of {spec.seeds:,} seeds are {count * spec.seeds:,} trials; "
            f"at most {MOST_TRIALS:,} are allowed: take fewer seeds"
        )
    target, threshold = parse_target(str(spec.target), data)
    grid = (dict(zip(axes, levels, strict=True)) for levels in itertools.product(*axes.values()))
    return tuple(_cell(i, levels, spec, data, target, threshold) for i, levels in enumerate(grid))


def _cell(index: int, axes: dict[str, Any], spec: Spec, data: Dataset, target: Any, threshold: float) -> Cell:
    loss = LOSSES.choose(axes["loss"])
    loss.entry.check(data, axes.get("output", ""))
    output = activations.choose(axes.get("output") or loss.entry.default_output(data.task))
    if activations.pieces_of(output) != 1:
        raise SpecError(f"the output activation '{output.text}' takes several pre-activations a unit; choose another")
    activation = activations.choose(axes["activation"])
    optimizer = OPTIMIZERS.choose(axes["optimizer"])
    schedule = SCHEDULES.choose(axes["schedule"])
    init = INITIALIZERS.choose(axes["init"])
    hidden = _units(axes["hidden"]) if "hidden" in axes else (axes["width"],) * axes["depth"]
    network = Network(
        inputs=data.x_train.shape[1],
        hidden=hidden,
        outputs=loss.entry.outputs(data),
        activation=activation.entry.name,
        output=output.entry.name,
        pieces=activations.pieces_of(activation),
        norm=axes["norm"],
        residual=axes["residual"],
    )
    if network.weights > MOST_WEIGHTS:
        raise SpecError(f"a network of {network.weights:,} weights is too large; at most {MOST_WEIGHTS:,} are allowed")
    batch = axes["batch"]
    if axes["norm"] == "batch" and (batch or len(data.x_train)) < 2:
        raise SpecError("batch normalisation needs a batch of at least 2 samples")
    rate = axes.get("lr", optimizer.entry.default_rate)
    bias_init = axes.get("bias_init", init.entry.bias)
    axes = {**axes, "batch": batch or len(data.x_train), "bias_init": bias_init, "output": output.text, "lr": rate}
    program = Program(
        network=network,
        task=data.task,
        loss=loss.entry.name,
        optimizer=optimizer.entry.name,
        schedule=schedule.entry.name,
        batch=batch,
        target=target,
        **{name: axes[name] > 0 for name in ("dropout", "clip", "l1", "l2", "decay")},
        patience=spec.early_stopping is not None,
        dtype=spec.dtype,
    )
    numbers = {
        "rate": rate,
        "threshold": threshold,
        "patience": spec.early_stopping or 0,
        "largest_slope": activations.largest_slope(activation),
        "output_slope": activations.largest_slope(output),
        **{name: axes[name] for name in ("dropout", "clip", "l1", "l2", "decay")},
        **_values(activation=activation, output=output, loss=loss, optimizer=optimizer, schedule=schedule),
    }
    epoch = max(1, len(data.x_train) // batch) if batch else 1
    steps = spec.steps or int(spec.epochs or 1) * epoch
    if steps > MOST:
        raise SpecError(f"{spec.epochs:,} epochs of {epoch:,} steps are {steps:,} steps; at most {MOST:,} are allowed")
    return Cell(index, axes, program, numbers, steps)


def _values(**choices: Choice[Any]) -> dict[str, tuple[float, ...]]:
    return {name: choice.values for name, choice in choices.items()}


def blocks(grid: tuple[Cell, ...], seeds: int, engine: str = "reference") -> tuple[Block, ...]:
    """The trials of all cells, grouped by program and cut into blocks of the size that `engine` gives the program."""
    groups: dict[tuple[Program, int], list[Cell]] = {}
    for cell in grid:
        groups.setdefault((cell.program, cell.steps), []).append(cell)
    plan: list[Block] = []
    for (program, steps), members in groups.items():
        rows = np.empty((len(members), seeds, 2), np.int32)
        rows[..., 0], rows[..., 1] = np.array([[cell.index] for cell in members]), np.arange(seeds)
        rows = rows.reshape(-1, 2)
        size = selection.block_size(program, engine, len(rows))
        for start in range(0, len(rows), size):
            plan.append(Block(f"b{len(plan):07d}", program, steps, rows[start : start + size]))
    return tuple(plan)


def trials(block: Block, grid: tuple[Cell, ...], seed: int) -> Trials:
    """A block's rows as the columns that an engine takes."""
    cell, trial = block.rows.T
    indices, place = np.unique(cell, return_inverse=True)
    members = [grid[i] for i in indices]
    return Trials(
        seed=seed,
        cell=cell.astype(np.int32),
        trial=trial.astype(np.uint32),
        init=tuple(members[i].axes["init"] for i in place),
        bias_init=tuple(members[i].axes["bias_init"] for i in place),
        numbers={name: np.array([m.numbers[name] for m in members], np.float64)[place] for name in members[0].numbers},
    )
