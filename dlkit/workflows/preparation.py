"""What training, checking and evaluating have in common: a recipe, its data, its model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dlkit.data.arrays import Arrays, Splits, joined
from dlkit.data.duplicates import count_leaks, is_cheap
from dlkit.data.facts import measure, type_name
from dlkit.data.load import call
from dlkit.data.load import load as load_splits
from dlkit.errors import DlkitError
from dlkit.recipe import registry
from dlkit.recipe.availability import refuse_unavailable
from dlkit.recipe.components import run_plugin
from dlkit.recipe.diagnostics import Diagnostic, Findings, listing
from dlkit.recipe.facts import DataFacts, Target
from dlkit.recipe.graph import Component, Graph, Tensor
from dlkit.recipe.keys import PerClass
from dlkit.recipe.load import Recipe
from dlkit.recipe.plugins import plugins_allowed
from dlkit.recipe.supervision import Supervisor

if TYPE_CHECKING:
    from dlkit.models.builder import Built


@dataclass(frozen=True, slots=True)
class Prepared:
    """A recipe that has met its data."""

    recipe: Recipe
    splits: Splits


def prepare(recipe: Recipe) -> Prepared:
    """Loads the data of a recipe and checks the recipe against it.

    Raises:
        RecipeError: The recipe asks for what is not available, or contradicts its data.
        DlkitError: The data cannot be loaded, or plugins are not allowed.
    """
    refuse_unavailable(recipe)
    import_plugins(recipe)
    data = recipe.config.data
    declared = recipe.components.source_facts(data.source.name, data.source.arguments)
    limit: int | Mapping[str, Any] | None = (
        {"per_class": data.limit.per_class} if isinstance(data.limit, PerClass) else data.limit
    )
    splits = load_splits(
        data.source.name,
        data.source.arguments,
        declared=declared,
        features=_features(recipe),
        targets=data.targets if isinstance(data.targets, list) else None,
        validation=data.validation,
        test=data.test,
        limit=limit,
        seed=recipe.config.seed,
    )
    facts = measure(splits, declared, data.batch_size)
    if recipe.config.training.steps_per_epoch:
        facts = replace(facts, steps_per_epoch=recipe.config.training.steps_per_epoch)
    return Prepared(recipe.with_facts(facts), splits)


def leaks(prepared: Prepared) -> list[Diagnostic]:
    """A warning, where examples that a model is judged by also stand in the training split.

    Pictures that are decoded as they are needed are not compared. Nor are the examples of a source that declares
    `repeats`: all of its splits are the same whole, as the table of a logic gate is.
    """
    recipe, splits = prepared.recipe, prepared.splits
    if repeats(recipe) or not is_cheap(splits):
        return []
    sizes = {name: len(arrays) for name, arrays in splits.named().items()}
    told = [
        f"{count:,} {name} example{'s' if count != 1 else ''} ({count / sizes[name]:.1%})"
        for (first, name), count in reversed(count_leaks(splits).items())
        if first == "train"
    ]
    if not told:
        return []
    also = "also stand" if len(told) > 1 or not told[0].startswith("1 ") else "also stands"
    message = f"{' and '.join(told)} {also} in the training split"
    cure = f"`dlkit data {recipe.path or recipe.name}` tells more"
    return [Diagnostic("leak", message, recipe.span_of("data.source"), cure, "warning")]


def repeats(recipe: Recipe) -> bool:
    """Whether the recipe's source says that its splits hold the same examples."""
    return bool(registry.find("source", recipe.config.data.source.name).declared.get("repeats"))


def other_examples(recipe: Recipe, path: str | Path) -> Arrays:
    """All examples of other data, as the recipe's source reads them from there: its splits together.

    Args:
        recipe: With the facts of its own data.
        path: Stands for the source's argument `path`; arguments that name other files of the same data are left out.

    Returns:
        Examples with the recipe's features and targets; classes have the recipe's numbers.

    Raises:
        DlkitError: The source has no `path`, the data cannot be read, or it is of another form.
    """
    source, facts = recipe.config.data.source, recipe.facts
    spec = recipe.components.find("source", source.name)
    if spec is None or "path" not in spec.arguments:
        raise DlkitError(
            f"The data source `{source.name}` has no argument `path`, so that it reads no other data.",
            "Compare or measure with a recipe whose source reads files.",
            "no-other-data",
        )
    files = [name for name, argument in spec.arguments.items() if "path" in argument.type.split("|")]
    arguments = {name: value for name, value in source.arguments.items() if name not in files}
    loaded = call(source.name, {**arguments, "path": str(path)})
    _check_has(loaded, facts, path)
    told = loaded.facts.targets if loaded.facts else {}
    examples = joined([part.select(facts.features, facts.targets) for part in loaded.named().values()])
    targets = {
        name: _renumbered(values, told.get(name, facts.targets[name]), facts.targets[name], name, path)
        for name, values in examples.targets.items()
    }
    return Arrays(examples.features, targets)


