from __future__ import annotations

import calendar
import datetime
import math

import numpy as np
import pytest

from dlkit.data.reading.dates import PARTS, is_month, part, parts_of, read_dates


@pytest.mark.parametrize(
    ("text", "date", "ahead"),
    [
        ("1749-01", "1749-01-01T00:00:00", 0),
        ("1981-01-31", "1981-01-31T00:00:00", 0),
        ("1981/01/31", "1981-01-31T00:00:00", 0),
        ("1981-01-31 16:30", "1981-01-31T16:30:00", 0),
        ("1981-01-31T16:30:05.5Z", "1981-01-31T16:30:05", 0),
        ("1981-01-31 16:30+05:30", "1981-01-31T16:30:00", 19_800),
        ("1981-01-31 16:30:00-0800", "1981-01-31T16:30:00", -28_800),
    ],
)
def test_dates_are_read_as_written(text: str, date: str, ahead: int) -> None:
    dates, zones = read_dates([text])
    assert dates[0] == np.datetime64(date) and zones[0] == ahead


@pytest.mark.parametrize(
    "text",
    ["", "1981", "1981-13", "1981-02-30", "1981-1-1", "1981-01/31", "31.01.1981", "1981-01-31 25:00", "now", "1981-01 10:00"],
)  # fmt: skip
def test_other_texts_are_no_dates(text: str) -> None:
    assert np.isnat(read_dates([text])[0][0])


def test_parts_are_those_of_pythons_calendar() -> None:
    draw = np.random.default_rng(0)
    moments = [
        datetime.datetime(1700, 1, 1) + datetime.timedelta(seconds=int(n)) for n in draw.integers(0, 10**10, 500)
    ]
    moments += [datetime.datetime(2024, 12, 31, 23, 59, 59), datetime.datetime(2023, 1, 1)]
    dates, _ = read_dates([moment.isoformat() for moment in moments])

    def place(moment: datetime.datetime) -> dict[str, float]:
        day = (moment.hour * 3600 + moment.minute * 60 + moment.second) / 86_400
        days_of_year = 366 if calendar.isleap(moment.year) else 365
        turns = {
            "year": (moment.timetuple().tm_yday - 1 + day) / days_of_year,
            "week": (moment.weekday() + day) / 7,
            "day": day,
        }
        circle = {
            f"{name}_{word}": function(2 * math.pi * turn)
            for name, turn in turns.items()
            for word, function in (("sin", math.sin), ("cos", math.cos))
        }
        plain = {"year": moment.year, "month": moment.month, "day": moment.day, "weekday": moment.weekday()}
        return {**circle, **plain, "hour": day * 24}

    wanted = [place(moment) for moment in moments]
    assert set(PARTS) == set(wanted[0])
    for name in PARTS:
        found = part(dates, name)
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, [each[name] for each in wanted], rtol=1e-6, atol=1e-6)


def test_a_missing_date_has_no_parts() -> None:
    dates, _ = read_dates(["x", "2020-01-01"])
    assert all(np.isnan(part(dates, name)[0]) and np.isfinite(part(dates, name)[1]) for name in PARTS)


def test_the_parts_are_as_fine_as_the_dates() -> None:
    months, days, times = (read_dates([text, "x"])[0] for text in ("2020-05", "2020-05-01", "2020-05-01 00:01"))
    assert is_month("2020-05") and not is_month("2020-05-01") and not is_month("x")
    assert parts_of(months, months_only=True) == ("year", "month", "year_sin", "year_cos")
    assert parts_of(days) == (*parts_of(months, True), "day", "weekday", "week_sin", "week_cos")
    assert parts_of(times) == (*parts_of(days), "hour", "day_sin", "day_cos") == PARTS
