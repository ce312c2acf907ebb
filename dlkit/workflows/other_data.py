"""Other data of a recipe's source: another folder, another file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from dlkit.data.arrays import Arrays, Splits, joined
from dlkit.data.facts import type_name
from dlkit.data.load import call, group_columns
from dlkit.errors import DlkitError
from dlkit.recipe.diagnostics import listing
from dlkit.recipe.facts import DataFacts, Feature, Target
from dlkit.recipe.load import Recipe


def other_examples(recipe: Recipe, features: Mapping[str, Feature], path: str | Path) -> Arrays:
    """All examples of other data, as the recipe's source reads them from there: its splits together.

    Args:
        recipe: With the facts of its own data.
        features: What is known of the raw features of its own data.
        path: Stands for the source's argument `path`; arguments that name other files of the same data are left out.

    Returns:
        Examples with the recipe's features and targets; classes have the recipe's numbers.

    Raises:
        DlkitError: The source has no `path`, the data cannot be read, or it is of another form.
    """
    data, facts = recipe.config.data, replace(recipe.facts, features=features, targets=recipe.facts.of_data)
    source = data.source
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
    if isinstance(data.features, Mapping):
        declared = recipe.components.source_facts(source.name, source.arguments)
        loaded = group_columns(loaded, data.features, declared.updated(loaded.facts or declared))
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
