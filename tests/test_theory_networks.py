"""Theory against wide finite networks: variances, correlations and gradients, measured in NumPy with fixed seeds.

Over 48 networks of width 250 and depth 4, variances and covariances agree within 10 % and squared gradients within 20
%. Where the variance map amplifies deviations (ReLU², exponential, softshrink), the tolerance grows by what two layers
do, and variances are compared in the first three layers.
"""

from __future__ import annotations

import functools
import math

import numpy as np
import pytest

from tests.activation_choices import every_elementwise
from trainability.activations import numpy_function, numpy_slope
from trainability.theory.correlation import products
from trainability.theory.moments import moments
from trainability.theory.propagation import Layer, propagate

WIDTH, DEPTH, NETWORKS = 250, 4, 48
SIGMA_B2 = 0.05


@functools.cache
def _drawn() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Standard normal weights (networks, layers, width, width), biases, and inputs (networks, 2, width)."""
    rng = np.random.default_rng(0)
    weights = rng.normal(size=(NETWORKS, DEPTH + 1, WIDTH, WIDTH)).astype(np.float32)
    biases = rng.normal(size=(NETWORKS, DEPTH + 1, WIDTH))
    inputs = rng.normal(size=(NETWORKS, 2, WIDTH))
    inputs[:, 1] = 0.6 * inputs[:, 0] + 0.8 * inputs[:, 1]
    # Lengths and angle as they are in the mean: theory starts from them.
    inputs[:, 0] /= np.sqrt((inputs[:, 0] ** 2).mean(axis=-1, keepdims=True))
    inputs[:, 1] -= (inputs[:, 0] * inputs[:, 1]).mean(axis=-1, keepdims=True) * inputs[:, 0]
    inputs[:, 1] /= np.sqrt((inputs[:, 1] ** 2).mean(axis=-1, keepdims=True))
    inputs[:, 1] = 0.6 * inputs[:, 0] + 0.8 * inputs[:, 1]
    return weights, biases, inputs


def _run(choice, sigma_w2: float, joins: bool = False) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(variance, covariance) of two inputs' pre-activations and the squared gradient, each (networks, layers)."""
    weights, biases, inputs = _drawn()
    phi, slope = numpy_function(choice), numpy_slope(choice)
    assert slope is not None
    matrices = weights * np.float32(math.sqrt(sigma_w2 / WIDTH))
    h, states, fed = inputs, [], []
    for layer in range(DEPTH + 1):
        z = h @ matrices[:, layer].astype(float) + math.sqrt(SIGMA_B2) * biases[:, layer, None]
        states.append(z)
        fed.append(h[:, 0])
        h = h + phi(z) if joins else phi(z)
    variance = np.stack([(z[:, 0] ** 2).mean(axis=-1) for z in states], axis=1)
    covariance = np.stack([(z[:, 0] * z[:, 1]).mean(axis=-1) for z in states], axis=1)
    delta = np.random.default_rng(1).normal(size=(NETWORKS, WIDTH))
    squares, skipped = [], np.zeros_like(delta)
    for layer in range(DEPTH, -1, -1):
        squares.insert(0, (delta**2).mean(axis=-1) * (fed[layer] ** 2).mean(axis=-1))
        arriving = np.einsum("no,nio->ni", delta, matrices[:, layer].astype(float)) + skipped
        if layer:
            delta = arriving * slope(states[layer - 1][:, 0])
            skipped = arriving if joins else skipped
    gradient = np.stack(squares, axis=1)
    return variance, covariance, gradient / gradient[:, -1:]


def _sigma_w2(choice) -> float:
    """The gain at which the variance stays 1: every activation is then in the region that it is meant for."""
    return (1 - SIGMA_B2) / moments(choice).at("second", 1.0)


def _layers(sigma_w2: float) -> list[Layer]:
    return [Layer(WIDTH, WIDTH, sigma_w2 / WIDTH, SIGMA_B2)] * (DEPTH + 1)


@every_elementwise
def test_wide_networks_do_as_theory_says(choice):
    m = moments(choice)
    sigma_w2 = _sigma_w2(choice)
    variance, covariance, gradient = _run(choice, sigma_w2)
    predicted = propagate(m, _layers(sigma_w2), 1.0)
    amplified = max(1.0, abs(sigma_w2 * m.at("growth", 1.0))) ** 2
    q, c = sigma_w2 + SIGMA_B2, (0.6 * sigma_w2 + SIGMA_B2) / (sigma_w2 + SIGMA_B2)
    for layer in range(DEPTH + 1):
        assert predicted.variance[layer] == pytest.approx(q, rel=1e-9)
        if amplified < 2 or layer < 3:
            assert variance[:, layer].mean() == pytest.approx(q, rel=0.1 * amplified)
            assert covariance[:, layer].mean() == pytest.approx(q * c, abs=0.1 * q * amplified)
        known = products(choice, q)
        following = sigma_w2 * known.second + SIGMA_B2
        c, q = (sigma_w2 * known.at(c)[0] + SIGMA_B2) / following, following
    squares = np.square(predicted.gradient)
    assert gradient.mean(axis=0) == pytest.approx(squares, rel=0.2 * amplified)


