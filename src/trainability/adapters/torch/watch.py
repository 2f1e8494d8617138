"""Watching a training loop: when to look, and what is put into the chart."""

from __future__ import annotations

import contextlib
import functools
import math
import threading
from collections.abc import Callable
from typing import Any, Final

import numpy as np
import torch
import torch.optim.optimizer as optimizers
from torch.nn.modules import module as modules

from trainability.adapters.failed import say_failed
from trainability.adapters.moments import next_moment
from trainability.adapters.record import Record
from trainability.adapters.torch.evaluations import Evaluations
from trainability.adapters.torch.gradients import Gradients
from trainability.adapters.torch.layers import seen, thinned, traced_layers
from trainability.adapters.torch.look import Look, hidden_parameters, parameters_in
from trainability.adapters.torch.loss import see_arguments, see_loss
from trainability.adapters.torch.loss_value import LossValue
from trainability.adapters.torch.penalty import penalized
from trainability.adapters.torch.reach import belongs_to, held_by, trained_another, unrecorded
from trainability.adapters.torch.trace import Operation, Trace, leading_to, tensors_in
from trainability.adapters.torch.uncompiled import uncompiled
from trainability.core.chart import Chart, Origin, ParameterFacts

_DROPOUT: Final = (torch.nn.Dropout, torch.nn.Dropout1d, torch.nn.Dropout2d, torch.nn.Dropout3d, torch.nn.AlphaDropout)


def harmless(method: Callable[..., Any]) -> Callable[..., Any]:
    """A mistake of ours is told once, and the training goes on."""

    @functools.wraps(method)
    def guarded(self: Watch, *arguments: Any) -> Any:
        if self.failed is not None or threading.get_ident() != self._thread:  # another thread's modes are its own
            return None
        try:
            return method(self, *arguments)
        except Exception as error:
            self._fail(error)
            return None

    return guarded


