"""Texts one a line, in a file a class, as Pang and Lee's sentences about films come."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from dlkit.data.arrays import Arrays, Splits
from dlkit.data.reading.places import joined, nearest, places_of_path
from dlkit.data.reading.problems import Problems
from dlkit.data.reading.texts import read_text
from dlkit.errors import DlkitError
from dlkit.recipe.diagnostics import listing
from dlkit.recipe.facts import DataFacts, Target
from dlkit.recipe.registry import register


@register(
    kind="source",
    features={"text": {"kind": "text", "shape": [], "dtype": "string"}},
    targets={"label": {"kind": "classes"}},
)
def text_lines(files: dict[str, str], path: Path | None = None, test_files: dict[str, str] | None = None) -> Splits:
    """Texts, one a line, in a file a class.

    Blanks at the ends of a line are taken away, and lines with nothing else are passed over.

    Args:
        files: The file of each class, by the name of the class: `{positive: reviews.pos, negative: reviews.neg}`. The
            classes are numbered in this order.
        path: The folder of the files; `.` is that of the recipe. Where it is left out, the files are looked for in the
            working folder and in `DLKIT_DATA_DIR`.
        test_files: The files of the test split, for the same classes; where they are left out, `data.test` says how
            many of the texts are held out.

    Raises:
        DlkitError: There are fewer than two classes, or files are missing, have no text or are no UTF-8; all such files
            are named.
    """
    _check_classes(files, test_files)
    problems = Problems()
    train = _read(files, path, problems)
    test = _read({label: test_files[label] for label in files}, path, problems) if test_files is not None else None
    problems.raise_any()
    target = Target("classes", classes=len(files), labels=tuple(map(str, files)))
    return Splits(train=train, test=test, facts=DataFacts(targets={"label": target}))


def _check_classes(files: Mapping[str, str], test_files: Mapping[str, str] | None) -> None:
    if len(files) < 2:
        raise DlkitError(
            f"`files` of text_lines names {f'one class only, {listing(map(str, files))}' if files else 'no class'}",
            "name a file for each of two or more classes",
            code="one-class",
        )
    if test_files is not None and set(test_files) != set(files):
        raise DlkitError(
            f"`test_files` of text_lines has the classes {listing(map(str, test_files))}, "
            f"where `files` has {listing(map(str, files))}",
            "name a file for each of the same classes",
        )
    for key, part in (("files", files), ("test_files", test_files or {})):
        classes: dict[str, str] = {}
        for label, file in part.items():
            if not isinstance(file, str):
                raise DlkitError(f"`{key}.{label}` of text_lines is {file!r}", "give the name of one file")
            if classes.setdefault(os.path.normpath(file), str(label)) != str(label):
                raise DlkitError(
                    f"`{key}` of text_lines gives `{file}` to two classes, "
                    f"{listing([classes[os.path.normpath(file)], str(label)])}",
                    "name a file of its own for each class",
                )


def _read(files: Mapping[str, str], path: Path | None, problems: Problems) -> Arrays:
    """The texts of the files and the numbers of their classes, in the order of the files."""
    import numpy as np

    texts: list[str] = []
    labels: list[int] = []
    for number, (label, file) in enumerate(files.items()):
        with problems.noted():
            found = _lines(_find(file, path), str(label))
            texts += found
            labels += [number] * len(found)
    return Arrays({"text": np.array(texts, object)}, {"label": np.array(labels, np.int32)})


def _lines(file: Path, label: str) -> list[str]:
    texts = [line.strip() for line in read_text(file).split("\n")]
    texts = [text for text in texts if text]
    if not texts:
        raise DlkitError(f"{file} holds no text, so there is none of the class `{label}`", "put one text on each line")
    return texts


def _find(file: str, path: Path | None) -> Path:
    places = places_of_path(file) if path is None else [folder / file for folder in places_of_path(str(path))]
    for place in places:
        if os.path.isfile(place):
            return place
    folder = "" if path is not None else "set `path` to the folder of the files: `.` is that of the recipe"
    raise DlkitError(
        f"There is no file `{file}`. Looked at: {joined(places)}",
        nearest(places, folder or "look at the name of the file and at `path`"),
        code="data-not-found",
    )
