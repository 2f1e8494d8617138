"""A model's arrays in what a step hands back, where it works on states and leaves the module itself alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax


def handed_back(answer: Any, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Any]:
    """Path in the model to array, of those that the answer holds under the same path and in the same shape.

    Of several, such as a parameter and its momentum, it is the one that lies nearest to the top.
    """
    found: dict[str, tuple[int, Any]] = {}
    for keys, leaf in jax.tree_util.tree_flatten_with_path(answer)[0]:
        names = [str(getattr(key, "key", getattr(key, "idx", getattr(key, "name", "")))) for key in keys]
        if names and names[-1] == "value":  # of an nnx.Variable
            names.pop()
        for depth in range(len(names)):
            path = ".".join(names[depth:])
            if shapes.get(path) == getattr(leaf, "shape", None) and (path not in found or depth < found[path][0]):
                found[path] = (depth, leaf)
    return {path: leaf for path, (_, leaf) in found.items()}
