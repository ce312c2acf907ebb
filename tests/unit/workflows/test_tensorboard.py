"""The hyperparameters and examples that TensorBoard shows of a test."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from dlkit.evaluation.evaluation import Evaluation
from dlkit.recipe.load import parse
from dlkit.reporting.tensorboard_images import Sample, draw_samples
from dlkit.runs.folder import RunFolder
from dlkit.workflows import tensorboard
from dlkit.workflows.tensorboard import hyperparameters, show_test

HEAD = """
name: small/board
seed: 5
data: {source: digits, batch_size: 64}
model:
  sequential:
    - Flatten
    - Dropout: {rate: 0.3, name: drop}
    - Dense: {units: $data.classes, name: classifier}
"""


def recipe(training: str, more: str = ""):
    return parse(f"{HEAD}training: {training}\n{more}")


def test_what_people_tune_stands_under_its_path():
    found = hyperparameters(recipe("{epochs: 3, optimizer: {AdamW: {weight_decay: 0.02}}, precision: auto}"), {})
    assert found == {
        "training.optimizer": "AdamW",
        "training.optimizer.learning_rate": 0.001,
        "training.optimizer.weight_decay": 0.02,
        "training.epochs": 3,
        "data.batch_size": 64,
        "training.precision": "auto",
        "seed": 5,
        "model.drop.rate": 0.3,
    }


def test_what_auto_stood_for_is_told():
    found = hyperparameters(recipe("{epochs: 3, precision: auto}"), {"training.precision": "float32"})
    assert (found["training.precision"], found["training.optimizer"]) == ("float32", "Adam")


def test_a_schedule_is_told_with_its_plain_values():
    schedule = "{CosineDecay: {initial_learning_rate: 0.1, decay_steps: {share: 1}}}"
    found = hyperparameters(recipe(f"{{epochs: 3, optimizer: {{SGD: {{learning_rate: {schedule}}}}}}}"), {})
    assert found["training.optimizer.learning_rate.schedule"] == "CosineDecay"
    assert found["training.optimizer.learning_rate.initial_learning_rate"] == 0.1
    assert "training.optimizer.learning_rate" not in found


def test_each_stage_has_its_own():
    stages = "stages: [{name: head}, {name: all, epochs: 2, optimizer: {SGD: {learning_rate: 0.5}}}]"
    found = hyperparameters(recipe(f"{{epochs: 3, {stages}}}"), {})
    told = {path: value for path, value in found.items() if path.startswith("training.stages")}
    assert told == {
        "training.stages.0.optimizer": "Adam",
        "training.stages.0.optimizer.learning_rate": 0.001,
        "training.stages.0.epochs": 3,
        "training.stages.1.optimizer": "SGD",
        "training.stages.1.optimizer.learning_rate": 0.5,
        "training.stages.1.epochs": 2,
    }


def test_the_space_of_a_search_comes_first_and_there_are_not_too_many():
    layers = "\n".join(f"    - Dropout: {{rate: 0.1, name: d{number}}}" for number in range(30))
    text = HEAD.replace("    - Flatten", f"    - Flatten\n{layers}")
    space = "{model.sequential.d29.rate: {float: [0.1, 0.5]}, training.optimizer.momentum: {float: [0.1, 0.5]}}"
    tune = f"tune: {{algorithm: {{random: {{trials: 2}}}}, space: {space}}}\n"
    found = hyperparameters(parse(f"{text}training: {{epochs: 2, optimizer: SGD}}\n{tune}"), {})
    assert next(iter(found.items())) == ("model.sequential.d29.rate", 0.1)
    assert len(found) == 20


def test_a_fold_is_told():
    text = HEAD.replace("batch_size: 64", "batch_size: 64, folds: {fold: 2, of: 3}")
    assert hyperparameters(parse(f"{text}training: {{epochs: 2}}\n"), {})["data.folds.fold"] == 2


@pytest.fixture
def written(tmp_path, monkeypatch):
    """Shows a test of targets; gives what would be written."""

    def show(targets, path=tmp_path, text="{epochs: 1}", more=""):
        run = RunFolder(path)
        run.provenance.parent.mkdir(parents=True, exist_ok=True)
        run.provenance.write_text(json.dumps({"chosen": {}}))
        told = {}
        monkeypatch.setattr(tensorboard, "write_test", lambda folder, **given: told.update(given, folder=folder))
        show_test(run, recipe(text, more), Evaluation("best.keras", "test", 2, {"test_top_5": 0.5}, {}, targets))
        return told

    return show


def example(row, truth, predicted, **given):
    return {"row": row, "truth": truth, "predicted": predicted, "note": "50% sure", "input": given}


def test_pictures_become_sheets_and_the_rest_is_told_in_words(written, tmp_path):
    Image.new("L", (28, 28), 200).save(tmp_path / "a.png")
    seen = [example(0, "cat", "dog", photo={"image": "a.png"})]
    read = [example(1, "1", "1", text={"text": "some"}), example(2, "1", "2", kind={"text": "a"}, size={"text": "b"})]
    drawn(tmp_path, "animal-confusion_matrix", "animal-roc")
    told = written(
        {
            "animal": {"details": {}, "samples": seen, "mistakes": []},
            "count": {"details": {}, "samples": read, "mistakes": [example(3, "1", "2")]},
        }
    )
    assert told["folder"] == tmp_path / "tensorboard" / "test"
    assert told["metrics"] == {"test/top_5": 0.5}
    assert set(told["pictures"]) == {"animal/confusion_matrix", "animal/samples"}
    assert all(each.dtype == np.uint8 and each.shape[2] == 3 for each in told["pictures"].values())
    assert told["texts"] == {
        "count/samples": [("1, 50% sure", "some"), ("2, true: 1, 50% sure", "kind: a; size: b")],
        "count/mistakes": [("2, true: 1, 50% sure", "example 3")],
    }


def drawn(run, *names):
    (run / "figures").mkdir(parents=True)
    for name in names:
        Image.new("RGBA", (9, 9), "white").save(run / "figures" / f"{name}.png")


def test_one_target_needs_no_name_and_figures_may_be_left_out(written, tmp_path):
    targets = {"animal": {"details": {}, "samples": [], "mistakes": []}}
    assert written(targets)["pictures"] == {}
    drawn(tmp_path, "confusion_matrix", "curves")
    assert set(written(targets)["pictures"]) == {"confusion_matrix"}


def test_runs_are_told_apart(written, tmp_path):
    group = tmp_path / "20250101-000000-abcd"
    (group / "members").mkdir(parents=True)
    (group / "group.json").write_text("{}")
    assert written({}, group / "members" / "0002")["name"] == "small/board/20250101-000000-abcd/0002"
    assert written({}, tmp_path / "20250101-000000-ef01")["name"] == "small/board/20250101-000000-ef01"


def test_nothing_is_written_where_nothing_was_measured(tmp_path):
    show_test(RunFolder(tmp_path), recipe("{epochs: 1}"), Evaluation())
    assert list(tmp_path.iterdir()) == []


def test_a_sheet_has_four_pictures_in_a_row_whatever_their_size(tmp_path):
    samples = []
    for number, size in enumerate([(1, 1), (8, 8), (300, 20), (20, 300), (128, 128)]):
        path = tmp_path / f"{number}.png"
        Image.new("RGB", size, "black").save(path)
        samples.append(Sample(path, "T\nrue", "a very long label " * 9, "ν, note"))
    one, sheet = draw_samples(samples[:1]), draw_samples(samples)
    assert sheet.shape == (2 * one.shape[0] - 12, 4 * one.shape[1] - 3 * 12, 3)
    assert (one[12:140, 12:140] == 0).all() and (one[:12] == 255).all()
