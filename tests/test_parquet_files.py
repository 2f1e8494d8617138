"""Parquet files, good ones and bad ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.made_files import write
from trainability.core.errors import DataError
from trainability.problems import load


def parquet(folder: Path, columns: dict) -> str:
    import polars as pl

    pl.DataFrame(columns).write_parquet(folder / "t.parquet")
    return f"file:{folder / 't.parquet'}"


def test_parquet_comes_back_as_it_was_written(tmp_path):
    import polars as pl

    a, flag = [i * 1.5 for i in range(30)], [i % 3 == 0 for i in range(30)]
    colour = pl.Series([["red", "green", "blue"][i % 3] for i in range(30)], dtype=pl.Categorical)
    data = load(
        parquet(tmp_path, {"a": a, "flag": flag, "colour": colour, "t": [i % 4 for i in range(30)]}),
        validation=0,
    )
    assert data.features == ("a", "flag", "colour=blue", "colour=green", "colour=red")
    assert data.x_train[:, 0].tolist() == a
    assert data.x_train[:, 1].tolist() == flag
    assert data.y_train.tolist() == [i % 4 for i in range(30)]


def test_bad_parquet_is_refused_with_its_place(tmp_path):
    import datetime

    ten = list(range(10))
    days = [datetime.date(2020, 1, 1 + i) for i in ten]
    for columns, sentence in (
        ({"day": days, "y": ten}, "column 'day' is of type Date"),
        ({"a": [1.0] * 9 + [None], "y": ten}, "column 'a', row 9 (from 0): the cell is empty"),
        ({"a": [1.0, float("nan")] * 5, "y": ten}, "column 'a', row 1 (from 0): the cell is empty"),
        ({"a": [1.0, float("inf")] * 5, "y": ten}, "column 'a', row 1 (from 0): the number is infinite"),
        ({"a": [[1]] * 10, "y": ten}, "column 'a' is of type List"),
        ({"a": ten}, "one column only"),
    ):
        with pytest.raises(DataError) as caught:
            load(parquet(tmp_path, columns))
        assert sentence in str(caught.value)
    whole = (tmp_path / "t.parquet").read_bytes()
    for kept in (len(whole) - 1, len(whole) // 2, 6):
        with pytest.raises(DataError, match="not a Parquet file, or is damaged"):
            load(write(tmp_path, whole[:kept], "cut.parquet"))
