"""The reading that IMDB and Reuters share: texts as Keras publishes them, lists of the numbers of words and their index.

`imdb.npz` holds the lists as an array of objects, which NumPy keeps as a pickle. Of that, nothing is run.
"""

from __future__ import annotations

import io
import json
import os
import zipfile
import zlib
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlkit.data.reading.blobs import ANEW, MOST_BYTES, readable
from dlkit.data.reading.pickles import PickledArray, load_pickle
from dlkit.data.reading.places import (
    DownloadFailed,
    data_folders,
    download,
    joined,
    keras_cache,
    look_at,
    not_found,
    places_of_path,
)
from dlkit.data.sources._batches import check_labels
from dlkit.errors import DlkitError

if TYPE_CHECKING:
    import numpy as np

Found = tuple[Path | None, str]  # what is to be read at a place, or why there is nothing


@dataclass(frozen=True)
class WordSet:
    """A data set of `keras.datasets` that comes as numbers of words.

    Args:
        title: Its name, for people.
        name: Its name among `keras.datasets`, of the source, and of its folder in `DLKIT_DATA_DIR`.
        others: Further names of folders in `DLKIT_DATA_DIR` and in Keras's cache.
        wanted: What to put there, for messages.
    """

    title: str
    name: str
    others: Sequence[str] = ()
    wanted: Sequence[str] = ()

    @property
    def files(self) -> tuple[str, str]:
        """The names of the files of the numbers and of the index."""
        return f"{self.name}.npz", f"{self.name}_word_index.json"

    def places(self) -> list[Path]:
        """The folders that are looked at, in their order."""
        return [*data_folders(self.name, *self.others), *keras_cache(*self.others, "")]


def look_for_words(place: Path, word_set: WordSet) -> Found:
    """The file of the numbers, at a place that is its folder or that file."""
    if os.path.isfile(place):
        return place, ""
    folder = look_at(place)
    missing = [name for name in word_set.files if name not in folder.files]
    if not folder.problem and not missing:
        return place / word_set.files[0], ""
    return None, folder.problem or f"lacks {joined(missing)}"


def find_or_download(word_set: WordSet, path: Path | None, look: Callable[[Path], Found]) -> Path:
    """What is to be read: at the path, or at the first of the usual places that has it, or downloaded by Keras.

    Raises:
        DlkitError: It is nowhere, and cannot be downloaded.
    """
    looked = {}
    for place in word_set.places() if path is None else places_of_path(str(path)):
        found, looked[place] = look(place)
        if found is not None:
            return found
    otherwise = f"or leave out `path`, to have them looked for in {joined(word_set.places())}, and then downloaded"
    reason = ""
    if path is None:
        try:
            return _downloaded(word_set)
        except DownloadFailed as error:
            otherwise, reason = "or set `path` to their folder", str(error)
    raise not_found(
        word_set.title, looked, word_set.wanted or [" and ".join(word_set.files)], word_set.name, otherwise, reason
    )


def _downloaded(word_set: WordSet) -> Path:
    """The file of the numbers in Keras's cache, which is read like any other: what `load_data` makes of it lacks a word."""
    for function in ("load_data", "get_word_index"):
        download(word_set.name, function)
    (cache,) = keras_cache("")
    found, why = look_for_words(cache, word_set)
    if found is None:
        raise DownloadFailed(f"{cache} {why}")
    return found


def read_words(file: Path, pairs: Collection[tuple[str, str]], classes: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Texts and classes by their names in the file, in the order of the file.

    Args:
        file: The `.npz` file; the index lies beside it.
        pairs: The names of the arrays of numbers and of the classes.
        classes: The number of classes.

    Returns:
        For each pair, the texts, words with a blank between them, as an array of str, and the classes as int32.

    Raises:
        DlkitError: A file cannot be read or is damaged, or holds anything but lists of numbers of words.
    """
    words = _index(file.with_name(f"{file.stem}_word_index.json"))
    try:
        with readable(str(file)), zipfile.ZipFile(file) as archive:
            return [_examples(archive, file, pair, words, classes) for pair in pairs]
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, zlib.error) as error:
        raise DlkitError(f"{file} is no .npz file, or a damaged one: {error}", ANEW, code="damaged-data") from None


def _index(file: Path) -> dict[int, str]:
    """The words by their numbers."""
    try:
        with readable(str(file)), file.open("rb") as opened:
            index = json.loads(opened.read(MOST_BYTES))
        if all(type(number) is int for number in index.values()):
            return {number: word for word, number in index.items()}
    except (ValueError, AttributeError, RecursionError) as error:
        raise DlkitError(f"{file} is no index of words: {error}", ANEW, code="damaged-data") from None
    raise DlkitError(f"{file} is no index of words: some have no whole number", ANEW, code="damaged-data")


def _examples(
    archive: zipfile.ZipFile, file: Path, pair: tuple[str, str], words: dict[int, str], classes: int
) -> tuple[np.ndarray, np.ndarray]:
    import numpy as np

    rows, labels = (_array(archive, file, name) for name in pair)
    origin = f"{file}: `{pair[0]}`"
    if not isinstance(rows, list) or isinstance(labels, list):
        raise DlkitError(f"{file}: `{pair[0]}` is no array of lists, or `{pair[1]}` no array of numbers", ANEW)
    if len(rows) != len(labels):
        raise DlkitError(f"{file} holds {len(rows):,} texts and {len(labels):,} classes", ANEW, code="damaged-data")
    texts = np.empty(len(rows), object)
    for number, row in enumerate(rows):
        try:
            texts[number] = " ".join([words[word] for word in row])
        except (KeyError, TypeError):
            raise DlkitError(
                f"{origin}: text {number:,} is no list of numbers of words in {file.stem}_word_index.json",
                "get both files anew",
                code="damaged-data",
            ) from None
    return texts, check_labels(labels, f"{file}: `{pair[1]}`", classes)


def _array(archive: zipfile.ZipFile, file: Path, name: str) -> list[Any] | np.ndarray:
    """An array of numbers, or the objects of an array of objects."""
    import numpy as np

    origin = f"{file}: `{name}`"
    if f"{name}.npy" not in archive.namelist():
        raise DlkitError(f"{file} has no `{name}`", ANEW, code="damaged-data")
    member = archive.getinfo(f"{name}.npy")
    if member.file_size > MOST_BYTES:
        raise DlkitError(f"{origin} claims {member.file_size:,} bytes, where {MOST_BYTES:,} are the most", ANEW)
    stream = io.BytesIO(archive.read(member))
    try:
        version = np.lib.format.read_magic(stream)
        read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = read_header(stream)
        if not dtype.hasobject:
            return np.frombuffer(stream.read(), dtype).reshape(shape)
    except ValueError as error:
        raise DlkitError(f"{origin} is a damaged array: {error}", ANEW, code="damaged-data") from None
    array = load_pickle(stream.read(), origin, ANEW)
    if not isinstance(array, PickledArray) or not isinstance(array.content, list):
        raise DlkitError(f"{origin} is no array of lists", ANEW, code="damaged-data")
    return array.content
