"""What a stage of training is, which ones a recipe has, and when a training has had enough."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from dlkit.recipe.load import Recipe
from dlkit.recipe.supervision import Supervision
from dlkit.recipe.training_keys import Stage as StageKeys
from dlkit.recipe.training_keys import Training


@dataclass(frozen=True, slots=True)
class Stage:
    """A training that may follow others.

    Args:
        name: Its name in metrics.jsonl.
        number: From 0.
        epochs: Epochs at most.
        epochs_before: Of the stages before it, so that no order of the data comes twice.
        steps_before: Of the stages before it.
    """

    name: str
    epochs: int
    number: int = 0
    epochs_before: int = 0
    steps_before: int = 0


@dataclass(frozen=True, slots=True)
class Limit:
    """Ends a training before its last epoch, its schedules laid out for the whole: what is reached first counts.

    Args:
        epochs: Of all stages.
        steps: Of all stages.
        seconds: Of training, that of earlier processes included.
        asked: Asked after every epoch with how many there were, whether it ends there.
    """

    epochs: int | None = None
    steps: int | None = None
    seconds: float | None = None
    asked: Callable[[int], bool] | None = None

    def reached(self, epochs: int, steps: int, seconds: float) -> bool:
        """Whether a training that has come so far ends."""
        so_far = ((self.epochs, epochs), (self.steps, steps), (self.seconds, seconds))
        return any(most is not None and done >= most for most, done in so_far)


@dataclass(frozen=True, slots=True)
class Planned:
    """A stage of a recipe that has met its data.

    Args:
        stage: Its place in the whole.
        training: What the recipe says of it.
        supervisions: What each output is held against, by target.
        steps_per_epoch: Steps of an epoch.
        is_last: Whether no stage follows.
    """

    stage: Stage
    training: Training
    supervisions: Mapping[str, Supervision]
    steps_per_epoch: int
    is_last: bool

    @property
    def path(self) -> str:
        """Where the recipe says it."""
        return f"training.stages.{self.stage.number}" if isinstance(self.training, StageKeys) else "training"


def planned_stages(recipe: Recipe) -> list[Planned]:
    """The stages of a recipe; one that has none is one itself."""
    training = recipe.config.training
    written = list(
        zip(training.stages or (training,), recipe.stage_supervisions or (recipe.supervisions,), strict=True)
    )
    planned: list[Planned] = []
    epochs_before = steps_before = 0
    for number, (said, supervisions) in enumerate(written):
        steps = said.steps_per_epoch or recipe.facts.steps_per_epoch
        epochs = said.total_epochs
        assert steps is not None
        name = said.name or f"stage_{number + 1}" if isinstance(said, StageKeys) else "train"
        stage = Stage(name, epochs, number, epochs_before, steps_before)
        planned.append(Planned(stage, said, supervisions, steps, number + 1 == len(written)))
        epochs_before, steps_before = epochs_before + epochs, steps_before + epochs * steps
    return planned
