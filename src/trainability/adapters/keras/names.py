"""Keras' losses and optimisers by the names that a chart has."""

from __future__ import annotations

from typing import Any, Final, TypeAlias

from trainability.core.chart import LossKind

LOSSES: Final[dict[str, tuple[str, LossKind]]] = {
    "mean_squared_error": ("mse", "regression"), "mean_absolute_error": ("mae", "regression"),
    "mean_absolute_percentage_error": ("mape", "regression"), "mean_squared_logarithmic_error": ("msle", "regression"),
    "huber": ("huber", "regression"), "log_cosh": ("log_cosh", "regression"), "poisson": ("poisson", "regression"),
    "binary_crossentropy": ("bce", "binary"), "binary_focal_crossentropy": ("focal", "binary"),
    "categorical_crossentropy": ("probabilities_cross_entropy", "classes"),
    "sparse_categorical_crossentropy": ("probabilities_cross_entropy", "classes"),
    "categorical_focal_crossentropy": ("focal", "classes"), "categorical_hinge": ("multi_margin", "classes"),
    "hinge": ("hinge", "binary"), "squared_hinge": ("hinge", "binary"),
    "kl_divergence": ("probabilities_kl_div", "unknown"),
}  # fmt: skip
"""Keras' loss functions that take probabilities."""
FROM_LOGITS: Final = {"bce": "bce_with_logits", "probabilities_cross_entropy": "cross_entropy"}
"""The same where they take scores."""
SPARSE: Final = "sparse_categorical_crossentropy"
SETTINGS: Final = {
    "weight_decay": "weight_decay", "momentum": "momentum", "nesterov": "nesterov", "beta_1": "beta_1",
    "beta_2": "beta_2", "rho": "rho", "epsilon": "eps", "clipnorm": "clipnorm", "clipvalue": "clipvalue",
    "global_clipnorm": "global_clipnorm",
}  # fmt: skip
"""Keras' settings of an optimiser, apart from its rate, and their names in a chart."""
REDUCTIONS: Final = {"sum_over_batch_size": "mean", "mean": "mean", "mean_with_sample_weight": "mean", "sum": "sum"}


Known: TypeAlias = tuple[str, LossKind] | None
"""Name and kind of a loss, if it is known."""


def _losses_of(model: Any) -> list[Any]:
    return getattr(getattr(model, "_compile_loss", None), "_flat_losses", None) or []


def loss_of(model: Any) -> Any:
    """The model's loss object, of its first output; None if it is not built yet, or written by hand."""
    return losses[0].loss if (losses := _losses_of(model)) else None


def several_losses(model: Any) -> bool:
    """Whether the model has several outputs, and what is minimised is the sum of their losses."""
    return len(_losses_of(model)) > 1


def loss_name(loss: Any) -> Known:
    """Name and kind of a loss object of Keras; None for one of the user's."""
    known = LOSSES.get(function_name(loss))
    if known is None:
        return None
    name, kind = known
    logits = getattr(loss, "_fn_kwargs", {}).get("from_logits", False)
    return FROM_LOGITS.get(name, name) if logits else name, kind


def function_name(loss: Any) -> str:
    """The name of the function that a loss object of Keras calls; empty for one without."""
    return getattr(getattr(loss, "fn", None), "__name__", "")
