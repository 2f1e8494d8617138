"""The lanes kernel's elementary functions against exact values, and its activations against NumPy's."""

from __future__ import annotations

import ctypes
import ctypes.util
from typing import Any

import mpmath
import numpy as np
import pytest

from tests.activation_choices import CHOICES
from tests.lanes_functions import NAMES, SPECIAL, applied, bits, called, points, power
from tests.required import required
from trainability.activations import choose, is_elementwise, numpy_function, numpy_slope
from trainability.core.catalogue import Choice
from trainability.core.expression import FUNCTIONS, numpy_library
from trainability.engine.lanes import unavailable
from trainability.engine.lanes.formulas import WRITTEN_OUT
from trainability.engine.lanes.library import kernels

pytestmark = required(unavailable())


def bounded(function: Any, below: Any, above: Any) -> Any:
    """`function`, but `below` and `above` where mpmath would need all the digits of e^1e38."""
    return lambda x: function(x) if abs(x) < 1e5 else below(x) if x < 0 else above(x)


ZERO, ONE, INFINITE = (lambda x: mpmath.mpf(0)), (lambda x: mpmath.mpf(1)), (lambda x: mpmath.inf)
EXACT = {
    "exp": bounded(mpmath.exp, ZERO, INFINITE),
    "expm1": bounded(mpmath.expm1, lambda x: mpmath.mpf(-1), INFINITE),
    "log": mpmath.log,
    "log1p": mpmath.log1p,
    "log2": lambda x: mpmath.log(x) / mpmath.log(2),
    "sqrt": mpmath.sqrt,
    "abs": abs,
    "sign": mpmath.sign,
    "sin": mpmath.sin,
    "cos": mpmath.cos,
    "tan": mpmath.tan,
    "sinh": bounded(mpmath.sinh, lambda x: -mpmath.inf, INFINITE),
    "cosh": bounded(mpmath.cosh, INFINITE, INFINITE),
    "tanh": mpmath.tanh,
    "arcsin": mpmath.asin,
    "arctan": mpmath.atan,
    "arcsinh": mpmath.asinh,
    "erf": mpmath.erf,
    "erfc": bounded(mpmath.erfc, lambda x: mpmath.mpf(2), ZERO),
    "sigmoid": bounded(lambda x: mpmath.exp(x) / (1 + mpmath.exp(x)), ZERO, ONE),
    "softplus": bounded(lambda x: mpmath.log1p(mpmath.exp(x)), ZERO, lambda x: x),
}

DOMAIN = {"log": (0, np.inf), "log2": (0, np.inf), "sqrt": (0, np.inf), "log1p": (-1, np.inf), "arcsin": (-1, 1)}
"""Open intervals outside which a function is NaN."""
DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def units_off(value: Any, exact: Any, dtype: type) -> float:
    """How far `value` is from the exact one, in units of its last place; a number below the normal ones counts as 0."""
    info = np.finfo(dtype)
    if abs(exact) > info.max:
        return 0.0 if value == (np.inf if exact > 0 else -np.inf) else np.inf
    if abs(exact) < info.tiny:
        return 0.0 if abs(value) <= info.tiny else np.inf
    if not np.isfinite(value):
        return np.inf
    unit = mpmath.mpf(float(np.spacing(dtype(float(abs(exact))))))
    return float(abs(mpmath.mpf(float(value)) - exact) / unit)


def test_every_function_of_the_grammar_is_tested_against_exact_values():
    assert set(EXACT) == set(NAMES)


@DTYPES
@pytest.mark.parametrize("name", EXACT)
def test_errors_are_under_two_units_of_the_last_place(name: str, dtype: type):
    mpmath.mp.prec = 200
    low, high = DOMAIN.get(name, (-np.inf, np.inf))
    z = points(dtype)
    inside = (z > low) & (z < high)
    ours = called(name, z)
    assert np.isnan(ours[(z < low) | (z > high)]).all()
    assert inside.sum() > 1000
    worst = max(
        (units_off(value, EXACT[name](mpmath.mpf(float(x))), dtype), float(x))
        for x, value in zip(z[inside], ours[inside], strict=True)
    )
    assert worst[0] < 2.0, worst


