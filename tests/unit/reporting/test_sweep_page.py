"""The page of a sweep: of made-up trials, as they may come out of any search."""

import dataclasses
import math
import random
import re
from xml.etree import ElementTree

import numpy as np
import pytest

from dlkit.errors import DlkitError
from dlkit.reporting.figures.style import on_page, on_white, to_svg
from dlkit.reporting.parallel_coordinates import draw_parallel_coordinates
from dlkit.reporting.sweep_axes import score_ends, short_names, ticks
from dlkit.reporting.sweep_figures import draw_curves, draw_scores, draw_slice
from dlkit.reporting.sweep_page import SweepTold, write_sweep_page
from dlkit.tuning.space import Dimension, Space
from dlkit.tuning.trials import Outcome, Trial, ranking
from tests.browsing import faults

RATE = Dimension("training.optimizer.learning_rate", "float", 1e-5, 1e-1, sampling="log")
OPTIMIZER = Dimension("training.optimizer", "choice", choices={"Adam": {"Adam": {}}, "SGD": {"SGD": {}}})
MOMENTUM = Dimension("training.optimizer.SGD.momentum", "float", 0.5, 0.99, only_with={OPTIMIZER.path: ("SGD",)})
UNITS = Dimension("model.mlp.units", "int", 16, 1024, 2, "log")
SPACE = Space((RATE, OPTIMIZER, MOMENTUM, UNITS))
LONG = [Dimension(f"model.part.block_{n}.a_rather_long_name_of_a_value", "float", 0.0, 1.0) for n in range(5)]
ODD = Dimension(
    "model.odd", "choice", choices={name: name for name in ("$\\frac$", "<script>alert(1)</script>", "x" * 80)}
)
MANY = Space((*SPACE.dimensions, *LONG, ODD))


def values(number, space=SPACE):
    draw = random.Random(number)
    told = {}
    for each in space.dimensions:
        if not all(told.get(path) in among for path, among in each.only_with.items()):
            continue
        if each.kind == "choice":
            told[each.path] = draw.choice(list(each.choices))
        else:
            value = math.exp(draw.uniform(math.log(each.low + 1e-6), math.log(each.high)))
            told[each.path] = round(value) if each.kind == "int" else value
    return told


def trial(number, score=None, status="finished", told=None, *, space=SPACE, seconds=1.5, **more):
    outcome = {name: more.pop(name) for name in ("code", "reason", "same_as", "trained") if name in more}
    told = told or values(number, space)
    ended = Outcome(status, score, outcome.pop("trained", 3), seconds, **outcome) if status else None
    return Trial(number, told, told, {}, outcome=ended, **more)


def told_of(trials, space=SPACE, **more):
    scores = {each.number: [each.score / 2, each.score] for each in trials if each.score is not None}
    about = {"objective": "val_accuracy", "direction": "max", "algorithm": "random: {trials: 30}"}
    told = SweepTold("digits/cnn", "Digits", space=space, trials=trials, scores=scores, best_recipe="name: x\n", seconds=99, **about)  # fmt: skip
    return dataclasses.replace(told, **more)


def page_of(tmp_path, told):
    write_sweep_page(tmp_path / "sweep.html", told)
    return (tmp_path / "sweep.html").read_text()


def cells(page, section):
    """The rows of a table as people read them, its titles first."""
    part = page[page.index(f'<section id="{section}">') :]
    rows = re.findall(r"<tr>(.*?)</tr>", part[: part.index("</table>")], re.S)
    return [[re.sub("<.*?>", "", cell) for cell in re.findall(r"<t[hd].*?>(.*?)</t[hd]>", row, re.S)] for row in rows]


TRIALS = [
    trial(1, 0.5),
    trial(2, 0.8, "stopped"),
    trial(3, None, "failed", code="out-of-memory", reason="6 GiB are not free", trained=0),
    trial(4, 0.9),
    trial(5, 0.9, same_as=4, seconds=0.0),
    trial(6, None, "failed", code="not-a-number", reason="The loss is no number", trained=1),
    trial(7, None, "failed", code="out-of-memory", reason="6 GiB are not free", trained=0),
    trial(8, 0.7),
    trial(9, None, None),
]


