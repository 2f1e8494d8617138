"""Runs on disk: one directory per run, its trials in parts that are whole or absent."""

from trainability.store.layout import cache_directory, default_directory, runs_directory
from trainability.store.run import Run, open_existing, open_run

__all__ = ["Run", "cache_directory", "default_directory", "open_existing", "open_run", "runs_directory"]
