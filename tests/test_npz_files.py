"""NPZ files, good ones and bad ones."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

from tests.made_files import said, write
from trainability.core.errors import DataError, SpecError
from trainability.problems import load
from trainability.problems import problem as limits


def npz(folder: Path, **arrays) -> str:
    np.savez(folder / "t.npz", **arrays)
    return f"file:{folder / 't.npz'}"


def test_npz_comes_back_as_it_was_written(tmp_path):
    r = np.random.default_rng(0)
    x, y = r.normal(size=(30, 4)), np.arange(30) % 3
    for names in (("x", "y"), ("X", "y"), ("inputs", "labels")):
        data = load(npz(tmp_path, **dict(zip(names, (x, y), strict=True))), validation=0)
        assert np.array_equal(data.x_train, x)
        assert np.array_equal(data.y_train, y)
        assert data.targets == names[1:]
        assert data.features[0] == f"{names[0]}0"
    images = load(npz(tmp_path, x=r.integers(0, 255, (30, 5, 6), dtype=np.uint8), y=np.array(list("abc") * 10)))
    assert len(images.features) == 30
    assert images.classes == ("a", "b", "c")
    two = load(npz(tmp_path, x=x, y=r.normal(size=(30, 2))), validation=0)
    assert two.task == "regression"
    assert two.targets == ("y0", "y1")
    hot = load(npz(tmp_path, x=x, y=np.eye(3)[y]), validation=0)
    assert np.array_equal(hot.y_train, y)
    assert said(hot, "one-hot")
    column = load(npz(tmp_path, x=x, y=y[:, None]), validation=0)
    assert np.array_equal(column.y_train, y)


def test_bad_npz_is_refused(tmp_path, monkeypatch):
    x, y = np.random.default_rng(0).normal(size=(30, 4)), np.arange(30) % 3
    holed = x.copy()
    holed[7, 2] = np.nan
    for arrays, sentence in (
        ({"a": x}, "found 'a'"),
        ({"a": x, "b": y, "c": y}, "found 'a', 'b', 'c'"),
        ({"a": x, "b": x}, "can be told apart"),
        ({"x": x, "y": y[:-1]}, "'x' has 30 samples, but 'y' has 29"),
        ({"x": x.astype(complex), "y": y}, "type complex128"),
        ({"x": x, "y": np.float64(3)}, "'y' is a single value"),
        ({"x": x[:3], "y": y[:3]}, "3 sample(s); at least 4"),
        ({"x": holed, "y": y}, "array 'x', row 7, column 2 (from 0) is nan"),
        ({"x": x, "y": holed[:, 2]}, "array 'y', row 7, column 0 (from 0) is nan"),
        ({"x": x[:, :0], "y": y}, "no inputs"),
        ({"x": x, "y": y * 0}, "target 'y' is '0' in every row"),
        ({"x": x, "y": y.astype(object)}, "pickled"),
    ):
        with pytest.raises(DataError) as caught:
            load(npz(tmp_path, **arrays))
        assert sentence in str(caught.value)
    with pytest.raises(SpecError, match="no target column"):
        load(npz(tmp_path, x=x, y=y), target_column="y")
    whole = (tmp_path / "t.npz").read_bytes()
    for bad in (whole[: len(whole) // 2], b"PK", pickle.dumps({"x": 1})):
        with pytest.raises(DataError, match="not an NPZ file, or is damaged"):
            load(write(tmp_path, bad, "bad.npz"))
    middle = bytearray(whole)
    middle[300] ^= 0xFF
    with pytest.raises(DataError, match="damaged"):
        load(write(tmp_path, bytes(middle), "bad.npz"))
    monkeypatch.setattr(limits, "MAX_ARRAY_BYTES", 500)
    with pytest.raises(DataError, match="array 'x': 30 samples of 4 numbers"):
        load(f"file:{tmp_path / 't.npz'}")
