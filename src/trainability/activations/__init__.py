"""The activations: a catalogue of formulas, and formulas that a user types.

Each entry is written once, in the expression grammar; its functions, slope, kinks and LaTeX follow from it.
Adding one is adding a constant to a family's file.
"""

from trainability.activations.base import Activation, Peer
from trainability.activations.choosing import ACTIVATIONS, choose
from trainability.activations.closed_forms import ClosedForms
from trainability.activations.functions import (
    centres,
    closed_forms_of,
    default_choice,
    is_elementwise,
    jax_function,
    kinks,
    largest_slope,
    latex,
    numpy_function,
    numpy_slope,
    pieces_of,
    steady_function,
)

__all__ = [
    "ACTIVATIONS",
    "Activation",
    "ClosedForms",
    "Peer",
    "centres",
    "choose",
    "closed_forms_of",
    "default_choice",
    "is_elementwise",
    "jax_function",
    "kinks",
    "largest_slope",
    "latex",
    "numpy_function",
    "numpy_slope",
    "pieces_of",
    "steady_function",
]
