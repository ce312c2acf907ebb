"""What each architecture must do: its file in dlkit/models/architectures, and an entry of `TAKES`, put it through this."""

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
from dlkit.models.policy import dtype_policy
from dlkit.recipe.declarations import read_declarations
from dlkit.recipe.facts import Feature
from dlkit.recipe.load import parse

FOLDER = Path(__file__).resolve().parents[2] / "dlkit" / "models" / "architectures"
NAMES = sorted(file.stem for file in FOLDER.glob("[!_]*.py"))
CLASSES = 3

PICTURES = np.random.default_rng(1).random((12, 16, 16, 2)).astype("float32")
# What an architecture is given, and its arguments: as little of it as shows everything.
TAKES: dict[str, tuple[np.ndarray, dict[str, Any]]] = {
    "lenet5": (PICTURES, {}),
    "mixture_of_experts": (PICTURES, {"outputs": CLASSES, "experts": 3, "units": [8], "gate_units": [4]}),
    "mlp": (PICTURES, {"units": [8], "normalization": True}),
    "mobilenet": (PICTURES, {"width": 0.25, "repeats": 1, "halvings": 2}),
    "resnet": (PICTURES, {"depth": 8, "filters": 4}),
    "vgg": (PICTURES, {"filters": [4, 8], "convolutions": [1, 2], "units": [8], "dropout": 0.0}),
    "wide_resnet": (PICTURES, {"depth": 10, "width": 1}),
}
SEQUENCES = runpy.run_path(str(Path(__file__).parent / "architecture_cases" / "sequences.py"))
TAKES |= SEQUENCES["TAKES"]
# What stands between an architecture and the output layer.
BEHIND: dict[str, list[Any]] = SEQUENCES["BEHIND"]
# Those whose last layer is the output already, and its activation.
ENDS = {"mixture_of_experts": "probabilities"}


@pytest.fixture(params=NAMES)
def name(request: pytest.FixtureRequest) -> str:
    return request.param


def model_of(
    name: str,
    shape: tuple[int | None, ...],
    arguments: dict[str, Any],
    classes: int = CLASSES,
    dtype: str = "float32",
) -> keras.Model:
    """The architecture as a recipe has it, with an output layer where it has none of its own."""
    layers: list[Any] = [{name: arguments}]
    if name not in ENDS:
        layers += [*BEHIND.get(name, []), {"Dense": {"units": classes, "name": "classifier"}}]
    recipe = parse(
        "name: t\ndata: {source: {npz: {path: none.npz}}}\ntraining: {epochs: 1, loss: MeanSquaredError}\n"
        f"model: {json.dumps({'sequential': layers})}\n"
    )
    graph = recipe.graphs["model"]
    assert graph.complete
    return build(graph, {graph.inputs[0]: Feature("vector", shape, dtype)}, {"y": graph.outputs[""]}, "t").served


def small(name: str) -> tuple[keras.Model, np.ndarray]:
    keras.utils.set_random_seed(1)
    x, arguments = TAKES[name]
    return model_of(name, x.shape[1:], arguments, dtype=x.dtype.name), x


def losses_of(model: keras.Model, x: np.ndarray, name: str) -> list[float]:
    """The loss of some examples before a training step, and before the next one."""
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=name not in ENDS)
    model.compile(optimizer=keras.optimizers.SGD(1e-2), loss=loss, run_eagerly=True)
    y = np.arange(len(x)) % CLASSES
    return [float(model.train_on_batch(x, y)) for _ in range(2)]


def test_the_declaration_names_the_file(name: str) -> None:
    (declared,) = read_declarations(FOLDER / f"{name}.py", "dlkit")
    assert (declared.spec.kind, declared.spec.name) == ("architecture", name)
    assert declared.spec.summary.endswith(".")


def test_its_docstring_names_a_paper(name: str) -> None:
    head = (FOLDER / f"{name}.py").read_text(encoding="utf-8").split('"""')[1]
    assert any(f"{year}" in head for year in range(1943, 2030)), "the paper, with its year"


