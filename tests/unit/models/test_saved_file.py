"""What is read of a `.keras` file without Keras is what Keras reads of it."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from dlkit.errors import DlkitError
from dlkit.models.saved_file import saved_layers, saved_values


@pytest.fixture(scope="module")
def model() -> keras.Model:
    """Layers in layers, without weights, with states that are none, with a vocabulary."""
    text = keras.Input((), dtype="string", name="text")
    lookup = keras.layers.TextVectorization(output_sequence_length=4, name="words")
    lookup.adapt(np.array(["a b c", "b c d"]))
    found = keras.layers.Embedding(8, 6, name="embedding")(lookup(text))
    found = keras.layers.MultiHeadAttention(2, 3, dropout=0.1, name="attention")(found, found)
    inner = keras.Sequential([keras.layers.LSTM(5), keras.layers.Dropout(0.5), keras.layers.BatchNormalization()])
    return keras.Model(text, keras.layers.Dense(2, name="ends")(inner(found)))


@pytest.fixture(scope="module")
def path(model, tmp_path_factory):
    path = tmp_path_factory.mktemp("saved") / "best.keras"
    model.save(path)
    return path


def test_layers_have_keras_names_classes_and_parameters(model, path):
    expected = [(each.name, type(each).__name__, each.count_params()) for each in model.layers]
    assert [(each.name, each.layer, each.parameters) for each in saved_layers(path)] == expected


def test_values_are_the_weights(model, path):
    values = saved_values(path)
    assert np.array_equal(values["layers/dense/vars/0"].value, model.get_layer("ends").get_weights()[0])
    assert values["layers/dense/vars/0"].layer == "ends"
    arrays = [each.value for place, each in values.items() if "seed_generator" not in place and "assets" not in place]
    assert sum(np.size(each) for each in arrays) == model.count_params()
    assert any(isinstance(each.value, bytes) for each in values.values())


def test_a_damaged_file_is_told(tmp_path):
    (tmp_path / "best.keras").write_bytes(b"PK no archive")
    with pytest.raises(DlkitError, match="cannot be read as a saved Keras model") as caught:
        saved_values(tmp_path / "best.keras")
    assert caught.value.code == "damaged-file"
