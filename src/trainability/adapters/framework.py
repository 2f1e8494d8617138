"""Whose model it is, asked of the libraries that are loaded: a model of one that is not cannot be there."""

from __future__ import annotations

import sys
from typing import Any, Final, Literal, TypeAlias

from trainability.core.errors import SpecError

Framework: TypeAlias = Literal["keras", "torch", "flax"]

# On PyTorch's backend a Keras model is one of PyTorch's too, so Keras is asked first.
_CLASSES: Final[dict[Framework, tuple[str, str]]] = {
    "keras": ("keras", "Model"), "torch": ("torch.nn", "Module"), "flax": ("flax.nnx", "Module"),
}  # fmt: skip


def framework_of(model: Any, wanting: str) -> Framework:
    """The model's framework; SpecError that says who is `wanting` such a model, where it is of none."""
    for framework, (library, name) in _CLASSES.items():
        loaded = sys.modules.get(library)
        if loaded is not None and isinstance(model, getattr(loaded, name)):
            return framework
    kind = f"{type(model).__module__}.{type(model).__name__}"
    raise SpecError(f"{wanting} takes a torch.nn.Module, a flax.nnx.Module or a Keras model, got {kind}")
