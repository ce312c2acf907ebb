"""Measures a model on a split: its loss, the metrics of its recipe, and those that belong to the task of each target."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np

from dlkit.data.arrays import Arrays, Values, take
from dlkit.data.augment import Tensors
from dlkit.data.feed import Feed, telling_failures
from dlkit.evaluation.beam_search import BeamSearch, Written, outputs_of
from dlkit.evaluation.bootstrap import RESAMPLES, intervals
from dlkit.evaluation.given import Given
from dlkit.evaluation.held_against import ERRORS, HeldAgainst
from dlkit.evaluation.tasks import make_task
from dlkit.evaluation.tasks.task import Context, Result, Shown
from dlkit.recipe.facts import Target

_CHEAP = 200_000  # scores for which all resamples are drawn; with more, fewer are
_FEW_RESAMPLES = 200
_BEAMS = 1  # of sequences that are written token by token
_SAMPLES = 16  # of the beginning of a split, whether they are right or wrong


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured of one target.

    Args:
        task: The task, as `classification`.
        details: What figures and tables show, as plain values for JSON.
        mistakes: The worst ones, the worst first.
        samples: The first examples of the split.
        resamples: Samples that the intervals are made from.
    """

    task: str
    details: Mapping[str, Any]
    mistakes: Sequence[Shown]
    samples: Sequence[Shown]
    resamples: int


def measure_split(model: keras.Model, split: Any, prefix: str) -> dict[str, float]:
    """The loss and the metrics of a compiled model over one pass.

    Args:
        split: What `Model.evaluate` takes.
        prefix: Goes before each name: `test` gives `test_accuracy`.

    Raises:
        DlkitError: Examples cannot be read.
    """
    with telling_failures(split):
        values = model.evaluate(split, verbose=0, return_dict=True)
    return {f"{prefix}_{name}": float(value) for name, value in values.items()}


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be measured of one target.

    Args:
        target: What is known of it.
        logits: Whether the model gives logits.
        learned: Its values of the training examples.
        baselines: What the model is held against: functions of `Given`, by name.
        examples: The raw features of the training examples, for baselines.
        ctc: Whether the output is read as connectionist temporal classification has it.
        forced: The feature that holds the target one token earlier: the model is not given it, but writes for itself.
        context: What its task may look at besides.
        given: Gives what the network is given with noise, where the target is to give it back without.
    """

    target: Target
    logits: bool
    learned: Any
    baselines: Mapping[str, Callable[[Given], np.ndarray]]
    examples: Mapping[str, Values] = field(default_factory=dict)
    ctc: bool = False
    forced: str | None = None
    context: Context | None = None
    given: keras.Model | None = None


def measure_tasks(
    model: keras.Model,
    split: Arrays,
    asked: Mapping[str, Asked],
    *,
    batch_size: int,
    seed: int,
    mistakes: int,
    answers: Callable[[Tensors], Tensors] | None = None,
) -> tuple[dict[str, float], dict[str, tuple[float, float]], dict[str, Measured]]:
    """Measures the predictions of every target by what belongs to its task.

    Args:
        model: Takes the features of the split; gives one output, or a mapping by target.
        split: The examples.
        asked: By target.
        batch_size: Examples that are predicted at a time.
        seed: Of the samples for the intervals.
        mistakes: How many are told, at most.
        answers: Makes the targets out of the features, where the model gives those back.

    Returns:
        Metrics, the bounds of their intervals, both by names with the target before them where there are several, and
        more by target.

    Raises:
        DlkitError: Examples cannot be read, predictions are no numbers, or a baseline does not fit.
    """
    tasks = {name: make_task(each.target, each.logits, each.ctc, each.context) for name, each in asked.items()}
    against = {
        name: [
            HeldAgainst(known, answer, ERRORS.get(tasks[name].name, "absolute"))
            for known, answer in each.baselines.items()
        ]
        for name, each in asked.items()
    }
    held_against = {name: split.targets.get(each.target.held_against or "") for name, each in asked.items()}
    seen = 0
    memories: dict[str, dict[str, Any]] = {name: {} for name in asked}
    searches = {
        name: BeamSearch(model, each.forced, each.target, logits=each.logits, beams=_BEAMS, output=name)
        for name, each in asked.items()
        if each.forced
    }
    feed = Feed(split, batch_size=batch_size, shuffle=False, answers=answers)
    with telling_failures(feed):
        for x, y in feed:
            outputs = outputs_of(model, x, searches, tasks)
            for name, task in tasks.items():
                truth = keras.ops.convert_to_numpy(_of(y, name))
                output, beside = outputs[name], held_against[name]
                classes = None if beside is None else np.asarray(take(beside, np.arange(seen, seen + len(truth))))
                task.update(truth, output.tokens if isinstance(output, Written) else output, classes)
                if against[name]:
                    features = {feature: keras.ops.convert_to_numpy(_of(x, feature)) for feature in split.features}
                    of = asked[name]
                    given = Given(
                        features,
                        of.target,
                        truth.shape,
                        of.learned,
                        of.examples,
                        memories[name],
                        _inputs(of, x, truth),
                        of.given is not None,
                    )
                    for each in against[name]:
                        each.update(given, truth)
            seen += len(truth)
    metrics: dict[str, float] = {}
    bounds: dict[str, tuple[float, float]] = {}
    measured: dict[str, Measured] = {}
    for name, task in tasks.items():
        result = task.result()
        recount = result.recount
        for each in against[name]:
            recount = each.recount(recount)
        before = f"{name}_" if len(tasks) > 1 else ""
        whole = recount(np.ones(len(split))) if against[name] else {}
        metrics |= {f"{before}{metric}": value for metric, value in {**whole, **result.metrics}.items()}
        drawn = _resamples(len(split), result)
        found = intervals(recount, len(split), seed=seed, block=result.block, resamples=drawn)
        bounds |= {f"{before}{metric}": each for metric, each in found.items()}
        worst, first = result.worst[:mistakes], range(min(len(split), _SAMPLES))
        measured[name] = Measured(
            task.name, result.details, [result.shown(int(n)) for n in worst], [result.shown(n) for n in first], drawn
        )
    return metrics, bounds, measured


def _inputs(asked: Asked, x: Any, truth: np.ndarray) -> np.ndarray | None:
    """What the network is given, where it is to give it back."""
    if asked.target.kind != "inputs":
        return None
    return truth if asked.given is None else np.asarray(asked.given.predict_on_batch(x))


def _of(values: Any, name: str) -> Any:
    return values[name] if isinstance(values, dict) else values


def _resamples(examples: int, result: Result) -> int:
    scores = examples * max(1, len(result.details.get("labels", ())))
    return RESAMPLES if scores <= _CHEAP else _FEW_RESAMPLES
