"""How a script gets at the examples: what the readers of sources say, and how they are found."""

from __future__ import annotations

import importlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from dlkit.data.reading.places import places_of_path
from dlkit.eject.code import Code, Pairs, literal_text
from dlkit.eject.refusal import refusal
from dlkit.eject.subject import Subject

_READERS = "dlkit.eject.readers"


@dataclass(frozen=True, slots=True)
class Reading:
    """The function of a script that reads the examples of a source.

    Args:
        lines: The function, called `read_examples`. Each split it gives is a tuple of features and targets, each an array
            or, where there are several, a dict of arrays.
        splits: The splits that it gives, in this order, `train` first.
        ordered: Whether the examples follow each other in time.
        gap: Examples left out between two splits that are cut so.
        has_folder: Whether it is given the folder of the data.
    """

    lines: Sequence[str]
    splits: tuple[str, ...] = ("train",)
    ordered: bool = False
    gap: int = 0
    has_folder: bool = True


def numbers(subject: Subject, cells: str) -> str:
    """The code that makes numbers of the cells of a CSV file, written as the source says."""
    decimal = subject.recipe.config.data.source.arguments.get("decimal", ".")
    how = "" if decimal == "." else f", {literal_text(decimal)}"
    return f"{subject.piece('files', 'as_numbers')}({cells}{how})"


def check_source(name: str) -> None:
    """Refuses a source that no script can read; nothing is loaded for that.

    Raises:
        DlkitError: There is no reader of that name.
    """
    if find_spec(f"{_READERS}.{name}") is None:
        raise refusal(f"the data source `{name}`", "cannot be read by a script yet")


def reading_of(subject: Subject) -> Reading:
    """How the source of a recipe is read.

    Raises:
        DlkitError: What the source is asked for cannot be read by a script.
    """
    reader = importlib.import_module(f"{_READERS}.{subject.recipe.config.data.source.name}")
    made: Reading = reader.read(subject)
    return made


def check_arguments(subject: Subject, *known: str) -> None:
    """Refuses arguments of the source that a reader does not know.

    Raises:
        DlkitError: The recipe gives one.
    """
    source = subject.recipe.config.data.source
    for name, value in source.arguments.items():
        if name not in known and value is not None:
            raise refusal(f"`data.source.{source.name}.{name}`", "cannot stand in a script yet")


def portable(path: str | Path) -> str:
    """A path of the data, relative to DLKIT_DATA_DIR where it lies in it."""
    absolute, root = Path(path).expanduser(), os.environ.get("DLKIT_DATA_DIR")
    if root and absolute.is_absolute() and absolute.resolve().is_relative_to(Path(root).resolve()):
        return absolute.resolve().relative_to(Path(root).resolve()).as_posix()
    return str(absolute)


def one_or_all(values: dict[str, str]) -> Code:
    """Code of an array, or of a dict of arrays where there are several."""
    if len(values) == 1:
        return next(iter(values.values()))
    return Pairs({literal_text(name): code for name, code in values.items()})


def found_file(path: str | Path) -> Path:
    """The file or folder that a path of a recipe means; the path itself where there is none."""
    return next((place for place in places_of_path(str(path)) if place.exists()), Path(path))
