"""dlkit's own keys: the sections of a recipe, with their types, ranges and defaults.

What stands in a `ComponentSlot` is Keras's or a component's, and is checked against the catalogue (see `check`).
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from dlkit.recipe.slots import ANY, LAYERS, MODEL, ComponentSlot, ListOf, MapOf, Section

NAME = r"[a-z0-9_]+(/[a-z0-9_]+)*"

Positive = Annotated[int, Field(ge=1, le=2**31 - 1)]
Count = Annotated[int, Field(ge=0, le=2**31 - 1)]
Share = Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
Names = Annotated[list[str], Field(min_length=1)]
Loss = Annotated[Any, ComponentSlot(("loss",))]
Metrics = Annotated[list[Any], ListOf(ComponentSlot(("metric",)))]
Optimizer = Annotated[Any, ComponentSlot(("optimizer",))]


class Keys(BaseModel):
    """A section; a key it does not know is an error."""

    model_config = ConfigDict(extra="forbid", strict=True, arbitrary_types_allowed=True, populate_by_name=True)


def one_of(section: Keys, most: int) -> None:
    """Holds that a section has at least one of its keys, and at most so many.

    Raises:
        PydanticCustomError: It has none, or too many.
    """
    if not 1 <= len(section.model_fields_set) <= most:
        known = ", ".join(f"`{name}`" for name in type(section).model_fields)
        wanted = "one" if most == 1 else "at least one"
        raise PydanticCustomError("one_of", "{wanted} of {known} belongs here", {"wanted": wanted, "known": known})


class PerClass(Keys):
    """So many examples of each class."""

    per_class: Positive


class Fold(Keys):
    """One fold of several, as the recipe of its run keeps it."""

    fold: Positive = Field(description="Which fold is held out, from 1.")
    of: Annotated[int, Field(ge=2, le=1000)] = Field(description="Number of folds.")

    @model_validator(mode="after")
    def _is_one_of_them(self) -> Fold:
        if self.fold > self.of:
            raise PydanticCustomError("one_of", "there is no fold {fold} of {of}", {"fold": self.fold, "of": self.of})
        return self


class Data(Keys):
    """What is learned from, and how it is handed over."""

    source: Annotated[Any, ComponentSlot(("source",))] = Field(description="Where the examples come from.")
    features: Names | dict[str, Any] | None = Field(
        None, description="The features used, where not all of the source's; as a mapping, features made of columns."
    )
    targets: Names | None = Field(None, description="The targets learned, where not the source's default.")
    validation: Share | Count = Field(
        0.1, description="Share or number of training examples held out, where the source has no validation split."
    )
    test: Share | Count | None = Field(
        None, description="Share or number of examples held out for the test, where the source has no test split (0.2)."
    )
    folds: Annotated[int, Field(ge=2, le=1000)] | Fold | None = Field(
        None, description="Number of folds for cross-validation; `{fold: 2, of: 5}` is one of them."
    )
    limit: Positive | PerClass | None = Field(None, description="Cuts training and validation data, never test.")
    preprocess: Annotated[dict[str, Any], MapOf(ListOf(ComponentSlot(("layer",))))] | None = Field(
        None, description="Layers that prepare a feature, or scale a target; fitted to the training split."
    )
    augment: Annotated[list[Any], ListOf(ComponentSlot(("augmentation", "layer")))] | None = Field(
        None, description="Random changes of training examples."
    )
    batch_size: Positive | Literal["all"] = Field(
        32, description="Examples a step, over all devices; `all`: every training example in one step."
    )
    shuffle: bool | Literal["balanced"] = Field(
        True, description="Whether each epoch has an order of its own; `balanced`: and every class equally often."
    )
    cache: Literal["auto", "memory", "disk"] | bool = Field("auto", description="Where decoded examples are kept.")
    class_weight: Literal["balanced"] | dict[str, Finite] | None = Field(
        None, description="Weight of each class in the loss."
    )


class Every(Keys):
    """An interval; one of the three."""

    steps: Positive | None = None
    epochs: Positive | None = None
    minutes: Annotated[float, Field(gt=0)] | None = None

    @model_validator(mode="after")
    def _holds_one(self) -> Every:
        one_of(self, most=1)
        return self


class Checkpoint(Keys):
    """When exact states are saved."""

    every: Every | Literal["auto"] = Field(
        "auto", description="The interval; `auto`: each epoch, and in long ones, as long as it takes 1 % of the time."
    )


class Best(Keys):
    """How the best epoch is chosen."""

    monitor: str = "val_loss"
    mode: Literal["auto", "min", "max"] = "auto"


class InitialWeights(Keys):
    """Weights to begin with, by layer name."""

    source: str = Field(alias="from", description="A `.keras` file, `run:PATH` or `recipe:NAME`.")
    layers: list[str] | None = Field(None, description="Globs over the names of the layers to load.")


class StopAfter(Keys):
    """Ends a run early, its schedules laid out for the whole."""

    epochs: Positive | None = None
    steps: Positive | None = None
    minutes: Annotated[float, Field(gt=0)] | None = None

    @model_validator(mode="after")
    def _holds_some(self) -> StopAfter:
        one_of(self, most=3)
        return self


class Profile(Keys):
    """The steps that TensorBoard's profiler records."""

    steps: Annotated[list[Count], Field(min_length=2, max_length=2)]


