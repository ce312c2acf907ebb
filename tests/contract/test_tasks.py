"""Every task of evaluation: its names are those that recipes may expect, and its samples are those that it measures."""

import json

import keras
import numpy as np
import pytest
from sklearn import metrics as sk

from dlkit.data.arrays import Arrays
from dlkit.evaluation.bootstrap import intervals
from dlkit.evaluation.tasks import TASKS, make_task
from dlkit.evaluation.tasks.task import Context
from dlkit.models.layer import make_layer
from dlkit.models.map_units import set_units
from dlkit.recipe.facts import Continues, Feature, Target
from dlkit.recipe.graph import Component
from dlkit.recipe.task_metrics import task_metrics, task_of

N = 300
DRAWN = ("generated_accuracy",)  # of examples that are drawn beside those that are measured
LABELS = ("a", "b", "c", "d", "e", "f", "g")


def softmax(values):
    shifted = np.exp(values - values.max(axis=-1, keepdims=True))
    return shifted / shifted.sum(axis=-1, keepdims=True)


def noisy(truth, classes, generator, strength=1.5):
    """Logits that are right more often than not, in single precision and with ties."""
    values = generator.normal(size=(*truth.shape, classes)) + strength * np.eye(classes)[truth]
    return np.round(values, 1).astype("float32")


UNITS = np.random.default_rng(3).normal(size=(6, 5)).astype("float32")
MAP = Target("inputs", (5,), "float32", classes=3, labels=LABELS[:3], task="self_organization", held_against="kind")


def distances(examples):
    return np.linalg.norm(examples[:, None] - UNITS[None], axis=-1)


def of_map(examples, classes):
    """A model of those units, its arguments, its features and its training examples."""
    x = keras.Input((5,))
    layer = Component("layer", "unit_distances", {"rows": 2, "columns": 3})
    model = keras.Model(x, make_layer(layer, "map", x, None)(x))
    set_units(model, UNITS)
    features = {"steps": Feature("vector", (5,), columns=("a", "b", "c", "d", "e"))}
    return (
        model,
        {"rows": 2, "columns": 3, "grid": "hexagonal"},
        features,
        Arrays({"steps": examples}, {"kind": classes}),
    )


def of_game(examples):
    """A model of a generator and a discriminator, its arguments, its features and its training examples."""
    x = keras.Input((5,))
    score = keras.layers.Dense(1, name="score")
    codes = keras.layers.Dense(2, name="codes")(x)
    generated = keras.layers.Dense(5, name="generated")(codes)
    scores = keras.layers.Concatenate(name="scores")([score(x), score(generated)])
    model = keras.Model(x, scores)
    draws = np.random.default_rng(5)
    model.set_weights([draws.normal(size=each.shape) for each in model.get_weights()])
    features = {"steps": Feature("vector", (5,))}
    return model, {"gradient_penalty": 0.0}, features, Arrays({"steps": examples}, {})


