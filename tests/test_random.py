"""The generator: known answers, JAX's own cipher as a peer, distributions, independence of everything but the key."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.special import ndtri

from trainability.core import random
from trainability.core.random import Stream

WORDS = st.integers(0, 2**32 - 1)


def _words(*values: int) -> tuple[np.ndarray, ...]:
    return tuple(np.array([value], np.uint32) for value in values)


def test_known_answers_of_the_published_cipher():
    """Threefry-2x32-20 test vectors of the Random123 distribution (kat_vectors)."""
    ones = 0xFFFFFFFF
    vectors = [
        ((0, 0), (0, 0), (0x6B200159, 0x99BA4EFE)),
        ((ones, ones), (ones, ones), (0x1CB996FC, 0xBB002BE7)),
        ((0x13198A2E, 0x03707344), (0x243F6A88, 0x85A308D3), (0xC4923A9C, 0x483DF7A0)),
    ]
    for key, counter, expected in vectors:
        assert tuple(int(w[0]) for w in random.threefry(_words(*key), _words(*counter))) == expected


@given(WORDS, WORDS, WORDS, WORDS)
def test_the_cipher_is_the_one_that_jax_has(a: int, b: int, c: int, d: int):
    from jax.extend.random import threefry_2x32

    peer = threefry_2x32(jnp.array([a, b], jnp.uint32), jnp.array([c, d], jnp.uint32))
    ours = random.threefry(_words(a, b), _words(c, d))
    assert [int(w[0]) for w in ours] == np.asarray(peer).tolist()


def test_the_cipher_is_the_same_in_numpy_and_jax():
    counter = np.arange(1000, dtype=np.uint32)
    host = random.threefry(_words(7, 9), (counter, counter[::-1].copy()))
    device = random.threefry((jnp.uint32(7), jnp.uint32(9)), (jnp.asarray(counter), jnp.asarray(counter[::-1].copy())))
    for ours, theirs in zip(host, device, strict=True):
        np.testing.assert_array_equal(ours, np.asarray(theirs))


@given(st.integers(0, 2**64 - 1), st.integers(0, 2**32 - 1), st.sampled_from(list(Stream)))
def test_a_key_depends_on_seed_trial_and_stream_alone(seed: int, trial: int, stream: Stream):
    alone = random.trial_key(seed, np.array([trial], np.uint32), stream)
    among = random.trial_key(seed, np.array([5, trial, 9], np.uint32), stream)
    assert [int(w[0]) for w in alone] == [int(w[1]) for w in among]
    for other in (
        random.trial_key(seed ^ 1, np.array([trial], np.uint32), stream),
        random.trial_key(seed, np.array([trial ^ 1], np.uint32), stream),
        random.trial_key(seed, np.array([trial], np.uint32), Stream(stream % len(Stream) + 1)),
    ):
        assert [int(w[0]) for w in other] != [int(w[0]) for w in alone]
    streams = (Stream.DROPOUT, stream, Stream.WEIGHTS)
    together = random.trial_keys(seed, np.array([[5], [trial]], np.uint32), streams)
    assert [w[1, 0] for w in together[1]] == [w[0] for w in alone]
    assert len(together) == len(streams)


@pytest.fixture(scope="module")
def draws() -> np.ndarray:
    return random.uniform(random.words(random.trial_key(3, np.arange(20), Stream.WEIGHTS), 0, 20_000)).ravel()


def test_uniform_numbers_are_uniform_and_inside(draws: np.ndarray):
    assert 0.0 < draws.min() < 1e-4
    assert 1 - 1e-4 < draws.max() < 1.0
    assert stats.kstest(draws, "uniform").pvalue > 1e-3


@pytest.mark.parametrize("bits", [(0, 0), (2**32 - 1, 2**32 - 1)])
def test_the_extreme_words_stay_inside_the_open_interval(bits: tuple[int, int]):
    u = random.uniform(_words(*bits))
    assert 0.0 < u[0] < 1.0
    assert np.isfinite(random.normal(u)).all()


@given(st.floats(min_value=1e-300, max_value=1.0, exclude_max=True))
def test_normal_is_the_inverse_distribution_function(u: float):
    assert random.normal(np.array([u]))[0] == pytest.approx(ndtri(u), rel=1e-13, abs=1e-15)


def test_normal_and_truncated_normal_have_their_distributions(draws: np.ndarray):
    assert stats.kstest(random.normal(draws), "norm").pvalue > 1e-3
    assert stats.kstest(random.truncated_normal(draws), stats.truncnorm(-2, 2).cdf).pvalue > 1e-3


@given(st.floats(min_value=1e-300, max_value=1e300))
def test_the_logarithm(x: float):
    assert random._log(np.array([x]))[0] == pytest.approx(np.log(x), rel=1e-15, abs=1e-16)
