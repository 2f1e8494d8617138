"""The gallery where theory meets the engine: predicted and measured gradient ratios of 12 pairs, by depth and width.

``python -m bench.gallery FILE.png`` measures everything (about twenty minutes on one core), draws it, and
writes the numbers to ``bench/gallery.json``. Every network sees one sample, as mean-field theory does; its ratio is the
first layer's gradient over the output layer's, before any training.

Where it holds: down to a depth of an eighth of the width, all medians lie within 25 % of the predicted ones, beside
what so few networks leave open. Where it fails: GELU after He from 16 layers on, whose variance falls slowly at first
and then collapses, in every network at a depth of its own; and some networks at least twice as deep as wide. To follow
the median network's own variances, instead of the first order in what scatters, was tried: it mended none.
"""

from __future__ import annotations

import dataclasses
import json
import math
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from trainability import theory, vitals
from trainability.core.types import Dataset
from trainability.engine import selection
from trainability.engine.interface import Engine, Measures
from trainability.sweep import plan
from trainability.sweep.spec import make_spec

PAIRS = (
    ("sigmoid", "keras"), ("sigmoid", "normal:0.3"), ("tanh", "torch"), ("tanh", "keras"), ("tanh", "lecun_normal:1.5"),
    ("relu", "he_normal"), ("relu", "torch"), ("leaky_relu:0.1", "he_uniform"), ("gelu", "he_normal"),
    ("silu", "lecun_normal"), ("elu", "keras"), ("selu", "lecun_truncated"),
)  # fmt: skip
DEPTHS = (2, 4, 8, 16, 32, 64)
WIDTHS = (16, 32, 64, 128, 256)

TOLERANCE = 0.25
"""Of ln(measured median / predicted median), beside what few networks leave open."""

HOLDS_TO = 1 / 8
"""Depth over width down to which all pairs keep to it."""

SMALLEST = 1e-36
"""A record keeps gradients as float32: ratios below this are lost to it."""


@dataclass(frozen=True)
class Meeting:
    """One pair at one depth and width.

    Attributes:
        wide: the ratio of infinitely wide layers; predicted: of the median network of this width.
        measured: the median over the engine's networks; low, high: the ends of its 95 % interval.
        networks: how many were measured; dead: how many of them have no gradient in the first layer.
    """

    activation: str
    init: str
    depth: int
    width: int
    wide: float
    predicted: float
    measured: float
    low: float
    high: float
    networks: int
    dead: int

    @property
    def error(self) -> float:
        """ln(measured / predicted); infinite where the median network has no gradient."""
        return math.log(self.measured / self.predicted) if self.measured > 0 else -math.inf

    @property
    def comparable(self) -> bool:
        """Whether the ratio can be kept at all."""
        return self.predicted > SMALLEST

    @property
    def agrees(self) -> bool:
        """Whether some value of the measured median's interval lies within the tolerance."""
        room = math.exp(TOLERANCE)
        return self.low <= room * self.predicted and self.high >= self.predicted / room


def networks_for(width: int) -> int:
    """Trials of a width: narrow networks scatter more, wide ones cost more."""
    return min(512, max(48, 8192 // width))


def meetings(
    pairs: Sequence[tuple[str, str]] = PAIRS, depths: Sequence[int] = DEPTHS, widths: Sequence[int] = WIDTHS
) -> Iterator[Meeting]:
    """Measure every pair at every depth and width, one after the other."""
    engine = selection.make(None, None, selection.resolve("auto"))
    for width in widths:
        data = _one_sample(width)
        for activation, init in pairs:
            for depth in depths:
                yield _meet(engine, data, activation, init, depth, width)


def _meet(engine: Engine, data: Dataset, activation: str, init: str, depth: int, width: int) -> Meeting:
    count = networks_for(width)
    ratios = _ratios(engine, data, activation, init, depth, width, count)
    (said,) = theory.predict(activation, init, depth, width, problem=data)
    low, high = _median_interval(ratios)
    return Meeting(
        activation, init, depth, width, said.gradient_ratio, said.gradient_ratio_median,
        float(np.median(ratios)), low, high, count, int((ratios == 0).sum()),
    )  # fmt: skip


def _one_sample(width: int) -> Dataset:
    """One input of mean square 1."""
    x = np.random.default_rng(width).normal(size=(1, width))
    x /= np.sqrt((x**2).mean())
    nothing = np.empty((0, width)), np.empty(0, np.int64)
    return Dataset("one sample", "binary", x, np.array([1]), *nothing, tuple(f"x{i}" for i in range(width)), ("0", "1"),
                   ("y",), "accuracy>=1")  # fmt: skip


def _ratios(
    engine: Engine, data: Dataset, activation: str, init: str, depth: int, width: int, networks: int
) -> np.ndarray:
    """First layer's gradient over the last one's in each network, before its first step: shape (networks,)."""
    settings = {"activation": activation, "init": init, "depth": depth, "width": width}
    spec = make_spec({"problem": data.name, "steps": 1, "seeds": networks, **settings})
    spec = plan.resolve(spec, data)
    grid = plan.cells(spec, data)
    measures = Measures(vitals.names(), vitals.measure_layer)
    parts = []
    for block in plan.blocks(grid, networks, spec.engine):
        rows = plan.trials(block, grid, spec.seed)
        columns = engine.run(block.program, rows, data, 1, measures, lambda steps: None).columns
        gradient = columns["gradient_rms"][:, 0].astype(float)
        # A network whose last layer is fed nothing but zeros has no gradient anywhere; its ratio counts as 0.
        parts.append(np.divide(gradient[:, 0], gradient[:, -1], out=np.zeros(len(rows)), where=gradient[:, -1] > 0))
    return np.concatenate(parts)


def _median_interval(values: np.ndarray) -> tuple[float, float]:
    """A 95 % interval of the median, from the order statistics (binomial, normal approximation)."""
    ordered, n = np.sort(values), len(values)
    reach = 0.98 * math.sqrt(n)
    return float(ordered[max(0, math.floor(n / 2 - reach))]), float(ordered[min(n - 1, math.ceil(n / 2 + reach))])


def main() -> None:
    """Measure all, draw it, and say in a table how many pairs agree at each depth and width."""
    from bench.gallery_figure import draw

    made = []
    for meeting in meetings():
        made.append(meeting)
        error = f"{meeting.error:+.2f}" if meeting.comparable else "too small for float32"
        print(
            f"{meeting.activation}, {meeting.init}, depth {meeting.depth}, width {meeting.width}: {error}", flush=True
        )
    print(table(made))
    Path("bench/gallery.json").write_text(json.dumps([dataclasses.asdict(m) for m in made], indent=0), "utf-8")
    draw(made, Path(sys.argv[1]))


def table(made: Sequence[Meeting]) -> str:
    """Pairs that agree, of those that can be compared, by width (down) and depth."""
    lines = ["width " + "".join(f"{f'depth {depth}':>10}" for depth in DEPTHS)]
    for width in WIDTHS:
        cells = [[m for m in made if (m.width, m.depth) == (width, depth) and m.comparable] for depth in DEPTHS]
        lines.append(f"{width:5} " + "".join(f"{f'{sum(m.agrees for m in cell)}/{len(cell)}':>10}" for cell in cells))
    return "\n".join(lines)


if __name__ == "__main__":
    main()
