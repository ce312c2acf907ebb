"""What each architecture must do: its file in dlkit/models/architectures, and an entry in architecture_cases, are put here."""

from __future__ import annotations

import json
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from dlkit.models.builder import build
from dlkit.models.custom_layers import custom_layers
from dlkit.models.policy import dtype_policy
from dlkit.recipe.declarations import read_declarations
from dlkit.recipe.facts import Feature
from dlkit.recipe.load import parse
from dlkit.training.losses.margin_loss import MarginLoss

FOLDER = Path(__file__).resolve().parents[2] / "dlkit" / "models" / "architectures"
NAMES = sorted(file.stem for file in FOLDER.glob("[!_]*.py"))
CLASSES = 3

CASES = [runpy.run_path(str(path)) for path in sorted((Path(__file__).parent / "architecture_cases").glob("*.py"))]
Given = np.ndarray | dict[str, np.ndarray]  # the only input, or several by name
TAKES: dict[str, tuple[Given, dict[str, Any]]] = {k: v for cases in CASES for k, v in cases["TAKES"].items()}
ENDS: dict[str, str] = {k: v for cases in CASES for k, v in cases.get("ENDS", {}).items()}
# What stands between an architecture and the output layer.
BEHIND: dict[str, list[Any]] = {k: v for cases in CASES for k, v in cases.get("BEHIND", {}).items()}
PARAMETERS = [known for cases in CASES for known in cases.get("PARAMETERS", ())]


@pytest.fixture(params=NAMES)
def name(request: pytest.FixtureRequest) -> str:
    return request.param


def model_of(layers: list[Any], shape: tuple[int | None, ...], dtype: str = "float32") -> keras.Model:
    """A chain of layers as a recipe has it."""
    recipe = parse(
        "name: t\ndata: {source: {npz: {path: none.npz}}}\ntraining: {epochs: 1, loss: MeanSquaredError}\n"
        f"model: {json.dumps({'sequential': layers})}\n"
    )
    graph = recipe.graphs["model"]
    assert graph.complete
    return build(graph, {graph.inputs[0]: Feature("vector", shape, dtype)}, {"y": graph.outputs[""]}, "t").served


def model_of_several(entry: dict[str, Any], x: dict[str, np.ndarray]) -> keras.Model:
    """An architecture of several inputs as a recipe has it."""
    layers = json.dumps([{name: {**arguments, "from": list(x)} for name, arguments in entry.items()}])
    recipe = parse(
        "name: t\ndata: {source: {npz: {path: none.npz}}}\ntraining: {epochs: 1, loss: MeanSquaredError}\n"
        f"model: {{functional: {{inputs: {json.dumps(list(x))}, layers: {layers}}}}}\n"
    )
    graph = recipe.graphs["model"]
    features = {name: Feature("vector", values.shape[1:], values.dtype.name) for name, values in x.items()}
    return build(graph, features, {"y": graph.outputs[""]}, "t").served


def small(name: str) -> tuple[keras.Model, Given]:
    """An architecture, with an output layer where it has none of its own, and what it is given."""
    keras.utils.set_random_seed(1)
    x, arguments = TAKES[name]
    if isinstance(x, dict):
        return model_of_several({name: arguments}, x), x
    layers: list[Any] = [{name: arguments}]
    if name not in ENDS:
        layers += BEHIND.get(name, [])
        layers.append({"Dense": {"units": CLASSES, "name": "classifier"}})
    return model_of(layers, x.shape[1:], x.dtype.name), x


def losses_of(model: keras.Model, x: Given, name: str) -> list[float]:
    """The loss of some examples before a training step, and before the next one."""
    ends = ENDS.get(name, "logits")
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=ends == "logits")
    if ends == "lengths":
        loss = MarginLoss()
    model.compile(optimizer=keras.optimizers.SGD(1e-2, global_clipnorm=1.0), loss=loss, run_eagerly=True)
    shape = (len(next(iter(x.values())) if isinstance(x, dict) else x), *model.output_shape[1:-1])
    y = np.arange(np.prod(shape)).reshape(shape) % CLASSES
    return [float(model.train_on_batch(x, y)) for _ in range(2)]


def test_the_declaration_names_the_file(name: str) -> None:
    (declared,) = read_declarations(FOLDER / f"{name}.py", "dlkit")
    assert (declared.spec.kind, declared.spec.name) == ("architecture", name)
    assert declared.spec.summary.endswith(".")


def test_its_docstring_names_a_paper(name: str) -> None:
    head = (FOLDER / f"{name}.py").read_text(encoding="utf-8").split('"""')[1]
    assert any(f"{year}" in head for year in range(1943, 2030)), "the paper, with its year"


