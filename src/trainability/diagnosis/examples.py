"""Charts to try rules on: a healthy one, and copies of it in which something is changed."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from trainability.core.chart import SIGNS, Chart, LayerInfo, LossFacts, OptimizerFacts, ParameterFacts, TensorFacts

_HEALTHY = {
    "pre_activation_mean": 0.0, "pre_activation_std": 1.0, "activation_mean": 0.4, "activation_std": 0.6, "zeros": 0.5,
    "dead": 0.0, "saturated": 0.0, "correlation": 0.4, "effective_rank": 12.0, "gradient_rms": 0.02,
    "output_gradient_rms": 0.005, "equal_signs": 0.6, "update_ratio": -2.3, "weight_rms": 0.3, "twins": 0.0,
}  # fmt: skip
STEPS = 200


def numbers(**changes: Any) -> TensorFacts:
    """Standardised inputs of eight features in a batch of 32."""
    usual = TensorFacts((32, 8), -3.0, 3.0, 0.0, 1.0, np.ones(8), 0.0, 0.0, whole=False)
    return dataclasses.replace(usual, **changes)


def loss(**changes: Any) -> LossFacts:
    """Cross-entropy of two balanced classes."""
    target = numbers(shape=(32,), low=0.0, high=1.0, mean=0.5, std=0.5, feature_std=np.array([0.5]), whole=True)
    usual = LossFacts(
        "cross_entropy", "classes", "mean", (32, 2), (32,), numbers(shape=(32, 2)), target, None, {0: 160, 1: 160},
        constant=float(np.log(2)),
    )  # fmt: skip
    return dataclasses.replace(usual, **changes)


def regression(**changes: Any) -> LossFacts:
    """Mean squared error of standardised targets."""
    target = numbers(shape=(32, 1), feature_std=np.ones(1))
    usual = LossFacts("mse", "regression", "mean", (32, 1), (32, 1), numbers(shape=(32, 1)), target, None, constant=1.0)
    return dataclasses.replace(usual, **changes)


def falls(start: float = 0.7, end: float = 0.05, steps: int = STEPS) -> np.ndarray:
    """Losses that fall and have levelled off."""
    t = np.linspace(0, 1, steps)
    return end + (start - end) * np.exp(-8 * t)


def stays(at: float = 0.693, steps: int = STEPS) -> np.ndarray:
    """Losses that stay where they are, up to noise that repeats."""
    return at + 0.004 * np.sin(np.arange(steps) * 2.4)


def chart(
    signs: Mapping[str, Sequence[float]] | None = None, activation: str | None = "relu", layers: int = 4, **changes: Any
) -> Chart:
    """A run that learns: `layers` linear layers of 32 units with Adam; `signs` are values per layer at every moment."""
    moments = np.array([0, 1, 2, 5, 10, 20, 50, 100])
    infos = tuple(
        LayerInfo(f"net.{2 * i}", "linear", 32 if i else 8, 32 if i < layers - 1 else 2, 1024, activation, trained=True)
        for i in range(layers)
    )
    infos = (*infos[:-1], dataclasses.replace(infos[-1], activation=None))
    values = {name: np.full((len(moments), layers), _HEALTHY[name]) for name in SIGNS}
    for name, row in (signs or {}).items():
        values[name] = np.tile(np.asarray(row, float), (len(moments), 1))
    parameters = tuple(ParameterFacts(f"{i.name}.weight", i.weights, True, True, True) for i in infos)
    settings = {"lr": 0.001, "weight_decay": 0.0}
    usual = Chart(
        "torch", infos, moments, values, falls(), 32, numbers(), loss(), OptimizerFacts("adam", settings, settings),
        parameters,
    )  # fmt: skip
    return dataclasses.replace(usual, **changes)
