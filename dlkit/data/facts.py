"""What the loaded examples tell: the facts that a source's declaration leaves open, and a fingerprint of every byte."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import replace

import numpy as np

from dlkit.data.arrays import Arrays, Splits
from dlkit.errors import DlkitError
from dlkit.recipe.facts import DataFacts, Feature, Target


def measure(splits: Splits, declared: DataFacts, batch_size: int) -> DataFacts:
    """Completes the declared facts of the features and targets that were loaded, in their order.

    Args:
        splits: The loaded examples.
        declared: What the source declares; features and targets that were not loaded are left out.
        batch_size: Examples of one step, over all replicas.

    Raises:
        DlkitError: What was loaded contradicts what the source declares, or the splits differ among themselves.
    """
    parts = splits.named()
    for name, arrays in parts.items():
        _check_alike(name, arrays, splits.train)
    train = splits.train
    return DataFacts(
        features={name: _feature(name, array, declared, splits) for name, array in train.features.items()},
        targets={
            name: _target(name, [part.targets[name] for part in parts.values()], declared, splits.labels.get(name))
            for name in train.targets
        },
        train_size=len(train),
        validation_size=len(splits.validation) if splits.validation else 0,
        test_size=len(splits.test) if splits.test else 0,
        steps_per_epoch=math.ceil(len(train) / batch_size),
    )


def fingerprint(splits: Splits) -> str:
    """SHA-256, in hexadecimal, over the names, types, shapes and bytes of all arrays; their order does not count."""
    digest = hashlib.sha256()
    for split, arrays in splits.named().items():
        for role, group in (("feature", arrays.features), ("target", arrays.targets)):
            for name, array in sorted(group.items()):
                if array.dtype.hasobject:
                    raise TypeError(
                        f"An array of Python objects has no bytes of its own. Received: {name} of dtype {array.dtype}"
                    )
                digest.update(json.dumps([split, role, name, array.dtype.str, array.shape]).encode() + b"\n")
                digest.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


def _check_alike(split: str, arrays: Arrays, train: Arrays) -> None:
    for role in ("features", "targets"):
        ours, theirs = (
            {name: (array.shape[1:], array.dtype.name) for name, array in getattr(part, role).items()}
            for part in (arrays, train)
        )
        if ours != theirs:
            raise _contradiction(f"the {role} of the {split} split are {ours}, those of the training split {theirs}")


def _contradiction(found: str) -> DlkitError:
    return DlkitError(
        f"The data source: {found}", "correct the source, or what its @register declares", code="data-contradiction"
    )


def _check_declared(name: str, array: np.ndarray, declared: Feature | Target) -> None:
    shape, dtype = array.shape[1:], array.dtype.name
    if dtype != declared.dtype:
        raise _contradiction(f"`{name}` is declared as {declared.dtype} and was loaded as {dtype}")
    wanted = declared.shape
    if wanted is not None and (
        len(wanted) != len(shape) or any(w not in (None, s) for w, s in zip(wanted, shape, strict=True))
    ):
        raise _contradiction(
            f"an example of `{name}` is declared with shape {wanted} and was loaded with shape {shape}"
        )


def _feature(name: str, array: np.ndarray, declared: DataFacts, splits: Splits) -> Feature:
    if name not in declared.features:
        raise _contradiction(f"the feature `{name}` was loaded and is not declared")
    feature = declared.features[name]
    columns = splits.columns.get(name, feature.columns)
    if columns is not None and columns != feature.columns:
        feature = _narrowed(name, feature, columns)
    _check_declared(name, array, feature)
    if feature.maximum is not None and not 0 <= array.min() <= array.max() <= feature.maximum:
        raise _contradiction(
            f"`{name}` has values {array.min()} to {array.max()}, where 0 to {feature.maximum} are declared"
        )
    if columns is not None and array.shape[1:] != (len(columns),):
        raise _contradiction(f"`{name}` has {len(columns)} columns and examples of shape {array.shape[1:]}")
    return replace(feature, shape=array.shape[1:], columns=columns)


def _narrowed(name: str, feature: Feature, columns: tuple[str, ...]) -> Feature:
    """The declaration of a vector of which the source's arguments chose some columns."""
    unknown = [column for column in columns if feature.columns is not None and column not in feature.columns]
    if unknown:
        raise _contradiction(f"`{name}` was loaded with columns that are not declared: {', '.join(unknown)}")
    return replace(feature, shape=(len(columns),), columns=columns)


def _target(name: str, parts: list[np.ndarray], declared: DataFacts, labels: tuple[str, ...] | None) -> Target:
    if name not in declared.targets:
        raise _contradiction(f"the target `{name}` was loaded and is not declared")
    target = declared.targets[name]
    _check_declared(name, parts[0], target)
    if target.kind != "classes":
        return replace(target, shape=parts[0].shape[1:])
    if labels is not None:
        target = replace(target, labels=labels, classes=len(labels))
    lowest, highest = min(int(part.min()) for part in parts), max(int(part.max()) for part in parts)
    classes = highest + 1 if target.classes is None else target.classes
    if lowest < 0 or highest >= classes:
        raise _contradiction(f"`{name}` has classes {lowest} to {highest}, where 0 to {classes - 1} are declared")
    if target.labels is not None and len(target.labels) != classes:
        raise _contradiction(f"`{name}` has {classes} classes and {len(target.labels)} labels")
    return replace(target, shape=parts[0].shape[1:], classes=classes)