def test_a_step_lowers_the_loss(name: str) -> None:
    model, x = small(name)
    first, second = losses_of(model, x, name)
    assert second < first


def test_layers_have_the_same_names_whenever_they_are_built(name: str) -> None:
    first, again = (small(name)[0] for _ in range(2))
    assert [weight.path.split("/", 1)[1] for weight in first.weights] == [
        weight.path.split("/", 1)[1] for weight in again.weights
    ]


def test_a_step_in_mixed_precision_lowers_the_loss(name: str) -> None:
    with dtype_policy("mixed_bfloat16"):
        model, x = small(name)
    assert "bfloat16" in {layer.compute_dtype for layer in model.layers}
    assert {weight.dtype for weight in model.trainable_weights} == {"float32"}
    assert model.outputs[0].dtype == "float32"
    first, second = losses_of(model, x, name)
    assert second < first


@pytest.fixture(scope="module")
def loaded_by_keras_alone(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Any]]:
    """What the saved models give in a process without dlkit: one process for all."""
    folder = tmp_path_factory.mktemp("saved")
    for name in NAMES:
        model, x = small(name)
        model.save(folder / f"{name}.keras")
        if needed := custom_layers(model):
            (folder / f"{name}_layers.py").write_text(needed, encoding="utf-8")
        np.savez(folder / f"{name}.npz", **(x if isinstance(x, dict) else {"": x}))
    program = (
        "import importlib, json, pathlib, sys, keras, numpy as np\n"
        "made = {}\n"
        "for path in sorted(pathlib.Path().glob('*.keras')):\n"
        "    if pathlib.Path(f'{path.stem}_layers.py').exists(): importlib.import_module(f'{path.stem}_layers')\n"
        "    model = keras.models.load_model(path)\n"
        "    x = dict(np.load(path.with_suffix('.npz')))\n"
        "    made[path.stem] = np.asarray(model(x.get('', x))).tolist()\n"
        "assert not any(module.startswith('dlkit') for module in sys.modules)\n"
        "print(json.dumps(made))\n"
    )
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=folder)
    return json.loads(told.stdout.splitlines()[-1])


def test_keras_alone_loads_it_and_it_gives_the_same(name: str, loaded_by_keras_alone: dict[str, list[Any]]) -> None:
    model, x = small(name)
    np.testing.assert_allclose(loaded_by_keras_alone[name], np.asarray(model(x)), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("name", "arguments", "shape", "parameters"), PARAMETERS)
def test_it_has_as_many_parameters_as_it_is_known_for(
    name: str, arguments: dict[str, Any], shape: tuple[int, ...], parameters: int
) -> None:
    model = model_of([{name: arguments}], shape, TAKES[name][0].dtype.name)
    assert sum(int(np.prod(weight.shape)) for weight in model.trainable_weights) == parameters


def test_vgg_16_and_mobilenet_have_as_many_parameters_as_keras_has() -> None:
    vgg = {"filters": [64, 128, 256, 512, 512], "convolutions": [2, 2, 3, 3, 3], "units": [], "normalization": False}
    for theirs, ours in [
        (keras.applications.VGG16, {"vgg": vgg}),
        (keras.applications.MobileNet, {"mobilenet": {"width": 1.0, "halvings": 5}}),
    ]:
        known = theirs(weights=None, include_top=False, input_shape=(32, 32, 3), pooling="avg")
        assert model_of([ours], (32, 32, 3)).count_params() == known.count_params()


@pytest.mark.parametrize(
    ("name", "arguments"),
    [("resnet", {"depth": 21}), ("wide_resnet", {"depth": 17}), ("vgg", {"filters": [4], "convolutions": [1, 2]})],
)
def test_impossible_sizes_are_told_at_their_place(name: str, arguments: dict[str, Any]) -> None:
    with pytest.raises(Exception, match=r"wrong-arguments[^$]*Received"):
        model_of([{name: arguments}], (8, 8, 3))


def test_the_shortcut_without_parameters_takes_every_second_pixel_and_adds_zeros() -> None:
    model = model_of([{"resnet": {"depth": 8, "filters": 4}}], (8, 8, 3))
    skip = model.get_layer("resnet.stage2_block1_skip")
    before = model.get_layer("resnet.stage1_block1_out").output
    x = np.random.default_rng(0).random((2, 8, 8, 3)).astype("float32")
    came, went = keras.Model(model.inputs[0], [before, skip.output])(x)
    expected = np.pad(np.asarray(came)[:, ::2, ::2], [(0, 0), (0, 0), (0, 0), (2, 2)])
    np.testing.assert_array_equal(np.asarray(went), expected)