def test_what_came_out_stands_in_front(tmp_path):
    page = page_of(tmp_path, told_of(TRIALS, seconds=4000))
    cards = dict(re.findall(r'<div class="number"><span>(.*?)</span><b>(.*?)</b>', page))
    assert cards == {
        "best val_accuracy": "0.9000",
        "trials finished": "3",
        "trials stopped": "1",
        "trials failed": "3",
        "trials copied": "1",
        "trials not ended": "1",
        "time": "1 h 06 min",
    }
    assert 'The best is <a href="members/0004/">trial 4</a>' in page
    assert "val_accuracy as large as can be, searched by random: {trials: 30}" in page
    failures = page[page.index("Why trials failed") :]
    assert re.findall("<td.*?>(.*?)</td>", failures)[:4] == [
        "out-of-memory",
        "6 GiB are not free",
        "2",
        '<a href="members/0003/">3</a>, <a href="members/0007/">7</a>',
    ]
    assert "name: x" in page[page.index('<section id="best">') :]


def test_the_table_has_every_trial_by_rank(tmp_path):
    page = page_of(tmp_path, told_of(TRIALS))
    heads, *rows = cells(page, "trials")
    assert heads == ["rank", "trial", "val_accuracy", "learning_rate", "optimizer", "momentum", "units", "epochs", "seconds", "status", ""]  # fmt: skip
    ranks = [(row[0], row[1]) for row in rows]
    assert ranks == [("1", "4"), ("2", "2"), ("3", "8"), ("4", "1"), *(("", str(n)) for n in (3, 5, 6, 7, 9))]
    by_number = {row[1]: (row[2], *row[7:]) for row in rows}
    assert by_number["4"] == ("0.9000", "3", "1.5", "finished", "")
    assert by_number["6"] == ("", "1", "1.5", "failed", "The loss is no number")
    assert by_number["5"][-2:] == ("copied", "the recipe of trial 4") and "members/0005" not in page
    assert by_number["9"] == ("", "", "", "not ended", "")
    assert {row[5] == "–" for row in rows if row[4] == "Adam"} == {True}
    assert '<a href="members/0008/">8</a>' in page


def test_trials_with_other_seeds_are_told_by_their_mean(tmp_path):
    trials = [trial(1, 0.95), trial(2, 0.9), trial(3, 0.91, repeats=2), trial(4, 0.92, repeats=2), trial(5, 0.4, repeats=1), trial(6, 0.5, repeats=1)]  # fmt: skip
    page = page_of(tmp_path, told_of(trials))
    assert "<b>0.9100 ± 0.01</b>" in page and "mean and standard deviation of 3 seeds" in page
    heads, *rows = cells(page, "trials")
    assert heads[2:4] == ["val_accuracy", "over seeds"]
    assert [tuple(row[:4]) for row in rows][:4] == [
        ("1", "2", "0.9000", "0.9100 ± 0.01"),
        ("", "3", "0.9100", ""),
        ("", "4", "0.9200", ""),
        ("2", "1", "0.9500", f"0.6167 ± {np.std([0.95, 0.4, 0.5], ddof=1):.2g}"),
    ]
    assert rows[1][-1] == "trial 2 with another seed"


def test_rounds_of_hyperband(tmp_path):
    trials = [trial(1, 0.5, epochs=3), trial(2, 0.6, epochs=3), trial(3, 0.7, epochs=9, continues=2)]
    page = page_of(tmp_path, told_of(trials))
    _, *rows = cells(page, "trials")
    assert [row[:2] for row in rows] == [["1", "3"], ["2", "1"], ["", "2"]]
    assert [row[-1] for row in rows] == ["goes on from trial 2", "", "went on as trial 3"]
    assert "unequal numbers of epochs" in page


@pytest.mark.parametrize(
    "trials",
    [[], [trial(1, None, None)], [trial(1, None, "failed", code="broken", reason="why it failed")]],
    ids=["none", "none that ended", "only a failed one"],
)
def test_nothing_has_a_score(tmp_path, trials):
    page = page_of(tmp_path, told_of(trials, best_recipe=None, scores={1: [math.nan]}))
    assert "No trial has a score." in page and "<svg" not in page
    assert ("why it failed" in page) == bool(trials and trials[0].outcome)
    assert 'id="best"' not in page and 'href="#best"' not in page and 'id="importance"' not in page


