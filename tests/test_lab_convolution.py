"""P5: PyTorch builds the same convolutional network: same answers, same gradient, same training errors."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

from tests.peers.torch_twin import one_thread
from trainability.engine.reference import convolution
from trainability.engine.reference.convolution import ConvolutionalNetwork
from trainability.lab.images import as_images
from trainability.problems import load

MNIST = Path(__file__).parents[2] / "shared" / "data"
DIGITS = ConvolutionalNetwork((8, 8, 1), (4, 6, 5), 10, "tanh")
NETWORKS = [
    DIGITS,
    ConvolutionalNetwork((8, 8, 1), (4, 6, 5), 10, "relu"),
    ConvolutionalNetwork((7, 9, 3), (3, 4, 2), 4, "tanh"),
    ConvolutionalNetwork((3, 3, 1), (2, 3), 5, "relu"),
]
ACTIVATIONS = {"tanh": torch.tanh, "relu": torch.relu}


def _one(layers: Any, trial: int) -> Any:
    return jax.tree.map(lambda a: a[trial], layers)


def _torch_layers(layers: Any, network: ConvolutionalNetwork) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Our matrices (row, column, channel by filter) as PyTorch's filters (filter, channel, row, column)."""
    made, channels = [], network.image[2]
    for layer in layers[:-1]:
        filters = layer["weights"].shape[1]
        weights = layer["weights"].reshape(3, 3, channels, filters).transpose(3, 2, 0, 1)
        made.append(
            (torch.tensor(weights.copy(), requires_grad=True), torch.tensor(layer["biases"], requires_grad=True))
        )
        channels = filters
    last = layers[-1]
    return [
        *made,
        (torch.tensor(last["weights"], requires_grad=True), torch.tensor(last["biases"], requires_grad=True)),
    ]


def _torch_logits(layers: Any, network: ConvolutionalNetwork, x: torch.Tensor) -> torch.Tensor:
    for weights, biases in layers[:-1]:
        small = min(x.shape[2:]) < convolution.LEAST
        x = ACTIVATIONS[network.activation](torch.nn.functional.conv2d(x, weights, biases, padding=1))
        x = x if small else torch.nn.functional.avg_pool2d(x, 2)
    return x.permute(0, 2, 3, 1).flatten(1) @ layers[-1][0] + layers[-1][1]


def _images(network: ConvolutionalNetwork, samples: int = 12) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(4)
    x = rng.normal(size=(samples, *network.image)).astype(np.float32)
    return x, rng.integers(0, network.classes, samples).astype(np.int32)


@pytest.mark.parametrize("network", NETWORKS, ids=str)
@one_thread()
def test_pytorch_answers_and_derives_alike(network: ConvolutionalNetwork) -> None:
    layers = _one(convolution.initial(network, "torch", 3, np.arange(2, dtype=np.uint32)), 1)
    for layer in layers:  # zero biases would hide where they are added
        layer["biases"] = layer["biases"] + np.linspace(-0.3, 0.3, len(layer["biases"]), dtype=np.float32)
    assert [layer["weights"].shape for layer in layers] == list(network.shapes)
    x, y = _images(network)
    loss, gradient = jax.value_and_grad(functools.partial(convolution.loss, network))(
        layers, jnp.asarray(x), jnp.asarray(y)
    )
    theirs = _torch_layers(layers, network)
    said = _torch_logits(theirs, network, torch.from_numpy(x.transpose(0, 3, 1, 2).copy()))
    np.testing.assert_allclose(convolution.logits(network, layers, jnp.asarray(x)), said.detach(), rtol=1e-4, atol=1e-5)
    cross_entropy = torch.nn.functional.cross_entropy(said, torch.from_numpy(y).long())
    cross_entropy.backward()
    assert float(loss) == pytest.approx(cross_entropy.item(), rel=1e-5)
    for ours, (weights, biases) in zip(gradient, theirs, strict=True):
        assert weights.grad is not None
        assert biases.grad is not None
        found = weights.grad if weights.ndim == 2 else weights.grad.permute(2, 3, 1, 0).flatten(0, 2)
        np.testing.assert_allclose(ours["weights"], found, rtol=1e-3, atol=1e-5)
        np.testing.assert_allclose(ours["biases"], biases.grad, rtol=1e-3, atol=1e-5)


