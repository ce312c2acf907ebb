"""What `auto` chooses never changes what comes out, and is kept when a run goes on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from dlkit.data.arrays import Arrays
from dlkit.data.feed import Feed
from dlkit.models.policy import dtype_policy
from dlkit.recipe.load import load
from dlkit.training import choice
from dlkit.training.build import build_state
from dlkit.training.choice import Choice, choose_jit_compile, choose_precision, choose_steps_per_execution
from dlkit.training.state import Position, State
from dlkit.workflows.resume import resume
from dlkit.workflows.run import Run
from dlkit.workflows.train import train

RECIPE: dict[str, Any] = {
    "name": "test/auto",
    "data": {"source": "digits", "batch_size": 48, "limit": 500},
    "model": {
        "sequential": [
            {"Rescaling": {"scale": 0.0625}},
            {"Conv2D": {"filters": 4, "kernel_size": 3}},
            "BatchNormalization",
            "Flatten",
            {"Dropout": {"rate": 0.4}},
            {"Dense": {"units": 10, "name": "classifier"}},
        ]
    },
    "training": {"epochs": 2},
}


def weights(run: Run) -> bytes:
    return b"".join(array.tobytes() for array in run.model.get_weights())


def test_the_number_of_steps_in_a_call_changes_nothing(tmp_path: Path) -> None:
    """10 steps an epoch, the last one smaller: 7 leaves a call of three steps, 50 one of all."""
    runs = [train(load(RECIPE, {"training.steps_per_execution": n}), runs_dir=tmp_path) for n in (1, 7, 50, "auto")]
    assert len({weights(run) for run in runs}) == 1
    assert len({run.folder.metrics.read_text() for run in runs}) == 1


def test_measuring_leaves_everything_as_it_was() -> None:
    generator = np.random.default_rng(0)
    feed = Feed(
        Arrays({"x": generator.normal(size=(300, 8)).astype("float32")}, {"y": np.arange(300) % 3}),
        batch_size=32,
        seed=1,
    )
    layers = keras.layers
    model = keras.Sequential([keras.Input((8,)), layers.Dropout(0.5), layers.BatchNormalization(), layers.Dense(3)])
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    build_state(model, feed)
    feed.epoch = 4
    before = State.of(model, (), Position())
    made = choose_steps_per_execution(model, feed)
    after = State.of(model, (), Position())
    assert 1 <= made.value <= feed.num_batches and model.steps_per_execution == made.value and "ms" in made.reason
    assert (feed.epoch, feed.start) == (4, 0)
    for group, values in before.variables.items():
        for here, there in zip(values, after.variables[group], strict=True):
            np.testing.assert_array_equal(here, there)
    assert before.generators["python"][0] == after.generators["python"][0]
    np.testing.assert_array_equal(before.generators["keras"], after.generators["keras"])


@pytest.mark.parametrize(
    ("flags", "policy"), [({"avx2"}, "float32"), ({"avx512_bf16"}, "mixed_bfloat16"), ({"amx_bf16"}, "mixed_bfloat16")]
)
def test_precision_by_processor(monkeypatch: pytest.MonkeyPatch, flags: set[str], policy: str) -> None:
    monkeypatch.setattr(choice, "_cpu_flags", lambda: flags)
    assert choose_precision().value == policy


@pytest.mark.parametrize(
    ("capability", "policy"), [((9, 0), "mixed_bfloat16"), ((7, 5), "mixed_float16"), ((6, 1), "float32")]
)
def test_precision_by_gpu(monkeypatch: pytest.MonkeyPatch, capability: tuple[int, int], policy: str) -> None:
    monkeypatch.setattr(choice.tf.config, "list_physical_devices", lambda kind: ["GPU:0"])
    monkeypatch.setattr(
        choice.tf.config.experimental, "get_device_details", lambda device: {"compute_capability": capability}
    )
    assert choose_precision().value == policy
    assert choose_jit_compile(deterministic=False).value and not choose_jit_compile(deterministic=True).value


def test_a_run_in_mixed_precision(tmp_path: Path) -> None:
    for policy in ("mixed_bfloat16", "mixed_float16"):
        run = train(load(RECIPE, {"training.precision": policy}), runs_dir=tmp_path)
        assert keras.config.dtype_policy().name == "float32"
        model = keras.models.load_model(run.folder.best_model)
        assert model.get_layer("classifier").compute_dtype == "float32" == model.layers[0].compute_dtype
        assert model.get_layer("conv2d").compute_dtype == policy.removeprefix("mixed_")
        assert all(variable.dtype == "float32" for variable in model.trainable_variables)
        assert model.predict(np.zeros((2, 8, 8, 1), np.uint8), verbose=0).dtype == np.float32


def test_the_policy_is_put_back_after_an_error() -> None:
    with pytest.raises(RuntimeError), dtype_policy("mixed_bfloat16"):
        raise RuntimeError
    assert keras.config.dtype_policy().name == "float32"


def test_what_was_chosen_is_told_recorded_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    auto = {f"training.{name}": "auto" for name in ("precision", "jit_compile", "steps_per_execution")}
    told: list[str] = []
    monkeypatch.setattr("dlkit.workflows.choices.choose_precision", lambda: Choice("mixed_bfloat16", "of a test"))
    monkeypatch.setattr("dlkit.workflows.stages.choose_steps_per_execution", lambda model, feed: Choice(3, "of a test"))
    run = train(load(RECIPE, {**auto, "training.epochs": 1}), runs_dir=tmp_path, told=told.append)
    assert 'training.precision: auto is "mixed_bfloat16", since of a test' in told
    chosen = json.loads(run.folder.provenance.read_text())["chosen"]
    assert {key: chosen[f"training.{key}"] for key in ("precision", "jit_compile", "steps_per_execution")} == {
        "precision": "mixed_bfloat16",
        "jit_compile": False,
        "steps_per_execution": 3,
    }
    monkeypatch.setattr("dlkit.workflows.choices.choose_precision", lambda: Choice("float32", "another machine"))
    again: list[str] = []
    resume(run.folder, ["training.epochs=2"], told=again.append)
    assert again == [] and json.loads(run.folder.provenance.read_text())["chosen"] == chosen
    assert run.folder.read_status().epoch == 2


def test_profiled_steps_are_written(tmp_path: Path) -> None:
    run = train(load(RECIPE, {"training.profile": {"steps": [2, 4]}, "training.epochs": 1}), runs_dir=tmp_path)
    assert list(run.folder.tensorboard.rglob("plugins/profile/*/*.xplane.pb"))
