"""The IDX files of MNIST and its kin, good ones and bad ones."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest

from tests.made_files import said
from trainability.core.errors import DataError, SpecError
from trainability.problems import load


def idx(array: np.ndarray) -> bytes:
    return struct.pack(f">I{array.ndim}I", 0x800 + array.ndim, *array.shape) + array.astype(np.uint8).tobytes()


def mnist(folder: Path, part: str, count: int, zipped: bool, dot: bool = False) -> tuple[np.ndarray, np.ndarray]:
    r = np.random.default_rng(count)
    images, labels = r.integers(0, 256, (count, 3, 2)), np.arange(count) % 4
    for array, name in ((images, "images-idx3"), (labels, "labels-idx1")):
        name = f"{part}-{name.replace('-', '.') if dot else name}-ubyte" + (".gz" if zipped else "")
        (folder / name).write_bytes(gzip.compress(idx(array)) if zipped else idx(array))
    return images, labels


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("dot", [True, False])
def test_idx_files_come_back_as_they_were_written(tmp_path, zipped, dot):
    images, labels = mnist(tmp_path, "t10k", 20, zipped, dot)
    data = load(f"mnist:{tmp_path}", validation=0)
    assert np.array_equal(data.x_train, images.reshape(20, 6) / 255)
    assert np.array_equal(data.y_train, labels)
    assert data.classes == ("0", "1", "2", "3")
    assert said(data, "only t10k")
    assert len(load(f"mnist:{tmp_path}").x_validation) == 5

    more, more_labels = mnist(tmp_path, "train", 40, zipped, dot)
    both = load(f"mnist:{tmp_path}")
    assert np.array_equal(both.x_train, more.reshape(40, 6) / 255)
    assert np.array_equal(both.y_train, more_labels)
    assert np.array_equal(both.x_validation, data.x_train)
    assert np.array_equal(both.y_validation, labels)
    assert len(load(f"mnist:{tmp_path}", validation=0).x_validation) == 0
    assert load(f"mnist:{tmp_path}", samples=12, features=("squares",)).x_train.shape == (12, 6)
    with pytest.raises(SpecError, match="its own held-out samples"):
        load(f"mnist:{tmp_path}", validation=0.2)


def test_bad_idx_files_are_refused(tmp_path):
    with pytest.raises(DataError, match="is not a folder"):
        load(f"mnist:{tmp_path}/nowhere")
    with pytest.raises(DataError, match="looked for train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k"):
        load(f"mnist:{tmp_path}")
    mnist(tmp_path, "t10k", 20, zipped=False)
    images, labels = tmp_path / "t10k-images-idx3-ubyte", tmp_path / "t10k-labels-idx1-ubyte"
    good, good_labels = images.read_bytes(), labels.read_bytes()
    packed = gzip.compress(good)
    for content, sentence in (
        (good[:-5], "states 120 bytes of data, found 115"),
        (good + b"x", "more than the 120 bytes"),
        (good[:9], "its header needs 16 bytes, found 9"),
        (good[:2], "its header needs 16 bytes, found 2"),
        (b"", "found 0"),
        (good_labels, "starts with the number 0x00000801"),
        (packed[:-20], "is truncated"),
        (packed[:-8] + bytes(8), "cannot be read: CRC check failed"),
        (struct.pack(">4I", 0x803, 2**31, 28, 28), "GB of memory"),
        (idx(np.zeros((0, 3, 2))), "0 images, but"),
        (idx(np.zeros((7, 3, 2))), "has 7 images, but"),
    ):
        images.write_bytes(content)
        with pytest.raises(DataError) as caught:
            load(f"mnist:{tmp_path}")
        assert sentence in str(caught.value)
        assert str(images) in str(caught.value)
    images.write_bytes(good)
    labels.write_bytes(idx(np.ones(20)))
    with pytest.raises(DataError, match="every label is 1"):
        load(f"mnist:{tmp_path}")
    labels.unlink()
    with pytest.raises(DataError, match="no file t10k-labels-idx1-ubyte"):
        load(f"mnist:{tmp_path}")
    with pytest.raises(SpecError, match="no target column"):
        load(f"mnist:{tmp_path}", target_column="y")


def test_a_label_that_training_lacks_is_refused(tmp_path):
    mnist(tmp_path, "train", 20, zipped=False)
    mnist(tmp_path, "t10k", 20, zipped=False)
    (tmp_path / "t10k-labels-idx1-ubyte").write_bytes(idx(np.full(20, 9)))
    with pytest.raises(DataError, match="t10k has the label 9"):
        load(f"mnist:{tmp_path}")
