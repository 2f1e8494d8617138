"""What `import trainability` offers: the jobs as Python functions. The command line calls the same ones."""

from __future__ import annotations

import contextlib
import dataclasses
import importlib.metadata
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from trainability.core.errors import Interrupted, SpecError, StoreError, UnknownName
from trainability.core.types import Dataset
from trainability.report.card import Card
from trainability.report.card import card as make_card
from trainability.report.card.picture import read_picture
from trainability.report.forecast import Forecast, of_predictions, of_result
from trainability.report.result import Result
from trainability.store import Run, cache_directory, default_directory, open_existing, open_run, runs_directory
from trainability.sweep import plan as planning
from trainability.sweep.spec import Spec, is_unicode, make_spec, read_settings
from trainability.theory import predict

if TYPE_CHECKING:
    from trainability.sweep.run import Cost


MOST_DEVICES = 64


class Watcher(Protocol):
    """Who is told how a run gets on."""

    def begin(self, spec: Spec, data: Dataset, trials: int, steps_left: int, steps: int) -> None:
        """The spec has been checked; `steps_left` of `steps` network-steps are still to be done."""
        ...

    def advance(self, steps: int) -> None:
        """That many network-steps more are done; called from any thread."""
        ...


class _Silent:
    def begin(self, spec: Spec, data: Dataset, trials: int, steps_left: int, steps: int) -> None:
        pass

    def advance(self, steps: int) -> None:
        pass


def compare(
    problem: str | None = None,
    *,
    spec: str | Path | None = None,
    out: str | Path | None = None,
    devices: int | None = None,
    watcher: Watcher | None = None,
    **settings: Any,
) -> Result:
    """Train every cell of a grid with many seeds and say which choice learns.

    Args:
        problem: such as ``xor``, ``spiral``, ``file:data.csv``; ``trainability list problems`` shows all.
        spec: a TOML file with settings; what is given here goes over it.
        out: the run's directory; by default one in the user's cache, found again by the spec.
        devices: how many devices to use; by default all that JAX has, which on a CPU is one (with a thread per core).
        watcher: told how the run gets on.
        **settings: the fields of `sweep.spec.Spec`; an axis takes one value, a list, or a comma list.

    Returns:
        The result. A run that was interrupted continues; one that is finished is read from its directory.

    Raises:
        UsageError: a setting, the data or the directory cannot be used; the sentence says why.
        Interrupted: Ctrl-C; what was finished is kept in the run's directory.

    Example:
        >>> result = compare("xor", depth=[1, 2], activation=["sigmoid", "relu"], steps=500, seeds=32)
        >>> result.best()["depth"]
        1
    """
    begun = time.perf_counter()
    if devices is not None and (isinstance(devices, bool) or devices not in range(1, MOST_DEVICES + 1)):
        raise SpecError(f"devices {devices!r}: must be a whole number of at least 1 and at most {MOST_DEVICES}")
    if out is not None and not is_unicode(str(out)):
        raise SpecError("the directory's name holds bytes that are not UTF-8 text; choose another --out")
    given = {**(read_settings(spec) if spec is not None else {}), **settings}
    if problem is not None:
        given["problem"] = problem
    asked = make_spec(given)
    data = load_data(asked)
    resolved = planning.resolve(asked, data)
    grid = planning.cells(resolved, data)
    digest = resolved.digest(planning.data_digest(data))
    run = open_run(Path(out) if out is not None else default_directory(digest), resolved.toml(), digest)
    _train(run, resolved, data, grid, devices, watcher or _Silent(), begun)
    return _result(run, resolved, data, grid, time.perf_counter() - begun)


def open_result(directory: str | Path) -> Result:
    """The result of a run on disk, as far as it was finished; StoreError if there is none in `directory`."""
    import tomllib

    begun = time.perf_counter()
    run = open_existing(Path(directory))
    try:
        spec = make_spec(tomllib.loads(run.spec_text))
    except (tomllib.TOMLDecodeError, SpecError, UnknownName) as error:
        raise StoreError(f"the spec of the run in '{directory}' is damaged: {error}") from None
    data = load_data(spec)
    if spec.digest(planning.data_digest(data)) != run.spec_hash:
        raise SpecError(
            f"the data of '{spec.problem}', or the spec, has changed since the run in '{directory}' was made"
        )
    return _result(run, spec, data, planning.cells(spec, data), time.perf_counter() - begun)


def forecast(activation: Any, *, problem: str | None = None, **settings: Any) -> Forecast:
    """What theory says of every choice of a grid before any training, as table, figures and page.

    Args:
        activation, settings: as `trainability.predict`.
        problem: takes the inputs from this problem; by default they are as many as the width, of mean square 1.

    Raises:
        UsageError: as `trainability.predict`.

    Example:
        >>> made = forecast("sigmoid,tanh", init="keras", depth=10)
        >>> made.conclusion
        "Of the output layer's gradient, the first layer gets from 1.6e-7 (sigmoid) to 0.21 (tanh)."
    """
    predictions = predict(activation, problem=problem, **settings)
    inputs = settings.get("inputs") or "as many as the width"
    words = problem or f"{inputs}, of mean square {settings.get('second_moment', 1)}"
    return of_predictions(predictions, words)


