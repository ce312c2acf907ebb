"""Dates as text to dates, and the parts of a date that a model can take as numbers.

A part is named `<column>.<part>`, as `sold.month`: whoever has the raw column can make it from its name alone.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

# What the last digits of a date stand for -> the parts that it has beyond those before it.
_PARTS = {
    "month": ("year", "month", "year_sin", "year_cos"),
    "day": ("day", "weekday", "week_sin", "week_cos"),
    "time": ("hour", "day_sin", "day_cos"),
}
PARTS = tuple(part for parts in _PARTS.values() for part in parts)

_DATE = re.compile(
    r"(?P<year>\d{4})(?P<dash>[-/])(?P<month>\d\d)"
    r"(?:(?P=dash)(?P<day>\d\d)(?:[T ](?P<time>\d\d:\d\d(?::\d\d(?:\.\d+)?)?)(?P<zone>Z|[+-]\d\d:?\d\d)?)?)?"
)


def parts_of(dates: np.ndarray, months_only: bool = False) -> tuple[str, ...]:
    """The parts that dates as fine as these have: of months neither day nor hour, of days no hour.

    Args:
        dates: As of `read_dates`.
        months_only: Whether they were written without a day.
    """
    if months_only:
        return _PARTS["month"]
    known = dates[~np.isnat(dates)]
    has_times = bool((known != known.astype("datetime64[D]")).any())
    return PARTS if has_times else (*_PARTS["month"], *_PARTS["day"])


def read_dates(texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Dates in the form of ISO 8601: `1749-01`, `1981-01-31`, `1981/01/31`, `1981-01-31 16:30`, `...T16:30:05.5+02:00`.

    Returns:
        The local times as datetime64[s], of shape (texts,), NaT for a text that is no date; and the seconds by which each
        is ahead of UTC, 0 where no zone is written.
    """
    dates, zones = np.full(len(texts), "NaT", "datetime64[s]"), np.zeros(len(texts), np.int64)
    for row, text in enumerate(texts):
        found = _DATE.fullmatch(text)
        if found is None:
            continue
        written = f"{found['year']}-{found['month']}-{found['day'] or '01'}T{found['time'] or '00:00'}"
        try:
            dates[row] = np.datetime64(written, "s")
        except ValueError:  # a month 13, an hour 25
            continue
        if found["zone"] not in (None, "Z"):
            hours, minutes = int(found["zone"][1:3]), int(found["zone"][-2:])
            zones[row] = (hours * 3600 + minutes * 60) * (-1 if found["zone"][0] == "-" else 1)
    return dates, zones


def is_month(text: str) -> bool:
    """Whether a date was written without a day, as `1749-01`."""
    found = _DATE.fullmatch(text)
    return found is not None and found["day"] is None


def part(dates: np.ndarray, name: str) -> np.ndarray:
    """One part of dates, as float32; NaN where there is no date.

    `year`; `month` from 1; `day` of the month from 1; `weekday` from 0, Monday; `hour` with its minutes as fraction.
    `year_sin` and `year_cos`, `week_...` and `day_...` are the place in the year, the week (from Monday) and the day, as
    a point of the circle: the last moment of a year lies beside the first one.
    """
    days, months, years = (dates.astype(f"datetime64[{unit}]") for unit in "DMY")
    missing = np.isnat(dates)
    day = (dates - days).astype(np.float64) / 86_400
    # 1970-01-01, day 0, was a Thursday.
    weekday = (days.astype(np.int64) + 3) % 7
    if name.endswith(("_sin", "_cos")):
        next_year = (years + 1).astype("datetime64[s]")
        place = {
            "year": lambda: (dates - years).astype(np.float64) / (next_year - years).astype(np.float64),
            "week": lambda: (weekday + day) / 7,
            "day": lambda: day,
        }[name[:-4]]()
        values = (np.sin if name.endswith("_sin") else np.cos)(2 * np.pi * place)
    else:
        values = {
            "year": lambda: years.astype(np.int64) + 1970,
            "month": lambda: (months - years).astype(np.int64) + 1,
            "day": lambda: (days - months).astype(np.int64) + 1,
            "weekday": lambda: weekday,
            "hour": lambda: day * 24,
        }[name]()
    return np.where(missing, np.nan, values).astype(np.float32)
