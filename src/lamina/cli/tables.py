"""Tables in files: CSV, TSV and Parquet, read by pandas or polars and checked before.

The libraries rename a column that occurs twice and fill lines that are too short. So the
fields of each line are counted here first, which also gives the number of each line.
"""

import csv
import gzip
import io
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from re import compile as pattern
from types import ModuleType
from typing import Any

import narwhals.stable.v2 as nw

from lamina.exceptions import DataError, MissingExtraError

SUFFIXES = (".csv", ".tsv", ".parquet", ".csv.gz", ".tsv.gz")
SEPARATORS = ",;\t|"
MISSING = ["", "NA", "N/A", "n/a", "NaN", "nan", "null", "NULL", "?"]
"""Fields that are read as missing values."""
STDIN = "-"
POINT, COMMA = pattern(r"\s*[+-]?\d*\.\d+\s*"), pattern(r"\s*[+-]?\d+,\d+\s*")


@dataclass
class FileTable:
    """The table of a file."""

    frame: nw.DataFrame
    places: Sequence[str] = field(default_factory=list)
    """Where each row is in the file, for messages."""
    how: str = ""
    """How the file was read."""


@dataclass
class Layout:
    """How the text of a table is laid out."""

    separator: str
    has_decimal_comma: bool = False
    lines: list[int] = field(default_factory=list)
    """The number of the line at which each row ends."""


def name_of(path: str) -> str:
    """The name of a file in messages."""
    return "the standard input" if path == STDIN else repr(path)


def is_table(path: str) -> bool:
    """Whether a path is that of a table, by its suffix."""
    return path == STDIN or path.lower().endswith(SUFFIXES)


def read_table(path: str, encoding: str = "utf-8") -> FileTable:
    """The table of a file, or of the standard input (CSV)."""
    library = frame_library()
    if path.lower().endswith(".parquet"):
        return _parquet(library, path)
    text = decoded(read_bytes(path), name_of(path), encoding)
    separator = "\t" if ".tsv" in path.lower() else None
    layout = layout_of(text, name_of(path), separator)
    try:
        frame = nw.from_native(_parsed(library, text, layout), eager_only=True)
    except Exception as error:  # of pandas or polars, each with its own classes
        raise DataError(
            f"{name_of(path)} cannot be read as a table: {error}"
        ) from error
    if frame.shape[0] != len(layout.lines):
        raise DataError(
            f"{name_of(path)} is read as {frame.shape[0]} rows, and has "
            f"{len(layout.lines)}; remove empty lines and repair quotes."
        )
    comma = ", with decimal commas" if layout.has_decimal_comma else ""
    separator = {"\t": "tabs"}.get(layout.separator, repr(layout.separator))
    how = f"separated by {separator}{comma}" if frame.shape[1] > 1 else "one column"
    return FileTable(frame, [f"line {n}" for n in layout.lines], how)


def read_bytes(path: str) -> bytes:
    """The contents of a file, which may be compressed, or of the standard input."""
    if path != STDIN and not Path(path).exists():
        raise absent(path)
    try:
        data = sys.stdin.buffer.read() if path == STDIN else Path(path).read_bytes()
        return gzip.decompress(data) if path.lower().endswith(".gz") else data
    except (OSError, EOFError) as error:
        reason = error.strerror if isinstance(error, OSError) else None
        raise DataError(
            f"{name_of(path)} cannot be read: {reason or error}."
        ) from error


def absent(path: str) -> DataError:
    """The error of a path that does not exist, with the one that is probably meant."""
    folder, name = Path(path).parent, Path(path).name
    names = [entry.name for entry in folder.iterdir()] if folder.is_dir() else []
    meant = get_close_matches(name, names, 1)
    hint = f" Did you mean {str(folder / meant[0])!r}?" if meant else ""
    return DataError(f"{path!r} does not exist.{hint}")


