"""The operations of a treatment on a PyTorch recipe: one function each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

from trainability.adapters.operations import batch, epochs
from trainability.adapters.scoring import task_of
from trainability.adapters.torch.rewired import Change, Rewired
from trainability.adapters.torch.survey import Survey, survey
from trainability.core.errors import SpecError
from trainability.core.recipe import Recipe

LOOKED: Final = 64
"""Samples of the forward pass in which layers are looked for."""
_MODULES: Final[dict[str, Callable[[], nn.Module]]] = {
    "relu": nn.ReLU, "leaky_relu": nn.LeakyReLU, "elu": nn.ELU, "gelu": nn.GELU, "silu": nn.SiLU, "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
}  # fmt: skip
_DROPOUT: Final = (nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout)
_OPTIMIZERS: Final[dict[str, Callable[[Any], torch.optim.Optimizer]]] = {
    "adam": lambda parameters: torch.optim.Adam(parameters, 1e-3),
    "sgd": lambda parameters: torch.optim.SGD(parameters, 0.01, momentum=0.9),
    "rmsprop": lambda parameters: torch.optim.RMSprop(parameters, 1e-3),
}


@dataclass
class Patient:
    """A recipe that is being changed; what it starts from is the recipe as it is.

    Attributes:
        answer: from the model's output to what is scored; the identity but where an output activation was taken out.
        targets: from held-out targets to the units that the loss is in.
        clip, schedule: of the gradient's norm and of the rate; None for none.
    """

    model: nn.Module
    loss: Callable[..., Any]
    optimizer: torch.optim.Optimizer
    train: tuple[torch.Tensor, torch.Tensor]
    validation: tuple[torch.Tensor, torch.Tensor]
    epochs: int
    batch_size: int
    seed: int
    answer: Callable[[torch.Tensor], torch.Tensor] = lambda output: output
    targets: Callable[[torch.Tensor], torch.Tensor] = lambda targets: targets
    clip: float | None = None
    schedule: str | None = None
    changes: dict[int, Change] = field(default_factory=dict)
    _survey: Survey | None = None

    @classmethod
    def of(cls, recipe: Recipe, seed: int) -> Patient:
        """The recipe as it is; SpecError where it is not one of PyTorch's."""
        if not isinstance(recipe.model, nn.Module):
            raise SpecError(f"a recipe's model is a torch.nn.Module here, got {type(recipe.model).__name__}")
        optimizer = recipe.optimizer
        if callable(optimizer) and not isinstance(optimizer, torch.optim.Optimizer):
            optimizer = optimizer(recipe.model.parameters())
        if not isinstance(optimizer, torch.optim.Optimizer):
            raise SpecError(f"a recipe's optimizer is one of torch.optim, got {type(optimizer).__name__}")
        if not callable(recipe.loss):
            raise SpecError(f"a recipe's loss is a function of answers and targets, got {recipe.loss!r}")
        train, validation = (tuple(_tensor(part) for part in pair) for pair in (recipe.train, recipe.validation))
        return cls(
            recipe.model, recipe.loss, optimizer, (train[0], train[1]), (validation[0], validation[1]), recipe.epochs,
            recipe.batch_size, seed,
        )  # fmt: skip

    def look(self) -> Survey:
        """The model's layers and its loss, as the recipe has them."""
        if self._survey is None:
            x, y = self.train
            self._survey = survey(self.model, self.loss, x[:LOOKED], y[:LOOKED])
        return self._survey

    def forget(self) -> None:
        """The model has changed: look anew."""
        self._survey = None

    def change(self, place: int) -> Change:
        """What is changed at a place, to be added to."""
        return self.changes.setdefault(place, Change())

    def rewire(self) -> None:
        """Put the changes into effect; parameters that they bring are trained too."""
        if self.changes:
            self.model = Rewired(self.model, self.changes)
            added = list(self.model.added.parameters())
            if added:
                self.hold(added)

    def hold(self, parameters: list[nn.Parameter]) -> None:
        """Have the optimiser train these too, as it does its first."""
        settings = {name: value for name, value in self.optimizer.param_groups[0].items() if name != "params"}
        self.optimizer.add_param_group({**settings, "params": parameters})


