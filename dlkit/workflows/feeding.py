"""From a recipe that has met its data to the batches that its model is given."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np

from dlkit.data.arrays import Arrays
from dlkit.data.augment import Augment, Change, FunctionChange, LayerChange, Tensors
from dlkit.data.class_weight import class_weights
from dlkit.data.feed import Feed
from dlkit.errors import DlkitError
from dlkit.models.instantiate import component_class, instantiate
from dlkit.models.preprocess import PREPROCESS
from dlkit.recipe import registry
from dlkit.recipe.augmenting import Augmentation
from dlkit.recipe.class_targets import class_target
from dlkit.recipe.load import Recipe
from dlkit.recipe.supervision import Supervision
from dlkit.training.devices import Devices
from dlkit.workflows.preparation import Prepared, batch_size_of

Supervisions = Mapping[str, Supervision]
_AT_ONCE = 1024  # examples


def train_feed(
    prepared: Prepared,
    steps_per_epoch: int | None = None,
    *,
    supervisions: Supervisions | None = None,
    devices: Devices | None = None,
) -> Feed:
    """The training examples in their order of each epoch: augmented, weighted and balanced as the recipe says.

    Args:
        steps_per_epoch: Batches of an epoch, where it is not one pass.
        supervisions: What outputs are held against, where a stage has its own.
        devices: What shares every batch.

    Raises:
        DlkitError: An augmentation does not fit its feature.
    """
    recipe, train = prepared.recipe, prepared.splits.train
    data = recipe.config.data
    return Feed(
        train,
        batch_size=batch_size_of(recipe),
        seed=recipe.config.seed,
        shuffle=bool(data.shuffle),
        balance=class_target(recipe.facts) if data.shuffle == "balanced" else None,
        steps_per_epoch=steps_per_epoch,
        shares=_shares(recipe, supervisions),
        prepare=_prepare(prepared),
        augment=augment(recipe),
        answers=_given_back if learns_inputs(recipe) else None,
        class_weight=_class_weight(recipe, train),
        **_shared(devices),
    )


def plain_feed(
    prepared: Prepared, split: Arrays, *, supervisions: Supervisions | None = None, devices: Devices | None = None
) -> Feed:
    """Examples of `prepared.splits` for a model in training to be measured with, in their own order and as they are."""
    recipe = prepared.recipe
    answers = _given_back if learns_inputs(recipe) else None
    return _measuring(recipe, split, _prepare(prepared), answers, supervisions, devices)


def raw_feed(recipe: Recipe, split: Arrays, model: keras.Model) -> Feed:
    """Raw examples for a saved model to be measured with: it preprocesses them itself."""
    return _measuring(recipe, split, None, answers_of(recipe, model))


def answers_of(recipe: Recipe, model: keras.Model) -> Callable[[Tensors], Tensors] | None:
    """What makes the targets of a saved model out of its raw features, where it learned to give them back.

    It was given them preprocessed, by layers that the saved model begins with.
    """
    if not learns_inputs(recipe):
        return None
    first = {layer.name: layer for layer in model.layers}
    before = {name: first.get(f"{PREPROCESS}{name}", _as_numbers) for name in recipe.supervisions}
    return lambda x: {name: prepare(x[name]) for name, prepare in before.items()}


def answers_over(arrays: Arrays, answers: Callable[[Tensors], Tensors]) -> dict[str, np.ndarray]:
    """The targets that `answers` makes, of all examples, in their order."""
    feed = Feed(Arrays(arrays.features, {}), batch_size=_AT_ONCE, shuffle=False, answers=answers)
    batches = [y if isinstance(y, dict) else dict.fromkeys(arrays.features, y) for _, y in feed]
    return {name: np.concatenate([keras.ops.convert_to_numpy(y[name]) for y in batches]) for name in batches[0]}


def learns_inputs(recipe: Recipe) -> bool:
    """Whether the network learns to give back what it is given."""
    return any(target.kind == "inputs" for target in recipe.facts.targets.values())


def _given_back(x: Tensors) -> Tensors:
    return {name: _as_numbers(values) for name, values in x.items()}


def _as_numbers(values: Any) -> Any:
    return keras.ops.cast(values, "float32")


def _measuring(
    recipe: Recipe,
    split: Arrays,
    prepare: Callable[[Tensors], Tensors] | None,
    answers: Callable[[Tensors], Tensors] | None = None,
    supervisions: Supervisions | None = None,
    devices: Devices | None = None,
) -> Feed:
    return Feed(
        split,
        batch_size=batch_size_of(recipe),
        shuffle=False,
        answers=answers,
        shares=_shares(recipe, supervisions),
        prepare=prepare,
        **_shared(devices),
    )


def _shared(devices: Devices | None) -> dict[str, Any]:
    return {"at_least": devices.replicas, "shard": devices.shard} if devices else {}


def _prepare(prepared: Prepared) -> Callable[[Tensors], Tensors] | None:
    """What preprocesses batches, where a feature is not preprocessed once."""
    models = prepared.by_batch
    return (lambda x: {**x, **{name: model(x[name]) for name, model in models.items()}}) if models else None


def augment(recipe: Recipe) -> Augment | None:
    """The recipe's augmentations; None where it has none.

    Raises:
        DlkitError: Keras refuses the arguments of a layer.
    """
    changes = [_change(found, recipe) for found in recipe.augmentations]
    return Augment(changes) if changes else None


def _change(found: Augmentation, recipe: Recipe) -> Change:
    component = found.component
    place = f"{found.place}: {component.name}"
    if component.kind == "augmentation":
        function = registry.find("augmentation", component.name).target
        return FunctionChange(functools.partial(function, **component.arguments), found.features, place)
    mixed = class_target(recipe.facts) if found.mixes else None
    try:
        # In float32 whatever the precision of training: pixels need more than the 8 bits of bfloat16.
        layer = instantiate(component, **{"dtype": "float32", **_value_range(found, recipe), **component.arguments})
    except (ValueError, TypeError) as error:
        reason = str(error).strip().split("\n")[0]
        raise DlkitError(f"`{place}`: Keras refuses its arguments: {reason}", code="cannot-augment") from error
    return LayerChange(layer, found.features, place, mixed=mixed)


def _value_range(found: Augmentation, recipe: Recipe) -> dict[str, Any]:
    """What pixels range over, where the layer asks for it and the data tells that it is not Keras's 0 to 255."""
    maxima = {recipe.facts.features[name].maximum for name in found.features}
    takes = "value_range" in inspect.signature(component_class(found.component)).parameters
    (maximum,) = maxima if len(maxima) == 1 else (None,)
    return {"value_range": [0, maximum]} if takes and maximum else {}


def _shares(recipe: Recipe, supervisions: Supervisions | None) -> dict[str, int]:
    """The targets that are handed over as shares of their classes, since labels are mixed or smoothed."""
    found = recipe.supervisions if supervisions is None else supervisions
    return {name: each.shares for name, each in found.items() if each.shares is not None}


def _class_weight(recipe: Recipe, train: Arrays) -> dict[str, np.ndarray]:
    wanted = recipe.config.data.class_weight
    target = class_target(recipe.facts)
    if wanted is None or target is None:
        return {}
    return {target: class_weights(wanted, np.asarray(train.targets[target]), recipe.facts.targets[target])}
