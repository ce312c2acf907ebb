"""Chemical analyses of Italian wines, from scikit-learn.

Source: https://archive.ics.uci.edu/dataset/109
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
            "shape": [13],
            "dtype": "float32",
            "columns": [
                "alcohol",
                "malic_acid",
                "ash",
                "alcalinity_of_ash",
                "magnesium",
                "total_phenols",
                "flavanoids",
                "nonflavanoid_phenols",
                "proanthocyanins",
                "color_intensity",
                "hue",
                "od280_od315_of_diluted_wines",
                "proline",
            ],
        }
    },
    targets={"cultivar": {"kind": "classes", "labels": ["class_0", "class_1", "class_2"]}},
)
def wine(columns: list[str] | None = None) -> Splits:
    """Wines by 13 chemical measurements: 178 rows of 3 cultivars."""
    return read_table("wine", columns)
