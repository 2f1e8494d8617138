"""Losses of labels: they take logits (or margins) and apply the output activation themselves."""

from __future__ import annotations

from typing import Any

import numpy as np

from trainability.losses import Loss


def _bce(outputs: Any, targets: Any) -> Any:
    import jax
    import jax.numpy as jnp

    # log(1 + e^z) − y z, written so that neither large z nor large −z overflows.
    return jnp.mean(jax.nn.softplus(outputs) - targets * outputs, axis=1)


def _cross_entropy(outputs: Any, targets: Any) -> Any:
    import jax
    import jax.numpy as jnp

    return -jnp.sum(targets * jax.nn.log_softmax(outputs, axis=1), axis=1)


def _margin(outputs: Any, targets: Any, lead: float = 1.0) -> Any:
    """`lead` minus how far the right answer is ahead: y z for one output, else its score minus the best wrong one's."""
    import jax.numpy as jnp

    if outputs.shape[1] == 1:
        return (lead - (2.0 * targets - 1.0) * outputs)[:, 0]
    right = jnp.sum(targets * outputs, axis=1)
    wrong = jnp.max(jnp.where(targets > 0.5, -jnp.inf, outputs), axis=1)
    return lead + wrong - right


def _hinge(outputs: Any, targets: Any) -> Any:
    import jax

    return jax.nn.relu(_margin(outputs, targets))


def _squared_hinge(outputs: Any, targets: Any) -> Any:
    import jax
    import jax.numpy as jnp

    return jnp.square(jax.nn.relu(_margin(outputs, targets)))


def _perceptron(outputs: Any, targets: Any) -> Any:
    import jax.numpy as jnp

    behind = _margin(outputs, targets, lead=0.0)
    return jnp.where(behind < 0.0, 0.0, behind)  # this way round a tie is corrected, too


def _bce_slope(outputs: np.ndarray, targets: np.ndarray) -> np.ndarray:
    return (0.5 + 0.5 * np.tanh(0.5 * outputs) - targets) / outputs.shape[-1]


def _cross_entropy_slope(outputs: np.ndarray, targets: np.ndarray) -> np.ndarray:
    odds = np.exp(outputs - outputs.max(axis=-1, keepdims=True))
    return odds / odds.sum(axis=-1, keepdims=True) - targets


def _margin_slope(outputs: np.ndarray, targets: np.ndarray, lead: float) -> tuple[np.ndarray, np.ndarray]:
    """The margin, shape (…, samples, 1), and its derivative by the outputs."""
    if outputs.shape[-1] == 1:
        return lead - (2.0 * targets - 1.0) * outputs, np.broadcast_to(1.0 - 2.0 * targets, outputs.shape)
    right = (targets * outputs).sum(axis=-1, keepdims=True)
    others = np.where(targets > 0.5, -np.inf, outputs)
    best = others.argmax(axis=-1, keepdims=True)
    rival = np.arange(outputs.shape[-1]) == best
    return lead + np.take_along_axis(others, best, -1) - right, rival - targets


def _hinge_slope(outputs: np.ndarray, targets: np.ndarray) -> np.ndarray:
    margin, slope = _margin_slope(outputs, targets, 1.0)
    return np.where(margin > 0, slope, 0.0)


def _squared_hinge_slope(outputs: np.ndarray, targets: np.ndarray) -> np.ndarray:
    margin, slope = _margin_slope(outputs, targets, 1.0)
    return 2.0 * np.maximum(margin, 0.0) * slope


def _perceptron_slope(outputs: np.ndarray, targets: np.ndarray) -> np.ndarray:
    behind, slope = _margin_slope(outputs, targets, 0.0)
    return np.where(behind < 0, 0.0, slope)


BCE = Loss(
    name="bce",
    aliases=("binary_cross_entropy", "binary_crossentropy", "bce_with_logits"),
    summary="binary cross-entropy on logits; for K classes, K yes-or-no questions",
    function=_bce,
    slope=_bce_slope,
    tasks=("binary", "classes"),
    on_logits=True,
    torch="torch.nn.functional.binary_cross_entropy_with_logits",
    keras="keras.losses.BinaryCrossentropy",
)
CROSS_ENTROPY = Loss(
    name="cross_entropy",
    aliases=("ce", "crossentropy", "categorical_crossentropy", "softmax_cross_entropy"),
    summary="cross-entropy of the softmax of K logits (two for a binary task)",
    function=_cross_entropy,
    slope=_cross_entropy_slope,
    tasks=("binary", "classes"),
    on_logits=True,
    one_hot_binary=True,
    torch="torch.nn.functional.cross_entropy",
    keras="keras.losses.CategoricalCrossentropy",
)
HINGE = Loss(
    name="hinge",
    summary="0 once the right answer is ahead by 1; Crammer and Singer's form for K classes",
    function=_hinge,
    slope=_hinge_slope,
    tasks=("binary", "classes"),
    on_logits=True,
    reference="K. Crammer, Y. Singer, On the algorithmic implementation of multiclass kernel-based machines, JMLR 2001",
    # For one output. Keras' CategoricalHinge is another function: it counts a score of 0 among the wrong answers'.
    keras="keras.losses.Hinge",
)
SQUARED_HINGE = Loss(
    name="squared_hinge",
    summary="the hinge, squared",
    function=_squared_hinge,
    slope=_squared_hinge_slope,
    tasks=("binary", "classes"),
    on_logits=True,
    keras="keras.losses.SquaredHinge",  # for one output
)
PERCEPTRON = Loss(
    name="perceptron",
    summary="how far the right answer is behind; one sample a step by sgd, this is the perceptron rule",
    function=_perceptron,
    slope=_perceptron_slope,
    tasks=("binary", "classes"),
    on_logits=True,
    reference="F. Rosenblatt, The perceptron, Psychological Review 65 (1958)",
)
