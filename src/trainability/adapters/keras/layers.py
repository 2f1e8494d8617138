"""The hidden layers of a Sequential or Functional model, and the same model built anew with some of it changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import keras

from trainability.core.errors import SpecError

_WEIGHTED: Final = (
    keras.layers.Dense, keras.layers.Conv1D, keras.layers.Conv2D, keras.layers.Conv3D, keras.layers.Conv1DTranspose,
    keras.layers.Conv2DTranspose, keras.layers.Conv3DTranspose, keras.layers.SeparableConv1D,
    keras.layers.SeparableConv2D, keras.layers.DepthwiseConv1D, keras.layers.DepthwiseConv2D,
)  # fmt: skip
_ACTIVATIONS: Final[dict[type, str]] = {
    keras.layers.ReLU: "relu", keras.layers.LeakyReLU: "leaky_relu", keras.layers.ELU: "elu",
    keras.layers.PReLU: "prelu", keras.layers.Softmax: "softmax",
}  # fmt: skip
_PASSING: Final = (
    keras.layers.BatchNormalization, keras.layers.LayerNormalization, keras.layers.GroupNormalization,
    keras.layers.Dropout, keras.layers.SpatialDropout1D, keras.layers.SpatialDropout2D, keras.layers.SpatialDropout3D,
    keras.layers.MaxPooling1D, keras.layers.MaxPooling2D, keras.layers.AveragePooling1D,
    keras.layers.AveragePooling2D, keras.layers.Flatten, keras.layers.Reshape,
)  # fmt: skip
DROPOUT: Final = (
    keras.layers.Dropout, keras.layers.SpatialDropout1D, keras.layers.SpatialDropout2D, keras.layers.SpatialDropout3D,
    keras.layers.AlphaDropout,
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Weighted:
    """A layer with a kernel and the layer that is its activation: itself, a later one, or None.

    Attributes:
        name: of the activation; None for none.
    """

    layer: Any
    activation: Any
    name: str | None


@dataclass(eq=False)
class Change:
    """What becomes of a layer when the model is built anew.

    Attributes:
        settings: put over its own.
        instead: makes the layer that takes its place; None keeps it.
        after: make layers that follow it.
    """

    settings: dict[str, Any] = field(default_factory=dict)
    instead: Callable[[], Any] | None = None
    after: list[Callable[[], Any]] = field(default_factory=list)


def leaves(model: Any) -> Iterator[Any]:
    """The model's layers in order, those of inner models in their place."""
    for layer in model.layers:
        if is_model(layer):
            yield from leaves(layer)
        else:
            yield layer


def weighted(model: Any) -> list[Weighted]:
    """The layers with a kernel in order, the output layer last."""
    order, found = list(leaves(model)), []
    for place, layer in enumerate(order):
        if isinstance(layer, _WEIGHTED):
            own = activation_name(layer)
            after = None if own else _following(order[place + 1 :])
            found.append(Weighted(layer, layer if own else after, own or (activation_name(after) if after else None)))
    return found


def activation_name(layer: Any) -> str | None:
    """The activation that a layer applies; None for none."""
    for kind, name in _ACTIVATIONS.items():
        if isinstance(layer, kind):
            return name
    name = getattr(getattr(layer, "activation", None), "__name__", None)
    return None if name == "linear" else name


def is_activation(layer: Any) -> bool:
    """Whether a layer does nothing but apply an activation."""
    return isinstance(layer, (keras.layers.Activation, *_ACTIVATIONS))


def _following(later: list[Any]) -> Any:
    for layer in later:
        if is_activation(layer):
            return layer
        if not isinstance(layer, _PASSING):
            return None
    return None


def is_model(layer: Any) -> bool:
    return isinstance(layer, keras.Sequential) or hasattr(layer, "_nodes_by_depth")


def rebuilt(model: Any, changes: dict[int, Change]) -> Any:
    """The model anew, with new weights, each layer changed as `changes` says by its id.

    Raises:
        SpecError: it is neither Sequential nor Functional.
    """
    if not is_model(model):
        raise SpecError(
            f"this {type(model).__name__} is neither Sequential nor Functional: its layers stay as they are"
        )

    def anew(layer: Any) -> Any:
        if is_model(layer):
            return rebuilt(layer, changes)
        change = changes.get(id(layer), Change())
        if change.instead is not None:
            return change.instead()
        return type(layer).from_config(layer.get_config() | change.settings)

    if isinstance(model, keras.Sequential):
        parts = [keras.Input(batch_shape=model.input_shape, dtype=model.inputs[0].dtype)]
        for layer in model.layers:
            parts += [anew(layer), *(make() for make in changes.get(id(layer), Change()).after)]
        return keras.Sequential(parts, name=model.name)

    olds: dict[int, Any] = {}

    def clone(layer: Any) -> Any:
        made = anew(layer)
        olds[id(made)] = layer
        return made

    def call(layer: Any, *args: Any, **kwargs: Any) -> Any:
        answer = layer(*args, **kwargs)
        for make in changes.get(id(olds.get(id(layer))), Change()).after:
            answer = make()(answer)
        return answer

    return keras.models.clone_model(model, clone_function=clone, call_function=call)
