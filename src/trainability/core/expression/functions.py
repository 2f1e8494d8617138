"""The functions that a formula may call: one table.

A *primitive* has an implementation in NumPy/SciPy and in JAX, given as the path of the library's function,
and a derivative. Every other function has a *definition* in terms of primitives and ``where``. Derivatives
and definitions are formulas in ``u`` (and ``lo``, ``hi``). Adding a function is adding a row.
"""

from __future__ import annotations

from dataclasses import dataclass

MANY = 64


@dataclass(frozen=True)
class Function:
    """A row of the table: `latex` is a template in which ``{u}`` stands for the argument."""

    name: str
    latex: str = ""
    numpy: str = ""
    jax: str = ""
    derivative: str = ""
    definition: str = ""
    aliases: tuple[str, ...] = ()
    least: int = 1
    most: int = 1


def _both(name: str, latex: str, derivative: str, *aliases: str) -> Function:
    return Function(name, latex, f"numpy.{name}", f"jax.numpy.{name}", derivative, aliases=aliases)


def _upright(name: str) -> str:
    return rf"\mathrm{{{{{name}}}}}\left({{u}}\right)"


_TABLE = (
    _both("exp", "e^{{{u}}}", "exp(u)"),
    _both("expm1", r"\left(e^{{{u}}} - 1\right)", "exp(u)"),
    _both("log", r"\ln\left({u}\right)", "1 / u", "ln"),
    _both("log1p", r"\ln\left(1 + {u}\right)", "1 / (1 + u)"),
    _both("log2", r"\log_2\left({u}\right)", "1 / (u * log(2))"),
    _both("sqrt", r"\sqrt{{{u}}}", "0.5 / sqrt(u)"),
    Function(
        "abs",
        r"|{u}|",
        "numpy.abs",
        "trainability.core.expression.evaluation.absolute",
        "sign(u)",
        aliases=("fabs", "absolute"),
    ),
    _both("sign", r"\mathrm{{sign}}\left({u}\right)", "0"),
    _both("sin", r"\sin\left({u}\right)", "cos(u)"),
    _both("cos", r"\cos\left({u}\right)", "-sin(u)"),
    _both("tan", r"\tan\left({u}\right)", "1 + tan(u)**2"),
    _both("sinh", r"\sinh\left({u}\right)", "cosh(u)"),
    _both("cosh", r"\cosh\left({u}\right)", "sinh(u)"),
    _both("tanh", r"\tanh\left({u}\right)", "1 - tanh(u)**2"),
    _both("arcsin", r"\arcsin\left({u}\right)", "1 / sqrt(1 - u**2)", "asin"),
    _both("arctan", r"\arctan\left({u}\right)", "1 / (1 + u**2)", "atan"),
    _both("arcsinh", _upright("arsinh"), "1 / sqrt(1 + u**2)", "asinh"),
    Function("erf", _upright("erf"), "scipy.special.erf", "jax.scipy.special.erf", "2 / sqrt(pi) * exp(-u**2)"),
    Function("erfc", _upright("erfc"), "scipy.special.erfc", "jax.scipy.special.erfc", "-2 / sqrt(pi) * exp(-u**2)"),
    # sigmoid(-u) rather than 1 - sigmoid(u): the difference cancels for large u.
    Function(
        "sigmoid",
        r"\sigma\left({u}\right)",
        "scipy.special.expit",
        "jax.nn.sigmoid",
        "sigmoid(u) * sigmoid(-u)",
        aliases=("expit", "logistic"),
    ),
    Function(
        "softplus",
        _upright("softplus"),
        "trainability.core.expression.evaluation.softplus",
        "jax.nn.softplus",
        "sigmoid(u)",
    ),
    Function(
        "log_sigmoid",
        r"\ln\,\sigma\left({u}\right)",
        definition="-softplus(-u)",
        aliases=("logsigmoid", "log_expit"),
    ),
    Function("normal_cdf", r"\Phi\left({u}\right)", definition="erfc(-u / sqrt(2)) / 2", aliases=("ndtr",)),
    Function("normal_pdf", r"\varphi\left({u}\right)", definition="exp(-u**2 / 2) / sqrt(2 * pi)"),
    Function("square", r"\left({u}\right)^{{2}}", definition="u**2"),
    Function("relu", _upright("relu"), definition="where(u > 0, u, 0)"),
    Function(
        "clip",
        _upright("clip"),
        definition="where(u <= lo, lo, where(u >= hi, hi, u))",
        aliases=("clamp",),
        least=3,
        most=3,
    ),
    # The lowering writes these two with `where`, so that a tie takes one side.
    Function("max", r"\max\left({u}\right)", aliases=("maximum",), least=2, most=MANY),
    Function("min", r"\min\left({u}\right)", aliases=("minimum",), least=2, most=MANY),
    # Reductions over the units of a layer (the last axis), kept as an axis of length 1.
    Function("units_sum", r"\sum_{{\mathrm{{units}}}}\,{u}", "numpy.sum", "jax.numpy.sum"),
    Function("units_max", r"\max_{{\mathrm{{units}}}}\left({u}\right)", "numpy.max", "jax.numpy.max"),
)

FUNCTIONS: dict[str, Function] = {function.name: function for function in _TABLE}
FUNCTION_ALIASES: dict[str, str] = {alias: f.name for f in _TABLE for alias in f.aliases}
REDUCTIONS = frozenset({"units_sum", "units_max"})
