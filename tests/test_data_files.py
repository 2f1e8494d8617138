"""Data files of a user's own, of every kind: missing, too large, of any bytes, and real."""

from __future__ import annotations

import contextlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.made_files import FLOWERS, write
from trainability.core.errors import DataError, SpecError, UsageError
from trainability.problems import load, tables
from trainability.problems import problem as limits

SHARED = Path(__file__).parents[2] / "shared" / "data"


def test_a_file_that_is_not_there_or_of_no_known_kind_is_refused(tmp_path):
    write(tmp_path, FLOWERS, "flowers.csv")
    with pytest.raises(DataError, match=r"did you mean '.*flowers\.csv'"):
        load(f"file:{tmp_path}/flower.csv")
    with pytest.raises(DataError, match="no folder"):
        load(f"file:{tmp_path}/nowhere/flowers.csv")
    with pytest.raises(DataError, match="is a folder"):
        load(f"file:{tmp_path}")
    with pytest.raises(DataError, match=r"'\.xlsx'.*\.csv, \.tsv, \.parquet, \.npz"):
        load(write(tmp_path, "x", "table.xlsx"))
    with pytest.raises(SpecError, match="takes no noise"):
        load(write(tmp_path, FLOWERS), noise=1)


def test_a_file_too_large_is_refused_before_it_is_read(tmp_path, monkeypatch):
    import polars as pl

    huge = tmp_path / "huge.csv"
    with huge.open("wb") as stream:
        stream.truncate(2_000_000_001)
    with pytest.raises(DataError, match=r"2\.0 GB, more than the 2 GB"):
        load(f"file:{huge}")
    monkeypatch.setattr(limits, "MAX_ARRAY_BYTES", 500)
    with pytest.raises(DataError, match="samples of 3 numbers"):
        load(write(tmp_path, FLOWERS))
    pl.DataFrame({"a": range(100), "b": range(100)}).write_parquet(tmp_path / "t.parquet")
    with pytest.raises(DataError, match="100 samples of 2 numbers"):
        load(f"file:{tmp_path}/t.parquet")


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    content=st.one_of(st.binary(max_size=200), st.text('01.,;\n\t"ab?-', max_size=200).map(str.encode)),
    extension=st.sampled_from(tables.EXTENSIONS),
)
def test_any_bytes_load_or_are_refused_in_a_sentence(tmp_path, content, extension):
    with contextlib.suppress(UsageError):
        data = load(write(tmp_path, content, f"any{extension}"))
        assert np.isfinite(data.x_train).all()


@pytest.mark.skipif(not (SHARED / "auto-mpg.csv").exists(), reason="the real files are not here")
def test_real_files_load():
    cars = load(f"file:{SHARED / 'auto-mpg.csv'}", target_column="mpg", standardize=True)
    assert cars.task == "regression"
    assert cars.targets == ("MPG",)
    assert len(cars.x_train) + len(cars.x_validation) == 392
    digits = load(f"mnist:{SHARED}", samples=200)
    assert digits.x_train.shape == (150, 784)
    assert len(digits.classes) == 10
    assert 0 <= digits.x_train.min() < digits.x_train.max() == 1