class Watch:
    """Watches the training of `model` while it is entered; `chart` is what was seen so far.

    The training itself is untouched: the same numbers come out, bit for bit, and nothing stays behind.

    Args:
        model: the module that is trained.
        optimizer: the one whose steps count; None for every optimiser that holds a parameter of the model.
    """

    def __init__(self, model: torch.nn.Module, optimizer: torch.optim.Optimizer | None = None):
        model = getattr(model, "_orig_mod", model)  # what torch.compile has wrapped
        self.model, self.optimizer = model, optimizer
        self.record = Record("torch")
        self._names = {id(p): name for name, p in model.named_parameters()}
        self._evaluations = Evaluations(model, self.record.validation)
        self._value = LossValue()
        self._trace = Trace(self._evaluations, self._value)
        self._gradients = Gradients(list(model.parameters()))
        self._look: Look | None = None
        self._step, self._moment = 0, 0
        self._step_losses: list[float] = []
        self._lost: float | None = None  # of a pass that brought this model nothing
        self._anothers = False  # whether that pass was another model's
        self._unreached = False
        self._before: dict[int, torch.Tensor] = {}
        self._used: set[int] = set()
        self._strangers: list[torch.nn.Parameter] = []
        self._held: set[int] = set()
        self._holders: set[int] = set()
        self._undo = contextlib.ExitStack()
        self._thread = threading.get_ident()
        self.failed: Exception | None = None

    def __enter__(self) -> Watch:
        undo, self._thread = self._undo, threading.get_ident()
        for register, hook in (
            (optimizers.register_optimizer_step_pre_hook, self._before_update),
            (optimizers.register_optimizer_step_post_hook, self._after_update),
        ):
            undo.callback(register(hook).remove)
        # Not the model's own hook: that would be copied and saved with it.
        undo.callback(modules.register_module_forward_hook(self._called).remove)
        undo.enter_context(uncompiled())
        undo.enter_context(self._value.watching_scalers())
        original = torch.autograd.backward
        torch.autograd.backward = self._watched(original)  # pyright: ignore[reportAttributeAccessIssue]
        undo.callback(setattr, torch.autograd, "backward", original)
        self._trace.__enter__()
        undo.push(self._leave_trace)
        self._trace.recording = self._step == self._moment
        return self

    def _leave_trace(self, *error: Any) -> None:
        if threading.get_ident() == self._thread:  # the modes of a thread that is over went with it
            self._trace.resume()
            self._trace.__exit__(*error)

    def __exit__(self, *_: object) -> None:
        self._undo.close()
        self._trace.clear()
        self._look = None

    # --- while it trains

    def _called(self, module: torch.nn.Module, given: tuple[Any, ...], output: Any) -> None:
        if module is self.model:
            self._answered(given, output)

    @harmless
    def _answered(self, given: tuple[Any, ...], output: Any) -> None:
        self._evaluations.called(self.model, given, output)
        self._trace.called()

    def _watched(self, backward: Callable[..., None]) -> Callable[..., None]:
        def watched(tensors: Any, *args: Any, **kwargs: Any) -> None:
            root = tensors if isinstance(tensors, torch.Tensor) else next(iter(tensors), None)
            if not isinstance(root, torch.Tensor) or not root.requires_grad:
                backward(tensors, *args, **kwargs)
                return
            with torch._C.DisableTorchFunction():  # else every look at a tensor goes through the trace
                value = self._before_backward(root)
            backward(tensors, *args, **kwargs)
            with torch._C.DisableTorchFunction():
                self._take_loss(value)

        return watched

    @harmless
    def _take_loss(self, value: float | None) -> None:
        """Count the pass's loss where it brought gradients to this model."""
        came = self._gradients.after_backward() or (self._new_parameters() and self._gradients.after_backward())
        if came and value is not None:
            self._step_losses.append(value)
        elif not came:
            self._lost = value

    @harmless
    def _before_backward(self, root: torch.Tensor) -> float | None:
        """Look at the pass if it is time; answers the loss, None if it is no scalar."""
        self._trace.resume()  # an optimiser that failed left it so
        self._evaluations.trained_on()
        self._evaluations.close(self._step)
        if self._gradients.before_backward():
            self._step_losses.clear()  # what they led to was thrown away, as between the parts of a GAN
            self._look = None
        if self._trace.recording and self._look is None:
            operations = leading_to(root, self._trace.operations)
            self._new_parameters()
            found = [tensor for operation in operations for tensor in parameters_in(operation)]
            own = any(id(tensor) in self._names for tensor in found)
            self._anothers = not own and any(isinstance(t, torch.nn.Parameter) and t.requires_grad for t in found)
            if own:  # else it is another model's
                self._find_strangers(operations)
            layers = traced_layers(operations, self._names) if own else []
            if layers:
                for layer in layers:
                    layer.keep_gradient()
                self._look = Look(root, operations, layers, self._value.scale(root))
                self._begin(self._look)
                # Before the update, which spoils the weights, too.
                if self.record.origin is None and not torch.isfinite(root.detach()).all():
                    self.record.origin = self._look.first_bad(self._names.keys(), self._step)
        if root.numel() != 1:
            return None
        value = self._value.of(root)
        if self.record.origin is None and self._look is None and not math.isfinite(value):
            self._loss_is_bad()
        return value

    def _begin(self, look: Look) -> None:
        """A pass is looked at, just before its backward pass; for those who know more of the model."""

    def _loss_is_bad(self) -> None:
        """Note a loss that is not finite although all weights are; where they are not, the next look says more."""
        sizes = [float(p.detach().abs().max()) for p in self.model.parameters() if p.numel()]
        if all(map(math.isfinite, sizes)):
            self.record.origin = Origin("loss", self._step, "forward", max(sizes))

    def _after_backward(self) -> None:
        """Notice a gradient that was left after an update and that this pass, being of this model, added to."""
        if self._left is not None and self._left[0]._version != self._left[1]:
            self.record.accumulated, self._left = True, None

    def _fail(self, error: Exception) -> None:
        """Look no more, and say why."""
        self.failed, self._look = error, None
        self._trace.recording, self._trace.evaluations, self._trace.value = False, None, None
        self._trace.resume()
        say_failed(self.model, error)

    def _new_parameters(self) -> bool:
        """Know those of layers that were replaced or added since; whether there are any."""
        new = [(name, p) for name, p in self.model.named_parameters() if id(p) not in self._names]
        for name, parameter in new:
            self._names[id(parameter)] = name
            self._gradients.add(parameter)
        return bool(new)

    def _find_strangers(self, operations: list[Operation]) -> None:
        """Note parameters that are used and not known as the model's: of layers in a plain list, or another model's."""
        used = {id(t): t for op in operations for t in parameters_in(op) if isinstance(t, torch.nn.Parameter)}
        strangers = [tensor for tensor in used.values() if id(tensor) not in self._names]
        hidden = hidden_parameters(self.model) if strangers else set()
        for tensor in strangers:
            if id(tensor) in hidden:
                self._strangers.append(tensor)
                self._names[id(tensor)] = f"not in the model {len(self._strangers)}"
            elif tensor.requires_grad and id(tensor) not in self._held:
                self.record.game |= bool(self._held)

    def _take_in(self, look: Look) -> None:
        """What a pass shows besides its layers."""
        root, operations = look.root, look.operations
        self._used |= {id(p) for op in operations for p in parameters_in(op)} & self._names.keys()
        self.record.penalized |= penalized(operations)
        inputs = self._inputs(look)
        if inputs is not None:
            self.record.see_inputs(inputs)
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

    def _inputs(self, look: Look) -> np.ndarray | None:
        return look.inputs(self._names.keys(), {id(buffer) for buffer in self.model.buffers()})

    def _counts(self, optimizer: torch.optim.Optimizer) -> bool:
        if self.optimizer is not None:
            return optimizer is self.optimizer
        held = held_by(optimizer).values()
        if any(id(p) in self._names for p in held):
            return True
        # One that has nothing to do, while a pass brought this model gradients, was meant for this model.
        return bool(self._step_losses) and all(p.grad is None for p in held)

    @harmless
    def _before_update(self, optimizer: torch.optim.Optimizer, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if not self._counts(optimizer):
            return
        if not any(map(callable, (*args[1:], *kwargs.values()))):  # with a closure the passes are still to come
            self._trace.recording = False  # what follows is ours and the optimiser's
            self._trace.suspend()
        if id(optimizer) not in self._holders or self._look is not None:
            held = held_by(optimizer).keys()
            self._holders.add(id(optimizer))
            self._held |= held
            self.record.foreign = max(self.record.foreign, len(held - self._names.keys()))
        self.record.accumulated |= bool(self._step_losses) and self._gradients.before_update()
        if self.record.origin is None and not self._gradients.finite():
            self._gradient_is_bad()
        if self._look is not None:
            self._before = {
                id(layer.weight): thinned(layer.weight, layer.units_at).clone() for layer in self._look.layers
            }
        if self._look is not None or self._trace.recording:
            settings = {
                name: float(value) for name, value in optimizer.param_groups[0].items()
                if isinstance(value, int | float) and not isinstance(value, bool)
            }  # fmt: skip
            self.record.settings.append((type(optimizer).__name__.lower(), settings))

    def _gradient_is_bad(self) -> None:
        """Note which parameter, the nearest to the loss, first got a gradient that is not finite from a finite loss."""
        if not self._step_losses or not all(map(math.isfinite, self._step_losses)):
            return
        self._new_parameters()
        gradients = [(self._names[id(p)], p.grad) for p in self.model.parameters() if p.grad is not None]
        bad = [name for name, gradient in gradients if not torch.isfinite(gradient).all()]
        sizes = [float(gradient.nan_to_num(0, 0, 0).abs().max()) for _, gradient in gradients if gradient.numel()]
        before = max([*sizes, *map(abs, self._step_losses)])
        self.record.origin = Origin(bad[-1].rpartition(".")[0] or bad[-1], self._step, "backward", before)

    @harmless
    def _after_update(self, optimizer: torch.optim.Optimizer, *_: Any) -> None:
        if not self._counts(optimizer):
            self._trace.updated_another()
            return
        self._gradients.after_update()
        if (
            self._look is not None
            and not self._step_losses
            and trained_another(self._look, self._names.keys(), held_by(optimizer))
        ):
            self._look, self._lost = None, None
            self._trace.recording = True
            self._trace.updated_another()
        elif self._step_losses or self._look is not None or self._brought_nothing(optimizer):
            if self._look is not None:
                self._measure(self._look)
            self._end_step()
            surprised = not math.isfinite(self.record.losses[-1]) and self.record.origin is None
            self._trace.recording = self._step == self._moment or surprised
        else:  # another optimiser has moved the rest in this step
            self._trace.recording = self._step == self._moment
        self._trace.resume()

    def _brought_nothing(self, optimizer: torch.optim.Optimizer) -> bool:
        """Whether this is a step after a backward pass that was meant for this model and reached none of its layers."""
        value, self._lost = self._lost, None
        held = held_by(optimizer).values()
        if value is None or self._anothers or any(p.grad is not None for p in held):
            return False
        if self._step == self._moment:
            layers = traced_layers(self._trace.operations, self._names)
            self._unreached = bool(layers)
            self.record.cut.update(dict.fromkeys(layer.name for layer in layers if layer.weight.requires_grad))
            self.record.moment(self._step, [seen(layer, layer.weight.requires_grad, None, 1.0) for layer in layers])
        if self._unreached:
            self._step_losses.append(value)
        return self._unreached

    def _end_step(self) -> None:
        losses, before = self._step_losses, self.record.losses
        # Where no gradient came through this model, the loss is the one that was seen last.
        before.append(math.fsum(losses) / len(losses) if losses else before[-1] if before else math.nan)
        self._step_losses.clear()
        self._trace.clear()
        self._lost, self._step = None, self._step + 1
        if self._step > self._moment:
            self._moment = next_moment(self._moment)

    def _measure(self, look: Look) -> None:
        self._take_in(look)
        found = []
        for layer in look.layers:
            reached = layer.weight.grad is not None and bool(layer.weight.grad.any())  # maybe by another of its calls
            if layer.gradient is None and layer.weight.requires_grad and not reached:
                self.record.cut[layer.name] = None
            trained = layer.weight.requires_grad and id(layer.weight) in self._held
            found.append(seen(layer, trained, self._before.get(id(layer.weight)), look.scale))
        for weight in unrecorded(self._trace, self._names):
            if weight.requires_grad and id(weight) in self._held:
                name = self._names[id(weight)].removesuffix(".weight")
                (self.record.unrecorded if weight.grad is None else self.record.reached)[name] = None
        self.record.moment(self._step, found)
        self._look, self._before = None, {}

    def look(self) -> None:
        """Measure after a backward pass that no update followed."""
        if self._look is not None:
            self._held |= {id(p) for p in self.model.parameters() if p.requires_grad} if not self._held else set()
            if not self._gradients.finite():
                self._gradient_is_bad()
            self._measure(self._look)
            self._end_step()

    @harmless
    def _take_refused(self) -> None:
        """Look at what a loss got that raised an error, as for a label that names no class."""
        refused, self._trace.refused = self._trace.refused, None
        if refused is None or not belongs_to(tensors_in(refused[1], refused[2]), self._names.keys()):
            return
        see_arguments(self.record.loss, *refused)

    # --- afterwards

    def chart(self) -> Chart:
        """What was seen so far."""
        self._evaluations.close(self._step)
        self._new_parameters()
        self._take_refused()
        return self.record.chart(
            [
                ParameterFacts(name, p.numel(), p.requires_grad, id(p) in self._held, id(p) in self._used)
                for name, p in ((self._names[id(p)], p) for p in (*self.model.parameters(), *self._strangers))
            ]
        )
