"""Measures what a run's model generates, over features of other runs."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

import numpy as np

from dlkit.data.arrays import Arrays
from dlkit.errors import DlkitError
from dlkit.evaluation.evaluation import Evaluation
from dlkit.evaluation.features import feature_network
from dlkit.evaluation.generated import Generated
from dlkit.models.saved import SavedModels, load_saved
from dlkit.recipe import registry
from dlkit.recipe.diagnostics import RecipeError
from dlkit.recipe.facts import Feature
from dlkit.recipe.graph import Component
from dlkit.recipe.load import Recipe
from dlkit.recipe.other_recipes import fits, form
from dlkit.runs.folder import RunFolder
from dlkit.workflows.other_runs import OtherRuns, saved_models
from dlkit.workflows.preparation import Prepared, custom_objects

_FEATURES = "features"


def check_generated(
    prepared: Prepared, measures: Sequence[Component], others: OtherRuns, tell: Callable[[str], None]
) -> None:
    """Finds the runs whose features are used, before the training, and sees whether they fit.

    Args:
        measures: Those that `evaluation.metrics` lists.
        others: Finds those runs; one that there is not yet is trained here.
        tell: Told where there are fewer examples than features.

    Raises:
        RecipeError: A recipe that is referred to is mistaken.
        DlkitError: As `other_run` and `feature_network`; or a run takes other examples than the data has
            (`feature-differs`), or what is measured is no single feature (`several-features`).
    """
    if not measures:
        return
    saved = saved_models(prepared.recipe, others, _FEATURES)
    name, raw = _only_feature(prepared)
    for measure in measures:
        word = measure.arguments[_FEATURES]
        model = saved.load(word)
        network = feature_network(model, measure.arguments.get("layer"))
        taken = model.inputs[0]
        there = tuple(taken.shape[1:]), taken.dtype
        if raw.shape is not None and not fits(raw.shape, raw.dtype, *there):
            raise DlkitError(
                f"`{word}` takes {form(*there)}, and `{name}` is {form(raw.shape, raw.dtype)}.",
                "Take features of a run that was trained on the same kind of data.",
                "feature-differs",
            )
        features = int(np.prod(network.output_shape[1:]))
        examples = min(_samples(prepared.recipe, measure), len(_measured(prepared)))
        if examples <= features:
            tell(
                f"{measure.name}: {examples} examples for {features} features are few: their covariances are singular, and "
                "the distance comes out too large. It can be compared with that of another model over as many."
            )


def measure_generated(
    prepared: Prepared, measures: Sequence[Component], run: RunFolder, others: OtherRuns | None
) -> dict[str, float]:
    """What a run's best model generates, measured by the names of the measures.

    Where the run that gives the features is there no more, nor its recipe, what was measured by it stays.

    Args:
        measures: As for `check_generated`.
        run: Its `networks` has the network that generates.
        others: Finds the runs that give the features; None: as the run has noted them.

    Raises:
        As `check_generated`; DlkitError: What is generated is not finite (`not-a-number`), or of another shape than the data
        (`feature-differs`).
    """
    if not measures:
        return {}
    recipe = prepared.recipe
    others = others or OtherRuns.of(run, run.root(recipe.name), None, recipe.allow_plugins)
    split = "test" if prepared.raw.test is not None else "val"
    try:
        saved = saved_models(recipe, others, _FEATURES)
    except (DlkitError, RecipeError) as error:
        is_gone = isinstance(error, RecipeError) or error.code == "run-not-found"
        before = Evaluation.read(run.evaluation) if is_gone else None
        names = [f"{split}_{measure.name}" for measure in measures]
        if before is None or not before.metrics.keys() >= set(names):
            raise
        return {name: before.metrics[name] for name in names}
    given = _generated(prepared, run, saved)
    return {
        f"{split}_{measure.name}": registry.find("generation", measure.name).target(given, **measure.arguments)
        for measure in measures
    }


def _generated(prepared: Prepared, run: RunFolder, saved: SavedModels) -> Generated:
    recipe = prepared.recipe
    name, raw = _only_feature(prepared)
    network = load_saved(run.network(recipe.pattern_says("generates")), custom_objects(recipe))
    real = _measured(prepared).features[name]
    if len(network.inputs) > 1 or tuple(network.output_shape[1:]) != tuple(real.shape[1:]):
        raise DlkitError(
            f"What the model generates has shape {tuple(network.output_shape[1:])}, and `{name}` {tuple(real.shape[1:])}.",
            "The metrics of what is generated need one network, of codes, that makes what the data has.",
            "feature-differs",
        )
    layers = (recipe.config.data.preprocess or {}).get(name, ())
    to_raw = functools.partial(raw_values, preprocessed_by=layers, feature=raw)
    return Generated(network, to_raw, real, recipe.config.seed, saved.load)


def raw_values(values: np.ndarray, preprocessed_by: Sequence[Component], feature: Feature) -> np.ndarray:
    """Brings values back to what they were before `data.preprocess`: of whole numbers the nearest one that there can be.

    Args:
        values: As the model learned them.
        preprocessed_by: Layers, each `Rescaling`.
        feature: What is known of the raw feature.
    """
    values = np.asarray(values, np.float64)
    for layer in reversed(preprocessed_by):
        offset = np.asarray(layer.arguments.get("offset", 0.0), np.float64)
        values = (values - offset) / np.asarray(layer.arguments["scale"], np.float64)
    if not np.issubdtype(feature.dtype, np.integer):
        return values.astype(feature.dtype)
    ends = np.iinfo(feature.dtype)
    return np.clip(np.rint(values), ends.min, feature.maximum or ends.max).astype(feature.dtype)


def _only_feature(prepared: Prepared) -> tuple[str, Feature]:
    names = list(_measured(prepared).features)
    if len(names) > 1:
        raise DlkitError(
            f"Metrics of what is generated are for one feature, and the data has {', '.join(names)}.",
            "Choose one with `data.features`.",
            "several-features",
        )
    return names[0], prepared.raw_features[names[0]]


def _measured(prepared: Prepared) -> Arrays:
    """The split that is measured on."""
    splits = prepared.raw
    return next(split for split in (splits.test, splits.validation, splits.train) if split is not None)


def _samples(recipe: Recipe, measure: Component) -> int:
    spec = recipe.components.find("generation", measure.name)
    assert spec is not None
    return int(measure.arguments.get("samples", spec.arguments["samples"].default))
