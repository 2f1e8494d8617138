"""Losses of the distance between output and target; on labels they regress 0 and 1."""

from __future__ import annotations

from typing import Any

import numpy as np

from trainability.core.catalogue import Parameter
from trainability.losses import Loss


def _mse(outputs: Any, targets: Any) -> Any:
    import jax.numpy as jnp

    return jnp.mean(jnp.square(outputs - targets), axis=1)


def _mae(outputs: Any, targets: Any) -> Any:
    import jax.numpy as jnp

    return jnp.mean(jnp.abs(outputs - targets), axis=1)


def _huber(outputs: Any, targets: Any, delta: Any) -> Any:
    import jax.numpy as jnp

    error = jnp.abs(outputs - targets)
    inside = jnp.minimum(error, delta)
    return jnp.mean(0.5 * inside * inside + delta * (error - inside), axis=1)


def _log_cosh(outputs: Any, targets: Any) -> Any:
    import jax.numpy as jnp

    error = jnp.abs(outputs - targets)
    return jnp.mean(error + jnp.log1p(jnp.exp(-2.0 * error)) - jnp.log(2.0).astype(error.dtype), axis=1)


def _mse_slope(outputs: np.ndarray, targets: np.ndarray) -> np.ndarray:
    return 2.0 * (outputs - targets) / outputs.shape[-1]


def _mae_slope(outputs: np.ndarray, targets: np.ndarray) -> np.ndarray:
    return np.sign(outputs - targets) / outputs.shape[-1]


def _huber_slope(outputs: np.ndarray, targets: np.ndarray, delta: float) -> np.ndarray:
    return np.clip(outputs - targets, -delta, delta) / outputs.shape[-1]


def _log_cosh_slope(outputs: np.ndarray, targets: np.ndarray) -> np.ndarray:
    return np.tanh(outputs - targets) / outputs.shape[-1]


MSE = Loss(
    name="mse",
    aliases=("mean_squared_error", "l2_loss"),
    summary="mean of squared errors",
    function=_mse,
    slope=_mse_slope,
    tasks=("binary", "classes", "regression"),
    labelled_output="sigmoid",
    torch="torch.nn.functional.mse_loss",
    keras="keras.losses.MeanSquaredError",
)
MAE = Loss(
    name="mae",
    aliases=("mean_absolute_error", "l1_loss"),
    summary="mean of absolute errors",
    function=_mae,
    slope=_mae_slope,
    tasks=("binary", "classes", "regression"),
    labelled_output="sigmoid",
    torch="torch.nn.functional.l1_loss",
    keras="keras.losses.MeanAbsoluteError",
)
HUBER = Loss(
    name="huber",
    summary="squared below delta, absolute above",
    parameters=(Parameter("delta", 1.0, low=0.0, open_low=True, doc="where it turns"),),
    function=_huber,
    slope=_huber_slope,
    tasks=("binary", "classes", "regression"),
    labelled_output="sigmoid",
    reference="P. Huber, Robust estimation of a location parameter, Annals of Mathematical Statistics 35 (1964)",
    torch="torch.nn.functional.huber_loss",
    keras="keras.losses.Huber",
)
LOG_COSH = Loss(
    name="log_cosh",
    summary="log cosh of the error: squared near 0, absolute far out, smooth",
    function=_log_cosh,
    slope=_log_cosh_slope,
    tasks=("binary", "classes", "regression"),
    labelled_output="sigmoid",
    keras="keras.losses.LogCosh",
)
