"""Vital signs against slower twins in NumPy, and the same in JAX."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from trainability.core.records import LayerView
from trainability.vitals import VITALS, measure_layer, names

# JAX flushes denormal numbers to 0, so sizes stay well above them.
FLOATS = st.floats(2**-10, 8, width=32) | st.floats(-8, -(2**-10), width=32) | st.just(0.0)


@st.composite
def views(draw: st.DrawFn) -> LayerView:
    samples, units = draw(st.integers(2, 6)), draw(st.integers(1, 5))
    array = lambda *shape: draw(arrays.arrays(np.float64, shape, elements=FLOATS))  # noqa: E731
    z, a, slope, gradient = array(samples, units), array(samples, units), array(samples, units), array(3, units)
    if draw(st.booleans()):
        a[:, 0] = 0.0
    if draw(st.booleans()):
        a[0] = 0.0
    return LayerView(z, a, slope, np.float64(max(1.0, np.abs(slope).max())), gradient)


def _correlation(a: np.ndarray) -> float:
    cosines = []
    for i in range(len(a)):
        for j in range(len(a)):
            if i != j:
                p, q = np.linalg.norm(a[i]), np.linalg.norm(a[j])
                silent = int(p == 0) + int(q == 0)
                cosines.append(1.0 if silent == 2 else 0.0 if silent else a[i] @ a[j] / p / q)
    return float(np.mean(cosines))


TWINS = {
    "activation_mean": lambda v: np.mean(v.activation),
    "activation_std": lambda v: np.sqrt(np.mean((v.activation - np.mean(v.activation)) ** 2)),
    "pre_activation_mean": lambda v: np.mean(v.pre_activation),
    "pre_activation_std": lambda v: np.sqrt(np.mean((v.pre_activation - np.mean(v.pre_activation)) ** 2)),
    "gradient_rms": lambda v: np.sqrt(np.mean(v.gradient**2)),
    "correlation": lambda v: _correlation(v.activation),
    "dead": lambda v: sum(not any(column) for column in v.activation.T) / v.activation.shape[1],
    "saturated": lambda v: sum(np.mean(np.abs(c)) < 0.05 * v.largest_slope for c in v.slope.T) / v.slope.shape[1],
}


@pytest.mark.parametrize("entry", list(VITALS), ids=lambda entry: entry.name)
@given(view=views())
def test_each_vital_sign_equals_its_twin(entry, view: LayerView):
    assert float(entry.measure(view, np)) == pytest.approx(float(TWINS[entry.name](view)), rel=1e-9, abs=1e-12)


@given(view=views())
@settings(max_examples=15)  # every new shape is compiled
def test_jax_measures_what_numpy_measures(view: LayerView):
    single = LayerView(*(np.asarray(part, np.float32) for part in view))
    ours = np.asarray(measure_layer(LayerView(*map(jnp.asarray, single)), jnp))
    assert ours.shape == (len(names()),)
    np.testing.assert_allclose(ours, measure_layer(single, np), rtol=2e-4, atol=2e-5)


def test_tiny_gradients_do_not_vanish_in_the_measurement():
    view = LayerView(jnp.ones((2, 2)), jnp.ones((2, 2)), jnp.ones((2, 2)), jnp.ones(()), jnp.full((2, 2), 1e-30))
    assert float(VITALS["gradient_rms"].measure(view, jnp)) == pytest.approx(1e-30)


def test_a_slope_that_is_not_defined_is_not_called_saturated():
    view = LayerView(np.ones((2, 3)), np.ones((2, 3)), np.full((2, 3), np.nan), np.float64(1), np.ones((2, 3)))
    assert np.isnan(VITALS["saturated"].measure(view, np))
