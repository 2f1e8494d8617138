"""What to write into a PyTorch program where the place is not known."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from trainability.treatment.patch.numbers import number
from trainability.treatment.patch.torch_network import CLASSES
from trainability.treatment.patch.torch_training import USUAL

Lines = tuple[str, ...]


def _wiring(value: str) -> Lines:
    return (
        "import torch",
        "# layers that the model keeps in a plain list: self.layers = torch.nn.ModuleList(layers)",
        "model.train()",
        "for parameter in model.parameters():",
        "    parameter.requires_grad_(True)",
        'held = {id(p) for group in optimizer.param_groups for p in group["params"]}',
        "missing = [p for p in model.parameters() if id(p) not in held]",
        "if missing:",
        '    optimizer.add_param_group({"params": missing})',
    )


def _scale_inputs(value: str) -> Lines:
    return (
        "import torch",
        "over = (0, *range(2, x_train.dim())) if x_train.dim() > 2 else (0,)",
        "mean, deviation = x_train.mean(dim=over, keepdim=True), x_train.std(dim=over, keepdim=True, correction=0)",
        "deviation = torch.where(deviation > 0, deviation, torch.ones_like(deviation))",
        "x_train, x_validation = (x_train - mean) / deviation, (x_validation - mean) / deviation",
        "# and so with every input that the trained model is given",
    )


def _scale_targets(value: str) -> Lines:
    return (
        "mean = y_train.mean(dim=0, keepdim=True)",
        "deviation = y_train.std(dim=0, keepdim=True, correction=0).clamp_min(1e-12)",
        "y_train = (y_train - mean) / deviation",
        "# every answer of the trained model is turned back:",
        "answers = model(x_validation) * deviation + mean",
    )


def _activation(value: str) -> Lines:
    return (
        "import torch",
        "# in the place of every hidden activation, and after every hidden layer that has none:",
        f"activation = torch.nn.{CLASSES[value]}()",
    )


def _output(value: str) -> Lines:
    return (
        "import torch",
        "# take the activation after the last layer out; the loss, by the targets:",
        "loss = torch.nn.BCEWithLogitsLoss()  # 0 or 1; probabilities are torch.sigmoid(model(x))",
        "loss = torch.nn.CrossEntropyLoss()  # classes; probabilities are model(x).softmax(dim=-1)",
        "loss = torch.nn.MSELoss()  # numbers",
        "# give targets of 0 or 1 and numbers the shape of the answers: targets.reshape(answers.shape)",
    )


def _normalize(value: str) -> Lines:
    module = "LayerNorm(units)" if value == "layer" else "BatchNorm1d(units)"
    pictures = "GroupNorm(1, channels)" if value == "layer" else "BatchNorm2d(channels)"
    return (
        "import torch",
        "# before every hidden activation, and before the optimiser is made; units: of the layer before it",
        f"normalization = torch.nn.{module}",
        f"# after a convolution: torch.nn.{pictures}",
    )


def _dropout(value: float) -> Lines:
    return (
        "import torch",
        "for module in model.modules():",
        "    if isinstance(module, (torch.nn.Dropout, torch.nn.Dropout1d, torch.nn.Dropout2d, torch.nn.Dropout3d)):",
        f"        module.p = {number(value)}",
        *([f"# where there is none: torch.nn.Dropout({number(value)}) after every hidden activation"] if value else []),
    )


def _initialize(value: str) -> Lines:
    return (
        "import trainability",
        "# after the model is made; the activation is that of its hidden layers",
        'trainability.init_("torch", model, activation="relu")',
    )


def _optimizer(value: str) -> Lines:
    name, rate = USUAL[value]
    momentum = ", momentum=0.9" if value == "sgd" else ""
    return "import torch", f"optimizer = torch.optim.{name}(model.parameters(), lr={rate!r}{momentum})"


def _decay(value: float) -> Lines:
    return "for group in optimizer.param_groups:", f'    group["weight_decay"] = {number(value)}'


def _rate(value: float) -> Lines:
    return "for group in optimizer.param_groups:", f'    group["lr"] *= {number(value)}'


def batch(value: float) -> Lines:
    """The same for every framework."""
    return (f"batch_size = max(1, round(batch_size * {number(value)}))",)


def epochs(value: float) -> Lines:
    """The same for every framework."""
    return (f"epochs = max(1, round(epochs * {number(value)}))",)


def _clip(value: float) -> Lines:
    return (
        "import torch",
        "# between loss.backward() and optimizer.step()",
        f"torch.nn.utils.clip_grad_norm_(model.parameters(), {float(value)!r})",
    )


def _schedule(value: str) -> Lines:
    if value == "constant":
        return ("# take out what changes the rate: every torch.optim.lr_scheduler and its step()",)
    shape = {
        "cosine": "0.5 * (1 + math.cos(math.pi * min(1.0, step / steps)))",
        "warmup": "min(1.0, (step + 1) / max(1, steps // 10))",
    }[value]
    return (
        *(["import math"] if value == "cosine" else []),
        "import torch",
        "steps = epochs * -(-len(x_train) // batch_size)",
        f"schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: {shape})",
        "# after every optimizer.step(): schedule.step()",
    )


LINES: Final[Mapping[str, Callable[[Any], Lines]]] = {
    "wiring": _wiring, "scale_inputs": _scale_inputs, "scale_targets": _scale_targets, "activation": _activation,
    "output": _output, "normalize": _normalize, "dropout": _dropout, "initialize": _initialize,
    "optimizer": _optimizer, "decay": _decay, "rate": _rate, "batch": batch, "epochs": epochs, "clip": _clip,
    "schedule": _schedule,
}  # fmt: skip
