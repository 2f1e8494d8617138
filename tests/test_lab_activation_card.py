"""P10: the subjects against SciPy and PyTorch, their slopes against differences, and what is measured of them."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.special
import torch
from hypothesis import given
from hypothesis import strategies as st

from trainability.lab.differences import estimate
from trainability.lab.phenomena.activation_card import AXIS, INPUTS, SAMPLES, draw_inputs, grey_picture, run
from trainability.lab.phenomenon import Setting
from trainability.lab.subjects import SUBJECTS

THEIRS = {
    "binary_step": lambda x: torch.heaviside(x, torch.zeros_like(x)),
    "identity": lambda x: x,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "relu": torch.relu,
    "leaky_relu": lambda x: torch.nn.functional.leaky_relu(x, 0.01),
    "prelu": lambda x: torch.nn.PReLU(dtype=torch.float64)(x).detach(),
    "elu": torch.nn.functional.elu,
    "maxout": lambda x: torch.maximum(x, -x / 2),
    "softmax": lambda x: torch.softmax(x, dim=-1),
}


@pytest.mark.parametrize("name", SUBJECTS)
def test_a_layer_is_pytorchs(name: str):
    x = np.random.default_rng(1).uniform(-3, 3, 200)
    np.testing.assert_allclose(SUBJECTS[name].layer(x), THEIRS[name](torch.tensor(x)).numpy(), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("name", SUBJECTS)
def test_a_slope_is_what_differences_give(name: str):
    subject = SUBJECTS[name]
    assert np.abs(AXIS).min() > 1e-4  # no kink within reach of the difference
    found = estimate(subject.value, AXIS, 1e-5, "central")
    np.testing.assert_allclose(subject.slope(AXIS), found, atol=1e-8)


@given(st.floats(-20, 20))
def test_tanh_is_a_stretched_sigmoid(x):
    assert np.tanh(x) == pytest.approx(2 * scipy.special.expit(2 * x) - 1, abs=4e-16)


def test_inputs_are_centred_as_they_say():
    inputs = draw_inputs(np.random.default_rng(2), 20)
    assert inputs.keys() == INPUTS.keys()
    for kind in ("uniform", "wide", "skewed"):
        np.testing.assert_allclose(inputs[kind].mean(axis=1), 0, atol=1e-12)
    assert inputs["raw"].min() >= 0
    assert (inputs["skewed"] < 0).mean() == pytest.approx(1 - np.exp(-1), abs=0.02)  # an exponential's, below its mean


def test_the_picture_is_a_grey_one():
    levels = grey_picture() * 255
    np.testing.assert_allclose(levels, np.round(levels), atol=1e-9)
    assert 0 <= levels.min() < levels.max() <= 255


def test_what_is_measured():
    records = run(Setting(quick=True, seeds=5, seed=3))
    zeros, off = records["zeros"], records["off"]
    assert zeros["relu", "raw"].max() == 0
    np.testing.assert_array_equal(zeros["relu", "uniform"], zeros["binary_step", "uniform"])
    for kind in INPUTS:  # a share of ones p has the mean p and the deviation √(p(1 − p))
        p = 1 - zeros["binary_step", kind]
        with np.errstate(divide="ignore"):
            expected = np.where(p < 1, np.sqrt(p / (1 - p)), np.nan)
        np.testing.assert_allclose(off["binary_step", kind], expected, rtol=1e-9)
    assert records["after"]["softmax"].sum() == pytest.approx(1)
    assert len(records["sample"]) == SAMPLES
