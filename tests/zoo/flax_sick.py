"""Flax NNX' silent mistakes: each case trains a few lines' network in a way that is wrong somewhere."""

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

from tests.zoo.data import circles, digits, line
from tests.zoo.flax_modules import Normalized, cut
from tests.zoo.flax_run import Run, bce, column, mlp, run, scores, uniform


def double_softmax() -> Run:
    return run(mlp(64, 32, 10, last=nnx.softmax), digits(), scores)


def double_sigmoid() -> Run:
    return run(mlp(2, 32, 1, last=nnx.sigmoid), column(circles()), optax.sigmoid_binary_cross_entropy)


def frozen_backbone() -> Run:
    model = mlp(64, 64, 64, 10)
    for layer in (model.layers[0], model.layers[2]):
        layer.kernel[...] = layer.kernel * 0.02
    head = nnx.All(nnx.Param, lambda path, _: 4 in path)
    return run(model, digits(), scores, tx=optax.adam(1e-3), wrt=head)


def eval_left_on() -> Run:
    model = Normalized()
    model.eval()
    return run(model, digits(), scores)


def detached() -> Run:
    return run(cut(), circles(), scores)


def broadcast_by_hand() -> Run:
    x, y = line()
    return run(mlp(4, 32, 1), (x, y[:, 0]), lambda a, b: (a - b) ** 2)


def broadcast_in_a_logarithm() -> Run:
    x, y = circles()
    return run(mlp(2, 32, 32, 1, last=nnx.sigmoid), (x, y.astype(np.float32)), bce)


def logarithms_of_the_wrong_sign() -> Run:
    return run(mlp(2, 32, 32, 1, last=nnx.sigmoid), column(circles()), lambda p, y: -bce(p, y))


def raw_images() -> Run:
    return run(mlp(64, 32, 32, 10, activation=nnx.sigmoid), digits(16 / 255), scores, tx=optax.sgd(0.1))


def twelve_sigmoids() -> Run:
    return run(mlp(2, *[16] * 12, 2, activation=nnx.sigmoid), circles(), scores)


def eight_exponentials() -> Run:
    return run(mlp(2, *[16] * 8, 2, activation=jnp.exp), circles(), scores)


def tiny_weights() -> Run:
    small = uniform(1e-3)
    model = mlp(2, 32, 32, 32, 32, 2, init=small, bias_init=small)
    return run(model, circles(), scores, tx=optax.sgd(0.05))


def linear_with_a_rate_of_3() -> Run:
    x, y = digits()
    model = mlp(64, 64, 64, 10, activation=None)
    return run(model, (x, np.eye(10, dtype=np.float32)[y]), optax.squared_error, tx=optax.sgd(3.0))


def rate_too_low() -> Run:
    return run(mlp(4, 64, 64, 1), line(), optax.squared_error, rate=1e-6)


def raw_targets() -> Run:
    x, y = line()
    return run(mlp(4, 64, 64, 1), (x, 3000 + 800 * y), optax.squared_error, rate=1e-3)


def softmax_output_for_a_regression() -> Run:
    return run(mlp(4, 64, 1, last=nnx.softmax), line(), optax.squared_error)


def one_softmax() -> Run:
    return run(mlp(2, 32, 32, 1, last=nnx.softmax), column(circles()), bce)


def decay_too_strong() -> Run:
    tx = optax.chain(optax.add_decayed_weights(1.0), optax.adam(1e-2))
    return run(mlp(64, 64, 10), digits(), scores, tx=tx)


def penalty_by_hand() -> Run:
    def forward(model: Any, x: Any) -> Any:
        return model(x), 0.5 * sum((one**2).sum() for one in jax.tree.leaves(nnx.state(model, nnx.Param)))

    return run(mlp(64, 64, 10), digits(), lambda answered, y: scores(answered[0], y) + answered[1], forward=forward)


def negated() -> Run:
    return run(mlp(2, 32, 2), circles(), lambda a, b: -scores(a, b))


def zeros() -> Run:
    equal = nnx.initializers.constant(0.1)
    return run(mlp(2, 32, 32, 2, activation=nnx.tanh, init=equal, bias_init=equal), circles(), scores)


def summed() -> Run:
    model = mlp(4, 64, 64, 1)
    return run(model, line(), lambda a, b: optax.squared_error(a, b).sum(), tx=optax.sgd(0.05), batch=256)


def rate_gone() -> Run:
    return run(mlp(64, 32, 10), digits(), scores, tx=optax.sgd(optax.exponential_decay(0.1, 1, 0.5)))


def frozen_by_a_mask() -> Run:
    """A label too many is frozen, inside of optax, where no filter shows it."""
    model = mlp(64, 64, 64, 10)
    for layer in (model.layers[0], model.layers[2]):
        layer.kernel[...] = layer.kernel * 0.02
    labels = functools.partial(jax.tree.map_with_path, lambda path, _: "head" if path[1].key == 4 else "rest")
    tx = optax.multi_transform({"head": optax.adam(1e-3), "rest": optax.set_to_zero()}, labels)
    return run(model, digits(), scores, tx=tx)
