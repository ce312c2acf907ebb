"""Training on two devices: the numbers of one, noise of its own on each, and resumed to the bit."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dlkit.errors import DlkitError
from dlkit.recipe.diagnostics import RecipeError
from dlkit.recipe.load import load
from dlkit.training.devices import Devices, local_devices
from dlkit.workflows.devices import check_devices, smallest_split

STEPS = 27  # of 48 examples; the last has fewer


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a process with two logical devices found: devices can only be split before TensorFlow starts."""
    script = Path(__file__).with_name("several_devices.py")
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path_factory.mktemp("runs"))], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_the_losses_are_those_of_one_device(told: dict[str, Any]) -> None:
    one, two = np.array(told["one"]), np.array(told["two"])
    assert len(one) == len(two) == 2 * STEPS
    np.testing.assert_allclose(two[:20], one[:20], rtol=1e-5)
    np.testing.assert_allclose(two, one, rtol=5e-3)


def test_validation_is_a_single_batch_that_two_devices_cannot_halve(told: dict[str, Any]) -> None:
    size, metrics = told["odd"]
    assert size % 2 == 1 and size < 48
    assert metrics["test_accuracy"] > 0.1


def test_each_device_draws_masks_of_its_own(told: dict[str, Any]) -> None:
    first, second = told["masks"]
    assert set(first) == set(second) == {0.0, 2.0}
    assert first != second


def test_a_killed_run_ends_as_one_left_alone(told: dict[str, Any]) -> None:
    assert told["same"] and told["same metrics"]


def test_trainings_in_one_process_share_a_strategy(told: dict[str, Any]) -> None:
    assert told["one strategy"]


def test_the_saved_model_needs_no_second_device(told: dict[str, Any]) -> None:
    assert told["synchronized"] == [True]
    assert told["prediction"] == [6, 10]


class _Two:
    num_replicas_in_sync = 2


def _recipe(**settings: Any) -> Any:
    return load("digits/cnn", settings)


@pytest.mark.parametrize(
    ("settings", "code", "message"),
    [
        ({"data.batch_size": 33}, "undivided-batch", "a batch of 33 cannot be divided among 2 devices"),
        ({"training.steps_per_execution": 5}, "one-device-only", "cannot run 5 steps in a call on 2"),
        ({"training.fused_batch_normalization": True}, "one-device-only", "the statistics of one device"),
        (
            {"training.optimizer": {"SGD": {"gradient_accumulation_steps": 2}}},
            "one-device-only",
            "cannot do `gradient_accumulation_steps`",
        ),
        (
            {"training.optimizer": {"SGD": {"use_ema": True, "ema_overwrite_frequency": 2}}},
            "one-device-only",
            "cannot do `ema_overwrite_frequency`",
        ),
    ],
)
def test_what_works_on_one_device_only_is_refused(settings: dict[str, Any], code: str, message: str) -> None:
    recipe = _recipe(**settings)
    recipe = recipe.with_facts(recipe.facts.__class__(recipe.facts.features, recipe.facts.targets, 1000, 100, 100, 16))
    with pytest.raises(RecipeError) as raised:
        check_devices(recipe, Devices(_Two()))
    (found,) = raised.value.diagnostics
    assert found.code == code and message in found.message
    check_devices(recipe, Devices())


def test_a_single_device_is_not_mirrored() -> None:
    with pytest.raises(DlkitError, match="takes several devices, and this machine has one"):
        local_devices("mirrored")
    assert local_devices("auto").replicas == local_devices("none").replicas == 1


@pytest.mark.parametrize(
    ("name", "value"), [("TF_CONFIG", '{"cluster": {"ps": ["a:1"], "worker": ["b:1"]}}'), ("TPU_NAME", "mine")]
)
def test_what_keras_does_not_train_on_is_refused(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(DlkitError, match="Keras 3 does not train with") as told:
        local_devices("auto")
    assert told.value.code == "unsupported-device"


def test_a_split_smaller_than_the_devices_is_refused() -> None:
    recipe = _recipe()
    recipe = recipe.with_facts(recipe.facts.__class__(recipe.facts.features, recipe.facts.targets, 1000, 1, 100, 16))
    with pytest.raises(DlkitError, match="There are 1 validation examples for 2 devices"):
        smallest_split(recipe, Devices(_Two()))
