"""The keys of `training` and of what stands in it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from dlkit.recipe.key_types import Count, Finite, Keys, Loss, Metrics, Name, Optimizer, Positive, one_of
from dlkit.recipe.slots import ComponentSlot, ListOf, MapOf


class Every(Keys):
    """An interval; one of the three."""

    steps: Positive | None = Field(None, description="Steps between two states.", examples=[500])
    epochs: Positive | None = Field(None, description="Epochs between two states.", examples=[1])
    minutes: Annotated[float, Field(gt=0)] | None = Field(
        None, description="Minutes between two states.", examples=[10]
    )

    @model_validator(mode="after")
    def _holds_one(self) -> Every:
        one_of(self, most=1)
        return self


class Checkpoint(Keys):
    """When exact states are saved."""

    every: Every | Literal["auto"] = Field(
        "auto",
        description="The interval; `auto`: each epoch, and in long ones, as long as it takes 1 % of the time.",
        examples=["auto"],
    )


class Best(Keys):
    """How the best epoch is chosen."""

    monitor: str = Field(
        "val_loss",
        description="The metric that the best epoch is chosen by.",
        examples=["val_accuracy"],
    )
    mode: Literal["auto", "min", "max"] = Field(
        "auto",
        description="Whether small or large is good; `auto`: as the metric's name and class tell.",
        examples=["max"],
    )


class InitialWeights(Keys):
    """Weights to begin with, by layer name."""

    source: str = Field(
        alias="from", description="A `.keras` file, `run:PATH` or `recipe:NAME`.", examples=["recipe:digits/cnn"]
    )
    layers: list[str] | None = Field(
        None, description="Globs over the names of the layers to load.", examples=[["conv*"]]
    )


class StopAfter(Keys):
    """Ends a run early, its schedules laid out for the whole."""

    epochs: Positive | None = Field(None, description="Ends after so many epochs.", examples=[5])
    steps: Positive | None = Field(None, description="Ends after so many steps.", examples=[2000])
    minutes: Annotated[float, Field(gt=0)] | None = Field(
        None, description="Ends after so many minutes.", examples=[30]
    )

    @model_validator(mode="after")
    def _holds_some(self) -> StopAfter:
        one_of(self, most=3)
        return self


class Profile(Keys):
    """The steps that TensorBoard's profiler records."""

    steps: Annotated[list[Count], Field(min_length=2, max_length=2)] = Field(
        description="The first and the last step that are recorded.", examples=[[10, 20]]
    )


