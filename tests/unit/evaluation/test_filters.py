"""The weights of a first layer as pictures."""

import base64

import keras
import numpy as np
import pytest

from dlkit.evaluation.views.filters import first_weights
from dlkit.reporting.figures.weights import filters


def test_each_unit_is_a_picture_to_its_own_scale():
    layers = [keras.Input((2, 3, 1)), keras.layers.Rescaling(1 / 16), keras.layers.Flatten(), keras.layers.Dense(2)]
    model = keras.Sequential(layers)
    weights = np.array([[0.5, 0], [-0.25, 0], [0, 0], [0, 0], [0.1, 0], [-0.5, 0.001]])
    model.set_weights([weights, np.zeros(2)])
    found = first_weights(model)
    shades = np.frombuffer(base64.b64decode(found["shades"]), np.uint8).reshape(2, *found["shape"])
    assert shades[0, ..., 0].tolist() == [[255, 64, 128], [128, 153, 1]]
    assert shades[1, ..., 0].tolist() == [[128, 128, 128], [128, 128, 255]]
    (image,) = filters({"filters": found}).axes[0].images
    drawn = image.get_array()
    assert drawn.shape == (2, 3 + 1 + 3)
    np.testing.assert_array_equal(drawn[:, :3], shades[0, ..., 0])
    np.testing.assert_array_equal(drawn[:, 4:], shades[1, ..., 0])


@pytest.mark.parametrize(
    "layers",
    [
        [keras.Input((6,)), keras.layers.Dense(2)],
        [keras.Input((2, 3, 1)), keras.layers.Conv2D(2, 2), keras.layers.Flatten(), keras.layers.Dense(2)],
        [keras.Input((200, 3, 1)), keras.layers.Flatten(), keras.layers.Dense(2)],
    ],
    ids=["no picture", "a convolution first", "large pictures"],
)
def test_what_has_none(layers):
    assert first_weights(keras.Sequential(layers)) is None
