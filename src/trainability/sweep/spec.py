"""The one typed configuration: what the command line fills, what is written into a run, what reads back."""

from __future__ import annotations

import hashlib
import json
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from trainability.core.errors import SpecError, UnknownName


def split_list(text: str) -> list[str]:
    """The parts of a comma list; commas inside parentheses belong to a formula."""
    parts, level, start = [], 0, 0
    for place, sign in enumerate(text):
        level += (sign == "(") - (sign == ")")
        if sign == "," and level <= 0:
            parts.append(text[start:place])
            start = place + 1
    parts.append(text[start:])
    return [part.strip() for part in parts]


def _levels(value: Any) -> Any:
    """One value, a comma list or a list, as a tuple without repetitions."""
    if isinstance(value, str):
        value = split_list(value)
    elif not isinstance(value, list | tuple):
        value = [value]
    if any(part == "" for part in value):
        raise ValueError("a part of the list is empty")
    return tuple(dict.fromkeys(value))


def _batch(value: Any) -> Any:
    return tuple(0 if part == "full" else part for part in _levels(value))


Texts = Annotated[tuple[str, ...], BeforeValidator(_levels)]
Counts = Annotated[tuple[Annotated[int, Field(ge=1)], ...], BeforeValidator(_levels)]
Depths = Annotated[tuple[Annotated[int, Field(ge=0, le=1000)], ...], BeforeValidator(_levels)]
Widths = Annotated[tuple[Annotated[int, Field(ge=1, le=100_000)], ...], BeforeValidator(_levels)]
Rates = Annotated[tuple[Annotated[float, Field(gt=0, allow_inf_nan=False)], ...], BeforeValidator(_levels)]
Strengths = Annotated[tuple[Annotated[float, Field(ge=0, allow_inf_nan=False)], ...], BeforeValidator(_levels)]
Shares = Annotated[tuple[Annotated[float, Field(ge=0, lt=1)], ...], BeforeValidator(_levels)]
Flags = Annotated[tuple[bool, ...], BeforeValidator(_levels)]
Batches = Annotated[tuple[Annotated[int, Field(ge=0)], ...], BeforeValidator(_batch)]

AXES = (
    "depth", "width", "hidden", "activation", "init", "bias_init", "norm", "residual", "loss", "output", "optimizer",
    "lr", "schedule", "batch", "clip", "dropout", "l1", "l2", "decay",
)  # fmt: skip
"""Every setting that may have several levels, in the order in which the grid counts through them."""


class Spec(BaseModel):
    """What is asked. Settings that are tuples are axes of the grid; an empty one stands for the problem's default.

    `resolve` in `sweep.plan` fills in what is empty, so that the spec of a run holds every choice that was made.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    problem: str
    samples: Annotated[int, Field(ge=2)] | None = None
    noise: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    features: Texts = ("raw",)
    standardize: bool = False
    validation: Annotated[float, Field(ge=0, lt=1)] | None = None
    target_column: str | None = None

    depth: Depths = ()
    width: Widths = ()
    hidden: Texts = ()
    activation: Texts = ("relu",)
    init: Texts = ("glorot_uniform",)
    bias_init: Texts = ()
    norm: Texts = ("none",)
    residual: Flags = (False,)
    loss: Texts = ()
    output: Texts = ()
    optimizer: Texts = ("adam",)
    lr: Rates = ()
    schedule: Texts = ("constant",)
    batch: Batches = ()
    clip: Strengths = (0.0,)
    dropout: Shares = (0.0,)
    l1: Strengths = (0.0,)
    l2: Strengths = (0.0,)
    decay: Strengths = (0.0,)

    steps: Annotated[int, Field(ge=1, le=10**9)] | None = None
    epochs: Annotated[int, Field(ge=1, le=10**9)] | None = None
    early_stopping: Annotated[int, Field(ge=1)] | None = None
    target: str | None = None
    seeds: Annotated[int, Field(ge=1, le=10**8)] = 256
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    dtype: Literal["float32", "float64"] = "float32"
    engine: Literal["auto", "reference"] = "auto"

    def toml(self) -> str:
        """The spec as TOML that `read_spec` reads back; axes with one level are written as that level."""
        lines = []
        for name, value in self.model_dump(exclude_none=True).items():
            if isinstance(value, tuple):
                if not value:
                    continue
                value = value[0] if len(value) == 1 else list(value)
            lines.append(f"{name} = {_toml(value)}")
        return "\n".join(lines) + "\n"

    def digest(self, data_digest: str) -> str:
        """SHA-256 of the spec and of the data it names."""
        return hashlib.sha256((self.toml() + data_digest).encode()).hexdigest()


def _toml(value: Any) -> str:
    # JSON's strings, whole numbers, booleans and lists are TOML's too; Python writes floats as TOML reads them.
    if isinstance(value, list):
        return "[" + ", ".join(_toml(part) for part in value) + "]"
    return repr(value) if isinstance(value, float) else json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def make_spec(settings: dict[str, Any]) -> Spec:
    """A validated spec; SpecError or UnknownName with one sentence about the first thing that is wrong."""
    for name in settings:
        if name not in Spec.model_fields:
            raise UnknownName("setting", name, Spec.model_fields)
    if "problem" not in settings:
        raise SpecError("the spec names no problem; known problems are listed by 'trainability list problems'")
    try:
        spec = Spec(**settings)
    except ValidationError as error:
        first = error.errors()[0]
        name, given = str(first["loc"][0]), first["input"]
        message = first["msg"].removeprefix("Value error, ")
        raise SpecError(f"{name.replace('_', '-')} {_shown(given)}: {message[0].lower()}{message[1:]}") from None
    if spec.hidden and (spec.depth or spec.width):
        raise SpecError("give either hidden (such as 64-32) or depth and width, not both")
    if spec.steps and spec.epochs:
        raise SpecError("give either steps or epochs, not both")
    return spec


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def read_settings(path: str | Path) -> dict[str, Any]:
    """The settings in a TOML file, not yet validated; SpecError if there is no such file or it is not TOML."""
    path = Path(path)
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise SpecError(f"there is no spec file '{path}'") from None
    except (OSError, UnicodeDecodeError) as error:
        raise SpecError(f"the spec file '{path}' cannot be read: {error}") from None
    except tomllib.TOMLDecodeError as error:
        raise SpecError(f"the spec file '{path}' is not TOML: {error}") from None


def read_spec(path: str | Path) -> Spec:
    """A validated spec from a TOML file."""
    return make_spec(read_settings(path))
