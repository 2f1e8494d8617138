"""The spec: what may be given for a setting, what is said about the rest, and TOML there and back."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainability.core.errors import SpecError, UnknownName, UsageError
from trainability.sweep.spec import AXES, Spec, make_spec, read_settings, read_spec, split_list


def spec(**settings: Any) -> Spec:
    return make_spec({"problem": "xor", **settings})


# Random specs. Texts hold everything that Unicode has: quotes, commas, control characters, emoji; not lone surrogates.
TEXT = st.text(st.characters(exclude_categories=["Cs"]))
LEVEL = TEXT.filter(bool)
WHOLE = st.integers(1, 10**9)
POSITIVE = st.floats(min_value=0, exclude_min=True, allow_nan=False, allow_infinity=False)
STRENGTH = st.floats(min_value=0, allow_nan=False, allow_infinity=False)
SHARE = st.floats(min_value=0, max_value=1, exclude_max=True)


def _axis(level: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    return st.lists(level, min_size=1, max_size=3)


SETTINGS: dict[str, st.SearchStrategy[Any]] = {
    **dict.fromkeys(("features", "hidden", "activation", "init", "bias_init", "norm", "loss", "output", "optimizer",
                     "schedule"), _axis(LEVEL)),
    **dict.fromkeys(("clip", "l1", "l2", "decay"), _axis(STRENGTH)),
    **dict.fromkeys(("steps", "epochs", "early_stopping", "seeds"), WHOLE),
    "target_column": TEXT, "target": TEXT,
    "depth": _axis(st.integers(0, 1000)), "width": _axis(st.integers(1, 100_000)),
    "lr": _axis(POSITIVE), "dropout": _axis(SHARE), "batch": _axis(st.integers(0, 10**9)),
    "residual": _axis(st.booleans()), "standardize": st.booleans(),
    "samples": st.integers(2, 10**9), "noise": STRENGTH, "validation": SHARE,
    "seed": st.integers(0, 2**63 - 1), "dtype": st.sampled_from(["float32", "float64"]),
    "engine": st.sampled_from(["auto", "reference"]),
}  # fmt: skip


def _compatible(settings: dict[str, Any]) -> dict[str, Any]:
    """Without the pairs that exclude each other."""
    dropped = {"depth", "width"} if "hidden" in settings else set()
    dropped |= {"epochs"} if "steps" in settings else set()
    return {name: value for name, value in settings.items() if name not in dropped}


SPECS = st.fixed_dictionaries({"problem": TEXT}, optional=SETTINGS).map(_compatible)


def test_random_specs_have_every_setting():
    assert {"problem", *SETTINGS} == set(Spec.model_fields)
    assert set(AXES) < set(SETTINGS)


@given(SPECS)
def test_toml_reads_back_to_the_same_spec(settings: dict[str, Any]):
    asked = make_spec(settings)
    back = make_spec(tomllib.loads(asked.toml()))
    assert back == asked
    assert back.toml() == asked.toml()


@given(SPECS)
def test_a_file_reads_back_to_the_same_spec(tmp_path_factory: pytest.TempPathFactory, settings: dict[str, Any]):
    asked = make_spec(settings)
    path = tmp_path_factory.getbasetemp() / "spec.toml"
    path.write_bytes(asked.toml().encode())
    assert read_spec(path) == asked


@given(SPECS)
def test_settings_as_plain_data_read_back_to_the_same_spec(settings: dict[str, Any]):
    """What ``--json`` writes under ``spec`` can be given to `compare` again."""
    asked = make_spec(settings)
    assert make_spec(asked.model_dump(mode="json", exclude_none=True)) == asked


@given(st.data())
@pytest.mark.parametrize("name", SETTINGS)
def test_the_digest_hears_every_setting(name: str, data: st.DataObject):
    a, b = (spec(**{name: data.draw(SETTINGS[name])}) for _ in range(2))
    assert (a.digest("data") == b.digest("data")) == (a.toml() == b.toml())
    assert (a.toml() == b.toml()) == (getattr(a, name) == getattr(b, name))
    assert a.digest("data") != a.digest("other data")


FORMULA = st.recursive(
    st.sampled_from(["x", "relu", "1.5", " x > 0 ", "-2*x"]),
    lambda inner: st.builds("f({})".format, st.lists(inner, min_size=1, max_size=3).map(",".join)),
)


@given(st.lists(FORMULA, min_size=1))
def test_a_comma_list_splits_outside_parentheses_only(formulas: list[str]):
    assert split_list(",".join(formulas)) == [formula.strip() for formula in formulas]


@given(TEXT)
def test_splitting_loses_nothing_but_spaces(text: str):
    assert "".join(",".join(split_list(text)).split()) == "".join(text.split())


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("relu", ["relu"]),
        (" relu , tanh ", ["relu", "tanh"]),
        ("expr:where(x > 0, x, 0.1*x),relu", ["expr:where(x > 0, x, 0.1*x)", "relu"]),
        ("a),b(c,d),e", ["a)", "b(c,d)", "e"]),
        ("a(b,c", ["a(b,c"]),
        ("1,,2", ["1", "", "2"]),
        ("", [""]),
    ],
)
def test_split_list(text: str, parts: list[str]):
    assert split_list(text) == parts


@pytest.mark.parametrize(
    ("name", "given", "levels"),
    [
        ("depth", "1,2,4", (1, 2, 4)),
        ("depth", 3, (3,)),
        ("depth", range(1, 4), (1, 2, 3)),
        ("depth", np.arange(1, 4), (1, 2, 3)),
        ("depth", np.int64(3), (3,)),
        ("depth", [np.int64(3), 2], (3, 2)),
        ("depth", ["1", 1, " 1"], (1,)),
        ("depth", "2,1,2", (2, 1)),
        ("lr", "0.1,1e-1,0.10", (0.1,)),
        ("lr", np.logspace(-2, 0, 3), (0.01, 0.1, 1.0)),
        ("lr", 1, (1.0,)),
        ("batch", "full,32", (0, 32)),
        ("batch", ["FULL", 0], (0,)),
        ("residual", "true,False", (True, False)),
        ("residual", True, (True,)),
        ("activation", "relu,expr:max(x,0)", ("relu", "expr:max(x,0)")),
        ("activation", ["a,b"], ("a,b",)),
        ("features", ("raw", "sin"), ("raw", "sin")),
        ("hidden", [], ()),
        ("hidden", "64-32,16", ("64-32", "16")),
    ],
)
def test_levels(name: str, given: object, levels: tuple[object, ...]):
    got = getattr(spec(**{name: given}), name)
    assert got == levels
    assert [type(level) for level in got] == [type(level) for level in levels]


def test_scalars_may_be_text_or_numpy():
    asked = spec(seeds="8", steps=np.int32(20), validation="0.25", standardize="true", target_column=3, noise=None)
    assert (asked.seeds, asked.steps, asked.validation) == (8, 20, 0.25)
    assert (asked.standardize, asked.target_column, asked.noise) == (True, "3", None)


WRONG = [
    ({"depth": "x"}, "depth 'x': must be a whole number of at least 0 and at most 1,000"),
    ({"depth": "2.5"}, "depth '2.5': must be a whole number of at least 0 and at most 1,000"),
    ({"depth": "1,y,2"}, "depth 'y': must be a whole number of at least 0 and at most 1,000"),
    ({"depth": True}, "depth true: must be a whole number of at least 0 and at most 1,000"),
    ({"depth": "1,,2"}, "depth '1,,2': a part of the list is empty"),
    ({"depth": ""}, "depth '': the text is empty"),
    ({"width": 0}, "width 0: must be a whole number of at least 1 and at most 100,000"),
    ({"lr": "abc"}, "lr 'abc': must be a number above 0"),
    ({"lr": -0.1}, "lr -0.1: must be a number above 0"),
    ({"lr": [0.1, True]}, "lr true: must be a number above 0"),
    ({"lr": float("nan")}, "lr nan: must be a number above 0"),
    ({"clip": "inf"}, "clip 'inf': must be a number of at least 0"),
    ({"dropout": 1}, "dropout 1: must be a number of at least 0 and below 1"),
    ({"validation": "nan"}, "validation 'nan': must be a number of at least 0 and below 1"),
    ({"batch": "all"}, "batch 'all': must be a whole number of at least 0, or full"),
    ({"residual": "true,maybe"}, "residual 'maybe': must be true or false"),
    ({"standardize": "perhaps"}, "standardize 'perhaps': must be true or false"),
    ({"activation": 3}, "activation 3: must be text"),
    ({"activation": [["relu"]]}, "activation ['relu']: must be text"),
    ({"activation": []}, "activation []: the list is empty; give at least one level, or leave activation out"),
    ({"problem": 3}, "problem 3: must be text"),
    ({"dtype": "int8"}, "dtype 'int8': must be float32 or float64"),
    ({"seeds": 0}, "seeds 0: must be a whole number of at least 1"),
    ({"seeds": [1, 2]}, "seeds [1, 2]: must be a whole number of at least 1"),
    ({"seeds": 10**10}, "seeds 10000000000: must be a whole number of at least 1 and at most 1,000,000,000"),
    ({"seed": -1}, "seed -1: must be a whole number of at least 0"),
    ({"steps": 5, "epochs": 5}, "give either steps or epochs, not both"),
    ({"hidden": "4", "depth": 1}, "give either hidden (such as 64-32) or depth and width, not both"),
    ({"hidden": "4", "width": 1}, "give either hidden (such as 64-32) or depth and width, not both"),
    ({"problem": "file:\udcff"}, "a setting or a path holds bytes that are not UTF-8 text; rename the file"),
    ({"grid": {"depth": [1]}}, "the spec has a table [grid]; its settings belong at the top level"),
]


@pytest.mark.parametrize(("settings", "sentence"), WRONG, ids=[str(settings) for settings, _ in WRONG])
def test_what_is_wrong_is_said_in_plain_words(settings: dict[str, Any], sentence: str):
    with pytest.raises(SpecError) as caught:
        spec(**settings)
    assert str(caught.value) == sentence


ODD = [object(), {}, {"a": 1}, [[1]], [None], "", ",", "☃", b"x", float("nan"), float("inf"), -1, 10**400, 1e308, True,
       [True], 2.5, "2.5", [], (), set(), np.ones((2, 2)), np.array("x")]  # fmt: skip


@pytest.mark.parametrize("name", Spec.model_fields)
def test_no_value_of_a_setting_gives_a_traceback(name: str):
    said = []
    for value in ODD:
        try:
            spec(**{name: value})
        except UsageError as error:
            said.append(str(error))
    assert said
    assert not [sentence for sentence in said if "nput should" in sentence or "\n" in sentence]


def test_unknown_settings_name_the_nearest():
    with pytest.raises(UnknownName, match="unknown setting 'activations'; did you mean 'activation'"):
        spec(activations="relu")
    with pytest.raises(SpecError, match="no problem is named"):
        make_spec({"depth": 1})


FILES = [
    ("broken", b'problem = "xor\n', "is not TOML: "),
    ("latin", b'problem = "\xff"', "is not UTF-8 text"),
    ("a number of many digits", b"depth = " + b"9" * 5000, "is not TOML: "),
    ("deeply nested", b"depth = " + b"[" * 100_000, "is not TOML: "),
    ("too large", b"#" * 2_000_000, "has more than 1,000,000 bytes"),
]


@pytest.mark.parametrize(("data", "words"), [file[1:] for file in FILES], ids=[file[0] for file in FILES])
def test_files_that_are_no_spec(tmp_path: Path, data: bytes, words: str):
    path = tmp_path / "spec.toml"
    path.write_bytes(data)
    with pytest.raises(SpecError) as caught:
        read_settings(path)
    assert f"the spec file '{path}' {words}" in str(caught.value)


def test_files_that_are_not_there(tmp_path: Path):
    with pytest.raises(SpecError, match="there is no spec file"):
        read_settings(tmp_path / "none.toml")
    with pytest.raises(SpecError, match="cannot be read: is a directory"):
        read_settings(tmp_path)


def test_a_file_may_begin_with_a_byte_order_mark(tmp_path: Path):
    path = tmp_path / "spec.toml"
    path.write_bytes(b'\xef\xbb\xbfproblem = "xor"\r\ndepth = [1, 2]\r\n')
    assert read_spec(path) == spec(depth=[1, 2])
