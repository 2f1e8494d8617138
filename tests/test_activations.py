"""The activations: every entry against PyTorch, Keras and JAX, finite differences, and its own claims."""

from __future__ import annotations

import importlib
import inspect
import math

import numpy as np
import pytest

from trainability.activations import (
    ACTIVATIONS,
    Activation,
    Peer,
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
from trainability.core.catalogue import Choice
from trainability.core.errors import FormulaError, SpecError, UnknownName

UNITS = 5
FORMULAS = [
    "expr:x*hardtanh(x)",
    "expr:silu(x) + 0.1*x",
    "expr:where(x > 0, log1p(x), elu(x, 0.5))",
    "expr:x1*tanh(x2)",
    "expr:exp(x - units_max(x))",
]


def moved(choice: Choice[Activation]) -> Choice[Activation]:
    """The same entry with other values."""
    values = (p.check(p.default + 1.0 if p.integer else p.default * 1.25 + 0.125, "") for p in choice.entry.parameters)
    return Choice(choice.entry, tuple(values))


CHOICES = [
    choice for entry in ACTIVATIONS for choice in dict.fromkeys([default_choice(entry), moved(default_choice(entry))])
]
CHOICES += [choose(text) for text in FORMULAS]
WRONG = {
    # Its outputs do not sum to 1: the threshold is taken from a sum of cumulative sums (seen in Keras 3.15).
    ("keras", "sparsemax"): pytest.mark.xfail(reason="sparsemax is wrong in Keras", strict=False),
}
ELEMENTWISE = [choice for choice in CHOICES if is_elementwise(choice.entry)]


def ids(choices: list[Choice[Activation]]) -> list[str]:
    return [choice.text for choice in choices]


every_choice = pytest.mark.parametrize("choice", CHOICES, ids=ids(CHOICES))
every_elementwise = pytest.mark.parametrize("choice", ELEMENTWISE, ids=ids(ELEMENTWISE))
every_entry = pytest.mark.parametrize("entry", ACTIVATIONS, ids=lambda entry: entry.name)


@pytest.fixture(autouse=True)
def _strict_jax():
    import jax

    with jax.enable_x64(True), jax.numpy_dtype_promotion("strict"), jax.numpy_rank_promotion("raise"):
        yield


def points(choice: Choice[Activation], far: bool = True) -> np.ndarray:
    """Pre-activations (rows, pieces * units): common ones, large ones, and both sides of each kink."""
    beside = [kink + step for kink in kinks(choice) for step in (-1e-3, 1e-3)]
    near = np.r_[np.linspace(-8.03, 8.01, 397), beside]
    x = np.r_[near, [-1e3, -50.0, 50.0, 700.0, 1e3]] if far else near
    width = UNITS * pieces_of(choice)
    if is_elementwise(choice.entry):
        return np.resize(x, (math.ceil(len(x) / width), width))
    return np.random.default_rng(0).permuted(np.resize(x, (60, width)), axis=None).reshape(60, width)


def peers(library: str) -> pytest.MarkDecorator:
    """Every choice that has a peer in `library` for those very values."""
    found = []
    for choice in CHOICES:
        peer = getattr(choice.entry, library)
        default = default_choice(choice.entry)
        if peer and (choice == default or len(peer.arguments) == len(choice.entry.parameters)):
            found.append((choice, peer))
    assert len(found) > 20
    parameters = [pytest.param(*pair, id=pair[0].text, marks=WRONG.get((library, pair[0].text), ())) for pair in found]
    return pytest.mark.parametrize(("choice", "peer"), parameters)


def resolved(peer: Peer):
    module, _, name = peer.path.rpartition(".")
    return getattr(importlib.import_module(module), name)


# --- values and gradients against other libraries ----------------------------------------------


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


@peers("torch")
def test_values_and_gradients_are_pytorchs(choice, peer):
    import jax
    import jax.numpy as jnp
    import torch

    z = points(choice)
    tensor = torch.tensor(z, requires_grad=True)
    output = resolved(peer)(tensor, **peer.keywords(choice.named))
    np.testing.assert_allclose(numpy_function(choice)(z), output.detach().numpy(), rtol=1e-12, atol=1e-13)
    weights = np.random.default_rng(1).normal(size=output.shape)
    (output * torch.tensor(weights)).sum().backward()
    function = jax_function(choice.entry, pieces_of(choice))
    slope = jax.grad(lambda z: (function(z, choice.values) * weights).sum())(jnp.asarray(z))
    assert tensor.grad is not None
    # torch has the hard sigmoid's slope of 1/6 in single precision.
    np.testing.assert_allclose(slope, tensor.grad.numpy(), rtol=5e-8, atol=1e-12)


@peers("torch")
def test_the_slope_at_a_kink_is_pytorchs(choice, peer):
    import jax
    import jax.numpy as jnp
    import torch

    for kink in kinks(choice):
        tensor = torch.tensor([kink], dtype=torch.float64, requires_grad=True)
        resolved(peer)(tensor, **peer.keywords(choice.named)).sum().backward()
        function = jax_function(choice.entry)
        slope = jax.grad(lambda z, f=function: f(z, choice.values).sum())(jnp.array([kink]))
        assert tensor.grad is not None
        assert float(slope[0]) == pytest.approx(float(tensor.grad[0])), f"at {kink}"
        symbolic = numpy_slope(choice)
        assert symbolic is not None
        assert float(symbolic(kink)) == pytest.approx(float(slope[0]))


@peers("keras")
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # of Keras on PyTorch
def test_values_are_those_of_keras(choice, peer):
    import jax
    import keras

    z = points(choice)
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        output = resolved(peer)(keras.ops.convert_to_tensor(z, dtype="float64"), **peer.keywords(choice.named))
        output = keras.ops.convert_to_numpy(output)
    # The tanh of Keras answers in single precision.
    rtol, atol = (1e-12, 1e-13) if output.dtype == np.float64 else (1e-6, 1e-7)
    np.testing.assert_allclose(numpy_function(choice)(z), output, rtol=rtol, atol=atol)


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


@peers("jax")
def test_values_are_those_of_jax(choice, peer):
    import jax
    import jax.numpy as jnp

    z = points(choice)
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        output = resolved(peer)(jnp.asarray(z), **peer.keywords(choice.named))
    np.testing.assert_allclose(numpy_function(choice)(z), output, rtol=1e-12, atol=1e-13)


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


# --- what the entries claim --------------------------------------------------------------------


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


# --- choosing ----------------------------------------------------------------------------------


@every_choice
def test_a_choice_is_chosen_again_by_its_text(choice):
    assert choose(choice.text) == choice
    if choice.entry.name.startswith("expr:"):
        assert choose(choice.entry.name) == choice


@pytest.mark.parametrize(
    ("text", "at", "expected"),
    [
        ("leaky_relu:0.01", -2.0, -0.02),
        ("elu:1.0", -1.0, math.expm1(-1)),
        ("threshold:0.5", 0.5, 0.0),
        ("threshold:0.5", 0.6, 0.6),
        ("threshold:value=-3", -1.0, -3.0),
        ("binary_step:0.5", 0.6, 1.0),
        ("Leaky_ReLU", -2.0, -0.02),
        ("swish:2", 1.0, 1 / (1 + math.exp(-2))),
        ("expr:x*hardtanh(x)", 3.0, 3.0),
        ("EXPR: silu(x)+0.1*x", 0.0, 0.0),
        ("expr:elu(x) - elu(x, 2)", -1.0, -math.expm1(-1)),
        ("expr:rrelu(x)", -1.0, -11 / 48),
        ("expr:x1 + 1", 2.0, 3.0),
    ],
)
def test_texts_choose(text, at, expected):
    assert numpy_function(choose(text))(at) == pytest.approx(expected)


def test_gates_take_their_pieces_in_order():
    z = np.arange(6.0).reshape(1, 6)
    np.testing.assert_allclose(numpy_function(choose("glu"))(z), z[:, :3] / (1 + np.exp(-z[:, 3:])))
    np.testing.assert_array_equal(numpy_function(choose("maxout:3"))(-z), [[0.0, -1.0]])
    assert pieces_of(choose("maxout:3")) == 3
    assert pieces_of(choose("expr:x1*tanh(x2) + x3")) == 3
    assert pieces_of(choose("relu")) == 1
    with pytest.raises(SpecError, match="6 pre-activations"):
        numpy_function(choose("maxout:4"))(z)


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("relux", UnknownName, "unknown activation 'relux'; did you mean 'relu'"),
        ("relu:1", SpecError, "takes no parameters"),
        ("celu:0", SpecError, "alpha must be more than 0"),
        ("maxout:1", SpecError, "at least 2"),
        ("maxout:2.5", SpecError, "whole number"),
        ("hardtanh:2:1", SpecError, "min_val must not exceed max_val, got 2 and 1"),
        ("elu:slope=1", UnknownName, "unknown parameter"),
        ("expr:", FormulaError, "empty"),
        ("expr:sigmod(x)", FormulaError, "did you mean 'sigmoid'"),
        ("expr:leaky_rel(x)", FormulaError, "did you mean 'leaky_relu'"),
        ("expr:a*x", FormulaError, "unknown name 'a'"),
        ("expr:1 + pi", FormulaError, "x does not occur"),
        ("expr:x + x1", FormulaError, "mixes x with x1"),
        ("expr:softmax(x)", FormulaError, "unknown function 'softmax'"),
        ("expr:" + "gelu_tanh(" * 6 + "x" + ")" * 6, FormulaError, "written out|too large"),
        ("x*sigmoid(x)", FormulaError, r"write 'expr:x\*sigmoid\(x\)'"),
    ],
)
def test_mistakes_are_explained(text, error, message):
    with pytest.raises(error, match=message):
        choose(text)


def test_every_torch_module_resolves():
    import torch

    for name in torch.nn.modules.activation.__all__:
        if name not in ("MultiheadAttention", "Softmax2d"):
            assert name in ACTIVATIONS or name.lower() in ACTIVATIONS, name


def test_every_keras_activation_resolves():
    import keras

    names = {name for name, _ in inspect.getmembers(keras.activations, inspect.isfunction)}
    for name in names - {"deserialize", "get", "serialize"}:
        assert name in ACTIVATIONS, name


def test_every_jax_activation_resolves():
    import jax

    other = {
        "dot_product_attention",
        "log1mexp",
        "logmeanexp",
        "logsumexp",
        "one_hot",
        "standardize",
        "scaled_dot_general",
        "scaled_matmul",
        "get_scaled_dot_general_config",
    }
    for name, value in inspect.getmembers(jax.nn, callable):
        if name not in other and not name.startswith("_"):
            assert name in ACTIVATIONS, (name, value)
