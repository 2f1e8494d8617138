"""What the libraries' doors share: how a weight is drawn, and which of a kernel's axes meet in one pre-activation."""

from __future__ import annotations

import importlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from trainability.core.errors import SpecError

Draw: TypeAlias = Literal["normal", "uniform", "truncated_normal", "orthogonal"]
Part: TypeAlias = Literal["weight", "bias"]


@dataclass(frozen=True)
class Deviations:
    """A weight has the deviation gain / √fan_in, a bias `bias`."""

    gain: float
    bias: float


@dataclass(frozen=True)
class Kernel:
    """How a kernel is drawn as a matrix, whose rows are the inputs that meet in one pre-activation.

    Attributes:
        order: of the kernel's axes, the inputs' first. inputs: how many of them are inputs'.
        share: of the inputs that meet in one pre-activation: with a stride, a transposed convolution leaves some out.
    """

    order: tuple[int, ...]
    inputs: int
    share: float = 1.0

    def matrix(self, shape: Sequence[int]) -> tuple[int, int]:
        """Rows and columns for a kernel of that shape."""
        return (
            math.prod(shape[axis] for axis in self.order[: self.inputs]),
            math.prod(shape[axis] for axis in self.order[self.inputs :]),
        )

    def place(self, drawn: Any, shape: Sequence[int]) -> Any:
        """The matrix, an array of any library that transposes as NumPy's do, as a kernel of that shape."""
        back = sorted(range(len(self.order)), key=self.order.__getitem__)
        turned = drawn.reshape(tuple(shape[axis] for axis in self.order)).transpose(tuple(back))
        return turned / math.sqrt(self.share)


def dense(dimensions: int) -> Kernel:
    """Inputs first and units on the last axis, as dense layers and convolutions have them."""
    return Kernel(tuple(range(dimensions)), dimensions - 1)


def transposed(dimensions: int, strides: Sequence[int]) -> Kernel:
    """Units before inputs, as some transposed convolutions have them."""
    order = (*range(dimensions - 2), dimensions - 1, dimensions - 2)
    return Kernel(order, dimensions - 1, 1 / math.prod(strides))


def summed(equation: str) -> Kernel:
    """That of an equation such as ``abc,cde->abde``: the kernel's axes that are missing in the answer are summed."""
    operands, answer = equation.replace(" ", "").split("->")
    kernel = operands.split(",")[1]
    axes = [axis for axis, letter in enumerate(kernel) if letter not in answer]
    rest = [axis for axis in range(len(kernel)) if axis not in axes]
    return Kernel((*axes, *rest), len(axes))


def places(strides: Any, dimensions: int) -> tuple[int, ...]:
    """A stride for each dimension, from what layers take."""
    return (strides or 1,) * dimensions if strides is None or isinstance(strides, int) else tuple(strides)


def imported(name: str) -> Any:
    """The library of that name.

    Raises:
        SpecError: it is not installed.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise SpecError(f"{name} is not installed, or cannot be imported here: {error}") from None
