"""Where a Keras source says how it trains: optimiser, rate, decay, clipping, batch, epochs."""

from __future__ import annotations

import ast
from typing import Final

from trainability.treatment.patch.calls import argument, given, only_settings, without
from trainability.treatment.patch.hidden import flat
from trainability.treatment.patch.names import followed, path_of, written, written_beside
from trainability.treatment.patch.numbers import multiplied, number
from trainability.treatment.patch.places import Training, only
from trainability.treatment.patch.source import Edit, NoPlace

RATES: Final = {
    "Adadelta": 0.001, "Adafactor": 0.001, "Adagrad": 0.001, "Adam": 0.001, "AdamW": 0.001, "Adamax": 0.001,
    "Ftrl": 0.001, "Lamb": 0.001, "Lion": 0.001, "Muon": 0.001, "Nadam": 0.001, "RMSprop": 0.001,
    "SGD": 0.01,
}  # fmt: skip
"""Rates of ``keras.optimizers`` where none is given (Keras 3)."""
DECAYING: Final = ("AdamW", "Muon")
"""Those that decay weights where nothing is said."""
USUAL: Final = {"adam": ("Adam", 0.001), "sgd": ("SGD", 0.01), "rmsprop": ("RMSprop", 0.001)}
"""Classes and rates that a treatment takes; SGD with momentum 0.9."""
FIT: Final = ("x", "y", "batch_size", "epochs")
"""Arguments of ``fit``, in their order."""
BATCH: Final = 32
"""Samples in a batch where ``fit`` is not told."""


def _said(at: Training, name: str, position: int) -> ast.expr | None:
    """Optimiser or loss, of the recipe or of ``compile``."""
    return at.field(name) if at.function is not None else argument(at.compiled, position, name)


def _optimizer(at: Training) -> tuple[ast.expr | None, str, ast.Call | None]:
    """What stands for the optimiser, its class, and the call that makes it; ``compile`` takes RMSprop by itself."""
    stands = _said(at, "optimizer", 0)
    made = None if stands is None else followed(at.source, stands)
    if made is None:
        return None, "RMSprop", None
    name = (path_of(at.source, made.func) or "") if isinstance(made, ast.Call) else ""
    if isinstance(made, ast.Constant) and isinstance(made.value, str):
        name = "keras.optimizers." + next((one for one in RATES if one.lower() == made.value.lower()), "")
    known = name.removeprefix("keras.optimizers.")
    if known == name or known not in RATES:
        raise NoPlace("what makes the optimiser is not seen")
    return stands, known, made if isinstance(made, ast.Call) else None


def _with(at: Training, keyword: str, text: str) -> list[Edit]:
    """The optimiser with a setting; its name in quotes becomes a call."""
    stands, name, call = _optimizer(at)
    if call is not None:
        return given(at.source, call, 0 if keyword == "learning_rate" else None, keyword, text)
    near = stands if stands is not None else at.compiled
    shown, edits = written(at.source, f"keras.optimizers.{name}", near)
    made = f"{shown}({keyword}={text})"
    if stands is None:
        return edits + given(at.source, at.compiled, 0, "optimizer", made)
    return [*edits, Edit(at.source.start(stands), at.source.end(stands), made)]


def rate(at: Training, value: float) -> list[Edit]:
    """``learning_rate``, by name or place; the default, where none is given, becomes an argument."""
    _, name, call = _optimizer(at)
    if "LearningRateScheduler" in at.source.text:
        raise NoPlace("the schedule sets the rate")
    found = None if call is None else argument(call, 0, "learning_rate")
    if found is None:
        return _with(at, "learning_rate", repr(float(f"{RATES[name] * value:.12g}")))
    if isinstance(followed(at.source, found), ast.Call):
        raise NoPlace("the schedule sets the rate")
    return multiplied(at.source, at.handed(found), value)


def optimizer(at: Training, value: str) -> list[Edit]:
    """Another class with its usual settings."""
    _, name, call = _optimizer(at)
    wanted, usual = USUAL[value]
    if name == wanted:
        return []
    settings = {"learning_rate": repr(usual)} | ({"momentum": "0.9"} if value == "sgd" else {})
    if call is not None:
        shown, edits = written_beside(at.source, call.func, f"keras.optimizers.{wanted}")
        edits = [*edits, Edit(at.source.start(call.func), at.source.end(call.func), shown)]
        return edits + only_settings(at.source, call, 0, "learning_rate", settings)
    stands, _, _ = _optimizer(at)
    near = stands if stands is not None else at.compiled
    shown, edits = written(at.source, f"keras.optimizers.{wanted}", near)
    made = f"{shown}({', '.join(f'{keyword}={text}' for keyword, text in settings.items())})"
    if stands is None:
        return edits + given(at.source, at.compiled, 0, "optimizer", made)
    return [*edits, Edit(at.source.start(stands), at.source.end(stands), made)]


def decay(at: Training, value: float) -> list[Edit]:
    """The layers' own regularisers go, and the optimiser decays weights by this much, if at all."""
    layers = [item.node for item in at.network.layers]
    edits = flat(
        without(at.source, layer, "kernel_regularizer", "bias_regularizer")
        for layer in layers
        if isinstance(layer, ast.Call)
    )
    _, name, call = _optimizer(at)
    if value or name in DECAYING:
        return edits + _with(at, "weight_decay", number(value))
    return edits if call is None else edits + without(at.source, call, "weight_decay")


def clip(at: Training, value: float) -> list[Edit]:
    """``global_clipnorm``: of the whole gradient; Keras takes one way of clipping at a time."""
    _, _, call = _optimizer(at)
    others = [] if call is None else without(at.source, call, "clipnorm", "clipvalue")
    return others + _with(at, "global_clipnorm", repr(float(value)))


def _fit(at: Training) -> ast.Call:
    """The one call of the compiled model's ``fit``."""
    model = ast.unparse(at.model)
    return only(
        [c for c in at.methods("fit") if isinstance(c.func, ast.Attribute) and ast.unparse(c.func.value) == model],
        f"calls of {model}.fit",
    )


def batch(at: Training, value: float) -> list[Edit]:
    """``batch_size`` of the recipe or of ``fit``, which takes 32 by itself."""
    if at.function is not None:
        return multiplied(at.source, at.handed(at.field("batch_size")), value, whole=True)
    fit = _fit(at)
    if argument(fit, 1, "y") is None:
        raise NoPlace("the samples come in batches already")
    found = argument(fit, 2, "batch_size")
    if found is None:
        return given(at.source, fit, 2, "batch_size", str(max(1, round(BATCH * value))))
    return multiplied(at.source, found, value, whole=True)


def epochs(at: Training, value: float) -> list[Edit]:
    """``epochs`` of the recipe or of ``fit``, which takes one by itself."""
    if at.function is not None:
        return multiplied(at.source, at.handed(at.field("epochs")), value, whole=True)
    fit = _fit(at)
    found = argument(fit, 3, "epochs")
    if found is None:
        return given(at.source, fit, 3, "epochs", str(max(1, round(value))))
    return multiplied(at.source, found, value, whole=True)
