from __future__ import annotations

import itertools
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dlkit.data.arrays import Splits
from dlkit.data.load import load
from dlkit.data.reading.dates import part, read_dates
from dlkit.data.sources.time_series import time_series
from dlkit.errors import DlkitError
from dlkit.recipe.facts import DataFacts, Feature, Target


def counting(path: Path, steps: int) -> Path:
    """A series whose values are the numbers of its steps, so that a value tells where it comes from."""
    path.write_text("step\n" + "".join(f"{step}\n" for step in range(steps)))
    return path


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def failure(path: Path, **arguments: Any) -> str:
    with pytest.raises(DlkitError) as raised:
        time_series(path, **{"history": 1, **arguments})
    return str(raised.value).replace(f"{path.parent}/", "")


def arrays(splits: Splits) -> dict[str, np.ndarray]:
    return {name: np.asarray(values) for name, values in {**splits.train.features, **splits.train.targets}.items()}


# Windows


@pytest.mark.parametrize(
    ("history", "horizon", "stride", "offset"), [*itertools.product([1, 3], [1, 2, 5], [1, 2, 4], [0, 2])]
)
def test_windows_are_those_of_a_loop(tmp_path: Path, history: int, horizon: int, stride: int, offset: int) -> None:
    steps = 40
    splits = time_series(counting(tmp_path / "s.csv", steps), history, horizon=horizon, stride=stride, offset=offset)
    past, ahead, start = [], [], 0
    while start + history + offset + horizon <= steps:
        past.append([[float(step)] for step in range(start, start + history)])
        first = start + history + offset
        ahead.append([float(step) for step in range(first, first + horizon)])
        start += stride
    made = arrays(splits)
    assert made["past"].tolist() == past and made["step"].tolist() == ahead
    assert made["past"].dtype == made["step"].dtype == np.float32


@pytest.mark.parametrize(
    ("history", "horizon", "stride", "offset"), [*itertools.product([1, 4], [1, 2, 3, 7], [1, 2, 3, 5], [0, 3])]
)
def test_no_forecast_of_a_later_split_is_known_in_an_earlier_one(
    tmp_path: Path, history: int, horizon: int, stride: int, offset: int
) -> None:
    arguments = {"path": counting(tmp_path / "s.csv", 200), "history": history, "horizon": horizon}
    splits = load(
        "time_series",
        {**arguments, "stride": stride, "offset": offset},
        declared=DataFacts(),
        validation=0.2,
        test=0.2,
        seed=1,
    )
    assert splits.validation is not None and splits.test is not None
    parts = [splits.train, splits.validation, splits.test]
    inputs = [set(np.asarray(part.features["past"]).ravel()) for part in parts]
    forecasts = [set(np.asarray(part.targets["step"]).ravel()) for part in parts]
    for early, late in itertools.combinations(range(3), 2):
        assert max(forecasts[early]) < min(forecasts[late])
        assert not (inputs[early] | forecasts[early]) & forecasts[late]
    # No more windows are left out than must be: one fewer, and a step would be forecast twice.
    if splits.gap:
        last, first = np.asarray(parts[0].targets["step"])[-1], np.asarray(parts[1].targets["step"])[0]
        assert first[0] - stride <= last[-1]


def test_several_variables_with_their_calendar(tmp_path: Path) -> None:
    days = np.datetime64("2024-02-25") + np.arange(10)
    path = write(
        tmp_path / "s.csv", "a,day,b,c\n" + "".join(f"{n},{day},{n * 10},{n * 100}\n" for n, day in enumerate(days))
    )
    splits = time_series(
        path, 3, 2, columns=["c", "a"], target=["b", "a"], calendar=["year_sin", "weekday"], calendar_ahead=True
    )
    made = arrays(splits)
    dates, _ = read_dates([str(day) for day in days])
    sin, weekday = part(dates, "year_sin"), part(dates, "weekday")
    assert made["past"].shape == (6, 3, 4) and made["calendar"].shape == (6, 2, 2) and made["future"].shape == (6, 2, 2)
    np.testing.assert_array_equal(made["past"][1, :, 0], [100, 200, 300])
    np.testing.assert_array_equal(made["past"][1, :, 1], [1, 2, 3])
    np.testing.assert_array_equal(made["past"][1, :, 2], sin[1:4])
    np.testing.assert_array_equal(made["calendar"][1], np.stack([sin[4:6], weekday[4:6]], axis=1))
    np.testing.assert_array_equal(made["future"][1], [[40, 4], [50, 5]])
    assert splits.facts is not None and splits.ordered and splits.gap == 1
    missing = splits.facts.features["past"].missing
    assert splits.facts == DataFacts(
        {
            "past": Feature("sequence", (3, 4), columns=("c", "a", "day.year_sin", "day.weekday"), missing=missing),
            "calendar": Feature("sequence", (2, 2), columns=("day.year_sin", "day.weekday"), missing=missing),
        },
        {"future": Target("number", (2, 2), "float32")},
    )


def test_a_variable_may_be_forecast_from_others_alone(tmp_path: Path) -> None:
    made = arrays(time_series(write(tmp_path / "s.csv", "a,b\n1,10\n2,20\n3,30\n"), 1, columns=["a"], target="b"))
    assert made["past"].tolist() == [[[1]], [[2]]] and made["b"].tolist() == [[20], [30]]


