"""The Wisconsin diagnostic breast cancer data, from scikit-learn.

Source: https://archive.ics.uci.edu/dataset/17
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
            "shape": [30],
            "dtype": "float32",
            "columns": [
                "mean_radius",
                "mean_texture",
                "mean_perimeter",
                "mean_area",
                "mean_smoothness",
                "mean_compactness",
                "mean_concavity",
                "mean_concave_points",
                "mean_symmetry",
                "mean_fractal_dimension",
                "radius_error",
                "texture_error",
                "perimeter_error",
                "area_error",
                "smoothness_error",
                "compactness_error",
                "concavity_error",
                "concave_points_error",
                "symmetry_error",
                "fractal_dimension_error",
                "worst_radius",
                "worst_texture",
                "worst_perimeter",
                "worst_area",
                "worst_smoothness",
                "worst_compactness",
                "worst_concavity",
                "worst_concave_points",
                "worst_symmetry",
                "worst_fractal_dimension",
            ],
        }
    },
    targets={"diagnosis": {"kind": "classes", "labels": ["malignant", "benign"]}},
)
def breast_cancer(columns: list[str] | None = None) -> Splits:
    """Breast tumors by 30 measurements of cell nuclei: 569 rows, malignant or benign."""
    return read_table("breast_cancer", columns)