class Training(Keys):
    """How the model learns."""

    epochs: Positive | None = Field(
        None, description="Passes over the training data; of each stage that says no other, where there are stages."
    )
    steps_per_epoch: Positive | None = Field(None, description="Steps an epoch, where not all of the data.")
    loss: Loss | None = Field(None, description="The loss; inferred from the target where it is not written.")
    losses: Annotated[dict[str, Any], MapOf(ComponentSlot(("loss",)))] | None = Field(
        None, description="A loss for each output."
    )
    loss_weights: dict[str, Finite] | None = Field(None, description="The weight of each output's loss.")
    metrics: Metrics | None = Field(None, description="Metrics; inferred from the target where they are not written.")
    metrics_by_output: Annotated[dict[str, Any], MapOf(ListOf(ComponentSlot(("metric",))))] | None = Field(
        None, description="Metrics for each output."
    )
    optimizer: Optimizer = Field("Adam", description="The optimizer.")
    optimizers: Annotated[dict[str, Any], MapOf(ComponentSlot(("optimizer",)))] | None = Field(
        None, description="An optimizer for each network of a pattern."
    )
    callbacks: Annotated[list[Any], ListOf(ComponentSlot(("callback",)))] = Field([], description="Keras's callbacks.")
    stages: list[Stage] | None = Field(None, description="Trainings one after another, each this section with changes.")
    initial_weights: str | InitialWeights | None = Field(None, description="Weights to begin with.")
    checkpoint: Checkpoint = Field(Checkpoint(), description="When exact states are saved.")
    best: Best = Field(Best(), description="How the best epoch is chosen.")
    precision: Literal["auto", "float32", "mixed_bfloat16", "mixed_float16"] = Field(
        "float32", description="Keras's dtype policy."
    )
    jit_compile: bool | Literal["auto"] = Field(False, description="Whether XLA compiles the step.")
    steps_per_execution: Positive | Literal["auto"] = Field(
        1, description="Steps run in one call of the compiled function."
    )
    strategy: Literal["auto", "none", "mirrored", "multi_worker"] = Field(
        "none", description="How several devices share the work."
    )
    stop_after: StopAfter | None = Field(None, description="Ends the run early, its schedules laid out for the whole.")
    profile: Profile | None = Field(None, description="The steps that TensorBoard's profiler records.")

    @property
    def total_epochs(self) -> int:
        """The epochs of a recipe that was read, with all its stages."""
        if self.stages:
            return sum(stage.total_epochs for stage in self.stages)
        assert self.epochs is not None, "`check_epochs` holds that they are written"
        return self.epochs


class Stage(Training):
    """A training that follows another: `training` with these changes."""

    epochs: Positive | None = Field(None, description="Passes over the training data.")
    stages: None = None
    name: Name | None = Field(None, description="The stage's name in metrics.jsonl.")
    freeze: list[str] | None = Field(None, description="Globs over names of layers that do not learn.")
    unfreeze: list[str] | None = Field(None, description="Globs over names of layers that learn again.")
    phase: Name | None = Field(None, description="A phase that the pattern offers, as `pretrain`.")


class Evaluation(Keys):
    """What is measured on the test split."""

    metrics: Annotated[list[Any], ListOf(ComponentSlot(("metric", "baseline", "rollout", "generation")))] | None = (
        Field(
            None,
            description="More metrics of the test split, baselines that the model is held against, free runs, and measures "
            "of what it generates.",
        )
    )
    figures: Annotated[list[Any], ListOf(ComponentSlot(("figure",)))] | None = Field(
        None, description="Figures of the report; all that apply by default."
    )
    samples: Count | None = Field(None, description="Mistakes shown in the report, at most; 12 by default.")


class Range(Keys):
    """The values a search may choose; one of `float`, `int`, `choice`, `bool`."""

    float_: Annotated[list[Finite], Field(min_length=2, max_length=2)] | None = Field(None, alias="float")
    int_: Annotated[list[int], Field(min_length=2, max_length=2)] | None = Field(None, alias="int")
    choice: Annotated[list[Any], Field(min_length=1), ListOf(ANY)] | None = None
    bool_: Literal[True] | None = Field(None, alias="bool")
    step: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    sampling: Literal["linear", "log", "reverse_log"] | None = None


class EarlyStop(Keys):
    """Ends trials that fall behind the median of the others."""

    after: Positive = 1


