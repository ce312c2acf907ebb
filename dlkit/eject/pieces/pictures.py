"""How the script reads pictures that lie in a folder a class."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from dlkit.data.reading.pictures import SUFFIXES, pixels


def read_class_folders(
    folder: Path, labels: list[str], channels: int, size: tuple[int | None, int | None] = (None, None)
) -> tuple[np.ndarray, np.ndarray]:
    """The pictures `label/name` of a folder in the order of classes and names, and the numbers of their classes."""
    pictures, numbers = [], []
    for number, label in enumerate(labels):
        for path in sorted((folder / label).iterdir(), key=lambda path: path.name):
            if path.suffix.lower() in SUFFIXES and not path.name.startswith("."):
                with Image.open(path) as picture:
                    pictures.append(pixels(picture, channels, size))
                numbers.append(number)
    return np.stack(pictures), np.array(numbers, np.int32)
