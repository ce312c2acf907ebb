"""Bad tables: `csv`, `parquet` and, with the same file format, `time_series`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

ROWS = [f"{row / 2},{('red', 'blue')[row % 2]},{('cat', 'dog')[row % 2]}" for row in range(60)]
HEADER = "size,color,kind"
DAYS = [f"{np.datetime64('2023-01-01') + day},{day / 4}" for day in range(60)]
COLUMNS: dict[str, Any] = {
    "size": [row / 2 for row in range(60)],
    "color": ["red", "blue"] * 30,
    "kind": ["cat", "dog"] * 30,
}
WINDOW = {"history": 5}


def table(changed: dict[int, str], header: str = HEADER, rows: list[str] = ROWS) -> bytes:
    """A sound table, but for some of its lines, which are counted from 1."""
    lines = [header, *rows]
    for line, text in changed.items():
        lines[line - 1] = text
    return "\n".join([*lines, ""]).encode("utf-8", "surrogateescape")


def days(changed: dict[int, str]) -> bytes:
    return table(changed, "day,warmth", DAYS)


# What is wrong, the content of the file, and what the message tells of it; the file is `bad.csv`.
CSV: dict[str, tuple[bytes, tuple[str, ...]]] = {
    "zero bytes": (b"", ("bad.csv", "empty")),
    "a header only": (b"size,color,kind\n", ("bad.csv", "no rows")),
    "two ragged rows": (table({3: "1,red", 9: "1,red,cat,more"}), ("bad.csv:3: 2 values", "bad.csv:9: 4 values")),
    "two rows that are no UTF-8": (table({3: "1,r\udce9d,cat", 9: "1,\udcff,dog"}), ("bad.csv:3:", "bad.csv:9:", "UTF-8")),
    "a header that is no UTF-8": (table({1: "size,c\udce9lor,kind"}), ("bad.csv:1:", "UTF-8")),
    "UTF-16": ("\n".join([HEADER, *ROWS]).encode("utf-16"), ("bad.csv:1:", "UTF-8")),
    "null bytes": (table({3: "1,re\0d,cat\0", 9: "\0\0\0"}), ("bad.csv:",)),
    "an unclosed quote": (table({4: '1,"red,cat'}), ("bad.csv:4: a quote is opened here and never closed",)),
    "labels that are empty": (table({3: "1,red,", 9: "1,blue,"}), ("bad.csv:3: the target `kind` is missing (also 9)",)),
    "labels that are NaN": (table({3: "1,red,nan", 9: "1,blue,NaN"}), ("bad.csv:3:", "is missing (also 9)")),
    "one class only": (table({}, rows=[f"{row},red,cat" for row in range(60)]), ("bad.csv", "`kind` has one class only")),
    "a single row": (table({}, rows=["1,red,cat"]), ("bad.csv", "the target `kind`", "cannot be predicted")),
    "infinite features": (table({3: "inf,red,cat", 9: "-Infinity,red,cat"}), ("bad.csv:3:", "bad.csv:9:", "finite")),
    "features beyond float32": (table({3: "1e39,red,cat"}), ("bad.csv:3:", "column `size`", "finite")),
    "text in a numeric column": (table({3: "big,red,cat", 9: "1 m,red,cat"}), ("bad.csv:3:", "`big`", "bad.csv:9:", "`1 m`")),
    "another separator": (
        table({}).replace(b",", b";"), ("bad.csv:1: ',' separates no columns here, and ';' stands 2 times", '`separator: ";"`')
    ),
    "decimal commas": (
        table({}, rows=[f'"{row},5",red,{("cat", "dog")[row % 2]}' for row in range(60)]).replace(b"red", b"a"),
        ("bad.csv:2:", "`0,5` has a comma", '`data.source.csv.decimal: ","`'),
    ),
    "decimal commas without quotes": (
        table({}, rows=[f"{row},5,red,cat" for row in range(60)]), ("bad.csv:2: 4 values", "bad.csv:3:")
    ),
    "columns of one name": (table({1: "size,kind,kind"}), ("bad.csv:1:", "kind")),
    "a column without a name": (table({1: "size,,kind"}), ("bad.csv", "a column has no name")),
    "one column only": (b"kind\n" + b"cat\ndog\n" * 20, ("bad.csv", "no column is left to predict from")),
    "a column without values": (
        table({}, rows=[f",red,{('cat', 'dog')[row % 2]}" for row in range(60)]), ("bad.csv", "`size` has no value")
    ),
    "another target": (table({1: "size,color,kinds"}), ("bad.csv", "`kind`", "did you mean `kinds`")),
    "a picture": (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(range(256)), ("bad.csv:",)),
}  # fmt: skip

SERIES: dict[str, tuple[bytes, tuple[str, ...]]] = {
    "zero bytes": (b"", ("bad.csv", "empty")),
    "two ragged rows": (days({3: "2023-01-02", 9: "2023-01-08,1,2"}), ("bad.csv:3:", "bad.csv:9:")),
    "two rows that are no UTF-8": (days({3: "2023-01-02,\udce9", 9: "2023-01-08,\udcff"}), ("bad.csv:3:", "bad.csv:9:")),
    "missing values": (days({3: "2023-01-02,", 9: "2023-01-08,nan"}), ("bad.csv:3: the value of `warmth`", "also 9")),
    "infinite values": (days({3: "2023-01-02,inf", 9: "2023-01-08,-inf"}), ("bad.csv:3:", "bad.csv:9:", "finite")),
    "text among numbers": (days({3: "2023-01-02,warm", 9: "2023-01-08,?!"}), ("bad.csv:3:", "`warm`", "bad.csv:9:")),
    "decimal commas": (days({3: '2023-01-02,"1,5"', 9: '2023-01-08,"2,5"'}), ("bad.csv:3:", "`1,5`", "bad.csv:9:")),
    "columns of one name": (days({1: "day,day"}), ("bad.csv:1:", "day")),
    "dates that are missing": (days({3: ",1", 9: ",2"}), ("bad.csv:3:", "also 9")),
    "dates that are none": (days({3: "some day,1", 9: "2023-02-31,2"}), ("bad.csv:3:", "bad.csv:9:", "no date")),
    "dates out of order": (days({3: "2023-05-02,1"}), ("bad.csv:4:", "does not come after")),
    "fewer steps than a window has": (table({}, "day,warmth", DAYS[:5]), ("bad.csv has 5 steps", "a window takes 6")),
    "as many steps as a window has": (table({}, "day,warmth", DAYS[:6]), ("1 ", "held out")),
    "dates only": (table({}, "day", [line.split(",")[0] for line in DAYS]), ("bad.csv", "no column is left")),
}  # fmt: skip


def row(number: int, name: str, value: Any) -> dict[str, Any]:
    values = list(COLUMNS[name])
    values[number - 1] = value
    return {name: values}


PARQUET: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "labels that are empty": (row(3, "kind", "") | {}, ("bad.parquet:row 3:", "`kind` is missing")),
    "labels that are null": (row(3, "kind", None), ("bad.parquet:row 3:", "`kind` is missing")),
    "labels that are NaN": (
        {"kind": [float("nan"), *[0.0, 1.0] * 29, float("nan")]}, ("bad.parquet:row 1:", "is missing (also 60)")
    ),
    "one class only": ({"kind": ["cat"] * 60}, ("bad.parquet", "`kind` has one class only")),
    "infinite features": (row(3, "size", float("inf")), ("bad.parquet:row 3:", "finite")),
    "features beyond float32": (row(3, "size", 1e39), ("bad.parquet:row 3:", "finite")),
    "lists in a column": ({"size": [[1, 2]] * 60}, ("bad.parquet", "`size` is of type list")),
    "bytes in a column": ({"size": [b"1"] * 60, "color": [b"1"] * 60}, ("bad.parquet", "`size`", "`color`", "binary")),
    "no rows": ({"size": pa.array([], "double"), "color": pa.array([], "string"), "kind": pa.array([], "string")},
                ("bad.parquet", "no rows")),
    "one column only": ({"size": None, "color": None}, ("bad.parquet", "no column is left to predict from")),
}  # fmt: skip


def write_parquet(folder: Path, changed: dict[str, Any]) -> Path:
    columns = {name: values for name, values in {**COLUMNS, **changed}.items() if values is not None}
    pq.write_table(pa.table(columns), folder / "bad.parquet")
    return folder / "bad.parquet"


@pytest.mark.parametrize("title", CSV)
def test_csv(title: str, tmp_path: Path, refused: Callable[..., str]) -> None:
    content, told = CSV[title]
    (tmp_path / "bad.csv").write_bytes(content)
    refused("csv", {"path": str(tmp_path / "bad.csv"), "target": "kind"}, *told)


@pytest.mark.parametrize("title", SERIES)
def test_time_series(title: str, tmp_path: Path, refused: Callable[..., str]) -> None:
    content, told = SERIES[title]
    (tmp_path / "bad.csv").write_bytes(content)
    refused("time_series", {"path": str(tmp_path / "bad.csv"), **WINDOW}, *told)


@pytest.mark.parametrize("title", PARQUET)
def test_parquet(title: str, tmp_path: Path, refused: Callable[..., str]) -> None:
    changed, told = PARQUET[title]
    file = write_parquet(tmp_path, changed)
    refused("parquet", {"path": str(file), "target": "kind", "columns": {"kind": "categorical"}}, *told)


def test_parquet_of_columns_of_one_name(tmp_path: Path, refused: Callable[..., str]) -> None:
    made = pa.table([pa.array([1.0, 2.0]), pa.array(["a", "b"]), pa.array(["a", "b"])], ["size", "kind", "kind"])
    pq.write_table(made, tmp_path / "bad.parquet")
    refused("parquet", {"path": str(tmp_path / "bad.parquet"), "target": "kind"}, "bad.parquet", "called `kind`")


def test_text_in_a_numeric_column_of_parquet(tmp_path: Path, refused: Callable[..., str]) -> None:
    file = write_parquet(tmp_path, {"size": [*map(str, range(58)), "big", "1 m"]})
    told = ("bad.parquet:row 59:", "`big`", "bad.parquet:row 60:", "`1 m`")
    refused("parquet", {"path": str(file), "target": "kind", "columns": {"size": "numeric"}}, *told)


def test_strings_that_are_no_utf8_in_parquet(tmp_path: Path, refused: Callable[..., str]) -> None:
    file = write_parquet(tmp_path, {"color": ["red", "XYZZY"] * 30})
    content = file.read_bytes()
    assert b"XYZZY" in content
    file.write_bytes(content.replace(b"XYZZY", b"XYZ\xe9Y"))
    refused("parquet", {"path": str(file), "target": "kind"}, "bad.parquet", "`color`", "UTF-8")


@pytest.mark.parametrize("share", [0.0, 0.5, 0.99])
def test_parquet_cut_short_in_two_files(share: float, tmp_path: Path, refused: Callable[..., str]) -> None:
    whole = write_parquet(tmp_path, {}).read_bytes()
    for name in ("one.parquet", "two.parquet"):
        (tmp_path / name).write_bytes(whole[: int(share * len(whole))])
    paths = {"path": str(tmp_path / "one.parquet"), "test": str(tmp_path / "two.parquet")}
    refused("parquet", {**paths, "target": "kind"}, "one.parquet", "two.parquet")


def test_two_bad_csv_files_are_named_at_once(tmp_path: Path, refused: Callable[..., str]) -> None:
    (tmp_path / "one.csv").write_bytes(table({3: "1"}))
    (tmp_path / "two.csv").write_bytes(table({5: "1,2,3,4"}))
    paths = {"path": str(tmp_path / "one.csv"), "test": str(tmp_path / "two.csv")}
    refused("csv", {**paths, "target": "kind"}, "one.csv:3:", "two.csv:5:")


def test_a_test_file_of_other_columns(tmp_path: Path, refused: Callable[..., str]) -> None:
    (tmp_path / "one.csv").write_bytes(table({}))
    (tmp_path / "two.csv").write_bytes(table({1: "size,colour,kind"}))
    paths = {"path": str(tmp_path / "one.csv"), "test": str(tmp_path / "two.csv")}
    refused("csv", {**paths, "target": "kind"}, "two.csv lacks `color`", "two.csv has `colour`")


TABLES = {
    "csv": {"target": "kind"},
    "parquet": {"target": "kind"},
    "time_series": WINDOW,
}


@pytest.mark.parametrize("source", TABLES)
def test_a_folder_in_place_of_the_file(source: str, tmp_path: Path, refused: Callable[..., str]) -> None:
    refused(source, {"path": str(tmp_path), **TABLES[source]}, "this is a folder", str(tmp_path))


@pytest.mark.parametrize("source", TABLES)
def test_a_typo_in_the_path(source: str, tmp_path: Path, refused: Callable[..., str]) -> None:
    (tmp_path / "flowers.csv").write_bytes(table({}))
    refused(
        source, {"path": str(tmp_path / "flower.csv"), **TABLES[source]}, "flower.csv", "did you mean `flowers.csv`"
    )


@pytest.mark.parametrize("source", TABLES)
def test_a_relative_path_tells_where_it_was_looked_for(
    source: str, tmp_path: Path, refused: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DLKIT_DATA_DIR", str(tmp_path / "data"))
    refused(source, {"path": "my/flowers.csv", **TABLES[source]}, "my/flowers.csv", f"{tmp_path}/data/my/flowers.csv")


@pytest.mark.parametrize("source", TABLES)
def test_a_file_that_may_not_be_read(
    source: str, tmp_path: Path, refused: Callable[..., str], forbid: Callable[[Path], None]
) -> None:
    (tmp_path / "bad.csv").write_bytes(table({}))
    forbid(tmp_path / "bad.csv")
    refused(source, {"path": str(tmp_path / "bad.csv"), **TABLES[source]}, "bad.csv", "Permission denied")
