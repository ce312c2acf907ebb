"""Progression of diabetes one year after baseline, from scikit-learn, in the measured units.

scikit-learn scales the columns by default, with the mean and deviation of all rows, test rows among them. Here they are
raw: scaling belongs to the model, which learns it from the training rows.

Source: https://www4.stat.ncsu.edu/~boos/var.select/diabetes.html (Efron et al., 2004, "Least Angle Regression")
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
            "shape": [10],
            "dtype": "float32",
            "columns": ["age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6"],
        }
    },
    targets={"progression": {"kind": "number"}},
)
def diabetes(columns: list[str] | None = None) -> Splits:
    """Diabetes patients by ten measurements at baseline: 442 rows, the progression of the disease after a year."""
    return read_table("diabetes", columns, scaled=False)
