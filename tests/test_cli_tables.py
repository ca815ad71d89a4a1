"""Tables in files: whatever is written by another program is read as it is, or refused."""

import csv
import gzip
import io
import sys

import narwhals.stable.v2 as nw
import pandas as pd
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lamina.cli import tables
from lamina.cli.tables import MISSING, read_table
from lamina.exceptions import DataError, MissingExtraError

on_files = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    deadline=None,
    max_examples=60,
)
FIELDS = st.one_of(
    st.integers(-1000, 1000).map(str),
    st.floats(-1e6, 1e6).map(lambda v: f"{v:.3f}"),
    st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Z"])),
    st.sampled_from([*MISSING, "a;b", 'say "no"', "two\nlines", "1,5"]),
)
LETTERS = st.text("abcdefghij", min_size=1, max_size=6)


@st.composite
def rows_of_texts(draw):
    names = draw(st.lists(LETTERS, min_size=2, max_size=5, unique=True))
    # A letter in front keeps each column one of texts, so that no value is converted.
    field = FIELDS.map(lambda text: text if text in MISSING else f"x{text}")
    n = len(names)
    rows = draw(st.lists(st.lists(field, min_size=n, max_size=n), min_size=1))
    return names, rows


@pytest.fixture(params=[pd, pl], ids=["pandas", "polars"])
def library(request, monkeypatch):
    """The library that reads tables."""
    monkeypatch.setattr(tables, "frame_library", lambda: request.param)
    return request.param


def refused(path, *words, **options):
    with pytest.raises(DataError) as caught:
        read_table(str(path), **options)
    assert [word for word in words if word not in str(caught.value)] == []


def write(path, names, rows, separator=",", encoding="utf-8"):
    text = io.StringIO()
    csv.writer(text, delimiter=separator).writerows([names, *rows])
    path.write_bytes(text.getvalue().encode(encoding))
    return str(path)


@on_files
@given(rows_of_texts(), st.sampled_from(",;\t|"), st.booleans())
def test_texts_are_read_as_they_were_written(
    tmp_path, library, table, separator, has_mark
):
    assert tables.frame_library() is library
    names, rows = table
    encoding = "utf-8-sig" if has_mark else "utf-8"
    path = write(tmp_path / "a.csv", names, rows, separator, encoding)
    frame = read_table(path).frame
    assert frame.columns == names
    expected = [[None if v in MISSING else v for v in row] for row in rows]
    present = [[None if pd.isna(v) else v for v in row] for row in frame.iter_rows()]
    assert present == expected


@on_files
@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(tmp_path, library, contents):
    path = tmp_path / "a.csv"
    path.write_bytes(contents)
    try:
        table = read_table(str(path))
    except DataError as error:
        assert "a.csv" in str(error)
    else:
        assert len(table.places) == table.frame.shape[0] > 0


def test_a_table_is_named_with_its_line_where_it_is_no_table(tmp_path):
    path = tmp_path / "a.csv"
    for text, words in (
        ("", ["is empty"]),
        ("\n \n", ["is empty"]),
        ("a,b\n", ["no rows"]),
        ("a,a\n1,2\n", ["columns 1 and 2", "'a'", "rename"]),
        ("a,\n1,2\n", ["column 2 has no name"]),
        ("a,b\n1,2\n1,2,3\n", ["line 3 has 3 fields", "2 columns"]),
        ("a,b\n1\n", ["line 2 has 1 fields"]),
        ('a,b\n1,"2\n', ["line 2"]),
        ("a,b\n1,\0\n", ["line 2", "zero byte"]),
    ):
        path.write_text(text)
        refused(path, "a.csv", *words)


def test_another_encoding_is_named_with_its_line(tmp_path):
    path = write(
        tmp_path / "a.csv", ["x", "y"], [["a", "b"], ["é", "b"]], ",", "latin-1"
    )
    refused(path, "line 3", "--encoding")
    assert read_table(path, "latin-1").frame["x"].to_list() == ["a", "é"]
    refused(path, "'latin-x' is not known", encoding="latin-x")
    path = write(tmp_path / "b.csv", ["x", "y"], [["a", "b"]], ",", "utf-16")
    assert read_table(path, "utf-16").frame.rows() == [("a", "b")]


def test_decimal_commas_are_numbers(tmp_path, library):
    path = write(tmp_path / "a.csv", ["x", "y"], [["1,5", "2"], ["3", "4,25"]], ";")
    table = read_table(path)
    assert table.frame.rows() == [(1.5, 2.0), (3.0, 4.25)]
    assert table.how == "separated by ';', with decimal commas"


def test_a_decimal_point_leaves_commas_alone(tmp_path):
    path = write(tmp_path / "a.csv", ["x", "y"], [["1.5", "2,5"], ["3", "4"]], ";")
    assert read_table(path).frame.rows() == [(1.5, "2,5"), (3.0, "4")]


def test_lines_are_those_of_the_file(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text('a,b\n1,"two\nlines"\n\n2,x\n')
    assert read_table(str(path)).places == ["line 3", "line 5"]


def test_all_suffixes_hold_the_same_table(tmp_path):
    frame = pd.DataFrame({"x": [1.5, 2.5], "y": ["a", "b"]})
    expected = [tuple(row) for row in frame.itertuples(index=False)]
    frame.to_csv(tmp_path / "a.csv", index=False)
    frame.to_csv(tmp_path / "a.tsv", index=False, sep="\t")
    frame.to_parquet(tmp_path / "a.parquet")
    data = (tmp_path / "a.csv").read_bytes()
    (tmp_path / "b.csv.gz").write_bytes(gzip.compress(data))
    for name in ("a.csv", "a.tsv", "a.parquet", "b.csv.gz"):
        assert read_table(str(tmp_path / name)).frame.rows() == expected
    (tmp_path / "c.parquet").write_bytes(data)
    refused(tmp_path / "c.parquet", "c.parquet", "Parquet")
    (tmp_path / "c.csv.gz").write_bytes(data)
    refused(tmp_path / "c.csv.gz", "c.csv.gz")


def test_one_column_has_no_separator(tmp_path):
    path = write(tmp_path / "a.csv", ["x"], [["1"], ["2"]])
    table = read_table(path)
    assert (table.how, table.frame.rows()) == ("one column", [(1,), (2,)])
    assert isinstance(table.frame, nw.DataFrame)


def test_without_pandas_and_polars_an_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    assert tables.frame_library() is pl
    monkeypatch.setitem(sys.modules, "polars", None)
    with pytest.raises(MissingExtraError, match="pip install"):
        tables.frame_library()