def _tensor(part: Any) -> torch.Tensor:
    """A tensor as it is; of an array, numbers and labels in the types that PyTorch's models and losses have."""
    if isinstance(part, torch.Tensor):
        return part
    tensor = torch.as_tensor(part)
    return tensor.to(torch.get_default_dtype()) if tensor.is_floating_point() else tensor.long()


def _hidden(patient: Patient) -> Survey:
    seen = patient.look()
    if not seen.hidden:
        raise SpecError("this model has no hidden layer that this could be done to")
    return seen


def scale_inputs(patient: Patient, value: str) -> None:
    """Standardise every feature (of pictures, every channel) by the training inputs."""
    x, held_out = patient.train[0], patient.validation[0]
    if not x.is_floating_point():
        raise SpecError("these inputs are not numbers but indices: they cannot be scaled")
    over = (0, *range(2, x.dim())) if x.dim() > 2 else (0,)
    mean, deviation = x.mean(dim=over, keepdim=True), x.std(dim=over, keepdim=True, correction=0)
    deviation = torch.where(deviation > 0, deviation, torch.ones_like(deviation))
    patient.train = ((x - mean) / deviation, patient.train[1])
    patient.validation = ((held_out - mean) / deviation, patient.validation[1])


def scale_targets(patient: Patient, value: str) -> None:
    """Standardise the training targets and turn answers back."""
    y = patient.train[1]
    if task_of(y.numpy()) != "regression":
        raise SpecError("these targets are classes: they cannot be scaled")
    mean, deviation = y.mean(dim=0, keepdim=True), y.std(dim=0, keepdim=True, correction=0).clamp_min(1e-12)
    patient.train = (patient.train[0], (y - mean) / deviation)
    patient.targets = lambda targets: (targets - mean) / deviation
    before = patient.answer

    def back(output: torch.Tensor) -> torch.Tensor:
        a = before(output)
        return a * deviation.reshape(-1) + mean.reshape(-1) if a.dim() > 1 else a * deviation.sum() + mean.sum()

    patient.answer = back


def activation(patient: Patient, value: str) -> None:
    """Replace every hidden activation, or put one after the hidden layers that have none."""
    if all(layer.activation == value for layer in _hidden(patient).hidden):
        raise SpecError(f"the hidden activations are '{value}' already")
    for layer in _hidden(patient).hidden:
        if layer.activation_place is None:
            patient.change(layer.place).after.append(_MODULES[value]())
        else:
            patient.change(layer.activation_place).instead = _MODULES[value]()


def output(patient: Patient, value: str) -> None:
    """Take the output activation out and train with the loss of logits (or squared errors) that fits the targets."""
    seen = patient.look()
    y = patient.train[1]
    task = task_of(y.numpy())
    units = seen.output_shape[-1] if len(seen.output_shape) > 1 else 1
    if seen.last:
        patient.change(seen.last[1]).instead = lambda pre: pre
    if task == "regression":
        patient.loss = _squared
    elif units == 1:
        if y.unique().numel() > 2:
            raise SpecError(f"one output unit cannot tell {y.unique().numel()} classes apart")
        patient.loss, patient.answer = _binary, torch.sigmoid
    elif task == "binary":
        patient.loss, patient.answer = _binary, torch.sigmoid
    else:
        patient.loss, patient.answer = _classes, lambda logits: logits.softmax(dim=1 if logits.dim() > 2 else -1)


