"""What can be read off a Keras model without running it, and what its loss got."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np

from trainability.adapters.keras.names import REDUCTIONS, SETTINGS, SPARSE, function_name, loss_of, several_losses
from trainability.adapters.record import Record
from trainability.core.chart import LossKind

Values = Callable[[Any], Any]
"""A variable to its value now: within a step of JAX the variables themselves hold none."""


def layers_of(model: Any) -> Iterator[Any]:
    """The model and every layer in it, those in layers too."""
    yield from model._flatten_layers(include_self=True, recursive=True)


def parameters_of(model: Any) -> dict[str, Any]:
    """Name to variable of everything that can be trained, frozen or not, but for statistics and random states."""
    found: dict[str, Any] = {}
    for layer in layers_of(model):
        for variable in layer._trainable_variables:
            if not any(variable is other for other in found.values()):
                found[name_of(model, variable)] = variable
    return found


def name_of(model: Any, variable: Any) -> str:
    """A variable's path without the model's own name, such as ``dense.kernel``."""
    return variable.path.removeprefix(f"{model.name}/").replace("/", ".")


def kinds_of(model: Any) -> dict[str, str]:
    """Name of a parameter to the kind of its layer, for those that an operation alone does not tell."""
    kinds = {}
    for layer in layers_of(model):
        kind = "attention" if isinstance(layer, _ATTENTION) else "recurrent" if isinstance(layer, _RECURRENT) else None
        if kind is not None:
            kinds |= {name_of(model, variable): kind for variable in layer.weights}
    return kinds


_ATTENTION = (keras.layers.MultiHeadAttention, keras.layers.GroupQueryAttention)
_RECURRENT = (keras.layers.RNN,)
DROPOUT = tuple(
    getattr(keras.layers, name)
    for name in ("Dropout", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D", "AlphaDropout")
)


def see_layers(model: Any, record: Record, batch: int) -> None:
    """Note dropout, and normalisations that do not look at the batch, or look at one sample."""
    for layer in layers_of(model):
        if isinstance(layer, DROPOUT):
            record.dropout = max(record.dropout, float(layer.rate))
        if isinstance(layer, keras.layers.BatchNormalization):
            if not layer.trainable:
                record.evaluating.add(layer.name)
            elif batch == 1:
                record.normalized_one.add(layer.name)


def see_inputs(record: Record, fed: np.ndarray | None, x: Any) -> bool:
    """Take in what the first parameter met; whether that is what the model was given."""
    if fed is None or not fed.ndim:
        return False
    record.see_inputs(fed)
    given = array(next((part for part in keras.tree.flatten(x) if part is not None), None))
    return given is not None and given.shape == fed.shape and np.allclose(given, fed, 1e-5, 1e-6, equal_nan=True)


def see_loss(
    model: Any, record: Record, known: tuple[str, LossKind], y: Any, y_pred: Any, last: str | None,
    fed: np.ndarray | None,
) -> None:  # fmt: skip
    """Take in what the loss of a step got, which is one of Keras' own.

    Args:
        known: its name and kind.
        last: the activation that the answers went through just before.
        fed: what the first parameter met.
    """
    target, output = (array(next(iter(keras.tree.flatten(part)), None)) for part in (y, y_pred))
    if output is None:
        return
    seen = record.loss
    seen.name, seen.kind = known
    seen.reduction = REDUCTIONS.get(str(loss_of(model).reduction), "none")
    seen.last = last
    target = None if target is None else as_compared(target, output.shape)
    seen.alone = not several_losses(model)
    seen.add(output, target, takes_labels(model))
    if fed is not None and target is not None:
        record.pairs.add(fed, target, seen.labels)


def takes_labels(model: Any) -> bool:
    """Whether the loss takes whole numbers for classes."""
    return function_name(loss_of(model)) == SPARSE


def as_compared(target: np.ndarray, output: tuple[int, ...]) -> np.ndarray:
    """Targets of the rank that Keras gives them before it compares them with answers of shape `output`."""
    if target.ndim == len(output) and target.shape[-1:] == (1,) and output[-1:] != (1,):
        return target[..., 0]  # a column of labels
    if target.ndim == len(output) + 1 and target.shape[-1:] == (1,):
        return target[..., 0]
    if target.ndim == len(output) - 1 and output[-1:] == (1,):
        return target[..., None]
    return target


def see_optimizer(model: Any, record: Record, value: Values) -> None:
    """Note the optimiser's name and settings; what layers add to the loss for their kernels counts as weight decay."""
    optimizer = getattr(model.optimizer, "inner_optimizer", model.optimizer)  # of a loss that is scaled
    if optimizer is None:
        return
    settings = {ours: getattr(optimizer, theirs, None) for theirs, ours in SETTINGS.items()}
    numbers = {name: float(setting) for name, setting in settings.items() if isinstance(setting, int | float)}
    penalties = [2 * float(layer.kernel_regularizer.l2) for layer in layers_of(model) if _has_l2(layer)]
    numbers["weight_decay"] = max([numbers.get("weight_decay", 0.0), *penalties])
    record.settings.append((type(optimizer).__name__.lower(), {"lr": _rate(optimizer, value), **numbers}))


def _has_l2(layer: Any) -> bool:
    return getattr(getattr(layer, "kernel_regularizer", None), "l2", None) is not None


def _rate(optimizer: Any, value: Values) -> float:
    rate = optimizer._learning_rate
    if isinstance(rate, keras.optimizers.schedules.LearningRateSchedule):
        return number(rate(value(optimizer.iterations)))
    if isinstance(rate, keras.Variable):
        return number(value(rate))
    return number(rate()) if callable(rate) else math.nan


def number(value: Any) -> float:
    """A scalar of any backend."""
    return float(np.asarray(keras.ops.convert_to_numpy(value)))


def array(value: Any) -> np.ndarray | None:
    """A tensor of any backend as float64; None for none."""
    return None if value is None else np.asarray(keras.ops.convert_to_numpy(value), float)


def rows_of(values: Any, rows: np.ndarray) -> np.ndarray:
    """Some rows of an array, a table or a tensor, as float64."""
    if keras.ops.is_tensor(values):
        return np.asarray(keras.ops.convert_to_numpy(keras.ops.take(values, rows, axis=0)), float)
    return np.asarray(getattr(values, "iloc", values)[rows], float)


def of_step(before: Any, after: Any, logged: Any) -> float:
    """The loss of one step from Keras' running sum and count, before and after it.

    A step of the user's own may not use them; then what it reports is all there is.
    """
    (total, count), (earlier, less) = np.asarray(after, float), np.asarray(before, float)
    if count > less:
        return float((total - earlier) / (count - less))
    return math.nan if logged is None else number(logged)
