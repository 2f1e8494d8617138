"""Optimisers with a rate of its own for every weight."""

from __future__ import annotations

from typing import Any

from trainability.core.catalogue import Parameter
from trainability.optimizers import Optimizer


def _eps(default: float) -> Parameter:
    return Parameter("eps", default, low=0.0, doc="added to the denominator")


def _betas(b1: float = 0.9, b2: float = 0.999) -> tuple[Parameter, ...]:
    return (
        Parameter("b1", b1, low=0.0, high=1.0, open_high=True, doc="memory of the gradient"),
        Parameter("b2", b2, low=0.0, high=1.0, open_high=True, doc="memory of its square"),
    )


_ADAM = (*_betas(), _eps(1e-8))
_DECAY = Parameter("decay", 0.01, low=0.0, doc="decoupled weight decay, times the rate")


def _adagrad(rate: Any, initial: Any, eps: Any) -> Any:
    import optax

    return optax.adagrad(rate, initial_accumulator_value=initial, eps=eps)


def _adadelta(rate: Any, rho: Any, eps: Any) -> Any:
    import optax

    return optax.adadelta(rate, rho=rho, eps=eps)


def _rmsprop(rate: Any, decay: Any, eps: Any) -> Any:
    import optax

    return optax.rmsprop(rate, decay=decay, eps=eps, eps_in_sqrt=False)


def _adam(rate: Any, b1: Any, b2: Any, eps: Any) -> Any:
    import optax

    return optax.adam(rate, b1=b1, b2=b2, eps=eps)


def _adamw(rate: Any, b1: Any, b2: Any, eps: Any, decay: Any) -> Any:
    import optax

    return optax.adamw(rate, b1=b1, b2=b2, eps=eps, weight_decay=decay)


def _adamax(rate: Any, b1: Any, b2: Any, eps: Any) -> Any:
    import optax

    return optax.adamax(rate, b1=b1, b2=b2, eps=eps)


def _nadam(rate: Any, b1: Any, b2: Any, eps: Any) -> Any:
    import optax

    return optax.nadam(rate, b1=b1, b2=b2, eps=eps)


def _amsgrad(rate: Any, b1: Any, b2: Any, eps: Any) -> Any:
    import optax

    return optax.amsgrad(rate, b1=b1, b2=b2, eps=eps)


def _radam(rate: Any, b1: Any, b2: Any, eps: Any) -> Any:
    import optax

    return optax.radam(rate, b1=b1, b2=b2, eps=eps)


def _adabelief(rate: Any, b1: Any, b2: Any, eps: Any) -> Any:
    import optax

    return optax.adabelief(rate, b1=b1, b2=b2, eps=eps, eps_root=eps)


def _yogi(rate: Any, b1: Any, b2: Any, eps: Any) -> Any:
    import optax

    return optax.yogi(rate, b1=b1, b2=b2, eps=eps)


def _lamb(rate: Any, b1: Any, b2: Any, eps: Any, decay: Any) -> Any:
    import optax

    return optax.lamb(rate, b1=b1, b2=b2, eps=eps, weight_decay=decay)


def _lion(rate: Any, b1: Any, b2: Any, decay: Any) -> Any:
    import optax

    return optax.lion(rate, b1=b1, b2=b2, weight_decay=decay)


