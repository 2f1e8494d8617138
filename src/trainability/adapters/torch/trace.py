"""One forward pass as a list of operations, with their tensors."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import torch
from torch.overrides import TorchFunctionMode

from trainability.adapters.torch.names import ACTIVATIONS, LAYERS, LEAVING, LOSSES

if TYPE_CHECKING:
    from trainability.adapters.torch.evaluations import Evaluations
    from trainability.adapters.torch.loss_value import LossValue

OTHERS: Final = 4
"""Updates of other models over which operations are kept: a generator's answers wait for a few of its critic's."""
MOST: Final = 1 << 30
"""Bytes that may be kept of calls that no update follows."""


@dataclass(eq=False)
class Operation:
    """A call of a torch function.

    Attributes:
        name: the function's short name.
        function: the function itself, with `arguments` and `keywords` as it was called.
        output: the first tensor that came out.
        before: what an activation got, where it wrote its answer over it.
    """

    name: str
    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    keywords: dict[str, Any]
    output: torch.Tensor
    before: torch.Tensor | None = None

    def tensors(self) -> Iterator[torch.Tensor]:
        """The tensors that went in, also those in lists."""
        return tensors_in(self.arguments, self.keywords)

    @property
    def input(self) -> torch.Tensor:
        """What an activation got."""
        return self.before if self.before is not None else next(self.tensors())


def tensors_in(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Iterator[torch.Tensor]:
    """The tensors among a call's arguments, also those in lists."""
    for value in (*args, *kwargs.values()):
        if isinstance(value, torch.Tensor):
            yield value
        elif isinstance(value, list | tuple):
            yield from (part for part in value if isinstance(part, torch.Tensor))


class Trace(TorchFunctionMode):
    """While it is entered and `recording`, every torch function that Python calls is written down, and done as ever.

    Losses that are not for training go to `evaluations` instead.

    Attributes:
        unrecorded: parameters of layers that were called where PyTorch records no gradient, by id.
        left: tensors whose numbers were taken out of PyTorch, to NumPy or Python.
        refused: the arguments of the last loss if it raised an error: its function's name, args and kwargs.
    """

    def __init__(self, evaluations: Evaluations | None = None, value: LossValue | None = None) -> None:
        super().__init__()
        self.evaluations, self.value = evaluations, value
        self.recording = False
        self._above: int | None = None
        self.operations: list[Operation] = []
        self.unrecorded: dict[int, torch.Tensor] = {}
        self.left: list[torch.Tensor] = []
        self.refused: tuple[str, tuple[Any, ...], dict[str, Any]] | None = None
        self._bytes = 0
        self._marks: list[int] = []

    def suspend(self) -> None:
        """Be no longer entered for a while, wherever in the stack of modes this one is."""
        above: list[Any] = []
        while torch._C._len_torch_function_stack():
            mode = torch._C._pop_torch_function_stack()
            if mode is self:
                self._above = len(above)
                break
            above.append(mode)
        for mode in reversed(above):
            torch._C._push_on_torch_function_stack(mode)

    def resume(self) -> None:
        """Be entered again, under as many modes as before; nothing if it is not suspended."""
        if self._above is None:
            return
        above = [
            torch._C._pop_torch_function_stack() for _ in range(min(self._above, torch._C._len_torch_function_stack()))
        ]
        torch._C._push_on_torch_function_stack(self)
        for mode in reversed(above):
            torch._C._push_on_torch_function_stack(mode)
        self._above = None

    def clear(self) -> None:
        """Forget what was written down."""
        self.operations.clear()
        self.unrecorded.clear()
        self.left.clear()
        self._marks.clear()
        self._bytes = 0

    def updated_another(self) -> None:
        """Another model took a step: forget what was done before the last few of them.

        Without this a model that is only used, such as a frozen one inside a loss, would be kept with all that it did.
        """
        self._marks.append(len(self.operations))
        if len(self._marks) > OTHERS:
            first = self._marks[0]
            del self.operations[:first]
            self._marks = [mark - first for mark in self._marks[1:]]
            self.left.clear()

    def called(self) -> None:
        """The model answered: forget the older half of its calls where these hold much memory and no update follows."""
        if self._bytes > MOST:
            del self.operations[: len(self.operations) // 2]
            self.left.clear()
            self._marks.clear()
            self._bytes //= 2

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        name = getattr(func, "__name__", "")
        lossy = name in LOSSES
        before = self._written_over(name, args, kwargs) if self.recording and not lossy else None
        if lossy:
            self.refused = name, args, kwargs
        result = func(*args, **kwargs)  # here alone: PyTorch's own traces tell calls apart by their place
        if lossy:
            self.refused = None
            self._loss(args, kwargs, result)
        if self.recording:
            self._take(name, func, args, kwargs, result, before)
        return result

    def _written_over(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> torch.Tensor | None:
        """What an activation gets that it will write its answer over."""
        if name not in ACTIVATIONS or not args or not torch.is_grad_enabled() or not isinstance(args[0], torch.Tensor):
            return None
        in_place = name.endswith("_") or kwargs.get("inplace") or any(a is True for a in args)
        return args[0].detach().clone() if in_place else None

    def _loss(self, args: tuple[Any, ...], kwargs: dict[str, Any], answer: Any) -> None:
        if self.value is not None:
            self.value.computed(answer)
        if self.evaluations is not None and self.evaluations.evaluating:
            self.evaluations.loss(args, kwargs, answer)

    def _take(
        self, name: str, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], result: Any,
        before: torch.Tensor | None,
    ) -> None:  # fmt: skip
        """Write down what was done, or that it is beside what gradients follow."""
        if name in LEAVING or not torch.is_grad_enabled():
            given = list(tensors_in(args, kwargs))
            if torch.is_grad_enabled():
                self.left += given[:1]
            elif name in LAYERS:
                weights = [one for tensor in given for one in (tensor, tensor._base)]
                self.unrecorded.update((id(one), one) for one in weights if isinstance(one, torch.nn.Parameter))
            return
        if name == "__get__":  # a property, such as .data
            name = getattr(getattr(func, "__self__", None), "__name__", name)
        output = result[0] if isinstance(result, tuple) and result else result
        if isinstance(output, torch.Tensor):
            self.operations.append(Operation(name, func, args, kwargs, output, before))
            self._bytes += output.nbytes if output.layout is torch.strided else 0


def leading_to(root: torch.Tensor, operations: Sequence[Operation]) -> list[Operation]:
    """The operations that `root` was computed by, in their order.

    An operation that writes over its input gives back the same tensor: whatever made that one earlier belongs to them.
    """
    wanted, found = {id(root)}, []
    for operation in reversed(operations):
        if id(operation.output) in wanted:
            found.append(operation)
            wanted.update(id(tensor) for tensor in operation.tensors())
    return found[::-1]