def cases():
    generator = np.random.default_rng(7)
    several, two = generator.integers(7, size=N), generator.integers(2, size=N)
    labels = generator.integers(2, size=(N, 4))
    numbers = generator.normal(size=N).astype("float32")
    steps = generator.normal(size=(N, 5)).astype("float32")
    tokens = generator.integers(1, 7, size=(N, 6))
    series = Continues("past", (0,))
    game = of_game(steps)
    return {
        "logits of seven classes": (
            Target("classes", classes=7, labels=LABELS),
            True,
            several,
            noisy(several, 7, generator),
        ),
        "probabilities of three": (
            Target("classes", classes=3),
            False,
            several % 3,
            softmax(noisy(several % 3, 3, generator)),
        ),
        "one logit of two": (Target("classes", classes=2), True, two, noisy(two, 2, generator)[:, 1:]),
        "two outputs of two": (Target("classes", classes=2), True, two, noisy(two, 2, generator)),
        "labels": (
            Target("multi_label", (4,), classes=4),
            True,
            labels,
            (generator.normal(size=(N, 4)) + 2 * labels - 1).astype("float32"),
        ),
        "a number": (Target("number", ()), False, numbers, (numbers + 0.3 * generator.normal(size=N))[:, None]),
        "several numbers": (Target("number", (5,)), False, steps, steps + 0.3 * generator.normal(size=(N, 5))),
        "a forecast": (
            Target("number", (5,), continues=series),
            False,
            steps,
            steps + 0.3 * generator.normal(size=(N, 5)),
        ),
        "inputs": (
            Target("inputs", (5,), "float32"),
            False,
            steps,
            steps + 0.3 * generator.normal(size=(N, 5)),
        ),
        "a map": (MAP, False, steps, distances(steps), several % 3, Context(*of_map(steps, several % 3))),
        "a game": (
            Target("inputs", (5,), "float32", task="generation"),
            False,
            steps,
            game[0].predict_on_batch(steps),
            None,
            Context(*game),
        ),
        "characters": (Target("classes", (6,), classes=7, labels=LABELS), True, tokens, noisy(tokens, 7, generator)),
        "words": (
            Target("classes", (6,), classes=7, labels=tuple(label * 2 for label in LABELS)),
            True,
            tokens,
            noisy(tokens, 7, generator),
        ),
        "a sequence": (
            Target("sequence", (6,), classes=7, labels=("", *LABELS[1:])),
            True,
            tokens,
            noisy(tokens, 7, generator, 4),
        ),
    }


CASES = cases()


def measured(name, rows=None):
    target, logits, truth, output, *more = CASES[name]
    classes, context = more or (None, None)
    task = make_task(target, logits, context=context)
    rows = np.arange(N) if rows is None else rows
    for part in np.array_split(rows, 3):
        task.update(truth[part], output[part], None if classes is None else classes[part])
    return task.result()


def test_every_task_has_a_case():
    assert {task_of(target) for target, *_ in CASES.values()} == set(TASKS)


@pytest.mark.parametrize("name", CASES)
def test_names_are_those_that_recipes_may_expect(name):
    known = set(task_metrics(CASES[name][0]))
    assert set(measured(name).metrics) <= known


@pytest.mark.parametrize("name", CASES)
def test_metrics_of_a_sample_are_those_of_its_examples(name):
    """Counts stand for examples: drawn twice they count twice, not drawn they are not there."""
    result = measured(name)
    rows = np.random.default_rng(1).integers(N, size=N)
    counts = np.bincount(rows, minlength=N).astype(float)
    assert result.recount(np.ones(N)) == pytest.approx(
        {metric: value for metric, value in result.metrics.items() if metric in result.recount(counts)}
    )
    again = measured(name, np.sort(rows)).metrics
    for metric, value in result.recount(counts).items():
        if metric in DRAWN:
            continue
        assert value == pytest.approx(again[metric], rel=1e-9, abs=1e-12), metric


@pytest.mark.parametrize("name", CASES)
def test_details_can_be_written_and_examples_told(name):
    result = measured(name)
    assert json.loads(json.dumps(result.details)) == result.details
    assert len(set(result.worst.tolist())) == len(result.worst) <= N
    shown = result.shown(int(result.worst[0]))
    assert shown.row == result.worst[0] and shown.truth and shown.note
    assert result.shown(0).row == 0


@pytest.mark.parametrize("name", CASES)
def test_intervals_hold_what_was_measured(name):
    result = measured(name)
    found = intervals(result.recount, N, seed=1, block=result.block, resamples=200)
    for metric, (low, high) in found.items():
        # ECE is biased upward in samples: the interval may lie above it.
        assert low <= result.metrics[metric] <= high or (metric == "ece" and low <= high), metric


