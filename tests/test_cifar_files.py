"""CIFAR-10's binary files: read as they are described, and refused with the file's name and what was expected."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.command import Cli
from trainability import problems
from trainability.core.errors import DataError
from trainability.lab.images import as_images
from trainability.problems import cifar


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of 40 images in place of 10,000."""
    monkeypatch.setattr(cifar.read_batch, "__defaults__", (40,))


def _write(folder: Path, images: int = 40) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """A folder of random images, (images, 32, 32, 3) and labels by file."""
    rng, made = np.random.default_rng(0), {}
    for name in (*cifar.TRAIN, cifar.TEST):
        pixels = rng.integers(0, 256, (images, 32, 32, 3), np.uint8)
        labels = (np.arange(images) % 10).astype(np.uint8)
        planes = pixels.transpose(0, 3, 1, 2).reshape(images, -1)
        (folder / name).write_bytes(np.hstack([labels[:, None], planes]).tobytes())
        made[name] = (pixels, labels)
    return made


@pytest.mark.usefixtures("small")
def test_images_and_labels_come_back(tmp_path: Path) -> None:
    made = _write(tmp_path)
    data = problems.load(f"cifar10:{tmp_path}")
    assert len(data.x_train) == 200
    assert data.classes == cifar.CLASSES
    for x, y, names in (
        (data.x_train, data.y_train, cifar.TRAIN),
        (data.x_validation, data.y_validation, [cifar.TEST]),
    ):
        pixels = np.concatenate([made[name][0] for name in names])
        np.testing.assert_array_equal(as_images(data, x), pixels.astype(np.float32) / np.float32(255))
        np.testing.assert_array_equal(y, np.concatenate([made[name][1] for name in names]))
    assert data.task == "classes"


@pytest.mark.usefixtures("small")
def test_the_folder_in_the_archive_is_found(tmp_path: Path) -> None:
    inner = tmp_path / "cifar-10-batches-bin"
    inner.mkdir()
    _write(inner)
    assert len(problems.load(f"cifar10:{tmp_path}", samples=100).x_train) == 100


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("name", [*cifar.TRAIN, cifar.TEST])
def test_a_missing_file_is_named(tmp_path: Path, name: str) -> None:
    _write(tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(DataError, match=f"there is no file '.*{name}'.*data_batch_1.bin"):
        problems.load(f"cifar10:{tmp_path}")


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda body: body[:-1], r"is truncated: 40 images of 3,073 bytes each are 122,920 bytes, found 122,919"),
        (lambda body: b"", r"is truncated: .* found 0"),
        (lambda body: body + b"x", r"is no batch of CIFAR-10: .* it has more"),
        (lambda body: b"\x0a" + body[1:], r"image 0 has the label 10, but CIFAR-10 has labels 0 to 9"),
    ],
)
def test_a_damaged_file_is_refused(tmp_path: Path, change, said: str) -> None:
    _write(tmp_path)
    path = tmp_path / "data_batch_3.bin"
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(DataError, match=f"data_batch_3.bin'.*{said}"):
        problems.load(f"cifar10:{tmp_path}")


@pytest.mark.parametrize("name", ["relu-faster-than-tanh", "digits-improvements"])
def test_the_command_says_what_is_wrong(cli: Cli, tmp_path: Path, name: str) -> None:
    for source, said in (
        (f"cifar10:{tmp_path}", "there is no file"),
        (f"cifar10:{tmp_path / 'none'}", "is not a folder"),
        (f"mnist:{tmp_path}", "holds no MNIST"),
        ("mnist:", "needs a path"),
        ("cifar100:there", "takes --data mnist:DIR or cifar10:DIR"),
    ):
        code, _, err = cli("lab", name, "--quick", "--data", source)
        assert code == 2, source
        assert said in " ".join(err.split()), (source, err)
        assert "Traceback" not in err
