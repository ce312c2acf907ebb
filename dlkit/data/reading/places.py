"""Where the files of a standard data set are looked for, how Keras downloads them, and what is said where they are not."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dlkit.errors import DlkitError
from dlkit.recipe.diagnostics import did_you_mean

NO_FOLDER = "no such folder"


@dataclass(frozen=True)
class Folder:
    """A folder that was looked at.

    Args:
        path: The folder.
        files: The names of the files in it.
        problem: Why nothing can be taken from it; empty where something can.
    """

    path: Path
    files: frozenset[str] = frozenset()
    problem: str = ""


def look_at(path: Path) -> Folder:
    """The files of a folder, whether or not it is there and can be read."""
    try:
        with os.scandir(path) as entries:
            return Folder(path, frozenset(entry.name for entry in entries if entry.is_file()))
    except FileNotFoundError:
        return Folder(path, problem=NO_FOLDER)
    except OSError as error:
        return Folder(path, problem=f"cannot be read: {error.strerror}")


def data_folders(*names: str) -> list[Path]:
    """The folders of these names in `DLKIT_DATA_DIR`; none where that is not set."""
    home = os.environ.get("DLKIT_DATA_DIR")
    return [Path(home, name) for name in names] if home else []


def keras_cache(*names: str) -> list[Path]:
    """The files and folders of these names in the cache of Keras."""
    home = os.environ.get("KERAS_HOME") or "~/.keras"
    return [Path(home, "datasets", name).expanduser() for name in names]


def places_of_path(path: str) -> list[Path]:
    """What a recipe's `path` may mean: itself, and if it is relative, the same within `DLKIT_DATA_DIR`."""
    given = Path(path).expanduser()
    return [given] if given.is_absolute() else [given, *data_folders(path)]


def nearest(places: Iterable[Path], otherwise: str) -> str:
    """The cure for a path that is in none of its places: the nearest name that is there, or else `otherwise`."""
    for place in places:
        while not place.parent.is_dir() and place.parent != place:
            place = place.parent
        with contextlib.suppress(OSError):
            if cure := did_you_mean(place.name, sorted(os.listdir(place.parent))):
                return cure
    return otherwise


def joined(names: Iterable[object]) -> str:
    """The names, with commas between them."""
    return ", ".join(map(str, names))


def not_found(
    title: str, looked: Mapping[Path, str], wanted: Sequence[str], folder: str, otherwise: str, reason: str = ""
) -> DlkitError:
    """The error for files that are in none of their places.

    Args:
        title: The name of the data set, for people.
        looked: The places that were looked at, and why nothing was taken there.
        wanted: What to put there.
        folder: The folder in `DLKIT_DATA_DIR` that is looked at.
        otherwise: Other cures.
        reason: Why the download failed, if one was tried.
    """
    lines = [f"  {place}: {why}" for place, why in looked.items()]
    unset = not os.environ.get("DLKIT_DATA_DIR")
    return DlkitError(
        "\n".join(
            [
                f"The files of {title} were not found. Looked at:",
                *lines,
                *([f"  download by Keras: {reason}"] if reason else []),
            ]
        ),
        f"Put {joined(wanted)} into one of these folders"
        f"{f', or set DLKIT_DATA_DIR to a folder that holds them in `{folder}`' if unset else ''}; {otherwise}",
        code="data-not-found",
    )


class DownloadFailed(Exception):
    """Keras could not download a data set; the message says why."""


def download(name: str, function: str = "load_data", **arguments: Any) -> Any:
    """What `keras.datasets.<name>.<function>` returns; Keras looks in its cache, downloads and checks the sum.

    Raises:
        DownloadFailed: It could not.
    """
    import keras

    try:
        with contextlib.redirect_stdout(sys.stderr):  # where Keras's progress belongs
            return getattr(getattr(keras.datasets, name), function)(**arguments)
    except Exception as error:  # Keras raises a bare Exception where a download fails
        raise DownloadFailed(str(error)) from error
