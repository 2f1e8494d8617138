"""Layers that are used but get no gradient, because the way back to them was cut."""

from __future__ import annotations

import dataclasses

from trainability.core.chart import Chart
from trainability.diagnosis.examples import chart
from trainability.diagnosis.finding import Evidence, Rule
from trainability.diagnosis.reading import learns


def _check(seen: Chart) -> Evidence | None:
    held = {layer.name for layer in seen.layers if layer.trained}
    cut = [name for name in seen.cut if name in held]
    # Without recording is also how a part that is learned elsewhere is kept as it is, which may be meant.
    aside = [] if learns(seen) else [name for name in seen.unrecorded if name not in cut]
    if not cut and not aside:
        return None
    found = [*cut, *aside]
    return Evidence(
        {"layers without a gradient": ", ".join(found[:8]), "how many": len(found)}, 1.0 if cut else 0.9, found[-1]
    )


GRAPH_DETACHED = Rule(
    name="graph-detached",
    summary="layers are used, and the optimiser holds them, but no gradient comes back to them",
    check=_check,
    advice="Between these layers and the loss the graph is cut: by .detach(), .data, .item(), NumPy, torch.no_grad() or a "
    "new tensor made of numbers. Compute that part with tensors that keep their graph.",
    explains=("vanishing-gradient", "learning-rate-low", "too-few-steps", "capacity-low"),
    sick=lambda: chart(cut=("net.0", "net.2")),
    healthy=lambda: _frozen(),
)


def _frozen() -> Chart:
    """A backbone that is frozen on purpose gets no gradient either."""
    made = chart(cut=("net.0",))
    return dataclasses.replace(made, layers=(dataclasses.replace(made.layers[0], trained=False), *made.layers[1:]))
