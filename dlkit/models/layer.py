"""Makes a layer of a network where it stands: Keras's, dlkit's own, or a plugin's, fitted to the training examples.

Layers that learn from data before training (`Normalization`, `Discretization`, lookups: those with `adapt`) are adapted to
the training examples as the layers before them make them. dlkit's own layers are functions that put Keras layers and
`keras.ops` together, so that a saved model holds nothing but Keras:

    @register(kind="layer")
    def impute(x, examples, /, *, strategy: Literal["mean", "median"] = "mean") -> KerasTensor: ...

One that does not look at the examples takes `x` alone; it is a part of the network as any of Keras's, with weights and the
dtype policy of the recipe.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, NamedTuple

import keras

from dlkit.errors import DlkitError
from dlkit.models.instantiate import arguments_of, component_class, instantiate
from dlkit.models.policy import dtype_policy
from dlkit.models.saved import SavedModels, load_application_weights, saved_layer
from dlkit.recipe.catalogue import catalogue
from dlkit.recipe.graph import Component

_IMAGENET = "imagenet"
# What an adapted layer is given instead, where the recipe says it itself.
_GIVEN = ("mean", "vocabulary", "bin_boundaries")


class Ids(NamedTuple):
    """What a layer of dlkit's returns that makes integers out of a vocabulary."""

    tensor: Any
    vocabulary_size: int


def make_layer(
    component: Component,
    name: str,
    first: Any,
    examples: Callable[[], Any] | None,
    is_output: bool = False,
    saved: SavedModels | None = None,
) -> Any:
    """The layer that a component stands for.

    Args:
        component: Checked against the catalogue.
        name: The layer's name.
        first: The Keras tensor that it will be called on; None where it takes none.
        examples: Gives the training examples as they arrive at the layer; None: it is not fitted.
        is_output: Whether its output is one of the model.
        saved: The saved models that layers are, or take their weights from.

    Raises:
        ValueError: Keras refuses the arguments, or the examples.
        RecipeError: A saved model does not fit.
        DlkitError: A saved model cannot be loaded, or weights cannot be downloaded (`download-failed`).
    """
    saved = saved or SavedModels()
    if component.kind == "run":
        return saved_layer(component, name, first, saved)
    target = component_class(component)
    if inspect.isfunction(target) and component.kind == "layer":
        return _of_function(target, component, name, first, examples)
    if component.kind == "application":
        return _application(component, name, first, saved)
    layer = instantiate(component, name=name, **_full_precision(component, is_output))
    if examples is not None and hasattr(layer, "adapt") and not any(key in component.arguments for key in _GIVEN):
        layer.adapt(examples())
    return layer


def _application(component: Component, name: str, first: Any, saved: SavedModels) -> keras.Model:
    """A model of `keras.applications`, with random weights, those that Keras offers, or those of a file."""
    shape = {} if "input_shape" in component.arguments else {"input_shape": tuple(first.shape[1:])}
    weights = component.arguments.get("weights", _IMAGENET)
    if weights != _IMAGENET:
        model = instantiate(component, name=name, **shape, weights=None)
        if weights is not None:
            load_application_weights(model, weights, saved)
        return model
    try:
        return instantiate(component, name=name, **shape)
    except (ValueError, TypeError):
        raise
    except Exception as error:  # Keras raises a bare Exception where a download fails
        told = str(error).strip().split("\n")[0]
        cure = (
            "Where there is a network, run it once: Keras keeps the file in ~/.keras/models, which may be copied here. "
            "Or write `weights: FILE`, `weights: run:PATH`, or `weights: null` for random ones."
        )
        message = f"The ImageNet weights of {component.name} cannot be downloaded: {told}"
        raise DlkitError(message, cure, "download-failed") from error


def _full_precision(component: Component, is_output: bool) -> dict[str, str]:
    """The dtype of a layer whose numbers want all bits: raw features have more digits than 16 bits hold, losses too."""
    spec = catalogue().find("layer", component.name)
    takes = spec is not None and "dtype" in spec.arguments and "dtype" not in component.arguments
    if not takes or keras.config.dtype_policy().compute_dtype == "float32":
        return {}
    wants = is_output or component.name == "Rescaling" or hasattr(component_class(component), "adapt")
    return {"dtype": "float32"} if wants else {}


def vocabulary_size(layer: Any) -> int | None:
    """The number of different integers that a layer gives; None where it does not make integers of a vocabulary."""
    if getattr(layer, "dlkit_vocabulary_size", None):
        return int(layer.dlkit_vocabulary_size)
    if isinstance(layer, keras.layers.TextVectorization | keras.layers.StringLookup | keras.layers.IntegerLookup):
        return int(layer.vocabulary_size()) if layer.get_config()["output_mode"] == "int" else None
    if isinstance(layer, keras.layers.Hashing | keras.layers.HashedCrossing):
        return int(layer.num_bins) if layer.output_mode == "int" else None
    if isinstance(layer, keras.layers.Discretization):
        return len(layer.bin_boundaries) + 1 if layer.output_mode == "int" else None
    return None


def _of_function(
    target: Any, component: Component, name: str, first: Any, examples: Callable[[], Any] | None
) -> keras.Model:
    x = keras.Input(shape=first.shape[1:], dtype=first.dtype)
    if "examples" in inspect.signature(target).parameters:
        with dtype_policy("float32"):
            made = target(x, None if examples is None else examples(), **arguments_of(component))
    else:
        made = target(x, **arguments_of(component))
    model = keras.Model(x, made.tensor if isinstance(made, Ids) else made, name=name)
    if isinstance(made, Ids):
        model.dlkit_vocabulary_size = made.vocabulary_size
    return model
