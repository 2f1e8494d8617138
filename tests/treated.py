"""A recipe that is changed, and not trained."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar, cast

from trainability import Recipe
from trainability.core.operation import Operation

P = TypeVar("P")


def treating(patients: type[P], by_kind: Mapping[str, Callable[[P, Any], None]]) -> Callable[..., P]:
    """What makes an adapter's patient of a recipe and does operations to it, in the order in which they are given."""

    def treated(recipe: Recipe, *operations: Operation) -> P:
        patient = cast(Any, patients).of(recipe, 0)
        for operation in operations:
            by_kind[operation.kind](patient, operation.value)
        patient.rewire()
        return patient

    return treated