ADAGRAD = Optimizer(
    name="adagrad",
    summary="divided by the root of all squared gradients so far",
    parameters=(Parameter("initial", 0.1, low=0.0, doc="the sum's first value"), _eps(1e-7)),
    make=_adagrad,
    default_rate=0.01,
    reference="J. Duchi, E. Hazan, Y. Singer, Adaptive subgradient methods, JMLR 2011",
    torch="torch.optim.Adagrad",
    keras="keras.optimizers.Adagrad",
)
ADADELTA = Optimizer(
    name="adadelta",
    summary="like rmsprop, in the units of the weights",
    parameters=(Parameter("rho", 0.9, low=0.0, high=1.0, open_high=True, doc="memory of the squares"), _eps(1e-6)),
    make=_adadelta,
    default_rate=1.0,
    reference="M. Zeiler, ADADELTA, arXiv:1212.5701",
    torch="torch.optim.Adadelta",
    keras="keras.optimizers.Adadelta",
)
RMSPROP = Optimizer(
    name="rmsprop",
    summary="divided by the root of a running mean of squared gradients",
    parameters=(Parameter("decay", 0.9, low=0.0, high=1.0, open_high=True, doc="memory of the squares"), _eps(1e-8)),
    make=_rmsprop,
    default_rate=0.001,
    reference="T. Tieleman, G. Hinton, lecture 6.5, 2012",
    torch="torch.optim.RMSprop",
    keras="keras.optimizers.RMSprop",
)
ADAM = Optimizer(
    name="adam",
    summary="running means of gradient and square, corrected for their start at 0",
    parameters=_ADAM,
    make=_adam,
    reference="D. Kingma, J. Ba, Adam, ICLR 2015",
    torch="torch.optim.Adam",
    keras="keras.optimizers.Adam",
)
ADAMW = Optimizer(
    name="adamw",
    summary="Adam with decoupled weight decay",
    parameters=(*_ADAM, _DECAY),
    make=_adamw,
    reference="I. Loshchilov, F. Hutter, Decoupled weight decay regularization, ICLR 2019",
    torch="torch.optim.AdamW",
    keras="keras.optimizers.AdamW",
)
ADAMAX = Optimizer(
    name="adamax",
    summary="Adam with the largest gradient instead of the root mean square",
    parameters=_ADAM,
    make=_adamax,
    reference="D. Kingma, J. Ba, Adam, ICLR 2015, section 7.1",
    torch="torch.optim.Adamax",
    keras="keras.optimizers.Adamax",
)
NADAM = Optimizer(
    name="nadam",
    summary="Adam with Nesterov's look ahead (optax's form, with a constant momentum)",
    parameters=_ADAM,
    make=_nadam,
    reference="T. Dozat, Incorporating Nesterov momentum into Adam, 2016",
)
AMSGRAD = Optimizer(
    name="amsgrad",
    summary="Adam whose denominator never shrinks (optax's form: the largest bias-corrected moment)",
    parameters=_ADAM,
    make=_amsgrad,
    reference="S. Reddi, S. Kale, S. Kumar, On the convergence of Adam and beyond, ICLR 2018",
)
RADAM = Optimizer(
    name="radam",
    summary="Adam that waits until its second moment is trustworthy",
    parameters=_ADAM,
    make=_radam,
    reference="L. Liu et al., On the variance of the adaptive learning rate and beyond, ICLR 2020",
    torch="torch.optim.RAdam",
)
ADABELIEF = Optimizer(
    name="adabelief",
    summary="Adam whose denominator is the gradient's deviation from its running mean",
    parameters=(*_betas(), _eps(1e-16)),
    make=_adabelief,
    reference="J. Zhuang et al., AdaBelief optimizer, NeurIPS 2020",
)
YOGI = Optimizer(
    name="yogi",
    summary="Adam whose second moment changes by additive steps",
    parameters=(*_betas(), _eps(1e-3)),
    make=_yogi,
    default_rate=0.01,
    reference="M. Zaheer et al., Adaptive methods for nonconvex optimization, NeurIPS 2018",
)
LAMB = Optimizer(
    name="lamb",
    summary="Adam with each layer's step scaled to the size of its weights",
    parameters=(*_betas(), _eps(1e-6), Parameter("decay", 0.0, low=0.0, doc="decoupled weight decay")),
    make=_lamb,
    reference="Y. You et al., Large batch optimization for deep learning, ICLR 2020",
    keras="keras.optimizers.Lamb",
)
LION = Optimizer(
    name="lion",
    summary="the sign of a running mean of gradients",
    parameters=(*_betas(0.9, 0.99), Parameter("decay", 0.0, low=0.0, doc="decoupled weight decay")),
    make=_lion,
    default_rate=0.0003,
    reference="X. Chen et al., Symbolic discovery of optimization algorithms, NeurIPS 2023",
    keras="keras.optimizers.Lion",
)
