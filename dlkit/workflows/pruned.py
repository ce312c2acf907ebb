"""The pruned model of a run, trained on a little if that is asked for."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np

from dlkit.errors import DlkitError
from dlkit.export.prune import Pruning, Schedule, check_sparsity, prunable, prune
from dlkit.models.builder import Built
from dlkit.models.policy import dtype_policy
from dlkit.recipe.load import Recipe, load
from dlkit.runs.atomic import write_json
from dlkit.runs.folder import RunFolder
from dlkit.runs.provenance import read_provenance
from dlkit.training.callbacks import BestModel
from dlkit.training.determinism import seed_everything
from dlkit.training.devices import Devices
from dlkit.training.fit import fit
from dlkit.training.optimizers import optimizers_of
from dlkit.training.progress import Display, display_for
from dlkit.training.saver import Saver
from dlkit.training.stage import Planned, Stage, planned_stages
from dlkit.workflows.choices import Choices, chosen_precision
from dlkit.workflows.other_runs import OtherRuns, saved_models
from dlkit.workflows.predict import load_model, model_file
from dlkit.workflows.preparation import Prepared, best_of, build_model, custom_objects, prepare
from dlkit.workflows.recipe_file import recipe_of
from dlkit.workflows.stages import chosen_jit_compile, compile_stage, feeds, freeze

_RATE = 0.3  # of the recipe's highest: with less, a few hundred steps recover less; with more, they undo more
_LOOKED_AT = 200  # places of a schedule
_RISE = 0.5  # of the steps: the rest is for what is left of the weights to recover


def pruned_model(
    run: RunFolder,
    which: str,
    sparsity: float,
    *,
    schedule: Schedule = "polynomial",
    finetune_epochs: int = 0,
    allow_plugins: bool = False,
    display: Display | None = None,
) -> keras.Model:
    """The saved model of a run, its kernels pruned by magnitude as `dlkit.export.prune` has it.

    With `finetune_epochs` it is trained on as in the last stage of its recipe: the same data in orders of their own,
    augmentations, loss, metrics and optimizer. The learning rate begins at 0.3 of that stage's highest one and falls to 0
    along a cosine. The sparsity rises over the first half of the steps. The best of the epochs that end at full sparsity
    is taken, by the recipe's `training.best`; the test split is not looked at. The recipe's callbacks and averages of
    weights are left out: they would take the rising sparsity for a training that gets worse, and zeros for weights.

    Args:
        which: `best` or `last`.
        sparsity: The share of zeros in all kernels together, below 1.
        schedule: How the sparsity comes over the fine-tuning: `constant`, at once, or `polynomial`. Without
            fine-tuning it comes at once.
        finetune_epochs: Epochs of fine-tuning.
        allow_plugins: Whether the recipe's plugins may be run.
        display: Shows the progress of fine-tuning; what suits standard error where it is None.

    Returns:
        A model as the run has saved it: it takes raw input and is not compiled.

    Raises:
        RecipeError: The run's recipe cannot be used any more.
        DlkitError: The model has nothing to prune (`nothing-to-prune`) or learns without gradients
            (`cannot-fine-tune`); or the model or the data cannot be loaded, or the training fails.
        Interrupted: By a signal, while it is fine-tuned.
    """
    check_sparsity(sparsity)
    if not finetune_epochs:
        model = load_model(run, recipe_of(run, allow_plugins), which)
        prune(model, sparsity)
        return model
    recipe = load(run.recipe, allow_plugins=allow_plugins, others=False)
    _refuse_without_gradients(recipe)
    file = model_file(run, which)
    prepared = prepare(recipe)
    with tempfile.TemporaryDirectory(prefix="dlkit-prune-") as path:
        scratch = RunFolder(Path(path))
        with scratch.running():
            write_json(scratch.provenance, {"chosen": {}, **read_provenance(run)})  # `auto` means what it has meant
            choices = Choices(scratch, lambda line: None)
            built = _rebuilt(run, prepared, file, choices)
            planned = _after(planned_stages(prepared.recipe)[-1], finetune_epochs)
            rise = int(finetune_epochs * planned.steps_per_epoch * _RISE)
            pruning = Pruning(prunable(built.served), sparsity, rise, schedule)
            _fine_tune(built, prepared, planned, pruning, scratch, choices, display or display_for())
        return keras.models.load_model(scratch.best_model, custom_objects=custom_objects(prepared.recipe))


def _refuse_without_gradients(recipe: Recipe) -> None:
    if "training.optimizer" in recipe.pattern_says("unused", ()):
        name = recipe.pattern.name if recipe.pattern else recipe.name
        raise DlkitError(
            f"A model that learns as `{name}` has no optimizer that could train it on.",
            "Prune it without fine-tuning: leave --finetune-epochs out.",
            "cannot-fine-tune",
        )


def _rebuilt(run: RunFolder, prepared: Prepared, file: Path, choices: Choices) -> Built:
    """The model of a run as training has it, with the weights of a saved one."""
    recipe = prepared.recipe
    others = OtherRuns.of(run, run.root(recipe.name), None, recipe.allow_plugins)
    seed_everything(recipe.config.seed, recipe.config.deterministic)
    with dtype_policy(chosen_precision(recipe, choices)):
        built = build_model(prepared, saved_models(recipe, others))
    built.served.load_weights(file)
    return built


def _fine_tune(
    built: Built,
    prepared: Prepared,
    planned: Planned,
    pruning: Pruning,
    scratch: RunFolder,
    choices: Choices,
    display: Display,
) -> None:
    """Trains on, and leaves best.keras in a run folder of its own."""
    recipe = prepared.recipe
    stages = planned_stages(recipe)
    last = stages[-1]
    for each in stages:
        freeze(built.model, recipe, each.training)
    compile_stage(built.model, prepared, last, chosen_jit_compile(recipe, last, choices))
    for optimizer, _ in optimizers_of(built.model).values():
        _set_rate(optimizer, last, planned)
    training, validation = feeds(prepared, planned, Devices())
    saver = Saver(scratch, None, "")
    try:
        fit(
            built.model,
            training,
            validation,
            run=scratch,
            stage=planned.stage,
            best=None,  # it would be chosen among all epochs
            callbacks=[pruning, _BestAtFullSparsity(pruning, scratch, built, best_of(recipe, planned.training))],
            display=display,
            served=built.served,
            saver=saver,
        )
    finally:
        saver.close()


def _after(last: Planned, epochs: int) -> Planned:
    """A stage as the last one, behind it."""
    before = last.stage
    steps = before.steps_before + before.epochs * last.steps_per_epoch
    stage = Stage("fine-tune", epochs, before.number + 1, before.epochs_before + before.epochs, steps)
    return replace(last, stage=stage)


def _set_rate(optimizer: keras.optimizers.Optimizer, last: Planned, planned: Planned) -> None:
    """Gives an optimizer the learning rate of fine-tuning, and takes its averages of weights away."""
    inner = getattr(optimizer, "inner_optimizer", optimizer)  # of one that scales the loss
    inner.use_ema = False
    accumulated = inner.gradient_accumulation_steps or 1
    before, steps = (each.stage.epochs * each.steps_per_epoch // accumulated for each in (last, planned))
    rate = inner._learning_rate
    if isinstance(rate, keras.optimizers.schedules.LearningRateSchedule):
        highest = max(float(rate(step)) for step in np.linspace(0, before, _LOOKED_AT, dtype=int))
    else:
        highest = float(rate)
    inner.learning_rate = keras.optimizers.schedules.CosineDecay(_RATE * highest, max(1, steps))


class _BestAtFullSparsity(BestModel):
    """Chooses among the epochs that end at full sparsity."""

    def __init__(self, pruning: Pruning, run: RunFolder, built: Built, best: tuple[str, str]) -> None:
        super().__init__(run.best_model, *best, served=built.served)
        self._pruning = pruning

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        if self._pruning.is_full:
            super().on_epoch_end(epoch, logs)
