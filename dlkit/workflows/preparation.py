"""What training, checking and evaluating have in common: a recipe, its data, its model."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from dlkit.data.arrays import Arrays, Splits
from dlkit.data.cache import cached
from dlkit.data.facts import measure
from dlkit.data.load import load as load_splits
from dlkit.errors import DlkitError
from dlkit.recipe import registry
from dlkit.recipe.components import run_plugin
from dlkit.recipe.declared_facts import check_preprocess
from dlkit.recipe.diagnostics import Diagnostic, Findings, RecipeError
from dlkit.recipe.facts import DataFacts, Feature
from dlkit.recipe.graph import Component, Graph, Tensor
from dlkit.recipe.keys import Fold, PerClass
from dlkit.recipe.load import Recipe
from dlkit.recipe.plugins import plugins_allowed
from dlkit.recipe.supervision import Supervisor
from dlkit.recipe.training_keys import Training

if TYPE_CHECKING:
    import keras

    from dlkit.models.builder import Built
    from dlkit.models.saved import SavedModels
    from dlkit.models.scaling import Scale


BY_BATCH = ("image", "audio")  # kinds of features that are preprocessed batch by batch: prepared they are larger


@dataclass(frozen=True, slots=True)
class Prepared:
    """A recipe that has met its data.

    Args:
        recipe: With the facts of the features as the network takes them.
        loaded: The splits as they were loaded: their fingerprint is one, however they are kept.
        raw: The same, kept where the recipe's `data.cache` says; saved models take them so.
        raw_features: What is known of the raw features.
        splits: The splits to train on: features that are preprocessed once are so here.
        preprocessing: The fitted layers of features, by feature.
        scales: Of the targets that are scaled.
    """

    recipe: Recipe
    loaded: Splits
    raw: Splits
    raw_features: Mapping[str, Feature]
    splits: Splits
    preprocessing: Mapping[str, keras.Model] = field(default_factory=dict)
    scales: Mapping[str, Scale] = field(default_factory=dict)

    @property
    def by_batch(self) -> dict[str, keras.Model]:
        """The layers of those features that are preprocessed batch by batch, beside the training."""
        return {name: model for name, model in self.preprocessing.items() if self.raw_features[name].kind in BY_BATCH}


@dataclass(slots=True)
class Kept:
    """The splits that were loaded last, for recipes that differ in what does not concern them."""

    asked: str = ""
    splits: tuple[Splits, Splits] | None = None

    def load(self, **arguments: Any) -> tuple[Splits, Splits]:
        """As `_load`, which is called where other splits are asked for than those that are kept."""
        asked = repr({name: value for name, value in arguments.items() if name != "declared"})
        if self.splits is None or asked != self.asked:
            self.splits = None  # not both in memory
            self.splits, self.asked = _load(**arguments), asked
        return self.splits


def prepare(recipe: Recipe, kept: Kept | None = None) -> Prepared:
    """Loads the data of a recipe, preprocesses it, and checks the recipe against it.

    Args:
        recipe: The recipe.
        kept: Has the data already, or keeps it.

    Raises:
        RecipeError: The recipe contradicts its data.
        DlkitError: The data cannot be loaded, or plugins are not allowed.
    """
    import_plugins(recipe)
    data = recipe.config.data
    declared = recipe.components.source_facts(data.source.name, data.source.arguments)
    limit: int | Mapping[str, Any] | None = (
        {"per_class": data.limit.per_class} if isinstance(data.limit, PerClass) else data.limit
    )
    loaded, splits = (kept or Kept()).load(
        source=data.source.name,
        arguments=data.source.arguments,
        declared=declared,
        features=data.features,
        targets=data.targets,
        validation=data.validation,
        test=data.test,
        limit=limit,
        fold=fold_of(recipe),
        seed=recipe.config.seed,
        cache=data.cache,
    )
    if data.batch_size == "all":
        recipe = recipe.with_value(len(splits.train), "data", "batch_size")
    raw = measure(splits, declared, batch_size_of(recipe))
    fitted, scales = fit_all(recipe, raw, splits.train)
    facts = replace(raw, features={**raw.features, **{name: known for name, (_, known) in fitted.items()}})
    if recipe.config.training.steps_per_epoch:
        facts = replace(facts, steps_per_epoch=recipe.config.training.steps_per_epoch)
    recipe = recipe.with_facts(facts)
    # What the network takes, and what it learns or is held against.
    loaded, splits = (each.select(recipe.model.inputs, list(recipe.facts.of_data)) for each in (loaded, splits))
    models = {name: model for name, (model, _) in fitted.items() if name in recipe.model.inputs}
    return Prepared(recipe, loaded, splits, raw.features, _once(splits, models, raw), models, scales)


def _load(*, source: str, arguments: Mapping[str, Any], cache: Any, **asked: Any) -> tuple[Splits, Splits]:
    """The splits as they are loaded, and as they are kept."""
    keep = (lambda splits: cached(splits, "disk")) if cache == "disk" else None
    loaded = load_splits(source, arguments, keep=keep, **asked)
    return loaded, loaded if cache == "disk" else cached(loaded, cache)


def _once(splits: Splits, models: Mapping[str, keras.Model], raw: DataFacts) -> Splits:
    """The splits with the features that are preprocessed once."""
    once = {name: model for name, model in models.items() if raw.features[name].kind not in BY_BATCH}
    if not once:
        return splits
    from dlkit.models.preprocess import preprocessed  # Keras is not needed to look at data

    return preprocessed(splits, once)


def fold_of(recipe: Recipe) -> tuple[int, int] | None:
    """The fold that a recipe holds out, and the number of folds; the first one where it does not say."""
    match recipe.config.data.folds:
        case Fold(fold=number, of=folds):
            return number, folds
        case int(folds):
            return 1, folds
    return None


def fit_all(
    recipe: Recipe, facts: DataFacts, examples: Arrays
) -> tuple[dict[str, tuple[keras.Model, Feature]], dict[str, Scale]]:
    """What `data.preprocess` asks for, fitted to the training examples: layers by feature, and scales by target."""
    findings = Findings()
    check_preprocess(recipe.resolved, facts, findings)
    findings.stop_at_errors()
    fitted, scales = {}, {}
    if recipe.config.data.preprocess:
        from dlkit.models.preprocess import fit_preprocessing
        from dlkit.models.scaling import fit_scale
    for name, components in (recipe.config.data.preprocess or {}).items():
        if name in facts.features:
            fitted[name] = fit_preprocessing(name, components, facts.features[name], examples.features[name])
        else:
            scales[name] = fit_scale(name, components, facts.targets[name], examples.targets[name])
    return fitted, scales


def import_plugins(recipe: Recipe, *, load_data: bool = True) -> None:
    """Runs the recipe's plugins, if that was allowed.

    Args:
        load_data: Whether the data are loaded then: a source may run code too, which must be allowed as well.

    Raises:
        DlkitError: The recipe has code of its own and that was not allowed (`plugins-not-allowed`), or a plugin fails.
    """
    code = [f"the plugin `{path.name}`" for path in recipe.components.files]
    source = recipe.config.data.source.name
    declaration = recipe.components.declaration("source", source)
    if load_data and declaration and declaration.declared.get("runs_code"):
        code.append(f"the function of the data source `{source}`")
    if code and not plugins_allowed(recipe.allow_plugins):
        raise DlkitError(
            f"The recipe runs code of its own: {', '.join(code)}.",
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


def build_model(prepared: Prepared, saved: SavedModels | None = None) -> Built:
    """The model of a recipe on its data's shapes, layers that learn from data before training adapted to it.

    Args:
        saved: The saved models that layers are, or take their weights from.

    Raises:
        RecipeError: Keras refuses a layer, or a saved model does not fit.
        DlkitError: A saved model cannot be loaded.
    """
    from dlkit.models.builder import build  # Keras is not needed to look at data

    recipe = prepared.recipe
    built = build(
        recipe.model,
        prepared.raw_features,
        outputs(recipe),
        recipe.name,
        prepared.raw.train.features,
        prepared.preprocessing,
        prepared.scales,
        saved,
        learner(recipe),
    )
    if recipe.config.training.fused_batch_normalization:
        _fuse(built.model, recipe)
    return built


def _fuse(model: keras.Model, recipe: Recipe) -> None:
    from dlkit.training.fused_batch_normalization import fuse_batch_normalization

    if not fuse_batch_normalization(model):
        message = "the network has no BatchNormalization of its last axis, which a kernel could compute"
        span = recipe.span_of("training.fused_batch_normalization")
        raise RecipeError([Diagnostic("unused-key", message, span, "take it out")])


def learner(recipe: Recipe) -> Callable[..., keras.Model] | None:
    """What makes the model that learns as the recipe's pattern does; None where it learns as Keras has it."""
    if recipe.pattern is None:
        return None
    from dlkit.models.instantiate import arguments_of, component_class

    plain = {name: value for name, value in arguments_of(recipe.pattern).items() if not isinstance(value, Graph)}
    return functools.partial(component_class(recipe.pattern), **plain)


