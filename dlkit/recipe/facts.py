"""What is known of a data set: its features, its targets, its sizes.

A source declares its facts beside its function, so that a recipe can be checked without loading any data; loading
fills in what the declaration left open. Recipes read facts as ``$data.classes`` or ``$data.features.image.shape``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

FeatureKind = Literal["image", "vector", "number", "category", "text", "sequence", "audio"]
TargetKind = Literal["classes", "multi_label", "number", "sequence", "inputs"]

# Tokens of a `sequence` target: the number of what fills it up, and the labels of what begins and ends it.
PADDING, START, END = 0, "<start>", "<end>"


@dataclass(frozen=True, slots=True)
class Feature:
    """One input of a model, as the source hands it over, before any preprocessing.

    Args:
        kind: What the values mean.
        shape: Shape of one example, without the batch axis; None where it is not known before loading.
        dtype: NumPy's name of the type of the raw values, as `uint8`.
        vocabulary_size: Number of distinct tokens or categories, where there is one.
        columns: Names of the entries of a vector, or of each step of a sequence of vectors, in order.
        maximum: The largest value, where it is not that of the type, as the 16 of pixels with 17 shades.
        missing: The words that stand for a missing value in a file; None where none may be missing.
        decimal: What stands before the decimals of a number in a file, a point or a comma.
        sample_rate: Values a second of a sound.
        teacher_forcing: The target whose tokens it holds one place later, after `<start>`: given in training only, while a
            trained model is given the tokens that it wrote itself.
    """

    kind: FeatureKind
    shape: tuple[int | None, ...] | None = None
    dtype: str = "float32"
    vocabulary_size: int | None = None
    columns: tuple[str, ...] | None = None
    maximum: int | None = None
    missing: tuple[str, ...] | None = None
    sample_rate: int | None = None
    teacher_forcing: str | None = None
    decimal: str = "."


@dataclass(frozen=True, slots=True)
class Continues:
    """The series that a target goes on with.

    Args:
        feature: The feature that holds its last steps, of shape (history, variables).
        columns: The variables of the target, as places among those of the feature.
        offset: Steps between the last one of the feature and the first one of the target.
    """

    feature: str
    columns: tuple[int, ...]
    offset: int = 0


@dataclass(frozen=True, slots=True)
class Target:
    """One thing to predict.

    Args:
        kind: `classes`: an integer class of one of `classes`; `multi_label`: a 0/1 vector; `number`: real values;
            `sequence`: class numbers that end in zeros, which are none of them;
            `inputs`: what the network is given, for a pattern that learns to give it back.
        shape: Shape of one example's target, without the batch axis.
        dtype: NumPy's name of the type.
        classes: Number of classes (or labels of a `multi_label` target).
        labels: The names of the classes, in the order of their numbers.
        default: Whether the target is learned where the recipe does not name its targets.
        continues: The series that it goes on with, where it is a forecast.
        task: What it is measured by, where the kind does not tell.
        measures: Names of what is measured besides what belongs to the task.
        held_against: Of `inputs`: the target of the data whose `classes` and `labels` these are. It is not learned, but
            what was learned is held against it.
    """

    kind: TargetKind
    shape: tuple[int | None, ...] | None = ()
    dtype: str = "int32"
    classes: int | None = None
    labels: tuple[str, ...] | None = None
    default: bool = True
    continues: Continues | None = None
    task: str | None = None
    measures: tuple[str, ...] = ()
    held_against: str | None = None


@dataclass(frozen=True, slots=True)
class DataFacts:
    """Everything a recipe may ask of its data. Sizes count examples; None: not known before the data is loaded."""

    features: Mapping[str, Feature] = field(default_factory=dict)
    targets: Mapping[str, Target] = field(default_factory=dict)
    train_size: int | None = None
    validation_size: int | None = None
    test_size: int | None = None
    steps_per_epoch: int | None = None

    @property
    def classes(self) -> int | None:
        """Number of classes, where there is exactly one target."""
        return next(iter(self.targets.values())).classes if len(self.targets) == 1 else None

    @property
    def outputs(self) -> int | None:
        """Outputs that the only target takes: one for each of its classes, or for each number of its last axis."""
        if len(self.targets) != 1:
            return None
        (target,) = self.targets.values()
        if target.kind != "number":
            return target.classes
        return (target.shape[-1] if target.shape else 1) if target.shape is not None else None

    @property
    def of_data(self) -> dict[str, Target]:
        """The targets that the data hold: those that are learned, and those that what is learned is held against."""
        found = {}
        for name, target in self.targets.items():
            if target.kind != "inputs":
                found[name] = target
            elif target.held_against:
                found[target.held_against] = Target("classes", classes=target.classes, labels=target.labels)
        return found

    def forced(self, target: str, inputs: Iterable[str]) -> str | None:
        """The one of the inputs of a network that holds the tokens of a target; None where it is not teacher-forced."""
        known = self.features
        return next((name for name in inputs if name in known and known[name].teacher_forcing == target), None)

    def updated(self, known: DataFacts) -> DataFacts:
        """These facts, with those of other features and targets beside them or in their place."""
        return replace(self, features={**self.features, **known.features}, targets={**self.targets, **known.targets})


def read_facts(features: Mapping[str, Mapping[str, Any]], targets: Mapping[str, Mapping[str, Any]]) -> DataFacts:
    """Makes facts from the plain mappings of a source's declaration.

    A target that lists its `labels` need not say how many `classes` it has.
    """

    def plain(entry: Mapping[str, Any]) -> dict[str, Any]:
        return {key: tuple(value) if isinstance(value, list) else value for key, value in entry.items()}

    made = {}
    for name, entry in targets.items():
        values = plain(entry)
        if values.get("labels") and "classes" not in values:
            values["classes"] = len(values["labels"])
        if values["kind"] == "number":
            values.setdefault("dtype", "float32")
        if isinstance(values.get("continues"), Mapping):
            values["continues"] = Continues(**plain(values["continues"]))
        made[name] = Target(**values)
    return DataFacts({name: Feature(**plain(entry)) for name, entry in features.items()}, made)


def check_teacher_forcing(facts: DataFacts) -> None:
    """That what features say of `teacher_forcing` can be done.

    Raises:
        ValueError: There is no such target, or it is no sequence with a start and an end.
    """
    for name, feature in facts.features.items():
        target = facts.targets.get(feature.teacher_forcing or "")
        is_written = target is not None and target.kind == "sequence" and {START, END} <= {*(target.labels or ())}
        if feature.teacher_forcing and not is_written:
            raise ValueError(
                f"`teacher_forcing` of `{name}` wants a target of kind sequence with the labels {START} and {END}. "
                f"Received: {feature.teacher_forcing}"
            )
