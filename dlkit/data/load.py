"""Loads what a recipe's `data` section asks for: source, features and targets, splits, limit."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from dlkit.data.arrays import Arrays, Splits
from dlkit.data.split import Fold, split
from dlkit.errors import DlkitError
from dlkit.recipe.column_groups import NoGroup, find_group, grouped
from dlkit.recipe.diagnostics import did_you_mean, listing
from dlkit.recipe.facts import DataFacts
from dlkit.recipe.registry import find


def load(
    source: str,
    arguments: Mapping[str, Any],
    *,
    declared: DataFacts,
    features: Sequence[str] | Mapping[str, Any] | None = None,
    targets: Sequence[str] | None = None,
    validation: float | int = 0.1,
    test: float | int | None = None,
    limit: int | Mapping[str, Any] | None = None,
    fold: tuple[int, int] | None = None,
    keep: Callable[[Splits], Splits] | None = None,
    seed: int,
) -> Splits:
    """Calls a source and cuts what it hands over into splits.

    Args:
        source: The name of a registered source.
        arguments: Its arguments.
        declared: What it declares. The splits are stratified by its first default target, if that is one of classes,
            whichever targets are chosen: recipes that learn different targets of one source share their splits.
        features: The features to keep, in this order, or features made of columns (`column_groups`); None keeps all
            that were loaded.
        targets: The targets to keep; None keeps those that are learned by default.
        validation: See `split`.
        test: See `split`.
        limit: See `split`.
        fold: The number of a fold, from 1, and the number of folds. It is the test split where the source has none and
            `test` asks for none, else the validation split, and then the test examples are left out.
        keep: What is done with the examples before they are split, as to keep them on disk.
        seed: See `split`.

    Raises:
        DlkitError: The source, a feature or a target is unknown, the source could not read its data, or the splits
            asked for are impossible.
    """
    loaded = call(source, arguments)
    loaded = keep(loaded) if keep else loaded
    known = declared if loaded.facts is None else declared.updated(loaded.facts)
    if isinstance(features, Mapping):
        loaded = group_columns(loaded, features, known)
    else:
        _check_names("features", features, loaded.train.features, source)
        loaded = loaded.select(features)
    _check_names("targets", targets, loaded.train.targets, source)
    defaults = [name for name in loaded.train.targets if name not in known.targets or known.targets[name].default]
    first = known.targets.get(defaults[0]) if defaults and len(loaded.train.targets[defaults[0]].shape) == 1 else None
    held_out = "test" if loaded.test is None and test is None else "validation"
    cut = split(
        loaded,
        stratify=defaults[0] if first is not None and first.kind == "classes" else None,
        validation=validation,
        test=test,
        limit=limit,
        fold=Fold(*fold, held_out) if fold else None,
        seed=seed,
    )
    if fold and held_out == "validation":
        cut = replace(cut, test=None)  # such folds are there to choose by: they must not see the test examples
    return cut.select(targets=defaults if targets is None else targets)


def call(source: str, arguments: Mapping[str, Any]) -> Splits:
    """What a source hands over, as it is.

    Raises:
        DlkitError: The source is unknown, or could not read its data.
    """
    try:
        registered = find("source", source)
    except KeyError:
        raise DlkitError(f"there is no data source `{source}`", code="unknown-source") from None
    loaded = registered.target(**arguments)
    if not isinstance(loaded, Splits):
        raise TypeError(f"The data source `{source}` must return dlkit.data.arrays.Splits. Received: {type(loaded)}")
    return loaded


def group_columns(loaded: Splits, groups: Mapping[str, Any], known: DataFacts) -> Splits:
    """The splits with features made of columns (see `dlkit.recipe.column_groups`).

    Raises:
        DlkitError: A group names what the source does not have; all of them are told.
    """
    found, problems = {}, []
    for name, asked in groups.items():
        try:
            found[name] = find_group(asked, known.features)
        except NoGroup as error:
            problems.append(f"`data.features.{name}`: {error.message}; {error.cure}")
    if problems:
        raise DlkitError("\n".join(problems), code="unknown-feature")
    parts = {
        split: Arrays(
            {
                name: values if (indices := group.indices) is None else np.asarray(values)[:, list(indices)]
                for name, group in found.items()
                for values in (part.features[group.feature],)
            },
            part.targets,
        )
        for split, part in loaded.named().items()
    }
    facts = DataFacts({name: grouped(group, known.features) for name, group in found.items()}, known.targets)
    return replace(loaded.replace(parts), facts=facts)


def _check_names(key: str, asked: Sequence[str] | None, known: Mapping[str, Any], source: str) -> None:
    for name in asked or ():
        if name not in known:
            cure = did_you_mean(name, known, otherwise=f"it has {listing(known)}")
            raise DlkitError(f"`data.{key}`: {source} has no {key[:-1]} `{name}`", cure, code=f"unknown-{key[:-1]}")
