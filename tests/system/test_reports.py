"""Reports of real runs, looked at by a browser: pictures, text, numbers, a forecast."""

from __future__ import annotations

import shutil
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

import dlkit
from dlkit.recipe.load import load
from dlkit.workflows.evaluate import evaluate
from dlkit.workflows.report import report
from dlkit.workflows.run import Run
from tests.browsing import faults

TEXT = """
name: test/texts
data:
  source: {text_lines: {files: {bad: FOLDER/bad.txt, good: FOLDER/good.txt}}}
  test: 0.2
  preprocess: {text: [{TextVectorization: {max_tokens: 50, output_sequence_length: 8}}]}
model: {sequential: [{Embedding: {input_dim: 50, output_dim: 4}}, GlobalAveragePooling1D, {Dense: {units: 2}}]}
training: {epochs: 3, optimizer: {Adam: {learning_rate: 0.05}}}
expect: {test_f1_macro: {at_least: 0.2}}
"""
NUMBERS = """
name: test/numbers
data: {source: diabetes, test: 0.2, preprocess: {table: [Normalization], progression: [Normalization]}}
model: {sequential: [{Dense: {units: 8, activation: relu}}, {Dense: {units: 1}}]}
training: {epochs: 6, optimizer: {Adam: {learning_rate: 0.05}}}
expect: {test_r2: {at_least: 2}}
"""
FORECAST = """
name: test/forecast
data: {source: {mackey_glass: {length: 800, history: 20, horizon: 4}}, test: 0.2}
model: {sequential: [Flatten, {Dense: {units: 16, activation: relu}}, {Dense: {units: 4}}]}
training: {epochs: 5, optimizer: {Adam: {learning_rate: 0.01}}}
evaluation: {metrics: [{seasonal_naive: {period: 12}}], samples: 3}
"""
KINDS = ["pictures", "texts", "numbers", "forecast"]


@pytest.fixture(scope="module")
def runs(reports: None, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    """A finished run of each kind."""
    home = tmp_path_factory.mktemp("reports")
    words = np.random.default_rng(1).choice(["red", "blue", "<b>bold</b>", "tree"], size=(120, 5))
    for label, sign in (("bad", "awful & dull"), ("good", "fine")):
        home.joinpath("texts").mkdir(exist_ok=True)
        lines = [" ".join(["very", sign, *row]) if n % 5 else " ".join(row) for n, row in enumerate(words)]
        home.joinpath("texts", f"{label}.txt").write_text("\n".join(lines))
    recipes = {
        "texts": TEXT.replace("FOLDER", str(home / "texts")),
        "numbers": NUMBERS,
        "forecast": FORECAST,
    }
    loaded = {"pictures": load("digits/cnn", {"training.epochs": 4, "data.limit": 300})}
    for name, text in recipes.items():
        path = home / f"{name}.yaml"
        path.write_text(text)
        loaded[name] = load(path)
    return {name: dlkit.train(recipe, runs_dir=home / "runs") for name, recipe in loaded.items()}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("kind", KINDS)
def test_a_browser_shows_the_page_without_errors_or_overflow(runs, browser, kind, width, scheme) -> None:
    assert not faults(browser, runs[kind].folder.report.as_uri(), width, scheme)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("pictures", ["accuracy", "Most confused", "By class", "The most confident mistakes", "Calibration"]),
        ("texts", ["f1 macro", "ROC curve", "Reaches what the recipe expects", "<b>bold</b>"]),
        ("numbers", ["r2", "The largest errors", "Falls short of what the recipe expects"]),
        ("forecast", ["persistence mean absolute error", "test_skill_over_seasonal_naive", "how far ahead"]),
    ],
)
def test_the_page_tells_what_belongs_to_the_task(runs, browser, kind, words) -> None:
    page = browser.new_page()
    page.goto(runs[kind].folder.report.as_uri())
    text = page.evaluate("document.body.textContent")
    for word in (*words, "How to reproduce", "fingerprint", "dlkit train", "Layers"):
        assert word in text
    page.close()


@pytest.mark.parametrize("kind", KINDS)
def test_figures_lie_beside_it(runs, kind) -> None:
    figures = runs[kind].folder.figures
    names = {path.stem for path in figures.glob("*.png")}
    assert names == {path.stem for path in figures.glob("*.svg")} and "curves" in names
    for path in figures.glob("*.svg"):
        assert ElementTree.parse(path).getroot().tag.endswith("svg")
        assert "#010203" not in path.read_text()
    for path in figures.glob("*.png"):
        with Image.open(path) as image:
            assert np.asarray(image.convert("L")).std() > 5  # something is drawn


def test_samples_are_as_many_as_the_recipe_says(runs) -> None:
    told = runs["forecast"].evaluation.targets["future"]
    assert len(told["mistakes"]) == 3
    assert len(told["details"]["forecasts"][0]["past"]) == 20


def test_only_the_figures_that_are_asked_for(reports, tmp_path) -> None:
    recipe = load("digits/cnn", {"training.epochs": 1, "data.limit": 100, "evaluation.figures": ["roc"]})
    run = dlkit.train(recipe, runs_dir=tmp_path)
    assert {path.name for path in run.folder.figures.glob("*.*")} == {"roc.png", "roc.svg"}
    assert "<figcaption>Confusion matrix" not in run.folder.report.read_text()


def test_a_run_moved_elsewhere_can_be_reported_without_its_data(runs, tmp_path) -> None:
    moved = shutil.copytree(runs["texts"].folder.path, tmp_path / "test" / "texts" / "moved")
    folder = type(runs["texts"].folder)(moved)
    report(folder)
    assert "How to reproduce" in folder.report.read_text()


def test_evaluated_again_it_is_the_same_to_the_byte(runs) -> None:
    for run in runs.values():
        before = run.folder.evaluation.read_bytes()
        assert evaluate(run.folder).metrics == run.metrics
        assert run.folder.evaluation.read_bytes() == before


def test_skill_is_against_persistence_on_the_same_windows(runs) -> None:
    metrics = runs["forecast"].metrics
    skill = 1 - metrics["test_mean_absolute_error"] / metrics["test_persistence_mean_absolute_error"]
    assert metrics["test_skill_over_persistence"] == pytest.approx(skill, rel=1e-6)


def test_what_the_task_measures_agrees_with_keras(runs) -> None:
    """Keras counts in single precision, batch by batch; the task in double precision, at once."""
    metrics = runs["pictures"].metrics
    (told,) = runs["pictures"].evaluation.targets.values()
    matrix = np.array(told["details"]["confusion_matrix"])
    assert metrics["test_accuracy"] == pytest.approx(np.trace(matrix) / matrix.sum(), abs=1e-6)
    assert metrics["test_log_loss"] == pytest.approx(metrics["test_loss"], abs=1e-5)