@pytest.mark.parametrize("scores", [[0.5], [0.5] * 12, [0.0] * 12], ids=["one", "equal", "zero"])
@pytest.mark.parametrize("direction", ["min", "max"])
def test_scores_that_tell_nothing(tmp_path, scores, direction):
    trials = [trial(number, score) for number, score in enumerate(scores, start=1)]
    page = page_of(tmp_path, told_of(trials, direction=direction))
    assert ("All scores are equal." if len(scores) > 1 else "Too few trials with a score: 1;") in page
    assert "nan" not in re.sub("<svg.*?</svg>", "", page, flags=re.S).lower()


def test_importance_is_told_with_its_warning(tmp_path):
    space = Space((RATE, UNITS))
    trials = [trial(n, -abs(math.log10(values(n, space)[RATE.path]) + 3), space=space) for n in range(1, 17)]
    page = page_of(tmp_path, told_of(trials, space))
    assert "Few trials: 16 for 2 values; 20 would be enough" in page
    section = page[page.index('<section id="importance">') :]
    assert re.findall("<td>(.*?)</td>", section[: section.index("</section>")]) == ["learning_rate", "units"]


def test_the_best_so_far_and_what_became_of_each_trial():
    trials = [*TRIALS, trial(10, 0.95, repeats=4)]
    (axes,) = draw_scores(trials, ranking(trials, "max"), "accuracy", "max").axes
    (line,) = axes.lines
    assert list(line.get_xdata()) == [1, 2, 4, 8, 10]  # a copy is none, another seed is none of the search's
    assert list(line.get_ydata()) == [0.5, 0.8, 0.9, 0.9, 0.9]
    points = {drawn.get_label(): drawn.get_offsets()[:, 0].tolist() for drawn in axes.collections}
    assert points == {"finished": [1, 4, 8], "stopped early": [2], "another seed": [10], "best: trial 4": [4], "failed": [3, 6, 7]}  # fmt: skip
    (axes,) = draw_scores(trials, ranking(trials, "min"), "loss", "min").axes
    assert list(axes.lines[0].get_ydata()) == [0.5] * 5


def test_curves_of_the_best_are_in_color():
    trials = [trial(number, number / 10) for number in range(1, 9)]
    scores = {number: [0.1, math.nan, number / 10] for number in range(1, 9)} | {9: []}
    (axes,) = draw_curves(scores, ranking(trials, "max"), "accuracy", "max").axes
    told = [text.get_text() for text in axes.get_legend().get_texts()]
    assert told == ["trial 8", "trial 7", "trial 6", "trial 5", "trial 4"]
    assert len(axes.lines) == 9
    assert draw_curves({1: [math.nan], 2: []}, ranking(trials, "max"), "accuracy", "max") is None


def test_lines_through_all_values():
    told = {RATE.path: 1e-3, OPTIMIZER.path: "SGD", MOMENTUM.path: 0.5, UNITS.path: 128}
    without = {RATE.path: 1e-1, OPTIMIZER.path: "Adam", UNITS.path: 1024}
    ranked = ranking([trial(1, 0.25, told=told), trial(2, 1.0, told=without)], "min")
    (axes,) = draw_parallel_coordinates(SPACE, ranked, "loss", "min").axes
    worst, best = next(each for each in axes.collections if len(each.get_paths()) == 2).get_segments()
    np.testing.assert_allclose(best, [(0, 0.5), (1, 1), (2, 0), (3, 0.5), (4, 0)], atol=1e-6)
    np.testing.assert_allclose(worst, [(0, 1), (1, 0), (2, worst[2][1]), (3, 1), (4, 1)], atol=1e-6)
    assert worst[2][1] < 0  # below the axis: it has none
    texts = [text.get_text() for text in axes.texts]
    assert {"none", "Adam", "SGD", "learning_\nrate", "loss", "0.001", "1024"} <= set(texts)


def test_slices_leave_out_what_is_not_there():
    trials = [trial(number, number / 100) for number in range(1, 41)]
    (axes,) = draw_slice(MOMENTUM, ranking(trials, "max"), "momentum", "accuracy", "max").axes
    count = sum(MOMENTUM.path in each.told for each in trials)
    assert 0 < count < 40 and len(axes.collections[0].get_offsets()) == count
    assert draw_slice(MOMENTUM, ranking([trial(1, 0.5, told={OPTIMIZER.path: "Adam"})], "max"), "", "", "max") is None


