"""A spec in words: the question it asks, and the lines that ask it again."""

from __future__ import annotations

import shlex
from typing import Any

from trainability.report.words import axis_label
from trainability.sweep.spec import Spec


def question(spec: Spec, axes: tuple[str, ...]) -> str:
    """What the run asks, in a sentence or two; `axes` are those that vary."""
    varied = [axis_label(axis) for axis in axes]
    listed = ", ".join(varied[:-1]) + (" and " if varied[1:] else "") + varied[-1] if varied else ""
    learn = "learn" if varied[1:] else "learns"
    asked = f"Which {listed} {learn} {spec.problem}" if varied else f"Does this network learn {spec.problem}"
    many = "trial" if spec.seeds == 1 else "trials"
    solved = f"a trial is solved when {spec.target} at its last step"
    return f"{asked}, and how surely? Each cell holds {spec.seeds:,} {many}; {solved}."


def command(spec: Spec) -> str:
    """The shell line that repeats the run."""
    words = ["trainability", "compare", spec.problem]
    for name, value in _changed(spec).items():
        words.append("--" + name.replace("_", "-"))
        if name != "standardize":
            words.append(",".join(_word(v, name) for v in value) if isinstance(value, tuple) else _word(value, name))
    return shlex.join(words)


def python(spec: Spec) -> str:
    """A short program that repeats the run."""
    lines = ["import trainability", "", "result = trainability.compare(", f"    problem={spec.problem!r},"]
    for name, value in _changed(spec).items():
        if name == "batch":
            value = tuple("full" if v == 0 else v for v in value)
        shown = (value[0] if len(value) == 1 else list(value)) if isinstance(value, tuple) else value
        lines.append(f"    {name}={shown!r},")
    return "\n".join([*lines, ")", "print(result.conclusion)", ""])


def _changed(spec: Spec) -> dict[str, Any]:
    """The settings that differ from a spec's own defaults."""
    named = ((name, field.default) for name, field in Spec.model_fields.items() if name not in ("problem", "engine"))
    return {name: value for name, default in named if (value := getattr(spec, name)) != default}


def _word(value: Any, name: str) -> str:
    if name == "batch" and value == 0:
        return "full"
    return str(value).lower() if isinstance(value, bool) else str(value)