def test_it_gives_one_output_an_example_and_a_step_lowers_the_loss(name: str) -> None:
    model, x = small(name)
    assert model.output_shape == (None, CLASSES)
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
        np.save(folder / f"{name}.npy", x)
    program = (
        "import json, pathlib, sys, keras, numpy as np\n"
        "made = {}\n"
        "for path in sorted(pathlib.Path().glob('*.keras')):\n"
        "    model = keras.models.load_model(path)\n"
        "    made[path.stem] = np.asarray(model(np.load(path.with_suffix('.npy')))).tolist()\n"
        "assert not any(module.startswith('dlkit') for module in sys.modules)\n"
        "print(json.dumps(made))\n"
    )
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=folder)
    return json.loads(told.stdout.splitlines()[-1])


def test_keras_alone_loads_it_and_it_gives_the_same(name: str, loaded_by_keras_alone: dict[str, list[Any]]) -> None:
    model, x = small(name)
    np.testing.assert_allclose(loaded_by_keras_alone[name], np.asarray(model(x)), rtol=1e-5, atol=1e-6)


# Parameters that training changes, as papers and well-known implementations count them, the output layer included.
@pytest.mark.parametrize(
    ("name", "arguments", "shape", "classes", "parameters"),
    [
        ("lenet5", {}, (32, 32, 1), 10, 61_706),
        ("lenet5", {"padding": "same"}, (28, 28, 1), 10, 61_706),
        ("resnet", {}, (32, 32, 3), 10, 269_722),  # akamaster/pytorch_resnet_cifar10, which has option A
        ("resnet", {"depth": 56}, (32, 32, 3), 10, 853_018),
        ("resnet", {"shortcut": "B"}, (32, 32, 3), 10, 269_722 + 16 * 32 + 32 * 64 + 2 * (32 + 64)),
        ("wide_resnet", {"depth": 16, "width": 4}, (32, 32, 3), 10, 2_748_890),
        (
            "mixture_of_experts",
            {"outputs": 10, "experts": 4, "units": [20]},
            (7,),
            10,
            4 * 8 * 20 + 4 * 21 * 10 + 8 * 4,
        ),
    ],
)
def test_it_has_as_many_parameters_as_it_is_known_for(
    name: str, arguments: dict[str, Any], shape: tuple[int, ...], classes: int, parameters: int
) -> None:
    model = model_of(name, shape, arguments, classes)
    assert sum(int(np.prod(weight.shape)) for weight in model.trainable_weights) == parameters


def test_vgg_16_and_mobilenet_have_as_many_parameters_as_keras_has() -> None:
    vgg = {"filters": [64, 128, 256, 512, 512], "convolutions": [2, 2, 3, 3, 3], "units": [], "normalization": False}
    for theirs, ours in [
        (keras.applications.VGG16, ("vgg", vgg)),
        (keras.applications.MobileNet, ("mobilenet", {"width": 1.0, "halvings": 5})),
    ]:
        known = theirs(weights=None, include_top=False, input_shape=(32, 32, 3), pooling="avg")
        model = model_of(ours[0], (32, 32, 3), ours[1])
        assert model.count_params() - model.get_layer("classifier").count_params() == known.count_params()


@pytest.mark.parametrize(
    ("name", "arguments"),
    [("resnet", {"depth": 21}), ("wide_resnet", {"depth": 17}), ("vgg", {"filters": [4], "convolutions": [1, 2]})],
)
def test_impossible_sizes_are_told_at_their_place(name: str, arguments: dict[str, Any]) -> None:
    with pytest.raises(Exception, match=r"wrong-arguments[^$]*Received"):
        model_of(name, (8, 8, 3), arguments)


def test_the_shortcut_without_parameters_takes_every_second_pixel_and_adds_zeros() -> None:
    model = model_of("resnet", (8, 8, 3), {"depth": 8, "filters": 4})
    skip = model.get_layer("resnet.stage2_block1_skip")
    before = model.get_layer("resnet.stage1_block1_out").output
    x = np.random.default_rng(0).random((2, 8, 8, 3)).astype("float32")
    came, went = keras.Model(model.inputs[0], [before, skip.output])(x)
    expected = np.pad(np.asarray(came)[:, ::2, ::2], [(0, 0), (0, 0), (0, 0), (2, 2)])
    np.testing.assert_array_equal(np.asarray(went), expected)
