"""Reads files that hold a text each."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from dlkit.data.reading.blobs import Blob
from dlkit.data.reading.problems import Problems
from dlkit.data.reading.texts import decoded
from dlkit.errors import DlkitError

if TYPE_CHECKING:
    import numpy as np


def read_texts(blobs: Iterable[Blob]) -> np.ndarray:
    """The texts of the files, without the blanks at their ends, as an array of str of shape (files,).

    Raises:
        DlkitError: Files cannot be read, are no UTF-8 or hold no text; all of them are named.
    """
    import numpy as np

    problems = Problems()
    texts = []
    for blob in blobs:
        with problems.noted():
            texts.append(text_of(blob))
    problems.raise_any()
    return np.array(texts, object)


def text_of(blob: Blob) -> str:
    """The text of a file, without the blanks at its ends.

    Raises:
        DlkitError: It cannot be read, is no UTF-8, or holds no text.
    """
    text = decoded(blob.read(), blob.place).strip()
    if not text:
        raise DlkitError(f"{blob.place} holds no text", "take it out")
    return text
