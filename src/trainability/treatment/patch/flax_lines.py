"""What to write into a Flax NNX program where the place is not known."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from trainability.treatment.patch.flax_places import USUAL
from trainability.treatment.patch.keras_lines import scale_inputs, targets_scaled
from trainability.treatment.patch.numbers import number
from trainability.treatment.patch.torch_lines import Lines, batch, epochs


def _wiring(value: str) -> Lines:
    return (
        "import optax",
        "from flax import nnx",
        "model.train()",
        "# over every parameter; layers in a plain list: self.layers = nnx.List(layers)",
        "optimizer = nnx.Optimizer(model, optax.adam(0.001), wrt=nnx.Param)",
    )


def _scale_targets(value: str) -> Lines:
    return *targets_scaled(), "answers = model(x_validation) * deviation + mean"


def _activation(value: str) -> Lines:
    return (
        "from flax import nnx",
        "# in the place of every hidden activation, and after every hidden layer that has none:",
        f"activation = nnx.{value}",
    )


def _output(value: str) -> Lines:
    return (
        "import optax",
        "# take the activation after the last layer out; the loss of answers and targets, by the targets:",
        "loss = optax.sigmoid_binary_cross_entropy  # 0 or 1, of the shape of the answers",
        "loss = optax.softmax_cross_entropy_with_integer_labels  # classes as numbers",
        "loss = optax.softmax_cross_entropy  # classes as rows of one 1",
        "loss = optax.squared_error  # numbers, of the shape of the answers",
        "# each gives one value a sample: train on loss(answers, targets).mean()",
    )


def _normalize(value: str) -> Lines:
    name = "LayerNorm" if value == "layer" else "BatchNorm"
    return (
        "from flax import nnx",
        "# in the model's __init__, one before every hidden activation; units: of the layer before it",
        f"normalization = nnx.{name}(units, rngs=nnx.Rngs(0))",
    )


def _dropout(value: float) -> Lines:
    more = f"# where there is none: nnx.Dropout({number(value)}, rngs=nnx.Rngs(0)) after every hidden activation"
    return (
        "from flax import nnx",
        "for _, module in nnx.iter_graph(model):",
        "    if isinstance(module, nnx.Dropout):",
        f"        module.rate = {number(value)}",
        *([more] if value else []),
    )


def _initialize(value: str) -> Lines:
    return (
        "import trainability",
        "# of every layer: kernel_init and bias_init; the activation is that of the hidden layers",
        'kernel_init = trainability.init_("flax", activation="relu")',
        'bias_init = trainability.init_("flax", activation="relu", part="bias")',
    )


def _transformation(text: str) -> Lines:
    return "import optax", "# for nnx.Optimizer(model, transformation, wrt=nnx.Param)", f"transformation = {text}"


def _optimizer(value: str) -> Lines:
    name, rate = USUAL[value]
    return _transformation(f"optax.{name}({rate!r}{', momentum=0.9' if value == 'sgd' else ''})")


def _decay(value: float) -> Lines:
    if value == 0:
        return ("# take out weight_decay=… and optax.add_decayed_weights(…)",)
    return _transformation(f"optax.chain(optax.add_decayed_weights({number(value)}), transformation)")


def _rate(value: float) -> Lines:
    return _transformation(f"optax.chain(transformation, optax.scale({number(value)}))")


def _clip(value: float) -> Lines:
    return _transformation(f"optax.chain(optax.clip_by_global_norm({float(value)!r}), transformation)")


def _schedule(value: str) -> Lines:
    if value == "constant":
        return ("# give the optimiser a number as its learning_rate",)
    made = {
        "cosine": "optax.cosine_decay_schedule(rate, steps)",
        "warmup": "optax.linear_schedule(0.0, rate, max(1, steps // 10))",
    }[value]
    return (
        "import optax",
        "steps = epochs * -(-len(x_train) // batch_size)",
        "# in the place of the optimiser's learning_rate, which is `rate` here",
        f"schedule = {made}",
    )


LINES: Final[Mapping[str, Callable[[Any], Lines]]] = {
    "wiring": _wiring, "scale_inputs": scale_inputs, "scale_targets": _scale_targets, "activation": _activation,
    "output": _output, "normalize": _normalize, "dropout": _dropout, "initialize": _initialize,
    "optimizer": _optimizer, "decay": _decay, "rate": _rate, "batch": batch, "epochs": epochs, "clip": _clip,
    "schedule": _schedule,
}  # fmt: skip
