"""The function of the script that loads the examples and cuts them into splits."""

from __future__ import annotations

from dlkit.data.split import TEST_SHARE
from dlkit.eject.code import literal, literal_text
from dlkit.eject.reading import Reading, reading_of
from dlkit.eject.refusal import refusal
from dlkit.eject.subject import Subject
from dlkit.recipe.facts import DataFacts
from dlkit.recipe.keys import Fold, PerClass
from dlkit.recipe.load import Recipe

_SPLITS = ("train", "validation", "test")
_STREAMS = {"test": 0, "validation": 1, "train": 2, "limit": 3, "folds": 4}  # those of `dlkit.data.split`


class _Cutter:
    """Writes down how the splits are cut, as `dlkit.data.split` does it."""

    def __init__(self, subject: Subject, reading: Reading, stratify: str | None) -> None:
        self.subject = subject
        self.reading = reading
        self.stratify = stratify
        self.there = list(reading.splits)
        self.lines: list[str] = []

    def cut(self) -> list[str]:
        """The lines that cut all splits."""
        data = self.subject.recipe.config.data
        fold = data.folds if isinstance(data.folds, Fold) else None
        held_out = "test" if "test" not in self.there and data.test is None else "validation"
        for name, share in (("test", TEST_SHARE if data.test is None else data.test), ("validation", data.validation)):
            if name in self.there:
                continue
            if fold and name == held_out:
                self._fold(name, fold)
            elif share == 0 and name == "validation":
                continue
            else:
                self._hold_out(name, share)
            self.there.append(name)
        if data.limit is not None:
            self._limit(data.limit)
        if fold and held_out == "validation":
            self.there.remove("test")
        return self.lines

    def _hold_out(self, name: str, share: float | int) -> None:
        constant = f"{name.upper()}_SPLIT"
        self.subject.constants[constant] = literal(share)
        count = constant if isinstance(share, int) else f"max(1, round({constant} * {self._size('train')}))"
        if self.reading.ordered:
            call = f"{self._piece('hold_out_last')}(train, {count}, {self.reading.gap})"
        else:
            self.lines.append(f"    order = {self._order('train', name)}")
            call = f"{self._piece('hold_out')}(train, order, {count})"
        self.lines.append(f"    train, {name} = {call}")

    def _fold(self, name: str, fold: Fold) -> None:
        self.subject.constants["FOLDS"] = literal(fold.of)
        if not self.subject.folds:
            self.subject.constants["FOLD"] = literal(fold.fold)
        number = "fold" if self.subject.folds else "FOLD"
        self.lines.append(f"    order = {self._order('train', 'folds')}")
        self.lines.append(f"    train, {name} = {self._piece('hold_out_fold')}(train, order, {number}, FOLDS)")

    def _limit(self, limit: int | PerClass) -> None:
        number = limit.per_class if isinstance(limit, PerClass) else limit
        self.subject.constants["LIMIT"] = literal(number)
        kept = {"train": "LIMIT"}
        if "validation" in self.there:
            share = f"LIMIT / {self._size('train')} * {self._size('validation')}"
            self.lines.append(f"    kept = max(1, round({share}))")
            kept["validation"] = "kept"
        take = self._piece("take")
        for name, count in kept.items():
            if self.reading.ordered:
                rows = f"slice(-{count}, None)" if name == "train" else f"slice({count})"
            elif isinstance(limit, PerClass):
                rows = f"{self._piece('first_per_class')}({self._labels(name)}, {self._order(name, _stream(name))}, {count})"
            else:
                rows = f"np.sort({self._order(name, _stream(name))}[:{count}])"
            self.lines.append(f"    {name} = {take}({name}, {rows})")

    def _order(self, name: str, stream: str) -> str:
        if self.stratify is None:
            return f"{self._piece('random_order')}({self._size(name)}, SEED, stream={_STREAMS[stream]})"
        return f"{self._piece('stratified_order')}({self._labels(name)}, SEED, stream={_STREAMS[stream]})"

    def _labels(self, name: str) -> str:
        is_one = len(self.subject.targets) == 1
        return f"{name}[1]" if is_one else f"{name}[1][{literal_text(self.stratify)}]"

    def _size(self, name: str) -> str:
        return f"{self._piece('size_of')}({name})"

    def _piece(self, name: str) -> str:
        return self.subject.piece("splitting", name)


def _stream(name: str) -> str:
    return "train" if name == "train" else "limit"


def data_lines(subject: Subject, stratify: str | None) -> tuple[list[str], list[str], bool]:
    """The functions `read_examples` and `load_data`, as lines of code.

    Args:
        subject: The recipe and its script.
        stratify: The target by which splits are stratified.

    Returns:
        The lines, the names of the splits there are, and whether they lie in a folder.

    Raises:
        DlkitError: The data cannot be loaded or cut by a script.
    """
    reading = reading_of(subject)
    if stratify is not None and stratify not in subject.targets:
        raise refusal(
            f"a split stratified by `{stratify}`", "which is no target of the recipe, cannot be cut by a script"
        )
    cutter = _Cutter(subject, reading, None if reading.ordered else stratify)
    cuts = cutter.cut()
    given = "folder" if reading.has_folder else ""
    declared = [*(["folder: Path"] if reading.has_folder else []), *(["fold: int"] if subject.folds else [])]
    splits = [name for name in _SPLITS if name in cutter.there]
    subject.copies.use("from typing import Any")
    lines = [
        *reading.lines,
        "",
        "",
        f"def load_data({', '.join(declared)}) -> tuple[Any, ...]:",
        f'    """The examples for {_listed(splits)}: the features and the targets of each."""',
        f"    {', '.join(reading.splits)} = read_examples({given})",
        *cuts,
        f"    return {', '.join(splits)}",
    ]
    return lines, splits, reading.has_folder


def _listed(splits: list[str]) -> str:
    *first, last = [{"train": "training", "validation": "validation", "test": "the test"}[name] for name in splits]
    return f"{', '.join(first)} and {last}" if first else last


def stratified_by(recipe: Recipe, declared: DataFacts) -> str | None:
    """The target that `dlkit.data.load` stratifies by: the first that is learned by default, if it is one of classes.

    Args:
        recipe: The recipe, which has met its data.
        declared: What its source declares.

    Raises:
        DlkitError: It cannot be told from what the recipe learns.
    """
    known = declared.targets or recipe.facts.targets
    if not declared.targets and recipe.config.data.targets is not None:
        raise refusal("`data.targets`", "chooses some of the columns of this source, which a script cannot do yet")
    first = next((name for name, target in known.items() if target.default), None)
    if first is None:
        return None
    target = recipe.facts.targets.get(first, known[first])
    return first if target.kind == "classes" and target.shape == () else None
