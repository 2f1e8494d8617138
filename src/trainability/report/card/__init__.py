"""The card of an activation: formula, curves, gains, phase diagram, maps, and initialiser lines to copy."""

from __future__ import annotations

from trainability.report.card.card import Card, card
from trainability.report.card.sheet import Sheet, sheet

__all__ = ["Card", "Sheet", "card", "sheet"]
