"""What a model card is made from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dlkit.evaluation.evaluation import Evaluation
from dlkit.recipe.facts import Feature
from dlkit.reporting.report import Told


@dataclass(frozen=True, slots=True)
class Spread:
    """The metrics of a group of runs.

    Args:
        kind: `seeds` or `folds`.
        count: How many runs.
        means: By metric.
        deviations: Standard deviations, by metric.
    """

    kind: str
    count: int
    means: Mapping[str, float]
    deviations: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Export:
    """An exported model.

    Args:
        folder: From that of the run.
        format: As `onnx`.
        file: In its folder.
        manifest: What export.json holds.
        has_vocabulary: Whether vocabulary.json lies beside it: it takes numbers where the model takes texts.
    """

    folder: str
    format: str
    file: str
    manifest: Mapping[str, Any]
    has_vocabulary: bool = False


@dataclass(frozen=True, slots=True)
class Carded:
    """What a card tells besides what a report does.

    Args:
        told: What a report tells.
        raw_features: The features as the saved model takes them.
        reference: Of the recipe.
        source: Of the data, as the recipe has it.
        is_own_data: Whether the data are the user's own.
        kinds: The pattern and the architectures by name; none where the recipe writes the layers itself.
        training: How it learned: settings by name.
        data: How the data are prepared: settings by name.
        tasks: By target.
        logits: The targets whose outputs are logits.
        decoded: The targets whose outputs are to be decoded into sequences.
        baselines: The names of the baselines that may have been measured.
        custom_layers: Whether custom_layers.py has to be imported.
        plugin_layers: Whether the model may need the code of a plugin.
        generator: The file of the network that makes examples, and the shape of a code that it makes one of.
        deterministic: Whether the training was.
        spread: Over the group that the run is of.
        exports: Exported models.
    """

    told: Told
    raw_features: Mapping[str, Feature]
    reference: str
    source: Any
    is_own_data: bool
    kinds: Sequence[str]
    training: Mapping[str, Any]
    data: Mapping[str, Any]
    tasks: Mapping[str, str]
    logits: frozenset[str]
    decoded: frozenset[str]
    baselines: Sequence[str]
    custom_layers: bool
    plugin_layers: bool
    generator: tuple[str, Sequence[int | None]] | None
    deterministic: bool
    spread: Spread | None
    exports: Sequence[Export]

    @property
    def evaluation(self) -> Evaluation:
        """What was measured; an empty one where nothing was."""
        return self.told.evaluation or Evaluation()


def is_of_baseline(metric: str, baselines: Sequence[str]) -> bool:
    """Whether a metric is that of a baseline, or of a model held against one."""
    return any(f"_{name}_" in f"{metric}_" for name in baselines)
