"""What in a recipe answers a diagnosis: settings to type after `--set`, consistent with what the recipe has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from dlkit.recipe.augmenting import IMAGE_LAYERS
from dlkit.recipe.catalogue import catalogue
from dlkit.recipe.graph import Component
from dlkit.recipe.load import Recipe
from dlkit.recipe.training_keys import Stage, Training

_DROPOUT = frozenset(
    {
        *("Dropout", "AlphaDropout", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D"),
        *("GaussianDropout", "GaussianNoise"),
    }
)
_DROPOUT_ARGUMENTS = ("dropout", "recurrent_dropout", "dropout_rate")
_CLIPS = ("clipnorm", "clipvalue", "global_clipnorm")
_WEIGHT_DECAY = 0.004  # the default of Keras's AdamW
_SMALL_VALIDATION = 0.2  # a share of the training examples, beyond which more is seldom held out


@dataclass(frozen=True, slots=True)
class Cure:
    """A change of the recipe.

    Args:
        why: What it does; where it is not one value, what to write into the recipe.
        setting: What to type after ``--set``, as `training.epochs=40`; None where it is not one value.
    """

    why: str
    setting: str | None = None


_FIND_RATE = Cure("`dlkit train RECIPE --find-lr` measures which learning rates work")


@dataclass(frozen=True, slots=True)
class Known:
    """What cures and thresholds ask of a recipe, all of its last stage.

    Args:
        epochs: Epochs that it has at most.
        path: Where the stage is written, as `training` or `training.stages.1`.
        learning_rate: The rate, or the highest that its schedule names; None where none is written as a number.
        rate_path: Where that rate is set.
        optimizer_path: Where the optimizer is.
        has_schedule: Whether a schedule sets the rate.
        schedule_follows: Whether all its durations are shares of the run, so that it stretches with the epochs.
        reduces_on_plateau: Whether there is a `ReduceLROnPlateau`.
        has_early_stopping: Whether there is an `EarlyStopping`.
        stops_early: Whether `training.stop_after` ends the run before its epochs are done.
        starts_trained: Whether it begins with weights that have learned already.
        has_dropout: Whether the network drops units or adds noise in training.
        has_augmentation: Whether training examples are changed at random, in the data or in the network.
        has_penalty: Whether the loss holds more than what the outputs cost, as a regularizer's penalty.
        decays_weights: Whether the optimizer does.
        takes_weight_decay: Whether it could.
        clips: Whether it clips gradients.
        uses_ema: Whether it averages the weights.
        is_limited: Whether `data.limit` cuts the training examples.
        has_pictures: Whether a feature is an image.
        validation: The share of the training examples that the recipe holds out, where it says so.
        monitor: The metric that chooses best.keras.
    """

    epochs: int
    path: str = "training"
    learning_rate: float | None = None
    rate_path: str | None = None
    optimizer_path: str = "training.optimizer"
    has_schedule: bool = False
    schedule_follows: bool = True
    reduces_on_plateau: bool = False
    has_early_stopping: bool = False
    stops_early: bool = False
    starts_trained: bool = False
    has_dropout: bool = False
    has_augmentation: bool = False
    has_penalty: bool = False
    decays_weights: bool = False
    takes_weight_decay: bool = True
    clips: bool = False
    uses_ema: bool = False
    is_limited: bool = False
    has_pictures: bool = False
    validation: float | None = None
    monitor: str = "val_loss"

    @property
    def is_random(self) -> bool:
        """Whether the training loss is of a harder task than the validation loss, and noisier."""
        return self.has_dropout or self.has_augmentation


def known_of(recipe: Recipe) -> Known:
    """What a recipe says that a diagnosis of its curves depends on."""
    training, path = last_stage(recipe)
    own = recipe.config.training
    optimizer = (
        training.optimizer if isinstance(training.optimizer, Component) else Component("optimizer", training.optimizer)
    )
    optimizer_path = "training.optimizer" if training.optimizer == own.optimizer else f"{path}.optimizer"
    spec = catalogue().find("optimizer", optimizer.name)
    takes = spec.arguments if spec else {}
    given = {**{name: argument.default for name, argument in takes.items()}, **optimizer.arguments}
    rate, word = _rate(given.get("learning_rate"))
    callbacks = {callback.name for callback in training.callbacks if isinstance(callback, Component)}
    components = [part for graph in recipe.graphs.values() for layer in graph.layers.values() for part in _all(layer)]
    names = {component.name for component in components}
    said = recipe.config.data.validation if "validation" in recipe.config.data.model_fields_set else None
    return Known(
        epochs=training.total_epochs,
        path=path,
        learning_rate=rate,
        rate_path=f"{optimizer_path}.{word}" if rate is not None else None,
        optimizer_path=optimizer_path,
        has_schedule=isinstance(given.get("learning_rate"), Component),
        schedule_follows=_follows(given.get("learning_rate")),
        reduces_on_plateau="ReduceLROnPlateau" in callbacks,
        has_early_stopping="EarlyStopping" in callbacks,
        stops_early=own.stop_after is not None,
        starts_trained=bool(training.initial_weights or (own.stages or ())[1:] or any(map(_is_trained, components))),
        has_dropout=bool(names & _DROPOUT) or any(_drops(component) for component in components),
        has_augmentation=bool(recipe.augmentations) or bool(names & IMAGE_LAYERS),
        has_penalty="ActivityRegularization" in names or any(_penalizes(component) for component in components),
        decays_weights=bool(given.get("weight_decay")),
        takes_weight_decay="weight_decay" in takes,
        clips=any(given.get(name) for name in _CLIPS),
        uses_ema=bool(given.get("use_ema")),
        is_limited=recipe.config.data.limit is not None,
        has_pictures=any(feature.kind == "image" for feature in recipe.facts.features.values()),
        validation=float(said) if said is not None and 0 < said < 1 else None,
        monitor=training.best.monitor,
    )


def last_stage(recipe: Recipe) -> tuple[Training, str]:
    """The stage whose model is kept, and where it is written."""
    own = recipe.config.training
    if not own.stages:
        return own, "training"
    last: Stage = own.stages[-1]
    return last, f"training.stages.{len(own.stages) - 1}"


def _rate(written: Any) -> tuple[float | None, str]:
    """The rate as a number, and the words that lead to it from the optimizer."""
    if not isinstance(written, Component):
        return (float(written), "learning_rate") if isinstance(written, int | float) else (None, "learning_rate")
    # A schedule that warms up begins low: what it warms up to counts.
    for name in ("warmup_target", "initial_learning_rate"):
        value = written.arguments.get(name)
        if isinstance(value, int | float) and value > 0:
            return float(value), f"learning_rate.{name}"
    return None, "learning_rate"


def _follows(written: Any) -> bool:
    if not isinstance(written, Component):
        return True
    spec = catalogue().find("schedule", written.name)
    durations = [name for name, argument in (spec.arguments if spec else {}).items() if "duration" in argument.type]
    values = [written.arguments[name] for name in durations if name in written.arguments]
    return all(isinstance(value, Mapping) and "share" in value for value in values if value != 0)


def _all(component: Component) -> Iterator[Component]:
    """A component and those inside it."""
    yield component
    for value in component.arguments.values():
        for inner in value if isinstance(value, list | tuple) else (value,):
            if isinstance(inner, Component):
                yield from _all(inner)


def _is_trained(component: Component) -> bool:
    """Whether a layer brings weights that have learned."""
    if component.kind == "application":
        return component.arguments.get("weights", "imagenet") is not None
    return component.kind == "run"


def _drops(component: Component) -> bool:
    return any(component.arguments.get(name) for name in _DROPOUT_ARGUMENTS)


def _penalizes(component: Component) -> bool:
    return any(value is not None for name, value in component.arguments.items() if name.endswith("_regularizer"))


def for_rate_too_high(known: Known) -> tuple[Cure, ...]:
    """A lower rate, or smaller steps."""
    cures = [*_another_rate(known, 0.1, "a tenth of the learning rate")]
    if not known.clips:
        why = "clipped gradients keep single steps from being too large"
        cures.append(Cure(why, f"{known.optimizer_path}.clipnorm=1.0"))
    return (*cures, _FIND_RATE)


def for_rate_too_low(known: Known, factor: float) -> tuple[Cure, ...]:
    """A higher rate."""
    return (*_another_rate(known, factor, f"{factor:g} times the learning rate"), _FIND_RATE)


def for_over_fitting(known: Known) -> tuple[Cure, ...]:
    """More examples, real or made; a network that is held back; an end in time."""
    cures = []
    if known.is_limited:
        cures.append(Cure("train on all examples: more of them are the surest cure", "data.limit=null"))
    if known.has_pictures and not known.has_augmentation:
        layer = "RandomTranslation: {height_factor: 0.1, width_factor: 0.1}"
        cures.append(Cure(f"add `{layer}` to `data.augment`, and what else leaves the meaning of a picture as it is"))
    if known.has_dropout:
        cures.append(Cure("raise the rate of the dropout that the network has, by 0.1 or 0.2"))
    else:
        cures.append(Cure("add `Dropout: {rate: 0.3}` before the last layer"))
    if known.takes_weight_decay and not known.decays_weights:
        cures.append(Cure("weights that decay stay small", f"{known.optimizer_path}.weight_decay={_WEIGHT_DECAY}"))
    if not known.has_early_stopping:
        patience = max(3, known.epochs // 10)
        stop = f"EarlyStopping: {{monitor: val_loss, patience: {patience}, restore_best_weights: true}}"
        cures.append(Cure(f"add `{stop}` to `{known.path}.callbacks`, which saves the epochs that do harm"))
    return tuple(cures)


def for_under_fitting(known: Known) -> tuple[Cure, ...]:
    """A network that can do more; or another rate, since one that was too high at first can leave units dead."""
    cures = [Cure("give the network more units (`units`, `filters`) or more layers")]
    if known.has_dropout:
        cures.append(Cure("lower the rate of the dropout, or leave it out"))
    if known.has_penalty or known.decays_weights:
        cures.append(Cure("weaken the regularizers or the weight decay"))
    return (*cures, _FIND_RATE, Cure("look whether the features tell of the target at all: `dlkit data` shows them"))


def for_not_converged(known: Known, done: int, is_slow: bool = False) -> tuple[Cure, ...]:
    """More epochs, or what keeps the run from having them.

    Args:
        done: Epochs that were run.
        is_slow: Whether a higher learning rate may do as well.
    """
    if done < known.epochs and known.stops_early:
        return (Cure(f"let the run have all of its {known.epochs} epochs", "training.stop_after=null"),)
    if done < known.epochs and known.has_early_stopping:
        return (Cure("be more patient: raise `patience` of `EarlyStopping`, or lower its `min_delta`"),)
    if done < known.epochs:
        return (
            Cure(
                f"let the run go on: it has done {done} of its {known.epochs} epochs, and `dlkit resume` does the rest"
            ),
        )
    why = "twice as many epochs"
    if not known.schedule_follows:
        why += "; lengthen the schedule of the learning rate with them, or write its durations as `{share: ...}`"
    faster = _another_rate(known, 3, "or 3 times the learning rate") if is_slow else ()
    return (Cure(why, f"{known.path}.epochs={2 * known.epochs}"), *faster)


def for_plateau(known: Known) -> tuple[Cure, ...]:
    """A rate that becomes lower."""
    cures = [*_cosine(known)]
    if not known.has_schedule and not known.reduces_on_plateau:
        patience = max(2, known.epochs // 10)
        reduce = f"ReduceLROnPlateau: {{monitor: loss, factor: 0.3, patience: {patience}}}"
        cures.append(Cure(f"or add `{reduce}` to `{known.path}.callbacks`, which lowers it when the loss stands still"))
    return (*cures, *_another_rate(known, 0.3, "or a third of the learning rate from the start"))


def for_validation_noise(known: Known) -> tuple[Cure, ...]:
    """A steadier measure, or steadier weights."""
    cures = []
    if known.validation is not None and known.validation < _SMALL_VALIDATION:
        cures.append(
            Cure("hold out more examples, so that single ones count less", f"data.validation={_SMALL_VALIDATION}")
        )
    if not known.uses_ema:
        cures.append(Cure("averaged weights move less from epoch to epoch", f"{known.optimizer_path}.use_ema=true"))
    return (*cures, *_cosine(known), *_another_rate(known, 0.3, "or a third of the learning rate"))


def _another_rate(known: Known, factor: float, why: str) -> Iterator[Cure]:
    if known.learning_rate and known.rate_path:
        yield Cure(why, f"{known.rate_path}={float(f'{known.learning_rate * factor:.2g}')!r}")


def _cosine(known: Known) -> Iterator[Cure]:
    if known.has_schedule or known.reduces_on_plateau or not known.learning_rate:
        return
    schedule = f"{{CosineDecay: {{initial_learning_rate: {known.learning_rate!r}, decay_steps: {{share: 1}}}}}}"
    yield Cure("a learning rate that falls to zero lets the weights settle", f"{known.rate_path}={schedule}")
