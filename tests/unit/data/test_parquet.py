from __future__ import annotations

import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dlkit.data.fingerprint import fingerprint
from dlkit.data.sources.csv import csv
from dlkit.data.sources.parquet import parquet
from dlkit.errors import DlkitError
from dlkit.recipe.facts import Target


def write(path: Path, columns: dict[str, Any]) -> Path:
    pq.write_table(pa.table(columns), path)
    return path


def failure(path: Path, **arguments: Any) -> str:
    with pytest.raises(DlkitError) as raised:
        parquet(path, **{"target": "y", **arguments})
    return str(raised.value).replace(f"{path.parent}/", "")


def column_of(path: Path, values: pa.Array, **arguments: Any) -> dict[str, Any]:
    """The features, as lists, of a table of one column beside a target."""
    splits = parquet(write(path, {"x": values, "y": pa.array(range(len(values)))}), "y", **arguments)
    return {name: np.asarray(column).tolist() for name, column in splits.train.features.items()}


@pytest.mark.parametrize(
    ("values", "features"),
    [
        (pa.array([1, 2, 3], pa.int8()), {"numbers": [[1], [2], [3]]}),
        (pa.array([2**62, 5], pa.uint64()), {"numbers": [[2.0**62], [5]]}),
        (pa.array([0.5, -1], pa.float32()), {"numbers": [[0.5], [-1]]}),
        (pa.array([Decimal("1.25"), Decimal("2.50")]), {"numbers": [[1.25], [2.5]]}),
        (pa.array(["1", "1", "2", "2"]), {"categories": [["1"], ["1"], ["2"], ["2"]]}),
        (pa.array(["a", None, "b ", "a", "?", "b"]), {"categories": [["a"], [""], ["b"], ["a"], [""], ["b"]]}),
        (pa.array(["a", "b", "a", "b"]).dictionary_encode(), {"categories": [["a"], ["b"], ["a"], ["b"]]}),
        (pa.array([True, None, False, True, False]), {"categories": [["True"], [""], ["False"], ["True"], ["False"]]}),
        (pa.array(["one", "two", "three"], pa.large_string()), {"x": ["one", "two", "three"]}),
    ],
)
def test_types_tell_the_kinds(tmp_path: Path, values: pa.Array, features: dict[str, Any]) -> None:
    assert column_of(tmp_path / "t.parquet", values) == features


def test_null_and_nan_are_missing(tmp_path: Path) -> None:
    numbers = column_of(tmp_path / "t.parquet", pa.array([1.0, None, float("nan")]))["numbers"]
    np.testing.assert_array_equal(numbers, [[1], [np.nan], [np.nan]])


def test_times_with_a_zone_are_those_of_the_zone(tmp_path: Path) -> None:
    moments = [datetime.datetime(2024, 6, 30, 23, 30, tzinfo=datetime.UTC), None]
    splits = parquet(
        write(tmp_path / "t.parquet", {"x": pa.array(moments, pa.timestamp("us", "Europe/Berlin")), "y": [1, 2]}), "y"
    )
    assert splits.facts is not None
    columns = splits.facts.features["numbers"].columns or ()
    row = dict(zip(columns, np.asarray(splits.train.features["numbers"])[0], strict=True))
    assert [row[f"x.{name}"] for name in ("year", "month", "day", "hour")] == [2024, 7, 1, 1.5]
    assert np.isnan(np.asarray(splits.train.features["numbers"])[1]).all()


def test_a_kind_that_is_told_stands_before_the_type(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    assert column_of(path, pa.array([7, 8, None]), columns={"x": "categorical"}) == {"categories": [["7"], ["8"], [""]]}
    assert column_of(path, pa.array(["7", "8.5"]), columns={"x": "numeric"}) == {"numbers": [[7], [8.5]]}


def test_whole_numbers_and_truth_values_may_be_classes(tmp_path: Path) -> None:
    path = write(tmp_path / "t.parquet", {"x": [1.0, 2, 3], "y": [10, 9, 10], "z": [True, False, True]})
    splits = parquet(path, ["y", "z"], columns={"y": "categorical", "z": "categorical"})
    assert splits.facts is not None
    assert splits.facts.targets == {
        "y": Target("classes", (), classes=2, labels=("9", "10")),
        "z": Target("classes", (), classes=2, labels=("False", "True")),
    }
    assert np.asarray(splits.train.targets["y"]).tolist() == [1, 0, 1]


def test_a_table_is_the_same_as_csv_and_as_parquet(tmp_path: Path) -> None:
    columns = {"a": [1, 2, 3, 4], "c": ["u", "v", "u", "v"], "y": ["no", "yes", "no", "yes"]}
    rows = zip(*columns.values(), strict=True)
    (tmp_path / "t.csv").write_text("a,c,y\n" + "".join(f"{a},{c},{y}\n" for a, c, y in rows))
    one, other = csv(tmp_path / "t.csv", "y"), parquet(write(tmp_path / "t.parquet", columns), "y")
    assert fingerprint(one) == fingerprint(other) and one.facts == other.facts


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"x": [1.0, float("inf")], "y": [1, 2]}, "t.parquet:row 2: column `x`: `inf` is no finite float32"),
        ({"x": [1, 2, 3], "y": ["a", None, "b"]}, "t.parquet:row 2: the target `y` is missing"),
        ({"x": [[1], [2]], "y": [1, 2]}, "t.parquet: column `x` is of type list<"),
        ({"x": [b"1", b"2"], "y": [1, 2]}, "leave it out: `data.source.parquet.ignore: [x]`"),
        ({"x": pa.array([], pa.int8()), "y": pa.array([], pa.int8())}, "t.parquet: there are no rows"),
        ({"x": pa.nulls(2), "y": [1, 2]}, "t.parquet: column `x` has no value in any row"),
        ({"x": [1], "z": [2]}, "`data.source.parquet.target`: t.parquet has no column `y`"),
    ],
)
def test_what_is_wrong_is_told_with_its_row(tmp_path: Path, columns: dict[str, Any], message: str) -> None:
    assert message in failure(write(tmp_path / "t.parquet", columns))


def test_columns_of_other_types_may_be_left_out(tmp_path: Path) -> None:
    path = write(tmp_path / "t.parquet", {"x": [1, 2], "lists": [[1], [2]], "y": [1, 2]})
    assert list(parquet(path, "y", ignore=["lists"]).train.features) == ["numbers"]


def test_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    table = pa.table([pa.array([1]), pa.array([2]), pa.array([3])], names=["x", "x", "y"])
    pq.write_table(table, tmp_path / "t.parquet")
    assert "t.parquet: 2 columns are called `x`" in failure(tmp_path / "t.parquet")


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 1.0])
def test_files_cut_short_are_errors(tmp_path: Path, share: float) -> None:
    path = write(tmp_path / "t.parquet", {"x": list(range(1000)), "y": list(range(1000))})
    content = path.read_bytes()
    path.write_bytes(b"x,y\n1,2\n" if share == 1 else content[: int(len(content) * share)])
    assert "t.parquet is no Parquet file, or a damaged one" in failure(path)


def test_every_damaged_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_text("x")
    (tmp_path / "b.parquet").write_text("y")
    told = failure(tmp_path / "a.parquet", test=tmp_path / "b.parquet")
    assert "a.parquet is no Parquet file" in told and "b.parquet is no Parquet file" in told
