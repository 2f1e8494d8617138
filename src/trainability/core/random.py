"""Random numbers that depend on (seed, trial) alone, the same for every engine.

Every draw is a pure function of a key and a counter (Threefry-2x32, 20 rounds), so no draw depends on how many were
made before it, on the block or on the device. A trial's key for a *stream* (weights, order, dropout, …) is the cipher
of (trial, stream) under the seed; a word of that stream is the cipher of (major, minor) under the trial's key, where
major is a layer or a step and minor counts within it.

Uniform and normal numbers are float64 and made with +, −, ×, / and sqrt alone, which IEEE 754 rounds exactly: NumPy,
JAX and C++ give the same bits (as long as a compiler fuses no multiply with an add).

Reference: J. K. Salmon et al., Parallel random numbers: as easy as 1, 2, 3, SC 2011.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

Words: TypeAlias = tuple[Any, Any]
"""Two uint32 arrays of one shape, NumPy's or JAX's: a key, a counter or 64 random bits."""


class Stream(enum.IntEnum):
    """What a draw is for. The numbers are part of every record: never reuse one."""

    WEIGHTS = 1
    BIASES = 2
    ORDER = 3
    DROPOUT = 4
    ACTIVATION = 5


_ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
_PARITY = 0x1BD11BDA


def threefry(key: Words, counter: Words) -> Words:
    """The Threefry-2x32-20 cipher of `counter` under `key`; uint32 arrays that broadcast against each other."""
    schedule = (key[0], key[1], key[0] ^ key[1] ^ np.uint32(_PARITY))
    a, b = counter[0] + schedule[0], counter[1] + schedule[1]
    for group in range(5):
        for rotation in _ROTATIONS[group % 2]:
            a = a + b
            b = (b << np.uint32(rotation)) | (b >> np.uint32(32 - rotation))
            b = b ^ a
        a = a + schedule[(group + 1) % 3]
        b = b + schedule[(group + 2) % 3] + np.uint32(group + 1)
    return a, b


def trial_key(seed: int, trial: np.ndarray, stream: Stream) -> Words:
    """The keys of trials (uint32 array, any shape) for a stream, under a seed of 0 to 2⁶⁴ − 1."""
    return trial_keys(seed, trial, (stream,))[0]


def trial_keys(seed: int, trial: np.ndarray, streams: Sequence[Stream]) -> list[Words]:
    """`trial_key` for several streams at once: of so few numbers NumPy's calls cost more than their work."""
    trial = np.asarray(trial, np.uint32)
    high, low = (np.full(trial.shape, word, np.uint32) for word in (seed >> 32, seed & 0xFFFFFFFF))
    counters = np.array(streams, np.uint32).reshape(-1, *[1] * trial.ndim)
    with np.errstate(over="ignore"):
        return list(zip(*threefry((high, low), (trial, counters)), strict=True))


def words(key: Words, major: int, count: int) -> Words:
    """`count` pairs of words of each key (shape (trials,)): two uint32 arrays of shape (trials, count)."""
    minor = np.arange(count, dtype=np.uint32)[None, :]
    with np.errstate(over="ignore"):
        return threefry((key[0][:, None], key[1][:, None]), (np.full_like(minor, major), minor))


def uniform(bits: Words) -> np.ndarray:
    """float64 in the open interval (0, 1): the middle of one of 2⁵² equal parts."""
    joined = (bits[0].astype(np.uint64) << np.uint64(20)) | (bits[1].astype(np.uint64) >> np.uint64(12))
    return (joined.astype(np.float64) + 0.5) * 2.0**-52


_CENTRE = (
    (3.3871328727963666080e0, 1.3314166789178437745e2, 1.9715909503065514427e3, 1.3731693765509461125e4,
     4.5921953931549871457e4, 6.7265770927008700853e4, 3.3430575583588128105e4, 2.5090809287301226727e3),
    (1.0, 4.2313330701600911252e1, 6.8718700749205790830e2, 5.3941960214247511077e3,
     2.1213794301586595867e4, 3.9307895800092710610e4, 2.8729085735721942674e4, 5.2264952788528545610e3),
)  # fmt: skip
_TAIL = (
    (1.42343711074968357734e0, 4.63033784615654529590e0, 5.76949722146069140550e0, 3.64784832476320460504e0,
     1.27045825245236838258e0, 2.41780725177450611770e-1, 2.27238449892691845833e-2, 7.74545014278341407640e-4),
    (1.0, 2.05319162663775882187e0, 1.67638483018380384940e0, 6.89767334985100004550e-1,
     1.48103976427480074590e-1, 1.51986665636164571966e-2, 5.47593808499534494600e-4, 1.05075007164441684324e-9),
)  # fmt: skip
_FAR_TAIL = (
    (6.65790464350110377720e0, 5.46378491116411436990e0, 1.78482653991729133580e0, 2.96560571828504891230e-1,
     2.65321895265761230930e-2, 1.24266094738807843860e-3, 2.71155556874348757815e-5, 2.01033439929228813265e-7),
    (1.0, 5.99832206555887937690e-1, 1.36929880922735805310e-1, 1.48753612908506148525e-2,
     7.86869131145613259100e-4, 1.84631831751005468180e-5, 1.42151175831644588870e-7, 2.04426310338993978564e-15),
)  # fmt: skip


def _ratio(table: tuple[tuple[float, ...], tuple[float, ...]], x: np.ndarray) -> np.ndarray:
    upper, lower = (np.zeros_like(x) for _ in range(2))
    for a, b in zip(reversed(table[0]), reversed(table[1]), strict=True):
        upper, lower = upper * x + a, lower * x + b
    return upper / lower


def _log(x: np.ndarray) -> np.ndarray:
    """The natural logarithm of positive numbers from exactly rounded operations (relative error under 1e-15)."""
    mantissa, exponent = np.frexp(x)
    small = mantissa < 0.7071067811865476
    mantissa = np.where(small, 2.0 * mantissa, mantissa)
    s = (mantissa - 1.0) / (mantissa + 1.0)
    square, series = s * s, np.zeros_like(s)
    for k in range(23, 0, -2):
        series = series * square + 1.0 / k
    return (exponent - small) * 0.6931471805599453 + 2.0 * s * series


def normal(u: np.ndarray) -> np.ndarray:
    """Standard normal numbers from uniform ones in (0, 1), by the inverse distribution function.

    Reference: M. J. Wichura, Algorithm AS 241 (PPND16), Applied Statistics 37 (1988) 477-484; error near 1e-16.
    """
    q = u - 0.5
    centre = q * _ratio(_CENTRE, 0.180625 - q * q)
    r = np.sqrt(-_log(np.minimum(u, 1.0 - u)))
    tail = np.where(r <= 5.0, _ratio(_TAIL, r - 1.6), _ratio(_FAR_TAIL, r - 5.0))
    return np.where(np.abs(q) <= 0.425, centre, np.where(q < 0.0, -tail, tail))


TRUNCATED_LOW = 0.022750131948179209
"""Φ(−2): Keras and JAX cut a truncated normal at two deviations."""


def truncated_normal(u: np.ndarray) -> np.ndarray:
    """Standard normal numbers cut to [−2, 2] (deviation 0.8796…), from uniform ones in (0, 1)."""
    return normal(TRUNCATED_LOW + u * (1.0 - 2.0 * TRUNCATED_LOW))
