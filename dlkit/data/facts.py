"""What the loaded examples tell: the facts that a source's declaration leaves open."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from dlkit.data.arrays import Arrays, Splits, Values
from dlkit.data.columns import Column
from dlkit.errors import DlkitError
from dlkit.recipe.facts import DataFacts, Feature, Target


def measure(splits: Splits, declared: DataFacts, batch_size: int) -> DataFacts:
    """Completes the declared facts of the features and targets that were loaded, in their order.

    Args:
        splits: The loaded examples.
        declared: What the source declares; `splits.facts` stands before it, and features and targets that were not
            loaded are left out.
        batch_size: Examples of one step, over all replicas.

    Raises:
        DlkitError: What was loaded contradicts what the source declares, or the splits differ among themselves.
    """
    parts = splits.named()
    for name, arrays in parts.items():
        _check_alike(name, arrays, splits.train)
    train = splits.train
    told = declared if splits.facts is None else declared.updated(_agreeing(splits.facts, declared))
    return DataFacts(
        features={name: _feature(name, values, told) for name, values in train.features.items()},
        targets={name: _target(name, [part.targets[name] for part in parts.values()], told) for name in train.targets},
        train_size=len(train),
        validation_size=len(splits.validation) if splits.validation else 0,
        test_size=len(splits.test) if splits.test else 0,
        steps_per_epoch=math.ceil(len(train) / batch_size),
    )


def type_name(values: Values) -> str:
    """NumPy's name of a type, as `uint8`; `string` for texts."""
    return "string" if values.dtype.hasobject else values.dtype.name


def _check_alike(split: str, arrays: Arrays, train: Arrays) -> None:
    for role in ("features", "targets"):
        ours, theirs = (
            {name: (values.shape[1:], type_name(values)) for name, values in getattr(part, role).items()}
            for part in (arrays, train)
        )
        if ours != theirs:
            raise _contradiction(f"the {role} of the {split} split are {ours}, those of the training split {theirs}")


def _contradiction(found: str) -> DlkitError:
    return DlkitError(
        f"The data source: {found}", "correct the source, or what its @register declares", code="data-contradiction"
    )


def _agreeing(known: DataFacts, declared: DataFacts) -> DataFacts:
    """What a source knows after loading, if it is what it declares or a part of it."""
    for name, feature in known.features.items():
        before = declared.features.get(name, feature)
        _check_kind(name, feature, before)
        strange = [column for column in feature.columns or () if before.columns and column not in before.columns]
        if strange:
            raise _contradiction(f"`{name}` was loaded with columns that are not declared: {', '.join(strange)}")
    for name, target in known.targets.items():
        _check_kind(name, target, declared.targets.get(name, target))
    return known


def _check_kind(name: str, known: Feature | Target, declared: Feature | Target) -> None:
    if known.kind != declared.kind:
        raise _contradiction(f"`{name}` is declared as {declared.kind} and was loaded as {known.kind}")


def _check_declared(name: str, values: Values, declared: Feature | Target) -> None:
    shape, dtype = values.shape[1:], type_name(values)
    if dtype != declared.dtype:
        raise _contradiction(f"`{name}` is declared as {declared.dtype} and was loaded as {dtype}")
    wanted = declared.shape
    if wanted is not None and (
        len(wanted) != len(shape) or any(w not in (None, s) for w, s in zip(wanted, shape, strict=True))
    ):
        raise _contradiction(
            f"an example of `{name}` is declared with shape {wanted} and was loaded with shape {shape}"
        )


def _feature(name: str, values: Values, declared: DataFacts) -> Feature:
    if name not in declared.features:
        raise _contradiction(f"the feature `{name}` was loaded and is not declared")
    feature = declared.features[name]
    _check_declared(name, values, feature)
    if feature.maximum is not None and not isinstance(values, Column):  # to read a whole column takes its time
        lowest, highest = values.min(), values.max()
        if not 0 <= lowest <= highest <= feature.maximum:
            raise _contradiction(
                f"`{name}` has values {lowest} to {highest}, where 0 to {feature.maximum} are declared"
            )
    entries = values.shape[2:] if feature.kind == "sequence" else values.shape[1:]
    if feature.columns is not None and entries != (len(feature.columns),):
        raise _contradiction(f"`{name}` has {len(feature.columns)} columns and examples of shape {values.shape[1:]}")
    return replace(feature, shape=values.shape[1:])


def _target(name: str, parts: list[Values], declared: DataFacts) -> Target:
    if name not in declared.targets:
        raise _contradiction(f"the target `{name}` was loaded and is not declared")
    target = declared.targets[name]
    _check_declared(name, parts[0], target)
    if target.kind != "classes" or isinstance(parts[0], Column):
        return replace(target, shape=parts[0].shape[1:])
    lowest, highest = min(int(np.min(part)) for part in parts), max(int(np.max(part)) for part in parts)
    classes = highest + 1 if target.classes is None else target.classes
    if lowest < 0 or highest >= classes:
        raise _contradiction(f"`{name}` has classes {lowest} to {highest}, where 0 to {classes - 1} are declared")
    if target.labels is not None and len(target.labels) != classes:
        raise _contradiction(f"`{name}` has {classes} classes and {len(target.labels)} labels")
    return replace(target, shape=parts[0].shape[1:], classes=classes)
