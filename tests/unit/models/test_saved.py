"""Saved models inside a network: runs as layers, and weights for the models of `keras.applications`."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest

from dlkit.errors import DlkitError
from dlkit.models import layer as making
from dlkit.models.builder import Built, build
from dlkit.models.inner_layers import matching_layers, named_layers, set_trainable
from dlkit.models.saved import SavedModels
from dlkit.recipe.diagnostics import RecipeError
from dlkit.recipe.facts import Feature
from dlkit.recipe.load import parse

IMAGES = {"image": Feature("image", (8, 8, 1), "uint8")}
X = np.random.default_rng(0).integers(0, 17, (5, 8, 8, 1)).astype("uint8")
layers = keras.layers


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> SavedModels:
    """A small network of pictures, and one of two inputs and two outputs."""
    keras.utils.set_random_seed(3)
    folder = tmp_path_factory.mktemp("saved")
    chain = keras.Sequential(
        [
            keras.Input((8, 8, 1), dtype="uint8", name="image"),
            layers.Rescaling(1 / 16, name="rescaling"),
            layers.Conv2D(3, 3, use_bias=False, name="conv", trainable=False),
            layers.BatchNormalization(name="norm"),
            layers.Flatten(name="features"),
            layers.Dense(4, name="head"),
        ]
    )
    chain.get_layer("norm").moving_mean.assign([0.3, -0.2, 0.1])
    chain.save(folder / "chain.keras")
    left, right = keras.Input((2,), name="left"), keras.Input((3,), name="right")
    joined = layers.Concatenate(name="both")([left, right])
    outputs = {"a": layers.Dense(1, name="a")(joined), "b": layers.Dense(2, name="b")(joined)}
    keras.Model({"left": left, "right": right}, outputs).save(folder / "two.keras")
    return SavedModels({"run:chain": folder / "chain.keras", "run:two": folder / "two.keras"})


def made(model: str, saved: SavedModels, features: dict[str, Feature] = IMAGES, source: str = "digits") -> Built:
    recipe = parse(
        f"name: t\ndata: {{source: {source}}}\ntraining: {{epochs: 1, loss: SparseCategoricalCrossentropy}}\n{model}"
    )
    graph = recipe.graphs["model"]
    return build(graph, features, {name or "digit": each for name, each in graph.outputs.items()}, "t", saved=saved)


def chain(*entries: str) -> str:
    return f"model: {{sequential: [{', '.join(entries)}]}}"


def test_the_whole_model_or_a_part_of_it_is_a_layer(saved: SavedModels) -> None:
    source = keras.models.load_model(saved.files["run:chain"])
    whole = made(chain("run:chain", "{Dense: {units: 10}}"), saved).model
    assert [layer.name for layer in whole.layers] == ["run_chain", "dense"]
    np.testing.assert_array_equal(whole.layers[0](X), source(X))
    part = made(chain("{'run:chain': {layer: features, name: body}}", "{Dense: {units: 10}}"), saved).model
    features = keras.Model(source.inputs, source.get_layer("features").output)
    np.testing.assert_array_equal(part.get_layer("body")(X), features(X))
    assert [name for name, _ in named_layers(part)][1:] == [
        *("body.image", "body.rescaling", "body.conv", "body.norm", "body.features"),
        "dense",
    ]


def test_the_saved_file_loads_with_keras_alone(saved: SavedModels, tmp_path: Path) -> None:
    built = made(chain("{'run:chain': {layer: features}}", "{Dense: {units: 10}}"), saved)
    built.served.save(tmp_path / "made.keras")
    np.testing.assert_array_equal(keras.models.load_model(tmp_path / "made.keras")(X), built.model(X))


def test_everything_learns_unless_the_recipe_says_no(saved: SavedModels) -> None:
    """Also what the run had frozen: the convolution of the file is."""
    free = made(chain("{'run:chain': {name: body}}"), saved).model
    assert [each.path for each in free.trainable_variables] == [
        *("conv/kernel", "norm/gamma", "norm/beta", "head/kernel", "head/bias"),
    ]
    assert not made(chain("{'run:chain': {trainable: false}}"), saved).model.trainable_variables


def test_a_frozen_normalization_works_as_in_inference(saved: SavedModels) -> None:
    model = made(chain("{'run:chain': {name: body, layer: norm}}", "Flatten"), saved).model
    for layer in matching_layers(model, ["body.norm"]).values():
        set_trainable(layer, False)
    inference = np.asarray(model(X, training=False))
    before = model.get_layer("body").get_layer("norm").moving_mean.numpy()
    np.testing.assert_array_equal(model(X, training=True), inference)
    np.testing.assert_array_equal(model.get_layer("body").get_layer("norm").moving_mean, before)
    set_trainable(model.get_layer("body"), True)
    assert not np.allclose(model(X, training=True), inference)


def test_a_frozen_model_whose_parts_learn_again(saved: SavedModels) -> None:
    model = made(chain("{'run:chain': {name: body}}"), saved).model
    set_trainable(model.get_layer("body"), False)
    for layer in matching_layers(model, ["body.h*"]).values():
        set_trainable(layer, True)
    assert [each.path for each in model.trainable_variables] == ["head/kernel", "head/bias"]
    set_trainable(model.get_layer("body"), True)
    set_trainable(model.get_layer("body").get_layer("conv"), False)
    set_trainable(model.get_layer("body"), True)  # it is trainable already, and what is in it must be so too
    assert len(model.trainable_variables) == 5


TWO = """
model:
  functional:
    inputs: [x, y]
    layers:
      - run:two: {layer: b, from: {left: x, right: y}, name: body}