def test_classes_as_scikit_learn_measures_them():
    _, _, truth, output = CASES["logits of seven classes"]
    shares = softmax(output.astype(float))
    said = shares.argmax(axis=1)
    found = measured("logits of seven classes").metrics
    assert found == pytest.approx(
        {
            "accuracy": sk.accuracy_score(truth, said),
            "top_5_accuracy": sk.top_k_accuracy_score(truth, shares, k=5),
            **{
                f"{name}_{average}": score(truth, said, average=average)
                for name, score in (
                    ("precision", sk.precision_score),
                    ("recall", sk.recall_score),
                    ("f1", sk.f1_score),
                )
                for average in ("macro", "weighted")
            },
            "auc": sk.roc_auc_score(truth, shares, multi_class="ovr", average="macro"),
            "average_precision": sk.average_precision_score(truth, shares, average="macro"),
            "log_loss": sk.log_loss(truth, shares),
            "ece": by_hand_ece(shares.max(axis=1), said == truth),
        }
    )


def by_hand_ece(confidence, correct):
    total = 0.0
    for number in range(15):
        inside = (confidence > number / 15) & (confidence <= (number + 1) / 15)
        if inside.any():
            total += inside.sum() * abs(confidence[inside].mean() - correct[inside].mean())
    return total / len(confidence)


@pytest.mark.parametrize("name", ["one logit of two", "two outputs of two"])
def test_two_classes_as_scikit_learn_measures_them(name):
    _, _, truth, output = CASES[name]
    positive = (
        1 / (1 + np.exp(-output[:, 0].astype(float))) if output.shape[1] == 1 else softmax(output.astype(float))[:, 1]
    )
    said = (positive > 0.5).astype(int)
    found = measured(name).metrics
    wanted = {
        "precision": sk.precision_score(truth, said),
        "recall": sk.recall_score(truth, said),
        "f1": sk.f1_score(truth, said),
        "auc": sk.roc_auc_score(truth, positive),
        "average_precision": sk.average_precision_score(truth, positive),
        "log_loss": sk.log_loss(truth, positive),
        "f1_macro": sk.f1_score(truth, said, average="macro"),
    }
    assert {metric: found[metric] for metric in wanted} == pytest.approx(wanted)


def test_labels_as_scikit_learn_measures_them():
    _, _, truth, output = CASES["labels"]
    shares = 1 / (1 + np.exp(-output.astype(float)))
    said = (shares > 0.5).astype(int)
    found = measured("labels").metrics
    wanted = {
        "exact_match": sk.accuracy_score(truth, said),
        **{f"f1_{average}": sk.f1_score(truth, said, average=average) for average in ("macro", "micro", "weighted")},
        "precision_micro": sk.precision_score(truth, said, average="micro"),
        "auc": sk.roc_auc_score(truth, shares, average="macro"),
        "average_precision": sk.average_precision_score(truth, shares, average="macro"),
        "log_loss": np.mean([sk.log_loss(truth[:, n], shares[:, n]) for n in range(4)]),
    }
    assert {metric: found[metric] for metric in wanted} == pytest.approx(wanted)


def test_numbers_as_scikit_learn_measures_them():
    for name in ("a number", "several numbers", "a forecast"):
        _, _, truth, output = CASES[name]
        flat, said = truth.reshape(N, -1).astype(float), output.reshape(N, -1).astype(float)
        assert measured(name).metrics == pytest.approx(
            {
                "mean_absolute_error": sk.mean_absolute_error(flat, said),
                "root_mean_squared_error": sk.root_mean_squared_error(flat.ravel(), said.ravel()),
                "r2": sk.r2_score(flat, said),
                "nrmse": sk.root_mean_squared_error(flat.ravel(), said.ravel()) / np.sqrt(flat.var(axis=0).mean()),
            }
        )


def test_perplexity_of_a_source_of_known_entropy():
    """A model that knows the shares of independent tokens has the perplexity of their entropy."""
    shares = np.array([0.5, 0.25, 0.125, 0.125])
    generator = np.random.default_rng(3)
    tokens = generator.choice(4, p=shares, size=(4_000, 50))
    task = make_task(Target("classes", (50,), classes=4, labels=("a", "b", "c", "d")), True)
    task.update(tokens, np.broadcast_to(np.log(shares), (*tokens.shape, 4)))
    found = task.result().metrics
    assert found["bits_per_character"] == pytest.approx(1.75, abs=0.005)
    assert found["perplexity"] == pytest.approx(2**1.75, abs=0.015)
    seen = np.bincount(tokens.ravel(), minlength=4) / tokens.size  # and exactly that of the shares that came
    assert found["perplexity"] == pytest.approx(np.exp(-np.sum(seen * np.log(shares))), rel=1e-12)


