"""`dlkit card`: what stands in a card, and that its scripts run as they are printed."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

import dlkit as api
from dlkit.recipe.load import load

Dlkit = Callable[..., Any]

SPIKES = """
name: test/spikes
summary: Spiking neurons on half of the digits | with a bar
reference: Neftci et al. (2019)
data: {source: digits, limit: 300, augment: [RandomFlip: {mode: horizontal}]}
model: {sequential: [Rescaling: {scale: 1/16}, spiking: {units: [16], steps: 3}, Dense: {units: $data.classes}]}
training: {epochs: 1}
expect: {test_accuracy: {at_least: 1.5}}
"""
TABLE = """
name: test/table
data:
  source: {csv: {path: FILE, target: paid}}
  test: 0.2
  features: {numbers: [age, height], categories: [city]}
  preprocess: {numbers: [Normalization], categories: [lookup_columns]}
model:
  functional:
    inputs: [numbers, categories]
    layers:
      - CategoryEncoding: {num_tokens: $data.features.categories.vocabulary_size, from: categories, name: codes}
      - Concatenate: {from: [numbers, codes]}
      - Dense: {units: 1}
training: {epochs: 1}
"""


def block_of(card: str, title: str) -> str:
    """The first script below a title."""
    found = re.search(rf"^### {title}.*?^```\w+\n(.*?)^```", card, re.DOTALL | re.MULTILINE)
    assert found, card
    return found[1]


def run_script(script: str, folder: Path) -> str:
    """What a script prints in a process that cannot import dlkit, beside a run's files."""
    refused = "import sys; sys.modules['dlkit'] = None\n"
    done = subprocess.run(
        [sys.executable, "-c", refused + script], cwd=folder, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with layers that Keras does not have, which falls short of what it expects."""
    home = tmp_path_factory.mktemp("pictures")
    (home / "recipe.yaml").write_text(SPIKES)
    return api.train(load(home / "recipe.yaml"), runs_dir=home / "runs").folder.path


@pytest.fixture(scope="module")
def card(dlkit: Dlkit, pictures: Path) -> str:
    answer = dlkit("card", pictures, "--json")
    assert answer.status == 0, answer.stderr
    return answer.json["text"]


def test_the_front_matter_is_what_the_hub_reads(card: str, pictures: Path) -> None:
    assert card.startswith("---\n")
    head = yaml.safe_load(card.split("---\n")[1])
    assert list(head) == ["library_name", "pipeline_tag", "tags", "datasets", "metrics", "model-index"]
    assert (head["library_name"], head["pipeline_tag"]) == ("keras", "image-classification")
    assert head["tags"] == ["keras", "tensorflow", "dlkit", "spiking"] and head["datasets"] == ["digits"]
    ((name, (result,)),) = ((each["name"], each["results"]) for each in head["model-index"])
    assert name == "test/spikes"
    assert result["task"] == {"type": "image-classification", "name": "digit"}
    assert result["dataset"] == {"name": "digits", "type": "digits", "split": "test"}
    measured = json.loads((pictures / "evaluation.json").read_text())["metrics"]
    values = {each["name"]: each["value"] for each in result["metrics"]}
    assert values["accuracy (test)"] == pytest.approx(measured["test_accuracy"], rel=1e-5)
    assert {each["type"] for each in result["metrics"]} >= {"accuracy", "f1", "roc_auc"}
    assert not any(each["type"] == "loss" for each in result["metrics"])


def test_the_sections_tell_what_was_made_of_what(card: str, pictures: Path) -> None:
    import keras

    sections = dict(re.findall(r"^## (.*?)\n(.*?)(?=^## |\Z)", card, re.DOTALL | re.MULTILINE))
    assert list(sections) == ["Model", "Data", "Training", "Results", "Limits", "How to use"]
    assert "digits \\| with a bar" in card and "Reference: Neftci et al. (2019)." in card
    sys.path.insert(0, str(pictures))
    try:
        import custom_layers  # noqa: F401

        parameters = keras.models.load_model(pictures / "best.keras").count_params()
    finally:
        sys.path.remove(str(pictures))
    assert f"{parameters:,} parameters" in sections["Model"] and "`spiking`" in sections["Model"]
    fingerprint = json.loads((pictures / "provenance.json").read_text())["data_fingerprint"]
    assert fingerprint in sections["Data"] and "- augment: `[{RandomFlip: {mode: horizontal}}]`" in sections["Data"]
    assert "- optimizer: `Adam`" in sections["Training"] and "keras 3." in sections["Training"]
    assert "| test_accuracy | at least 1.5 |" in sections["Results"] and "| not met |" in sections["Results"]
    assert sections["Results"].count("\n| 7 | ") == 1
    for told in (
        "falls short of what its recipe expects",
        "tells worst: ",
        "takes most often",
        "a part of the training",
    ):
        assert told in sections["Limits"], sections["Limits"]


def test_the_script_for_keras_alone_runs_as_it_is_printed(card: str, pictures: Path) -> None:
    script = block_of(card, "With Keras alone")
    assert script.startswith("import custom_layers")
    assert run_script(script, pictures).split()[-1] in set("0123456789")


def test_a_table_with_texts_is_given_as_the_card_says(dlkit: Dlkit, tmp_path: Path) -> None:
    rows = [f"{20 + n},{150 + n % 7},{'Bonn' if n % 3 else 'Kiel'},{'yes' if n % 2 else 'no'}" for n in range(60)]
    (tmp_path / "people.csv").write_text("\n".join(["age,height,city,paid", *rows]))
    (tmp_path / "table.yaml").write_text(TABLE.replace("FILE", str(tmp_path / "people.csv")))
    run = api.train(load(tmp_path / "table.yaml"), runs_dir=tmp_path / "runs").folder.path
    assert dlkit("card", run, "--output", run / "README.md").status == 0
    card = (run / "README.md").read_text()
    head = yaml.safe_load(card.split("---\n")[1])
    assert head["pipeline_tag"] == "tabular-classification" and "datasets" not in head
    assert str(tmp_path) not in card and "people.csv" in card
    assert block_of(card, "With dlkit") == "dlkit predict . rows.csv\n"
    assert run_script(block_of(card, "With Keras alone"), run).split()[-1] in ("yes", "no")


def test_exports_have_a_script_each(dlkit: Dlkit, pictures: Path) -> None:
    manifest = {
        "model": "best",
        "bytes": 1000,
        "bytes_before": 4000,
        "largest_difference": 0.01,
        "metrics": {"test_accuracy": {"before": 0.9, "after": 0.89}},
        "examples": 359,
        "inputs": {"image": {"shape": [None, 8, 8, 1], "dtype": "uint8"}},
        "runtime": {"name": "x", "version": "1.0"},
    }
    of_format = {
        "litert-int8": {"format": "litert", "file": "model.tflite", "quantize": "int8"},
        "onnx": {"format": "onnx", "file": "model.onnx"},
        "savedmodel-pruned50": {"format": "savedmodel", "file": "1", "prune": 0.5},
    }
    for name, told in of_format.items():
        folder = pictures / "exports" / name
        folder.mkdir(parents=True)
        (folder / "export.json").write_text(json.dumps({**manifest, **told}))
    (pictures / "exports/onnx/vocabulary.json").write_text("{}")
    card = dlkit("card", pictures).stdout
    for title, words in (
        ("LiteRT: exports/litert-int8", ["exports/litert-int8/model.tflite", "Interpreter"]),
        ("ONNX: exports/onnx", ["onnxruntime.InferenceSession", '"image": np.zeros((1, 8, 8, 1), "uint8")']),
        ("SavedModel: exports/savedmodel-pruned50", ["tf.saved_model.load", "exports/savedmodel-pruned50/1"]),
    ):
        script = block_of(card, title)
        compile(script, title, "exec")
        assert all(word in script for word in words), script
    assert "(int8): 1,000 bytes, 0.25 of the weights" in card and "(50% of the weights zero)" in card
    assert "`test_accuracy` 0.9000 before and 0.8900 after" in card and "`vocabulary.json` beside it" in card
    (pictures / "exports/onnx/export.json").write_text("{")
    answer = dlkit("card", pictures, "--json")
    assert (answer.status, answer.json["error"]["code"]) == (1, "damaged-file")


def test_a_group_tells_its_spread(dlkit: Dlkit, tmp_path: Path) -> None:
    words = ("digits/cnn", "--quick", "--set", "data.limit=200", "--set", "training.epochs=1")
    made = dlkit("train", *words, "--seeds", 2, "--runs-dir", tmp_path, "--json").json
    card = dlkit("card", made["run"]).stdout
    mean, deviation = (made[key]["test_accuracy"] for key in ("metrics", "deviations"))
    assert "Over 2 seeds, of which this is the first:" in card
    assert f"| test_accuracy | {mean:.4f} | {deviation:.4f} |" in card
    assert "It is a single run" not in card


def test_a_run_that_is_not_finished_has_no_card(dlkit: Dlkit, tmp_path: Path) -> None:
    (tmp_path / "status.json").write_text(
        json.dumps({"state": "interrupted", "started": "", "updated": "", "pid": 1, "host": ""})
    )
    answer = dlkit("card", tmp_path)
    assert answer.status == 1 and "dlkit resume" in answer.stderr
