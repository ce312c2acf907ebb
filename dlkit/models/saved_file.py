"""What a `.keras` file holds, read without Keras: it is a zip archive with the weights as HDF5 in it.

So a folder can be looked at, and two models be compared, without the seconds that TensorFlow takes to start. The format
is that of `keras.saving` (keras/src/saving/saving_lib.py): weights lie at `layers/<class>_<number>/vars/<number>`, and
the group `vars` has the layer's name among its attributes.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from dlkit.errors import DlkitError
from dlkit.models.layer_table import LayerRow

_WEIGHTS, _CONFIG, _ASSETS = "model.weights.h5", "config.json", "assets/"
_STATE = "seed_generator"  # of random layers; Keras does not count it among the weights


def saved_layers(path: Path) -> list[LayerRow]:
    """The layers of a saved model with their parameters, in order; the shapes of their outputs are not in the file.

    Raises:
        DlkitError: The file is damaged (`damaged-file`).
    """
    with _opened(path) as (archive, weights):
        found = json.loads(archive.read(_CONFIG))["config"]["layers"]
        parameters = {_name(group): _count(group) for group in weights.get("layers", {}).values()}
        classes = {layer["config"]["name"]: layer["class_name"] for layer in found}
    return [LayerRow(name, layer, "", parameters.get(name, 0)) for name, layer in classes.items()]


def saved_inputs(path: Path) -> list[tuple[int | None, ...]]:
    """The shapes of the inputs of a saved model, with the batch first.

    Raises:
        DlkitError: The file is damaged (`damaged-file`).
    """
    with _opened(path) as (archive, _):
        layers = json.loads(archive.read(_CONFIG))["config"]["layers"]
    return [tuple(each["config"]["batch_shape"]) for each in layers if each["class_name"] == "InputLayer"]


@dataclass(frozen=True, slots=True)
class SavedValue:
    """One thing that a saved model has learned.

    Args:
        layer: The name of the layer that it belongs to; Keras may number it otherwise in another process.
        value: An array, or the bytes of an asset, as of a vocabulary.
    """

    layer: str
    value: np.ndarray | bytes


def saved_values(path: Path) -> dict[str, SavedValue]:
    """What a saved model has learned, by place in the file, as `layers/dense/vars/0`.

    Raises:
        DlkitError: The file is damaged (`damaged-file`).
    """
    with _opened(path) as (archive, weights):
        found = {place: SavedValue(_owner(each), np.asarray(each)) for place, each in _datasets(weights)}
        assets = [name for name in sorted(archive.namelist()) if name.startswith(_ASSETS) and not name.endswith("/")]
        return found | {name: SavedValue("", archive.read(name)) for name in assets}


@contextmanager
def _opened(path: Path) -> Iterator[tuple[zipfile.ZipFile, Any]]:
    try:
        with zipfile.ZipFile(path) as archive, archive.open(_WEIGHTS) as file, h5py.File(file, "r") as weights:
            yield archive, weights
    except (zipfile.BadZipFile, KeyError, ValueError, OSError) as error:
        raise DlkitError(f"{path} cannot be read as a saved Keras model: {error}", code="damaged-file") from error


def _datasets(group: Any) -> list[tuple[str, Any]]:
    """The arrays below a group, by place."""
    found: list[tuple[str, Any]] = []
    group.visititems(lambda place, each: found.append((place, each)) if isinstance(each, h5py.Dataset) else None)
    return found


def _name(layer: Any) -> str:
    return str(layer["vars"].attrs.get("name", "")) if "vars" in layer else ""


def _owner(values: Any) -> str:
    """The name of the layer that an array belongs to."""
    return str(values.parent.attrs.get("name", ""))


def _count(layer: Any) -> int:
    return sum(int(np.prod(values.shape)) for place, values in _datasets(layer) if _STATE not in place)
