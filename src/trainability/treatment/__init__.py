"""Treatments: which operations on a recipe help, by a search inside a budget, and the proof on paired seeds."""

from __future__ import annotations

from trainability.treatment.proof import check_size, treat

__all__ = ["check_size", "treat"]
