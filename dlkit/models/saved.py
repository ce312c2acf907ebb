"""Saved models inside a network: a run as a layer of it, and weights for the models of `keras.applications`.

model:
  sequential:
    - recipe:cifar10/five_classes: {layer: features, trainable: false, name: backbone}
    - MobileNetV2: {include_top: false, weights: run:latest}
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras

from dlkit.errors import DlkitError
from dlkit.models.inner_layers import set_trainable
from dlkit.recipe.diagnostics import Diagnostic, RecipeError, did_you_mean, listing
from dlkit.recipe.graph import Component
from dlkit.recipe.other_recipes import fits, form

_LISTED = 6


@dataclass(frozen=True, slots=True)
class SavedModels:
    """The files of saved models.

    Args:
        files: By the word that a recipe has for them, as `recipe:digits/cnn`.
        custom_objects: Classes that they need besides Keras's, by name.
    """

    files: Mapping[str, Path] = field(default_factory=dict)
    custom_objects: Mapping[str, Any] = field(default_factory=dict)

    def load(self, word: str) -> keras.Model:
        """The model behind a word.

        Raises:
            DlkitError: It cannot be read (`cannot-load`).
        """
        return load_saved(self.files[word], self.custom_objects)


def load_saved(path: Path, custom_objects: Mapping[str, Any]) -> keras.Model:
    """A saved model, not compiled.

    Raises:
        DlkitError: The file is not there or cannot be read (`cannot-load`).
    """
    if not path.is_file():
        raise DlkitError(
            f"There is no file {path}.", "Give a `.keras` file, `run:PATH` or `recipe:NAME`.", "cannot-load"
        )
    try:
        return keras.models.load_model(path, custom_objects=dict(custom_objects), compile=False)
    except (ValueError, TypeError, OSError, KeyError, zipfile.BadZipFile) as error:
        told = str(error).strip().split("\n")[0]
        raise DlkitError(f"{path} cannot be loaded as a saved Keras model: {told}", code="cannot-load") from error


# A run as a layer


def saved_layer(component: Component, name: str, given: Any, saved: SavedModels) -> keras.Model:
    """The saved model of a run as a layer.

    Every layer in it learns unless the component says `trainable: false`, whatever the run had frozen.

    Args:
        component: Of the kind `run`.
        name: The layer's name; layers inside it keep theirs.
        given: The Keras tensor that it will be called on, or tensors by the names of the model's inputs.

    Raises:
        RecipeError: The model does not fit.
        DlkitError: It cannot be loaded.
    """
    model = saved.load(component.name)
    inputs = {tensor.name: tensor for tensor in model.inputs}
    _check_inputs(component, inputs, given)
    output = _output(component, model)
    taken = inputs if isinstance(given, dict) else next(iter(inputs.values()))
    made = keras.Model(taken, output, name=name)
    set_trainable(made, component.arguments.get("trainable", True))
    return made


def _output(component: Component, model: keras.Model) -> Any:
    name = component.arguments.get("layer")
    layers = {layer.name: layer for layer in model.layers}
    if name is not None and name not in layers:
        cure = did_you_mean(name, layers, f"its layers are called {listing(layers, _LISTED)}")
        raise _refused("unknown-layer-name", f"`{component.name}` has no layer `{name}`", component, cure)
    if name is not None:
        return layers[name].output
    if len(model.outputs) > 1:
        cure = "say with `layer` which of its layers is taken"
        raise _refused("several-outputs", f"`{component.name}` has {len(model.outputs)} outputs", component, cure)
    return model.outputs[0]


def _check_inputs(component: Component, inputs: Mapping[str, Any], given: Any) -> None:
    if not isinstance(given, dict):
        if len(inputs) != 1 or isinstance(given, list):
            cure = f"write `from: {{{', '.join(f'{name}: ...' for name in inputs)}}}`"
            raise _refused("missing-from", f"`{component.name}` takes {listing(inputs)}", component, cure)
        given = dict.fromkeys(inputs, given)
    if set(given) != set(inputs):
        cure = f"name them all: `from: {{{', '.join(f'{name}: ...' for name in inputs)}}}`"
        message = f"`{component.name}` takes {listing(inputs)}, and is given {listing(given)}"
        raise _refused("missing-from", message, component, cure)
    for name, taken in inputs.items():
        here = (tuple(given[name].shape[1:]), given[name].dtype)
        there = (tuple(taken.shape[1:]), taken.dtype)
        if not fits(*here, *there):
            message = f"`{component.name}` takes {form(*there)}, and is given {form(*here)}"
            raise _refused(
                "feature-differs", message, component, "a saved model takes raw features as it was trained on"
            )


def _refused(code: str, message: str, component: Component, cure: str) -> RecipeError:
    return RecipeError([Diagnostic(code, message, component.span, cure)])


# Weights of `keras.applications`


def load_application_weights(model: keras.Model, word: str, saved: SavedModels) -> None:
    """Gives a model of `keras.applications` the weights of a file: all of them, layer by layer, by name.

    Args:
        model: The model.
        word: What the recipe says: a file, or a run.

    Raises:
        DlkitError: The file cannot be read (`cannot-load`), or its layers are others (`shape-differs`).
    """
    path = saved.files[word]
    if path.suffix != ".keras":
        _load_h5(model, path)
        return
    here, there = layers_with_weights(model), layers_with_weights(load_saved(path, saved.custom_objects))
    wrong = {name: _why(layer, there.get(name)) for name, layer in here.items()}
    told = [f"{name}: {why}" for name, why in wrong.items() if why]
    if told:
        more = f" and {len(told) - _LISTED} more" if len(told) > _LISTED else ""
        raise DlkitError(
            f"The weights of {path} do not fit {model.name}: {'; '.join(told[:_LISTED])}{more}.",
            "Give the model the arguments that the file was made with, as `include_top` and `alpha`.",
            "shape-differs",
        )
    for name, layer in here.items():
        layer.set_weights(there[name].get_weights())


def _load_h5(model: keras.Model, path: Path) -> None:
    try:
        model.load_weights(path)
    except (ValueError, OSError, KeyError) as error:
        told = " ".join(str(error).split())[:300]
        cure = "Give the model the arguments that the file was made with, as `include_top` and `alpha`."
        raise DlkitError(f"The weights of {path} do not fit {model.name}: {told}", cure, "shape-differs") from error


def _why(layer: keras.layers.Layer, saved: keras.layers.Layer | None) -> str | None:
    return "not in the file" if saved is None else weights_difference(layer, saved)


def layers_with_weights(model: keras.Model) -> dict[str, keras.layers.Layer]:
    """The layers with weights by name, those of models inside it included.

    A layer of a model inside has its own name, or `<model>.<layer>` where another layer has that name too.
    """
    found: dict[str, keras.layers.Layer] = {}
    own = {layer.name for layer in model.layers}
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            for name, inside in layers_with_weights(layer).items():
                found[f"{layer.name}.{name}" if name in own or name in found else name] = inside
        elif layer.weights:
            found[layer.name] = layer
    return found


def weights_difference(layer: keras.layers.Layer, saved: keras.layers.Layer) -> str | None:
    """How the weights of a layer differ in shape from those in the file; None where they do not."""
    here, there = ([tuple(weight.shape) for weight in each.weights] for each in (layer, saved))
    if here == there:
        return None
    if len(here) != len(there):
        return f"{len(there)} weights in the file, {len(here)} here"
    old, new = next((old, new) for old, new in zip(there, here, strict=True) if old != new)
    return f"shape {old} in the file, {new} here"
