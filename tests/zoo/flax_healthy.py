"""Runs that learn, some of them in unusual ways: nothing may be said of them."""

from __future__ import annotations

import functools

import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

from tests.zoo.data import circles, digits, line
from tests.zoo.flax_modules import Attention, Convolution, Normalized, Recurrent, Residual
from tests.zoo.flax_run import Run, absolute_error, bce, column, linear, mlp, picked, rngs, run, scores


def relu_mlp() -> Run:
    return run(mlp(64, 64, 64, 10), digits(), scores, rate=3e-3)


def tanh_mlp() -> Run:
    return run(mlp(2, 32, 32, 2, activation=nnx.tanh), circles(), scores)


def sigmoid_mlp() -> Run:
    return run(mlp(64, 64, 10, activation=nnx.sigmoid), digits(), scores)


def gelu_regression() -> Run:
    return run(mlp(4, 64, 64, 1, activation=nnx.gelu), line(), optax.squared_error, steps=600)


def linear_probe() -> Run:
    return run(mlp(64, 10), digits(), scores, rate=3e-2)


def frozen_on_purpose() -> Run:
    """Random features under a trained head, which suffices for the digits."""
    head = nnx.All(nnx.Param, lambda path, _: 2 in path)
    return run(mlp(64, 512, 10), digits(), scores, wrt=head)


def large_rate_that_works() -> Run:
    return run(mlp(64, 64, 10), digits(), scores, tx=optax.sgd(0.8), steps=500)


def small_rate_that_works() -> Run:
    return run(mlp(64, 256, 10), digits(), scores, rate=3e-4, steps=1500)


def small_batches() -> Run:
    return run(mlp(64, 64, 10), digits(), scores, rate=1e-3, batch=4, steps=3000)


def unscaled_but_learning() -> Run:
    return run(mlp(64, 64, 10), digits(1.0), scores, rate=1e-3, steps=600)


def normalised() -> Run:
    return run(Normalized(), digits(), scores, rate=3e-3)


def convolution() -> Run:
    return run(Convolution(), digits(), scores, rate=5e-3)


def residual() -> Run:
    return run(Residual(32, 6), digits(), scores, rate=3e-3)


def transformer() -> Run:
    return run(Attention(), digits(), scores, rate=3e-3)


def recurrent() -> Run:
    return run(Recurrent(), digits(), scores, steps=500)


def autoencoder() -> Run:
    x, _ = digits()
    return run(mlp(64, 48, 24, 48, 64), (x, x), optax.squared_error, rate=3e-3, steps=800)


def logits_of_one_unit() -> Run:
    return run(mlp(2, 32, 32, 1), column(circles()), optax.sigmoid_binary_cross_entropy)


def probabilities_with_bce() -> Run:
    """Of optax' loss, which takes scores: here they are made of probabilities again."""
    logit = lambda p: jnp.log(p) - jnp.log1p(-p)  # noqa: E731
    loss = lambda p, y: optax.sigmoid_binary_cross_entropy(logit(jnp.clip(p, 1e-6, 1 - 1e-6)), y)  # noqa: E731
    return run(mlp(2, 32, 32, 1, last=nnx.sigmoid), column(circles()), loss)


def probabilities_by_hand() -> Run:
    return run(mlp(2, 32, 32, 1, last=nnx.sigmoid), column(circles()), bce)


def log_softmax_with_nll() -> Run:
    return run(mlp(64, 64, 10, last=nnx.log_softmax), digits(), picked, rate=3e-3)


def imbalanced_but_learning() -> Run:
    x, y = digits()
    rows = np.concatenate([np.flatnonzero(y != 3), np.flatnonzero(y == 3)[:60]])
    return run(mlp(64, 64, 2), (x[rows], (y[rows] == 3).astype(np.int32)), scores, rate=3e-3, steps=600)


def deep_selu() -> Run:
    return run(mlp(64, *[48] * 6, 10, activation=nnx.selu), digits(), scores, rate=1e-3, steps=500)


def weight_decay() -> Run:
    return run(mlp(64, 64, 10), digits(), scores, tx=optax.adamw(3e-3, weight_decay=0.05))


def cosine_schedule() -> Run:
    tx = optax.sgd(optax.cosine_decay_schedule(0.3, 300), momentum=0.9)
    return run(mlp(64, 64, 10), digits(), scores, tx=tx)


def summed_with_a_small_rate() -> Run:
    return run(mlp(64, 64, 10), digits(), lambda a, y: scores(a, y).sum(), rate=3e-3)


def clipped() -> Run:
    tx = optax.chain(optax.clip_by_global_norm(1.0), optax.adam(3e-3))
    return run(mlp(64, 64, 10), digits(), scores, tx=tx)


def by_hand() -> Run:
    return run(mlp(64, 64, 10), digits(), lambda a, y: picked(nnx.log_softmax(a), y), rate=3e-3)


def mae_regression() -> Run:
    return run(mlp(4, 64, 64, 1), line(), absolute_error, rate=3e-3, steps=900)


def leaky() -> Run:
    flat = functools.partial(nnx.leaky_relu, negative_slope=0.1)
    return run(mlp(64, 32, 32, 32, 10, activation=flat), digits(), scores, rate=3e-3)


def high_dropout_that_works() -> Run:
    streams = rngs()
    hidden = linear(64, 512, streams), nnx.relu, nnx.Dropout(0.5, rngs=streams)
    return run(nnx.Sequential(*hidden, linear(512, 10, streams)), digits(), scores, rate=3e-3)


def maxout() -> Run:
    streams = rngs()
    largest = lambda x: x.reshape(*x.shape[:-1], -1, 2).max(axis=-1)  # noqa: E731
    model = nnx.Sequential(linear(64, 64, streams), largest, linear(32, 10, streams))
    return run(model, digits(), scores, rate=3e-3)
