"""Weights to begin with, from a saved model: taken over layer by layer, by name."""

from __future__ import annotations

import fnmatch
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras

from dlkit.errors import DlkitError

_LISTED = 6


@dataclass(frozen=True, slots=True)
class LoadedWeights:
    """What was taken over from a saved model.

    Args:
        path: The file.
        loaded: The layers whose weights were taken over.
        left: The layers with weights that keep their own, and why.
        unused: The layers of the file with weights that the model has none for.
    """

    path: Path
    loaded: tuple[str, ...]
    left: Mapping[str, str]
    unused: tuple[str, ...]

    def describe(self) -> str:
        """What was and was not loaded, in a few lines."""
        lines = [f"weights of {len(self.loaded)} layers from {self.path}: {_listing(self.loaded)}"]
        lines += (
            [f"  not loaded: {_listing([f'{name} ({why})' for name, why in self.left.items()])}"] if self.left else []
        )
        lines += [f"  not used: {_listing(self.unused)}"] if self.unused else []
        return "\n".join(lines)


def load_weights(
    model: keras.Model,
    path: Path,
    layers: Sequence[str] | None = None,
    custom_objects: Mapping[str, Any] | None = None,
) -> LoadedWeights:
    """Gives layers of a model the weights of the layers of the same names in a saved one.

    Models inside a model, as those of `keras.applications`, are gone into. Only weights are taken over, the statistics
    of normalizations included: neither seeds nor the optimizer's state.

    Args:
        model: A built model.
        path: A `.keras` file.
        layers: Globs over the names of the layers to load; all that fit where it is None. A layer that is named so
            must fit.
        custom_objects: Classes that the file needs besides Keras's, by name.

    Raises:
        DlkitError: The file cannot be read (`cannot-load`), has none of the layers (`nothing-to-load`), or a layer that
            was asked for has other shapes (`shape-differs`).
    """
    here, there = _by_name(model), _by_name(_saved(path, custom_objects or {}))
    loaded: list[str] = []
    left: dict[str, str] = {}
    for name, layer in here.items():
        if layers is not None and not any(fnmatch.fnmatchcase(name, glob) for glob in layers):
            left[name] = "not chosen"
        elif name not in there:
            left[name] = "not in the file"
        elif wrong := _difference(layer, there[name]):
            if layers is not None:
                cure = "Leave it out of `layers`, or give it the size that it has in the file."
                raise DlkitError(f"The weights of `{name}` do not fit: {wrong}.", cure, "shape-differs")
            left[name] = wrong
        else:
            loaded.append(name)
    if not loaded:
        told = "; ".join(f"{name}: {why}" for name, why in list(left.items())[:_LISTED])
        message = f"No weights of {path} fit the model: {told}."
        raise DlkitError(message, f"Its layers with weights are {_listing(list(there))}.", "nothing-to-load")
    for name in loaded:
        here[name].set_weights(there[name].get_weights())
    return LoadedWeights(path, tuple(loaded), left, tuple(name for name in there if name not in here))


def _saved(path: Path, custom_objects: Mapping[str, Any]) -> keras.Model:
    if not path.is_file():
        raise DlkitError(
            f"There is no file {path}.", "Give a `.keras` file, `run:PATH` or `recipe:NAME`.", "cannot-load"
        )
    try:
        return keras.models.load_model(path, custom_objects=dict(custom_objects), compile=False)
    except (ValueError, TypeError, OSError, KeyError, zipfile.BadZipFile) as error:
        told = str(error).strip().split("\n")[0]
        raise DlkitError(f"{path} cannot be loaded as a saved Keras model: {told}", code="cannot-load") from error


def _by_name(model: keras.Model) -> dict[str, keras.layers.Layer]:
    """The layers with weights, those of models inside it included."""
    found: dict[str, keras.layers.Layer] = {}
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            found |= _by_name(layer)
        elif layer.weights:
            found[layer.name] = layer
    return found


def _difference(layer: keras.layers.Layer, saved: keras.layers.Layer) -> str | None:
    """How the weights of a layer differ in shape from those in the file; None where they do not."""
    here, there = ([tuple(weight.shape) for weight in each.weights] for each in (layer, saved))
    if here == there:
        return None
    if len(here) != len(there):
        return f"{len(there)} weights in the file, {len(here)} here"
    old, new = next((old, new) for old, new in zip(there, here, strict=True) if old != new)
    return f"shape {old} in the file, {new} here"


def _listing(names: Sequence[str]) -> str:
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return ", ".join(names[:_LISTED]) + more