def outputs(recipe: Recipe) -> dict[str, Tensor]:
    """The model's outputs by target."""
    return Supervisor(recipe.facts, Findings()).outputs(recipe.model, recipe.span_of("model"))


def custom_objects(recipe: Recipe) -> dict[str, Any]:
    """The classes of plugins, by name, that a saved model of this recipe may need."""
    found: dict[str, Any] = {}
    layers = [layer for graph in recipe.graphs.values() for layer in graph.layers.values()]
    for layer in layers:
        _add_custom(layer, recipe, found)
    if any(layer.kind == "run" for layer in layers):  # what is in it may be of the recipe's plugins too
        for plugin in recipe.components.plugins:
            if plugin.spec.kind == "layer":
                _add_custom(Component("layer", plugin.spec.name), recipe, found)
    return found


def _add_custom(component: Component, recipe: Recipe, found: dict[str, Any]) -> None:
    if recipe.components.declaration(component.kind, component.name) is not None:
        target = registry.find(component.kind, component.name).target
        found[target.__name__] = target
    for value in component.arguments.values():
        if isinstance(value, Component):
            _add_custom(value, recipe, found)


def batch_size_of(recipe: Recipe) -> int:
    """Examples of a step, over all devices, of a recipe that has met its data."""
    size = recipe.config.data.batch_size
    assert size != "all"
    return size


def best_of(recipe: Recipe, training: Training) -> tuple[str, str]:
    """The metric by which the best epoch is chosen, and its direction; the training loss where nothing is held out."""
    best = training.best
    written = "monitor" in best.model_fields_set
    monitor = best.monitor if written else recipe.pattern_says("best", best.monitor)
    if not written and not recipe.facts.validation_size:
        monitor = monitor.removeprefix("val_")
    return monitor, best.mode
