"""Every activation: NumPy against JAX, its slope against differences, and what its entry claims."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests.activation_choices import UNITS, every_choice, every_elementwise, every_entry, points, resolved
from tests.strict_jax import strict_jax  # noqa: F401 (a fixture: pytest finds it by its name)
from trainability.activations import (
    ACTIVATIONS,
    choose,
    default_choice,
    is_elementwise,
    jax_function,
    kinks,
    largest_slope,
    latex,
    numpy_function,
    numpy_slope,
    pieces_of,
)


@every_choice
def test_jax_and_numpy_agree(choice):
    import jax
    import jax.numpy as jnp

    z = points(choice)
    function = jax.jit(jax_function(choice.entry, pieces_of(choice)))
    expected = numpy_function(choice)(z)
    assert expected.shape == (len(z), UNITS)
    np.testing.assert_allclose(function(jnp.asarray(z), choice.values), expected, rtol=1e-12, atol=1e-14)
    if choice.entry.jax_better:
        formula = jax_function(choice.entry.__class__(**{**vars(choice.entry), "jax_better": None}))
        np.testing.assert_allclose(formula(jnp.asarray(z), choice.values), expected, rtol=1e-12, atol=1e-14)


@every_elementwise
def test_the_slope_is_the_derivative(choice):
    """The symbolic derivative against jax.grad and against central differences, away from kinks."""
    import jax
    import jax.numpy as jnp

    x = points(choice, far=False)
    slope = numpy_slope(choice)
    assert slope is not None
    function = jax_function(choice.entry)
    gradient = jax.grad(lambda z: function(z, choice.values).sum())(jnp.asarray(x))
    np.testing.assert_allclose(slope(x), gradient, rtol=1e-11, atol=1e-13)
    phi, step = numpy_function(choice), 1e-5
    numeric = (phi(x + step) - phi(x - step)) / (2 * step)
    np.testing.assert_allclose(slope(x), numeric, rtol=1e-8, atol=1e-8)


@every_choice
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_gradients_are_finite_far_out_and_keep_the_dtype(choice, dtype):
    """Also those in the parameters, which may be learned."""
    import jax
    import jax.numpy as jnp

    function = jax_function(choice.entry, pieces_of(choice))
    z = jnp.asarray(np.resize([-1e4, -30.0, 1e4, 0.7], (4, UNITS * pieces_of(choice))), dtype)
    if choice.entry.name == "exponential":
        z = jnp.minimum(z, 80.0)
    values = tuple(jnp.asarray(value, dtype) for value in choice.values)
    assert function(z, values).dtype == dtype
    for gradient in jax.tree.leaves(jax.grad(lambda z, values: function(z, values).sum(), (0, 1))(z, values)):
        assert gradient.dtype == dtype
        assert np.isfinite(gradient).all()
    assert numpy_function(choice)(np.asarray(z)).dtype == dtype


@every_elementwise
def test_parameters_are_data_and_may_be_one_per_unit(choice):
    """One compilation serves all values; an array (units,) gives each unit its own."""
    import jax
    import jax.numpy as jnp

    plain = jax_function(choice.entry)
    function = jax.jit(lambda z, values: plain(z, values))  # jax.jit counts per function, and `plain` is shared
    z = jnp.asarray(np.random.default_rng(0).normal(size=(7, UNITS)) * 3)
    columns = [tuple(value * (1 + unit / 8) for value in choice.values) for unit in range(UNITS)]
    alone = [function(z, tuple(map(jnp.asarray, column)))[:, unit] for unit, column in enumerate(columns)]
    assert function._cache_size() == 1
    together = function(z, tuple(jnp.asarray(values) for values in zip(*columns, strict=True)))
    np.testing.assert_allclose(together, np.stack(alone, axis=1), rtol=1e-13, atol=1e-15)


@every_choice
def test_nan_is_handed_on(choice):
    """A network that has become NaN must not look alive behind its activation."""
    import jax.numpy as jnp

    z = np.full((1, UNITS * pieces_of(choice)), np.nan)
    assert np.isnan(numpy_function(choice)(z)).all()
    assert np.isnan(jax_function(choice.entry, pieces_of(choice))(jnp.asarray(z), choice.values)).all()


# What the entries claim.


@every_entry
def test_bounds_hold_and_are_tight(entry):
    choice, (low, high) = default_choice(entry), entry.bounds
    if is_elementwise(entry):
        x = np.r_[np.linspace(-12, 12, 20_001), [-1e4, 1e4]]
        output = numpy_function(choice)(x)
        assert output.min() < -9 if low == -math.inf else output.min() == pytest.approx(low, abs=1.1e-3)
        assert output.max() > 9 if high == math.inf else output.max() == pytest.approx(high, abs=1.1e-3)
    else:
        output = numpy_function(choice)(points(choice))
    assert output.min() >= low - 1e-12
    assert output.max() <= high + 1e-12


@every_elementwise
def test_kinks_are_all_there(choice):
    """Between kinks the slope is continuous; at each, the value, the slope or the curvature jumps."""
    slope = numpy_slope(choice)
    assert slope is not None
    found = kinks(choice)
    x = np.linspace(-8, 8, 16_001)
    away = np.ones(len(x) - 1, dtype=bool)
    for kink in found:
        away &= (x[1:] < kink - 1e-9) | (x[:-1] > kink + 1e-9)
    scale = 1 + np.abs(slope(x[1:]))
    assert (np.abs(np.diff(slope(x)))[away] < 0.01 * scale[away]).all()
    phi, near, far = numpy_function(choice), 1e-9, 1e-4
    for kink in found:
        before, after = kink - near, kink + near
        jumps = abs(phi(after) - phi(before)), abs(slope(after) - slope(before))
        curvatures = (slope(kink + far) - slope(after)) / far, (slope(before) - slope(kink - far)) / far
        assert max(jumps) > 1e-6 or abs(curvatures[1] - curvatures[0]) > 1e-3, f"nothing happens at {kink}"


@every_choice
def test_latex_is_understood_by_mathtext(choice):
    from matplotlib.mathtext import MathTextParser

    assert latex(choice.entry)
    MathTextParser("path").parse(f"${latex(choice.entry)}$")


@every_elementwise
def test_the_largest_slope(choice):
    x = np.r_[np.linspace(-10, 10, 100_001), [kink + side * 1e-7 for kink in kinks(choice) for side in (-1, 1)]]
    slope = numpy_slope(choice)
    assert slope is not None
    assert largest_slope(choice) == pytest.approx(np.abs(slope(x)).max(), abs=1e-6, rel=1e-6)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sigmoid", 0.25),
        ("tanh", 1.0),
        ("relu", 1.0),
        ("binary_step", 0.0),
        ("silu", 1.0998393201288),
        ("erf", 2 / math.pi**0.5),
        ("relu_squared", 20.0),
        ("leaky_relu:3", 3.0),
        ("softmax", math.nan),
        ("glu", math.nan),
    ],
)
def test_known_largest_slopes(text, expected):
    assert largest_slope(choose(text)) == pytest.approx(expected, abs=1e-6, nan_ok=True)


@every_entry
def test_entries_say_what_they_are(entry):
    assert entry.summary.endswith(".")
    names = {p.name for p in entry.parameters}
    assert set(entry.learned) <= names
    assert set((entry.random or ())[1:]) <= names
    assert set(entry.ordered or ()) <= names
    assert bool(entry.formula) != bool(entry.by_hand)
    for peer in (entry.torch, entry.keras, entry.jax):
        if peer:
            assert {name for _, name in peer.arguments} <= names
            assert resolved(peer)


# What single entries claim.


def test_sparsemax_is_the_projection_onto_the_simplex():
    """Against the threshold found by root finding, and the Jacobian of Martins and Astudillo, equation 9."""
    import jax
    import jax.numpy as jnp
    from scipy.optimize import brentq

    function = jax_function(ACTIVATIONS["sparsemax"])
    for z in np.random.default_rng(0).normal(size=(20, 6)):
        tau = brentq(lambda t, z=z: np.maximum(z - t, 0).sum() - 1, z.min() - 2, z.max(), xtol=1e-15)
        expected = np.maximum(z - tau, 0)
        np.testing.assert_allclose(numpy_function(choose("sparsemax"))(z), expected, atol=1e-12)
        inside = (expected > 0).astype(float)
        jacobian = np.diag(inside) - np.outer(inside, inside) / inside.sum()
        np.testing.assert_allclose(jax.jacobian(function)(jnp.asarray(z)), jacobian, atol=1e-12)


def test_selu_keeps_mean_0_and_variance_1():
    """Klambauer et al.: under a standard normal input, by quadrature."""
    from scipy.integrate import quad
    from scipy.stats import norm

    selu = numpy_function(choose("selu"))
    moments = [quad(lambda x, k=k: selu(x) ** k * norm.pdf(x), -12, 12, points=[0])[0] for k in (1, 2)]
    assert moments == pytest.approx([0.0, 1.0], abs=1e-7)


def test_rrelu_draws_its_slopes_in_training():
    import jax.numpy as jnp

    choice, z = choose("rrelu"), jnp.array([[-6.0, -6.0, -6.0, 6.0]])
    function = jax_function(choice.entry)
    share = jnp.array([[0.0, 0.5, 1.0, 0.3]])
    np.testing.assert_allclose(function(z, choice.values, share), [[-6 / 8, -6 * 11 / 48, -6 / 3, 6.0]])
    np.testing.assert_allclose(function(z, choice.values), [[-6 * 11 / 48] * 3 + [6.0]])
