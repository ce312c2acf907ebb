"""The features of recipes that scripts of plain Keras have not: each is refused by its name, none is dropped."""

from __future__ import annotations

from collections.abc import Mapping

from dlkit.eject.reading import check_source
from dlkit.eject.refusal import refusal
from dlkit.recipe.facts import Feature
from dlkit.recipe.load import Recipe
from dlkit.recipe.training_keys import Training

_BY_DLKIT = "is done by dlkit's own training, which a script has not"
_ON_MACHINE = "is chosen on the machine that trains"
# Kinds of features that are preprocessed beside the training.
BY_BATCH = ("image", "audio")


def check_recipe(recipe: Recipe) -> None:
    """Refuses what no data has to be loaded for.

    Raises:
        DlkitError: The recipe has a feature that scripts have not.
    """
    training, data = recipe.config.training, recipe.config.data
    if recipe.pattern is not None:
        why = "learns by a rule of its own, which is a class of dlkit and no plain Keras"
        raise refusal(f"the pattern `{recipe.pattern.name}`", why)
    check_source(data.source.name)
    if recipe.components.files:
        raise refusal("a plugin", "is code of its own, which dlkit does not copy")
    for stage in training.stages or (training,):
        for key in ("initial_weights", "stop_after", "profile"):
            if getattr(stage, key) is not None:
                raise refusal(f"`training.{key}`", _BY_DLKIT)
        if stage.best.monitor == "epoch":
            raise refusal("`training.best.monitor: epoch`", "is no metric of Keras")
        _check_auto(stage)
    if training.strategy not in ("none", "auto"):
        raise refusal(f"`training.strategy: {training.strategy}`", _BY_DLKIT, "write `--set training.strategy=none`")
    if isinstance(data.features, dict):
        raise refusal("`data.features`", "makes features of columns, which a script cannot do yet")
    if data.shuffle == "balanced":
        raise refusal("`data.shuffle: balanced`", "draws every class equally often, which a script cannot do yet")


def check_data(recipe: Recipe, raw_features: Mapping[str, Feature]) -> None:
    """Refuses what only the data tells.

    Raises:
        DlkitError: The recipe has a feature that scripts have not.
    """
    prepared = recipe.config.data.preprocess or {}
    for name in prepared:
        if name in recipe.model.inputs and raw_features[name].kind in BY_BATCH:
            raise refusal(f"`data.preprocess.{name}`", "is done batch by batch, which a script cannot do yet")
    if len(recipe.facts.targets) > 1 and any(name in recipe.facts.targets for name in prepared):
        raise refusal("one of several targets", "is scaled, which a script cannot do yet")
    _check_shares(recipe)
    for name in recipe.model.inputs:
        if recipe.facts.features[name].dtype == "string":
            cure = f"prepare them ahead of training, by `data.preprocess.{name}`"
            raise refusal(f"the feature `{name}`", "is handed to the network as texts, which a script cannot do", cure)
    if recipe.config.data.class_weight is not None and len(recipe.facts.targets) > 1:
        raise refusal("`data.class_weight`", "weighs one of several targets, which a script cannot do yet")
    if len(recipe.model.inputs) > 1 and recipe.augmentations:
        raise refusal("`data.augment`", "changes one of several features, which a script cannot do yet")


def _check_shares(recipe: Recipe) -> None:
    """Refuses what a target that holds shares of classes does not go with."""
    stages = recipe.stage_supervisions or (recipe.supervisions,)
    shares = [[found.shares for found in supervisions.values()] for supervisions in stages]
    if not any(any(each) for each in shares):
        return
    what = "a target that holds shares of classes"
    if len(recipe.facts.targets) > 1 or any(each != shares[0] for each in shares):
        raise refusal(what, "is not the only one, or not so in every stage, which a script cannot do yet")
    if shares[0] == [1]:
        raise refusal(what, "and has one output cannot be handed over by a script yet", "give it an output a class")
    if recipe.config.data.class_weight is not None:
        raise refusal("`data.class_weight`", "weighs mixed labels, which a script cannot do yet")


def _check_auto(training: Training) -> None:
    for key, cure in (("precision", "float32"), ("jit_compile", "false"), ("steps_per_execution", "1")):
        if getattr(training, key) == "auto":
            what = f"`training.{key}: auto`"
            raise refusal(what, _ON_MACHINE, f"write what it is to be, as `--set training.{key}={cure}`")
