"""The doctor's doors in Python: watch a loop, run a script that knows nothing of it, treat a recipe."""

from __future__ import annotations

from trainability.doctor.doors import Script, Watching, run_script, watch, watch_callback
from trainability.doctor.recipes import examine, read_recipe, treat

__all__ = ["Script", "Watching", "examine", "read_recipe", "run_script", "treat", "watch", "watch_callback"]
