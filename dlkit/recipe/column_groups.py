"""`data.features` as a mapping: features made of columns of the source's, so that each group can be treated its own way.

    features: {ages: [age, years_of_school], work: [workclass, occupation], words: review}

A list names columns, all of one feature of the source; a word names a feature of the source, taken whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from dlkit.recipe.diagnostics import did_you_mean, listing
from dlkit.recipe.facts import Feature


@dataclass(frozen=True, slots=True)
class Group:
    """What one feature is made of.

    Args:
        feature: A feature of the source.
        indices: Its columns, in this order; None: all of it.
    """

    feature: str
    indices: tuple[int, ...] | None = None


class NoGroup(Exception):
    """What a group names is not there; `cure` says what is."""

    def __init__(self, message: str, cure: str) -> None:
        super().__init__(message)
        self.message = message
        self.cure = cure


def check_form(asked: Any, features: Mapping[str, Feature]) -> None:
    """Holds that a group is written as one.

    Raises:
        NoGroup: It is neither a word nor a list of words.
    """
    words = [asked] if isinstance(asked, str) else asked
    if not isinstance(words, list) or not words or not all(isinstance(word, str) for word in words):
        raise NoGroup("a group is the name of a feature, or a list of columns", _has(features) if features else "")


def find_group(asked: str | list[str], features: Mapping[str, Feature]) -> Group:
    """What a group is made of.

    Args:
        asked: The name of a feature or of a column, or a list of columns.
        features: The features of the source.

    Raises:
        NoGroup: There is no such feature or column, or the columns belong to several features.
    """
    if isinstance(asked, str):
        if asked in features:
            return Group(asked)
        if not any(asked in (feature.columns or ()) for feature in features.values()):
            known = [*features, *_columns(features)]
            raise NoGroup(f"the source has no feature or column `{asked}`", did_you_mean(asked, known, _has(features)))
        asked = [asked]
    holders = {column: _holder(column, features) for column in asked}
    if len(set(holders.values())) > 1:
        first, other = list(dict.fromkeys(holders.values()))[:2]
        mine, theirs = (next(column for column, holder in holders.items() if holder == one) for one in (first, other))
        raise NoGroup(
            f"`{mine}` is of `{first}` and `{theirs}` of `{other}`: a group has columns of one kind", "make two groups"
        )
    feature = holders[asked[0]]
    columns = features[feature].columns or ()
    return Group(feature, tuple(columns.index(column) for column in asked))


def grouped(group: Group, features: Mapping[str, Feature]) -> Feature:
    """What is known of a group."""
    feature = features[group.feature]
    if group.indices is None:
        return feature
    columns = tuple((feature.columns or ())[index] for index in group.indices)
    return replace(feature, shape=(len(columns),), columns=columns)


def _holder(column: str, features: Mapping[str, Feature]) -> str:
    for name, feature in features.items():
        if column in (feature.columns or ()):
            return name
    raise NoGroup(f"the source has no column `{column}`", did_you_mean(column, _columns(features), _has(features)))


def _columns(features: Mapping[str, Feature]) -> list[str]:
    return [column for feature in features.values() for column in feature.columns or ()]


def _has(features: Mapping[str, Feature]) -> str:
    return f"it has {listing([*features, *_columns(features)])}"
