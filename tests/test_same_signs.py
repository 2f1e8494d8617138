"""The same nets with the same weights and batches give the same vital signs and findings, built in whatever."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np
import optax
import pytest
import torch
from flax import nnx
from torch.nn import functional as F  # noqa: N812

import trainability
from tests.plain_jax import plain_jax  # noqa: F401
from tests.zoo.data import circles, digits, line
from tests.zoo.flax_run import bce, mlp, scores
from trainability.report.chart import Diagnosis

STEPS, RATE, BATCH = 6, 0.05, 32


def batches(x: np.ndarray, y: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    order = np.random.default_rng(0)
    return [(x[rows], y[rows]) for rows in (order.integers(0, len(x), BATCH) for _ in range(STEPS))]


def in_torch(model: torch.nn.Module, data: Any, loss: Callable[[Any, Any], torch.Tensor]) -> Diagnosis:
    optimizer = torch.optim.SGD(model.parameters(), RATE)
    with trainability.watch(model, optimizer) as chart:
        for x, y in batches(*data):
            optimizer.zero_grad()
            target = torch.from_numpy(y)
            loss(model(torch.from_numpy(x)), target.long() if y.dtype == np.int32 else target).backward()
            optimizer.step()
    return chart.diagnose()


def in_flax(model: nnx.Module, data: Any, loss: Callable[[Any, Any], Any]) -> Diagnosis:
    optimizer = nnx.Optimizer(model, optax.sgd(RATE), wrt=nnx.Param)

    @nnx.jit
    def step(model: nnx.Module, optimizer: nnx.Optimizer, x: Any, y: Any) -> Any:
        value, grads = nnx.value_and_grad(lambda m: loss(m(x), y).mean())(model)
        optimizer.update(model, grads)
        return value

    with trainability.watch(model, optimizer) as chart:
        wrapped = chart.wrap(step)
        for x, y in batches(*data):
            wrapped(model, optimizer, x, y)
    return chart.diagnose()


def assert_same(one: Diagnosis, other: Diagnosis) -> None:
    assert [finding.code for finding in one.findings] == [finding.code for finding in other.findings]
    a, b = one.chart, other.chart
    for name, values in a.signs.items():
        np.testing.assert_allclose(b.signs[name], values, rtol=1e-5, atol=1e-6, err_msg=name)
    np.testing.assert_allclose(b.losses, a.losses, rtol=1e-5)
    facts = ("kind", "fan_in", "units", "weights", "activation", "trained")
    assert [[getattr(layer, fact) for fact in facts] for layer in a.layers] == [
        [getattr(layer, fact) for fact in facts] for layer in b.layers
    ]
    assert a.loss is not None
    assert b.loss is not None
    facts = ("name", "kind", "reduction", "output_shape", "target_shape", "last", "broadcast", "decreasing", "classes")
    assert [getattr(a.loss, fact) for fact in facts] == [getattr(b.loss, fact) for fact in facts]
    assert b.loss.constant == pytest.approx(a.loss.constant, rel=1e-6, nan_ok=True)
    for name in ("low", "high", "mean", "std", "constant", "bad"):
        assert getattr(b.inputs, name) == pytest.approx(getattr(a.inputs, name), rel=1e-6, abs=1e-9)
    assert b.gradient_noise == pytest.approx(a.gradient_noise, rel=1e-3)
    assert a.pairing == b.pairing


ACTIVATIONS: dict[str, tuple[type[torch.nn.Module], Any]] = {
    "relu": (torch.nn.ReLU, nnx.relu), "tanh": (torch.nn.Tanh, nnx.tanh), "sigmoid": (torch.nn.Sigmoid, nnx.sigmoid),
    "gelu": (torch.nn.GELU, lambda x: nnx.gelu(x, approximate=False)),
    "leaky_relu": (torch.nn.LeakyReLU, nnx.leaky_relu), "softmax": (lambda: torch.nn.Softmax(-1), nnx.softmax),
    "none": (torch.nn.Identity, None),
}  # fmt: skip


def twins(*widths: int, activation: str, last: str | None = None) -> tuple[torch.nn.Module, nnx.Module]:
    """The same dense net twice, with the weights of the second."""
    made, function = ACTIVATIONS[activation]
    final_module, final = ACTIVATIONS[last] if last else (None, None)
    flax = mlp(*widths, activation=function, last=final)
    parts: list[torch.nn.Module] = []
    for layer in flax.layers:
        if not isinstance(layer, nnx.Linear):
            continue
        parts += [made()] if parts else []
        parts.append(torch.nn.Linear(layer.in_features, layer.out_features))
        parts[-1].weight.data = torch.from_numpy(np.array(layer.kernel[...]).T.copy())
        parts[-1].bias.data = torch.from_numpy(np.array(layer.bias[...]))
    return torch.nn.Sequential(*parts, *([final_module()] if final_module else [])), flax


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_activations(activation: str):
    torchs, flaxs = twins(2, 16, 16, 2, activation=activation)
    assert_same(in_torch(torchs, circles(), F.cross_entropy), in_flax(flaxs, circles(), scores))


def column(data: Any) -> Any:
    return data[0], data[1][:, None].astype(np.float32)


def flat(data: Any) -> Any:
    return data[0], data[1][:, 0]


@pytest.mark.parametrize(
    ("data", "out", "last", "in_one", "in_other"),
    [
        (circles(), 2, "softmax", F.cross_entropy, scores),
        (column(circles()), 1, None, F.binary_cross_entropy_with_logits, optax.sigmoid_binary_cross_entropy),
        (column(circles()), 1, "sigmoid", F.binary_cross_entropy_with_logits, optax.sigmoid_binary_cross_entropy),
        (line(), 1, None, F.mse_loss, optax.squared_error),
        (line(), 1, None, F.mse_loss, lambda a, b: (a - b) ** 2),
        (line(), 1, None, F.l1_loss, lambda a, b: jnp.abs(b - a)),
        (line(), 1, None, F.huber_loss, optax.huber_loss),
        (flat(line()), 1, None, F.mse_loss, lambda a, b: jnp.square(a - b)),
        (line(), 1, "tanh", lambda a, b: -F.mse_loss(a, b), lambda a, b: -optax.squared_error(a, b)),
        (line(), 1, "tanh", lambda a, b: F.mse_loss(a, b, reduction="sum"),
         lambda a, b: optax.squared_error(a, b).sum()),
        (digits(), 10, None, F.cross_entropy, lambda a, y: -jnp.sum(nnx.log_softmax(a) * nnx.one_hot(y, 10), -1)),
        (digits(), 10, None, F.cross_entropy, lambda a, y: -nnx.log_softmax(a)[jnp.arange(len(y)), y]),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)  # fmt: skip
@pytest.mark.filterwarnings("ignore:Using a target size:UserWarning")
def test_losses(data: Any, out: int, last: str | None, in_one: Any, in_other: Any):
    torchs, flaxs = twins(data[0].shape[1], 16, out, activation="tanh", last=last)
    assert_same(in_torch(torchs, data, in_one), in_flax(flaxs, data, in_other))


def test_probabilities_have_the_same_loss_by_hand():
    """Optax has no cross-entropy of probabilities; written by hand it is unknown, but the layers are the same."""
    torchs, flaxs = twins(2, 16, 1, activation="tanh", last="sigmoid")
    data = column(circles())
    a, b = in_torch(torchs, data, F.binary_cross_entropy).chart, in_flax(flaxs, data, bce).chart
    for name, values in a.signs.items():
        np.testing.assert_allclose(b.signs[name], values, rtol=1e-5, atol=1e-6, err_msg=name)


class _Pictures(nnx.Module):
    def __init__(self) -> None:
        rngs = nnx.Rngs(0)
        self.first, self.out = nnx.Conv(1, 6, (3, 3), rngs=rngs), nnx.Linear(6 * 16, 10, rngs=rngs)
        self.norm = nnx.BatchNorm(6, momentum=0.9, rngs=rngs)

    def __call__(self, x: Any) -> Any:
        x = nnx.max_pool(nnx.relu(self.norm(self.first(x.reshape(-1, 8, 8, 1)))), (2, 2), (2, 2))
        return self.out(x.transpose(0, 3, 1, 2).reshape(len(x), -1))


def test_convolution_and_normalisation():
    flax = _Pictures()
    model = torch.nn.Sequential(
        torch.nn.Unflatten(1, (1, 8, 8)), torch.nn.Conv2d(1, 6, 3, padding=1), torch.nn.BatchNorm2d(6),
        torch.nn.ReLU(), torch.nn.MaxPool2d(2), torch.nn.Flatten(), torch.nn.Linear(96, 10),
    )  # fmt: skip
    kernels = {1: np.array(flax.first.kernel[...]).transpose(3, 2, 0, 1), 6: np.array(flax.out.kernel[...]).T}
    for place, kernel in kernels.items():
        layer: Any = model[place]
        layer.weight.data = torch.from_numpy(kernel.copy())
        layer.bias.data.zero_()
    assert_same(in_torch(model, digits(), F.cross_entropy), in_flax(flax, digits(), scores))
