"""Trains the stages of a recipe one after another, from the beginning or from an exact state."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import keras

from dlkit.data.feed import Feed
from dlkit.models.builder import Built
from dlkit.models.inner_layers import matching_layers, named_layers, set_trainable
from dlkit.models.instantiate import instantiate
from dlkit.models.pattern import Pattern
from dlkit.recipe.diagnostics import Diagnostic, RecipeError, did_you_mean, listing
from dlkit.recipe.durations import Steps, in_steps
from dlkit.recipe.graph import Component
from dlkit.recipe.load import Recipe
from dlkit.recipe.training_keys import Every, StopAfter, Training
from dlkit.runs.folder import RunFolder
from dlkit.training.choice import choose_jit_compile, choose_steps_per_execution
from dlkit.training.compiling import compile_model
from dlkit.training.devices import Devices
from dlkit.training.fit import fit
from dlkit.training.profile_steps import ProfileSteps
from dlkit.training.progress import Display
from dlkit.training.saver import Saver
from dlkit.training.stage import Limit, Planned, planned_stages
from dlkit.training.state import State
from dlkit.training.tensorboard import default_tensorboard
from dlkit.workflows.choices import Choices
from dlkit.workflows.ctc_steps import check_ctc_steps
from dlkit.workflows.feeding import plain_feed, train_feed
from dlkit.workflows.initial_weights import FirstWeights, find_weights
from dlkit.workflows.other_runs import OtherRuns
from dlkit.workflows.preparation import Prepared, best_of

# Arguments of Keras's callbacks that name a file or folder to write: relative ones lie in the run folder.
_WRITTEN = {"CSVLogger": "filename", "ModelCheckpoint": "filepath", "TensorBoard": "log_dir"}


def train_stages(
    prepared: Prepared,
    built: Built,
    run: RunFolder,
    *,
    display: Display,
    saver: Saver,
    choices: Choices,
    weights: Mapping[int, FirstWeights],
    tell: Callable[[str], None],
    devices: Devices,
    start: State | None = None,
    asked: Callable[[int], bool] | None = None,
) -> None:
    """Trains all stages of a recipe, or those that are left after a state.

    Args:
        prepared: The recipe with its data.
        built: Its model.
        run: The run folder.
        display: Shows the progress.
        saver: Saves exact states.
        choices: What `auto` stands for.
        weights: What stages begin with, by their numbers.
        tell: Told what was loaded.
        devices: What shares the work.
        start: The state to go on from.
        asked: As `Limit` has it.

    Raises:
        As `fit`.
    """
    recipe = prepared.recipe
    limit = replace(limit_of(recipe.config.training.stop_after), asked=asked)
    for planned in planned_stages(recipe):
        freeze(built.model, recipe, planned.training)
        stage = planned.stage
        if start and stage.number < start.position.stage:
            continue
        with devices.scope():
            compile_stage(built.model, prepared, planned, chosen_jit_compile(recipe, planned, choices))
        training, validation = feeds(prepared, planned, devices)
        if planned.training.steps_per_execution == "auto":
            choose = functools.partial(choose_steps_per_execution, built.model, training)
            built.model.steps_per_execution = choices.choose(f"{planned.path}.steps_per_execution", choose)
        here = start if start and stage.number == start.position.stage else None
        if here is None and (first := weights.get(stage.number)):
            tell(first.load(built.model).describe())
        ended = fit(
            built.model,
            training,
            validation,
            run=run,
            stage=stage,
            best=best_of(recipe, planned.training) if planned.is_last else None,
            callbacks=list(callbacks(recipe, planned, run)),
            display=display,
            served=built.served,
            unit=_unit(recipe),
            saver=saver,
            devices=devices,
            start=here,
            limit=limit,
        )
        if ended:
            break


def weights_of_stages(recipe: Recipe, others: OtherRuns, start: State | None) -> dict[int, FirstWeights]:
    """What the stages that are left begin with, by their numbers.

    Args:
        recipe: The recipe.
        others: Finds the runs that they come from.
        start: The state to go on from.

    Raises:
        RecipeError: A recipe that is referred to is mistaken.
        DlkitError: As `find_weights`.
    """
    found = {}
    for planned in planned_stages(recipe):
        number, given = planned.stage.number, planned.training.initial_weights
        inherited = number > 0 and given == recipe.config.training.initial_weights
        if given is not None and not inherited and (start is None or number > start.position.stage):
            # As a stage has it, or as it stands in `training`, which the first stage takes over.
            written = planned.path if number or recipe.config.training.initial_weights is None else "training"
            found[number] = find_weights(recipe, given, f"{written}.initial_weights", others)
    return found


def chosen_jit_compile(recipe: Recipe, planned: Planned, choices: Choices) -> bool:
    """Whether XLA compiles the steps of a stage."""
    written = planned.training.jit_compile
    if written != "auto":
        return written
    choose = functools.partial(choose_jit_compile, recipe.config.deterministic)
    return bool(choices.choose(f"{planned.path}.jit_compile", choose))


def every_of(recipe: Recipe) -> Every | None:
    """The interval between exact states; None where dlkit chooses it."""
    every = recipe.config.training.checkpoint.every
    return every if isinstance(every, Every) else None


def limit_of(stop_after: StopAfter | None) -> Limit:
    """When the training ends early."""
    if stop_after is None:
        return Limit()
    seconds = None if stop_after.minutes is None else stop_after.minutes * 60
    return Limit(stop_after.epochs, stop_after.steps, seconds)


def freeze(model: keras.Model, recipe: Recipe, stage: Training) -> None:
    """Freezes and unfreezes the layers that a stage names; a frozen BatchNormalization works as in inference.

    Raises:
        RecipeError: No layer has such a name.
    """
    for globs, trains in ((getattr(stage, "freeze", None), False), (getattr(stage, "unfreeze", None), True)):
        for glob in globs or ():
            found = matching_layers(model, [glob])
            if not found:
                raise _no_layer(glob, model, recipe)
            for layer in found.values():
                set_trainable(layer, trains)


def _no_layer(glob: str, model: keras.Model, recipe: Recipe) -> RecipeError:
    names = [name for name, _ in named_layers(model)]
    inside = [name for name in names if name.startswith(glob.partition(".")[0])]
    cure = did_you_mean(glob, names, f"layers are called {listing(inside or names, 6)}")
    span = recipe.span_of("training.stages")
    return RecipeError([Diagnostic("unknown-layer-name", f"no layer is called `{glob}`", span, cure)])


def compile_stage(model: keras.Model, prepared: Prepared, planned: Planned, jit_compile: bool = False) -> None:
    """Compiles a model as a stage says: with a fresh optimizer, its durations counted in steps."""
    recipe, training = prepared.recipe, planned.training
    if isinstance(model, Pattern):
        model.begin_stage(planned.stage.epochs * planned.steps_per_epoch, getattr(training, "phase", None))
    steps = training.steps_per_execution
    compile_model(
        model,
        planned.supervisions,
        _optimizers(model, recipe, planned),
        loss_weights=training.loss_weights,
        scales=prepared.scales,
        jit_compile=jit_compile,
        steps_per_execution=1 if steps == "auto" else steps,
    )
    for examples in (prepared.splits.train, prepared.splits.validation):
        if examples is not None:
            check_ctc_steps(model, planned.supervisions, examples)


def _optimizers(model: keras.Model, recipe: Recipe, planned: Planned) -> dict[str, Component]:
    """Those of a stage; where the pattern has no use for one, one that does nothing, since Keras wants one."""
    if "training.optimizer" in recipe.pattern_says("unused", ()):
        return {"": Component("optimizer", "SGD", {"learning_rate": 0.0})}
    made = {}
    for name, optimizer in recipe.optimizers(planned.training).items():
        between = model.steps_of_update(name) if isinstance(model, Pattern) else 1
        accumulated = optimizer.arguments.get("gradient_accumulation_steps") or 1
        counted = Steps(planned.stage.epochs, planned.steps_per_epoch / between, accumulated)
        made[name] = in_steps(optimizer, recipe.components, counted)
    return made


def feeds(prepared: Prepared, planned: Planned, devices: Devices) -> tuple[Feed, Feed | None]:
    """The training examples in their order of each epoch, and the validation examples, if any."""
    validation = prepared.splits.validation
    held = planned.supervisions
    training = train_feed(prepared, planned.training.steps_per_epoch, supervisions=held, devices=devices)
    if validation is None:
        return training, None
    return training, plain_feed(prepared, validation, supervisions=held, devices=devices)


def callbacks(recipe: Recipe, planned: Planned, run: RunFolder) -> Iterator[keras.callbacks.Callback]:
    """The callbacks of a stage, what they write kept in the run folder; TensorBoard's where it has none, the profiler."""
    events = run.tensorboard if planned.stage.name == "train" else run.tensorboard / planned.stage.name
    has_tensorboard = False
    for component in planned.training.callbacks:
        key = _WRITTEN.get(component.name)
        default = str(events) if component.name == "TensorBoard" else None
        written = component.arguments.get(key, default) if key else None
        where: dict[str, Any] = {key: str(run.path / written)} if key and written else {}
        if component.name == "CSVLogger":
            where["append"] = True  # a resumed run goes on in the file, which it has cut back; a new one has none
        made = instantiate(component, **where)
        has_tensorboard |= isinstance(made, keras.callbacks.TensorBoard)
        yield made
    if not has_tensorboard:
        yield default_tensorboard(events)
    if profile := recipe.config.training.profile:
        first, last = (step - planned.stage.steps_before for step in profile.steps)
        yield ProfileSteps(events, first, last, planned.steps_per_epoch)


def _unit(recipe: Recipe) -> str:
    """What an example is called while it is counted."""
    kinds = {feature.kind for feature in recipe.facts.features.values()}
    return "images" if "image" in kinds else "rows" if kinds == {"vector"} else "examples"
