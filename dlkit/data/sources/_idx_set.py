"""The reading that MNIST and its kin share: gray 28 x 28 images in four idx files, with a training and a test split."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dlkit.data.reading.idx import read_idx
from dlkit.data.reading.places import (
    DownloadFailed,
    Folder,
    data_folders,
    download,
    joined,
    keras_cache,
    look_at,
    not_found,
    places_of_path,
)
from dlkit.data.reading.problems import Problems

if TYPE_CHECKING:
    import numpy as np

CLASSES = 10
ITEM_SHAPES = {
    "train-images-idx3-ubyte": (28, 28),
    "train-labels-idx1-ubyte": (),
    "t10k-images-idx3-ubyte": (28, 28),
    "t10k-labels-idx1-ubyte": (),
}

Examples = tuple["np.ndarray", "np.ndarray"]


@dataclass(frozen=True)
class IdxSet:
    """A data set in idx files.

    Args:
        title: Its name, for people.
        name: Its name among `keras.datasets`.
        folders: The names that its folder may have in `DLKIT_DATA_DIR`.
        cached: The name of its folder in the cache of Keras.
        installed: Where a package of the system puts it.
        offered: Who has it, as a clause of a sentence.
    """

    title: str
    name: str
    folders: tuple[str, ...]
    cached: str
    installed: str
    offered: str

    def places(self) -> list[Path]:
        """The folders that may hold the files, in the order in which they are looked at."""
        return [*data_folders(*self.folders), *keras_cache(self.cached), Path(self.installed)]


def read_idx_set(idx_set: IdxSet, path: str | None) -> tuple[Examples, Examples]:
    """The images and labels to train on and to test on, from the first place that has all files, or from a download.

    Args:
        idx_set: The data set.
        path: The folder of the four idx files, compressed or not; None for the usual places.

    Returns:
        For each of the two splits, images as uint8 of shape (examples, 28, 28, 1) and classes as int32.

    Raises:
        DlkitError: The files are nowhere and cannot be downloaded, or some are damaged; all of these are named.
    """
    problems = Problems()
    looked = [look_at(place) for place in (idx_set.places() if path is None else places_of_path(path))]
    folder = next((folder for folder in looked if not _missing(folder)), None)
    if folder is not None:
        origins = {name: str(folder.path / (_file(folder, name) or name)) for name in ITEM_SHAPES}
        read = {}
        for name, shape in ITEM_SHAPES.items():
            with problems.noted():
                read[name] = read_idx(Path(origins[name]), shape)
    else:
        read, origins = _download(idx_set, path, looked), {name: f"the downloaded {name}" for name in ITEM_SHAPES}
    for split in ("train", "t10k"):
        _check(read, origins, split, problems)
    problems.raise_any()
    return _examples(read, "train"), _examples(read, "t10k")


def _file(folder: Folder, name: str) -> str | None:
    return next((file for file in (f"{name}.gz", name) if file in folder.files), None)


def _missing(folder: Folder) -> list[str]:
    return [name for name in ITEM_SHAPES if _file(folder, name) is None]


def _why(folder: Folder) -> str:
    if folder.problem:
        return folder.problem
    missing = _missing(folder)
    return "none of the files" if len(missing) == len(ITEM_SHAPES) else f"lacks {joined(missing)}"


def _download(idx_set: IdxSet, path: str | None, looked: list[Folder]) -> dict[str, np.ndarray]:
    """The four arrays by the names of their files, downloaded by Keras into its cache; only where no `path` is given."""
    otherwise = f"or leave out `path`, to have them looked for in {joined(idx_set.places())}, and then downloaded"
    reason = ""
    if path is None:
        try:
            (train_images, train_labels), (test_images, test_labels) = download(idx_set.name)
            return dict(zip(ITEM_SHAPES, (train_images, train_labels, test_images, test_labels), strict=True))
        except DownloadFailed as error:
            otherwise, reason = "or set `path` to their folder", str(error)
    raise not_found(
        idx_set.title,
        {folder.path: _why(folder) for folder in looked},
        [f"{name}.gz" for name in ITEM_SHAPES],
        idx_set.folders[0],
        f"{idx_set.offered}; {otherwise}",
        reason,
    )


def _names(split: str) -> list[str]:
    """The names of the images and of the labels of a split."""
    return [name for name in ITEM_SHAPES if name.startswith(split)]


def _check(read: Mapping[str, np.ndarray], origins: Mapping[str, str], split: str, problems: Problems) -> None:
    import numpy as np

    images_name, labels_name = _names(split)
    images, labels = read.get(images_name), read.get(labels_name)
    if images is not None and labels is not None and len(images) != len(labels):
        problems.add(
            f"{origins[images_name]} holds {len(images):,} images, but {origins[labels_name]} {len(labels):,} labels",
            "get both files anew, from one place",
        )
    if labels is not None and labels.max() >= CLASSES:
        row = int(np.argmax(labels >= CLASSES))
        problems.add(
            f"{origins[labels_name]}: example {row:,} has the label {labels[row]}, which is none of 0 to {CLASSES - 1}",
            "get the file anew",
        )


def _examples(read: Mapping[str, np.ndarray], split: str) -> Examples:
    images, labels = (read[name] for name in _names(split))
    return images[..., None], labels.astype("int32")
