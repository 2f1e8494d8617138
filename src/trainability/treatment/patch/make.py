"""Making the patch: every operation in its place in the source, one after the other."""

from __future__ import annotations

import ast
import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from trainability.adapters.framework import Framework
from trainability.core.operation import Operation, in_order
from trainability.treatment.patch import (
    flax_lines,
    flax_places,
    hidden,
    keras_lines,
    keras_network,
    keras_training,
    torch_lines,
    torch_network,
    torch_output,
    torch_training,
    torch_wiring,
)
from trainability.treatment.patch.places import Training
from trainability.treatment.patch.source import Edit, NoPlace, Source, edited

Places: TypeAlias = Mapping[str, Callable[[Training, Any], list[Edit]]]

_PLACES: Final[Mapping[Framework, Places]] = {
    "torch": {
        "wiring": torch_wiring.wiring, "activation": torch_network.activation, "output": torch_output.output,
        "normalize": torch_network.normalize, "dropout": hidden.dropout,
        "initialize": torch_network.initialize, "optimizer": torch_training.optimizer, "decay": torch_training.decay,
        "rate": torch_training.rate, "batch": torch_training.batch, "epochs": torch_training.epochs,
        "clip": torch_training.clip,
    },
    "keras": {
        "wiring": keras_network.wiring, "activation": keras_network.activation, "output": keras_network.output,
        "normalize": keras_network.normalize, "dropout": hidden.dropout, "initialize": keras_network.initialize,
        "optimizer": keras_training.optimizer, "decay": keras_training.decay, "rate": keras_training.rate,
        "batch": keras_training.batch, "epochs": keras_training.epochs, "clip": keras_training.clip,
    },
    "flax": {
        "activation": flax_places.activation, "dropout": hidden.dropout, "initialize": flax_places.initialize,
        "optimizer": flax_places.optimizer, "decay": flax_places.decay, "rate": flax_places.rate,
        "batch": flax_places.batch, "epochs": flax_places.epochs, "clip": flax_places.clip,
    },
}  # fmt: skip
_LINES: Final[Mapping[Framework, Mapping[str, Callable[[Any], tuple[str, ...]]]]] = {
    "torch": torch_lines.LINES, "keras": keras_lines.LINES, "flax": flax_lines.LINES,
}  # fmt: skip
_NOTES: Final[Mapping[tuple[Framework, str], str]] = {
    ("torch", "output"): "# the model answers logits now; probabilities are torch.sigmoid(answers) of one unit, "
    "answers.softmax(-1) of several",
}
"""What is to be said where an operation found its place."""
_RESTS_ON: Final = {
    "decay": ("optimizer",), "rate": ("optimizer",), "clip": ("optimizer",), "initialize": ("activation",),
    "normalize": ("activation",), "output": ("activation",),
}  # fmt: skip
"""What goes into lines where what it changes has gone there: the place in the source is to be another."""


@dataclass(frozen=True)
class Patch:
    """A treatment of a source.

    Attributes:
        diff: unified, from ``a/NAME`` to ``b/NAME``; empty where no place was known.
        lines: to write by hand, each block after a comment that says what for.
    """

    diff: str
    lines: tuple[str, ...]


def patch(
    source: str, name: str, operations: Sequence[Operation], framework: Framework, function: str | None = None
) -> Patch:
    """Write operations into a source, where each has one clear place, else as lines; the source is never run.

    Args:
        source: a Python file's text.
        name: its path, for the diff.
        operations: in any order; they are applied in that of `core.operation.KINDS`.
        function: the recipe's name in it; None for a script.

    Raises:
        SpecError: the source is not Python.

    Example:
        >>> text = "import torch\\noptimizer = torch.optim.Adam(model.parameters(), lr=0.1)\\n"
        >>> print(patch(text, "train.py", [Operation("rate", 0.1)], "torch").diff, end="")
        --- a/train.py
        +++ b/train.py
        @@ -1,2 +1,2 @@
         import torch
        -optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
        +optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    """
    mark = "\ufeff" if source.startswith("\ufeff") else ""
    text = source[len(mark) :]
    Source(text, name)
    lines: list[str] = []
    without: set[str] = set()
    for operation in in_order(tuple(operations)):
        try:
            text, said = _placed(text, name, operation, framework, function, without)
        except NoPlace as why:
            without.add(operation.kind)
            said = (f"# {operation} ({why}):", *_lines(framework, operation, operations))
        lines += said
    diff = _unified(source, mark + text, name)
    if diff and without:
        lines.insert(0, "# the diff is a part of it: what was proved needs these lines, too")
    return Patch(diff, tuple(lines))


def _lines(framework: Framework, operation: Operation, operations: Sequence[Operation]) -> tuple[str, ...]:
    """The lines to write; weights are drawn for the activation that the treatment puts in, if it does."""
    lines = _LINES[framework][operation.kind](operation.value)
    chosen = next((str(other.value) for other in operations if other.kind == "activation"), None)
    if operation.kind != "initialize" or chosen is None:
        return lines
    return tuple(line.replace('activation="relu"', f'activation="{chosen}"') for line in lines)


def _placed(
    text: str, name: str, operation: Operation, framework: Framework, function: str | None, without: set[str]
) -> tuple[str, tuple[str, ...]]:
    """The source with the operation, and what is left to say."""
    if any(kind in without for kind in _RESTS_ON.get(operation.kind, ())):
        raise NoPlace("after what is above")
    place = _PLACES[framework].get(operation.kind)
    if place is None:
        raise NoPlace("no place for it is known")
    value: Any = operation.value
    made = edited(text, place(Training(Source(text, name), framework, function), value))
    if made == text:
        return text, (f"# {operation}: '{name}' has it so already",)
    try:
        ast.parse(made)
    except SyntaxError:
        raise NoPlace("the place is written in a way that is not understood") from None
    note = _NOTES.get((framework, operation.kind))
    return made, (note,) if note else ()


def _unified(before: str, after: str, name: str) -> str:
    """A unified diff that `patch` and `git apply` take."""
    shown = name.lstrip("/") + ("\t" if " " in name else "")  # the tab ends a name with spaces
    old, new = ([f"{line}\n" for line in text.split("\n")] for text in (before, after))
    for lines in (old, new):  # what follows the last line's end is no line
        lines[-1] = lines[-1][:-1]
        if not lines[-1]:
            del lines[-1]
    made = difflib.unified_diff(old, new, f"a/{shown}", f"b/{shown}")
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in made)
