"""A run that is killed and resumed ends as one that was left alone: to the bit, in all that it leaves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from dlkit.errors import DlkitError
from dlkit.recipe.load import load
from dlkit.runs.folder import RunFolder
from dlkit.training.checkpoints import states_of
from dlkit.workflows.resume import resume
from dlkit.workflows.run import Run
from dlkit.workflows.train import train
from tests.killing import Killed, assert_same

HEAD = """
name: test/exact
seed: 7
data:
  source: digits
  batch_size: 64
  limit: 500
"""
NETWORK = """
model:
  sequential:
    - Rescaling: {scale: 1/16}
    - RandomTranslation: {height_factor: 0.1, width_factor: 0.1}
    - Conv2D: {filters: 4, kernel_size: 3, use_bias: false, name: conv}
    - BatchNormalization: {name: norm, momentum: 0.7}
    - ReLU
    - Flatten
    - Dropout: {rate: 0.4}
    - Dense: {units: $data.classes, name: classifier}
"""
RECIPES = {
    "callbacks and averages": """
  augment: [{RandomRotation: {factor: 0.05}}]
training:
  epochs: 8
  optimizer: {Adam: {learning_rate: 1e-2, use_ema: true, ema_momentum: 0.8, global_clipnorm: 1.0}}
  checkpoint: {every: {steps: 3}}
  callbacks:
    - EarlyStopping: {monitor: val_accuracy, patience: 1, restore_best_weights: true}
    - ReduceLROnPlateau: {monitor: val_loss, patience: 1, factor: 0.5, min_delta: 0.5}
    - ModelCheckpoint: {filepath: own.keras, monitor: val_loss, save_best_only: true}
    - TensorBoard: {update_freq: 2}
    - CSVLogger: {filename: log.csv}
""",
    "accumulation and several steps a call": """
  class_weight: balanced
training:
  epochs: 3
  steps_per_epoch: 11
  steps_per_execution: 4
  optimizer:
    SGD: {learning_rate: {CosineDecay: {initial_learning_rate: 0.05, decay_steps: {share: 1}}}, momentum: 0.9, gradient_accumulation_steps: 3}
  checkpoint: {every: {steps: 4}}
""",
    "lengthened": """
training:
  epochs: 4
  optimizer: {Adam: {learning_rate: 3e-3}}
""",
    "long epochs": """
training:
  epochs: 2
  steps_per_epoch: 44
  optimizer: {Adam: {learning_rate: {CosineDecay: {initial_learning_rate: 1e-2, decay_steps: {share: 1}}}}}
  checkpoint: {every: {steps: 7}}
""",
    "stages": """
training:
  epochs: 2
  optimizer: {AdamW: {learning_rate: 2e-3}}
  checkpoint: {every: {steps: 2}}
  stages:
    - {name: head, freeze: [conv, norm]}
    - {name: all, unfreeze: ["*"], optimizer: {Adam: {use_ema: true, ema_overwrite_frequency: 3}}, epochs: 3}
""",
}


@pytest.fixture(scope="module", autouse=True)
def curves_within_epochs() -> Iterator[None]:
    """They are written at the same steps each time, however long these take."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("dlkit.training.tensorboard._LEAST_SECONDS", 0.0)
        yield


@pytest.fixture(scope="module")
def left_alone(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[Path, Run]]:
    """The recipe file of that name, and its run that was left alone."""
    made: dict[str, tuple[Path, Run]] = {}

    def run_of(name: str) -> tuple[Path, Run]:
        if name not in made:
            folder = tmp_path_factory.mktemp("left_alone")
            path = folder / "recipe.yaml"
            path.write_text(HEAD.lstrip("\n") + RECIPES[name].lstrip("\n") + NETWORK)
            made[name] = path, train(load(path), runs_dir=folder)
        return made[name]

    return run_of


CASES = [
    ("callbacks and averages", [{"step": 2}]),  # before there is a state
    ("callbacks and averages", [{"step": 10}, {"step": 3}, {"step": 4}]),
    ("callbacks and averages", [{"validation_of": 2}]),
    ("accumulation and several steps a call", [{"step": 7}, {"step": 1}]),
    ("long epochs", [{"step": 50}, {"step": 9}, {"validation_of": 1}]),
    ("stages", [{"step": 5}, {"step": 9}, {"step": 3}]),
]


@pytest.mark.parametrize(("name", "kills"), CASES, ids=[f"{name}: {kills}" for name, kills in CASES])
def test_a_killed_run_ends_as_if_it_had_been_left_alone(name, kills, left_alone, kill, monkeypatch, tmp_path):
    path, whole = left_alone(name)
    folder = RunFolder.create(tmp_path, "test/exact")
    for number, when in enumerate(kills):
        with monkeypatch.context():
            kill(**when)
            with pytest.raises(Killed):
                train(load(path), folder=folder) if not number else resume(folder)
        monkeypatch.undo()
    assert folder.state() == "killed"
    assert_same(resume(folder), whole)


def test_a_run_killed_while_it_is_tested_is_tested_when_it_goes_on(left_alone, monkeypatch, tmp_path):
    path, whole = left_alone("callbacks and averages")
    folder = RunFolder.create(tmp_path, "test/exact")

    def killed(*given: Any) -> None:
        raise Killed

    monkeypatch.setattr("dlkit.workflows.train.evaluate_model", killed)
    with pytest.raises(Killed):
        train(load(path), folder=folder)
    monkeypatch.undo()
    assert folder.state() == "killed" and not folder.evaluation.exists()
    assert_same(resume(folder), whole)


