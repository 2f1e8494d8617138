"""A treatment as a change of the user's own source: a diff where the place is known, else the lines to write."""

from __future__ import annotations

from trainability.treatment.patch.make import Patch, patch

__all__ = ["Patch", "patch"]
