"""For a user's own tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from trainability.adapters.framework import framework_of
from trainability.core.chart import Chart
from trainability.report.chart import Diagnosis


def assert_trainable(model: Any, batch: tuple[Any, Any], loss: Callable[[Any, Any], Any]) -> None:
    """Fail if one forward and one backward pass already show why this model will not learn; nothing is trained.

    The model's gradients, its mode and the random numbers after the call are what they were before it.

    Args:
        model: a ``torch.nn.Module``, a ``flax.nnx.Module``, or a Sequential or Functional model of Keras.
        batch: inputs and targets of a few samples.
        loss: from the model's answers and the targets to a scalar, as ``torch.nn.CrossEntropyLoss()``; of a Flax model
            also to one number a sample, as optax's losses, of which the mean is taken; of a Keras model what `compile`
            takes.

    Raises:
        AssertionError: with the findings, in words.
        SpecError: the model is none of these.

    Example:
        >>> import torch
        >>> model = torch.nn.Sequential(torch.nn.Linear(2, 8), torch.nn.Tanh(), torch.nn.Linear(8, 2))
        >>> assert_trainable(model, (torch.eye(2), torch.tensor([0, 1])), torch.nn.CrossEntropyLoss())
    """
    looks = {"keras": _keras, "flax": _flax, "torch": _torch}
    seen = looks[framework_of(model, "assert_trainable")](model, batch, loss)
    diagnosis = Diagnosis(seen, type(model).__name__)
    if diagnosis.roots:
        raise AssertionError("this model will not learn\n" + diagnosis.text())


def _keras(model: Any, batch: tuple[Any, Any], loss: Any) -> Chart:
    from trainability.adapters.keras.once import seen_once

    return seen_once(model, batch, loss)


def _flax(model: Any, batch: tuple[Any, Any], loss: Callable[[Any, Any], Any]) -> Chart:
    from trainability.adapters.flax.watch import Watch

    watched = Watch(model)
    with watched:
        watched.look(batch, loss)
        return watched.chart()


def _torch(model: Any, batch: tuple[Any, Any], loss: Callable[[Any, Any], Any]) -> Chart:
    import torch

    from trainability.adapters.torch.watch import Watch

    kept = [(p, p.grad) for p in model.parameters()]
    buffers = {name: value.clone() for name, value in model.named_buffers()}
    mode = model.training
    inputs, targets = batch
    watched = Watch(model)
    try:
        for parameter, _ in kept:
            parameter.grad = None
        model.train()
        with torch.random.fork_rng(), watched:
            loss(model(inputs), targets).backward()
            watched.look()
            if watched.failed is not None:
                raise watched.failed
            return watched.chart()
    finally:
        model.train(mode)
        for parameter, gradient in kept:
            parameter.grad = gradient
        for name, value in model.named_buffers():
            value.copy_(buffers[name])
