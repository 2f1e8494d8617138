"""A loss that is written by hand is known as a library's of the same formula, in PyTorch and in JAX."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import torch
from torch.nn import functional as F  # noqa: N812

from tests.plain_jax import plain_jax  # noqa: F401
from trainability.adapters.jax.look import look
from trainability.adapters.record import Record
from trainability.adapters.torch.loss import see_loss
from trainability.adapters.torch.trace import Trace, leading_to
from trainability.core.chart import LossFacts

DRAW = np.random.default_rng(0)
Seen: TypeAlias = Callable[..., LossFacts | None]
X = DRAW.standard_normal((12, 3)).astype(np.float32)
WEIGHT = DRAW.standard_normal((3, 4)).astype(np.float32)
CLASSES, WEIGHTS = DRAW.integers(0, 4, 12), DRAW.uniform(0.5, 2, 12).astype(np.float32)
BITS = (CLASSES > 1).astype(np.float32)


def by_torch(loss: Callable[..., Any], *data: np.ndarray) -> LossFacts | None:
    weight = torch.from_numpy(WEIGHT).clone().requires_grad_()
    given = [torch.from_numpy(one) for one in data]
    trace = Trace()
    trace.recording = True
    with trace:
        value = loss(torch.from_numpy(X) @ weight, *given)
    record = Record("torch")
    see_loss(record.loss, value, leading_to(value, trace.operations))
    return record.loss.facts()


def by_jax(loss: Callable[..., Any], *data: np.ndarray) -> LossFacts | None:
    parameters = {"kernel": WEIGHT}
    record = Record("jax")
    look(lambda p, x, *y: loss(x @ p["kernel"], *y), parameters, (X, *data), parameters).note(record, 0)
    return record.loss.facts()


TORCH_BCE: list[Callable[..., Any]] = [
    lambda a, y: -(y * torch.log(p := a[:, :1].sigmoid()) + (1 - y) * torch.log(1 - p)).mean(),
    lambda a, y: (-y * torch.log((p := a[:, :1].sigmoid()) + 1e-7) - (1 - y) * torch.log(1 - p + 1e-7)).mean(),
    lambda a, y: -((y := y.float()) * torch.log(p := a[:, :1].sigmoid()) + (1 - y) * torch.log(1 - p)).mean(),
    lambda a, y: -torch.mean(((1.0 - y) * (1.0 - (p := a[:, :1].sigmoid().clamp(1e-6, 1 - 1e-6))).log()) + y * p.log()),
]
JAX_BCE: list[Callable[..., Any]] = [
    lambda a, y: -(y * jnp.log(p := jax.nn.sigmoid(a[:, :1])) + (1 - y) * jnp.log(1 - p)).mean(),
    lambda a, y: (-y * jnp.log((p := jax.nn.sigmoid(a[:, :1])) + 1e-7) - (1 - y) * jnp.log(1 - p + 1e-7)).mean(),
    lambda a, y: -jnp.mean((1 - y) * jnp.log(1 - (p := jax.nn.sigmoid(a[:, :1]).clip(1e-6, 0.999))) + y * jnp.log(p)),
]  # fmt: skip


@pytest.mark.parametrize(("seen", "loss"), [(by_torch, one) for one in TORCH_BCE] + [(by_jax, one) for one in JAX_BCE])
@pytest.mark.parametrize("dtype", [np.float32, np.int32])
def test_binary_cross_entropy(seen: Seen, loss: Callable[..., Any], dtype: type):
    bits = BITS[:, None].astype(dtype)
    found = seen(loss, bits)
    named = by_torch(lambda a, y: F.binary_cross_entropy(a[:, :1].sigmoid(), y), BITS[:, None])
    assert found is not None
    assert named is not None
    assert (found.name, found.kind, found.reduction, found.last) == ("bce", "binary", "mean", "sigmoid")
    assert not found.broadcast
    assert found.decreasing
    assert found.output.mean == pytest.approx(named.output.mean, abs=1e-5)
    assert found.counts == named.counts
    turned = seen(lambda a, y: -loss(a, y), bits)
    assert turned is not None
    assert not turned.decreasing
    stretched = seen(loss, bits[:, 0])
    assert stretched is not None
    assert stretched.broadcast, "(12, 1) against (12,)"


CROSS_ENTROPIES: list[tuple[Seen, Callable[..., Any]]] = [
    (by_torch, lambda a, y: -a.log_softmax(-1)[torch.arange(12), y].mean()),
    (by_torch, lambda a, y: -(F.one_hot(y, 4) * torch.log_softmax(a, -1)).sum(-1).mean()),
    (by_torch, lambda a, y: -torch.log(a.softmax(-1)).gather(1, y[:, None]).mean()),
    (by_torch, lambda a, y: -(F.one_hot(y, 4).float() * torch.log(a.softmax(-1) + 1e-8)).sum(1).mean()),
    (by_jax, lambda a, y: -jnp.take_along_axis(jax.nn.log_softmax(a), y[:, None], axis=1).mean()),
    (by_jax, lambda a, y: -(jax.nn.one_hot(y, 4) * jnp.log(jax.nn.softmax(a) + 1e-8)).sum(1).mean()),
    (by_jax, lambda a, y: -jnp.log(jax.nn.softmax(a))[jnp.arange(12), y].mean()),
]


@pytest.mark.parametrize(("seen", "loss"), CROSS_ENTROPIES)
def test_cross_entropy(seen: Seen, loss: Callable[..., Any]):
    found, named = seen(loss, CLASSES), by_torch(F.cross_entropy, CLASSES)
    assert found is not None
    assert named is not None
    softmax = found.last == "softmax"
    assert (found.name, found.kind) == ("probabilities_cross_entropy" if softmax else "cross_entropy", "classes")
    assert found.counts == named.counts
    assert found.classes == 4


OTHERS: list[tuple[Seen, Callable[..., Any]]] = [
    (by_torch, lambda a, y, w: -(a.log_softmax(-1)[torch.arange(12), y] * w).mean()),
    (by_torch, lambda a, y, w: (torch.log(a.exp().sum(1)) + w).mean()),
    (by_jax, lambda a, y, w: -(jnp.take_along_axis(jax.nn.log_softmax(a), y[:, None], axis=1)[:, 0] * w).mean()),
    (by_jax, lambda a, y, w: (jnp.log(jnp.exp(a).sum(1)) + w).mean()),
]


@pytest.mark.parametrize(("seen", "loss"), OTHERS)
def test_what_is_weighed_by_something_else_is_no_cross_entropy(seen: Seen, loss: Callable[..., Any]):
    """As the logarithms of a policy's choices are by what they brought."""
    found = seen(loss, CLASSES, WEIGHTS)
    assert found is None or found.kind in ("unknown", "regression")


