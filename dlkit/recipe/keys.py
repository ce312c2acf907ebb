"""dlkit's own keys: the sections of a recipe, with their types, ranges and defaults.

What stands in a `ComponentSlot` is Keras's or a component's, and is checked against the catalogue (see `check`). The
documentation and the JSON Schema are made from here: every key has a description and an example.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from dlkit.recipe.key_types import NAME, Count, Finite, Keys, Name, Names, Positive, Share
from dlkit.recipe.search_keys import Tune
from dlkit.recipe.slots import LAYERS, MODEL, ComponentSlot, ListOf, MapOf, Section
from dlkit.recipe.training_keys import Training


class PerClass(Keys):
    """So many examples of each class."""

    per_class: Positive = Field(description="Examples of each class, at most.", examples=[100])


class Fold(Keys):
    """One fold of several, as the recipe of its run keeps it."""

    fold: Positive = Field(description="Which fold is held out, from 1.", examples=[2])
    of: Annotated[int, Field(ge=2, le=1000)] = Field(description="Number of folds.", examples=[5])

    @model_validator(mode="after")
    def _is_one_of_them(self) -> Fold:
        if self.fold > self.of:
            raise PydanticCustomError("one_of", "there is no fold {fold} of {of}", {"fold": self.fold, "of": self.of})
        return self


class Data(Keys):
    """What is learned from, and how it is handed over."""

    source: Annotated[Any, ComponentSlot(("source",))] = Field(
        description="Where the examples come from.", examples=["digits", {"image_folder": {"path": "flowers"}}]
    )
    features: Names | dict[str, Any] | None = Field(
        None,
        description="The features used, where not all of the source's; as a mapping, features made of columns.",
        examples=[["image"], {"sepal": ["sepal_length", "sepal_width"]}],
    )
    targets: Names | None = Field(
        None, description="The targets learned, where not the source's default.", examples=[["garment", "group"]]
    )
    validation: Share | Count = Field(
        0.1,
        description="Share or number of training examples held out, where the source has no validation split.",
        examples=[0.2],
    )
    test: Share | Count | None = Field(
        None,
        description="Share or number of examples held out for the test, where the source has no test split (0.2).",
        examples=[500],
    )
    folds: Annotated[int, Field(ge=2, le=1000)] | Fold | None = Field(
        None,
        description="Number of folds for cross-validation; `{fold: 2, of: 5}` is one of them.",
        examples=[5, {"fold": 2, "of": 5}],
    )
    limit: Positive | PerClass | None = Field(
        None,
        description="Cuts training and validation data, never test, to so many examples, or so many of each class.",
        examples=[2000, {"per_class": 100}],
    )
    preprocess: Annotated[dict[str, Any], MapOf(ListOf(ComponentSlot(("layer",))))] | None = Field(
        None,
        description="Layers that prepare a feature, or scale a target; fitted to the training split.",
        examples=[{"text": [{"TextVectorization": {"max_tokens": 10_000, "output_sequence_length": 200}}]}],
    )
    augment: Annotated[list[Any], ListOf(ComponentSlot(("augmentation", "layer")))] | None = Field(
        None,
        description="Random changes of training examples.",
        examples=[[{"RandomFlip": {"mode": "horizontal"}}, {"pad_and_crop": {"padding": 4}}]],
    )
    batch_size: Positive | Literal["all"] = Field(
        32,
        description="Examples a step, over all devices; `all`: every training example in one step.",
        examples=[128],
    )
    shuffle: bool | Literal["balanced"] = Field(
        True,
        description="Whether each epoch has an order of its own; `balanced`: and every class equally often.",
        examples=["balanced"],
    )
    cache: Literal["auto", "memory", "disk"] | bool = Field(
        "auto", description="Where decoded examples are kept; `false`: nowhere.", examples=["disk"]
    )
    class_weight: Literal["balanced"] | dict[str, Finite] | None = Field(
        None, description="Weight of each class in the loss.", examples=["balanced", {"cat": 1.0, "dog": 3.0}]
    )


class Evaluation(Keys):
    """What is measured on the test split."""

    metrics: Annotated[list[Any], ListOf(ComponentSlot(("metric", "baseline", "rollout", "generation")))] | None = (
        Field(
            None,
            description="More metrics of the test split, baselines that the model is held against, free runs, and measures "
            "of what it generates.",
            examples=[["majority", {"SparseTopKCategoricalAccuracy": {"k": 3}}]],
        )
    )
    figures: Annotated[list[Any], ListOf(ComponentSlot(("figure",)))] | None = Field(
        None, description="Figures of the report; all that apply by default.", examples=[["curves", "confusion_matrix"]]
    )
    samples: Count | None = Field(
        None, description="Mistakes shown in the report, at most; 12 by default.", examples=[24]
    )


class Export(Keys):
    """What `dlkit export` writes where the command does not say."""

    format: Literal["savedmodel", "onnx", "litert"] | None = Field(
        None, description="The kind of file.", examples=["onnx"]
    )
    quantize: Literal["float16", "int8"] | None = Field(
        None, description="What weights are stored as, where not as float32.", examples=["int8"]
    )
    prune: Annotated[float, Field(ge=0, lt=1)] | None = Field(
        None, description="Share of the weights that are set to zero, the smallest first.", examples=[0.5]
    )
    finetune_epochs: Count | None = Field(
        None, description="Epochs that the pruned model is trained for, its zeros held.", examples=[2]
    )
    tolerance: Annotated[float, Field(gt=0)] | None = Field(
        None,
        description="How far the file's outputs, or its test metric where it is quantized or pruned, may be from the model's.",
        examples=[0.001],
    )


class Expected(Keys):
    """What a metric must reach."""

    at_least: Finite | None = Field(None, description="The smallest value that is met.", examples=[0.93])
    at_most: Finite | None = Field(None, description="The largest value that is met.", examples=[0.25])
    equals: Finite | None = Field(None, description="The value that it must have.", examples=[1.0])
    over: str | None = Field(
        None,
        description="`recipe:NAME` or `run:PATH`: the bound is on the difference to its metric.",
        examples=["recipe:cifar10/scratch_100"],
    )

    @model_validator(mode="after")
    def _holds_a_bound(self) -> Expected:
        if self.model_fields_set <= {"over"}:
            raise PydanticCustomError("one_of", "at least one of `at_least`, `at_most`, `equals` belongs here")
        return self


class Quick(Keys):
    """A run of seconds that shows the recipe works."""

    set: dict[str, Any] = Field(
        {},
        description="Values by path, which `--quick` sets.",
        examples=[{"training.epochs": 1, "data.limit": 2000}],
    )
    expect: dict[str, Expected] | None = Field(
        None, description="What the quick run must reach.", examples=[{"test_accuracy": {"at_least": 0.5}}]
    )


class Block(Keys):
    """A reusable piece of a network."""

    arguments: dict[str, Any] = Field(
        {},
        description="Names and defaults; `$required` has none.",
        examples=[{"filters": "$required", "kernel_size": 3}],
    )
    inputs: Annotated[list[Name], Field(min_length=1)] | None = Field(
        None, description="Names of the inputs, where there are several.", examples=[["x", "memory"]]
    )
    layers: Annotated[list[Any], LAYERS] = Field(
        description="The layers.", examples=[[{"Conv2D": {"filters": "$filters", "kernel_size": 3}}, "ReLU"]]
    )


class Functional(Keys):
    """A network with named inputs, layers and outputs."""

    inputs: Annotated[list[str], Field(min_length=1)] = Field(
        description="Features of the data.", examples=[["image", "table"]]
    )
    layers: Annotated[list[Any], LAYERS] = Field(
        description="The layers, each on the output of the one before it or `from`.",
        examples=[
            [
                {"Flatten": {"name": "seen", "from": "image"}},
                {"Concatenate": {"from": ["seen", "table"]}},
                {"Dense": {"units": 1, "name": "price"}},
            ]
        ],
    )
    outputs: str | list[str] | dict[str, str] | None = Field(
        None,
        description="Target of the data: layer; the last layer where it is not written.",
        examples=[{"price": "price"}],
    )


class Fragment(Keys):
    """A part of a recipe, to be extended by others: every key of a recipe, none of them required."""

    name: Annotated[str, StringConstraints(pattern=f"^{NAME}$")] | None = Field(
        None, description="The recipe's name, which its runs are filed under.", examples=["garments/small"]
    )
    summary: str | None = Field(
        None, description="One line on what the recipe shows.", examples=["Two convolution blocks"]
    )
    reference: str | None = Field(
        None,
        description="Paper or page that the numbers are measured against.",
        examples=["0.934, zalandoresearch/fashion-mnist"],
    )
    extends: list[str] | str | None = Field(
        None,
        description="Fragments or recipes this one builds on.",
        examples=[["data/fashion_mnist", "training/classification"]],
    )
    set: dict[str, Any] | None = Field(
        None,
        description="Values by path, applied after this file.",
        examples=[{"training.optimizer.learning_rate": 1e-3}],
    )
    plugins: list[str] | None = Field(
        None, description="Python files with components of your own.", examples=[["my_layers.py"]]
    )
    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] = Field(
        1, description="Where every random draw comes from.", examples=[7]
    )
    deterministic: bool = Field(
        True, description="Same recipe, seed, versions and hardware: same weights, bit for bit.", examples=[False]
    )
    data: Data | None = Field(None, description="What is learned from.", examples=[{"source": "digits"}])
    blocks: dict[str, Block] | None = Field(
        None,
        description="Reusable pieces of a network.",
        examples=[
            {
                "conv_block": {
                    "arguments": {"filters": "$required"},
                    "layers": [{"Conv2D": {"filters": "$filters", "kernel_size": 3}}, "ReLU"],
                }
            }
        ],
    )
    model: Annotated[Any, MODEL] = Field(
        None,
        description="The network, or the pattern that holds networks.",
        examples=[{"sequential": ["Flatten", {"Dense": {"units": "$data.classes"}}]}],
    )
    training: Training | None = Field(None, description="How the model learns.", examples=[{"epochs": 20}])
    evaluation: Evaluation | None = Field(
        None, description="What is measured on the test split.", examples=[{"metrics": ["majority"]}]
    )
    tune: Tune | None = Field(
        None,
        description="A search over values of this recipe.",
        examples=[
            {
                "algorithm": {"random": {"trials": 30}},
                "objective": "val_accuracy",
                "space": {"training.optimizer.learning_rate": {"float": [1e-4, 1e-2], "sampling": "log"}},
            }
        ],
    )
    export: Export | None = Field(None, description="What `dlkit export` writes.", examples=[{"format": "onnx"}])
    expect: dict[str, Expected] | None = Field(
        None,
        description="What the recipe reaches on the test split.",
        examples=[{"test_accuracy": {"at_least": 0.93}}],
    )
    quick: Quick | None = Field(
        None,
        description="A run of seconds that shows the recipe works.",
        examples=[{"set": {"training.epochs": 1}, "expect": {"test_accuracy": {"at_least": 0.5}}}],
    )


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
