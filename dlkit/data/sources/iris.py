"""Fisher's iris flowers, from scikit-learn.

Source: https://archive.ics.uci.edu/dataset/53
"""

from __future__ import annotations

from dlkit.data.arrays import Splits
from dlkit.data.sources._sklearn import read_table
from dlkit.recipe.registry import register


@register(
    kind="source",
    features={
        "table": {
            "kind": "vector",
            "shape": [4],
            "dtype": "float32",
            "columns": ["sepal_length", "sepal_width", "petal_length", "petal_width"],
        }
    },
    targets={"species": {"kind": "classes", "labels": ["setosa", "versicolor", "virginica"]}},
)
def iris(columns: list[str] | None = None) -> Splits:
    """Iris flowers, four lengths in centimeters: 150 rows of 3 species."""
    return read_table("iris", columns)