@pytest.mark.parametrize(
    ("dimension", "texts"),
    [
        (RATE, ["1e-05", "0.0001", "0.001", "0.01", "0.1"]),
        (UNITS, ["16", "50", "100", "200", "500", "1024"]),
        (Dimension("x", "int", 1, 5), ["1", "2", "3", "4", "5"]),
        (Dimension("x", "float", 0.2, 0.7, 0.1), ["0.2", "0.3", "0.4", "0.5", "0.6", "0.7"]),
        (Dimension("x", "float", 0.5, 0.999, sampling="reverse_log"), ["0.5", "0.6", "0.7", "0.8", "0.9", "0.999"]),
        (Dimension("x", "float", 2e-4, 2e-4, sampling="log"), ["0.0002"]),
        (Dimension("x", "choice", choices={16: 16, 32: 32}), ["16", "32"]),
        (Dimension("x", "bool"), ["false", "true"]),
        (Dimension("x", "choice", choices={n: n for n in range(24)}), [str(n) for n in range(0, 24, 2)]),
    ],
)
def test_ticks(dimension, texts):
    places, told = zip(*ticks(dimension), strict=True)
    assert list(told) == texts
    assert sorted(places) == list(places) and -1e-9 < min(places) <= max(places) < 1 + 1e-9


def test_names_are_as_short_as_they_can_be():
    paths = ["training.a.learning_rate", "training.b.learning_rate", "model.sequential.9", "model.sequential.9.rate", "seed"]  # fmt: skip
    assert list(short_names(paths).values()) == ["a.learning_rate", "b.learning_rate", "sequential.9", "rate", "seed"]


def test_scores_far_off_are_left_beyond_the_axis(tmp_path):
    losses = [0.1, 0.2, 0.3, 0.4, 1e6]
    assert score_ends(losses, "min") == pytest.approx((0.1, 0.4 + 3 * 0.2))
    assert score_ends(losses, "max") == (0.1, 1e6)  # there it is the best
    assert score_ends([-each for each in losses], "max") == pytest.approx((-1.0, -0.1))
    assert score_ends([0.5], "min") == (0.5, 0.5)
    page = page_of(tmp_path, told_of([trial(n, loss) for n, loss in enumerate(losses, 1)], direction="min"))
    assert "1 trial is far worse than the others" in page


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """The smallest and the largest."""
    folder = tmp_path_factory.mktemp("sweeps")
    draw = random.Random(1)
    many = [trial(n, draw.random(), draw.choice(["finished", "stopped"]), space=MANY) for n in range(1, 200)]
    many += [trial(200, None, "failed", code="broken", reason="A <b>long</b> reason. " * 20)]
    few = [trial(1, 0.5, space=Space((RATE, UNITS)))]
    write_sweep_page(folder / "many.html", told_of(many, MANY, best_recipe="a: " + "long " * 99))
    write_sweep_page(folder / "few.html", told_of(few, Space((RATE, UNITS))))
    return folder


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("kind", ["few", "many"])
def test_a_browser_shows_the_page_without_errors_or_overflow(pages, browser, kind, width, scheme):
    assert not faults(browser, (pages / f"{kind}.html").as_uri(), width, scheme)


def test_names_that_look_like_markup_or_formulas_are_names(pages):
    page = (pages / "many.html").read_text()
    assert "<script" not in page and "&lt;script&gt;alert(1)" in page and "$\\frac$" in page
    assert "A &lt;b&gt;long" in page


def test_the_same_trials_are_the_same_page(tmp_path):
    assert page_of(tmp_path, told_of(TRIALS)) == page_of(tmp_path, told_of(TRIALS))


def test_a_page_is_written_whole_or_not_at_all(tmp_path):
    (tmp_path / "sweep.html").mkdir()
    with pytest.raises(DlkitError) as raised:
        write_sweep_page(tmp_path / "sweep.html", told_of([]))
    assert raised.value.code == "cannot-write" and [each.name for each in tmp_path.iterdir()] == ["sweep.html"]


def test_letters_stand_on_the_color_of_the_page():
    ranked = ranking([trial(1, 0.5), trial(2, 0.6)], "max")
    svg = to_svg(draw_parallel_coordinates(SPACE, ranked, "accuracy", "max"), "one")
    assert "var(--card)" in on_page(svg, "") and "#fdfcfb" not in on_page(svg, "")
    assert "#fdfcfb" not in on_white(svg)
    assert ElementTree.fromstring(on_page(svg, "x")).tag.endswith("svg")
