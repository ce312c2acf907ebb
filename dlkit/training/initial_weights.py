"""Weights to begin with, from a saved model: taken over layer by layer, by name."""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras

from dlkit.errors import DlkitError
from dlkit.models.inner_layers import named_layers
from dlkit.models.saved import layers_with_weights, load_saved, weights_difference

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

    Models inside a model, as those of `keras.applications`, are gone into; a glob may call their layers `<model>.<layer>`.
    Only weights are taken over, the statistics of normalizations included: neither seeds nor the optimizer's state.

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
    here, there = layers_with_weights(model), layers_with_weights(load_saved(path, custom_objects or {}))
    whole = {id(layer): name for name, layer in named_layers(model)}
    loaded: list[str] = []
    left: dict[str, str] = {}
    for name, layer in here.items():
        if layers is not None and not _is_chosen((name, whole[id(layer)]), layers):
            left[name] = "not chosen"
        elif name not in there:
            left[name] = "not in the file"
        elif wrong := weights_difference(layer, there[name]):
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


def _is_chosen(names: Sequence[str], globs: Sequence[str]) -> bool:
    return any(fnmatch.fnmatchcase(name, glob) for name in names for glob in globs)


def _listing(names: Sequence[str]) -> str:
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return ", ".join(names[:_LISTED]) + more
