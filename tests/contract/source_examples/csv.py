"""Two tables with columns of every kind, and values that are missing."""

from pathlib import Path

import numpy as np

HEADER = "id,height,color,seen,remark,kind\n"


def arguments(folder: Path) -> dict[str, object]:
    draw = np.random.default_rng(1)
    for name, count in (("train", 200), ("test", 50)):
        rows = []
        for row in range(count):
            height = "" if row % 17 == 3 else f"{draw.normal(170, 9):.1f}"
            color = "?" if row % 23 == 5 else ("red", "green", "blue")[draw.integers(3)]
            seen = np.datetime64("1994-05-01") + int(draw.integers(900))
            rows.append(f'{row},{height},{color},{seen},"a remark, ""number"" {row}",{("cat", "dog")[row % 2]}\n')
        (folder / f"{name}.csv").write_text(HEADER + "".join(rows), encoding="utf-8")
    return {
        "path": folder / "train.csv",
        "test": folder / "test.csv",
        "target": "kind",
        "columns": {"remark": "text"},
        "ignore": ["id"],
    }
