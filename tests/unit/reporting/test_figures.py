"""Figures: what each shows, from plain values alone."""

import numpy as np
import pytest

from dlkit.evaluation.evaluation import Evaluation
from dlkit.evaluation.views import latent
from dlkit.recipe.components import Components
from dlkit.recipe.facts import DataFacts, Feature, Target
from dlkit.reporting.figures import figures_of
from dlkit.reporting.figures.curves import draw_curves, drawn_metrics
from dlkit.reporting.figures.style import on_page, on_white, to_png, to_svg
from dlkit.reporting.report import Told, write_report
from dlkit.runs.folder import RunFolder
from tests.contract.test_tasks import CASES, measured

FOUND = figures_of(Components())
DRAW = {figure.name: figure.draw for figure in FOUND}
FIGURES = {
    "logits of seven classes": {"confusion_matrix", "roc", "precision_recall", "calibration"},
    "one logit of two": {"confusion_matrix", "roc", "precision_recall", "calibration"},
    "labels": {"roc", "precision_recall", "calibration"},
    "a number": {"predictions"},
    "a forecast": {"predictions", "forecasts", "errors_by_step"},
    "a map": {"u_matrix", "hits", "unit_labels", "component_planes"},
    "characters": {"surprise_by_position"},
    "a sequence": {"edit_distances"},
}
LINES = [
    {"stage": "train", "epoch": 1, "step": 9, "loss": 2.0, "accuracy": 0.1, "val_loss": 1.9, "learning_rate": 0.1},
    {"stage": "train", "epoch": 2, "step": 18, "loss": 1.0, "accuracy": 0.4, "val_loss": 1.2, "learning_rate": 0.01},
    {"stage": "fine", "epoch": 1, "step": 9, "loss": float("nan"), "accuracy": 0.5, "learning_rate": 0.01},
]


@pytest.mark.parametrize("name", FIGURES)
def test_a_task_has_its_figures(name):
    details = measured(name).details
    drawn = {kind: draw(details) for kind, draw in DRAW.items()}
    assert {kind for kind, figure in drawn.items() if figure is not None} == FIGURES[name]


def test_pictures_of_an_autoencoder_are_where_they_belong():
    truth = np.linspace(0, 1, 20 * 4 * 4).reshape(20, 4, 4, 1)
    rows = {"true": truth, "noisy": truth + 2, "given back": np.zeros_like(truth)}
    axes = DRAW["reconstructions"]({"reconstructions": latent.reconstructions(rows)}).axes
    assert len(axes) == 30
    assert [axes[row].get_ylabel() for row in (0, 10, 20)] == list(rows)
    # Black and white are the smallest and the largest value of the ten that are shown.
    shown = np.clip(truth[3, ..., 0] / truth[:10].max(), 0, 1) * 255
    np.testing.assert_allclose(axes[3].images[0].get_array(), shown, atol=0.51)
    assert (axes[13].images[0].get_array() == 255).all() and (axes[23].images[0].get_array() == 0).all()


def test_walks_and_samples_are_sheets_of_pictures():
    def decode(codes):
        return np.broadcast_to(codes[:, :1, None, None], (len(codes), 3, 3, 1))

    truth = np.array([0.0, 1.0])
    codes = np.array([[0.0, 5], [1, 5], [1, 5], [0, 5], [7, 7]])
    (axes,) = DRAW["latent_walk"]({"latent_walk": latent.walk(decode, codes, truth)}).axes
    sheet = np.asarray(axes.images[0].get_array())
    assert sheet.shape == (2 * 4 - 1, 10 * 4 - 1)
    np.testing.assert_array_equal(sheet[0, ::4], np.round(np.linspace(0, 1, 10) * 255))
    np.testing.assert_array_equal(sheet[4, ::4], sheet[0, ::4][::-1])
    drawn = latent.samples(decode, 2, 1, truth)
    (axes,) = DRAW["prior_samples"]({"prior_samples": drawn}).axes
    assert np.asarray(axes.images[0].get_array()).shape == (8 * 4 - 1, 8 * 4 - 1)
    assert drawn == latent.samples(decode, 2, 1, truth) != latent.samples(decode, 2, 2, truth)