@DTYPES
def test_errors_of_powers_are_under_two_units_of_the_last_place(dtype: type):
    mpmath.mp.prec = 200
    rng = np.random.default_rng(4)
    largest = np.log2(np.finfo(dtype).max)
    bases = 2.0 ** rng.uniform(-largest + 3, largest - 1, 1500)
    close = 1 + rng.choice([-1, 1], 500) * 2.0 ** rng.uniform(-20, -2, 500)
    negative = -(10.0 ** rng.uniform(-3, 3, 500))
    x = np.r_[bases, close, negative].astype(dtype)
    results = rng.uniform(-largest, largest, len(x) - 500)  # the exponents lead to powers of 2 that fill the range
    y = np.r_[results / np.log2(x[:-500].astype(np.float64)), rng.integers(-13, 13, 500)].astype(dtype)
    ours = power(x, y)
    worst = max(
        (units_off(value, mpmath.power(mpmath.mpf(float(a)), mpmath.mpf(float(b))), dtype), float(a), float(b))
        for a, b, value in zip(x, y, ours, strict=True)
    )
    assert worst[0] < 2.0, worst


WIDER: dict[type, type] = {np.float32: np.float64}
if np.finfo(np.longdouble).nmant >= 63:  # x86 has such numbers
    WIDER[np.float64] = np.longdouble
MANY = [
    pytest.param(name, dtype, id=f"{name}-{dtype.__name__}")
    for name in NAMES
    for dtype in WIDER
    if dtype == np.float32 or not FUNCTIONS[name].numpy.startswith("scipy")  # whose functions end at float64
]


@pytest.mark.parametrize(("name", "dtype"), MANY)
def test_errors_of_very_many_arguments_are_under_two_units(name: str, dtype: type):
    """Against NumPy in the next wider type: rare arguments where roundings add up."""
    rng = np.random.default_rng(5)
    near, far = rng.uniform(-1, 1, 400_000), rng.uniform(-30, 30, 200_000)
    z = np.r_[near, far, points(dtype)].astype(dtype)
    ours = called(name, z)
    info = np.finfo(dtype)
    with np.errstate(all="ignore"):
        exact = numpy_library().functions[name](z.astype(WIDER[dtype]))
        assert exact.dtype == WIDER[dtype]
        normal = (np.abs(exact) >= info.tiny) & (np.abs(exact) <= info.max)
        units = np.spacing(np.abs(exact[normal]).astype(dtype)).astype(exact.dtype)
    errors = np.abs(ours[normal].astype(exact.dtype) - exact[normal]) / units
    worst = np.argmax(errors)
    assert normal.sum() > 200_000
    assert errors[worst] < 2.0, (float(errors[worst]), float(z[normal][worst]))


def agree_where_special(ours: np.ndarray, theirs: np.ndarray) -> None:
    """The same NaNs, infinities, signs (of zeros too) and small whole numbers; others nearly the same."""
    whole = (theirs == np.rint(theirs)) & ((np.abs(theirs) < 100) | np.isinf(theirs))
    np.testing.assert_array_equal(ours[whole], theirs[whole])
    np.testing.assert_allclose(ours, theirs, rtol=4 * np.finfo(ours.dtype).eps)
    number = ~np.isnan(theirs)
    np.testing.assert_array_equal(np.signbit(ours[number]), np.signbit(theirs[number]))


@DTYPES
@pytest.mark.parametrize("name", EXACT)
def test_special_values_are_numpys(name: str, dtype: type):
    with np.errstate(all="ignore"):
        theirs = numpy_library().functions[name](np.array(SPECIAL))
    agree_where_special(called(name, np.array(SPECIAL, dtype)), theirs.astype(dtype))


@DTYPES
def test_special_powers_are_those_of_the_c_library(dtype: type):
    library = ctypes.CDLL(ctypes.util.find_library("m"))
    library.pow.restype = ctypes.c_double
    library.pow.argtypes = [ctypes.c_double, ctypes.c_double]
    large = float(np.finfo(dtype).max)
    values = [*SPECIAL, 3.0, -3.0, large, -large, 1 / np.finfo(dtype).eps + 1, -1 / np.finfo(dtype).eps - 1]
    pairs = np.array([(a, b) for a in values for b in values])
    with np.errstate(over="ignore"):
        theirs = np.array([library.pow(a, b) for a, b in pairs]).astype(dtype)
    theirs[np.abs(theirs) < np.finfo(dtype).tiny] *= 0
    agree_where_special(power(*pairs.T.astype(dtype)), theirs)


