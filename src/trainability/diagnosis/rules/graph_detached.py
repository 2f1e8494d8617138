"""Layers that are used but get no gradient, because the way back to them was cut."""

from __future__ import annotations

import dataclasses

from trainability.core.chart import Chart
from trainability.diagnosis.examples import chart
from trainability.diagnosis.finding import Evidence, Rule


def _check(seen: Chart) -> Evidence | None:
    held = {layer.name for layer in seen.layers if layer.trained}
    cut = [name for name in seen.cut if name in held]
    if not cut:
        return None
    return Evidence({"layers without a gradient": ", ".join(cut[:8]), "how many": len(cut)}, 1.0, cut[-1])


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
