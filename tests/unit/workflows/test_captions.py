"""A caption is written word by word once training is over: by the test evaluation and by `predict`, never from the truth."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from dlkit.cli.main import status_of
from dlkit.data.arrays import Arrays, take
from dlkit.errors import DlkitError
from dlkit.evaluation.evaluation import Evaluation
from dlkit.recipe.load import load
from dlkit.runs.folder import RunFolder
from dlkit.workflows.evaluate import evaluate_model
from dlkit.workflows.predict import load_model, predict
from dlkit.workflows.preparation import Prepared, prepare
from dlkit.workflows.recipe_file import recipe_of
from dlkit.workflows.train import train

SIZE = 32
RECIPE: dict[str, Any] = {
    "name": "test/captions",
    "data": {"source": {"captions": {"examples": 60, "test_examples": 20, "size": SIZE}}, "batch_size": 16},
    "model": {
        "functional": {
            "inputs": ["image", "words"],
            "layers": [
                {"Rescaling": {"scale": 1 / 255, "name": "pixels", "from": "image"}},
                {
                    "show_and_tell": {
                        "vocabulary_size": "$data.classes",
                        "filters": [4, 4, 8],
                        "units": 8,
                        "heads": 2,
                        "color_filters": 3,
                        "from": ["pixels", "words"],
                    }
                },
            ],
        }
    },
    "training": {"epochs": 1},
}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, reports: None) -> RunFolder:
    return train(load(RECIPE), runs_dir=tmp_path_factory.mktemp("runs")).folder


@pytest.fixture(scope="module")
def prepared(run: RunFolder) -> Prepared:
    return prepare(load(run.recipe))


@pytest.fixture
def picture(tmp_path: Path, prepared: Prepared) -> Path:
    (image,) = np.asarray(take(prepared.raw.train.features["image"], np.array([3])))
    Image.fromarray(image).save(tmp_path / "picture.png")
    return tmp_path / "picture.png"


def test_the_test_evaluation_does_not_look_at_the_true_words(
    run: RunFolder, prepared: Prepared, tmp_path: Path
) -> None:
    split, model = prepared.raw.test, load_model(run, recipe_of(run))
    assert split is not None
    random = np.random.default_rng(1)
    for weight in model.trainable_weights:  # so that every word matters for the next one
        weight.assign(random.normal(size=weight.shape))
    model.save(tmp_path / "strong.keras")
    features = {**split.features, "words": np.ones_like(split.features["words"])}
    other = replace(prepared, raw=prepared.raw.replace({"test": Arrays(features, split.targets)}))
    found, again = (evaluate_model(run, each, tmp_path / "strong.keras", {}) for each in (other, prepared))
    assert {"test_token_accuracy", "test_exact_match", "test_token_error_rate"} <= {*found.metrics}
    assert found.metrics["test_edit_distance"] == again.metrics["test_edit_distance"]
    told, told_again = ([each["predicted"] for each in of.targets["caption"]["samples"]] for of in (found, again))
    assert told == told_again and len(set(told)) > 1
    assert found.metrics["test_loss"] != again.metrics["test_loss"], "the loss is teacher-forced"


def test_pictures_and_sentences_are_told(run: RunFolder) -> None:
    known = Evaluation.read(run.evaluation)
    assert known is not None
    for told in known.targets["caption"]["mistakes"]:
        assert (run.path / told["input"]["image"]["image"]).is_file()
        assert told["truth"].startswith("a ") and " is " in told["truth"]
        assert "<" not in told["truth"] + told["predicted"]
    page = run.report.read_text(encoding="utf-8")
    shown = page[page.index("The first examples") :]
    assert shown.count("<img") == 16
    assert f"true: <b>{known.targets['caption']['samples'][0]['truth']}</b>" in shown


def test_predict_writes_the_most_likely_sentence_it_finds(run: RunFolder, picture: Path) -> None:
    ((alone,), (wide,)) = (predict(run, [picture], beams=beams) for beams in (1, 6))
    (value, share), (wide_value, wide_share) = (
        (row.targets["caption"].value, row.targets["caption"].probabilities) for row in (alone, wide)
    )
    assert share is not None and wide_share is not None and list(wide_share) == [wide_value]
    assert wide_share[str(wide_value)] >= share[str(value)]
    recipe = recipe_of(run)
    model, labels = load_model(run, recipe), recipe.facts.targets["caption"].labels
    assert labels is not None
    tokens = [labels.index(word) for word in str(wide_value).split()]
    words = np.zeros((1, 26), "int32")
    words[0, : len(tokens) + 1] = [labels.index("<start>"), *tokens][:26]
    logits = model.predict({"image": np.asarray(Image.open(picture))[None], "words": words}, verbose=0)[0]
    logs = logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))
    ends = [*tokens, labels.index("<end>")][:26]
    expected = np.exp(sum(logs[place, token] for place, token in enumerate(ends)))
    assert wide_share[str(wide_value)] == pytest.approx(expected, rel=1e-3)


def test_only_what_is_written_takes_beams(tmp_path: Path) -> None:
    digits = {
        "name": "test/digits",
        "data": {"source": "digits", "limit": 60},
        "model": {"sequential": ["Flatten", {"Dense": {"units": 10}}]},
        "training": {"epochs": 1},
    }
    run = train(load(digits), runs_dir=tmp_path).folder
    with pytest.raises(DlkitError, match="no use for beams") as error:
        predict(run, [tmp_path], beams=2)
    assert error.value.code == "no-beams"


def test_the_command_takes_beams_with_files_only(run: RunFolder, capsys: pytest.CaptureFixture[str]) -> None:
    assert status_of(["predict", str(run.path), "--prompt", "a", "--beams", "2"]) == 2
    assert "--beams belongs to files" in capsys.readouterr().err
