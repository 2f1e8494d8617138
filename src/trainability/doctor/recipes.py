"""The third door: a recipe, which the doctor trains itself, as it is and changed."""

from __future__ import annotations

import dataclasses
import runpy
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

from trainability.adapters.framework import Framework, framework_of
from trainability.core.errors import SpecError, UnknownName, UsageError
from trainability.core.operation import Operation
from trainability.core.recipe import Outcome, Recipe, Trainer
from trainability.core.treatment import Treatment
from trainability.report.chart import Diagnosis

Operations: TypeAlias = tuple[Operation, ...]
T = TypeVar("T")


def examine(recipe: Callable[[int], Recipe], seed: int = 0) -> Diagnosis:
    """Train a recipe once, watch it, and say what is wrong.

    Raises:
        SpecError: the recipe is none, or fails.
    """
    made = _trainer(recipe)[1](recipe, (), seed, watch=True)
    assert made.chart is not None
    return Diagnosis(made.chart, _name(recipe))


def treat(
    recipe: Callable[[int], Recipe],
    seeds: int = 5,
    budget: float = 3.0,
    said: Callable[[str], None] = lambda line: None,
    seen: Callable[[Diagnosis], None] = lambda diagnosis: None,
    script: str | None = None,
) -> Diagnosis:
    """Find out why a recipe does not learn, search for the smallest change that helps, and prove it.

    Args:
        recipe: a function of a seed that makes model, loss, optimiser and data anew.
        seeds: paired seeds of the proof.
        budget: of the search, in multiples of the untreated training of all seeds.
        said: hears a line after each training.
        seen: gets the diagnosis of the untreated recipe before the search begins.
        script: the file that the recipe was seen in, where it is not the function's own.

    Returns:
        the diagnosis of the untreated recipe, with its `treatment`, which holds the change of the source.

    Raises:
        SpecError: the recipe is none, or fails; fewer than 5 seeds; a budget under 1.
    """
    from trainability.treatment import treat as search

    name = _name(recipe)
    framework, trainer = _trainer(recipe)
    found = search(recipe, trainer, seeds, budget, said, lambda chart: seen(Diagnosis(chart, name)))
    return Diagnosis(found.before, name, _patched(found, recipe, framework, script))


def _patched(found: Treatment, recipe: Callable[[int], Recipe], framework: Framework, script: str | None) -> Treatment:
    """The treatment with what to change in the source, if it is worth it."""
    from trainability.treatment.patch import patch

    if found.verdict == "no-better":
        return found
    code = getattr(recipe, "__code__", None)
    path = Path(script or (code.co_filename if code else ""))
    source = path.read_text("utf-8") if path.is_file() else ""  # typed at a prompt: there are lines only
    made = patch(source, path.name, found.operations, framework, None if script else _name(recipe))
    return dataclasses.replace(found, diff=made.diff, lines=made.lines)


def read_recipe(where: str) -> Callable[[int], Recipe]:
    """The function that ``file.py:function`` names; the file is run to get it.

    Raises:
        SpecError: there is no such file, it fails, or the name is no function.
        UnknownName: the file has no such name.
    """
    path, _, name = where.rpartition(":")
    if not Path(path).is_file():
        raise SpecError(f"there is no file '{path}'")
    kept = list(sys.path)
    sys.path.insert(0, str(Path(path).resolve().parent))
    try:
        names = runpy.run_path(path, run_name="__recipe__")
    except Exception as error:
        raise SpecError(f"'{path}' fails{_said_at(error, path)}") from error
    finally:
        sys.path[:] = kept
    if name not in names:
        raise UnknownName("function", name, [one for one, value in names.items() if callable(value) and one[0] != "_"])
    if not callable(names[name]):
        raise SpecError(f"'{name}' of '{path}' is no function of a seed")
    return names[name]


def _name(recipe: Callable[..., Any]) -> str:
    return getattr(recipe, "__name__", "recipe")


def _trainer(recipe: Callable[[int], Recipe]) -> tuple[Framework, Trainer]:
    """The recipe's framework and what trains such; whatever the user's code raises becomes a sentence."""
    made = _guarded(recipe, "of seed 0", lambda: recipe(0))
    if not isinstance(made, Recipe):
        raise SpecError(f"'{_name(recipe)}' gave a {type(made).__name__}; a recipe gives a trainability.Recipe")
    framework = framework_of(made.model, "a recipe")
    trainer = _of_framework(framework)

    def train(make: Callable[[int], Recipe], operations: Operations, seed: int, watch: bool = False) -> Outcome:
        changed = "".join(f", {operation}" for operation in operations)
        return _guarded(make, f"of seed {seed}{changed}", lambda: trainer(make, operations, seed, watch))

    return framework, train


def _guarded(recipe: Callable[..., Any], what: str, call: Callable[[], T]) -> T:
    try:
        return call()
    except UsageError:
        raise
    except Exception as error:
        code = getattr(recipe, "__code__", None)
        place = _said_at(error, code.co_filename if code else "")
        raise SpecError(f"the recipe '{_name(recipe)}' {what} fails{place}") from error


def _of_framework(framework: Framework) -> Trainer:
    if framework == "keras":
        from trainability.adapters.keras.trainer import train
    elif framework == "flax":
        from trainability.adapters.flax.trainer import train
    else:
        from trainability.adapters.torch.trainer import train
    return train


def _said_at(error: BaseException, path: str) -> str:
    """`` in line 7: ValueError: …``, the last line of the user's file that the error passed through."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == path]
    line = error.lineno if isinstance(error, SyntaxError) and error.filename == path else lines[-1] if lines else None
    where = f" in line {line}" if line else ""
    return f"{where}: {type(error).__name__}: {error}"
