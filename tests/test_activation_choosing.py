"""Choosing an activation by a text: its names in every library, parameters, formulas, mistakes."""

from __future__ import annotations

import inspect
import math

import numpy as np
import pytest

from tests.activation_choices import every_choice
from trainability.activations import ACTIVATIONS, choose, numpy_function, pieces_of
from trainability.core.errors import FormulaError, SpecError, UnknownName


@every_choice
def test_a_choice_is_chosen_again_by_its_text(choice):
    assert choose(choice.text) == choice
    if choice.entry.name.startswith("expr:"):
        assert choose(choice.entry.name) == choice


@pytest.mark.parametrize(
    ("text", "at", "expected"),
    [
        ("leaky_relu:0.01", -2.0, -0.02),
        ("elu:1.0", -1.0, math.expm1(-1)),
        ("threshold:0.5", 0.5, 0.0),
        ("threshold:0.5", 0.6, 0.6),
        ("threshold:value=-3", -1.0, -3.0),
        ("binary_step:0.5", 0.6, 1.0),
        ("Leaky_ReLU", -2.0, -0.02),
        ("swish:2", 1.0, 1 / (1 + math.exp(-2))),
        ("expr:x*hardtanh(x)", 3.0, 3.0),
        ("EXPR: silu(x)+0.1*x", 0.0, 0.0),
        ("expr:elu(x) - elu(x, 2)", -1.0, -math.expm1(-1)),
        ("expr:rrelu(x)", -1.0, -11 / 48),
        ("expr:x1 + 1", 2.0, 3.0),
    ],
)
def test_texts_choose(text, at, expected):
    assert numpy_function(choose(text))(at) == pytest.approx(expected)


def test_gates_take_their_pieces_in_order():
    z = np.arange(6.0).reshape(1, 6)
    np.testing.assert_allclose(numpy_function(choose("glu"))(z), z[:, :3] / (1 + np.exp(-z[:, 3:])))
    np.testing.assert_array_equal(numpy_function(choose("maxout:3"))(-z), [[0.0, -1.0]])
    assert pieces_of(choose("maxout:3")) == 3
    assert pieces_of(choose("expr:x1*tanh(x2) + x3")) == 3
    assert pieces_of(choose("relu")) == 1
    with pytest.raises(SpecError, match="6 pre-activations"):
        numpy_function(choose("maxout:4"))(z)


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("relux", UnknownName, "unknown activation 'relux'; did you mean 'relu'"),
        ("relu:1", SpecError, "takes no parameters"),
        ("celu:0", SpecError, "alpha must be more than 0"),
        ("maxout:1", SpecError, "at least 2"),
        ("maxout:2.5", SpecError, "whole number"),
        ("hardtanh:2:1", SpecError, "min_val must not exceed max_val, got 2 and 1"),
        ("elu:slope=1", UnknownName, "unknown parameter"),
        ("expr:", FormulaError, "empty"),
        ("expr:sigmod(x)", FormulaError, "did you mean 'sigmoid'"),
        ("expr:leaky_rel(x)", FormulaError, "did you mean 'leaky_relu'"),
        ("expr:a*x", FormulaError, "unknown name 'a'"),
        ("expr:1 + pi", FormulaError, "x does not occur"),
        ("expr:x + x1", FormulaError, "mixes x with x1"),
        ("expr:softmax(x)", FormulaError, "unknown function 'softmax'"),
        ("expr:" + "gelu_tanh(" * 6 + "x" + ")" * 6, FormulaError, "written out|too large"),
        ("x*sigmoid(x)", FormulaError, r"write 'expr:x\*sigmoid\(x\)'"),
    ],
)
def test_mistakes_are_explained(text, error, message):
    with pytest.raises(error, match=message):
        choose(text)


def test_every_torch_module_resolves():
    import torch

    for name in torch.nn.modules.activation.__all__:
        if name not in ("MultiheadAttention", "Softmax2d"):
            assert name in ACTIVATIONS or name.lower() in ACTIVATIONS, name


def test_every_keras_activation_resolves():
    import keras

    names = {name for name, _ in inspect.getmembers(keras.activations, inspect.isfunction)}
    for name in names - {"deserialize", "get", "serialize"}:
        assert name in ACTIVATIONS, name


def test_every_jax_activation_resolves():
    import jax

    other = {
        "dot_product_attention",
        "log1mexp",
        "logmeanexp",
        "logsumexp",
        "one_hot",
        "standardize",
        "scaled_dot_general",
        "scaled_matmul",
        "get_scaled_dot_general_config",
    }
    for name, value in inspect.getmembers(jax.nn, callable):
        if name not in other and not name.startswith("_"):
            assert name in ACTIVATIONS, (name, value)
