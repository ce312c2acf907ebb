"""Models that are cut where an input comes in."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from dlkit.models.parts import split_at

PICTURES = np.random.default_rng(1).random((5, 8, 8, 1)).astype("float32")
WORDS = np.array([[1, 2, 0]] * 4 + [[3, 1, 2]], "int32")
NOTES = np.array([[1, 0], [2, 1], [0, 0], [3, 0], [1, 1]], "int32")


def inputs() -> dict[str, keras.KerasTensor]:
    return {
        "picture": keras.Input((8, 8, 1), name="picture"),
        "words": keras.Input((3,), dtype="int32", name="words"),
        "notes": keras.Input((2,), dtype="int32", name="notes"),
    }


def decoder(mask_zero: bool) -> tuple[keras.Model, keras.layers.Layer]:
    """A model that looks at a picture and at notes for each word; and the layer that reads the picture."""
    keras.utils.set_random_seed(1)
    given = inputs()
    seen = keras.layers.Conv2D(4, 3, strides=2, name="seen")
    places = keras.layers.Reshape((-1, 4))(seen(given["picture"]))
    notes = keras.layers.Embedding(4, 4, mask_zero=mask_zero)(given["notes"])
    words = keras.layers.Embedding(4, 4)(given["words"])
    looked = keras.layers.Attention()([words, places])
    read = keras.layers.Attention()([words, notes])
    told = keras.layers.Dense(4)(keras.layers.Concatenate()([looked, read, words]))
    return keras.Model(given, {"told": told, "other": keras.layers.Dense(1)(places)}), seen


@pytest.mark.parametrize("mask_zero", [False, True])
def test_the_parts_give_what_the_model_gives(mask_zero: bool) -> None:
    model, _ = decoder(mask_zero)
    first, second = split_at(model, "words", "told")
    assert first is not None
    x = {"picture": PICTURES, "notes": NOTES}
    expected = model({**x, "words": WORDS})["told"]
    np.testing.assert_allclose(
        second.predict_on_batch([*first.predict_on_batch(x), WORDS]), expected, rtol=1e-5, atol=1e-6
    )


def test_what_does_not_depend_on_the_input_is_in_the_first_part() -> None:
    model, seen = decoder(mask_zero=False)
    first, second = split_at(model, "words", "told")
    assert first is not None
    assert seen in first.layers and seen not in second.layers
    _, masked = split_at(decoder(mask_zero=True)[0], "words", "told")
    assert "seen" in [layer.name for layer in masked.layers], "a mask would be lost at the cut"


def test_a_chain_has_no_first_part() -> None:
    model = keras.Sequential([keras.Input((3,), dtype="int32", name="words"), keras.layers.Embedding(4, 2)])
    first, second = split_at(model, "words")
    assert first is None
    np.testing.assert_allclose(second.predict_on_batch([WORDS]), model(WORDS), rtol=1e-6)


@pytest.mark.parametrize("name", ["sound", "words"])
def test_an_input_that_has_no_say_is_told(name: str) -> None:
    model, _ = decoder(mask_zero=False)
    with pytest.raises(ValueError, match=f"Received: name={name}"):
        split_at(model, name, "other")
