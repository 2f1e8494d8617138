"""The one typed configuration: what the command line fills, what is written into a run, what reads back."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from trainability.core.errors import SpecError, UnknownName
from trainability.core.lists import split_list

MOST_LAYERS = 1000
MOST_UNITS = 100_000
_MOST_BYTES = 1_000_000
MOST = 10**9
"""Of anything that is counted: steps, epochs, samples, trials."""


def _levels(value: Any) -> Any:
    """One value, a comma list or a list, as a list."""
    if isinstance(value, str):
        value = split_list(value)
    elif not isinstance(value, Iterable) or isinstance(value, Mapping | bytes):
        value = [value]
    levels = [_plain(part) for part in value]
    if "" in levels:
        raise ValueError("a part of the list is empty" if levels[1:] else "the text is empty")
    return levels


def _plain(value: Any) -> Any:
    """NumPy's arrays and numbers as Python's."""
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value


def _batch(value: Any) -> Any:
    return [0 if isinstance(part, str) and part.strip().lower() == "full" else part for part in _levels(value)]


def _number(value: Any) -> Any:
    """Python counts True as 1; a user who writes it has mistaken one setting for another."""
    if isinstance(value, bool):
        raise ValueError
    return value


def _column(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


# After the conversion, so that 0.1 and 1e-1 are one level.
_Unique = AfterValidator(lambda levels: tuple(dict.fromkeys(levels)))
_Axis = (BeforeValidator(_levels), _Unique)
_Number = BeforeValidator(_number)
_Strength = Annotated[float, Field(ge=0, allow_inf_nan=False), _Number]
_Share = Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False), _Number]
_Count = Annotated[int, Field(ge=1, le=MOST), _Number]

Texts = Annotated[tuple[str, ...], *_Axis]
Depths = Annotated[tuple[Annotated[int, Field(ge=0, le=MOST_LAYERS), _Number], ...], *_Axis]
Widths = Annotated[tuple[Annotated[int, Field(ge=1, le=MOST_UNITS), _Number], ...], *_Axis]
Rates = Annotated[tuple[Annotated[float, Field(gt=0, allow_inf_nan=False), _Number], ...], *_Axis]
Strengths = Annotated[tuple[_Strength, ...], *_Axis]
Shares = Annotated[tuple[_Share, ...], *_Axis]
Flags = Annotated[tuple[bool, ...], *_Axis]
Batches = Annotated[tuple[Annotated[int, Field(ge=0, le=MOST), _Number], ...], BeforeValidator(_batch), _Unique]

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
    samples: Annotated[int, Field(ge=2, le=MOST), _Number] | None = None
    noise: _Strength | None = None
    features: Texts = ("raw",)
    standardize: bool = False
    validation: _Share | None = None
    target_column: Annotated[str, BeforeValidator(_column)] | None = None

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

    steps: _Count | None = None
    epochs: _Count | None = None
    early_stopping: _Count | None = None
    target: str | None = None
    seeds: _Count = 256
    seed: Annotated[int, Field(ge=0, lt=2**63), _Number] = 0
    dtype: Literal["float32", "float64"] = "float32"
    engine: Literal["auto", "lanes", "reference"] = "auto"

    def toml(self) -> str:
        """The spec as TOML that `read_spec` reads back; axes with one level are written as that level if they can."""
        lines = []
        for name, value in self.model_dump(exclude_none=True).items():
            if isinstance(value, tuple):
                if not value:
                    continue
                alone = len(value) == 1 and (not isinstance(value[0], str) or split_list(value[0]) == [value[0]])
                value = value[0] if alone else list(value)
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


def make_spec(settings: Mapping[str, Any]) -> Spec:
    """A validated spec; SpecError or UnknownName with one sentence about the first thing that is wrong.

    A setting that is None counts as not given. An axis takes one value, a list, an array or a comma list.
    """
    settings = {name: _plain(value) for name, value in settings.items() if value is not None}
    for name, value in settings.items():
        if name not in Spec.model_fields and isinstance(value, Mapping):
            raise SpecError(f"the spec has a table [{name}]; its settings belong at the top level")
        if name not in Spec.model_fields:
            raise UnknownName("setting", name, Spec.model_fields)
    if "problem" not in settings:
        raise SpecError(
            "no problem is named; give one such as xor or file:data.csv ('trainability list problems' shows all)"
        )
    try:
        spec = Spec(**settings)
    except ValidationError as error:
        raise SpecError(_sentence(error)) from None
    for name, field in Spec.model_fields.items():
        if getattr(spec, name) == () != field.default:
            raise SpecError(f"{name} []: the list is empty; give at least one level, or leave {name} out")
    if not is_unicode(spec.toml()):
        raise SpecError("a setting or a path holds bytes that are not UTF-8 text; rename the file")
    if spec.hidden and (spec.depth or spec.width):
        raise SpecError("give either hidden (such as 64-32) or depth and width, not both")
    if spec.steps and spec.epochs:
        raise SpecError("give either steps or epochs, not both")
    return spec


def is_unicode(text: str) -> bool:
    """Whether `text` can be written; a file name may hold bytes that cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _sentence(error: ValidationError) -> str:
    """What the first of pydantic's errors means, from the field's own schema."""
    first = error.errors()[0]
    name, given = str(first["loc"][0]), first["input"]
    text = f"'{given}'" if isinstance(given, str) else str(given).lower() if isinstance(given, bool) else str(given)
    if len(text) > 60:
        text = text[:57] + "..."
    if first["type"] == "value_error" and (said := str(first.get("ctx", {}).get("error"))):
        return f"{name} {text}: {said}"
    schema = Spec.model_json_schema()["properties"][name]
    schema = schema.get("items") or schema.get("anyOf", [schema])[0]
    wanted = _wanted(schema, too_large=first["type"].startswith("less_than"))
    return f"{name} {text}: must be {wanted}" + (", or full" if name == "batch" else "")


def _wanted(schema: dict[str, Any], too_large: bool) -> str:
    """A JSON schema of one value in words; a bound that nobody meets is said to whom it met."""
    if "enum" in schema:
        return " or ".join(schema["enum"])
    kinds = {"integer": "a whole number", "number": "a number", "boolean": "true or false", "string": "text"}
    bounds = {"minimum": "of at least", "exclusiveMinimum": "above", "maximum": "at most", "exclusiveMaximum": "below"}
    said = [
        f"{words} {schema[key]:,}"
        for key, words in bounds.items()
        if key in schema and (too_large or schema[key] < MOST)
    ]
    return " ".join([kinds[schema["type"]], " and ".join(said)]).strip()


def read_settings(path: str | Path) -> dict[str, Any]:
    """The settings in a TOML file, not yet validated; SpecError if there is no such file or it is not TOML."""
    path = Path(path)
    try:
        with path.open("rb") as stream:
            data = stream.read(_MOST_BYTES + 1)
    except FileNotFoundError:
        raise SpecError(f"there is no spec file '{path}'") from None
    except OSError as error:
        raise SpecError(f"the spec file '{path}' cannot be read: {(error.strerror or str(error)).lower()}") from None
    if len(data) > _MOST_BYTES:
        raise SpecError(f"the spec file '{path}' has more than {_MOST_BYTES:,} bytes, so it is no spec")
    try:
        return tomllib.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise SpecError(f"the spec file '{path}' is not UTF-8 text") from None
    except (ValueError, RecursionError) as error:  # ValueError also for a number of thousands of digits
        raise SpecError(f"the spec file '{path}' is not TOML: {error}") from None


def read_spec(path: str | Path) -> Spec:
    """A validated spec from a TOML file."""
    return make_spec(read_settings(path))
