"""A function as a list of operations: its jaxpr, flattened, with the functions of libraries kept whole."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import jax
import numpy as np
from jax.extend import core, source_info_util

from trainability.adapters.jax.names import ACTIVATIONS, FILES, KINDS, LIBRARIES, LOSSES

_OPENED: Final = frozenset({"jit", "pjit", "closed_call", "core_call", "remat2", "checkpoint"})
"""Calls that only hold what they do together; one with a derivative of its own stays closed."""
_FUNCTIONS: Final = ACTIVATIONS.keys() | LOSSES.keys()


@dataclass(eq=False)
class Equation:
    """A primitive's application; numbers stand for its inputs and outputs.

    Attributes:
        functions: known functions that it was called in, outermost first, each with which call it was.
        kind: what larger layer it is part of, such as ``attention``; else None.
        implicit: whether NumPy's rules for unlike shapes put it in, and nobody wrote it.
        source: the traceback of where it was made.
    """

    primitive: core.Primitive
    params: Mapping[str, Any]
    inputs: Sequence[int]
    outputs: Sequence[int]
    functions: tuple[tuple[str, Any], ...] = ()
    kind: str | None = None
    implicit: bool = False
    source: Any = None


@dataclass(eq=False)
class Operation:
    """Equations that belong together: one, or a known function's.

    Attributes:
        name: of the function, else of the primitive; ``max0`` for the larger of a number and 0.
        inputs: what came from outside, in order.
        output: what is used outside; the last, if there are several.
    """

    name: str
    equations: list[Equation]
    inputs: list[int]
    output: int

    @property
    def single(self) -> Equation | None:
        """The equation of an operation that is no known function."""
        return self.equations[0] if not self.equations[0].functions else None


@dataclass(eq=False)
class Program:
    """A function with the arguments that it got; what does not lead to its answer is left out.

    Attributes:
        values: number to value: of arguments, of constants and of literals.
        parameters: name to number.
        own: number to name, of the model's further arrays.
        data: numbers of the arrays that are neither parameters nor the model's own, in order.
        root: the answer's number; of several answers the first's.
        answers: numbers of all of them.
        text: what it does, in full: two programs of the same text do the same.
        shapes, dtypes: of every number.
    """

    values: dict[int, Any]
    parameters: dict[str, int]
    own: dict[int, str]
    data: list[int]
    literals: set[int]
    root: int
    text: str
    shapes: dict[int, tuple[int, ...]]
    dtypes: dict[int, Any]
    floating: set[int]
    answers: list[int]
    equations: list[Equation] = field(default_factory=list)
    operations: list[Operation] = field(default_factory=list)

    def reached(self, start: Collection[int]) -> set[int]:
        """The numbers that depend on those of `start`, themselves included."""
        found = set(start)
        for equation in self.equations:
            if not found.isdisjoint(equation.inputs):
                found.update(equation.outputs)
        return found

    def differentiable(self, through_stops: bool = False) -> set[int]:
        """The numbers that a gradient of the answer comes back to; or would, if nobody had stopped it."""
        found = {self.root}
        for equation in reversed(self.equations):
            open_ = through_stops or equation.primitive.name != "stop_gradient"
            if open_ and not found.isdisjoint(equation.outputs):
                found.update(number for number in equation.inputs if number in self.floating)
        return found


def program(
    loss: Callable[..., Any], parameters: Mapping[str, Any], data: Sequence[Any], own: Mapping[str, Any]
) -> Program:
    """Trace ``loss(parameters, *data)``; `own` are the model's further arrays, which count as no data.

    It may answer several arrays; the first is what `Program.root` stands for.
    """
    closed = jax.make_jaxpr(loss)(dict(parameters), *data)
    flat = _Flat()
    names, leaves = sorted(parameters), jax.tree.leaves(tuple(data))
    arguments = [*(parameters[name] for name in names), *leaves]
    numbers = [flat.new(var.aval, value) for var, value in zip(closed.jaxpr.invars, arguments, strict=True)]
    constants = [flat.new(var.aval, value) for var, value in zip(closed.jaxpr.constvars, closed.consts, strict=True)]
    known = {id(value): name for name, value in own.items()}
    held = {n: known.get(id(value)) for n, value in zip(constants, closed.consts, strict=True)}
    answers = flat.inline(closed.jaxpr, constants, numbers, (), None)
    made = Program(
        values=flat.values,
        parameters=dict(zip(names, numbers, strict=False)),
        own={n: name for n, name in held.items() if name is not None},
        data=[*numbers[len(names) :], *(n for n, name in held.items() if name is None)],
        literals=flat.literals,
        root=answers[0],
        text=str(closed.jaxpr),
        shapes=flat.shapes,
        dtypes=flat.dtypes,
        floating=flat.floating,
        answers=answers,
        equations=leading_to(answers, flat.equations),
    )
    made.operations = list(operations_of(made))
    return made


def run(equations: Sequence[Equation], values: dict[int, Any], nudges: Mapping[int, Any] | None = None) -> None:
    """Evaluate the equations, writing into `values`; what is in `nudges` is added to an output as it is made.

    Where this is traced once more, an equation still comes from where it was made first.
    """
    for equation in equations:
        primitive = equation.primitive
        inputs, params = [values[n] for n in equation.inputs], primitive.get_bind_params(equation.params)
        with source_info_util.user_context(equation.source):
            answers = primitive.bind(*inputs, **params)
        for number, answer in zip(equation.outputs, answers if primitive.multiple_results else [answers], strict=True):
            values[number] = answer + nudges[number] if nudges and number in nudges else answer


class _Flat:
    """Collects the equations of a jaxpr and of those that it calls."""

    def __init__(self) -> None:
        self.values: dict[int, Any] = {}
        self.literals: set[int] = set()
        self.shapes: dict[int, tuple[int, ...]] = {}
        self.dtypes: dict[int, Any] = {}
        self.floating: set[int] = set()
        self.equations: list[Equation] = []
        self._next = itertools.count()
        self._calls = itertools.count()

    def new(self, aval: Any, value: Any = None) -> int:
        number = next(self._next)
        self.shapes[number] = tuple(getattr(aval, "shape", ()))
        self.dtypes[number] = getattr(aval, "dtype", None)
        if self.dtypes[number] is not None and jax.numpy.issubdtype(self.dtypes[number], np.floating):
            self.floating.add(number)
        if value is not None:
            self.values[number] = value
        return number

    def inline(
        self,
        jaxpr: core.Jaxpr,
        constants: Sequence[int],
        inputs: Sequence[int],
        within: tuple[tuple[str, Any], ...],
        kind: str | None,
    ) -> list[int]:
        """Append the jaxpr's equations; the numbers of its outputs."""
        env = dict(zip([*jaxpr.constvars, *jaxpr.invars], [*constants, *inputs], strict=True))

        def read(atom: Any) -> int:
            if isinstance(atom, core.Literal):
                number = self.new(atom.aval, atom.val)
                self.literals.add(number)
                return number
            return env[atom]

        for eqn in jaxpr.eqns:
            frames = _frames(eqn)
            functions = (*within, *functions_in(frames))
            numbers = [read(atom) for atom in eqn.invars]
            larger = kind or next((k for name, file in frames for pattern, k in KINDS if pattern.search(file)), None)
            inner = eqn.params.get("jaxpr") or eqn.params.get("call_jaxpr")
            called = _called(inner)
            if called is not None and called[0] in _FUNCTIONS and LIBRARIES.search(called[1]):
                functions = (*functions, (called[0], next(self._calls)))
            if eqn.primitive.name in _OPENED and inner is not None:
                body, consts = (inner.jaxpr, inner.consts) if isinstance(inner, core.ClosedJaxpr) else (inner, ())
                held = [self.new(var.aval, value) for var, value in zip(body.constvars, consts, strict=True)]
                env.update(zip(eqn.outvars, self.inline(body, held, numbers, functions, larger), strict=True))
                continue
            made = [self.new(var.aval) for var in eqn.outvars]
            env.update(zip(eqn.outvars, made, strict=True))
            implicit = eqn.primitive.name in ("broadcast_in_dim", "reshape") and any(
                name in ("ufunc.__call__", "promote_shapes") for name, _ in frames
            )
            self.equations.append(
                Equation(
                    eqn.primitive, eqn.params, numbers, made, functions, larger, implicit, eqn.source_info.traceback
                )
            )
        return [read(atom) for atom in jaxpr.outvars]