@pytest.mark.parametrize("text", ["tanh", "relu", "gelu", "sigmoid", "elu"])
def test_wide_residual_networks_do_as_theory_says(text: str):
    """Means are not 0 here, and add up along the shortcuts."""
    from trainability.activations import choose

    choice = choose(text)
    m = moments(choice)
    variance, _, gradient = _run(choice, 0.8, joins=True)
    predicted = propagate(m, _layers(0.8), 1.0, residual=True)
    assert variance.mean(axis=0) == pytest.approx(predicted.variance, rel=0.1)
    assert gradient.mean(axis=0) == pytest.approx(np.square(predicted.gradient), rel=0.2)


@pytest.mark.parametrize("centred", [True, False], ids=["layer", "rms"])
@pytest.mark.parametrize("text", ["tanh", "relu", "gelu"])
def test_wide_normalized_networks_do_as_theory_says(text: str, centred: bool):
    """The gradient through layer and RMS normalisation, by JAX's derivatives, within 10 %."""
    import jax
    import jax.numpy as jnp

    from trainability.activations import choose, jax_function

    weights, biases, inputs = _drawn()
    phi = jax_function(choose(text).entry)
    matrices = jnp.asarray(weights * np.sqrt(np.float32(1.7 / WIDTH)))
    shifts = jnp.asarray(math.sqrt(SIGMA_B2) * biases, jnp.float32)
    outward = jnp.asarray(np.random.default_rng(1).normal(size=(NETWORKS, WIDTH)), jnp.float32)

    def loss(matrices, shifts, h, outward):
        for matrix, shift in zip(matrices[:-1], shifts[:-1], strict=True):
            z = h @ matrix + shift
            z = z - z.mean(keepdims=True) if centred else z
            h = phi(z / jnp.sqrt((z**2).mean(keepdims=True) + 1e-5), ())
        return ((h @ matrices[-1] + shifts[-1]) * outward).sum()

    gradients = jax.vmap(jax.grad(loss))(matrices, shifts, jnp.asarray(inputs[:, 0], jnp.float32), outward)
    found = np.square(gradients).mean(axis=(0, 2, 3))
    predicted = propagate(moments(text), _layers(1.7), 1.0, normalized=True)
    assert found / found[-1] == pytest.approx(np.square(predicted.gradient), rel=0.1)


@pytest.mark.parametrize(("text", "gain"), [("relu", 2.0), ("identity", 1.0), ("tanh", 1.5)])
def test_the_scatter_of_narrow_networks(text: str, gain: float):
    """Over 400 networks of width 24 and depth 24: the median of the first layer's gradient over the last's, and the
    deviation of what comes back to the first layer."""
    from trainability.activations import choose

    rng, width, depth, networks = np.random.default_rng(0), 24, 24, 400
    phi, slope = numpy_function(choose(text)), numpy_slope(choose(text))
    assert slope is not None
    matrices = rng.normal(size=(depth + 1, networks, width, width)) * math.sqrt(gain / width)
    outward, first = rng.normal(size=(networks, width)), rng.normal(size=(networks, width))
    first /= np.sqrt(np.square(first).mean(axis=1, keepdims=True))
    h, states = first, []
    for matrix in matrices[:-1]:
        states.append(np.einsum("ni,nio->no", h, matrix))
        h = phi(states[-1])
    delta = outward
    for matrix, z in zip(matrices[:0:-1], states[::-1], strict=True):
        delta = np.einsum("no,nio->ni", delta, matrix) * slope(z)
    back = 0.5 * np.log(np.square(delta).mean(axis=-1) / np.square(outward).mean(axis=-1))
    ratio = back - 0.5 * np.log(np.square(h).mean(axis=-1))  # a weight's gradient has its layer's input as a factor
    predicted = propagate(moments(text), [Layer(width, width, gain / width, 0.0)] * (depth + 1), 1.0)
    assert back.std() == pytest.approx(predicted.log_deviation[0], rel=0.2)
    expected = math.log(predicted.gradient[0]) + predicted.log_shift[0]
    assert np.median(ratio) == pytest.approx(expected, abs=4 * ratio.std() / math.sqrt(networks) + 0.1)


def test_relu_scatters_by_5_over_the_width():
    """Hanin and Nica."""
    assert moments("relu").slope_scatter(1.0) == pytest.approx(5.0, rel=1e-12)


def test_uniform_and_normal_weights_propagate_alike():
    """Only the variance enters: a network of torch's uniform weights against theory, within 10 %."""
    import torch

    from trainability.theory import predict

    torch.manual_seed(0)
    squares = []
    for _ in range(8):
        layers = [torch.nn.Linear(300, 300) for _ in range(6)]
        h = torch.randn(64, 300)
        for layer in layers[:-1]:
            h = torch.tanh(layer(h))
        squares.append(float(layers[-1](h).detach().square().mean()))
    (prediction,) = predict("tanh", "torch", depth=5, width=300, inputs=300, outputs=300)
    assert np.mean(squares) == pytest.approx(prediction.variance[-1], rel=0.1)
    assert prediction.sigma_w2 == pytest.approx(1 / 3)
    assert prediction.sigma_b2 == pytest.approx(1 / 900)
