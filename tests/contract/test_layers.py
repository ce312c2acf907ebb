"""What each of dlkit's own layers must do: its file in dlkit/models/layers is enough to be put through this."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from dlkit.models.custom_layers import custom_layers
from dlkit.models.layer import make_layer
from dlkit.models.preprocess import fit_preprocessing
from dlkit.recipe.declarations import read_declarations
from dlkit.recipe.facts import Feature
from dlkit.recipe.graph import Component

FOLDER = Path(__file__).resolve().parents[2] / "dlkit" / "models" / "layers"
NAMES = sorted(file.stem for file in FOLDER.glob("*.py") if not file.stem.startswith("_"))

CATEGORIES = (
    Feature("category", (3,), "string", columns=("job", "state", "sex")),
    np.array([["clerk", "a", "m"], ["baker", "b", "f"], ["clerk", "", "m"], ["smith", "a", "f"]] * 8, object),
    np.array([["clerk", "b", "f"], ["pilot", "", "x"]], object),  # unseen in training, and missing
)
NUMBERS = (
    Feature("vector", (3,), "float32", columns=("age", "hours", "children")),
    np.array([[1, np.nan, 3], [2, 5, 3], [4, 6, 3], [8, 7, np.nan]] * 8, "float32"),
    np.array([[3, 5.5, np.nan], [np.nan, -100, 100]], "float32"),
)
STEPS = (
    Feature("sequence", (4, 6), "float32"),
    np.zeros((0, 4, 6), "float32"),
    np.random.default_rng(1).normal(size=(2, 4, 6)).astype("float32"),
)
PLANE = (
    Feature("vector", (2,), "float32"),
    np.zeros((0, 2), "float32"),
    np.array([[1, 0], [1, 1.6]], "float32"),
)
VECTORS = (
    Feature("vector", (3,), "float32"),
    np.random.default_rng(1).normal(size=(9, 3)).astype("float32"),
    np.random.default_rng(2).normal(size=(2, 3)).astype("float32"),
)
TOKENS = (
    Feature("sequence", (4,), "int32"),
    np.zeros((0, 4), "int32"),
    np.array([[3, 1, 8, 0], [5, 0, 0, 0]], "int32"),
)
POINTS = (
    Feature("vector", (3,), "float32"),
    np.random.default_rng(2).normal(size=(32, 3)).astype("float32"),
    np.array([[0, 1, -1], [-100, 100, 1e6]], "float32"),
)
MOMENTS = (
    Feature("vector", (6,), "float32"),
    np.zeros((0, 6), "float32"),
    np.random.default_rng(3).normal(size=(2, 6)).astype("float32"),
)
PICTURES = (
    Feature("image", (4, 6, 3), "float32"),
    np.zeros((0, 4, 6, 3), "float32"),
    np.random.default_rng(1).normal(size=(2, 4, 6, 3)).astype("float32"),
)
# What a layer is given, and the arguments that it needs.
TAKES: dict[str, tuple[tuple[Feature, np.ndarray, np.ndarray], dict[str, Any]]] = {
    "impute": (NUMBERS, {}),
    "bucketize_columns": (NUMBERS, {"bins": 4}),
    "lookup_columns": (CATEGORIES, {}),
    "gaussian_code": (MOMENTS, {"kl_weight": 2.0}),
    "hash_columns": (CATEGORIES, {"bins": 7}),
    "cross_columns": (CATEGORIES, {"bins": 7}),
    "capsules": (STEPS, {"units": 3, "size": 5}),
    "class_token": (STEPS, {"initializer": "ones"}),
    "columns_as_steps": (PICTURES, {}),
    "first_step": (STEPS, {}),
    "leaky_integrate_and_fire": (STEPS, {"threshold": 0.5}),
    "normal_codes": (PICTURES, {"size": 5}),
    "positional_encoding": (STEPS, {}),
    "position_embedding": (STEPS, {"initializer": "ones"}),
    "radial_basis": (POINTS, {"units": 5, "seed": 1}),
    "reservoir": (STEPS, {"units": 5, "return_sequences": True, "washout": 1}),
    "squash": (STEPS, {}),
    "threshold_neuron": (PLANE, {"weights": [1.0, -0.5], "threshold": 0.25}),
    "strongest_channel": (STEPS, {}),
    "unit_distances": (VECTORS, {"rows": 2, "columns": 3}),
    "vector_length": (STEPS, {}),
    "token_and_position_embedding": (TOKENS, {"vocabulary_size": 9, "width": 6, "mask_zero": True}),
}
# Those that are classes of their own, not put together from Keras's layers.
CLASSES = ("gaussian_code", "leaky_integrate_and_fire", "normal_codes", "reservoir")
# Those that look at examples and then go on learning.
LEARN_ON = ("unit_distances",)


@pytest.fixture(params=NAMES)
def name(request: pytest.FixtureRequest) -> str:
    return request.param


def fitted(name: str) -> tuple[keras.Model, Feature, np.ndarray]:
    (feature, examples, others), arguments = TAKES[name]
    if not len(examples) or name in LEARN_ON:  # a part of the network
        keras.utils.set_random_seed(1)
        x = keras.Input(feature.shape, dtype=feature.dtype)
        y = make_layer(Component("layer", name, arguments), name, x, lambda: examples)(x)
        return keras.Model(x, y), Feature("sequence", y.shape[1:], y.dtype), others
    model, known = fit_preprocessing("x", [Component("layer", name, arguments)], feature, examples)
    return model, known, others


def test_the_declaration_names_the_file(name: str) -> None:
    (declared,) = read_declarations(FOLDER / f"{name}.py", "dlkit")
    assert (declared.spec.kind, declared.spec.name) == ("layer", name)
    assert declared.spec.summary.endswith(".") and not {"x", "examples"} & set(declared.spec.arguments)


@pytest.mark.parametrize("name", [name for name in NAMES if name not in CLASSES])
def test_the_import_is_light(name: str) -> None:
    code = f"import sys, dlkit.models.layers.{name}; print([m for m in ('numpy', 'keras') if m in sys.modules])"
    told = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=FOLDER.parents[2]
    )
    assert told.stdout.strip() == "[]"


def test_keras_alone_loads_it_and_it_gives_the_same(name: str, tmp_path: Path) -> None:
    model, known, others = fitted(name)
    made = model(tf.constant(others)).numpy()
    assert made.shape == (2, *known.shape) and made.dtype.name == known.dtype
    model.save(tmp_path / "layer.keras")
    needed = custom_layers(model)
    assert (needed is not None) == (name in CLASSES)
    (tmp_path / "custom_layers.py").write_text(needed or "", encoding="utf-8")
    code = (
        "import sys, custom_layers, keras, numpy as np, tensorflow as tf\n"
        f"given = np.array({others.tolist()!r}, {'object' if others.dtype.hasobject else f'np.{others.dtype.name}'})\n".replace(
            "nan", "np.nan"
        )
        + f"print(keras.models.load_model({str(tmp_path / 'layer.keras')!r})(tf.constant(given)).numpy().tolist())\n"
        "assert not any(module.startswith('dlkit') for module in sys.modules)"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert told.stdout.strip() == str(made.tolist())


def test_it_gives_numbers_for_what_training_never_saw(name: str) -> None:
    model, known, others = fitted(name)
    made = model(tf.constant(others)).numpy()
    assert np.isfinite(made).all()
    if known.vocabulary_size:
        assert made.dtype == np.int32 and made.min() >= 0 and made.max() < known.vocabulary_size


def test_fitting_again_gives_the_same(name: str) -> None:
    first, again = (model(tf.constant(others)).numpy() for model, _, others in (fitted(name), fitted(name)))
    assert np.array_equal(first, again)