@pytest.mark.parametrize("limit", [{"epochs": 2}, {"steps": 11}, {"steps": 16}])
def test_a_run_killed_at_its_limit_ends_there(left_alone, monkeypatch, tmp_path, limit):
    path, _ = left_alone("lengthened")
    recipe = load(path, {"training.stop_after": limit})
    whole = train(recipe, runs_dir=tmp_path / "whole")
    folder = RunFolder.create(tmp_path, "test/exact")
    with monkeypatch.context() as patched:
        patched.setattr("dlkit.workflows.train.evaluate_model", lambda *given: (_ for _ in ()).throw(Killed))
        with pytest.raises(Killed):
            train(recipe, folder=folder)
    assert_same(resume(folder), whole)


def test_a_finished_run_is_given_back_as_it_is(left_alone):
    _, whole = left_alone("callbacks and averages")
    said: list[str] = []
    written = whole.folder.last_model.stat().st_mtime_ns
    again = resume(whole.folder, goes_on=said.append)
    assert again.metrics == whole.metrics and said == ["nothing is left to do, the run has finished"]
    assert whole.folder.last_model.stat().st_mtime_ns == written


def test_a_lengthened_run_is_the_longer_one(left_alone, tmp_path):
    path, _ = left_alone("lengthened")
    short = train(load(path, {"training.epochs": 2}), runs_dir=tmp_path / "short")
    assert_same(resume(short.folder, ["training.epochs=4"]), left_alone("lengthened")[1])
    assert load(short.folder.recipe).config.training.epochs == 4


def test_a_run_that_stopped_early_goes_on(left_alone, tmp_path):
    path, whole = left_alone("lengthened")
    for limit in ({"epochs": 1}, {"steps": 11}):
        cut = train(load(path, {"training.stop_after": limit}), runs_dir=tmp_path)
        assert cut.folder.state() == "finished" and cut.metrics
        assert cut.folder.read_status().step == limit.get("steps", 8)
        assert_same(resume(cut.folder, ["training.stop_after=null"]), whole)


def test_an_edited_recipe_is_refused_with_what_differs(left_alone, tmp_path):
    path, _ = left_alone("lengthened")
    run = train(load(path, {"training.epochs": 1}), runs_dir=tmp_path).folder
    with pytest.raises(DlkitError) as told:
        resume(
            run, ["training.optimizer.learning_rate=0.5", "data.batch_size=32", "summary=other", "training.epochs=2"]
        )
    assert told.value.code == "recipe-differs"
    assert told.value.message.splitlines()[1:] == [
        "  data.batch_size: 64 in the run, 32 now",
        "  training.optimizer.Adam.learning_rate: 0.003 in the run, 0.5 now",
    ]
    resume(run, ["training.epochs=2"])
    with pytest.raises(DlkitError, match="The state has 2 epochs already, more than the 1"):
        resume(run, ["training.epochs=1"])


def test_damaged_states_name_the_one_before(left_alone, tmp_path):
    path, whole = left_alone("lengthened")
    run = train(load(path, {"training.epochs": 3}), runs_dir=tmp_path).folder
    older, newest = states_of(run)
    content = newest.read_bytes()
    header = content.index(b'"sha256"')
    for damage in (
        content[:-100],
        content[:40],
        b"",
        content[:-9] + bytes([content[-9] ^ 1]) + content[-8:],
        content[: header - 400] + bytes([content[header - 400] ^ 1]) + content[header - 399 :],
    ):
        newest.write_bytes(damage)
        with pytest.raises(DlkitError) as told:
            resume(run, ["training.epochs=4"])
        assert told.value.code == "damaged-state"
        assert newest.name in told.value.message
        assert told.value.cure.endswith(f"dlkit resume {run.path} --from {older.stem}")
    assert_same(resume(run, ["training.epochs=4"], chosen=older.stem), whole)


PLUGIN = """
import keras
from dlkit import register

@register
class Counts(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        self.model.epochs_seen = getattr(self.model, "epochs_seen", 0) + 1
"""


def test_a_callback_without_a_state_is_named_and_its_runs_are_not_resumed(tmp_path):
    (tmp_path / "counting.py").write_text(PLUGIN)
    path = tmp_path / "recipe.yaml"
    text = HEAD.lstrip("\n") + RECIPES["lengthened"].lstrip("\n") + NETWORK
    path.write_text(text.replace("training:\n", "training:\n  callbacks: [counts]\n") + "plugins: [counting.py]\n")
    recipe = load(path, {"training.epochs": 1}, allow_plugins=True)
    assert [(found.code, found.message) for found in recipe.warnings] == [
        ("not-resumable", "the callback `counts` does not tell what it remembers: the run cannot be resumed")
    ]
    run = train(recipe, runs_dir=tmp_path / "runs").folder
    assert states_of(run) == []
    with pytest.raises(DlkitError, match="the callback `counts` does not tell what it remembers"):
        resume(run, ["training.epochs=2"], allow_plugins=True)
    told = "    def get_state(self):\n        return None\n\n    def set_state(self, state):\n        pass\n"
    (tmp_path / "counting.py").write_text(PLUGIN + "\n" + told)
    assert load(path, allow_plugins=True).warnings == ()
