"""Loads what a recipe's `data` section asks for: source, features and targets, splits, limit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dlkit.data.arrays import Splits
from dlkit.data.split import Fold, split
from dlkit.errors import DlkitError
from dlkit.recipe.diagnostics import did_you_mean, listing
from dlkit.recipe.facts import DataFacts
from dlkit.recipe.registry import find


def load(
    source: str,
    arguments: Mapping[str, Any],
    *,
    declared: DataFacts,
    features: Sequence[str] | None = None,
    targets: Sequence[str] | None = None,
    validation: float | int = 0.1,
    test: float | int | None = None,
    limit: int | Mapping[str, Any] | None = None,
    fold: tuple[int, int] | None = None,
    seed: int,
) -> Splits:
    """Calls a source and cuts what it hands over into splits.

    Args:
        source: The name of a registered source.
        arguments: Its arguments.
        declared: What it declares. The splits are stratified by its first default target, if that is one of classes,
            whichever targets are chosen: recipes that learn different targets of one source share their splits.
        features: The features to keep, in this order; None keeps all that were loaded.
        targets: The targets to keep; None keeps those that are learned by default.
        validation: See `split`.
        test: See `split`.
        limit: See `split`.
        fold: The number of a fold, from 1, and the number of folds. It is the test split where the source has none and
            `test` asks for none, else the validation split.
        seed: See `split`.

    Raises:
        DlkitError: The source, a feature or a target is unknown, the source could not read its data, or the splits
            asked for are impossible.
    """
    loaded = call(source, arguments)
    _check_names("features", features, loaded.train.features, source)
    _check_names("targets", targets, loaded.train.targets, source)
    known = declared if loaded.facts is None else declared.updated(loaded.facts)
    defaults = [name for name in loaded.train.targets if name not in known.targets or known.targets[name].default]
    first = known.targets.get(defaults[0]) if defaults and len(loaded.train.targets[defaults[0]].shape) == 1 else None
    cut = split(
        loaded.select(features),
        stratify=defaults[0] if first is not None and first.kind == "classes" else None,
        validation=validation,
        test=test,
        limit=limit,
        fold=Fold(*fold, "test" if loaded.test is None and test is None else "validation") if fold else None,
        seed=seed,
    )
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


def _check_names(key: str, asked: Sequence[str] | None, known: Mapping[str, Any], source: str) -> None:
    for name in asked or ():
        if name not in known:
            cure = did_you_mean(name, known, otherwise=f"it has {listing(known)}")
            raise DlkitError(f"`data.{key}`: {source} has no {key[:-1]} `{name}`", cure, code=f"unknown-{key[:-1]}")
