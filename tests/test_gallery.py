"""Where the engine's measured gradients and theory meet; see bench/gallery.py."""

from __future__ import annotations

import math
from pathlib import Path

import matplotlib.image
import pytest

from bench.gallery import DEPTHS, HOLDS_TO, PAIRS, WIDTHS, Meeting, meetings
from bench.gallery_figure import draw

pytest.importorskip("trainability.engine.lanes._processor", reason="the kernel was not built")


def _expect_agreement(found: list[Meeting]) -> None:
    for meeting in found:
        assert meeting.comparable
        assert meeting.agrees, meeting


@pytest.mark.parametrize("pair", PAIRS, ids=":".join)
def test_theory_meets_the_engine_where_layers_are_wide(pair: tuple[str, str]):
    _expect_agreement([*meetings([pair], [2], [32]), *meetings([pair], [4], [64])])


@pytest.mark.parametrize("pair", [("sigmoid", "keras"), ("tanh", "torch"), ("tanh", "lecun_normal:1.5")], ids=":".join)
def test_away_from_criticality_theory_holds_in_narrow_networks_too(pair: tuple[str, str]):
    _expect_agreement(list(meetings([pair], [2, 8, 16], [16])))


@pytest.mark.parametrize("activation", ["glu", "maxout", "maxout:4"])
@pytest.mark.parametrize("init", ["keras", "he_normal"])
def test_theory_meets_the_engine_of_gates(activation: str, init: str):
    _expect_agreement(list(meetings([(activation, init)], [2, 6], [64])))


@pytest.mark.soak
def test_the_whole_gallery(tmp_path: Path):
    made = list(meetings())
    assert len(made) == len(PAIRS) * len(DEPTHS) * len(WIDTHS)
    _expect_agreement([m for m in made if m.depth <= HOLDS_TO * m.width])
    comparable = [m for m in made if m.comparable]
    assert sum(m.agrees for m in comparable) >= 0.9 * len(comparable)  # 337 of 354 when this was written
    draw(made, tmp_path / "gallery.png")
    assert (matplotlib.image.imread(tmp_path / "gallery.png")[..., :3].min(axis=-1) < 0.9).mean() > 0.02


def test_a_median_that_is_off_does_not_agree():
    """Half as large, with an interval of 10 %; and the same interval around the right value."""
    kinds = ("tanh", "keras", 8, 64)
    assert not Meeting(*kinds, 0.2, 0.2, 0.1, 0.09, 0.11, 128, 0).agrees
    assert not Meeting(*kinds, 0.2, 0.2, 0.4, 0.36, 0.44, 128, 0).agrees
    assert Meeting(*kinds, 0.2, 0.2, 0.2, 0.18, 0.22, 128, 0).agrees
    assert Meeting(*kinds, 0.2, 0.2, 0.0, 0.0, 0.0, 128, 128).error == -math.inf
