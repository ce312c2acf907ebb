"""The plane of two inputs, and what a classifier says in it."""

import keras
import numpy as np
import pytest

from dlkit.evaluation.views.decision_map import over_plane
from dlkit.reporting.figures.classes import decision_map

POINTS = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], "float32")


@pytest.mark.parametrize("outputs", [1, 2])
def test_the_line_lies_where_the_weights_put_it(outputs):
    """Where a + 2 b = 1.5 a logit changes its sign, or the second of two becomes the larger."""
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(outputs)])
    weights = np.array([[1.0], [2.0]]), np.array([-1.5])
    model.set_weights(
        weights if outputs == 1 else [np.pad(each, [(0, 0)] * (each.ndim - 1) + [(1, 0)]) for each in weights]
    )
    told = over_plane(model, POINTS, np.array([0, 1, 0, 1]), True, ["a", "b"])
    across, up = np.meshgrid(*told["sides"])
    assert (across.min(), across.max()) == (-0.25, 1.25)
    far = np.abs(across + 2 * up - 1.5) > 1e-3
    np.testing.assert_array_equal(np.array(told["classes"])[far], (across + 2 * up > 1.5)[far])
    figure = decision_map({"labels": ["0", "1"], "decision_map": told})
    assert [axis.get_label_text() for axis in (figure.axes[0].xaxis, figure.axes[0].yaxis)] == ["a", "b"]
    assert len(figure.axes[0].get_legend().get_texts()) == 2
