"""`dlkit export`, `dlkit predict` on what it wrote, and the programs of the guide, which run it without dlkit."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

RECIPE = """\
name: digits/cnn
summary: A convolution on digits
data: {source: digits, batch_size: 64}
model:
  sequential:
    - Rescaling: {scale: 1/16}
    - Conv2D: {filters: 4, kernel_size: 3}
    - Flatten
    - Dense: {units: $data.classes, name: classifier}
training: {epochs: 1}
export: {format: onnx}
"""
TEXTS = """\
name: small/texts
summary: Good and bad words
data:
  source: {text_folder: {path: PATH}}
  test: 0.25
  batch_size: 4
  preprocess:
    text: [TextVectorization: {output_sequence_length: 6}]
model:
  sequential:
    - Embedding: {input_dim: $data.features.text.vocabulary_size, output_dim: 4}
    - GlobalAveragePooling1D
    - Dense: {units: 1, name: classifier}
training: {epochs: 2}
"""
GUIDE = Path(__file__).resolve().parents[2] / "docs" / "export.md"
PROGRAMS = re.findall(r"^```python\n(.*?)^```", GUIDE.read_text("utf-8"), re.DOTALL | re.MULTILINE)
FOLDERS = ["savedmodel", "onnx", "litert"]


@pytest.fixture(scope="module")
def run(dlkit, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("exports")
    (folder / "small.yaml").write_text(RECIPE)
    answer = dlkit("train", folder / "small.yaml", "--runs-dir", folder / "runs")
    assert answer.status == 0, answer.stderr
    (status,) = (folder / "runs").rglob("status.json")
    return status.parent


@pytest.fixture(scope="module")
def texts(dlkit, tmp_path_factory) -> Path:
    """A run that learned from texts."""
    folder = tmp_path_factory.mktemp("texts")
    for number in range(12):
        for label, word in (("bad", "dull"), ("good", "fine")):
            (folder / label).mkdir(exist_ok=True)
            (folder / label / f"{number}.txt").write_text(f"A {word} film, and number {number}.")
    (folder / "texts.yaml").write_text(TEXTS.replace("PATH", str(folder)))
    shutil.move(folder / "texts.yaml", folder.with_suffix(".yaml"))
    answer = dlkit("train", folder.with_suffix(".yaml"), "--runs-dir", folder.with_suffix(".runs"))
    assert answer.status == 0, answer.stderr
    (status,) = folder.with_suffix(".runs").rglob("status.json")
    return status.parent


def test_the_recipe_says_the_format_and_the_table_what_was_found(dlkit, run):
    answer = dlkit("export", run)
    assert answer.status == 0, answer.stderr
    rows = {line.split("\t")[0]: line.split("\t")[1:] for line in answer.stdout.splitlines()}
    assert set(rows) >= {"largest difference", "test_accuracy", "test_loss", "size", "time a sample"}
    assert rows["test_accuracy"][0] == rows["test_accuracy"][1]
    assert f"trtexec --onnx={run}/exports/onnx/model.onnx" in answer.stderr
    assert "--minShapes=image:1x8x8x1" in answer.stderr
    assert not (run / "exports" / "onnx" / "vocabulary.json").exists()


def test_the_manifest_as_json(dlkit, run):
    told = dlkit("export", run, "--format", "litert", "--quantize", "int8", "--examples", "50", "--json").json
    assert told["export"] == str(run / "exports" / "litert-int8")
    assert (told["format"], told["quantize"], told["examples"]) == ("litert", "int8", 50)
    assert {**told, "export": None} == {
        **json.loads((run / "exports" / "litert-int8" / "export.json").read_text()),
        "export": None,
    }


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["--format", "tflite"], 2, "did you mean `litert`?"),
        (["--format", "savedmodel", "--quantize", "float16"], 2, "the types that it was traced in"),
        (["--tolerance", "-1"], 2, "usage"),
        (["--examples", "0"], 2, "usage"),
    ],
)
def test_a_mistake_is_told(dlkit, run, words, status, said):
    answer = dlkit("export", run, *words)
    assert answer.status == status and said in answer.stderr
    assert "Traceback" not in answer.stderr


def test_an_export_that_differs_ends_with_status_1_and_leaves_nothing(dlkit, run):
    answer = dlkit("export", run, "--format", "litert", "--tolerance", "0")
    assert answer.status == 1 and "error[export-differs]" in answer.stderr
    assert not (run / "exports" / "litert").exists()


def test_predict_takes_an_export_as_it_takes_a_run(dlkit, run, tmp_path):
    np.save(tmp_path / "some.npy", np.random.default_rng(1).integers(0, 17, (3, 8, 8, 1)).astype("uint8"))
    assert dlkit("export", run, "--format", "onnx", "--examples", "20").status == 0
    shutil.copytree(run / "exports" / "onnx", tmp_path / "copy")
    of_run = dlkit("predict", run, tmp_path / "some.npy")
    for export in (run / "exports" / "onnx", run / "exports" / "onnx" / "model.onnx", tmp_path / "copy"):
        answer = dlkit("predict", export, tmp_path / "some.npy")
        assert answer.status == 0, answer.stderr
        assert answer.stdout == of_run.stdout
        assert "onnx export in" in answer.stderr
    assert "--model belongs to a run" in dlkit("predict", tmp_path / "copy", "x.npy", "--model", "last").stderr


def test_predict_takes_texts_that_are_looked_up_before_the_file(dlkit, texts, tmp_path):
    answer = dlkit("export", texts, "--format", "onnx")
    assert answer.status == 0, answer.stderr
    (tmp_path / "one.txt").write_text("A fine film")
    predicted = dlkit("predict", texts / "exports" / "onnx", tmp_path / "one.txt")
    assert predicted.stdout == dlkit("predict", texts, tmp_path / "one.txt").stdout
    done = without_dlkit(PROGRAMS[3], texts / "exports" / "onnx")
    assert re.fullmatch(r"\[\[-?\d\.\d+(e-\d+)?\]\]\n", done.stdout), done.stdout


@pytest.mark.parametrize(("program", "format"), [*zip(PROGRAMS[:3], FOLDERS, strict=True)], ids=FOLDERS)
def test_the_programs_of_the_guide_run_without_dlkit(dlkit, run, program, format):
    assert dlkit("export", run, "--format", format, "--examples", "20").status == 0
    done = without_dlkit(program, run / "exports" / format)
    assert re.fullmatch(r"\[(\d)( \1)*\]\n", done.stdout), done.stdout


def without_dlkit(program: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Runs a program in a process of its own that could not import dlkit if it wanted to."""
    blocked = 'import sys\nsys.modules["dlkit"] = None\n'
    ended = "\nassert not [name for name in sys.modules if name.startswith('dlkit.')]\n"
    if "tensorflow" not in program:
        ended += "assert 'keras' not in sys.modules and 'tensorflow' not in sys.modules\n"
    words = [sys.executable, "-c", blocked + program + ended]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done
