from __future__ import annotations

import numpy as np
import pytest

from dlkit.data.sources.diabetes import diabetes
from dlkit.data.sources.iris import iris
from dlkit.errors import DlkitError


def test_columns_are_kept_in_the_order_asked() -> None:
    whole, chosen = iris(), iris(columns=["petal_width", "sepal_length"])
    assert chosen.facts.features["table"].columns == ("petal_width", "sepal_length")
    np.testing.assert_array_equal(chosen.train.features["table"], whole.train.features["table"][:, [3, 0]])


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (["petal_widht"], "iris has no column `petal_widht`\ndid you mean `petal_width`"),
        (["color"], "iris has no column `color`\nit has `sepal_length`, `sepal_width`, `petal_length`, `petal_width`"),
        (["petal_width", "petal_width"], "names `petal_width` more than once"),
        ([], "names no column"),
    ],
)
def test_wrong_columns_are_errors_that_name_the_place(columns: list[str], message: str) -> None:
    with pytest.raises(DlkitError, match=message) as error:
        iris(columns=columns)
    assert "data.source.iris.columns" in error.value.message


def test_diabetes_is_not_scaled_with_the_test_rows() -> None:
    ages = diabetes(columns=["age"]).train.features["table"]
    assert ages.min() > 18 and 70 < ages.max() < 100