def test_missing_values_are_filled_as_told(tmp_path: Path) -> None:
    path = write(tmp_path / "s.csv", "a\n1\n\n4\nNA\n?\n7\n".replace("\n\n", "\nNaN\n"))
    forward = arrays(time_series(path, 1, fill="forward"))
    between = arrays(time_series(path, 1, fill="interpolate"))
    assert forward["past"].ravel().tolist() == [1, 1, 4, 4, 4]
    assert between["past"].ravel().tolist() == [1, 2.5, 4, 5, 6]
    assert between["a"].ravel().tolist() == [2.5, 4, 5, 6, 7]


def test_missing_days_are_no_error(tmp_path: Path) -> None:
    path = write(tmp_path / "s.csv", "when,a\n2024-01-01,1\n2024-01-05,2\n2024-03-01,3\n")
    assert len(time_series(path, 1).train) == 2


def test_times_of_a_zone_are_in_the_order_of_moments(tmp_path: Path) -> None:
    rows = ["2024-10-27 02:30+02:00,1", "2024-10-27 02:30+01:00,2", "2024-10-27 03:00+01:00,3"]
    assert len(time_series(write(tmp_path / "s.csv", "t,a\n" + "\n".join(rows)), 1).train) == 2
    rows[:2] = rows[1::-1]
    assert "does not come after" in failure(write(tmp_path / "s.csv", "t,a\n" + "\n".join(rows)))


@pytest.mark.parametrize(
    ("name", "steps", "column", "first", "last"),
    [("daily-min-temperatures", 3_650, "Temp", 20.7, 13.0), ("monthly-sunspots", 2_820, "Sunspots", 58.0, 33.4)],
)
def test_shared_series(data_dir: Path, name: str, steps: int, column: str, first: float, last: float) -> None:
    path = data_dir / "timeseries" / f"{name}.csv"
    if not path.is_file():
        pytest.skip(f"{name} is not in {data_dir}")
    splits = time_series(path, 24, 12, calendar=["year_sin", "year_cos"])
    made = arrays(splits)
    assert made["past"].shape == (steps - 35, 24, 3) and made[column].shape == (steps - 35, 12)
    assert made["past"][0, 0, 0] == np.float32(first) and made[column][-1, -1] == np.float32(last)
    assert splits.gap == 11 and splits.train.features["past"].nbytes < made["past"].nbytes / 10


def test_decimals_may_stand_behind_a_comma(tmp_path: Path) -> None:
    splits = time_series(write(tmp_path / "s.csv", "a;b\n1,5;1\n-2;,25\n3;4\n"), 2, separator=";", decimal=",")
    assert arrays(splits)["past"].tolist() == [[[1.5, 1], [-2, 0.25]]]
    assert splits.facts is not None and splits.facts.features["past"].decimal == ","


# Bad input


@pytest.mark.parametrize(
    ("text", "arguments", "message"),
    [
        ("day,a\n2024-01-02,1\n2024-01-01,2\n", {}, "s.csv:3: column `day`: `2024-01-01` does not come after `2024-01-02`"),
        ("day,a\n2024-01-02,1\n2024-01-02,2\n2024-01-02,2\n", {}, "s.csv:3: column `day`: `2024-01-02` stands there twice (also 4)"),
        ("day,a\n2024-01-02,1\n?,2\n2024-01-03,2\n", {}, "s.csv:3: the date `day` is missing"),
        ("day,a\n2024-01-02,1\nx,2\n", {"date": "day"}, "s.csv:3: column `day`: `x` is no date"),
        ("a\n1\nNA\n3\n\n?\n", {}, "s.csv:3: the value of `a` is missing (also 6)"),
        ("a\nNA\n2\n3\n", {"fill": "forward"}, "s.csv:2: the value of `a` is missing"),
        ("a\nNA\nNA\n", {"fill": "interpolate"}, "s.csv:2: the value of `a` is missing (also 3)"),
        ("a\n1\n2x\ninf\n", {}, "s.csv:3: column `a`: `2x` is no number\ns.csv:4: column `a`: `inf` is no finite float32"),
        ("a\n1\n2\n", {"history": 2, "horizon": 3, "offset": 1}, "s.csv has 2 steps, and a window takes 6: 2 of history, 1 of offset and 3 to forecast"),
        ("height\n1\n2\n", {"columns": ["heigth"]}, "`data.source.time_series.columns`: s.csv has no column `heigth`\ndid you mean `height`?"),
        ("height\n1\n2\n", {"target": "weight"}, "`data.source.time_series.target`: s.csv has no column `weight`"),
        ("height\n1\n2\n", {"date": "day"}, "`data.source.time_series.date`: s.csv has no column `day`"),
        ("a\n1\n2\n", {"calendar": ["month"]}, "`data.source.time_series.calendar`: no column of s.csv holds dates"),
        ("a\n1\n2\n", {"calendar_ahead": True}, "`calendar` names none"),
        ("day\n2024-01-01\n2024-01-02\n", {}, "s.csv: no column is left as a variable"),
        ('a\n"1,5"\n2\n', {}, "s.csv:2: column `a`: `1,5` is no number\nif these are numbers, write `data.source.time_series.decimal: \",\"`"),
        ('a\n"1,5"\n2.5\n', {"decimal": ","}, "s.csv:3: column `a`: `2.5` is no number"),
        ("a\n", {}, "s.csv: there are no rows below the header"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_line(
    tmp_path: Path, text: str, arguments: dict[str, Any], message: str
) -> None:
    assert message in failure(write(tmp_path / "s.csv", text), **arguments)


def test_a_file_that_is_not_there_is_told() -> None:
    with pytest.raises(DlkitError, match=re.escape("`data.source.time_series.path`: there is no such file: no.csv")):
        time_series(Path("no.csv"), 1)
