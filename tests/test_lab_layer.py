"""P20: the gradients written by hand against PyTorch, JAX and differences, for every activation and any sizes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from trainability.activations import ACTIVATIONS, choose, numpy_slope
from trainability.lab.layer import PARAMETERS, Sizes, automatic, backward, descended, differences, draw, error, forward

SIDES = st.integers(1, 6)
ELEMENTWISE = [a.name for a in ACTIVATIONS if a.pieces == 1 and numpy_slope(choose(a.name)) is not None]


def _rng(seed: int) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(seed))


@settings(max_examples=30)
@given(SIDES, SIDES, SIDES, SIDES, st.integers(0, 2**32))
def test_pytorch_gives_the_gradient_of_everything(samples: int, inputs: int, hidden: int, outputs: int, seed: int):
    batch = draw(_rng(seed), 1, Sizes(samples, inputs, hidden, outputs), "sigmoid")
    tensors = {name: torch.tensor(value[0], requires_grad=True) for name, value in batch.parameters.items()}
    x = torch.tensor(batch.x[0], requires_grad=True)
    z = x @ tensors["W1"] + tensors["b1"]
    h = torch.sigmoid(z)
    o = h @ tensors["W2"] + tensors["b2"]
    loss = torch.nn.functional.mse_loss(o, torch.tensor(batch.y[0]))
    everything = {**tensors, "X": x, "Z": z, "H": h, "O": o}
    theirs = dict(zip(everything, torch.autograd.grad(loss, tuple(everything.values())), strict=True))
    values = forward(batch)
    ours = backward(batch, values)
    assert values["L"][0] == pytest.approx(float(loss.detach()))
    assert ours.keys() == theirs.keys()
    for name, gradient in theirs.items():
        assert ours[name][0].shape == tuple(everything[name].shape)
        np.testing.assert_allclose(ours[name][0], gradient.numpy(), rtol=1e-9, atol=1e-12, err_msg=name)


@pytest.mark.parametrize("activation", ELEMENTWISE)
def test_every_activation_agrees_with_jax_and_differences(activation: str):
    batch = draw(_rng(3), 16, Sizes(), activation)
    ours, by_jax, by_steps = backward(batch, forward(batch)), automatic(batch), differences(batch, 1e-6)
    for name in PARAMETERS:
        assert error(ours[name], by_jax[name]).max() < 1e-9
        assert np.median(error(ours[name], by_steps[name])) < 1e-5


@given(st.integers(0, 2**32))
def test_a_short_enough_step_goes_down_by_the_square_of_the_gradient(seed: int):
    batch = draw(_rng(seed), 4, Sizes(), "tanh")
    values = forward(batch)
    gradients = backward(batch, values)
    rate = 1e-6
    after = forward(descended(batch, gradients, rate))["L"]
    square = sum((gradients[name] ** 2).sum(axis=(1, 2)) for name in PARAMETERS)
    np.testing.assert_allclose((values["L"] - after) / rate, square, rtol=1e-3, atol=1e-7)