def _squared(answers: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    return F.mse_loss(answers, targets.reshape(answers.shape))


def _binary(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    return F.binary_cross_entropy_with_logits(logits, targets.reshape(logits.shape).to(logits.dtype))


def _classes(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    one_hot = targets.shape == logits.shape
    return F.cross_entropy(logits, targets if one_hot else targets.reshape(len(logits), *logits.shape[2:]).long())


def normalize(patient: Patient, value: str) -> None:
    """Normalise what goes into every hidden activation."""
    for layer in _hidden(patient).hidden:
        pictures = layer.axis == 1
        if value == "layer":
            module = nn.GroupNorm(1, layer.units) if pictures else nn.LayerNorm(layer.units)
        elif pictures or layer.dimensions == 2:
            module = {2: nn.BatchNorm1d, 3: nn.BatchNorm1d, 4: nn.BatchNorm2d, 5: nn.BatchNorm3d}[layer.dimensions](
                layer.units
            )
        else:
            raise SpecError("batch normalisation is not inserted into sequences; layer normalisation is")
        if layer.activation_place is None:
            patient.change(layer.place).after.insert(0, module)
        else:
            patient.change(layer.activation_place).before.append(module)


def wiring(patient: Patient, value: str) -> None:
    """Make every layer a part of the model, trained by the optimiser, and the model train as training does."""
    _adopt(patient.model)
    patient.forget()
    patient.model.train()
    held = {id(p) for group in patient.optimizer.param_groups for p in group["params"]}
    parameters = list(patient.model.parameters())
    for parameter in parameters:
        parameter.requires_grad_(True)
    missing = [parameter for parameter in parameters if id(parameter) not in held]
    if missing:
        patient.hold(missing)


def _adopt(model: nn.Module) -> None:
    """Turn plain lists and dictionaries of modules into such as PyTorch knows of."""
    for module in list(model.modules()):
        for name, value in list(vars(module).items()):
            if isinstance(value, list | tuple) and value and all(isinstance(part, nn.Module) for part in value):
                delattr(module, name)
                setattr(module, name, nn.ModuleList(value))
            elif (
                isinstance(value, dict)
                and not name.startswith("_")  # such as PyTorch's own _modules
                and value
                and all(isinstance(part, nn.Module) for part in value.values())
            ):
                delattr(module, name)
                setattr(module, name, nn.ModuleDict(value))


def dropout(patient: Patient, value: float) -> None:
    """Set the rate of every dropout; where there is none, put one after the hidden activations."""
    if value >= 1:
        raise SpecError(f"a rate of dropout is under 1, got {value:g}")
    found = [module for module in patient.model.modules() if isinstance(module, _DROPOUT)]
    for module in found:
        module.p = value
    if found:
        return
    if value == 0:
        raise SpecError("there is no dropout to take out")
    for layer in _hidden(patient).hidden:
        place = layer.place if layer.activation_place is None else layer.activation_place
        patient.change(place).after.append(nn.Dropout(value))


def initialize(patient: Patient, value: str) -> None:
    """Draw all weights anew at the critical point of the hidden activation; biases are 0 where theory has them so."""
    from trainability.theory import init_

    chosen = [change.instead for change in patient.changes.values() if isinstance(change.instead, nn.Module)]
    swapped = next((name for name, made in _MODULES.items() if chosen and type(chosen[0]) is made), None)
    found = swapped or next((layer.activation for layer in _hidden(patient).hidden if layer.activation), "linear")
    init_("torch", patient.model, activation=found, generator=torch.Generator().manual_seed(patient.seed))


def optimizer(patient: Patient, value: str) -> None:
    """Another optimiser at its usual rate, over the same parameters."""
    if type(patient.optimizer).__name__.lower() == value:
        raise SpecError(f"the optimiser is '{value}' already")
    patient.optimizer = _OPTIMIZERS[value]([p for group in patient.optimizer.param_groups for p in group["params"]])


def decay(patient: Patient, value: float) -> None:
    """Set every group's weight decay."""
    if all(group.get("weight_decay", 0.0) == value for group in patient.optimizer.param_groups):
        raise SpecError(f"weight decay is {value:g} already")
    for group in patient.optimizer.param_groups:
        group["weight_decay"] = value


def rate(patient: Patient, value: float) -> None:
    """Multiply every group's learning rate."""
    for group in patient.optimizer.param_groups:
        group["lr"] *= value


def clip(patient: Patient, value: float) -> None:
    """Clip the gradient's norm."""
    patient.clip = value


def schedule(patient: Patient, value: str) -> None:
    """Set a schedule of the rate; a recipe has none of its own."""
    if value == "constant":
        raise SpecError("the learning rate is constant already")
    patient.schedule = value


BY_KIND: Final[dict[str, Callable[[Patient, Any], None]]] = {
    "wiring": wiring, "scale_inputs": scale_inputs, "scale_targets": scale_targets, "activation": activation,
    "output": output, "normalize": normalize, "dropout": dropout, "initialize": initialize, "optimizer": optimizer,
    "decay": decay, "rate": rate, "batch": batch, "epochs": epochs, "clip": clip, "schedule": schedule,
}  # fmt: skip