def decoded(data: bytes, name: str, encoding: str) -> str:
    """The text of a file, without a byte order mark; an error names the line."""
    encoding = "utf-8-sig" if encoding.lower() in ("utf-8", "utf8") else encoding
    try:
        return data.decode(encoding)
    except LookupError:
        raise DataError(f"--encoding: {encoding!r} is not known.") from None
    except UnicodeError as error:
        start = error.start if isinstance(error, UnicodeDecodeError) else 0
        line = data.count(b"\n", 0, start) + 1
        raise DataError(
            f"{name}, line {line} is not {encoding.removesuffix('-sig')}: {error}. Pass "
            f"--encoding, such as latin-1, cp1252 or utf-16."
        ) from None


def layout_of(text: str, name: str, separator: str | None = None) -> Layout:
    """The separator and the lines of a text; a line with other columns is refused."""
    if not text.strip():
        raise DataError(f"{name} is empty; a table has a line of names and rows.")
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise DataError(f"{name}, line {line} has a zero byte: it is not a text file.")
    if separator is None:
        separator = _separator_of(text)
    layout, commas, points = Layout(separator), 0, 0
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    names: list[str] | None = None
    try:
        for row in rows:
            if names is None:
                names = _names(row, name) if row else None
            elif row:
                _refuse_other_length(row, names, name, rows.line_num)
                layout.lines.append(rows.line_num)
                if separator != ",":
                    commas += any(map(COMMA.fullmatch, row))
                    points += any(map(POINT.fullmatch, row))
    except csv.Error as error:
        raise DataError(f"{name}, line {rows.line_num}: {error}.") from None
    if not layout.lines:
        raise DataError(f"{name} has the names of columns and no rows.")
    layout.has_decimal_comma = bool(commas and not points)
    return layout


def frame_library() -> ModuleType:
    """Pandas, or polars where that is not installed."""
    try:
        import pandas

        return pandas
    except ImportError:
        pass
    try:
        import polars

        return polars
    except ImportError:
        raise MissingExtraError("A table", "pandas", "datasets") from None


def _separator_of(text: str) -> str:
    """The separator that occurs most often, outside of quotes, in the first line."""
    first = next(line for line in text.splitlines() if line.strip())
    outside = "".join(first.split('"')[::2])
    return max(SEPARATORS, key=outside.count)


def _names(names: list[str], name: str) -> list[str]:
    for i, column in enumerate(names):
        if not column.strip():
            raise DataError(
                f"{name}: column {i + 1} has no name in the first line; "
                f"name it, or leave it out (pandas: to_csv(index=False))."
            )
        if column in names[:i]:
            first = names.index(column) + 1
            raise DataError(
                f"{name}: the columns {first} and {i + 1} have the same name, {column!r}; "
                f"rename one of them."
            )
    return names


def _refuse_other_length(
    row: list[str], names: list[str], name: str, line: int
) -> None:
    if len(row) != len(names):
        raise DataError(
            f"{name}, line {line} has {len(row)} fields, and the first line names "
            f"{len(names)} columns; correct the line, or quote a field "
            f"that has the separator in it."
        )


def _parsed(library: ModuleType, text: str, layout: Layout) -> Any:
    if library.__name__ == "pandas":
        return library.read_csv(
            io.StringIO(text),
            sep=layout.separator,
            decimal="," if layout.has_decimal_comma else ".",
            keep_default_na=False,
            na_values=MISSING,
            index_col=False,
            low_memory=False,
        )
    return library.read_csv(
        text.encode(),
        separator=layout.separator,
        decimal_comma=layout.has_decimal_comma,
        null_values=MISSING,
        infer_schema_length=None,
    )


def _parquet(library: ModuleType, path: str) -> FileTable:
    if not Path(path).exists():
        raise absent(path)
    try:
        native = library.read_parquet(path)
        frame = nw.from_native(native, eager_only=True)
    except ImportError as error:
        raise MissingExtraError("A Parquet file", "pyarrow", "datasets") from error
    except Exception as error:  # of pandas, pyarrow or polars
        raise DataError(f"{path!r} cannot be read as Parquet: {error}") from error
    if not frame.shape[0]:
        raise DataError(f"{path!r} has no rows.")
    return FileTable(frame, [f"row {i}" for i in range(frame.shape[0])], "Parquet")
