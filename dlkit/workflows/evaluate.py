"""Measures a run's model on the split that was kept for it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np

from dlkit.data.arrays import Arrays, take
from dlkit.data.columns import Column
from dlkit.evaluation.decision_map import decision_map
from dlkit.evaluation.evaluate import Asked, measure_split, measure_tasks
from dlkit.evaluation.evaluation import Evaluation, OtherRun
from dlkit.evaluation.filters import filters
from dlkit.evaluation.tasks.task import Context
from dlkit.models.scaling import Scale
from dlkit.recipe import registry
from dlkit.recipe.graph import Component
from dlkit.recipe.load import Recipe, load
from dlkit.recipe.task_metrics import ALWAYS, rollout_metric, task_of
from dlkit.runs.folder import RunFolder
from dlkit.training.compiling import compile_model
from dlkit.workflows.codes import bounds_of, codes_of, noisy_parts
from dlkit.workflows.feeding import answers_of, answers_over, raw_feed
from dlkit.workflows.generate import TEMPERATURE, language_target, writer_of
from dlkit.workflows.generated import measure_generated
from dlkit.workflows.other_data import other_examples
from dlkit.workflows.other_runs import OtherRuns
from dlkit.workflows.predict import model_file
from dlkit.workflows.preparation import Prepared, batch_size_of, custom_objects, import_plugins, prepare
from dlkit.workflows.recipe_file import raw_features_of, recipe_of, scales_of
from dlkit.workflows.samples import write_samples

_SAMPLES = 12  # mistakes that are kept to be looked at, where the recipe does not say
_PROMPT, _WRITTEN = 32, 250  # tokens that a language model is given, and goes on with
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
    return _measured(recipe, _loaded(recipe, path), examples, "data", None, path, scales_of(run))


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
    model = _loaded(recipe, path)
    found = _measured(recipe, model, split, name, splits.train, path, prepared.scales)
    before = Evaluation.read(run.evaluation) if over is None else None
    found = replace(found, over=before.over if before else over or {})
    if path == run.best_model:
        found = replace(
            found,
            metrics={**found.metrics, **measure_generated(prepared, components(recipe, "generation"), run, others)},
        )
        found = write_samples(run, found, split, prepared.raw_features, recipe.facts)
        found = _with_decisions(_with_text(found, recipe, model, split), recipe, model, split)
        found = _with_filters(found, model)
        for target, details in codes_of(recipe, model, split).items():
            found = _with_details(found, target, **details)
        found.write(run.evaluation)
    return found


def _with_text(found: Evaluation, recipe: Recipe, model: keras.Model, split: Arrays) -> Evaluation:
    """Adds how a language model goes on with the beginning of the split."""
    target = language_target(recipe)
    if target is None:
        return found
    (tokens,) = split.features.values()
    writer = writer_of(recipe, target, model)
    prompt = np.asarray(take(tokens, np.arange(1)))[0][:_PROMPT].tolist()
    written = {
        "prompt": writer.tokenizer.decode(prompt),
        "text": writer.go_on(prompt, _WRITTEN, recipe.config.seed),
        "temperature": TEMPERATURE,
    }
    return _with_details(found, target, written=written)


def _with_decisions(found: Evaluation, recipe: Recipe, model: keras.Model, split: Arrays) -> Evaluation:
    """Adds what a classifier of two numbers says over the plane that they span."""
    ((feature, values), *more), targets = split.features.items(), recipe.facts.targets
    (target,) = targets if len(targets) == 1 else ("",)
    if more or not target or task_of(targets[target]) != "classification" or values.shape[1:] != (2,):
        return found
    if values.dtype.kind not in "fiu":
        return found
    known = recipe.facts.features[feature].columns or ("first", "second")
    points, classes = (np.asarray(each) for each in (values, split.targets[target]))
    told = decision_map(model, points, classes, recipe.supervisions[target].logits, known)
    return _with_details(found, target, decision_map=told)


def _with_filters(found: Evaluation, model: keras.Model) -> Evaluation:
    """Adds what the units of the first layer look for in pictures; beside the first target, since it is for all."""
    seen = filters(model)
    return _with_details(found, next(iter(found.targets)), filters=seen) if seen and found.targets else found


def _with_details(found: Evaluation, target: str, **more: Any) -> Evaluation:
    measured = found.targets[target]
    changed = {**measured, "details": {**measured["details"], **more}}
    return replace(found, targets={**found.targets, target: changed})


def _measured(
    recipe: Recipe,
    model: keras.Model,
    split: Arrays,
    prefix: str,
    train: Arrays | None,
    path: Path,
    scales: Mapping[str, Scale],
) -> Evaluation:
    saved, (model, given) = model, noisy_parts(recipe, model)
    _compile(recipe, model, scales)
    metrics = measure_split(model, raw_feed(recipe, split, model), prefix)
    evaluation = recipe.config.evaluation
    samples = evaluation.samples if evaluation and evaluation.samples is not None else _SAMPLES
    more, bounds, by_target = measure_tasks(
        model,
        split,
        _asked(recipe, model, split, train, given),
        # The noise is that of a batch: where there is any, batches are those that the metrics were measured on.
        batch_size=max(batch_size_of(recipe), 1 if given else _LEAST_BATCH),
        seed=recipe.config.seed,
        mistakes=samples,
        answers=answers_of(recipe, model),
    )
    targets = {name: asdict(measured) for name, measured in by_target.items()}
    more |= _run_free(recipe, model, split, targets)
    about, of_them = bounds_of(recipe, saved, split)
    more, bounds = {**more, **about}, {**bounds, **of_them}
    # A metric of the recipe stands before one of the same name that belongs to the task.
    metrics = {**metrics, **{f"{prefix}_{name}": value for name, value in more.items()}, **metrics}
    intervals = {f"{prefix}_{name}": each for name, each in bounds.items()}
    constant = _constant_loss(recipe, train) if train else None
    return Evaluation(path.name, prefix, len(split), metrics, intervals, targets, constant)


def _run_free(
    recipe: Recipe, model: keras.Model, split: Arrays, targets: Mapping[str, dict[str, Any]]
) -> dict[str, float]:
    """The errors of the model where it goes on from its own forecasts, if the recipe asks for them.

    Args:
        targets: What was measured of each, which the runs are added to.
    """
    found = {}
    for asked in components(recipe, "rollout"):
        run = registry.find("rollout", asked.name).target
        for name, measured in targets.items():
            told = run(model, split, name, recipe.facts.targets[name], **asked.arguments)
            measured["details"] = {**measured["details"], asked.name: told}
            before = f"{name}_" if len(targets) > 1 else ""
            found[before + rollout_metric(asked)] = told["by_step"][-1]
    return found


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


def _asked(
    recipe: Recipe, model: keras.Model, split: Arrays, train: Arrays | None, given: keras.Model | None
) -> dict[str, Asked]:
    """What is to be measured of each target."""
    facts = recipe.facts.targets
    baselines = _baselines(recipe, split) if train else {}
    learned: Mapping[str, Any] = train.targets if train else {}
    answers = answers_of(recipe, model)
    if answers and baselines and train:
        learned = answers_over(train, answers)
    return {
        name: Asked(
            facts[name],
            found.logits,
            learned.get(name),
            {known: answer for known, (task, answer) in baselines.items() if task == task_of(facts[name])},
            train.features if train else {},
            found.ctc,
            found.forced,
            Context(model, recipe.pattern_arguments(), recipe.facts.features, train),
            given,
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


def _loaded(recipe: Recipe, path: Path) -> keras.Model:
    return keras.models.load_model(path, custom_objects=custom_objects(recipe))


def _compile(recipe: Recipe, model: keras.Model, scales: Mapping[str, Scale]) -> None:
    """Gives a saved model the loss and the metrics of its recipe."""
    more, weights = components(recipe, "metric"), recipe.config.training.loss_weights
    compile_model(model, recipe.supervisions, None, loss_weights=weights, more_metrics=more, scales=scales)
