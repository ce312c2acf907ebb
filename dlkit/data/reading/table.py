"""A file of rows that `csv` and `parquet` read, and whether it has the columns that a recipe names."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from dlkit.data.reading.cells import Cells
from dlkit.data.reading.places import joined, nearest, places_of_path
from dlkit.data.reading.problems import MOST, Problems
from dlkit.errors import DlkitError
from dlkit.recipe.diagnostics import did_you_mean, listing

if TYPE_CHECKING:
    import numpy as np

KINDS = ("numeric", "categorical", "text", "date")
_SHOWN = 3  # rows of a column whose values are told


@dataclass(frozen=True, eq=False)
class Table:
    """A file of rows.

    Args:
        path: The file.
        columns: The cells by column.
        number: Gives the number of every row, as a user counts: lines of a CSV file.
        unit: What is counted, ` row ` where it is no line.
    """

    path: Path
    columns: dict[str, Cells]
    number: Callable[[], Sequence[int]]
    unit: str = ""

    @cached_property
    def _numbers(self) -> Sequence[int]:
        return self.number()

    def place(self, row: int) -> str:
        """Where a row stands, as `train.csv:3` or `train.parquet:row 2`."""
        return f"{self.path}:{self.unit}{self._numbers[row]}"

    def tell(self, name: str, wrong: np.ndarray, what: str, cure: str, problems: Problems) -> None:
        """Notes the rows of a column whose value is wrong, by a truth value for each of its values."""
        cells = self.columns[name]
        rows = cells.rows_of(wrong)
        for row in rows[:_SHOWN]:
            text = str(cells.texts[cells.codes[row]])
            problems.add(f"{self.place(row)}: column `{name}`: `{text[:40]}` {what}", cure)
        if len(rows) > _SHOWN:
            problems.add(f"{self.path}: column `{name}`: {len(rows) - _SHOWN:,} more such values")

    def tell_rows(self, rows: np.ndarray, what: str, cure: str, problems: Problems) -> None:
        """Notes rows of which the same is to be said, if there are any: `train.csv:3: what (also 5, 8 and 3 more)`."""
        if not len(rows):
            return
        told = [str(self._numbers[row]) for row in rows[1:MOST]]
        others = f" and {len(rows) - MOST:,} more" if len(rows) > MOST else ""
        also = f" (also {', '.join(told)}{others})" if told else ""
        problems.add(f"{self.place(rows[0])}: {what}{also}", cure)


@dataclass(frozen=True)
class Choice:
    """What a recipe says of a table.

    Args:
        source: The name of the source, for messages.
        targets: The columns to predict.
        kinds: The kinds of columns that are not to be guessed.
        ignored: The columns to leave out.
        missing: The words that stand for a missing value.
        decimal: What stands before the decimals of a number.
    """

    source: str
    targets: Sequence[str]
    kinds: Mapping[str, str]
    ignored: Sequence[str]
    missing: tuple[str, ...]
    decimal: str = "."

    def key(self, name: str) -> str:
        """An argument as it stands in a recipe."""
        return f"data.source.{self.source}.{name}"


def check_choice(train: Table, choice: Choice) -> None:
    """Tells every name that the table does not have, and what contradicts itself."""
    problems = Problems()
    known = list(train.columns)
    for argument, names in (("target", choice.targets), ("columns", choice.kinds), ("ignore", choice.ignored)):
        for name in dict.fromkeys(names):
            if name not in train.columns:
                cure = did_you_mean(name, known, f"it has {listing(known, 30)}")
                problems.add(f"`{choice.key(argument)}`: {train.path} has no column `{name}`", cure)
    for name, kind in choice.kinds.items():
        if kind not in KINDS:
            cure = did_you_mean(kind, KINDS, f"a column is {listing(KINDS)}")
            problems.add(f"`{choice.key('columns')}.{name}`: there is no kind `{kind}`", cure)
    if not choice.targets:
        problems.add(f"`{choice.key('target')}` names no column", "name the column to predict")
    for argument, names in (("target", choice.targets), ("columns", tuple(choice.kinds))):
        both = [name for name in names if name in choice.ignored]
        if both:
            problems.add(f"`{choice.key('ignore')}` leaves out {listing(both)}, which `{argument}` names", "choose one")
    if "" in known and "" not in choice.ignored:
        problems.add(
            f"{train.path}: a column has no name", f'give it a name, or leave it out: `{choice.key("ignore")}: [""]`'
        )
    if not set(known) - {*choice.targets, *choice.ignored}:
        problems.add(f"{train.path}: no column is left to predict from", f"it has {listing(known)}")
    problems.raise_any()


def check_alike(tables: Mapping[str, Table], kept: Sequence[str], choice: Choice) -> None:
    """Tells every table that has other columns than the training table."""
    problems = Problems()
    train = tables["train"]
    for split, table in tables.items():
        lacking = [name for name in kept if name not in table.columns]
        strange = [name for name in table.columns if name not in kept and name not in choice.ignored]
        if lacking:
            problems.add(f"{table.path} lacks {listing(lacking)}, which {train.path} has", _same(split))
        if strange:
            problems.add(f"{table.path} has {listing(strange)}, which {train.path} has not", _same(split))
    problems.raise_any()


def _same(split: str) -> str:
    return f"the {split} file has the columns of the training file, in any order"


def find_file(argument: str, path: str | Path) -> Path:
    """The file that a recipe's path means.

    Raises:
        DlkitError: There is none; `argument` names the recipe's key.
    """
    places = places_of_path(str(path))
    found = next((place for place in places if place.is_file()), None)
    if found is None:
        is_folder = any(place.is_dir() for place in places)
        what = "this is a folder" if is_folder else "there is no such file"
        cure = "give the path of a file"
        if len(places) == 1 and not places[0].is_absolute():
            cure += ", or set DLKIT_DATA_DIR to the folder that it is relative to"
        cure = cure if is_folder else nearest(places, cure)
        raise DlkitError(f"`{argument}`: {what}: {joined(places)}", cure, code="data-not-found")
    return found


def given_files(source: str, path: Path, validation: Path | None, test: Path | None) -> dict[str, Path]:
    """The files of the splits.

    Raises:
        DlkitError: One is not there.
    """
    given = {"train": ("path", path), "validation": ("validation", validation), "test": ("test", test)}
    return {
        split: find_file(f"data.source.{source}.{argument}", file)
        for split, (argument, file) in given.items()
        if file is not None
    }


def as_list(names: str | Sequence[str]) -> list[str]:
    """One name or several, as a list."""
    return [names] if isinstance(names, str) else list(names)
