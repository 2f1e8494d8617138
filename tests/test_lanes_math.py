"""The lanes kernel's elementary functions against exact values, and its activations against NumPy's."""

from __future__ import annotations

import dataclasses

import mpmath
import numpy as np
import pytest

from tests.activation_choices import CHOICES
from trainability.activations import choose, is_elementwise, numpy_function, numpy_slope
from trainability.core.catalogue import Choice
from trainability.engine.lanes import unavailable
from trainability.engine.lanes.formulas import WRITTEN_OUT, formula_of
from trainability.engine.lanes.library import kernels, load

pytestmark = pytest.mark.skipif(bool(unavailable()), reason=unavailable())

EXACT = {
    "exp": mpmath.exp,
    "expm1": mpmath.expm1,
    "log": mpmath.log,
    "log1p": mpmath.log1p,
    "sqrt": mpmath.sqrt,
    "tanh": mpmath.tanh,
    "sigmoid": lambda x: mpmath.exp(x) / (1 + mpmath.exp(x)),
    "softplus": lambda x: mpmath.log1p(mpmath.exp(x)),
    "sin": mpmath.sin,
    "cos": mpmath.cos,
    "erf": mpmath.erf,
    "erfc": lambda x: mpmath.erfc(x) if abs(x) < 1000 else (0 if x > 0 else 2),  # mpmath overflows
}
ULPS = {"erfc": 4.0}
"""Largest errors, in units of the last place, where they are not under 2."""

SPECIAL = {
    "exp": {-np.inf: 0.0, np.inf: np.inf, 0.0: 1.0},
    "expm1": {-np.inf: -1.0, np.inf: np.inf, 0.0: 0.0},
    "log": {0.0: -np.inf, np.inf: np.inf, -1.0: np.nan, 1.0: 0.0},
    "log1p": {-1.0: -np.inf, np.inf: np.inf, -2.0: np.nan, 0.0: 0.0},
    "sqrt": {0.0: 0.0, np.inf: np.inf, -1.0: np.nan},
    "tanh": {-np.inf: -1.0, np.inf: 1.0, 0.0: 0.0},
    "sigmoid": {-np.inf: 0.0, np.inf: 1.0, 0.0: 0.5},
    "softplus": {-np.inf: 0.0, np.inf: np.inf},
    "sin": {0.0: 0.0, np.inf: np.nan},
    "cos": {0.0: 1.0, np.inf: np.nan},
    "erf": {-np.inf: -1.0, np.inf: 1.0, 0.0: 0.0},
    "erfc": {-np.inf: 2.0, np.inf: 0.0, 0.0: 1.0},
}


def applied(choice: Choice, z: np.ndarray, kernel: str | None = None, written_out: bool = True):
    """(values, slopes) of an activation at z, by the kernel."""
    module = load(kernel)
    kind = module.Block32 if z.dtype == np.float32 else module.Block64
    padded = np.zeros(-(-len(z) // kind.lanes) * kind.lanes, z.dtype)
    padded[: len(z)] = z
    values = np.repeat(np.array(choice.values, z.dtype)[:, None], kind.lanes, axis=1)
    formula = module.Formula(*dataclasses.astuple(formula_of(choice.entry, hidden=False, written_out=written_out)))
    answer, slope = kind.apply(formula, padded.reshape(-1, kind.lanes), values.reshape(len(choice.values), kind.lanes))
    return answer.ravel()[: len(z)], slope.ravel()[: len(z)]


def _points(dtype: type) -> np.ndarray:
    rng = np.random.default_rng(3)
    info = np.finfo(dtype)
    sizes = 10.0 ** rng.uniform(np.log10(info.tiny) + 1, np.log10(info.max) - 1, 300)
    near = 10.0 ** rng.uniform(-6, 3, 900)
    return np.r_[sizes, near, -near, -sizes, rng.uniform(-3, 3, 600)].astype(dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", EXACT)
def test_errors_are_under_two_units_of_the_last_place(name: str, dtype: type):
    mpmath.mp.prec = 200
    z = _points(dtype)
    ours = applied(choose(f"expr:{name}(x)"), z)[0]
    info = np.finfo(dtype)
    worst = (0.0, 0.0)
    for x, value in zip(z, ours, strict=True):
        if x <= {"log": 0, "sqrt": 0, "log1p": -1}.get(name, -np.inf):
            assert np.isnan(value) or x == -1
            continue
        if name in ("exp", "expm1", "sigmoid", "softplus") and x > 1e5:
            continue  # mpmath would need the digits of e^1e38
        exact = EXACT[name](mpmath.mpf(float(x)))
        if abs(exact) > info.max:
            assert value == np.inf
            continue
        if abs(exact) < info.tiny:
            assert abs(value) <= info.tiny  # denormal numbers count as 0
            continue
        unit = mpmath.mpf(float(np.spacing(dtype(float(abs(exact))))))
        worst = max(worst, (float(abs(mpmath.mpf(float(value)) - exact) / unit), float(x)))
    assert worst[0] < ULPS.get(name, 2.0), worst


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", SPECIAL)
def test_special_values(name: str, dtype: type):
    z = np.array([*SPECIAL[name], np.nan], dtype)
    ours = applied(choose(f"expr:{name}(x)"), z)[0]
    np.testing.assert_array_equal(ours, np.array([*SPECIAL[name].values(), np.nan], dtype))


ELEMENTWISE = [c for c in CHOICES if is_elementwise(c.entry) and not c.entry.by_hand]
FORMULAS = [
    choose("expr:" + text)
    for text in ("x*sin(x)", "where(x >= 1, x**2.5, 0.25*x)", "max(x, tanh(x), 0.12)", "2**x/(1 + x**4)", "pi*x")
]


@pytest.mark.parametrize("written_out", [True, False])
@pytest.mark.parametrize("choice", [*ELEMENTWISE, *FORMULAS], ids=lambda c: c.text)
def test_activations_are_numpys(choice: Choice, written_out: bool):
    if written_out and choice.entry.name not in WRITTEN_OUT:
        pytest.skip("it has no form of its own")
    z = np.r_[np.linspace(-12, 12, 481), np.random.default_rng(0).normal(size=200)]
    slope = numpy_slope(choice)
    assert slope is not None
    for dtype, tolerance in ((np.float64, 1e-13), (np.float32, 2e-6)):
        ours = applied(choice, z.astype(dtype), written_out=written_out)
        exact = (numpy_function(choice)(z.astype(dtype).astype(np.float64)), slope(z.astype(dtype).astype(np.float64)))
        for part, wanted in zip(ours, exact, strict=True):
            np.testing.assert_allclose(part, wanted, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("choice", [*ELEMENTWISE, *FORMULAS], ids=lambda c: c.text)
def test_instruction_sets_give_the_same_bits(choice: Choice, dtype: type):
    z = np.r_[np.linspace(-12, 12, 97), [np.inf, -np.inf, np.nan, 1e30, -1e30, 0.0]].astype(dtype)
    both = [np.stack(applied(choice, z, kernel)) for kernel in kernels()]
    for other in both[1:]:
        np.testing.assert_array_equal(other, both[0])
