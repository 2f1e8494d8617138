"""The sixty shapes with a smooth activation: our rate over our own with ReLU."""

from __future__ import annotations

import statistics
from typing import Any

from rich.table import Table

from bench import front_door
from bench.figure import Effort, Figure, Found, digits, short
from bench.works import SHAPES

NAME = "activations"
TITLE = "the same shapes with sigmoid, tanh, GELU: our rate over that with ReLU"
SMOOTH = ("sigmoid", "tanh", "gelu")


def run(effort: Effort) -> Found:
    """Every shape, or to be quick every seventh; the activations by turns, each with as much work as ReLU."""
    turns, seconds, works = (1, 0.1, SHAPES[::7]) if effort.quick else (9, 0.1, SHAPES)
    table = Table("shape", "ReLU", *SMOOTH, box=None, pad_edge=False)
    found: dict[str, dict[str, list[float]]] = {}
    for i, work in enumerate(works):
        effort.say(f"{i + 1} of {len(works)}: {work.name}")
        rates: dict[str, list[float]] = {name: [] for name in ("relu", *SMOOTH)}
        networks, steps = front_door.sized(seconds, work, engine="lanes")
        for _ in range(turns):
            for name, kept in rates.items():
                kept.append(front_door.train(work, networks, steps, engine="lanes", activation=name).rate)
        found[work.name] = rates
        shares = [digits(statistics.median(_shares(rates, name))) for name in SMOOTH]
        table.add_row(work.name, short(statistics.median(rates["relu"])), *shares)
    effort.console.print(table)
    return Found([figure for name in SMOOTH for figure in _figures(found, name)], _plain(found))


def _shares(rates: dict[str, list[float]], name: str) -> list[float]:
    """The rate with an activation over that with ReLU, in each turn."""
    return [a / b for a, b in zip(rates[name], rates["relu"], strict=True)]


def _figures(found: dict[str, dict[str, list[float]]], name: str) -> list[Figure]:
    worst = min(found, key=lambda shape: statistics.median(_shares(found[shape], name)))
    middles = [statistics.median(_shares(rates, name)) for rates in found.values()]
    return [
        Figure.of(f"{name} ÷ ReLU, the worst shape ({worst})", _shares(found[worst], name)),
        Figure.of(f"{name} ÷ ReLU, the median of {len(found)} shapes (range: of the shapes)", middles),
    ]


def _plain(found: dict[str, dict[str, list[float]]]) -> dict[str, Any]:
    return {"rates": found}