"""


def test_several_inputs_are_given_by_name(saved: SavedModels) -> None:
    features = {"x": Feature("vector", (2,), "float32"), "y": Feature("vector", (3,), "float32")}
    model = made(TWO, saved, features, "{npz: {path: a.npz}}").model
    source = keras.models.load_model(saved.files["run:two"])
    given = {"left": np.ones((4, 2), "float32"), "right": np.full((4, 3), 2.0, "float32")}
    expected = source(given)["b"]
    np.testing.assert_allclose(model({"x": given["left"], "y": given["right"]}), expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("model", "code", "message"),
    [
        (chain("{'run:chain': {layer: featurs}}"), "unknown-layer-name", "`run:chain` has no layer `featurs`"),
        (chain("{Rescaling: {scale: 2}}", "run:chain"), "feature-differs", "uint8 .* is given float32"),
        (chain("MaxPooling2D", "run:chain"), "feature-differs", r"shape \(8, 8, 1\), and is given .*\(4, 4, 1\)"),
        (chain("Flatten", "run:two"), "missing-from", "`run:two` takes `left`, `right`"),
        (TWO.replace("right: y", "wrong: y"), "missing-from", "is given"),
        (TWO.replace("layer: b, ", ""), "several-outputs", "2 outputs"),
    ],
)
def test_what_does_not_fit_is_told_at_its_place(saved: SavedModels, model: str, code: str, message: str) -> None:
    features = IMAGES
    source = "digits"
    if "functional" in model:
        features = {"x": Feature("vector", (2,), "float32"), "y": Feature("vector", (3,), "float32")}
        source = "{npz: {path: a.npz}}"
    with pytest.raises(RecipeError, match=message) as raised:
        made(model, saved, features, source)
    (found,) = raised.value.diagnostics
    assert found.code == code and found.cure
    assert found.span.source.line(found.span.line)[found.span.column - 1 :].lstrip("'").startswith("run:")


# keras.applications

COLORED = {"image": Feature("image", (32, 32, 3), "uint8")}
MOBILE = "MobileNet: {include_top: false, alpha: 0.25, pooling: avg, name: backbone, weights: "


def mobile(weights: str, saved: SavedModels, alpha: str = "0.25") -> keras.Model:
    entry = MOBILE.replace("0.25", alpha) + weights + "}"
    text = f"model: {{sequential: [{{{entry}}}, {{Dense: {{units: 10}}}}]}}"
    return made(text, saved, COLORED, "cifar10").model


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> SavedModels:
    keras.utils.set_random_seed(9)
    folder = tmp_path_factory.mktemp("weights")
    backbone = keras.applications.MobileNet(
        input_shape=(32, 32, 3), alpha=0.25, include_top=False, pooling="avg", weights=None, name="backbone"
    )
    backbone.save(folder / "a.keras")
    backbone.save_weights(folder / "a.weights.h5")
    inside = keras.Sequential([keras.Input((32, 32, 3)), backbone, layers.Dense(3, name="other_head")])
    inside.save(folder / "run.keras")
    names = {"a.keras": "a.keras", "a.weights.h5": "a.weights.h5", "run:latest": "run.keras"}
    return SavedModels({word: folder / name for word, name in names.items()})


@pytest.mark.parametrize("word", ["a.keras", "a.weights.h5", "run:latest"])
def test_an_application_takes_the_weights_of_a_file_or_a_run(files: SavedModels, word: str) -> None:
    given = keras.models.load_model(files.files["a.keras"]).get_weights()
    taken = mobile(f"'{word}'", files).get_layer("backbone").get_weights()
    assert len(taken) == len(given) > 50
    for here, there in zip(taken, given, strict=True):
        np.testing.assert_array_equal(here, there)
    random = mobile("null", files).get_layer("backbone").get_weights()
    assert not np.array_equal(random[0], given[0])


@pytest.mark.parametrize("word", ["a.keras", "a.weights.h5"])
def test_weights_of_other_shapes_are_refused(files: SavedModels, word: str) -> None:
    with pytest.raises(DlkitError, match="do not fit backbone") as raised:
        mobile(f"'{word}'", files, alpha="0.5")
    assert raised.value.code == "shape-differs" and "alpha" in (raised.value.cure or "")


def test_a_download_that_fails_is_told_with_its_cure(files: SavedModels, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*arguments: object, **named: object) -> None:
        raise Exception("URL fetch failure on https://somewhere: None -- no network")  # as Keras has it

    monkeypatch.setattr(making, "instantiate", fails)
    with pytest.raises(DlkitError, match="ImageNet weights of MobileNet cannot be downloaded: URL fetch") as raised:
        mobile("imagenet", files)
    assert raised.value.code == "download-failed" and "weights: FILE" in (raised.value.cure or "")
