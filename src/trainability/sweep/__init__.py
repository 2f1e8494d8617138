"""Grids of choices: from a spec to a plan of blocks, through an engine, to a summary per cell."""
