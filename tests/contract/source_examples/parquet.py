"""A table with columns of several types, and values that are missing."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq


def arguments(folder: Path) -> dict[str, object]:
    draw = np.random.default_rng(1)
    count = 200
    table = pa.table(
        {
            "height": pa.array([None if row % 17 == 3 else value for row, value in enumerate(draw.normal(size=count))]),
            "color": pa.array([("red", "green", None)[number] for number in draw.integers(0, 3, count)]),
            "seen": pa.array(np.datetime64("1994-05-01T00:00:00") + draw.integers(0, 10**7, count)),
            "remark": pa.array([f"remark {row}" for row in range(count)]),
            "kind": pa.array([row % 3 for row in range(count)], pa.int8()),
            "weight": pa.array(draw.uniform(size=count), pa.float32()),
        }
    )
    pq.write_table(table, folder / "table.parquet")
    return {"path": folder / "table.parquet", "target": ["kind", "weight"], "columns": {"kind": "categorical"}}
