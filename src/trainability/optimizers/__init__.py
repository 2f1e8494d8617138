"""Optimisers, all from optax, with every number of theirs as data so that one compiled program serves all values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from trainability.core.catalogue import Catalogue, Entry


@dataclass(frozen=True, kw_only=True)
class Optimizer(Entry):
    """An optimiser.

    Attributes:
        make: (rate, *parameters) -> optax.GradientTransformation; rate is a function of the update's number, and
            all numbers may be traced.
        default_rate: the learning rate when the user gives none.
        torch, keras: what the libraries call it.
    """

    make: Callable[..., Any]
    default_rate: float = 0.001
    torch: str | None = None
    keras: str | None = None


OPTIMIZERS: Catalogue[Optimizer] = Catalogue("optimiser", __name__, Optimizer)
