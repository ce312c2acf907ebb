"""What arrays without a description mean: their splits are told by their names, their kinds by shapes and types.

x_train, y_train, x_test, y_test      Keras's names
x, y                                  one split
train_images, train_labels            other words, before or behind
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from dlkit.data.arrays import Arrays, Splits, Values
from dlkit.data.reading.kinds import FEATURE_KINDS, TARGET_KINDS, read_feature, read_target
from dlkit.data.reading.problems import Problems
from dlkit.data.reading.values import Found
from dlkit.errors import DlkitError
from dlkit.recipe.diagnostics import did_you_mean, listing
from dlkit.recipe.facts import DataFacts, Feature, Target

FEATURES = ("x", "image", "images", "data", "features", "inputs")
TARGETS = ("y", "label", "labels", "target", "targets")
LABEL_NAMES = ("label_names", "class_names")
_SPLITS = {"train": "train", "validation": "validation", "valid": "validation", "val": "validation", "test": "test"}
_WORDS = "|".join(_SPLITS)
_NAME = re.compile(rf"(?:(?P<before>{_WORDS})_)?(?P<name>.+?)(?:_(?P<behind>{_WORDS}))?", re.DOTALL)
_FIELD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True)
class Said:
    """What a recipe says of the arrays of a source.

    Args:
        features: The names of the features, without those of the splits; None to tell them by their names.
        targets: The names of the targets; None to tell them by their names.
        kinds: The kind of a feature or target, where its shape and type would tell another one.
        labels: The names of the classes, in the order of their numbers.
    """

    features: Sequence[str] | None = None
    targets: Sequence[str] | None = None
    kinds: Mapping[str, str] = field(default_factory=dict)
    labels: Sequence[str] | None = None


@dataclass(frozen=True)
class Plan:
    """Which array is which: by feature and by target, the name of its array in every split."""

    features: dict[str, dict[str, str]]
    targets: dict[str, dict[str, str]]
    label_names: str | None = None

    def names(self) -> list[str]:
        """The arrays that are to be read."""
        groups = (*self.features.values(), *self.targets.values())
        return [name for group in groups for name in group.values()] + ([self.label_names] if self.label_names else [])


def plan(names: Iterable[str], said: Said, place: str) -> Plan:
    """Tells features and targets from the names of the arrays.

    Args:
        names: The names of all arrays.
        said: What the recipe says; a feature or target that it names must be there.
        place: Where the arrays are from, for messages.

    Raises:
        DlkitError: The names do not tell, contradict each other, or what the recipe names is not there.
    """
    by_name: dict[str, dict[str, str]] = {}
    for whole in names:
        name, split = _split_of(whole)
        other = by_name.setdefault(name, {}).setdefault(split, whole)
        if other != whole:
            raise DlkitError(
                f"{place}: `{other}` and `{whole}` are both the {split} split of `{name}`", "leave one of them out"
            )
    if said.features is None and said.targets is None:
        unknown = [name for name in by_name if name not in (*FEATURES, *TARGETS, *LABEL_NAMES)]
        if unknown or not any(name in FEATURES for name in by_name):
            raise DlkitError(
                f"{place}: it cannot be told which of {listing(by_name)} are features and which are targets",
                "name them: `features: [...]` and `targets: [...]`, without `_train` and `_test`",
            )
    features = _chosen("features", said.features, FEATURES, by_name, place)
    targets = _chosen("targets", said.targets, TARGETS, by_name, place)
    if not features:
        raise DlkitError(f"{place}: there is no feature", "name one at least: `features: [...]`")
    if said.labels is not None and len(targets) > 1:
        raise DlkitError(
            f"{place}: `labels` names the classes of one target, and there are {listing(targets)}",
            "leave one target: `targets: [...]`",
        )
    labels = [group["train"] for name, group in by_name.items() if name in LABEL_NAMES and "train" in group]
    return Plan(features, targets, labels[0] if labels and targets else None)


def _split_of(whole: str) -> tuple[str, str]:
    """The name of an array without that of its split, and the split: `x_val` is `x` of `validation`."""
    found = _NAME.fullmatch(whole)
    if found is None or bool(found["before"]) == bool(found["behind"]):
        return whole, "train"
    return found["name"], _SPLITS[found["before"] or found["behind"]]


def _chosen(
    key: str, asked: Sequence[str] | None, usual: Sequence[str], known: Mapping[str, dict[str, str]], place: str
) -> dict[str, dict[str, str]]:
    if asked is None:
        asked = [name for name in known if name in usual]
    for name in asked:
        if name not in known:
            raise DlkitError(
                f"`{key}`: {place} has no array `{name}`",
                did_you_mean(name, known, otherwise=f"it has {listing(known)}"),
            )
    return {name: known[name] for name in dict.fromkeys(asked)}


def as_splits(planned: Plan, arrays: Mapping[str, Values], said: Said, place: Callable[[str], str]) -> Splits:
    """Splits with the facts that the arrays tell.

    Args:
        planned: Which array is which.
        arrays: The arrays by name.
        said: What the recipe says.
        place: What messages call an array.

    Raises:
        DlkitError: An array is of no kind that can be learned from, some differ in length, or splits in shape.
    """
    import numpy as np

    problems = Problems()
    _check_names(planned, place, problems)
    problems.raise_any()
    _check_kinds(said.kinds, planned)
    found: dict[str, dict[str, Values]] = {}
    features: dict[str, Feature] = {}
    targets: dict[str, Target] = {}
    labels = said.labels
    if labels is None and planned.label_names is not None:
        labels = [str(label) for label in np.asarray(arrays[planned.label_names])]
    for name, group in planned.features.items():
        with problems.noted():
            found[name], features[name] = read_feature(_found(name, group, arrays, place), said.kinds.get(name))
    for name, group in planned.targets.items():
        with problems.noted():
            found[name], targets[name] = read_target(_found(name, group, arrays, place), said.kinds.get(name), labels)
    problems.raise_any()
    _check_lengths(planned, arrays, place, problems)
    problems.raise_any()
    parts = {split: Arrays(_part(found, features, split), _part(found, targets, split)) for split in _there(planned)}
    return Splits(
        parts["train"], parts.get("validation"), parts.get("test"), facts=DataFacts(features=features, targets=targets)
    )


def _found(name: str, group: Mapping[str, str], arrays: Mapping[str, Values], place: Callable[[str], str]) -> Found:
    return Found(
        {split: arrays[whole] for split, whole in group.items()},
        {split: place(whole) for split, whole in group.items()},
        name,
    )


def _part(found: Mapping[str, dict[str, Values]], names: Iterable[str], split: str) -> dict[str, Values]:
    return {name: found[name][split] for name in names}


def _there(planned: Plan) -> list[str]:
    """The splits of the first feature; all others have the same."""
    return list(next(iter(planned.features.values())))


def _check_names(planned: Plan, place: Callable[[str], str], problems: Problems) -> None:
    for name, group in {**planned.features, **planned.targets}.items():
        first = place(next(iter(group.values())))
        if name in planned.features and name in planned.targets:
            problems.add(f"{first}: `{name}` cannot be both a feature and a target", "name each array once")
        if not _FIELD.fullmatch(name):
            problems.add(
                f"{first}: `{name}` is no name for a feature or a target",
                "name the array with letters, digits and underscores",
            )


def _check_kinds(kinds: Mapping[str, str], planned: Plan) -> None:
    for name, kind in kinds.items():
        known = FEATURE_KINDS if name in planned.features else TARGET_KINDS if name in planned.targets else None
        if known is None:
            every = [*planned.features, *planned.targets]
            raise DlkitError(
                f"`kinds`: there is no feature or target `{name}`",
                did_you_mean(name, every, otherwise=f"there are {listing(every)}"),
            )
        if kind not in known:
            raise DlkitError(
                f"`kinds`: `{name}` cannot be of the kind `{kind}`",
                did_you_mean(str(kind), known, otherwise=f"it can be {listing(known)}"),
            )


def _check_lengths(
    planned: Plan, arrays: Mapping[str, Values], place: Callable[[str], str], problems: Problems
) -> None:
    """Every split has every feature and every target, all of one length."""
    groups = [*planned.features.values(), *planned.targets.values()]
    splits = dict.fromkeys(split for group in groups for split in group)
    for split in splits:
        lengths = {place(group[split]): len(arrays[group[split]]) for group in groups if split in group}
        lacking = [name for name, group in {**planned.features, **planned.targets}.items() if split not in group]
        if lacking:
            problems.add(
                f"{next(iter(lengths))}: the {split} split has no {listing(lacking)}", "give every split all arrays"
            )
        elif len(set(lengths.values())) > 1:
            told = ", ".join(f"{name} {length:,}" for name, length in lengths.items())
            problems.add(f"The arrays of the {split} split differ in length: {told}", "give every example all values")
    if "train" not in splits:
        problems.add("there is no training split", "call its arrays `x_train`, or just `x`")
