"""What the model of a script rests on, held against Keras."""

from __future__ import annotations

import random

import keras
import pytest

from dlkit.eject.model import ADAPTED, DRAW_WHEN_MADE
from dlkit.recipe.catalogue import catalogue

ARGUMENTS = {
    "Activation": {"activation": "relu"},
    "Embedding": {"input_dim": 9, "output_dim": 2},
    "Permute": {"dims": (2, 1)},
    "RepeatVector": {"n": 2},
    "Rescaling": {"scale": 2.0},
    "Reshape": {"target_shape": (-1,)},
    "GroupNormalization": {"groups": 1},
    "RandomTranslation": {"height_factor": 0.1, "width_factor": 0.1},
    "RandomZoom": {"height_factor": 0.1},
}
NUMBERS = {
    "units": 2,
    "filters": 2,
    "kernel_size": 1,
    "rate": 0.1,
    "stddev": 0.1,
    "factor": 0.1,
    "height": 6,
    "width": 6,
    "pool_size": 2,
}
PICTURE, STEPS, VECTOR = (8, 8, 3), (6, 3), (5,)


def made(name: str) -> keras.Layer:
    given = dict(ARGUMENTS.get(name, {}))
    if name == "Bidirectional":
        return keras.layers.Bidirectional(keras.layers.LSTM(2))
    for argument in catalogue().find("layer", name).arguments.values():
        if argument.required and argument.name not in given:
            given[argument.name] = NUMBERS[argument.name]
    return getattr(keras.layers, name)(**given)


def inputs(name: str) -> object:
    if name in ("Add", "Concatenate"):
        return [keras.Input(VECTOR), keras.Input(VECTOR)]
    if name == "Embedding":
        return keras.Input((6,), dtype="int32")
    if name in ("Dense", "RepeatVector"):
        return keras.Input(VECTOR)
    is_picture = name.endswith("2D") or name.startswith(("Random", "Resiz", "CenterCrop"))
    return keras.Input(PICTURE if is_picture or name.endswith("2DTranspose") else STEPS)


@pytest.mark.parametrize("name", sorted(DRAW_WHEN_MADE))
def test_layers_that_may_stand_in_a_list_draw_no_seed_when_they_are_called(name):
    layer, given = made(name), inputs(name)
    before = random.getstate()
    layer(given)
    assert random.getstate() == before


def test_a_layer_that_draws_when_it_is_called_would_be_found():
    layer, given = keras.layers.MultiHeadAttention(2, 2), keras.Input(STEPS)
    before = random.getstate()
    layer(given, given)
    assert random.getstate() != before


def test_the_layers_that_adapt_are_keras():
    names = [name for name in catalogue().names("layer") if hasattr(getattr(keras.layers, name), "adapt")]
    assert set(names) == set(ADAPTED)


def test_what_is_written_down_twice_is_the_same():
    from dlkit.data import split
    from dlkit.eject import data, model, refusals, training
    from dlkit.models import layer
    from dlkit.training import compiling
    from dlkit.workflows import preparation

    assert training.KNOWS_LOGITS == compiling._KNOWS_LOGITS
    assert training.RANKS == compiling._RANKS
    assert training.OF_NUMBERS == compiling._OF_NUMBERS
    assert model.GIVEN == layer._GIVEN
    assert refusals.BY_BATCH == preparation.BY_BATCH
    theirs = {"train": "limit_train", "limit": "limit_validation"}
    assert {theirs.get(name, name): stream for name, stream in data._STREAMS.items()} == split._STREAMS
