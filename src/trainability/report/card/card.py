"""`Card`: what is known of one activation, and the ways to show it."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import numpy as np

from trainability.activations import Activation, choose, is_elementwise, kinks, latex, numpy_function, numpy_slope
from trainability.activations.functions import pieces_of
from trainability.core.catalogue import Choice
from trainability.core.errors import SpecError
from trainability.initializers import INITIALIZERS
from trainability.report.card.lines import Lines, lines
from trainability.theory import (
    Activating,
    CriticalPoint,
    at_width,
    critical_points,
    double_critical,
    phase,
    recommended,
    second_moment_gain,
)
from trainability.theory.variance import attractor

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_T = TypeVar("_T")

FAN: Final = 256
"""Width of the layers for which the libraries' defaults are marked."""

WIDTH: Final = 64
"""Units of the layer in which a softmax and its like are shown, whose numbers depend on it."""

DEFAULTS: Final = (("PyTorch", "torch"), ("Keras, JAX", "keras"), ("He", "he_normal"))
"""Label and initialiser; Keras' Glorot and JAX's LeCun have the same variance in layers of equal width."""

GATE_DEFAULTS: Final = (("PyTorch", "torch"), ("Keras", "keras"), ("JAX", "lecun_normal"), ("He", "he_normal"))
"""The same for gates, whose layers have more pre-activations than inputs."""

_SHOWN_AT: Final = (-3.0, -2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0, 3.0)


@dataclass(frozen=True)
class Default:
    """What deep layers of width `FAN`, or of the card's, do under an initialiser that people use.

    Attributes:
        label: who uses it. init: its name here.
        sigma_w, sigma_b: √(fan_in · a weight's variance) and a bias's deviation.
        phase: None where it is undefined. q: the variance that deep layers settle at, None if that is none or unknown.
        grows: whether the variance grows without bound.
    """

    label: str
    init: str
    sigma_w: float
    sigma_b: float
    phase: str | None
    q: float | None
    grows: bool