@DTYPES
@pytest.mark.parametrize("name", EXACT)
def test_denormal_numbers_count_as_zero(name: str, dtype: type):
    tiny = np.finfo(dtype).tiny
    denormal, zero = np.array([tiny / 2, -tiny / 2], dtype), np.array([0.0, -0.0], dtype)
    ours = called(name, denormal)
    np.testing.assert_array_equal(np.where(np.abs(ours) < tiny, 0, ours), called(name, zero))


@DTYPES
@pytest.mark.parametrize("name", EXACT)
def test_a_value_does_not_depend_on_its_neighbours(name: str, dtype: type):
    z = np.r_[points(dtype)[::7], np.array(SPECIAL, dtype)]
    order = np.random.default_rng(0).permutation(len(z))
    np.testing.assert_array_equal(called(name, z[order]), called(name, z)[order])


ELEMENTWISE = [c for c in CHOICES if is_elementwise(c.entry) and not c.entry.by_hand]
FORMULAS = [
    choose("expr:" + text)
    for text in ("x*sin(x)", "where(x >= 1, x**2.5, 0.25*x)", "max(x, tanh(x), 0.12)", "2**x/(1 + x**4)", "pi*x")
]


FORMS = [(c, w) for c in [*ELEMENTWISE, *FORMULAS] for w in (True, False) if not w or c.entry.name in WRITTEN_OUT]


@pytest.mark.parametrize(("choice", "written_out"), FORMS, ids=lambda value: getattr(value, "text", str(value)))
def test_activations_are_numpys(choice: Choice, written_out: bool):
    z = np.r_[np.linspace(-12, 12, 481), np.random.default_rng(0).normal(size=200)]
    slope = numpy_slope(choice)
    assert slope is not None
    for dtype, tolerance in ((np.float64, 1e-13), (np.float32, 2e-6)):
        ours = applied(choice, z.astype(dtype), written_out=written_out)
        exact = (numpy_function(choice)(z.astype(dtype).astype(np.float64)), slope(z.astype(dtype).astype(np.float64)))
        for part, wanted in zip(ours, exact, strict=True):
            np.testing.assert_allclose(part, wanted, rtol=tolerance, atol=tolerance)


@DTYPES
def test_errors_of_gelu_are_under_six_units(dtype: type):
    """In the tail, too, where both value and slope are tiny: x Φ(x), and a slope that passes 0 near −0.75."""
    z = np.r_[np.linspace(-12.5, 12.5, 2001), np.random.default_rng(0).normal(size=500)].astype(dtype)
    z = z[z != 0]
    ours = applied(choose("gelu"), z, written_out=True)
    with mpmath.workdps(40):
        x = [mpmath.mpf(float(value)) for value in z]
        share, density = [mpmath.ncdf(v) for v in x], [mpmath.npdf(v) for v in x]
        values = [v * p for v, p in zip(x, share, strict=True)]
        slopes = [p + v * d for v, p, d in zip(x, share, density, strict=True)]
        # What the slope's two terms round to may be more than what is left of them.
        sizes = [p + abs(v) * d for v, p, d in zip(x, share, density, strict=True)]
        for part, exact, size in zip(ours, (values, slopes), (values, sizes), strict=True):
            errors = [abs(float(mpmath.mpf(float(a)) - b)) for a, b in zip(part, exact, strict=True)]
            units = np.spacing(np.abs(np.array([float(v) for v in size])).astype(dtype)).astype(np.float64)
            assert np.max(errors / units) < 6.0


@DTYPES
@pytest.mark.parametrize("choice", [*ELEMENTWISE, *FORMULAS], ids=lambda c: c.text)
def test_instruction_sets_give_the_same_bits(choice: Choice, dtype: type):
    z = np.r_[np.linspace(-12, 12, 97), [np.inf, -np.inf, np.nan, 1e30, -1e30, 0.0]].astype(dtype)
    both = [np.stack(applied(choice, z, kernel)) for kernel in kernels()]
    for other in both[1:]:
        np.testing.assert_array_equal(other, both[0])


def test_instruction_sets_give_functions_the_same_bits():
    both = [bits(kernel) for kernel in kernels()]
    for other in both[1:]:
        for name, values in both[0].items():
            np.testing.assert_array_equal(other[name], values, name)
