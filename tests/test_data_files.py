"""Data of the user's own: tables and IDX files, good ones and every kind of bad one."""

from __future__ import annotations

import contextlib
import csv
import gzip
import io
import pickle
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trainability.core.errors import DataError, SpecError, UnknownName, UsageError
from trainability.problems import load, tables
from trainability.problems import problem as limits

SHARED = Path(__file__).parents[2] / "shared" / "data"

FLOWERS = "length,width,species\n" + "".join(
    f"{i % 7 + 0.5},{i % 5 + 0.25},{('rose', 'tulip', 'lily')[i % 3]}\n" for i in range(30)
)


def write(folder: Path, text: str | bytes, name: str = "table.csv") -> str:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return f"file:{path}"


def said(data, words: str) -> bool:
    return any(words in note for note in data.notes)


# Text that no separator, number or missing-value marker can be mistaken for, but with separators inside.
words = st.text("abcd,;| ", min_size=1, max_size=6).map(str.strip).filter(lambda w: any(c in "abcd" for c in w))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    numbers=st.integers(1, 4).flatmap(
        lambda width: st.lists(
            st.lists(st.floats(-1e15, 1e15), min_size=width, max_size=width), min_size=6, max_size=30
        )
    ),
    colours=st.lists(words, min_size=2, max_size=3, unique=True),
    labels=st.lists(words, min_size=2, max_size=3, unique=True),
    separator=st.sampled_from(",;\t|"),
    header=st.booleans(),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    bom=st.booleans(),
    newline=st.sampled_from(["\n", "\r\n"]),
)
def test_a_table_comes_back_as_it_was_written(
    tmp_path, numbers, colours, labels, separator, header, quoting, bom, newline
):
    count, width = len(numbers), len(numbers[0])
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=separator, quoting=quoting, lineterminator=newline)
    names = [f"n{i}" for i in range(width)] + ["colour", "kind"]
    if header:
        writer.writerow(names)
    else:
        names = [f"column {i}" for i in range(width + 2)]
    colour = [colours[i % len(colours)] for i in range(count)]
    label = [labels[i // 2 % len(labels)] for i in range(count)]
    for row, c, k in zip(numbers, colour, label, strict=True):
        writer.writerow([*map(repr, row), c, k])
    name = "table.tsv" if separator == "\t" else "table.csv"
    data = load(write(tmp_path, ("\ufeff" if bom else "") + text.getvalue(), name), validation=0)

    assert data.targets == (names[-1],)
    assert data.classes == tuple(sorted(set(label)))
    assert [data.classes[i] for i in data.y_train] == label
    x = np.array(numbers)
    varies = x.min(axis=0) != x.max(axis=0)
    made = [n for n, v in zip(names, varies, strict=False) if v]
    assert list(data.features[: len(made)]) == made
    assert np.array_equal(data.x_train[:, : len(made)], x[:, varies])
    coded = data.x_train[:, len(made) :]
    values = sorted(set(colour))
    if len(values) == 2:
        assert [values[int(v)] for v in coded[:, 0]] == colour
    else:
        assert [values[i] for i in coded.argmax(axis=1)] == colour
        assert (coded.sum(axis=1) == 1).all()
    assert said(data, "line 1 is taken as the header") == header
    assert said(data, "separated by") == (separator in ";|")


def test_what_was_inferred_is_said(tmp_path):
    data = load(write(tmp_path, FLOWERS))
    assert data.task == "classes"
    assert data.classes == ("lily", "rose", "tulip")
    assert said(data, "target column: 'species', the last one")
    assert said(data, "target 'species' has 3 distinct values of text: taken as 3 classes")
    assert said(data, "header: 3 names")
    assert len(data.x_validation) == 8
    assert data.target == "accuracy>=0.95"


@pytest.mark.parametrize(
    ("values", "task", "note"),
    [
        ([0, 1], "binary", "2 distinct whole numbers"),
        ([-1, 1], "binary", "2 distinct whole numbers"),
        ([1, 2, 7], "classes", "3 distinct whole numbers"),
        (["0.0", "1.0", "2.0"], "classes", "3 distinct whole numbers"),
        (["2.0", "4.0", "8.0"], "regression", "write labels as text to have classes"),
        ([0.5, 1.5, 2.5], "regression", "3 distinct numbers: taken as a regression"),
        (list(range(40)), "regression", "40 distinct numbers"),
        (["true", "false"], "binary", "2 distinct values of text"),
    ],
)
def test_classes_or_numbers_are_told_apart(tmp_path, values, task, note):
    rows = [f"{i * i % 11},{values[i % len(values)]}" for i in range(80)]
    data = load(write(tmp_path, "a,t\n" + "\n".join(rows)))
    assert data.task == task
    assert said(data, note)
    assert data.target == ("r2>=0.9" if task == "regression" else "accuracy>=0.95")


def test_the_target_column_is_chosen_by_name_by_number_or_by_custom(tmp_path):
    text = "a,Label,b\n" + "".join(f"{i * 7 % 5},{i % 2},{i * 3 % 4}\n" for i in range(20))
    file = write(tmp_path, text)
    for column, target in (
        (None, "Label"),
        ("b", "b"),
        ("label", "Label"),
        ("0", "a"),
        ("-1", "b"),
        ("1", "Label"),
    ):
        data = load(file, target_column=column)
        assert data.targets == (target,)
        assert target not in data.features
        assert said(data, f"target column: '{target}'")
    with pytest.raises(UnknownName, match="'Label'"):
        load(file, target_column="labl")
    with pytest.raises(SpecError, match="3 columns, numbered from 0: there is no column 3"):
        load(file, target_column="3")


def test_columns_that_say_nothing_are_left_out_and_said(tmp_path):
    rows = "".join(f"{i},5,{i * 7 % 5},{i % 2}\n" for i in range(20))
    data = load(write(tmp_path, ",same,a,y\n" + rows))
    assert data.features == ("a",)
    assert said(data, "counts the rows")
    assert said(data, "never change and are left out: 'same'")


def test_blank_lines_quotes_and_a_colon_in_the_path_are_fine(tmp_path):
    (tmp_path / "a:b").mkdir()
    rows = "".join(f'"{i}", "x{i % 2}"\n\n' for i in range(12))
    data = load(write(tmp_path / "a:b", 'a, "b"\n' + rows))
    assert data.features == ("a",)
    assert data.classes == ("x0", "x1")


NUMBERS = "".join(f"{i},{i * i % 7},{i % 2}\n" for i in range(1, 21))
NINE = range(9)
TEXTS = "".join(f"word{i},{i % 3},{i % 2}\n" for i in range(40))
BAD_TABLES = {
    "empty": ("", "is empty"),
    "blank": ("\n \n\x1c", "is empty"),
    "quotes alone": ('""\n""\n', "no cells that are not empty"),
    "header only": ("a,b,c\n", "a header but no rows"),
    "too few rows": ("a,b\n1,0\n2,1\n3,0\n", "3 row(s) of data; at least 4"),
    "one column": ("a\n1\n2\n3\n", "line 1: one column only"),
    "long row": ("a,b,c\n" + NUMBERS + "1,2,3,4\n", "line 22 has 4 cell(s), but line 1 has 3"),
    "short row": ("a,b,c\n1,2,1\n\n1,2\n" + NUMBERS, "line 4 has 2 cell(s), but line 1 has 3"),
    "open quote": ("a,b,c\n" + NUMBERS + '1,"2,3\n4,5,6\n', "line 22: unexpected end of data"),
    "too many texts": ("a,b,c\n" + TEXTS, "column 'a', line 2: 'word0' is not a number"),
    "a word among numbers": ("a,b,c\n" + NUMBERS + "9,nine,1\n", "line 22: 'nine' is not a number, as 20 of"),
    "empty cell": ("a,b,c\n" + NUMBERS + "9,,1\n", "column 'b', line 22: the cell is empty"),
    "empty target": ("a,b,c\n" + NUMBERS + "9,9,\n", "column 'c', line 22: the cell is empty"),
    "question mark": ("a,b,c\n1,?,1\n" + NUMBERS + "9,?,1\n", "empty or not a number (1 more"),
    "not a number": ("a,b,c\n" + NUMBERS + "NaN,9,1\n", "column 'a', line 22: the cell is empty"),
    "infinite": ("a,b,c\n" + NUMBERS + "9,-inf,1\n", "line 22: the number is infinite"),
    "too large": ("a,b,c\n" + NUMBERS + "9,1e999,1\n", "line 22: the number is infinite"),
    "one class": ("a,b\n" + "".join(f"{i},yes\n" for i in NINE), "target 'b' is 'yes' in every row"),
    "one number": ("a,b\n" + "".join(f"{i},3\n" for i in NINE), "target 'b' is '3' in every row"),
    "constant inputs": ("a,b\n" + "".join(f"4,{i % 2}\n" for i in NINE), "every input is the same"),
    "too many classes": ("a,b\n" + "".join(f"{i},w{i}\n" for i in NINE), "9 distinct values in 9 rows"),
    "decimal comma": ("a;b\n" + "".join(f"{i},5;{i % 2}\n" for i in NINE), "line 2: '0,5' has a decimal"),
    "same names": ("a,b,a\n" + NUMBERS, "two columns are named 'a' in line 1"),
    "latin-1": (b"a,b\n1,0\n\xe9,1\n", "line 3: byte 0xe9 is not UTF-8"),
    "cut character": (b"a,b\n1,0\n2,\xc3", "line 3: byte 0xc3 is not UTF-8"),
    "utf-16": ("a,b\n1,0\n".encode("utf-16"), "line 1: byte 0xff is not UTF-8"),
    "zero byte": (b"a,b\n1,0\n2,\0\n", "line 3: a zero byte"),
}  # fmt: skip


@pytest.mark.parametrize("kind", BAD_TABLES)
def test_a_bad_table_is_refused_with_its_place(tmp_path, kind):
    text, sentence = BAD_TABLES[kind]
    with pytest.raises(DataError) as caught:
        load(write(tmp_path, text))
    assert sentence in str(caught.value)
    assert str(tmp_path / "table.csv") in str(caught.value)
    assert "\n" not in str(caught.value)


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
    huge = tmp_path / "huge.csv"
    with huge.open("wb") as stream:
        stream.truncate(2_000_000_001)
    with pytest.raises(DataError, match=r"2\.0 GB, more than the 2 GB"):
        load(f"file:{huge}")
    monkeypatch.setattr(limits, "MAX_ARRAY_BYTES", 500)
    with pytest.raises(DataError, match="samples of 3 numbers"):
        load(write(tmp_path, FLOWERS))
    polars = pytest.importorskip("polars")
    polars.DataFrame({"a": range(100), "b": range(100)}).write_parquet(tmp_path / "t.parquet")
    with pytest.raises(DataError, match="100 samples of 2 numbers"):
        load(f"file:{tmp_path}/t.parquet")


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


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
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
