"""The zoo's networks of Flax NNX that are more than a chain of layers."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx

from tests.zoo.flax_run import lecun, linear, mlp, rngs


class Normalized(nnx.Module):
    def __init__(self, rate: float = 0.3):
        streams = rngs()
        self.into, self.out = linear(64, 64, streams), linear(64, 10, streams)
        self.norm, self.drop = nnx.BatchNorm(64, rngs=streams), nnx.Dropout(rate, rngs=streams)

    def __call__(self, x: Any) -> Any:
        return self.out(self.drop(nnx.relu(self.norm(self.into(x)))))


class Convolution(nnx.Module):
    def __init__(self) -> None:
        streams = rngs()
        self.first, self.second = (
            nnx.Conv(1, 8, (3, 3), kernel_init=lecun, rngs=streams),
            nnx.Conv(8, 16, (3, 3), kernel_init=lecun, rngs=streams),
        )
        self.out = linear(256, 10, streams)

    def __call__(self, x: Any) -> Any:
        x = nnx.max_pool(nnx.relu(self.first(x.reshape(-1, 8, 8, 1))), (2, 2), (2, 2))
        return self.out(nnx.relu(self.second(x)).reshape(len(x), -1))


class NormalizedConvolution(nnx.Module):
    def __init__(self) -> None:
        streams = rngs()
        self.first = nnx.Conv(1, 8, (7, 7), padding="VALID", kernel_init=lecun, rngs=streams)
        self.norm, self.out = nnx.BatchNorm(8, rngs=streams), linear(32, 10, streams)

    def __call__(self, x: Any) -> Any:
        return self.out(nnx.relu(self.norm(self.first(x.reshape(-1, 8, 8, 1)))).reshape(len(x), -1))


class Residual(nnx.Module):
    def __init__(self, width: int, blocks: int):
        streams = rngs()
        self.into, self.out = linear(64, width, streams), linear(width, 10, streams)
        self.blocks = nnx.List(
            [nnx.Sequential(linear(width, width, streams), nnx.LayerNorm(width, rngs=streams)) for _ in range(blocks)]
        )

    def __call__(self, x: Any) -> Any:
        x = self.into(x)
        for block in self.blocks:
            x = nnx.relu(x + block(x))
        return self.out(x)


class Attention(nnx.Module):
    """A transformer block over the rows of a picture."""

    def __init__(self) -> None:
        streams = rngs()
        self.into, self.out = linear(8, 32, streams), linear(256, 10, streams)
        self.norm, self.attention = (
            nnx.LayerNorm(32, rngs=streams),
            nnx.MultiHeadAttention(4, 32, decode=False, kernel_init=lecun, rngs=streams),
        )

    def __call__(self, x: Any) -> Any:
        x = self.into(x.reshape(-1, 8, 8))
        return self.out(nnx.relu(x + self.attention(self.norm(x))).reshape(len(x), -1))


class Recurrent(nnx.Module):
    def __init__(self) -> None:
        streams = rngs()
        self.cell, self.out = _gru(8, 48, streams), linear(48, 10, streams)

    def __call__(self, x: Any) -> Any:
        return self.out(self.cell(x.reshape(-1, 8, 8))[:, -1])


class Loop(nnx.Module):
    """A recurrent net written as a loop over rows."""

    def __init__(self) -> None:
        streams = rngs()
        self.into, self.again, self.out = linear(8, 48, streams), linear(48, 48, streams), linear(48, 10, streams)

    def __call__(self, x: Any) -> Any:
        h = jnp.zeros((len(x), 48))
        for row in range(8):
            h = jnp.tanh(self.into(x.reshape(-1, 8, 8)[:, row]) + self.again(h))
        return self.out(h)


class Reader(nnx.Module):
    """Names of ten kinds, read one after the other."""

    def __init__(self) -> None:
        streams = rngs()
        self.embedding = nnx.Embed(10, 8, embedding_init=lecun, rngs=streams)
        self.reader, self.out = _gru(8, 16, streams), linear(16, 2, streams)

    def __call__(self, x: Any) -> Any:
        return self.out(self.reader(self.embedding(x))[:, -1])


def _gru(a: int, b: int, streams: nnx.Rngs) -> nnx.RNN:
    return nnx.RNN(nnx.GRUCell(a, b, kernel_init=lecun, recurrent_kernel_init=lecun, rngs=streams))


class Words(nnx.Module):
    """The mean of some words."""

    def __init__(self) -> None:
        streams = rngs()
        self.words = nnx.Embed(50, 16, embedding_init=nnx.initializers.normal(1.0), rngs=streams)
        self.out = linear(16, 2, streams)

    def __call__(self, x: Any) -> Any:
        return self.out(self.words(x).mean(axis=1))


class Tied(nnx.Module):
    """An autoencoder whose decoder is its encoder, transposed."""

    def __init__(self) -> None:
        self.code = linear(64, 32, rngs())
        self.shift = nnx.Param(jnp.zeros(64))

    def __call__(self, x: Any) -> Any:
        return jnp.tanh(self.code(x)) @ self.code.kernel[...].T + self.shift[...]


class TwoHeads(nnx.Module):
    def __init__(self) -> None:
        streams = rngs()
        self.trunk, self.label, self.parity = linear(64, 64, streams), linear(64, 10, streams), linear(64, 2, streams)

    def __call__(self, x: Any) -> tuple[Any, Any]:
        x = nnx.relu(self.trunk(x))
        return self.label(x), self.parity(x)


class Halves(nnx.Module):
    """What comes before and what comes after; `between` is done in the middle."""

    def __init__(self, before: nnx.Module, after: nnx.Module, between: Any = lambda x: x):
        self.before, self.after, self.between = before, after, between

    def __call__(self, x: Any) -> Any:
        return self.after(self.between(self.before(x)))


def cut() -> Halves:
    return Halves(mlp(2, 16, 16, last=nnx.relu), mlp(16, 2), jax.lax.stop_gradient)
