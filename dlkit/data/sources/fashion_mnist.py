"""Fashion-MNIST: 70,000 grayscale images of garments, 28 x 28 pixels.

Source: https://github.com/zalandoresearch/fashion-mnist (Xiao, Rasul and Vollgraf, 2017, arXiv:1708.07747)
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from dlkit.data.arrays import Arrays, Splits
from dlkit.data.sources._idx import read_idx
from dlkit.errors import DlkitError
from dlkit.recipe.registry import register

if TYPE_CHECKING:
    import numpy as np

GROUP_OF_GARMENT = [0, 1, 0, 2, 0, 3, 0, 3, 4, 3]
ITEM_SHAPES = {
    "train-images-idx3-ubyte": (28, 28),
    "train-labels-idx1-ubyte": (),
    "t10k-images-idx3-ubyte": (28, 28),
    "t10k-labels-idx1-ubyte": (),
}


@register(
    kind="source",
    features={"image": {"kind": "image", "shape": [28, 28, 1], "dtype": "uint8"}},
    targets={
        "garment": {
            "kind": "classes",
            "labels": [
                "T-shirt/top",
                "trouser",
                "pullover",
                "dress",
                "coat",
                "sandal",
                "shirt",
                "sneaker",
                "bag",
                "ankle boot",
            ],
        },
        "group": {"kind": "classes", "labels": ["top", "trouser", "dress", "shoe", "bag"], "default": False},
    },
)
def fashion_mnist(path: str | None = None) -> Splits:
    """Fashion-MNIST, 28 x 28 gray pixels: 60,000 garments to train on and 10,000 to test on, 10 classes in 5 groups.

    Args:
        path: The folder of the four idx files, compressed or not. Where it is left out they are looked for in
            `DLKIT_DATA_DIR`, in Keras's cache and where Debian's package puts them, and then downloaded by Keras.

    Raises:
        DlkitError: The files are nowhere and cannot be downloaded, or one of them is damaged.
    """
    places = _places() if path is None else _places_of_path(path)
    folder = next((place for place in places if not _missing(place)), None)
    if folder is not None:
        files = {name: _file(folder, name) for name in ITEM_SHAPES}
        read = {name: read_idx(file, ITEM_SHAPES[name]) for name, file in files.items() if file}
        origins = {name: str(file) for name, file in files.items()}
    elif path is None:
        read, origins = _download(places), {name: f"the downloaded {name}" for name in ITEM_SHAPES}
    else:
        raise _not_found(
            places, f"or leave out `path`, to have them looked for in {_joined(_places())}, and then downloaded"
        )
    return Splits(train=_arrays(read, origins, "train"), test=_arrays(read, origins, "t10k"))


def _places() -> list[Path]:
    """The folders that may hold the files, in the order in which they are looked at."""
    home = os.environ.get("DLKIT_DATA_DIR")
    keras_home = os.environ.get("KERAS_HOME") or "~/.keras"
    return [
        *([Path(home, "fashion-mnist"), Path(home, "fashion_mnist")] if home else []),
        Path(keras_home, "datasets", "fashion-mnist").expanduser(),
        Path("/usr/share/datasets/fashion-mnist"),
    ]


def _places_of_path(path: str) -> list[Path]:
    given, home = Path(path).expanduser(), os.environ.get("DLKIT_DATA_DIR")
    return [given] if given.is_absolute() or not home else [given, Path(home, given)]


def _file(folder: Path, name: str) -> Path | None:
    return next((file for file in (folder / f"{name}.gz", folder / name) if file.is_file()), None)


def _missing(folder: Path) -> list[str]:
    return [name for name in ITEM_SHAPES if _file(folder, name) is None]


def _not_found(places: list[Path], otherwise: str, reason: str = "") -> DlkitError:
    lines = [f"  {place}: {_why(place)}" for place in places]
    home = os.environ.get("DLKIT_DATA_DIR")
    return DlkitError(
        "\n".join(
            ["The files of Fashion-MNIST were not found. Looked at:", *lines, *([f"  {reason}"] if reason else [])]
        ),
        f"Put {_joined(f'{name}.gz' for name in ITEM_SHAPES)} into one of these folders"
        f"{'' if home else ', or set DLKIT_DATA_DIR to a folder that holds them in `fashion-mnist`'}; "
        f"Debian's package dataset-fashion-mnist has them, and so has github.com/zalandoresearch/fashion-mnist; "
        f"{otherwise}",
        code="data-not-found",
    )


def _why(place: Path) -> str:
    if not place.is_dir():
        return "no such folder"
    missing = _missing(place)
    return "none of the files" if len(missing) == len(ITEM_SHAPES) else f"lacks {_joined(missing)}"


def _joined(names: Iterable[object]) -> str:
    return ", ".join(map(str, names))


def _download(places: list[Path]) -> dict[str, np.ndarray]:
    """The four arrays by the names of their files, downloaded by Keras into its cache."""
    import keras

    try:
        with contextlib.redirect_stdout(sys.stderr):  # where Keras's progress belongs
            (train_images, train_labels), (test_images, test_labels) = keras.datasets.fashion_mnist.load_data()
    except Exception as error:  # Keras raises a bare Exception where a download fails
        raise _not_found(places, "or set `path` to their folder", f"download by Keras: {error}") from error
    return dict(zip(ITEM_SHAPES, (train_images, train_labels, test_images, test_labels), strict=True))


def _arrays(read: Mapping[str, np.ndarray], origins: Mapping[str, str], split: str) -> Arrays:
    import numpy as np

    images_name, labels_name = (name for name in ITEM_SHAPES if name.startswith(split))
    images, labels = read[images_name], read[labels_name]
    if len(images) != len(labels):
        raise DlkitError(
            f"{origins[images_name]} holds {len(images):,} images, but {origins[labels_name]} {len(labels):,} labels"
        )
    if labels.max() >= len(GROUP_OF_GARMENT):
        row = int(np.argmax(labels >= len(GROUP_OF_GARMENT)))
        raise DlkitError(
            f"{origins[labels_name]}: example {row:,} has the label {labels[row]}, which is none of 0 to 9"
        )
    garment = labels.astype(np.int32)
    return Arrays(
        {"image": images[..., None]}, {"garment": garment, "group": np.array(GROUP_OF_GARMENT, np.int32)[garment]}
    )