@pytest.mark.parametrize("size", [1, 2, 5])
def test_the_plane_of_codes(size):
    codes = np.random.default_rng(1).normal(size=(30, size)) * [9.0, 4, 1, 1, 1][:size]
    told = latent.plane(codes, np.arange(30) % 3, ["a", "b", "c"])
    (axes,) = DRAW["latent_plane"]({"latent_plane": told}).axes
    assert [len(points.get_offsets()) for points in axes.collections] == [10, 10, 10]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["a", "b", "c"]
    points = np.array(told["points"])
    if size == 5:
        _, _, components = np.linalg.svd(codes - codes.mean(axis=0), full_matrices=False)
        expected = (codes - codes.mean(axis=0)) @ components[:2].T
        np.testing.assert_allclose(np.abs(points), np.abs(expected), atol=1e-4)
    else:
        np.testing.assert_allclose(points[:, :size], codes, atol=1e-4)
    (axes,) = DRAW["latent_plane"]({"latent_plane": latent.plane(codes, None, ())}).axes
    assert len(axes.collections) == 1 and axes.get_legend() is None


def test_the_matrix_has_a_number_in_every_cell_that_has_examples():
    details = {"confusion_matrix": [[3, 0], [1, 1200]], "labels": ["cat", "dog"]}
    (axes,) = DRAW["confusion_matrix"](details).axes
    assert sorted(text.get_text() for text in axes.texts) == ["1", "1,200", "3"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["cat", "dog"]


def test_a_free_run_beside_the_truth():
    paths = [{"row": 0, "truth": [1.0, 2.0], "predicted": [1.0, 2.5]}, {"row": 7, "truth": [3, 4], "predicted": [3, 5]}]
    *drawn, below = DRAW["free_running"]({"free_running": {"by_step": [0.01, 0.3], "paths": paths}}).axes
    assert [list(line.get_ydata()) for axes in drawn for line in axes.lines] == [[1, 2], [1, 2.5], [3, 4], [3, 5]]
    assert [axes.get_ylabel() for axes in drawn] == ["from 1", "from 8"]
    assert list(below.lines[0].get_ydata()) == [0.01, 0.3]


def test_curves_of_loss_metrics_and_rate():
    assert drawn_metrics(LINES) == ["loss", "accuracy", "learning_rate"]
    assert drawn_metrics([{**line, "learning_rate": 0.1} for line in LINES]) == ["loss", "accuracy"]
    assert drawn_metrics([]) == []
    loss, *_ = draw_curves(LINES, ["loss"], best=1).axes
    of_training, of_validation, best, _ = loss.lines
    assert list(of_training.get_ydata())[:2] == [2.0, 1.0]
    assert list(of_validation.get_ydata())[:2] == [1.9, 1.2]
    assert list(best.get_xdata()) == [2, 2]


def test_both_forms_of_an_svg():
    figure = draw_curves(LINES, ["loss", "accuracy"])
    svg = to_svg(figure, "one")
    assert "#010203" in svg and "<text" in svg
    assert on_white(svg).startswith("<?xml") and "#010203" not in on_white(svg)
    element = on_page(svg, "Loss")
    assert element.startswith('<svg role="img" aria-label="Loss"') and "currentColor" in element
    assert 'id="one-' in element and 'id="two-' in to_svg(figure, "two")
    assert to_png(figure).startswith(b"\x89PNG")


def test_the_same_figure_is_the_same_svg():
    first, second = (to_svg(draw_curves(LINES, ["loss"]), "a") for _ in range(2))
    assert first == second


def test_a_name_that_looks_like_a_formula_or_markup_is_a_name(tmp_path):
    """matplotlib takes dollars for mathematics, a browser brackets for elements."""
    names = ("$\\frac$", "<script>alert(1)</script>", "a_b", "d", "e", "f", "g")
    target, logits, truth, output = CASES["logits of seven classes"]
    from dlkit.evaluation.tasks import make_task

    task = make_task(Target("classes", classes=7, labels=names), logits)
    task.update(truth, output)
    result = task.result()
    told = {
        "task": "classification",
        "details": result.details,
        "mistakes": [
            {"row": 1, "truth": names[0], "predicted": names[1], "note": "", "input": {"x": {"text": names[1]}}}
        ],
        "samples": [],
    }
    facts = DataFacts({"x": Feature("text", ())}, {"y": target})
    write_report(
        RunFolder(tmp_path),
        Told(
            names[1], "", "", LINES, None, Evaluation("best.keras", targets={"y": told}), [], [], facts, figures=FOUND
        ),
    )
    page = (tmp_path / "report.html").read_text()
    assert "<script" not in page and "$\\frac$" in page
    assert np.char.count(page, "&lt;script&gt;") > 3