@one_thread()
def test_pytorch_makes_the_same_errors_while_training() -> None:
    """Same weights, same batches, the same gradient descent with momentum: the same images are wrong at every mark."""
    x, y, trials, marks, rate = *_digits(), np.arange(2, dtype=np.uint32), (1, 5, 20, 40), 0.05
    first = convolution.initial(DIGITS, "glorot_uniform", 1, trials)
    order = convolution.batches(1, trials, len(x), 16, marks[-1])
    ours = convolution.training_errors(DIGITS, first, np.full(2, rate), order, x, y, marks)
    images, labels = torch.from_numpy(x.transpose(0, 3, 1, 2).copy()), torch.from_numpy(y)
    for trial in range(2):
        layers = _torch_layers(_one(first, trial), DIGITS)
        optimizer = torch.optim.SGD([part for layer in layers for part in layer], rate, momentum=0.9)
        for step in range(marks[-1]):
            chosen = order[trial, step]
            loss = torch.nn.functional.cross_entropy(_torch_logits(layers, DIGITS, images[chosen]), labels[chosen])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if step + 1 in marks:
                wrong = (_torch_logits(layers, DIGITS, images[:256]).argmax(1) != labels[:256]).float().mean().item()
                assert ours[trial, marks.index(step + 1)] == pytest.approx(wrong, abs=1.5 / 256)
    assert ours[:, -1].max() < 0.8  # so it has learned something


def test_a_networks_errors_depend_on_itself_alone() -> None:
    """The same record among ten as alone, and again in a second run."""
    x, y, trials = *_digits(), np.arange(10, dtype=np.uint32)
    first = convolution.initial(DIGITS, "he_normal", 0, trials)
    order = convolution.batches(0, trials, len(x), 16, 10)
    many, again = (convolution.training_errors(DIGITS, first, np.full(10, 0.1), order, x, y, (3, 10)) for _ in range(2))
    rows = slice(9, 10)
    part = [{name: value[rows] for name, value in layer.items()} for layer in first]
    alone = convolution.training_errors(DIGITS, part, np.full(1, 0.1), order[rows], x, y, (3, 10))
    np.testing.assert_array_equal(many, again)
    np.testing.assert_array_equal(many[rows], alone)


def test_each_epoch_has_every_sample_at_most_once() -> None:
    order = convolution.batches(7, np.arange(3, dtype=np.uint32), 23, 5, 9)
    assert order.shape == (3, 9, 5)
    for trial in order:
        for epoch in (trial[:4], trial[4:8]):
            assert len(np.unique(epoch)) == 20
    assert not np.array_equal(order[0], order[1])


def test_a_diverged_network_counts_as_wrong() -> None:
    x, y, trials = *_digits(), np.arange(1, dtype=np.uint32)
    first = convolution.initial(DIGITS, "he_normal", 0, trials)
    order = convolution.batches(0, trials, len(x), 16, 5)
    relu = ConvolutionalNetwork(DIGITS.image, DIGITS.filters, 10, "relu")
    assert convolution.training_errors(relu, first, np.full(1, 1e30), order, x, y, (5,)).item() == 1.0


@pytest.mark.skipif(not MNIST.is_dir(), reason="no MNIST files beside the repository")
def test_it_learns_mnist() -> None:
    data = load(f"mnist:{MNIST}", samples=1000)
    x, trials = as_images(data, data.x_train).astype(np.float32), np.arange(2, dtype=np.uint32)
    network = ConvolutionalNetwork(x.shape[1:], (4, 8, 8), 10, "tanh")
    first = convolution.initial(network, "he_normal", 0, trials)
    order = convolution.batches(0, trials, len(x), 16, 120)
    errors = convolution.training_errors(network, first, np.full(2, 0.1), order, x - x.mean(), data.y_train, (1, 120))
    assert errors[:, 0].min() > 0.6
    assert errors[:, 1].max() < 0.35


def _digits() -> tuple[np.ndarray, np.ndarray]:
    data = load("digits")
    return as_images(data, data.x_train).astype(np.float32), data.y_train
