"""Two variables a day, over a year and a half."""

from pathlib import Path

import numpy as np


def arguments(folder: Path) -> dict[str, object]:
    draw = np.random.default_rng(1)
    days = np.datetime64("2023-01-01") + np.arange(500)
    rows = [f"{day},{draw.normal(20, 3):.2f},{draw.normal(5, 1):.2f}\n" for day in days]
    (folder / "days.csv").write_text("day,warmth,wind\n" + "".join(rows), encoding="utf-8")
    return {
        "path": folder / "days.csv",
        "history": 7,
        "horizon": 3,
        "target": "wind",
        "calendar": ["year_sin", "year_cos"],
        "calendar_ahead": True,
    }
