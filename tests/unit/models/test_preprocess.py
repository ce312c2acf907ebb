"""`data.preprocess`: fitted to the training split, run once, and in front of the saved model."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

import dlkit
from dlkit.recipe.diagnostics import RecipeError
from dlkit.workflows.feeding import plain_feed
from dlkit.workflows.preparation import build_model, prepare

IRIS = {
    "name": "flowers",
    "data": {"source": "iris", "preprocess": {"table": ["Normalization"]}},
    "model": {"sequential": [{"Dense": {"units": "$data.classes"}}]},
    "training": {"epochs": 1, "metrics": []},
}
DIABETES = {
    "name": "progression",
    "data": {"source": "diabetes", "preprocess": {"table": ["Normalization"], "progression": ["Normalization"]}},
    "model": {"sequential": [{"Dense": {"units": 8, "activation": "tanh"}}, {"Dense": {"units": 1}}]},
    "training": {"epochs": 2, "optimizer": {"Adam": {"learning_rate": 0.01}}},
}


def with_data(recipe: dict, **data: object) -> dict:
    return {**recipe, "data": {**recipe["data"], **data}}


def test_it_is_fitted_to_the_training_split_alone_and_run_once() -> None:
    prepared = prepare(dlkit.load(IRIS))
    raw, made = prepared.raw.train.features["table"], prepared.splits.train.features["table"]
    np.testing.assert_allclose(made, (raw - raw.mean(0)) / raw.std(0), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(
        prepared.splits.test.features["table"],
        (prepared.raw.test.features["table"] - raw.mean(0)) / raw.std(0),
        rtol=1e-4,
        atol=1e-5,
    )


def test_a_layer_of_the_network_adapts_to_the_training_split_alone() -> None:
    recipe = {**IRIS, "data": {"source": "iris"}, "model": {"sequential": ["Normalization", {"Dense": {"units": 3}}]}}
    prepared = prepare(dlkit.load(recipe))
    (layer, *_) = build_model(prepared).model.layers
    table = prepared.raw.train.features["table"]
    np.testing.assert_allclose(np.ravel(layer.mean), table.mean(0), rtol=1e-5)
    np.testing.assert_allclose(np.ravel(layer.variance), table.var(0), rtol=1e-4)


def test_the_saved_model_takes_raw_features_and_shares_the_weights() -> None:
    prepared = prepare(dlkit.load(IRIS))
    built = build_model(prepared)
    raw, made = prepared.raw.test.features["table"], prepared.splits.test.features["table"]
    np.testing.assert_allclose(built.served.predict(raw, verbose=0), built.model.predict(made, verbose=0), rtol=1e-5)
    assert built.served.layers[-1] is built.model.layers[-1]


def test_a_functional_network_of_groups_of_columns() -> None:
    recipe = {
        **with_data(
            IRIS,
            features={"sepal": ["sepal_width", "sepal_length"], "petal": ["petal_length"]},
            preprocess={"sepal": ["Normalization"]},
        ),
        "model": {
            "functional": {
                "inputs": ["sepal", "petal"],
                "layers": [{"Concatenate": {"from": ["sepal", "petal"]}}, {"Dense": {"units": 3}}],
            }
        },
    }
    prepared = prepare(dlkit.load(recipe))
    assert prepared.recipe.facts.features["sepal"].columns == ("sepal_width", "sepal_length")
    built = build_model(prepared)
    given, made = prepared.raw.test.features, prepared.splits.test.features
    assert given["sepal"].shape == (30, 2) and given["petal"].shape == (30, 1)
    np.testing.assert_allclose(built.served.predict(given, verbose=0), built.model.predict(made, verbose=0), rtol=1e-5)


@pytest.mark.parametrize(
    ("data", "message", "cure"),
    [
        ({"preprocess": {"tabel": ["Normalization"]}}, "no feature `tabel`", "did you mean `table`"),
        ({"features": {"sepal": ["sepal_lenght"]}}, "no column `sepal_lenght`", "did you mean `sepal_length`"),
        ({"features": {"sepal": []}}, "the name of a feature, or a list of columns", "it has `table`"),
    ],
)
def test_what_the_data_does_not_have_is_told_before_it_is_loaded(data: dict, message: str, cure: str) -> None:
    with pytest.raises(RecipeError) as caught:
        dlkit.load(with_data(IRIS, **data))
    assert message in str(caught.value) and cure in str(caught.value)


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        ({"Dense": {"units": 3}}, "Dense has weights that are learned in training"),
        ({"GaussianNoise": {"stddev": 0.1}}, "GaussianNoise draws at random"),
        ({"Reshape": {"target_shape": [7]}}, "Keras cannot build the layer `table_0_reshape`"),
    ],
)
def test_a_layer_that_does_not_belong_there_is_refused(layer: dict, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        prepare(dlkit.load(with_data(IRIS, preprocess={"table": [layer]})))


def test_a_scaled_target_is_learned_scaled_and_told_in_its_own_units(tmp_path: Path) -> None:
    run = dlkit.train(dlkit.load(DIABETES), runs_dir=tmp_path)
    prepared = prepare(dlkit.load(DIABETES))
    scale = prepared.scales["progression"]
    truth = prepared.raw.train.targets["progression"]
    assert (scale.mean, scale.deviation) == (pytest.approx(truth.mean()), pytest.approx(truth.std()))
    test = prepared.raw.test
    model = keras.models.load_model(run.folder.best_model)  # with Keras alone, and so without the loss of dlkit's
    told = model.predict(test.features["table"], verbose=0)[:, 0]
    error = told - test.targets["progression"]
    assert 0 < told.mean() < 300  # in its own units: scaled, it would lie about 0
    assert run.metrics["test_mean_absolute_error"] == pytest.approx(np.abs(error).mean(), rel=1e-4)
    assert run.metrics["test_loss"] == pytest.approx(np.square(error / scale.deviation).mean(), rel=1e-3)


def test_pictures_are_prepared_batch_by_batch_before_they_are_augmented(tmp_path: Path) -> None:
    recipe = {
        "name": "wide_digits",
        "data": {
            "source": "digits",
            "limit": 200,
            "preprocess": {"image": [{"Resizing": {"height": 10, "width": 12}}, "Normalization"]},
            "augment": [{"pad_and_crop": {"padding": 1}}],
        },
        "model": {"sequential": ["Flatten", {"Dense": {"units": 10}}]},
        "training": {"epochs": 5, "optimizer": {"Adam": {"learning_rate": 0.01}}},
    }
    prepared = prepare(dlkit.load(recipe))
    assert prepared.splits.train.features["image"].shape[1:] == (8, 8, 1)
    assert prepared.recipe.facts.features["image"].shape == (10, 12, 1)
    x, _ = next(iter(plain_feed(prepared, prepared.splits.validation)))
    assert x.shape[1:] == (10, 12, 1) and x.dtype.name == "float32"
    run = dlkit.train(dlkit.load(recipe), runs_dir=tmp_path)
    alone = keras.models.load_model(run.folder.best_model)
    assert alone.input_shape == (None, 8, 8, 1) and run.metrics["test_accuracy"] > 0.5


def test_texts_become_numbers_once_and_the_saved_model_takes_texts(tmp_path: Path) -> None:
    draw = np.random.default_rng(1)
    words = {"good": ["fine", "great", "warm"], "bad": ["dull", "cold", "poor"]}
    for label, own in words.items():
        lines = [" ".join(draw.choice([*own, "a", "film", "and"], 6)) for _ in range(150)]
        (tmp_path / f"{label}.txt").write_text("\n".join(lines))
    recipe = {
        "name": "films",
        "data": {
            "source": {"text_lines": {"path": str(tmp_path), "files": {"bad": "bad.txt", "good": "good.txt"}}},
            "preprocess": {"text": [{"TextVectorization": {"output_sequence_length": 7}}]},
            "augment": [{"word_dropout": {"rate": 0.1}}],
        },
        "model": {
            "sequential": [
                {"Embedding": {"input_dim": "$data.features.text.vocabulary_size", "output_dim": 4}},
                "GlobalAveragePooling1D",
                {"Dense": {"units": 1}},
            ]
        },
        "training": {"epochs": 8, "optimizer": {"Adam": {"learning_rate": 0.05}}},
    }
    prepared = prepare(dlkit.load(recipe))
    text = prepared.recipe.facts.features["text"]
    assert (text.kind, text.shape, text.dtype, text.vocabulary_size) == ("sequence", (7,), "int64", 2 + 9)
    assert prepared.raw_features["text"].dtype == "string"
    run = dlkit.train(dlkit.load(recipe), runs_dir=tmp_path)
    assert run.metrics["test_accuracy"] > 0.9
    alone = keras.models.load_model(run.folder.best_model)
    told = alone.predict(tf.constant(["a great and warm film", "dull and poor, an unknown word"]), verbose=0)
    assert told[0, 0] > 0 > told[1, 0]


@pytest.mark.parametrize(
    ("layers", "source", "message"),
    [
        (["Normalization", "Normalization"], "diabetes", "a target takes one `Normalization`"),
        ([{"Rescaling": {"scale": 2}}], "diabetes", "a target takes one `Normalization`"),
    ],
)
def test_other_scalings_of_a_target_are_refused(layers: list, source: str, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        prepare(dlkit.load(with_data(DIABETES, preprocess={"progression": layers})))


def test_only_numbers_are_scaled() -> None:
    with pytest.raises(RecipeError, match="only numbers are scaled"):
        prepare(dlkit.load(with_data(IRIS, preprocess={"species": ["Normalization"]})))
