"""Watching a training loop: when to look, and what is put into the chart."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable
from typing import Any, Final

import numpy as np
import torch
import torch.optim.optimizer as optimizers

from trainability.adapters.moments import next_moment
from trainability.adapters.record import Record
from trainability.adapters.torch.evaluations import Evaluations
from trainability.adapters.torch.layers import TracedLayer, seen, traced_layers
from trainability.adapters.torch.loss import see_loss
from trainability.adapters.torch.names import LOSSES
from trainability.adapters.torch.trace import Operation, Trace, leading_to
from trainability.core.chart import Chart, Origin, ParameterFacts

_DROPOUT: Final = (torch.nn.Dropout, torch.nn.Dropout1d, torch.nn.Dropout2d, torch.nn.Dropout3d, torch.nn.AlphaDropout)


class Watch:
    """Watches the training of `model` while it is entered; `chart` is what was seen so far.

    The training itself is untouched: the same numbers come out, bit for bit, and nothing stays behind.

    Args:
        model: the module that is trained.
        optimizer: the one whose steps count; None for every optimiser that holds a parameter of the model.
    """

    def __init__(self, model: torch.nn.Module, optimizer: torch.optim.Optimizer | None = None):
        self.model, self.optimizer = model, optimizer
        self.record = Record("torch")
        self._names = {id(p): name for name, p in model.named_parameters()}
        self._evaluations = Evaluations(model, self.record.validation)
        self._trace = Trace(self._evaluations)
        self._layers: list[TracedLayer] = []
        self._step, self._moment = 0, 0
        self._step_losses: list[torch.Tensor] = []
        self._before: dict[int, torch.Tensor] = {}
        self._used: set[int] = set()
        self._strangers: list[torch.nn.Parameter] = []
        self._held: set[int] = set()
        self._left: tuple[torch.Tensor, int] | None = None
        self._undo = contextlib.ExitStack()

    def __enter__(self) -> Watch:
        undo = self._undo
        for register, hook in (
            (optimizers.register_optimizer_step_pre_hook, self._before_update),
            (optimizers.register_optimizer_step_post_hook, self._after_update),
        ):
            undo.callback(register(hook).remove)
        undo.callback(self.model.register_forward_hook(self._evaluations.called).remove)
        original = torch.autograd.backward
        torch.autograd.backward = self._watched(original)  # pyright: ignore[reportAttributeAccessIssue]
        undo.callback(setattr, torch.autograd, "backward", original)
        undo.enter_context(self._trace)
        self._trace.recording = self._step == self._moment
        return self

    def __exit__(self, *_: object) -> None:
        self._undo.close()
        self._trace.operations.clear()
        self._layers.clear()

    # --- while it trains

    def _watched(self, backward: Callable[..., None]) -> Callable[..., None]:
        def watched(tensors: Any, *args: Any, **kwargs: Any) -> None:
            root = tensors if isinstance(tensors, torch.Tensor) else next(iter(tensors), None)
            if isinstance(root, torch.Tensor) and root.requires_grad:
                self._before_backward(root)
            backward(tensors, *args, **kwargs)
            self._after_backward()

        return watched

    def _before_backward(self, root: torch.Tensor) -> None:
        self._evaluations.trained_on()
        self._evaluations.close(self._step)
        if root.numel() == 1:
            self._step_losses.append(root.detach().reshape(()))
        if self._left is not None:
            gradient, version = self._left
            if not any(p.grad is gradient and gradient._version == version for p in self.model.parameters()):
                self._left = None
        if not self._trace.recording:
            return
        operations = leading_to(root, self._trace.operations)
        if not any(id(tensor) in self._names for operation in operations for tensor in parameters_in(operation)):
            others = {id(operation) for operation in operations}  # another model's
            self._trace.operations = [one for one in self._trace.operations if id(one) not in others]
            return
        self._trace.recording = False  # what follows is ours and the optimiser's
        self._find_strangers(operations)
        self._layers = traced_layers(operations, self._names)
        for layer in self._layers:
            layer.keep_gradient()
        self._look_at(root, operations)

    def _after_backward(self) -> None:
        """Notice a gradient that was left after an update and that this pass, being of this model, added to."""
        if self._left is not None and self._left[0]._version != self._left[1]:
            self.record.accumulated, self._left = True, None

    def _find_strangers(self, operations: list[Operation]) -> None:
        """Note parameters that are used and that the model does not know, as those of layers in a plain list."""
        for operation in operations:
            for tensor in parameters_in(operation):
                if isinstance(tensor, torch.nn.Parameter) and id(tensor) not in self._names:
                    self._strangers.append(tensor)
                    self._names[id(tensor)] = f"not in the model {len(self._strangers)}"

    def _look_at(self, root: torch.Tensor, operations: list[Operation]) -> None:
        self._used |= {id(p) for op in operations for p in parameters_in(op)} & self._names.keys()
        inputs = self._inputs(operations)
        if inputs is not None:
            self.record.inputs.add(inputs)
        targets = see_loss(self.record.loss, root, operations)
        if inputs is not None and targets is not None:
            self.record.pairs.add(inputs, targets, self.record.loss.labels)
        for name, module in self.model.named_modules():
            norm = isinstance(module, torch.nn.modules.batchnorm._BatchNorm)
            if isinstance(module, _DROPOUT):
                self.record.dropout = max(self.record.dropout, module.p if module.training else 0.0)
            if not module.training and (norm or (isinstance(module, _DROPOUT) and module.p > 0)):
                self.record.evaluating.add(name)
        for operation in operations:
            if operation.name == "batch_norm" and operation.input.shape[0] == 1:
                self.record.normalized_one.add("batch_norm")
        if self.record.origin is None and not torch.isfinite(root.detach()).all():
            self.record.origin = self._first_bad(operations)

    def _inputs(self, operations: list[Operation]) -> np.ndarray | None:
        """What the first parameter meets: the model's input after whatever was done to it without parameters."""
        own = self._names.keys() | {id(buffer) for buffer in self.model.buffers()}
        for operation in operations:
            if not any(id(tensor) in self._names for tensor in parameters_in(operation)):
                continue
            fed = [tensor for tensor in operation.tensors() if id(tensor) not in own and tensor.dim() > 0]
            fed = [t for t in fed if t._base is None or id(t._base) not in own]
            if fed and not fed[0].requires_grad:
                return fed[0].detach().to("cpu", torch.float64).numpy() if fed[0].is_floating_point() else None
        return None

    def _first_bad(self, operations: list[Operation]) -> Origin:
        """The first operation that answers something that is not finite."""
        name = "inputs"
        by_operation = {id(layer.operation): layer.name for layer in self._layers}
        for operation in operations:
            name = by_operation.get(id(operation), name)
            if not operation.output.is_floating_point() or torch.isfinite(operation.output.detach()).all():
                continue
            tensors = [t.detach() for t in operation.tensors() if t.is_floating_point() and t.numel()]
            bad = [t for t in tensors if not torch.isfinite(t).all()]
            largest = max((float(t.abs().nan_to_num(0, 0, 0).max()) for t in tensors), default=math.nan)
            weights = bad and any(id(p) in self._names for p in parameters_in(operation))
            direction = "weights" if weights else "inputs" if bad and name == "inputs" else "forward"
            if operation.name in LOSSES and direction == "forward":
                direction = "loss"
            return Origin(name, self._step, direction, largest)
        return Origin(name, self._step, "loss", math.nan)

    def _counts(self, optimizer: torch.optim.Optimizer) -> bool:
        if self.optimizer is not None:
            return optimizer is self.optimizer
        return any(id(p) in self._names for group in optimizer.param_groups for p in group["params"])

    def _before_update(self, optimizer: torch.optim.Optimizer, *_: Any) -> None:
        if not self._counts(optimizer):
            return
        held = {id(p) for group in optimizer.param_groups for p in group["params"]}
        self._held |= held
        self.record.foreign = max(self.record.foreign, len(held - self._names.keys()))
        if self._layers:
            self._before = {id(layer.weight): layer.weight.detach().clone() for layer in self._layers}
            settings = {
                name: float(value) for name, value in optimizer.param_groups[0].items()
                if isinstance(value, int | float) and not isinstance(value, bool)
            }  # fmt: skip
            self.record.settings.append((type(optimizer).__name__.lower(), settings))

    def _after_update(self, optimizer: torch.optim.Optimizer, *_: Any) -> None:
        if not self._counts(optimizer):
            return
        if self._layers:
            self._measure()
        losses = [float(loss) for loss in self._step_losses]
        self.record.losses.append(math.fsum(losses) / len(losses) if losses else math.nan)
        self._step_losses.clear()
        self._trace.operations.clear()
        kept = next((p.grad for p in self.model.parameters() if p.grad is not None and id(p) in self._held), None)
        self._left = None if kept is None else (kept, kept._version)
        self._step += 1
        if self._step > self._moment:
            self._moment = next_moment(self._moment)
        surprised = not math.isfinite(self.record.losses[-1]) and self.record.origin is None
        self._trace.recording = self._step == self._moment or surprised

    def _measure(self) -> None:
        found = []
        for layer in self._layers:
            if layer.gradient is None and layer.weight.requires_grad:
                self.record.cut[layer.name] = None
            trained = layer.weight.requires_grad and id(layer.weight) in self._held
            found.append(seen(layer, trained, self._before.get(id(layer.weight))))
        self.record.moment(self._step, found)
        self._layers = []
        self._before = {}

    def look(self) -> None:
        """Measure after a backward pass that no update followed."""
        if self._layers:
            self._held |= {id(p) for p in self.model.parameters() if p.requires_grad} if not self._held else set()
            self._measure()
            self.record.losses += [float(loss) for loss in self._step_losses]
            self._step_losses.clear()

    # --- afterwards

    def chart(self) -> Chart:
        """What was seen so far."""
        self._evaluations.close(self._step)
        return self.record.chart(
            [
                ParameterFacts(name, p.numel(), p.requires_grad, id(p) in self._held, id(p) in self._used)
                for name, p in ((self._names[id(p)], p) for p in (*self.model.parameters(), *self._strangers))
            ]
        )


def parameters_in(operation: Operation) -> list[torch.Tensor]:
    """The tensors that went in, and what they are views of: a transposed weight is a view of the weight."""
    return [one for tensor in operation.tensors() for one in (tensor, tensor._base) if one is not None]