by_optax = optax.softmax_cross_entropy_with_integer_labels
SIGNS: list[tuple[Callable[[Any, Any], Any], bool]] = [
    (lambda a, b: a - b, True), (lambda a, b: b - a, False), (lambda a, b: b + (-0.5) * b + a, True),
    (lambda a, b: -a + b, False), (lambda a, b: 1 - a, False), (lambda a, b: -(1 - a), True),
    (lambda a, b: a / -2, False), (lambda a, b: -1.0 * (b * -2 - a), True),
]  # fmt: skip


@pytest.mark.parametrize(("whole", "decreasing"), SIGNS)
def test_the_sign_of_a_library_loss_is_followed_through_what_is_added_to_it(
    whole: Callable[[Any, Any], Any], decreasing: bool
):
    for found in (
        by_torch(lambda a, y: whole(F.cross_entropy(a, y), -0.5 * (a**2).sum()), CLASSES),
        by_jax(lambda a, y: whole(by_optax(a, y).mean(), -0.5 * (a**2).sum()), CLASSES),
    ):
        assert found is not None
        assert found.name == "cross_entropy"
        assert found.decreasing == decreasing


@pytest.mark.parametrize(
    ("whole", "decreasing"),
    [(lambda a, b: torch.rsub(a, b), False), (lambda a, b: torch.rsub(b, a), True), (lambda a, b: a.sub_(b), True)],
)
def test_subtractions_that_pytorch_alone_has(whole: Callable[[Any, Any], Any], decreasing: bool):
    found = by_torch(lambda a, y: whole(F.cross_entropy(a, y) * 1, (a**2).sum()), CLASSES)
    assert found is not None
    assert found.decreasing == decreasing
