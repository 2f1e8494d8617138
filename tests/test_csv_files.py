"""Tables of text: what was written comes back, what is inferred is said, what is bad is refused with its place."""

from __future__ import annotations

import csv
import io

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.made_files import FLOWERS, said, write
from trainability.core.errors import DataError, SpecError, UnknownName
from trainability.problems import load

# Text that no separator, number or missing-value marker can be mistaken for, but with separators inside.
words = st.text("abcd,;| ", min_size=1, max_size=6).map(str.strip).filter(lambda w: any(c in "abcd" for c in w))


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
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
    assert data.target == "validation_accuracy>=0.95"


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
    assert data.target == ("validation_r2>=0.9" if task == "regression" else "validation_accuracy>=0.95")


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
