"""Where a model is cut, so that what is behind needs no texts and no tables."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from dlkit.errors import DlkitError
from dlkit.export.servable import as_arrays, behind_lookups, whole
from dlkit.export.vocabulary import vocabulary
from dlkit.models.layer import make_layer
from dlkit.recipe.facts import Feature
from dlkit.recipe.graph import Component

TEXTS = np.array(["a fine film", "a dull film", "Fine, and short!"], object)
ROWS = np.array([["red", "long"], ["blue", "short"], ["", "long"]], object)
AMOUNTS = np.array([[1.0, 10.0], [2.0, np.nan], [3.0, 30.0]], "float32")


def text_model() -> keras.Model:
    vectorize = keras.layers.TextVectorization(output_sequence_length=4)
    vectorize.adapt(TEXTS)
    layers = [keras.layers.Embedding(20, 3, mask_zero=True), keras.layers.LSTM(2), keras.layers.Dense(2)]
    return keras.Sequential([keras.Input((), dtype="string", name="text"), vectorize, *layers])


def table_model() -> keras.Model:
    """Categories and numbers that are embedded, and the numbers as they are besides."""
    rows = keras.Input((2,), dtype="string", name="categories")
    amounts = keras.Input((2,), name="amounts")
    kinds = make_layer(Component("layer", "lookup_columns", {}), "kinds", rows, lambda: ROWS)(rows)
    buckets = Component("layer", "bucketize_columns", {"bins": 2})
    levels = make_layer(buckets, "levels", amounts, lambda: AMOUNTS)(amounts)
    embed = keras.layers.Embedding(12, 2)
    known = keras.layers.Concatenate()([keras.layers.Flatten()(embed(kinds)), keras.layers.Flatten()(embed(levels))])
    price = keras.layers.Dense(1, name="price")(keras.layers.Concatenate()([known, keras.ops.nan_to_num(amounts)]))
    return keras.Model({"categories": rows, "amounts": amounts}, {"price": price})


def given(servable, features):
    made = servable.front({name: tf.convert_to_tensor(values) for name, values in features.items()})
    return as_arrays({name: made[name] for name in servable.inputs})


def test_a_model_without_lookups_stays_as_it_is():
    servable = whole(keras.Sequential([keras.Input((3,), name="x"), keras.layers.Dense(1)]), "y")
    assert behind_lookups(servable) is servable
    assert (servable.inputs, servable.outputs) == (("x",), ("y",))


def test_a_text_arrives_as_integers():
    model = text_model()
    servable = behind_lookups(whole(model, "label"))
    assert servable.inputs == ("text",)
    (spec,) = servable.specs(None)
    assert (spec.dtype, tuple(spec.shape)) == (tf.int64, (None, 4))
    ids = given(servable, {"text": TEXTS})
    assert ids["text"].tolist() == model.layers[0](TEXTS).numpy().tolist()
    made = servable.function(None)(tf.constant(ids["text"]))["label"]
    np.testing.assert_allclose(made, model.predict_on_batch(tf.constant(TEXTS)), atol=1e-6)


def test_numbers_that_are_looked_up_and_taken_as_they_are_come_twice():
    model = table_model()
    servable = behind_lookups(whole(model, "price"))
    assert set(servable.inputs) == {"categories", "amounts", "amounts_ids"}
    features = {"categories": ROWS, "amounts": AMOUNTS}
    ids = given(servable, features)
    assert len(ids) == len(servable.inputs)
    made = servable.function(None)(*(tf.constant(ids[name]) for name in servable.inputs))["price"]
    wanted = model.predict_on_batch({name: tf.convert_to_tensor(values) for name, values in features.items()})
    np.testing.assert_allclose(made, wanted["price"], atol=1e-6)


def test_learned_weights_do_not_stay_outside():
    text = keras.Input((), dtype="string", name="text")
    inner = text_model()
    model = keras.Model(text, keras.layers.Dense(1)(inner(text)))
    with pytest.raises(DlkitError, match="weights that were learned"):
        behind_lookups(whole(model, "label"))


def test_the_vocabulary_tells_what_the_front_does():
    servable = behind_lookups(whole(text_model(), "label"))
    told = vocabulary(servable.front, {"text": Feature("text", (), "string")})["inputs"]["text"]
    assert told["from"] == ["text"] and told["shape"] == [4]
    (layer,) = told["layers"]
    assert layer["tokens"][:2] == ["", "[UNK]"] and layer["output_sequence_length"] == 4
    ids = given(servable, {"text": TEXTS})["text"]
    assert [layer["tokens"][place] for place in ids[0]] == ["a", "fine", "film", ""]


def test_the_vocabulary_of_columns_lies_side_by_side():
    rows = keras.Input((2,), dtype="string", name="categories")
    kinds = make_layer(Component("layer", "lookup_columns", {}), "kinds", rows, lambda: ROWS)(rows)
    prepare = keras.Model(rows, kinds, name="preprocess_categories")
    model = keras.Sequential([rows, prepare, keras.layers.Embedding(12, 2), keras.layers.Flatten()])
    servable = behind_lookups(whole(model, "y"))
    known = {"categories": Feature("category", (2,), "string", columns=("color", "length"))}
    told = vocabulary(servable.front, known)["inputs"]["categories"]
    assert told["columns"] == ["color", "length"]
    ids = given(servable, {"categories": ROWS})["categories"]
    for column, layer in enumerate(told["layers"]):
        places = {token: layer["first"] + place for place, token in enumerate(layer["tokens"])}
        assert ids[:, column].tolist() == [places[word] for word in ROWS[:, column]]