def _called(inner: Any) -> tuple[str, str] | None:
    """Name and file of the function that a call is of."""
    info = getattr(getattr(inner, "jaxpr", inner), "debug_info", None)
    if info is None:
        return None
    name, _, place = (info.func_src_info or "").partition(" at ")
    return name, place.rpartition(":")[0]


def _frames(eqn: core.JaxprEqn) -> list[tuple[str, str]]:
    """Function and file of the frames in which an equation was made, outermost first.

    Inside of a compiled function they begin with it: JAX traces it once, wherever that was.
    """
    traceback = eqn.source_info.traceback
    return [(frame.function_name, frame.file_name) for frame in reversed(traceback.frames)] if traceback else []


def functions_in(frames: Sequence[tuple[str, str]]) -> tuple[tuple[str, Any], ...]:
    """The known functions among the frames, outermost first."""
    found = []
    for name, file in frames:
        if name in _FUNCTIONS and LIBRARIES.search(file):
            found.append((name, "frame"))
            continue
        known = next((what for pattern, what in FILES if pattern.search(file)), None)
        if known is not None:
            found.append((known, name if name.endswith(".__call__") else "frame"))
    return tuple(found)


def leading_to(answers: Collection[int], equations: Sequence[Equation]) -> list[Equation]:
    """The equations that the answers come from, in their order."""
    wanted, found = set(answers), []
    for equation in reversed(equations):
        if not wanted.isdisjoint(equation.outputs):
            found.append(equation)
            wanted.update(equation.inputs)
    return found[::-1]


def operations_of(made: Program) -> Iterator[Operation]:
    """Neighbouring equations of the same call of a known function, together; every other one alone."""
    users: dict[int, set[int]] = {number: {-1} for number in made.answers}
    for equation in made.equations:
        for number in equation.inputs:
            users.setdefault(number, set()).add(id(equation))
    for key, group in itertools.groupby(made.equations, lambda e: e.functions[0] if e.functions else e):
        equations = list(group)
        name = key[0] if isinstance(key, tuple) else _primitive(equations[0], made)
        members = {id(equation) for equation in equations}
        outputs = [n for equation in equations for n in equation.outputs]
        own = set(outputs)
        inputs = dict.fromkeys(n for equation in equations for n in equation.inputs if n not in own)
        used = [n for n in outputs if not users.get(n, set()) <= members]
        yield Operation(name, equations, list(inputs), used[-1])


def _primitive(equation: Equation, made: Program) -> str:
    name = equation.primitive.name
    if name == "max" and any(n in made.literals and np.all(np.asarray(made.values[n]) == 0) for n in equation.inputs):
        return "max0"
    return name
