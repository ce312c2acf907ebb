"""IMDB film reviews: 50,000 texts, half of them positive and half negative.

Source: https://ai.stanford.edu/~amaas/data/sentiment/ (Maas et al., 2011, "Learning Word Vectors for Sentiment Analysis")
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from dlkit.data.arrays import Arrays, Splits
from dlkit.data.reading.blobs import Blob
from dlkit.data.reading.contents import ARCHIVES, contents_of
from dlkit.data.reading.places import look_at
from dlkit.data.reading.problems import Problems
from dlkit.data.reading.text_files import read_texts
from dlkit.data.sources._keras_words import Found, WordSet, find_or_download, look_for_words, read_words
from dlkit.recipe.registry import register

if TYPE_CHECKING:
    import numpy as np

_FOLDER, _ARCHIVE = "aclImdb", "aclImdb_v1.tar.gz"
IMDB = WordSet(
    title="IMDB",
    name="imdb",
    others=(_FOLDER,),
    wanted=(f"`{_FOLDER}`, {_ARCHIVE}, or both imdb.npz and imdb_word_index.json",),
)
_FOLDERS = ("neg", "pos")  # in the order of the classes
_REVIEW = re.compile(r"(?:.*/)?(train|test)/(neg|pos)/[^/]+\.txt")


@register(
    kind="source",
    features={"text": {"kind": "text", "shape": [], "dtype": "string"}},
    targets={"sentiment": {"kind": "classes", "labels": ["negative", "positive"]}},
    unused=["data.test"],
)
def imdb(path: Path | None = None) -> Splits:
    """IMDB film reviews: 25,000 to train on and 25,000 to test on, half of them positive.

    As they were published, the texts have capitals, punctuation and `<br />`. Keras has them as numbers of words: in
    lower case, with neither punctuation nor the words that occur in the test split only.

    Args:
        path: The folder `aclImdb`, its archive, the folder of Keras's `imdb.npz` and `imdb_word_index.json`, or the folder
            that holds one of these. Where it is left out they are looked for in `DLKIT_DATA_DIR/imdb`, beside it and in
            Keras's cache, and then downloaded by Keras.

    Raises:
        DlkitError: The files are nowhere and cannot be downloaded, or some are damaged.
    """
    found = find_or_download(IMDB, path, _look)
    if found.suffix == ".npz":
        read = read_words(found, [("x_train", "y_train"), ("x_test", "y_test")], len(_FOLDERS))
    else:
        read = _read_reviews(found)
    train, test = (Arrays({"text": texts}, {"sentiment": labels}) for texts, labels in read)
    return Splits(train=train, test=test)


def _look(place: Path) -> Found:
    if os.path.isfile(place):
        known = place.name.lower().endswith((".npz", *ARCHIVES))
        return (place, "") if known else (None, "is neither an archive nor imdb.npz")
    for folder in (place, place / _FOLDER):
        if all(os.path.isdir(folder / split / label) for split in ("train", "test") for label in _FOLDERS):
            return folder, ""
    top = look_at(place)
    if _ARCHIVE in top.files:
        return place / _ARCHIVE, ""
    found, why = look_for_words(place, IMDB)
    return found, why if found or top.problem else f"{why}, and has neither {_FOLDER} nor {_ARCHIVE}"


def _read_reviews(place: Path) -> list[tuple[np.ndarray, np.ndarray]]:
    """The texts and classes to train on and to test on, in the order of the classes and of the names of the files."""
    import numpy as np

    problems = Problems()
    found: dict[tuple[str, str], list[Blob]] = {
        (split, folder): [] for split in ("train", "test") for folder in _FOLDERS
    }
    contents = contents_of(place, lambda name: _REVIEW.fullmatch(name) is not None, problems)
    for name, blob in sorted(contents.files.items()):
        review = _REVIEW.fullmatch(name)
        if review and blob is not None:
            found[review[1], review[2]].append(blob)
    for (split, folder), blobs in found.items():
        if not blobs and not problems.found:
            problems.add(f"{place} has no reviews in {split}/{folder}", "get it anew")
    problems.raise_any()
    read = []
    for split in ("train", "test"):
        parts = [found[split, folder] for folder in _FOLDERS]
        labels = np.repeat(np.arange(len(parts), dtype=np.int32), [len(part) for part in parts])
        read.append((read_texts(blob for part in parts for blob in part), labels))
    return read