def _check_has(loaded: Splits, facts: DataFacts, path: str | Path) -> None:
    """That data has the features and targets of the facts, of their shapes and types."""
    for known, there in ((facts.features, loaded.train.features), (facts.targets, loaded.train.targets)):
        missing = [name for name in known if name not in there]
        if missing:
            raise DlkitError(f"{path} has no {listing(missing)}, which the recipe's own data has", code="other-data")
    for name, feature in facts.features.items():
        values = loaded.train.features[name]
        found, own = (values.shape[1:], type_name(values)), (feature.shape, feature.dtype)
        if found != own:
            raise DlkitError(
                f"`{name}` is {found[1]} of shape {found[0]} in {path}, and {own[1]} of {own[0]} in the recipe's own data",
                "give data of the same form",
                "other-data",
            )


def _renumbered(values: Any, told: Target, known: Target, name: str, path: str | Path) -> Any:
    """Classes by the recipe's numbers: other data may lack some, and so count the rest differently."""
    if not known.labels or not told.labels or known.labels == told.labels:
        return values
    strange = [label for label in told.labels if label not in known.labels]
    if strange or known.kind != "classes":
        raise DlkitError(
            f"`{name}` has other classes in {path} than in the recipe's own data: {listing(strange or told.labels)}",
            f"its own are {listing(known.labels)}",
            "other-data",
        )
    return np.array([known.labels.index(label) for label in told.labels], np.int32)[np.asarray(values)]


def _features(recipe: Recipe) -> list[str]:
    """The features that the model takes: others need not be handed over."""
    assert isinstance(recipe.model, Graph)
    return list(recipe.model.inputs)


def import_plugins(recipe: Recipe) -> None:
    """Runs the recipe's plugins, if that was allowed.

    Raises:
        DlkitError: The recipe has plugins and they were not allowed (`plugins-not-allowed`), or one fails.
    """
    if recipe.components.files and not plugins_allowed(recipe.allow_plugins):
        names = ", ".join(f"`{path.name}`" for path in recipe.components.files)
        raise DlkitError(
            f"The recipe runs code of its own: the plugin {names}.",
            "Read it, then allow it with --allow-plugins or DLKIT_ALLOW_PLUGINS=1.",
            "plugins-not-allowed",
        )
    for path in recipe.components.files:
        try:
            run_plugin(path)
        except Exception as error:
            raise DlkitError(
                f"The plugin `{path}` fails: {type(error).__name__}: {error}", code="plugin-failed"
            ) from error


def build_model(prepared: Prepared, adapt: bool = True) -> Built:
    """The model of a recipe on its data's shapes.

    Args:
        adapt: Whether layers that learn from data before training are given the training split.

    Raises:
        RecipeError: Keras refuses a layer.
    """
    from dlkit.models.builder import build  # Keras is not needed to look at data

    recipe = prepared.recipe
    assert isinstance(recipe.model, Graph)
    examples = prepared.splits.train.features if adapt else None
    return build(recipe.model, recipe.facts.features, outputs(recipe), recipe.name, examples)


def outputs(recipe: Recipe) -> dict[str, Tensor]:
    """The model's outputs by target."""
    assert isinstance(recipe.model, Graph)
    return Supervisor(recipe.facts, Findings()).outputs(recipe.model, recipe.span_of("model"))


def custom_objects(recipe: Recipe) -> dict[str, Any]:
    """The classes of plugins, by name, that a saved model of this recipe may need."""
    found: dict[str, Any] = {}
    for graph in recipe.graphs.values():
        for layer in graph.layers.values():
            _add_custom(layer, recipe, found)
    return found


def _add_custom(component: Component, recipe: Recipe, found: dict[str, Any]) -> None:
    if recipe.components.declaration(component.kind, component.name) is not None:
        target = registry.find(component.kind, component.name).target
        found[target.__name__] = target
    for value in component.arguments.values():
        if isinstance(value, Component):
            _add_custom(value, recipe, found)


def best_of(recipe: Recipe) -> tuple[str, str]:
    """The metric by which the best epoch is chosen, and its direction; the training loss where nothing is held out."""
    best = recipe.config.training.best
    written = "monitor" in best.model_fields_set
    monitor = best.monitor if written or recipe.facts.validation_size else "loss"
    return monitor, best.mode
