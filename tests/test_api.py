"""The jobs as Python functions: what they return, take and raise."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from polars.testing import assert_frame_equal

import trainability
from trainability import api
from trainability.core.errors import DataError, FormulaError, Interrupted, SpecError, StoreError, UnknownName
from trainability.engine import selection
from trainability.report import result as result_module

TINY: dict[str, Any] = {"depth": 1, "width": 2, "steps": 20, "seeds": 8}
"""The one compiled program of these tests; see also `test_cli`."""


def test_compare_returns_a_table_a_figure_and_a_report(tmp_path: Path):
    result = trainability.compare(problem="xor", **TINY, lr=[0.001, 0.1], out=tmp_path / "run")
    assert isinstance(result, trainability.Result)
    assert result.axes == ("lr",)
    assert result.table["lr"].to_list() == [0.001, 0.1]
    assert result.table["n"].to_list() == [8, 8]
    assert result.best()["solved"] == result.table["solved"].max()
    assert len(result.trials) == 16
    assert result.report(tmp_path / "report.html").read_text("utf-8").startswith("<!")
    assert "<table" in result._repr_html_()
    assert result.plot().axes
    assert result.conclusion
    assert (result.directory, result.engine) == (tmp_path / "run", selection.resolve("auto"))


def test_a_report_of_very_many_trials_shows_the_first_of_each_cell_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    asked: dict[str, Any] = {**TINY, "lr": [0.001, 0.1], "out": tmp_path / "run"}
    note = "Shown are the first 3 trials of each cell."
    assert note not in trainability.compare("xor", **asked).report(tmp_path / "all.html").read_text("utf-8")
    monkeypatch.setattr(result_module, "DRAWN", 6)
    monkeypatch.setattr(result_module, "PORTRAIT_TRIALS", 2)
    result = trainability.compare("xor", **asked)
    assert result.record.trials["trial"].to_list() == [0, 1, 2] * 2
    assert len(result.trials) == 16
    assert result.table["n"].to_list() == [8, 8]
    text = result.report(tmp_path / "some.html").read_text("utf-8")
    assert text.count(note) == 4  # loss, gradient, vital signs, failed trials


def test_settings_may_be_arrays_numbers_and_ranges(tmp_path: Path):
    a = trainability.compare("xor", **TINY, lr=np.array([0.001, 0.1]), batch="full", out=tmp_path / "a")
    b = trainability.compare("xor", depth=range(1, 2), width="2", steps=np.int64(20), seeds=8, lr="1e-3,0.1",
                             activation=["relu", "rectifier"], epochs=None, out=tmp_path / "b")  # fmt: skip
    assert a.spec == b.spec
    assert_frame_equal(a.trials, b.trials)


def test_a_run_on_disk_opens_again(tmp_path: Path):
    made = trainability.compare("xor", **TINY, out=tmp_path / "run")
    found = trainability.open_result(tmp_path / "run")
    assert found.spec == made.spec
    assert_frame_equal(found.table, made.table)
    assert_frame_equal(found.trials, made.trials)
    assert found.net_steps_per_second == made.net_steps_per_second


def test_a_run_whose_data_or_spec_changed_is_not_opened(tmp_path: Path):
    data = tmp_path / "data.csv"
    data.write_text("a,b,y\n" + "1,2,0\n3,4,1\n" * 8)
    asked = {**TINY, "problem": f"file:{data}", "validation": 0}
    trainability.compare(**asked, out=tmp_path / "run")
    data.write_text("a,b,y\n" + "1,2,0\n3,5,1\n" * 8)
    with pytest.raises(SpecError, match="has changed since the run"):
        trainability.open_result(tmp_path / "run")
    with pytest.raises(StoreError, match="holds another run"):
        trainability.compare(**asked, out=tmp_path / "run")
    for text in ('problem = "xor', "depth = 1", "colour = 1"):
        (tmp_path / "run" / "spec.toml").write_text(text)
        with pytest.raises(StoreError, match=r"the spec of the run in .* is damaged"):
            trainability.open_result(tmp_path / "run")
    with pytest.raises(StoreError, match="holds no run"):
        trainability.open_result(tmp_path)


@pytest.mark.parametrize(
    ("settings", "kind"),
    [
        ({"activation": "relux"}, UnknownName),
        ({"activations": "relu"}, UnknownName),
        ({"problem": "xr"}, UnknownName),
        ({"problem": None}, SpecError),
        ({"problem": "file:none.csv"}, DataError),
        ({"activation": "expr:x+"}, FormulaError),
        ({"lr": [0.1, True]}, SpecError),
        ({"depth": "x"}, SpecError),
        ({"depth": {}}, SpecError),
        ({"devices": 0}, SpecError),
        ({"devices": True}, SpecError),
        ({"devices": 99}, SpecError),
        ({"devices": "2"}, SpecError),
        ({"out": __file__}, StoreError),
        ({"out": "\udcff"}, SpecError),
        ({"spec": "none.toml"}, SpecError),
    ],
    ids=ascii,
)
def test_a_mistake_is_a_usage_error(settings: dict[str, Any], kind: type[Exception]):
    assert issubclass(kind, trainability.UsageError)
    with pytest.raises(kind):
        trainability.compare(**{"problem": "xor", **TINY, **settings})


class Listener:
    """A watcher that adds up what it is told."""

    def begin(self, spec: Any, data: Any, trials: int, steps_left: int, steps: int) -> None:
        self.begun = (spec.seeds, data.name, trials, steps_left, steps)
        self.done = 0

    def advance(self, steps: int) -> None:
        self.done += steps


def test_a_watcher_hears_every_step(tmp_path: Path):
    listener = Listener()
    asked = {**TINY, "seeds": 40, "lr": [0.1, 0.2]}
    trainability.compare("xor", **asked, out=tmp_path / "run", watcher=listener)
    assert listener.begun == (40, "xor", 80, 1600, 1600)
    assert listener.done == 1600
    trainability.compare("xor", **asked, out=tmp_path / "run", watcher=listener)
    assert listener.begun == (40, "xor", 80, 0, 1600)
    assert listener.done == 0


def test_ctrl_c_before_the_first_block_keeps_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(selection, "make", stop)
        with pytest.raises(Interrupted, match=r"what was finished is kept in .*; run the same command again"):
            trainability.compare("xor", **TINY, out=tmp_path / "run")
    assert len(trainability.compare("xor", **TINY, out=tmp_path / "run").trials) == 8


def test_what_a_run_cost_adds_up(tmp_path: Path):
    asked = {**TINY, "seeds": 40, "engine": "reference"}  # in blocks of 32
    first = trainability.compare("xor", **asked, out=tmp_path / "run")
    (part,) = (tmp_path / "run" / "parts").glob("trials-b0000001-*")
    part.unlink()
    trainability.compare("xor", **asked, out=tmp_path / "run")
    meta = api.open_existing(tmp_path / "run").read_meta()
    assert meta["network_steps"] == (40 + 8) * 20
    assert meta["seconds"] > first.seconds
    assert set(meta["versions"]) == {"trainability", "jax", "optax", "numpy"}