def against(run: str | Path | Result) -> Forecast:
    """Theory beside what was measured in a run of `compare`: gradients layer by layer, solved share by depth.

    Args:
        run: a result, a run's directory, or its name in the user's cache.

    Raises:
        UsageError: there is no such run, or theory covers none of its cells.
    """
    return of_result(run if isinstance(run, Result) else open_result(find_run(run)))


def card(activation: str, image: str | Path | None = None, width: int | None = None) -> Card:
    """The card of an activation: curves, gains, phase diagram and lines to copy; ``.save("card.png")`` draws it.

    Args:
        activation: a catalogue name with parameters or a formula: ``gelu``, ``elu:0.5``, ``expr:x*tanh(x)``.
        image: a PNG to send through it, instead of our own picture.
        width: units of the layer, for a softmax and its like; 64 when left out.

    Raises:
        UsageError: there is no such activation, the formula is none, the picture cannot be read, or a width is given
            for an activation that has none.

    Example:
        >>> card("tanh").conclusion
        'Gradients keep their size at a gain of 1 with no biases; 1.593 keeps variance 1.'
    """
    return make_card(activation, None if image is None else read_picture(image), width)


def find_run(run: str | Path) -> Path:
    """The directory of a run, named by it or by its name in the user's cache; StoreError if there is none."""
    named = runs_directory() / run
    if Path(run).exists():
        return Path(run)
    if len(Path(run).parts) != 1 or not named.exists():
        raise StoreError(f"there is no run '{run}': neither a directory nor the name of a run that compare printed")
    return named


def load_data(spec: Spec) -> Dataset:
    """The data that a spec names."""
    from trainability import problems

    return problems.load(
        spec.problem,
        seed=spec.seed,
        validation=spec.validation,
        samples=spec.samples,
        noise=spec.noise,
        features=spec.features,
        standardize=spec.standardize,
        target_column=spec.target_column,
    )


def _train(
    run: Run,
    spec: Spec,
    data: Dataset,
    grid: tuple[planning.Cell, ...],
    devices: int | None,
    watcher: Watcher,
    begun: float,
) -> None:
    """Do what the run lacks; for a finished run the engine is not even loaded."""
    from trainability.sweep.run import Cost, sweep, work

    blocks = planning.blocks(grid, spec.seeds, spec.engine)
    with run.lock():
        left = work(blocks, run.finished("trials"))
        data = dataclasses.replace(data, notes=(*data.notes, *run.damaged))
        watcher.begin(spec, data, len(grid) * spec.seeds, left, work(blocks, set()))
        if not left:
            return
        from trainability import vitals
        from trainability.engine import selection
        from trainability.engine.interface import Measures

        cost, engine = Cost(), None
        try:
            engine = selection.make(cache_directory("programs"), devices, spec.engine)
            measures = Measures(vitals.names(), vitals.measure_layer)
            sweep(blocks, grid, spec.seed, data, engine, measures, run, cost, watcher.advance)
        except Interrupted as stopped:
            raise Interrupted(f"{stopped} in {run.directory}; run the same command again to continue") from None
        except KeyboardInterrupt:  # before the first block, or while the last one was being waited for
            raise Interrupted(
                f"stopped; what was finished is kept in {run.directory}; run the same command again to continue"
            ) from None
        finally:
            with contextlib.suppress(StoreError):  # a full disk has been said already
                name = engine.name if engine else spec.engine
                run.write_meta(_cost_so_far(run.read_meta(), name, cost, time.perf_counter() - begun))


def _cost_so_far(before: dict[str, Any], engine: str, cost: Cost, seconds: float) -> dict[str, Any]:
    """What all sessions of a run have cost together."""
    added = {
        "network_steps": cost.network_steps,
        "training_seconds": cost.training_seconds,
        "compile_seconds": cost.compile_seconds,
        "seconds": seconds,
    }
    versions = {name: _version(name) for name in ("trainability", "jax", "optax", "numpy")}
    total = {name: before.get(name, 0) + value for name, value in added.items()}
    engines = {*before.get("engine", engine).split(" and "), *engine.split(" and ")}
    return {"engine": " and ".join(sorted(engines)), "versions": versions, **total}


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:  # run from its sources
        return "unknown"


def _result(run: Run, spec: Spec, data: Dataset, grid: tuple[planning.Cell, ...], seconds: float) -> Result:
    from trainability.sweep.summary import COLUMNS, summarize

    meta = run.read_meta()
    trained = meta.get("training_seconds", 0.0)
    return Result(
        spec=spec,
        dataset=dataclasses.replace(data, target=str(spec.target)),
        table=summarize(grid, (table for _, table in run.tables("trials", COLUMNS))),
        engine=meta.get("engine", "reference"),
        net_steps_per_second=meta["network_steps"] / trained if trained else None,
        compile_seconds=meta.get("compile_seconds", 0.0),
        seconds=meta.get("seconds", seconds),
        directory=run.directory,
        load=run.read,
        versions=meta.get("versions", {}),
    )
