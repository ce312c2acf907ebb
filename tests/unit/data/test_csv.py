from __future__ import annotations

import csv as csv_module
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import dlkit
from dlkit.data.arrays import Splits
from dlkit.data.sources.csv import csv
from dlkit.errors import DlkitError
from dlkit.recipe.diagnostics import RecipeError
from dlkit.recipe.facts import DataFacts, Feature, Target

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def written(text: str | bytes, name: str = "table.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    return written


def facts_of(splits: Splits) -> DataFacts:
    assert splits.facts is not None
    return splits.facts


def failure(path: Path, **arguments: Any) -> str:
    with pytest.raises(DlkitError) as raised:
        csv(path, **{"target": "y", **arguments})
    return str(raised.value).replace(f"{path.parent}/", "")


TABLE = """name,size, color ,born,remark,y
a,1.5,red,1980-02-29,"one, two",yes
b,,red,1981-12-31,"three
four",no
c,+2e3, blue,?,five,yes
d,-1, NA ,1981-01-01,NA,no
"""


# What is handed over


def test_columns_become_features_by_their_kind(write: Write) -> None:
    splits = csv(write(TABLE), "y", columns={"remark": "text", "color": "categorical"}, ignore=["name"])
    numbers, categories, remark = splits.train.features.values()
    parts = ("year", "month", "year_sin", "year_cos", "day", "weekday", "week_sin", "week_cos")
    words = facts_of(splits).features["numbers"].missing
    assert words is not None and "?" in words and "" in words
    assert facts_of(splits) == DataFacts(
        {
            "numbers": Feature("vector", (9,), columns=("size", *(f"born.{part}" for part in parts)), missing=words),
            "categories": Feature("category", (1,), "string", columns=("color",), missing=words),
            "remark": Feature("text", (), "string", missing=words),
        },
        {"y": Target("classes", (), classes=2, labels=("no", "yes"))},
    )
    assert numbers.dtype == np.float32
    np.testing.assert_array_equal(np.asarray(numbers)[:, 0], np.array([1.5, np.nan, 2000, -1], np.float32))
    np.testing.assert_array_equal(np.asarray(numbers)[:, 5], np.array([29, 31, np.nan, 1], np.float32))
    assert np.asarray(categories).tolist() == [["red"], ["red"], ["blue"], [""]]
    assert np.asarray(remark).tolist() == ["one, two", "three\nfour", "five", ""]
    assert np.asarray(splits.train.targets["y"]).tolist() == [1, 0, 1, 0]
    assert splits.train.targets["y"].dtype == np.int32


@pytest.mark.parametrize(
    ("cells", "feature"),
    [
        (["1", "-2.5", "1e3", "", " 7 "], "numbers"),
        (["1749-01", "1749-02", "1749-03", "?"], "numbers"),
        (["1981-01-01", "1981/01/02"], "numbers"),
        (["01", "1_000", "x", "x", "x", "y", "x", "y"], "categories"),
        (["True", "False", "True", "False"], "categories"),
        (["a", "b", "c", "a"], "x"),  # three of four are more than half
        (["a", "b", "a", "b", "", "", "", ""], "categories"),
    ],
)
def test_the_kind_of_a_column_is_seen_from_its_values(write: Write, cells: list[str], feature: str) -> None:
    path = write("x,y\n" + "".join(f"{cell},{row}\n" for row, cell in enumerate(cells)))
    assert list(csv(path, "y").train.features) == [feature]


def test_more_than_a_thousand_values_are_text(write: Write) -> None:
    def table(distinct: int) -> Path:
        return write("x,y\n" + "".join(f"w{row % distinct},{row}\n" for row in range(3 * distinct)))

    assert list(csv(table(1_000), "y").train.features) == ["categories"]
    assert list(csv(table(1_001), "y").train.features) == ["x"]


def test_a_kind_that_is_told_stands_before_what_is_seen(write: Write) -> None:
    path = write("zip,when,y\n01234,2020-01-01,1\n01234,2020-01-01,2\n99999,2020-01-02,3\n")
    splits = csv(path, "y", columns={"zip": "categorical", "when": "text"})
    assert np.asarray(splits.train.features["categories"]).tolist() == [["01234"], ["01234"], ["99999"]]
    assert np.asarray(splits.train.features["when"]).tolist() == ["2020-01-01", "2020-01-01", "2020-01-02"]


@pytest.mark.parametrize(
    ("values", "columns", "labels", "classes"),
    [
        (["no", "yes", "no"], None, ("no", "yes"), [0, 1, 0]),
        (["10", "9", "10"], {"y": "categorical"}, ("9", "10"), [1, 0, 1]),
        (["b", "10", "b"], {"y": "categorical"}, ("10", "b"), [1, 0, 1]),
    ],
)
def test_labels_are_sorted_values(
    write: Write, values: list[str], columns: Any, labels: tuple[str, ...], classes: list[int]
) -> None:
    path = write("x,y\n" + "".join(f"1,{value}\n1,{value}\n" for value in values))
    splits = csv(path, "y", columns=columns)
    assert facts_of(splits).targets["y"].labels == labels
    assert np.asarray(splits.train.targets["y"])[::2].tolist() == classes


def test_a_numeric_target_is_a_number(write: Write) -> None:
    splits = csv(write("x,y,z\n1,0,2.5\n2,1,-1\n"), ["z", "y"])
    assert facts_of(splits).targets == {name: Target("number", (), "float32") for name in ("z", "y")}
    assert np.asarray(splits.train.targets["z"]).tolist() == [2.5, -1]
    assert list(splits.train.features) == ["numbers"]


def test_labels_are_those_of_all_files_and_the_columns_may_be_in_another_order(write: Write) -> None:
    train = write("x,c,y\n" + "1,a,no\n2,a,yes\n" * 2)
    test = write("y,c,x\nmaybe,new,3\n", "test.csv")
    splits = csv(train, "y", test=test, validation=train)
    assert facts_of(splits).targets["y"].labels == ("maybe", "no", "yes")
    assert splits.test is not None and splits.validation is not None
    assert np.asarray(splits.test.features["categories"]).tolist() == [["new"]]
    assert np.asarray(splits.test.features["numbers"]).tolist() == [[3]]
    assert np.asarray(splits.train.targets["y"]).tolist() == [1, 2, 1, 2]


def test_the_parts_of_dates_are_those_of_the_training_file(write: Write) -> None:
    train = write("when,y\n2020-01-01 06:00,1\n2020-01-02 18:30,2\n")
    test = write("when,y\n2020-01-03,1\n", "test.csv")
    splits = csv(train, "y", test=test)
    columns = facts_of(splits).features["numbers"].columns
    assert columns is not None and columns[8:] == ("when.hour", "when.day_sin", "when.day_cos")
    assert np.asarray(splits.train.features["numbers"])[:, 8].tolist() == [6, 18.5]
    assert splits.test is not None and splits.test.features["numbers"].shape == (1, 11)


def test_separators_headers_and_words_for_missing_values_may_be_others(write: Write) -> None:
    splits = csv(
        write("1;-;a\n2;3;b\n"), "k", separator=";", header=["x", "z", "k"], missing=["-"], columns={"k": "categorical"}
    )
    np.testing.assert_array_equal(splits.train.features["numbers"], np.array([[1, np.nan], [2, 3]], np.float32))
    assert facts_of(splits).features["numbers"].missing == ("-",)


def test_decimals_may_stand_behind_a_comma(write: Write) -> None:
    table = write("size;kind;price\n1,5;a;-0,25\n-2;b;1e3\n?;a;+,5\n")
    splits = csv(table, "price", separator=";", decimal=",", columns={"kind": "categorical"})
    np.testing.assert_array_equal(splits.train.features["numbers"], np.array([[1.5], [-2], [np.nan]], np.float32))
    assert np.asarray(splits.train.targets["price"]).tolist() == [-0.25, 1000, 0.5]
    assert facts_of(splits).features["numbers"].decimal == ","
    table = write("size;price\n" + "1,5;2\n" * 20 + "1.5;1.234,5\n")
    told = failure(table, target="price", separator=";", decimal=",")
    assert (
        "table.csv:22: column `size`: `1.5` is no number" in told and "column `price`: `1.234,5` is no number" in told
    )


@pytest.mark.parametrize(
    ("values", "first"),
    [(["2", "1,5", "3"], "3: column `size`: `1,5`"), (["1.234,5", "2"], "2: column `size`: `1.234,5`")],
)
def test_numbers_with_commas_are_no_categories(write: Write, values: list[str], first: str) -> None:
    rows = [f"{value};{number}\n" for value in values * 20 for number in (1, 2)]
    if first.startswith("3"):
        first = f"4{first[1:]}"
    told = failure(write("size;y\n" + "".join(rows)), separator=";")
    assert f"table.csv:{first} has a comma" in told and '`data.source.csv.decimal: ","`' in told


@pytest.mark.parametrize("text", ["\ufeffx,y\n1,2\n", "\n\nx,y\r\n\r\n1,2\r\n", "x,y\r1,2", '"x","y"\n"1","2"'])
def test_marks_empty_lines_and_line_ends_do_not_matter(write: Write, text: str) -> None:
    splits = csv(write(text), "y")
    assert np.asarray(splits.train.features["numbers"]).tolist() == [[1]]
    assert np.asarray(splits.train.targets["y"]).tolist() == [2]


def test_adult_has_its_published_counts_and_values(data_dir: Path) -> None:
    folder = data_dir / "tabular" / "adult"
    if not folder.is_dir():
        pytest.skip(f"Adult is not in {data_dir}")
    began = time.perf_counter()
    splits = csv(folder / "train.csv", "income", test=folder / "test.csv")
    assert time.perf_counter() - began < 3
    assert splits.test is not None
    facts = facts_of(splits)
    assert facts.targets["income"].labels == ("<=50K", ">50K")
    for part, counts, missing in (
        (splits.train, [24_720, 7_841], {"workclass": 1_836, "occupation": 1_843, "native-country": 583}),
        (splits.test, [12_435, 3_846], {"workclass": 963, "occupation": 966, "native-country": 274}),
    ):
        assert np.bincount(np.asarray(part.targets["income"])).tolist() == counts
        without = (np.asarray(part.features["categories"]) == "").sum(axis=0)
        columns = facts.features["categories"].columns or ()
        assert {name: int(count) for name, count in zip(columns, without, strict=True) if count} == missing
    with (folder / "test.csv").open(newline="") as file:
        rows = list(csv_module.DictReader(file))
    names = facts.features["numbers"].columns or ()
    wanted = np.array([[float(row[name]) for name in names] for row in rows], np.float32)
    np.testing.assert_array_equal(splits.test.features["numbers"], wanted)


# Bad input


def test_a_missing_target_names_ten_lines_and_the_number_of_the_others(write: Write) -> None:
    path = write('x,y\n"a\nb",\n' + "c,1\n" + "d,\n" * 12)
    assert failure(path).startswith(
        "table.csv:2: the target `y` is missing (also 5, 6, 7, 8, 9, 10, 11, 12, 13 and 3 more)"
    )
    assert "the target `y` is missing" in failure(write("x,y\n1,1\n2,NaN\n3,0\n"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "table.csv: the file is empty"),
        ("\n\n", "table.csv: the file is empty"),
        ("x,y\n", "table.csv: there are no rows below the header"),
        ("x,y", "table.csv: there are no rows below the header"),
        ("x,y,x\n1,2,3\n", "table.csv:1: columns of the same name: `x`"),
        ('x,y\n"a\nb",2\n3\n4,5,6\n', "table.csv:4: 1 value, where there are 2 columns\ntable.csv:5: 3 values"),
        (b"x,y\n1,2\n\xff,3\n1,4\n1,\xe4\n", "table.csv:3: this is no UTF-8\ntable.csv:5: this is no UTF-8"),
        (b"\xff,y\n1,2\n", "table.csv:1: the header is no UTF-8"),
        ('x,y\n1,2\n"3,4\n5,6\n', "table.csv:3: a quote is opened here and never closed"),
        (",y\n1,2\n", "table.csv: a column has no name"),
        ("x,z\n1,2\n", "`data.source.csv.target`: table.csv has no column `y`\nit has `x`, `z`"),
        ("x;y\n1;2\n", "table.csv:1: ',' separates no columns here"),
        ("y\n1\n2\n", "table.csv: no column is left to predict from"),
        ("x,y\n,1\n?,2\n", "table.csv: column `x` has no value in any row"),
        ("x,y\n1,a\n2,a\n", "table.csv: the target `y` has one class only, `a`"),
        ("x,y\n1,1\ninf,2\n1e39,3\n", "table.csv:3: column `x`: `inf` is no finite float32\ntable.csv:4: column `x`: `1e39`"),
        ("x,y\n1,1\n2,-Infinity\n", "table.csv:3: column `y`: `-Infinity` is no finite float32"),
        ("x,y\n" + "1,1\n" * 20 + "12a,1\n", "table.csv:22: column `x`: `12a` is no number"),
        ("x,y\n" + "2020-01-31,1\n" * 20 + "2020-31-01,1\n", "table.csv:22: column `x`: `2020-31-01` is no date"),
        ("x,y\n1,2020-01-01\n2,2020-01-02\n", "the target `y` is of kind date, and cannot be predicted"),
        ("x,x.year,y\n2020-01-01,1,1\n2020-01-02,2,1\n", "columns called as the parts of a date are: `x.year`"),
        ("numbers,y\na,1\nb,1\nc,2\n", "a column of text cannot be called `numbers`"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_file_is_told_with_its_line(write: Write, text: str | bytes, message: str) -> None:
    assert message in failure(write(text))


def test_all_that_is_wrong_with_the_values_is_told_at_once(write: Write) -> None:
    path = write("a,b,y\n" + "1,2,no\n" * 60 + "x,inf,\n" * 5)
    told = failure(path).splitlines()
    assert told[:4] == [
        *(f"table.csv:{line}: column `a`: `x` is no number" for line in (62, 63, 64)),
        "table.csv: column `a`: 2 more such values",
    ]
    assert "table.csv:62: column `b`: `inf` is no finite float32" in told
    assert "table.csv:62: the target `y` is missing (also 63, 64, 65, 66)" in told


def test_bad_values_of_the_test_file_are_told_by_the_kinds_of_the_training_file(write: Write) -> None:
    train, test = write("x,y\n1,1\n2,2\n"), write("x,y\nlow,1\n", "test.csv")
    assert failure(train, test=test).startswith("test.csv:2: column `x`: `low` is no number\nmend it")


def test_every_damaged_file_is_told(write: Write) -> None:
    told = failure(write("x,y\n1\n"), test=write("", "test.csv"), validation=write("x,y\n", "validation.csv"))
    assert [line.partition(":")[0] for line in told.splitlines()[:3]] == ["table.csv", "validation.csv", "test.csv"]


def test_a_test_file_of_other_columns_is_refused(write: Write) -> None:
    told = failure(write("x,z,y\n1,2,3\n"), test=write("x,w,y\n1,2,3\n", "test.csv"), ignore=["w"])
    assert "has no column `w`" in told
    told = failure(write("x,z,y\n1,2,3\n"), test=write("x,w,y\n1,2,3\n", "test.csv"))
    assert "test.csv lacks `z`, which table.csv has\ntest.csv has `w`, which table.csv has not" in told


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"target": "heigth"}, "table.csv has no column `heigth`\ndid you mean `height`?"),
        ({"columns": {"wieght": "text"}}, "`data.source.csv.columns`: table.csv has no column `wieght`"),
        ({"columns": {"weight": "number"}}, "`data.source.csv.columns.weight`: there is no kind `number`"),
        ({"ignore": ["id"]}, "`data.source.csv.ignore`: table.csv has no column `id`"),
        ({"ignore": ["y"]}, "`data.source.csv.ignore` leaves out `y`, which `target` names"),
        ({"target": []}, "`data.source.csv.target` names no column"),
        ({"test": Path("nowhere.csv")}, "`data.source.csv.test`: there is no such file: nowhere.csv"),
        ({"columns": {"weight": "numeric"}}, "table.csv:2: column `weight`: `a` is no number"),
        ({"target": "weight", "columns": {"weight": "text"}}, "for classes, give the kind of the column"),
    ],
)
def test_mistakes_in_the_recipe_are_told_with_their_cure(write: Write, arguments: dict[str, Any], message: str) -> None:
    assert message in failure(write("height,weight,y\n1,a,1\n2,b,2\n"), **arguments)


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(DlkitError, match=re.escape("`data.source.csv.path`: this is a folder")):
        csv(tmp_path, "y")


def test_a_kind_that_there_is_not_is_told_by_validate() -> None:
    source = {"csv": {"path": "table.csv", "target": "y", "columns": {"x": "numerc"}}}
    with pytest.raises(RecipeError, match="did you mean `numeric`") as raised:
        dlkit.load({"name": "x", "data": {"source": source}, "model": {"sequential": ["Flatten"]}})
    assert "`columns` of csv cannot be `numerc`" in str(raised.value)


def test_where_a_relative_path_may_be_found_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DLKIT_DATA_DIR", raising=False)
    with pytest.raises(DlkitError, match="set DLKIT_DATA_DIR to the folder"):
        csv(path="tabular/adult/train.csv", target="income")
