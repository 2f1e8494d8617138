"""The expression grammar: formulas such as ``where(x > 0, x, alpha * expm1(x))``.

The text is never executed: a parser of its own (parser.py) makes a syntax tree (nodes.py), and everything
else is a walk over that tree.
"""

from trainability.core.expression.centres import centres
from trainability.core.expression.derivative import differentiate
from trainability.core.expression.evaluation import constant, evaluate, evaluator, jax_library, numpy_library
from trainability.core.expression.functions import FUNCTION_ALIASES, FUNCTIONS, REDUCTIONS
from trainability.core.expression.guards import guard
from trainability.core.expression.kinks import kinks
from trainability.core.expression.lowering import lower
from trainability.core.expression.nodes import (
    Binary,
    Call,
    Compare,
    Name,
    Negate,
    Node,
    Number,
    Where,
    calls,
    names,
    number,
    substitute,
)
from trainability.core.expression.parser import LONGEST, Macro, parse
from trainability.core.expression.steady import steady, steady_slope
from trainability.core.expression.text import latex, unparse

__all__ = [
    "FUNCTIONS",
    "FUNCTION_ALIASES",
    "LONGEST",
    "REDUCTIONS",
    "Binary",
    "Call",
    "Compare",
    "Macro",
    "Name",
    "Negate",
    "Node",
    "Number",
    "Where",
    "calls",
    "centres",
    "constant",
    "differentiate",
    "evaluate",
    "evaluator",
    "guard",
    "jax_library",
    "kinks",
    "latex",
    "lower",
    "names",
    "number",
    "numpy_library",
    "parse",
    "steady",
    "steady_slope",
    "substitute",
    "unparse",
]
