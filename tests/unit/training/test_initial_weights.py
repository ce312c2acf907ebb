"""Weights from a saved model, layer by layer."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest

from dlkit.errors import DlkitError
from dlkit.training.initial_weights import load_weights


def network(units: int = 4, head: int = 3, seed: int = 0) -> keras.Model:
    """With a model inside, a normalization, a dropout and a head."""
    keras.utils.set_random_seed(seed)
    inner = keras.Sequential([keras.Input((6,)), keras.layers.Dense(units, name="inner_dense")], name="backbone")
    layers = keras.layers
    made = keras.Sequential(
        [
            keras.Input((6,)),
            inner,
            layers.BatchNormalization(name="norm"),
            layers.Dropout(0.5),
            layers.Dense(head, name="head"),
        ]
    )
    made.get_layer("norm").moving_mean.assign(np.full(units, seed + 1.0))
    return made


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "saved.keras"
    network(seed=5).save(path)
    return path


def test_layers_of_the_same_name_are_loaded_those_inside_models_too(saved: Path) -> None:
    model, source = network(), network(seed=5)
    told = load_weights(model, saved)
    assert told.loaded == ("inner_dense", "norm", "head") and not told.left and not told.unused
    for here, there in zip(model.get_weights(), source.get_weights(), strict=True):
        np.testing.assert_array_equal(here, there)
    assert float(model.get_layer("norm").moving_mean[0]) == 6.0
    assert told.describe() == f"weights of 3 layers from {saved}: inner_dense, norm, head"


def test_what_does_not_fit_is_left_and_told(saved: Path) -> None:
    model = network(head=7)
    before = model.get_layer("head").get_weights()
    told = load_weights(model, saved)
    assert told.loaded == ("inner_dense", "norm")
    assert told.left == {"head": "shape (4, 3) in the file, (4, 7) here"}
    np.testing.assert_array_equal(model.get_layer("head").get_weights()[0], before[0])
    assert "not loaded: head (shape (4, 3) in the file, (4, 7) here)" in told.describe()


def test_chosen_layers_must_fit(saved: Path) -> None:
    told = load_weights(network(head=7), saved, ["inner*", "norm"])
    assert told.loaded == ("inner_dense", "norm") and told.left == {"head": "not chosen"}
    with pytest.raises(DlkitError, match=r"`head` do not fit: shape \(4, 3\) in the file, \(4, 7\) here") as raised:
        load_weights(network(head=7), saved, ["*"])
    assert raised.value.code == "shape-differs"


def test_nothing_that_fits_is_an_error(saved: Path) -> None:
    other = keras.Sequential([keras.Input((6,)), keras.layers.Dense(2, name="other")])
    with pytest.raises(DlkitError, match="other: not in the file") as raised:
        load_weights(other, saved)
    assert raised.value.code == "nothing-to-load" and "inner_dense, norm, head" in str(raised.value.cure)


@pytest.mark.parametrize("content", [None, b"", b"no model"])
def test_a_file_that_is_none_is_told(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "broken.keras"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DlkitError, match=r"broken\.keras") as raised:
        load_weights(network(), path)
    assert raised.value.code == "cannot-load"
