"""What training, checking and evaluating have in common: a recipe, its data, its model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from dlkit.data.arrays import Splits
from dlkit.data.cache import cached
from dlkit.data.facts import measure
from dlkit.data.load import load as load_splits
from dlkit.errors import DlkitError
from dlkit.models.builder import Built, build
from dlkit.recipe import registry
from dlkit.recipe.availability import refuse_unavailable
from dlkit.recipe.components import run_plugin
from dlkit.recipe.diagnostics import Findings
from dlkit.recipe.graph import Component, Graph, Tensor
from dlkit.recipe.keys import PerClass
from dlkit.recipe.load import Recipe
from dlkit.recipe.plugins import plugins_allowed
from dlkit.recipe.supervision import Supervisor


@dataclass(frozen=True, slots=True)
class Prepared:
    """A recipe that has met its data.

    Args:
        recipe: The recipe, with the facts of the data.
        splits: The examples, kept where the recipe's `data.cache` says.
        loaded: The same as they were loaded: their fingerprint is one, however they are kept.
    """

    recipe: Recipe
    splits: Splits
    loaded: Splits


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
    loaded = load_splits(
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
    splits = cached(loaded, data.cache)
    facts = measure(splits, declared, data.batch_size)
    if recipe.config.training.steps_per_epoch:
        facts = replace(facts, steps_per_epoch=recipe.config.training.steps_per_epoch)
    return Prepared(recipe.with_facts(facts), splits, loaded)


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
