"""`dlkit data`, and what training and evaluating say of leaks and of other data."""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

RECIPE = """\
name: small/pictures
data: {{source: {{cifar10: {{path: {path}}}}}, batch_size: 64}}
model: {{sequential: [{{Rescaling: {{scale: 1/255}}}}, Flatten, {{Dense: {{units: $data.classes}}}}]}}
training: {{epochs: 1}}
"""
DIGITS = """\
name: small/digits
data: {source: digits}
model: {sequential: [Flatten, {Dense: {units: $data.classes}}]}
training: {epochs: 1}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory, repository) -> Path:
    """400 pictures in five files that hold the same, and 80 others to test on."""
    folder = tmp_path_factory.mktemp("pictures")
    (folder / "data").mkdir()
    runpy.run_path(str(repository / "tests/contract/source_examples/cifar10.py"))["arguments"](folder / "data")
    (folder / "pictures.yaml").write_text(RECIPE.format(path=folder / "data"))
    (folder / "digits.yaml").write_text(DIGITS)
    return folder


def test_data_is_shown_and_nothing_is_written(dlkit, folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    answer = dlkit("data", folder / "pictures.yaml")
    assert answer.status == 0, answer.stderr
    rows = [row.split("\t") for row in answer.stdout.splitlines()]
    assert (
        rows[0][:2] == ["train", "360"] and rows[1][:2] == ["validation", "40"] and rows[2] == ["test", "80", "0", ""]
    )
    assert rows[1][3].startswith("train ")
    assert ["frog", "36 (10.0%)", "4 (10.0%)", "8 (10.0%)"] in rows
    assert ["image", "image 32 x 32 x 3 uint8", "0 to 255"] in [row[:3] for row in rows]
    verdicts = {row[0]: row[1] for row in rows if len(row) == 2}
    assert set(verdicts) == {"covariate", "prior of label", "concept of label"}
    assert "--sheet FILE.png draws samples." in answer.stderr
    assert list(tmp_path.iterdir()) == []


def test_data_as_json_is_one_object_and_compares_with_other_data(dlkit, folder, tmp_path):
    sheet = tmp_path / "sheet.png"
    answer = dlkit("data", folder / "pictures.yaml", "--json", "--against", folder / "data", "--sheet", sheet)
    told = answer.json
    assert {name: split["examples"] for name, split in told["splits"].items()} == {
        "train": 360,
        "validation": 40,
        "test": 80,
        "against": 480,
    }
    assert {"in": "train", "of": "against", "examples": 400} in told["leaks"]
    assert set(told["shift"]) == {"validation", "test", "against"}
    assert told["shift"]["against"]["prior"]["label"]["found"] is False
    assert told["sheet"] == str(sheet) and sheet.is_file()
    assert "Classes of" not in answer.stderr


def test_a_source_without_path_has_no_other_data(dlkit, folder):
    answer = dlkit("data", folder / "digits.yaml", "--against", "there.csv", "--json")
    assert answer.status == 1
    assert "`digits` has no argument `path`" in answer.json["error"]["message"]


def test_training_warns_of_leaks_and_a_run_is_measured_on_other_data(dlkit, folder, tmp_path):
    trained = dlkit("train", folder / "pictures.yaml", "--runs-dir", tmp_path)
    assert trained.status == 0, trained.stderr
    assert trained.stderr.count("warning[leak]: 40 validation examples (100.0%) also stand in the training split") == 1
    before = next(tmp_path.rglob("evaluation.json")).read_bytes()
    answer = dlkit("evaluate", "latest", "--data", folder / "data", "--runs-dir", tmp_path, "--json")
    assert answer.status == 0, answer.stderr
    assert {"data_loss", "data_accuracy", "data_f1_macro"} < set(answer.json["metrics"])
    assert next(tmp_path.rglob("evaluation.json")).read_bytes() == before
    nowhere = dlkit("evaluate", "latest", "--data", tmp_path / "nowhere", "--runs-dir", tmp_path)
    assert nowhere.status == 1 and "nowhere" in nowhere.stderr
    checked = dlkit("check", folder / "pictures.yaml", "--json")
    assert [doubt["code"] for doubt in checked.json["doubts"]] == ["leak"]


def test_looking_at_data_does_not_start_tensorflow(folder, repository):
    code = (
        "import sys\nfrom dlkit.cli.main import status_of\n"
        f"status = status_of(['data', {str(folder / 'digits.yaml')!r}, '--no-shift', '--json'])\n"
        "sys.exit(status or 'tensorflow' in sys.modules)"
    )
    told = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(repository)},
        cwd=folder,
    )
    assert told.returncode == 0, told.stderr
