"""Times as people read them."""

from __future__ import annotations

import pytest

from dlkit.runs.duration_text import duration


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.04, "0.0 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (59.4, "59 s"),
        (59.6, "1 min 00 s"),
        (250, "4 min 10 s"),
        (3600, "1 h 00 min"),
        (3780, "1 h 03 min"),
        (187_200, "2 d 4 h"),
    ],
)
def test_durations(seconds: float, text: str):
    assert duration(seconds) == text


def test_time_that_is_left_has_no_tenths():
    assert duration(4.4, whole=True) == "4 s"