class Budget(Keys):
    """The most a search may spend."""

    trials: Positive | None = None
    minutes: Annotated[float, Field(gt=0)] | None = None
    epochs: Positive | None = None

    @model_validator(mode="after")
    def _holds_some(self) -> Budget:
        one_of(self, most=3)
        return self


class Tune(Keys):
    """A search over values of this recipe."""

    algorithm: Annotated[Any, ComponentSlot(("algorithm",))] = Field(description="How values are chosen.")
    objective: str = Field("val_loss", description="The metric that is made best.")
    direction: Literal["auto", "min", "max"] = Field("auto", description="Whether small or large is good.")
    space: dict[str, Range | Literal["bool"]] = Field(description="Paths of this recipe and the values to try.")
    early_stop: bool | EarlyStop | None = Field(None, description="Ends poor trials early.")
    seeds: Positive = Field(1, description="Runs of each trial, with seeds of their own.")
    budget: Budget | None = Field(None, description="The most a search may spend.")


class Export(Keys):
    """What `dlkit export` writes where the command does not say."""

    format: Literal["savedmodel", "onnx", "litert"] | None = None
    quantize: Literal["float16", "int8"] | None = None
    prune: Annotated[float, Field(ge=0, lt=1)] | None = None
    finetune_epochs: Count | None = None
    tolerance: Annotated[float, Field(gt=0)] | None = None


class Expected(Keys):
    """What a metric must reach."""

    at_least: Finite | None = None
    at_most: Finite | None = None
    equals: Finite | None = None
    over: str | None = Field(
        None, description="`recipe:NAME` or `run:PATH`: the bound is on the difference to its metric."
    )

    @model_validator(mode="after")
    def _holds_a_bound(self) -> Expected:
        if self.model_fields_set <= {"over"}:
            raise PydanticCustomError("one_of", "at least one of `at_least`, `at_most`, `equals` belongs here")
        return self


class Quick(Keys):
    """A run of seconds that shows the recipe works."""

    set: dict[str, Any] = Field({}, description="Values by path.")
    expect: dict[str, Expected] | None = None


class Block(Keys):
    """A reusable piece of a network."""

    arguments: dict[str, Any] = Field({}, description="Names and defaults; `$required` has none.")
    inputs: Annotated[list[Name], Field(min_length=1)] | None = Field(
        None, description="Names of the inputs, where there are several."
    )
    layers: Annotated[list[Any], LAYERS] = Field(description="The layers.")


class Functional(Keys):
    """A network with named inputs, layers and outputs."""

    inputs: Annotated[list[str], Field(min_length=1)] = Field(description="Features of the data.")
    layers: Annotated[list[Any], LAYERS] = Field(
        description="The layers, each on the output of the one before it or `from`."
    )
    outputs: str | list[str] | dict[str, str] | None = Field(None, description="Target of the data: layer.")


class Fragment(Keys):
    """A part of a recipe, to be extended by others: every key of a recipe, none of them required."""

    name: Annotated[str, StringConstraints(pattern=f"^{NAME}$")] | None = Field(
        None, description="The recipe's name, which its runs are filed under."
    )
    summary: str | None = Field(None, description="One line on what the recipe shows.")
    reference: str | None = Field(None, description="Paper or page that the numbers are measured against.")
    extends: list[str] | str | None = Field(None, description="Fragments or recipes this one builds on.")
    set: dict[str, Any] | None = Field(None, description="Values by path, applied after this file.")
    plugins: list[str] | None = Field(None, description="Python files with components of your own.")
    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] = Field(1, description="Where every random draw comes from.")
    deterministic: bool = Field(
        True, description="Same recipe, seed, versions and hardware: same weights, bit for bit."
    )
    data: Data | None = Field(None, description="What is learned from.")
    blocks: dict[str, Block] | None = Field(None, description="Reusable pieces of a network.")
    model: Annotated[Any, MODEL] = Field(None, description="The network, or the pattern that holds networks.")
    training: Training | None = Field(None, description="How the model learns.")
    evaluation: Evaluation | None = Field(None, description="What is measured on the test split.")
    tune: Tune | None = Field(None, description="A search over values of this recipe.")
    export: Export | None = Field(None, description="What `dlkit export` writes.")
    expect: dict[str, Expected] | None = Field(None, description="What the recipe reaches on the test split.")
    quick: Quick | None = Field(None, description="A run of seconds that shows the recipe works.")


class Recipe(Fragment):
    """A whole recipe."""

    name: Annotated[str, StringConstraints(pattern=f"^{NAME}$")] = Field(
        description="The recipe's name, which its runs are filed under."
    )
    data: Data = Field(description="What is learned from.")
    model: Annotated[Any, MODEL] = Field(description="The network, or the pattern that holds networks.")
    training: Training = Field(description="How the model learns.")


ROOT = Section(Recipe)

# Not inherited through `extends`, and what tells a file how to be put together: gone once it is.
OWN = ("name", "summary", "reference", "expect", "quick")
COMPOSING = ("extends", "set")
