"""Gradient descent, with and without memory."""

from __future__ import annotations

from typing import Any

from trainability.core.catalogue import Parameter
from trainability.optimizers import Optimizer

_MOMENTUM = (Parameter("momentum", 0.9, low=0.0, high=1.0, doc="share of the last step that is kept"),)


def _sgd(rate: Any) -> Any:
    import optax

    return optax.sgd(rate)


def _momentum(rate: Any, momentum: Any) -> Any:
    import optax

    return optax.sgd(rate, momentum=momentum)


def _nesterov(rate: Any, momentum: Any) -> Any:
    import optax

    return optax.sgd(rate, momentum=momentum, nesterov=True)


def _sign_sgd(rate: Any) -> Any:
    import optax

    return optax.sign_sgd(rate)


SGD = Optimizer(
    name="sgd",
    aliases=("gd", "gradient_descent"),
    summary="w − rate · gradient",
    make=_sgd,
    default_rate=0.1,
    torch="torch.optim.SGD",
    keras="keras.optimizers.SGD",
)
MOMENTUM = Optimizer(
    name="momentum",
    aliases=("heavy_ball",),
    summary="gradient descent with a heavy ball's memory",
    parameters=_MOMENTUM,
    make=_momentum,
    default_rate=0.05,
    reference="B. Polyak, Some methods of speeding up the convergence of iteration methods, 1964",
    torch="torch.optim.SGD(momentum=0.9)",
    keras="keras.optimizers.SGD(momentum=0.9)",
)
NESTEROV = Optimizer(
    name="nesterov",
    summary="momentum that looks ahead",
    parameters=_MOMENTUM,
    make=_nesterov,
    default_rate=0.05,
    reference="Y. Nesterov, A method for unconstrained convex minimization with rate O(1/k²), 1983",
    torch="torch.optim.SGD(momentum=0.9, nesterov=True)",
    keras="keras.optimizers.SGD(momentum=0.9, nesterov=True)",
)
SIGN_SGD = Optimizer(
    name="sign_sgd",
    aliases=("signsgd",),
    summary="every weight moves by the rate, in the gradient's direction",
    make=_sign_sgd,
    default_rate=0.001,
    reference="J. Bernstein et al., signSGD, ICML 2018",
)
