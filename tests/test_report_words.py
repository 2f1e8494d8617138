"""Numbers, shares and cells as a report says them."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainability.report.reproduce import python, question
from trainability.report.words import cell_name, number, percent
from trainability.sweep.spec import Spec


@given(st.floats(0, 1))
def test_only_all_and_none_read_as_all_and_none(share):
    assert (percent(share) == "100") == (share == 1)
    assert (percent(share) == "0") == (share == 0)
    assert abs(float(percent(share)) - 100 * share) <= 0.5 + 1e-9


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e30, max_value=1e30))
def test_numbers_keep_three_digits(x):
    text = number(x)
    assert float(text.replace(",", "")) == pytest.approx(x, rel=5.1e-3, abs=1e-300)
    assert not re.search(r"e[+-]?0\d|\.0*e", text)


def test_numbers_read_well():
    assert [number(x) for x in (2.3e-5, 0.0123, 12345.0, 0.0, None, float("nan"), float("inf"))] == [
        "2.3e-5",
        "0.0123",
        "12,345",
        "0",
        "–",
        "–",
        "∞",
    ]


def test_cells_are_named_as_one_says_them():
    cell = {"activation": "tanh", "depth": 9, "lr": 1e-3, "init": "he_normal"}
    assert cell_name(cell, ("depth", "activation")) == "tanh at depth 9"
    assert cell_name(cell, ("lr", "depth", "activation")) == "tanh at depth 9, learning rate 0.001"
    assert cell_name(cell, ("init",)) == "he_normal"
    assert cell_name(cell, ("init", "depth")) == "depth 9, initialiser he_normal"
    assert cell_name(cell, ()) == "the network"
    assert cell_name(cell, ("activation", "init")) == "tanh with initialiser he_normal"
    assert cell_name(cell, ("init", "lr", "activation")) == "tanh at learning rate 0.001 with initialiser he_normal"


def test_one_thing_learns_and_several_learn():
    spec = Spec(problem="xor", depth=(1, 9), activation=("relu", "tanh"))
    assert question(spec, ("depth", "activation")).startswith("Which depth and activation learn xor, ")
    assert question(spec, ("depth",)).startswith("Which depth learns xor, ")
    assert question(spec, ()).startswith("Does this network learn xor, ")


def test_a_full_batch_is_said_in_words_and_read_back():
    for batch, shown in (((0,), "batch='full'"), ((0, 4), "batch=['full', 4]")):
        spec = Spec(problem="xor", batch=batch)
        assert shown in python(spec)
        said = ["full" if size == 0 else size for size in batch]
        assert Spec.model_validate({"problem": "xor", "batch": said}) == spec