def test_edit_distance_of_words_known_by_heart():
    letters = "".join(sorted(set("kittensitting")))
    number = {letter: n + 1 for n, letter in enumerate(letters)}
    words = [[number[letter] for letter in word] + [0] * (8 - len(word)) for word in ("kitten", "sitting")]
    task = make_task(Target("sequence", (8,), classes=len(letters) + 1, labels=("", *letters)), True)
    task.update(np.array([words[0], words[0]]), np.eye(len(letters) + 1)[np.array([words[1], words[0]])])
    found = task.result()
    assert found.metrics == {"exact_match": 0.5, "edit_distance": 1.5, "token_error_rate": 3 / 12}
    assert found.shown(0).truth == "kitten" and found.shown(0).predicted == "sitting"


def test_ctc_is_read_along_the_best_path():
    path = np.array([[0, 1, 1, 0, 1, 2, 2, 0], [3, 3, 0, 3, 0, 0, 0, 0]])  # a-ab and c-c, where cc is true as well
    task = make_task(Target("sequence", (3,), classes=4, labels=("", "a", "b", "c")), True, ctc=True)
    task.update(np.array([[1, 1, 3], [3, 3, 0]]), np.eye(4, dtype="float32")[path])
    found = task.result()
    assert found.metrics == {"exact_match": 0.5, "edit_distance": 0.5, "token_error_rate": 1 / 5}
    assert (found.shown(0).truth, found.shown(0).predicted) == ("aac", "aab")


def test_what_is_no_number_is_refused():
    from dlkit.errors import DlkitError

    task = make_task(Target("number", ()), False)
    with pytest.raises(DlkitError, match="not numbers"):
        task.update(np.zeros(2), np.array([[0.0], [np.nan]]))


def test_scores_that_are_no_probabilities_have_no_log_loss():
    _, _, truth, output = CASES["logits of seven classes"]
    task = make_task(Target("classes", classes=7), False)
    task.update(truth, output)
    assert not {"log_loss", "ece"} & set(task.result().metrics)
    assert "auc" in task.result().metrics


def test_a_map_as_numpy_measures_it():
    _, _, examples, _, classes, _ = CASES["a map"]
    order = np.argsort(np.linalg.norm(examples[:, None] - UNITS[None], axis=-1), axis=1)
    near = np.linalg.norm(examples - UNITS[order[:, 0]], axis=1)
    # Units 0 1 2 lie above 3 4 5, which are moved to the right by a half.
    neighbors = {(0, 1), (1, 2), (3, 4), (4, 5), (0, 3), (1, 3), (1, 4), (2, 4), (2, 5)}
    torn = [tuple(sorted(two)) not in neighbors for two in order[:, :2].tolist()]
    label = {unit: np.bincount(classes[order[:, 0] == unit]).argmax() for unit in set(order[:, 0].tolist())}
    right = [label[unit] == kind for unit, kind in zip(order[:, 0].tolist(), classes, strict=True)]
    found = measured("a map")
    wanted = {"quantization_error": near.mean(), "topographic_error": np.mean(torn), "accuracy": np.mean(right)}
    assert found.metrics == pytest.approx(wanted)
    told = found.details["map"]
    assert told["hits"] == np.bincount(order[:, 0], minlength=6).tolist()
    assert told["labels"] == [LABELS[label[unit]] if unit in label else None for unit in range(6)]
    assert told["u_matrix"][0] == pytest.approx(np.linalg.norm(UNITS[[1, 3]] - UNITS[0], axis=1).mean())
    assert told["planes"]["b"] == pytest.approx(UNITS[:, 1].tolist())
