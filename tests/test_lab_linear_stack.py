"""P9: the product of a stack's matrices, as mathematics and of what PyTorch makes of the trained weights."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from trainability.lab.networks import trained
from trainability.lab.phenomena.linear_stack import STACK, TABLE, collapse, difference


@given(st.lists(st.integers(1, 6), min_size=2, max_size=7), st.integers(0, 2**32))
def test_a_stack_is_its_product_and_no_wider_than_its_narrowest_layer(widths: list[int], seed: int):
    rng = np.random.Generator(np.random.Philox(seed))
    weights = [rng.normal(size=pair) for pair in itertools.pairwise(widths)]
    biases = [rng.normal(size=width) for width in widths[1:]]
    x = answer = rng.normal(size=(9, widths[0]))
    for weight, bias in zip(weights, biases, strict=True):
        answer = answer @ weight + bias
    weight, bias = collapse(weights, biases)
    np.testing.assert_allclose(x @ weight + bias, answer, rtol=1e-9, atol=1e-9)
    assert np.linalg.matrix_rank(weight) <= min(widths)


@pytest.mark.parametrize("depth", [1, 3])
def test_pytorch_answers_as_the_product(depth: int):
    made = trained("diabetes", **{**STACK, **TABLE, "steps": 50, "depth": depth})
    layers = []
    for weight, bias in zip(made.weights, made.biases, strict=True):
        layers.append(torch.nn.Linear(*weight.shape[1:], dtype=torch.float64))
        with torch.no_grad():
            layers[-1].weight.copy_(torch.tensor(weight[0].T))
            layers[-1].bias.copy_(torch.tensor(bias[0]))
    x = made.data.x_train
    theirs = torch.nn.Sequential(*layers)(torch.tensor(x)).detach().numpy()
    weight, bias = collapse(*([np.asarray(part[0], float) for part in parts] for parts in (made.weights, made.biases)))
    np.testing.assert_allclose(x @ weight + bias, theirs, rtol=1e-9, atol=1e-12)
    assert difference(made) < 1e-12


def test_a_stack_with_tanh_is_not_its_product():
    made = trained("diabetes", **{**STACK, **TABLE, "steps": 50, "depth": 2, "activation": "tanh"})
    assert difference(made) > 0.01