@dataclass(frozen=True)
class Card:
    """What is known of one activation.

    Attributes:
        choice: the activation with its parameters.
        gain: keeps variance 1 (second moment); None where there is none.
        critical: the edge of chaos without biases. recommended: the point to initialise with. double: (σ_w², σ_b², q*)
            at which both χ are 1.
        defaults: what usual initialisers do.
        lines: to copy, by library; empty where there is no gain.
        notes: what is missing here and why, in sentences.
        image: a picture of the user's to send through the activation, shape (rows, columns); None for our own.
        width: units of the layer that all this is of; None where it holds for any.
    """

    choice: Choice[Activation]
    gain: float | None
    critical: tuple[CriticalPoint, ...]
    recommended: CriticalPoint | None
    double: tuple[float, float, float] | None
    defaults: tuple[Default, ...]
    lines: tuple[Lines, ...]
    notes: tuple[str, ...]
    image: np.ndarray | None = None
    width: int | None = None

    @property
    def phi(self) -> Activating:
        """What the theory takes."""
        return self.choice if self.width is None else at_width(self.choice, self.width)

    @property
    def name(self) -> str:
        """The activation with its parameters, as it is chosen."""
        return self.choice.text

    @property
    def elementwise(self) -> bool:
        """Whether it is a function of one number, for which the curves are."""
        return is_elementwise(self.choice.entry)

    @property
    def gate(self) -> bool:
        """Whether a unit takes several pre-activations."""
        return pieces_of(self.choice) > 1 and not self.choice.entry.across_units

    @property
    def formula(self) -> str:
        """The formula as text, of the parameters by name."""
        entry = self.choice.entry
        return entry.formula(pieces_of(self.choice)) if callable(entry.formula) else entry.formula

    @property
    def latex(self) -> str:
        """The formula in LaTeX, without dollar signs."""
        return latex(self.choice.entry, pieces_of(self.choice))

    @property
    def conclusion(self) -> str:
        """How to initialise, as a sentence."""
        if self.recommended is None and self.gain is None:
            return " ".join(self.notes)
        over = "" if self.width is None else f" In a layer of {self.width:,} units, that is."
        if self.recommended is None:
            return (
                f"Keep variance 1 with a gain of {self.gain:.4g}; there is no gain at which gradients keep their size."
                f"{over}"
            )
        biases = f"biases of deviation {self.recommended.sigma_b:.4g}" if self.recommended.sigma_b else "no biases"
        leaves = "" if self.recommended.attracts else ", at a variance that layers leave by themselves"
        return (
            f"Gradients keep their size at a gain of {self.recommended.sigma_w:.4g} with {biases}{leaves}; "
            f"{self.gain:.4g} keeps variance 1.{over}"
        )

    def values(self) -> list[tuple[float, float, float]]:
        """(x, φ(x), φ′(x)) at a few places; nothing for an activation that mixes units."""
        slope = numpy_slope(self.choice)
        if slope is None:
            return []
        x = np.array(_SHOWN_AT)
        with np.errstate(all="ignore"):
            rows = np.stack([x, numpy_function(self.choice)(x), slope(x)], axis=1)
        return [(row[0], row[1], row[2]) for row in rows.tolist()]

    def figure(self) -> Figure:
        """The whole card as a matplotlib figure."""
        from trainability.report.card.figure import whole

        return whole(self)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write a ``.png``, ``.svg`` or ``.html``; SpecError for another ending, StoreError where it cannot."""
        from trainability.report.card.page import write

        return write(self, path)

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers, lists and words, for JSON; what is missing or not finite is null."""
        entry = self.choice.entry
        made = {
            "name": self.name,
            "summary": entry.summary,
            "formula": self.formula,
            "latex": self.latex,
            "parameters": self.choice.named,
            "width": self.width,
            "reference": entry.reference,
            "kinks": list(kinks(self.choice)),
            "gain": self.gain,
            "critical": [point.to_dict() for point in self.critical],
            "recommended": self.recommended.to_dict() if self.recommended else None,
            "double_critical": list(self.double) if self.double else None,
            "defaults": [asdict(default) for default in self.defaults],
            "values": [list(row) for row in self.values()],
            "lines": {made.library: list(made.code) for made in self.lines},
            "notes": list(self.notes),
        }
        return _plain(made)

    def to_json(self) -> str:
        """The card as JSON text."""
        return json.dumps(self.to_dict(), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def card(activation: str, image: np.ndarray | None = None, width: int | None = None) -> Card:
    """The card of an activation.

    Args:
        activation: a catalogue name with parameters or a formula: ``gelu``, ``elu:0.5``, ``expr:x*tanh(x)``.
        image: a picture to send through it, brightness of shape (rows, columns).
        width: units of the layer, for a softmax and its like; 64 when left out.

    Raises:
        UsageError: there is no such activation, the formula is none, or a width is given for an activation that has
            none.

    Example:
        >>> card("gelu").conclusion
        'Gradients keep their size at a gain of 1.408 with biases of deviation 0.4158; 1.534 keeps variance 1.'
    """
    choice = choose(activation)
    if width is not None and not choice.entry.across_units:
        raise SpecError(f"'{choice.text}' answers alike in layers of any width; leave out the width")
    width = (WIDTH if width is None else width) if choice.entry.across_units else None
    phi = choice if width is None else at_width(choice, width)
    notes: list[str] = []

    def known(find: Callable[..., _T], *arguments: Any) -> _T | None:
        try:
            return find(phi, *arguments)
        except SpecError as error:
            if str(error) not in notes:
                notes.append(str(error))
            return None

    gain = known(second_moment_gain)
    if gain is None:
        return Card(choice, None, (), None, None, (), (), tuple(notes), image, width)
    best = known(recommended)
    critical = known(critical_points) or ()
    if width is not None:
        notes.append(
            "units answer together, so that a gradient may meet its own weights again on its way back and stay larger "
            "than χ₁ says; predict has this in it"
        )
    try:
        double = double_critical(phi)
    except SpecError:  # most have none
        double = None
    known_defaults = DEFAULTS if pieces_of(choice) == 1 else GATE_DEFAULTS
    fan = width or FAN
    defaults = tuple(_default(phi, label, init, fan, fan * pieces_of(choice)) for label, init in known_defaults)
    return Card(choice, gain, critical, best, double, defaults, lines(best, gain), tuple(notes), image, width)


def _default(phi: Activating, label: str, init: str, fan_in: int, fan_out: int) -> Default:
    weights = INITIALIZERS.choose(init)
    biases = INITIALIZERS.choose(weights.entry.bias)
    sigma_w2 = fan_in * weights.entry.variance(fan_in, fan_out, weights.values)
    sigma_b2 = biases.entry.variance(fan_in, fan_out, biases.values)
    found: str | None = None
    q: float | None = None
    grows = False
    try:
        point = attractor(phi, sigma_w2, sigma_b2)
        q, grows = (point.q, False) if point else (None, True)
        found = phase(phi, sigma_w2, sigma_b2)
    except SpecError:
        pass
    return Default(label, weights.text, math.sqrt(sigma_w2), math.sqrt(sigma_b2), found, q, grows)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
