"""Measures a run's model on the split that was kept for it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np

from dlkit.data.arrays import Arrays
from dlkit.data.columns import Column
from dlkit.evaluation.bootstrap import intervals
from dlkit.evaluation.evaluate import Asked, measure_split, measure_tasks
from dlkit.evaluation.evaluation import Evaluation, OtherRun
from dlkit.evaluation.subject import Subject
from dlkit.evaluation.tasks.task import Context, averages
from dlkit.evaluation.variational_bound import MEASURES, Halves, variational_bounds
from dlkit.models.instantiate import instantiate
from dlkit.models.noise import with_noise
from dlkit.models.scaling import Scale
from dlkit.recipe import registry
from dlkit.recipe.components import load_component
from dlkit.recipe.graph import Component
from dlkit.recipe.load import Recipe, load
from dlkit.recipe.task_metrics import ALWAYS, rollout_metric, task_of
from dlkit.runs.folder import RunFolder
from dlkit.training.compiling import compile_model
from dlkit.workflows.feeding import answers_of, answers_over, raw_feed
from dlkit.workflows.generated import measure_generated
from dlkit.workflows.other_data import other_examples
from dlkit.workflows.other_runs import OtherRuns
from dlkit.workflows.predict import model_file
from dlkit.workflows.preparation import Prepared, batch_size_of, custom_objects, import_plugins, prepare
from dlkit.workflows.recipe_file import raw_features_of, recipe_of, scales_of
from dlkit.workflows.samples import write_samples

_SAMPLES = 12  # mistakes that are kept to be looked at, where the recipe does not say
_LEAST_BATCH = 64  # examples that are predicted at a time, however few a training step takes


def evaluate(
    run: RunFolder, *, which: str = "best", data: str | Path | None = None, allow_plugins: bool = False
) -> Evaluation:
    """Measures a run's model on the test split of its recipe; for the best one, evaluation.json is written anew.

    Args:
        which: `best` or `last`.
        data: Other data of the recipe's source to measure on instead; evaluation.json stays as it is.

    Returns:
        Loss and metrics by name, as `test_accuracy`; as `data_accuracy` those of other data.

    Raises:
        RecipeError: The run's recipe cannot be used any more.
        DlkitError: The data or the model cannot be loaded, or a metric does not fit.
    """
    if data is None:
        recipe = load(run.recipe, allow_plugins=allow_plugins, others=False)
        return evaluate_model(run, prepare(recipe), model_file(run, which))
    recipe = recipe_of(run, allow_plugins)
    import_plugins(recipe)
    examples = other_examples(recipe, raw_features_of(run), data)
    path = model_file(run, which)
    # What there was to learn from is not at hand: baselines are not measured.
    return measure(_subject(recipe, path, examples), "data", None, path, scales_of(run))


def evaluate_model(
    run: RunFolder,
    prepared: Prepared,
    path: Path,
    over: Mapping[str, OtherRun] | None = None,
    others: OtherRuns | None = None,
) -> Evaluation:
    """Measures a saved model on the test split, or where there is none on the validation split.

    Args:
        path: The model file; evaluation.json is that of the best one, and what is generated is measured of that one.
        over: The runs that `expect` compares with; None: those of evaluation.json as it is.
        others: Finds the runs whose features what is generated is measured over; None: as the run has noted them.

    Returns:
        Loss and metrics by name, as `test_accuracy`; nothing where no split was held out.
    """
    recipe, splits = prepared.recipe, prepared.raw
    name, split = ("test", splits.test) if splits.test is not None else ("val", splits.validation)
    if split is None:
        return Evaluation()
    subject = _subject(recipe, path, split)
    found = measure(subject, name, splits.train, path, prepared.scales)
    before = Evaluation.read(run.evaluation) if over is None else None
    found = replace(found, over=before.over if before else over or {})
    if path == run.best_model:
        found = replace(
            found,
            metrics={**found.metrics, **measure_generated(prepared, components(recipe, "generation"), run, others)},
        )
        found = write_samples(run, found, split, prepared.raw_features, recipe.facts)
        found = _with_views(found, subject)
        found.write(run.evaluation)
    return found


def _with_views(found: Evaluation, subject: Subject) -> Evaluation:
    """Adds what there is to look at in the model; beside the first target, since most of it is for all."""
    if not found.targets:
        return found
    (name, measured), *_ = found.targets.items()
    details = dict(measured["details"])
    for view in subject.recipe.components.declarations("view"):
        details |= load_component(view)(subject)
    return replace(found, targets={**found.targets, name: {**measured, "details": details}})


def _subject(recipe: Recipe, path: Path, split: Arrays) -> Subject:
    """A saved model, with the noise that its pattern declares where it is measured."""
    model = keras.models.load_model(path, custom_objects=custom_objects(recipe))
    noise = recipe.pattern_says("noise")
    deviation = recipe.pattern_arguments()[noise] if noise else None
    measured, given = with_noise(model, noise, float(deviation)) if deviation else (model, None)
    return Subject(recipe, model, split, measured, given, answers_of(recipe, model))


def measure(subject: Subject, prefix: str, train: Arrays | None, path: Path, scales: Mapping[str, Scale]) -> Evaluation:
    """Measures a model on a split; nothing is written.

    Args:
        subject: The model and the split.
        prefix: Goes before each name, as `test`.
        train: The raw training examples; None: they are not at hand.
        path: The file of the model, to be named.
        scales: Of the targets that are scaled.

    Returns:
        Loss and metrics by name, as `test_accuracy`.

    Raises:
        DlkitError: Examples cannot be read, or predictions are no numbers.
    """
    recipe, model, split = subject.recipe, subject.measured, subject.split
    _compile(recipe, model, scales)
    metrics = measure_split(model, raw_feed(recipe, split, subject.model), prefix)
    evaluation = recipe.config.evaluation
    samples = evaluation.samples if evaluation and evaluation.samples is not None else _SAMPLES
    more, bounds, by_target = measure_tasks(
        model,
        split,
        _asked(subject, train),
        # The noise is that of a batch: where there is any, batches are those that the metrics were measured on.
        batch_size=max(batch_size_of(recipe), 1 if subject.given else _LEAST_BATCH),
        seed=recipe.config.seed,
        mistakes=samples,
        answers=subject.answers,
    )
    targets = {name: asdict(measured) for name, measured in by_target.items()}
    more |= _run_free(subject, targets)
    about, of_them = _variational_bounds(subject)
    more, bounds = {**more, **about}, {**bounds, **of_them}
    # A metric of the recipe stands before one of the same name that belongs to the task.
    metrics = {**metrics, **{f"{prefix}_{name}": value for name, value in more.items()}, **metrics}
    named = {f"{prefix}_{name}": each for name, each in bounds.items()}
    # Keras's AUC, of 200 thresholds, may lie outside the interval of the exact one, which then is not told as its own.
    named = {name: (low, high) for name, (low, high) in named.items() if low <= metrics[name] <= high}
    constant = _constant_loss(recipe, train) if train else None
    return Evaluation(path.name, prefix, len(split), metrics, named, targets, constant)


def _run_free(subject: Subject, targets: Mapping[str, dict[str, Any]]) -> dict[str, float]:
    """The errors of the model where it goes on from its own forecasts, if the recipe asks for them.

    Args:
        targets: What was measured of each, which the runs are added to.
    """
    found, facts = {}, subject.recipe.facts.targets
    for asked in components(subject.recipe, "rollout"):
        run = registry.find("rollout", asked.name).target
        for name, measured in targets.items():
            told = run(subject.measured, subject.split, name, facts[name], **asked.arguments)
            measured["details"] = {**measured["details"], asked.name: told}
            before = f"{name}_" if len(targets) > 1 else ""
            found[before + rollout_metric(asked)] = told["by_step"][-1]
    return found


def _variational_bounds(subject: Subject) -> tuple[dict[str, float], dict[str, tuple[float, float]]]:
    """The bounds of the log-likelihood and their intervals, where the pattern declares that it has them."""
    recipe, model, split = subject.recipe, subject.model, subject.split
    if subject.measured is not model:  # an exported file has no halves
        return {}, {}
    halves = Halves.of(model) if set(MEASURES) <= set(recipe.pattern_says("measures", ())) else None
    if halves is None:
        return {}, {}
    loss = next(iter(recipe.supervisions.values())).loss
    declared = recipe.components.declaration("loss", loss.name)
    if declared is None or not declared.declared.get("likelihood"):
        return {}, {}
    seed = recipe.config.seed
    recount = averages(variational_bounds(halves, instantiate(loss).call, raw_feed(recipe, split, model), seed))
    return recount(np.ones(len(split))), intervals(recount, len(split), seed=seed)


def _constant_loss(recipe: Recipe, train: Arrays) -> float | None:
    """The loss of the best constant answer, of crossentropies and squared errors of a single target."""
    if len(recipe.supervisions) != 1:
        return None
    ((name, found),) = recipe.supervisions.items()
    if name not in train.targets or isinstance(train.targets[name], Column):
        return None
    values, loss = np.asarray(train.targets[name]), found.loss
    if loss.arguments.get("label_smoothing"):
        return None
    if loss.name in ("SparseCategoricalCrossentropy", "CategoricalCrossentropy", "BinaryCrossentropy"):
        shares = np.bincount(values.reshape(-1)) / values.size if recipe.facts.targets[name].kind == "classes" else None
        return None if shares is None else float(-np.sum(shares[shares > 0] * np.log(shares[shares > 0])))
    if loss.name == "MeanSquaredError":
        scaled = recipe.config.data.preprocess and name in recipe.config.data.preprocess
        return 1.0 if scaled else float(values.var(axis=0).mean())
    return None


def _asked(subject: Subject, train: Arrays | None) -> dict[str, Asked]:
    """What is to be measured of each target."""
    recipe, facts = subject.recipe, subject.recipe.facts.targets
    baselines = _baselines(recipe, subject.split) if train else {}
    learned: Mapping[str, Any] = train.targets if train else {}
    if subject.answers and baselines and train:
        learned = answers_over(train, subject.answers)
    return {
        name: Asked(
            facts[name],
            found.logits,
            learned.get(name),
            {known: answer for known, (task, answer) in baselines.items() if task == task_of(facts[name])},
            train.features if train else {},
            found.ctc,
            found.forced,
            Context(subject.model, recipe.pattern_arguments(), recipe.facts.features, train),
            subject.given,
        )
        for name, found in recipe.supervisions.items()
    }


def _baselines(recipe: Recipe, split: Arrays) -> dict[str, tuple[str, Callable[..., Any]]]:
    """The baselines that the recipe asks for, by name, each with the task it is for; a forecast always has persistence."""
    found: dict[str, tuple[str, Callable[..., Any]]] = {}
    asked = list(components(recipe, "baseline"))
    if any(each.continues and each.continues.feature in split.features for each in recipe.facts.targets.values()):
        asked.append(Component("baseline", ALWAYS))
    for metric in asked:
        registered = registry.find("baseline", metric.name)
        answer = functools.partial(registered.target, **metric.arguments)
        found[metric.name] = (registered.declared["task"], answer)
    return found


def components(recipe: Recipe, kind: str) -> tuple[Component, ...]:
    """What of this kind `evaluation.metrics` lists."""
    evaluation = recipe.config.evaluation
    listed = evaluation.metrics or () if evaluation else ()
    return tuple(metric for metric in listed if isinstance(metric, Component) and metric.kind == kind)


def _compile(recipe: Recipe, model: keras.Model, scales: Mapping[str, Scale]) -> None:
    """Gives a saved model the loss and the metrics of its recipe."""
    more, weights = components(recipe, "metric"), recipe.config.training.loss_weights
    compile_model(model, recipe.supervisions, None, loss_weights=weights, more_metrics=more, scales=scales)
