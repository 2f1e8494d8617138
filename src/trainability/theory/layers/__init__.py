"""Expectations of layers whose units answer together: softmax and its like, at a given width.

Units are alike, and a wide enough layer's mean square hardly scatters, so that variances and gradients pass through it
as through any other; but what a unit answers depends on how many there are. Softmax, its logarithm and sparsemax are
exact at every width; a formula with ``units_sum`` or ``units_max`` is sampled, and its `Estimate` says how well.
"""

from __future__ import annotations

from trainability.activations import ACTIVATIONS, Activation, default_choice, pieces_of
from trainability.activations.functions import expression_of
from trainability.theory.expectations import Expectations
from trainability.theory.functions import LayerActivation
from trainability.theory.layers.exact import EXACT, ExactLayer
from trainability.theory.layers.sampled import SampledLayer

__all__ = ["layer_expectations"]


def layer_expectations(activation: LayerActivation) -> Expectations:
    """The expectations of `activation` at its width, exactly where that is known."""
    choice = activation.choice
    twins = [entry.name for entry in ACTIVATIONS if entry.across_units and _formula(entry) == _formula(choice.entry)]
    name = next((name for name in (choice.entry.name, *twins) if name in EXACT), None)
    return ExactLayer(activation, EXACT[name]) if name else SampledLayer(activation)


def _formula(entry: Activation) -> object:
    """What tells that a typed formula is one of the catalogue's."""
    return entry.name if entry.by_hand else expression_of(entry, pieces_of(default_choice(entry)))
