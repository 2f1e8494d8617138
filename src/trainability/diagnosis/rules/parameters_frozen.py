"""Layers that are frozen although nothing is learned without them."""

from __future__ import annotations

import dataclasses
from typing import Final

from trainability.core.chart import Chart
from trainability.core.operation import Operation
from trainability.diagnosis.examples import chart, stays
from trainability.diagnosis.finding import Evidence, Rule
from trainability.diagnosis.reading import learns, progress

MOST: Final = 0.5
"""Share of the used weights."""
LITTLE: Final = 0.3
"""Share of the best constant answer's loss that the rest takes away."""


def _check(seen: Chart) -> Evidence | None:
    used = [p for p in seen.parameters if p.used]
    frozen = [p for p in used if not p.wanted]
    size = sum(p.size for p in used)
    if learns(seen) or progress(seen) > LITTLE or not frozen or sum(p.size for p in frozen) < MOST * size:
        return None
    figures = {"share of the weights that is frozen": sum(p.size for p in frozen) / size, "threshold": MOST}
    return Evidence(figures, 0.75, frozen[0].name.rpartition(".")[0])


def _frozen(**changes: object) -> Chart:
    made = chart(**changes)  # pyright: ignore[reportArgumentType]
    parameters = tuple(dataclasses.replace(p, wanted=False) for p in made.parameters[:3])
    layers = tuple(dataclasses.replace(layer, trained=False) for layer in made.layers[:3])
    return dataclasses.replace(made, parameters=(*parameters, made.parameters[3]), layers=(*layers, made.layers[3]))


PARAMETERS_FROZEN = Rule(
    name="parameters-frozen",
    summary="most of the weights are frozen, and the rest learns little",
    check=_check,
    advice="Most parameters have requires_grad off. If that was not on purpose, switch it on; if it was, the frozen part does "
    "not carry what the rest needs: train its last layers, too.",
    explains=("capacity-low", "too-few-steps", "learning-rate-low", "graph-detached"),
    treatments=(Operation("wiring", "all"),),
    sick=lambda: _frozen(losses=stays()),
    healthy=lambda: _frozen(),
)
