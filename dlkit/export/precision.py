"""Models that were trained in mixed precision, for formats that compute in float32."""

from __future__ import annotations

import json
import re
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import keras

_CONFIG = "config.json"  # of a .keras file
_MIXED = "mixed_"  # begins the names of policies, before the type that is computed in


def is_mixed(model: keras.Model) -> bool:
    """Whether layers of a model compute in other types than their weights have."""
    return any(_is_mixed(layer.dtype_policy.name) for layer in model._flatten_layers())


def in_float32(model: keras.Model) -> keras.Model:
    """The same model, with the same weights, computed in float32, which its weights are kept in.

    By way of a file, so that layers are loaded as they know how to be: those with tables, and those that were adapted.
    """
    with tempfile.TemporaryDirectory() as folder:
        mixed, plain = Path(folder) / "mixed.keras", Path(folder) / "plain.keras"
        model.save(mixed)
        with zipfile.ZipFile(mixed) as taken, zipfile.ZipFile(plain, "w") as made:
            for name in taken.namelist():
                content = taken.read(name)
                made.writestr(name, _plain(content) if name == _CONFIG else content)
        return keras.models.load_model(plain, compile=False)


def _is_mixed(policy: str) -> bool:
    return policy.startswith(_MIXED)


def _plain(content: bytes) -> str:
    """A configuration without mixed precision: neither its policies, nor the types that tensors have by them."""
    small = {name.removeprefix(_MIXED) for name in re.findall(rf"{_MIXED}\w+", content.decode())}

    def replaced(config: Any, key: str = "") -> Any:
        match config:
            case str() if _is_mixed(config) or (key == "dtype" and config in small):
                return "float32"
            case dict():
                return {key: replaced(value, key) for key, value in config.items()}
            case list():
                return [replaced(value, key) for value in config]
        return config

    return json.dumps(replaced(json.loads(content)))