class Training(Keys):
    """How the model learns."""

    epochs: Positive | None = Field(
        None,
        description="Passes over the training data; of each stage that says no other, where there are stages.",
        examples=[20],
    )
    steps_per_epoch: Positive | None = Field(
        None, description="Steps an epoch, where not all of the data.", examples=[200]
    )
    loss: Loss | None = Field(
        None,
        description="The loss; inferred from the target where it is not written.",
        examples=[{"CategoricalCrossentropy": {"label_smoothing": 0.1}}],
    )
    losses: Annotated[dict[str, Any], MapOf(ComponentSlot(("loss",)))] | None = Field(
        None,
        description="A loss for each output.",
        examples=[{"garment": "SparseCategoricalCrossentropy", "price": "Huber"}],
    )
    loss_weights: dict[str, Finite] | None = Field(
        None, description="The weight of each output's loss.", examples=[{"garment": 1.0, "price": 0.5}]
    )
    metrics: Metrics | None = Field(
        None,
        description="Metrics; inferred from the target where they are not written.",
        examples=[["SparseCategoricalAccuracy", {"SparseTopKCategoricalAccuracy": {"k": 3}}]],
    )
    metrics_by_output: Annotated[dict[str, Any], MapOf(ListOf(ComponentSlot(("metric",))))] | None = Field(
        None,
        description="Metrics for each output.",
        examples=[{"garment": ["SparseCategoricalAccuracy"], "price": ["MeanAbsoluteError"]}],
    )
    optimizer: Optimizer = Field(
        "Adam",
        description="The optimizer. Its learning rate is a number or a schedule.",
        examples=[{"AdamW": {"learning_rate": 1e-3, "weight_decay": 0.01}}],
    )
    optimizers: Annotated[dict[str, Any], MapOf(ComponentSlot(("optimizer",)))] | None = Field(
        None,
        description="An optimizer for each network of a pattern.",
        examples=[{"generator": {"Adam": {"learning_rate": 2e-4}}, "discriminator": {"Adam": {"learning_rate": 1e-4}}}],
    )
    callbacks: Annotated[list[Any], ListOf(ComponentSlot(("callback",)))] = Field(
        [],
        description="Keras's callbacks.",
        examples=[[{"EarlyStopping": {"monitor": "val_accuracy", "patience": 5, "restore_best_weights": True}}]],
    )
    stages: list[Stage] | None = Field(
        None,
        description="Trainings one after another, each this section with changes.",
        examples=[
            [
                {"name": "head", "freeze": ["backbone*"], "epochs": 5},
                {"name": "all", "unfreeze": ["*"], "optimizer": {"Adam": {"learning_rate": 1e-4}}},
            ]
        ],
    )
    initial_weights: str | InitialWeights | None = Field(
        None,
        description="Weights to begin with: a `.keras` file, `run:PATH`, `recipe:NAME`, or those of some layers of it.",
        examples=["recipe:cifar10/five_classes"],
    )
    checkpoint: Checkpoint = Field(
        Checkpoint(), description="When exact states are saved.", examples=[{"every": {"minutes": 10}}]
    )
    best: Best = Field(Best(), description="How the best epoch is chosen.", examples=[{"monitor": "val_accuracy"}])
    precision: Literal["auto", "float32", "mixed_bfloat16", "mixed_float16"] = Field(
        "float32",
        description="Keras's dtype policy; `auto`: the mixed one that the device is fast at.",
        examples=["mixed_bfloat16"],
    )
    fused_batch_normalization: bool = Field(
        False,
        description="Whether each BatchNormalization is computed by one kernel in training: faster, rounded otherwise.",
        examples=[True],
    )
    jit_compile: bool | Literal["auto"] = Field(False, description="Whether XLA compiles the step.", examples=[True])
    steps_per_execution: Positive | Literal["auto"] = Field(
        1, description="Steps run in one call of the compiled function.", examples=[50]
    )
    strategy: Literal["auto", "none", "mirrored", "multi_worker"] = Field(
        "none", description="How several devices share the work.", examples=["mirrored"]
    )
    stop_after: StopAfter | None = Field(
        None, description="Ends the run early, its schedules laid out for the whole.", examples=[{"epochs": 5}]
    )
    profile: Profile | None = Field(
        None, description="The steps that TensorBoard's profiler records.", examples=[{"steps": [10, 20]}]
    )

    @property
    def total_epochs(self) -> int:
        """The epochs of a recipe that was read, with all its stages."""
        if self.stages:
            return sum(stage.total_epochs for stage in self.stages)
        assert self.epochs is not None, "`check_epochs` holds that they are written"
        return self.epochs


class Stage(Training):
    """A training that follows another: `training` with these changes."""

    epochs: Positive | None = Field(None, description="Passes over the training data.", examples=[5])
    stages: None = Field(None, description="Nothing: a stage has no stages.")
    name: Name | None = Field(None, description="The stage's name in metrics.jsonl.", examples=["fine_tuning"])
    freeze: list[str] | None = Field(
        None, description="Globs over names of layers that do not learn.", examples=[["backbone*"]]
    )
    unfreeze: list[str] | None = Field(
        None, description="Globs over names of layers that learn again.", examples=[["backbone.stage3*"]]
    )
    phase: Name | None = Field(
        None, description="A phase that the pattern offers, as `pretrain`.", examples=["pretrain"]
    )
