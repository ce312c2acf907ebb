"""Turns the tables that `csv` and `parquet` read into features and targets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from dlkit.data.arrays import Arrays, Splits, Values
from dlkit.data.reading.cells import Cells
from dlkit.data.reading.problems import Problems
from dlkit.data.reading.table import KINDS, Choice, Table, check_alike, check_choice
from dlkit.recipe.diagnostics import listing
from dlkit.recipe.facts import DataFacts, Feature, Target

if TYPE_CHECKING:
    import numpy as np

NUMBERS, CATEGORIES = "numbers", "categories"  # the features that several columns are put together in


def make_splits(tables: Mapping[str, Table], choice: Choice) -> Splits:
    """The features and targets of tables, a split each.

    The kinds of the columns are those of the training table. Numbers and the parts of dates are the vector `numbers`,
    NaN where missing; categories the vector `categories` of strings, "" where missing; a column of text is a feature of
    its name. A target of numbers is a number, any other one of classes, whose labels are the values of all tables.

    Args:
        tables: The tables by split, one of them `train`.
        choice: What the recipe says of them.

    Raises:
        DlkitError: The columns are not those that the recipe names, those of the tables differ, or values are not what
            their column holds; all such are named.
    """
    train = tables["train"]
    check_choice(train, choice)
    kept = [name for name in train.columns if name not in choice.ignored]
    check_alike(tables, kept, choice)
    kinds = {name: choice.kinds.get(name) or train.columns[name].look() for name in kept}
    problems = Problems()
    features = [name for name in kept if name not in choice.targets]
    _check_values(train, features, kinds, choice, problems)
    made = _Maker(tables, kinds, choice, problems)
    inputs, input_facts = made.features(features)
    outputs, output_facts = made.targets()
    problems.raise_any()
    parts = {split: Arrays(inputs[split], outputs[split]) for split in tables}
    facts = DataFacts(input_facts, output_facts)
    return Splits(parts["train"], parts.get("validation"), parts.get("test"), facts)


def _check_values(
    train: Table, features: Sequence[str], kinds: Mapping[str, str], choice: Choice, problems: Problems
) -> None:
    """Tells columns of the training table that hold nothing or numbers with commas, and texts named as a vector is."""
    for name in features:
        if not len(train.columns[name].values):
            problems.add(
                f"{train.path}: column `{name}` has no value in any row", f"leave it out: `{choice.key('ignore')}`"
            )
        if kinds[name] == "text" and name in (NUMBERS, CATEGORIES):
            problems.add(
                f"{train.path}: a column of text cannot be called `{name}`, as a feature of several columns is",
                "give it another name",
            )
    for name, kind in kinds.items():
        cells = train.columns[name]
        comma = cells.decimal_comma
        if kind in ("categorical", "text") and name not in choice.kinds and comma is not None:
            problems.add(
                f"{train.place(int((cells.codes == comma).argmax()))}: column `{name}`: `{cells.texts[comma]}` has a "
                "comma, and is no number",
                f"{_decimal_cure(choice)}; if they are none, give the kind of the column: "
                f"`{choice.key('columns')}: {{{name}: {kind}}}`",
            )


def _decimal_cure(choice: Choice) -> str:
    if choice.source == "csv":
        return f'if these are numbers, write `{choice.key("decimal")}: ","`'
    return "write numbers with a decimal point"


class _Maker:
    """Makes the arrays of every table, and notes what is wrong with their values."""

    def __init__(
        self, tables: Mapping[str, Table], kinds: Mapping[str, str], choice: Choice, problems: Problems
    ) -> None:
        self._tables = tables
        self._kinds = kinds
        self._choice = choice
        self._problems = problems

    def features(self, names: Sequence[str]) -> tuple[dict[str, dict[str, Values]], dict[str, Feature]]:
        """The features of every split, and what they are."""
        import numpy as np

        of_kind = {kind: [name for name in names if self._kinds[name] == kind] for kind in KINDS}
        missing = self._choice.missing
        arrays: dict[str, dict[str, Values]] = {split: {} for split in self._tables}
        facts: dict[str, Feature] = {}
        parts = {name: self._parts(name) for name in of_kind["date"]}
        columns = (*of_kind["numeric"], *(f"{name}.{part}" for name, own in parts.items() for part in own))
        twice = [name for name in of_kind["numeric"] if columns.count(name) > 1]
        if twice:
            self._problems.add(
                f"{self._tables['train'].path}: columns called as the parts of a date are: {listing(twice)}",
                "give them other names",
            )
        if columns:
            decimal = self._choice.decimal
            facts[NUMBERS] = Feature("vector", (len(columns),), columns=columns, missing=missing, decimal=decimal)
            for split, table in self._tables.items():
                numeric = [self._numbers(table, name) for name in of_kind["numeric"]]
                dates = [values for name, own in parts.items() for values in self._dates(table, name, own)]
                arrays[split][NUMBERS] = np.stack([*numeric, *dates], axis=1)
        if of_kind["categorical"]:
            names = of_kind["categorical"]
            facts[CATEGORIES] = Feature("category", (len(names),), "string", columns=tuple(names), missing=missing)
            for split, table in self._tables.items():
                arrays[split][CATEGORIES] = np.stack([_words(table.columns[name]) for name in names], axis=1)
        for name in of_kind["text"]:
            facts[name] = Feature("text", (), "string", missing=missing)
            for split, table in self._tables.items():
                arrays[split][name] = _words(table.columns[name])
        return arrays, facts

    def targets(self) -> tuple[dict[str, dict[str, Values]], dict[str, Target]]:
        """The targets of every split, and what they are."""
        arrays: dict[str, dict[str, Values]] = {split: {} for split in self._tables}
        facts: dict[str, Target] = {}
        for name in dict.fromkeys(self._choice.targets):
            for table in self._tables.values():
                rows, cure = table.columns[name].missing_rows, "fill in the target, or leave out the rows"
                table.tell_rows(rows, f"the target `{name}` is missing", cure, self._problems)
            kind = self._kinds[name]
            if kind == "numeric":
                facts[name] = Target("number", (), "float32")
                for split, table in self._tables.items():
                    arrays[split][name] = self._numbers(table, name)
            elif kind == "categorical":
                labels = self._labels(name)
                facts[name] = Target("classes", (), classes=len(labels), labels=tuple(labels))
                for split, table in self._tables.items():
                    arrays[split][name] = _classes(table.columns[name], labels)
            else:
                self._problems.add(
                    f"{self._tables['train'].path}: the target `{name}` is of kind {kind}, and cannot be predicted",
                    f"for classes, {self._other_kind(name)}",
                )
        return arrays, facts

    def _numbers(self, table: Table, name: str) -> np.ndarray:
        import numpy as np

        cells = table.columns[name]
        with np.errstate(over="ignore"):
            values = cells.numbers.astype(np.float32)
        cure = f"mend it, name the word under `missing`, or {self._other_kind(name)}"
        table.tell(name, np.isnan(cells.numbers), "is no number", cure, self._problems)
        table.tell(name, np.isinf(values), "is no finite float32", "mend it, or leave out the row", self._problems)
        return cells.spread(values, np.nan)

    def _parts(self, name: str) -> tuple[str, ...]:
        """The parts that the dates of the training table have."""
        from dlkit.data.reading.dates import is_month, parts_of

        cells = self._tables["train"].columns[name]
        months_only = cells.values.dtype.kind == "O" and all(map(is_month, cells.values))
        return parts_of(cells.dates, months_only)

    def _dates(self, table: Table, name: str, parts: Iterable[str]) -> list[np.ndarray]:
        import numpy as np

        from dlkit.data.reading.dates import part

        cells = table.columns[name]
        cure = f"write it as 1981-01-31 or 1981-01-31 16:30, or {self._other_kind(name)}"
        table.tell(name, np.isnat(cells.dates), "is no date", cure, self._problems)
        return [cells.spread(part(cells.dates, own), np.nan) for own in parts]

    def _other_kind(self, name: str) -> str:
        return f"give the kind of the column: `{self._choice.key('columns')}: {{{name}: categorical}}`"

    def _labels(self, name: str) -> list[str]:
        """The distinct values of a column in all tables: sorted as numbers where they are such, else as text."""
        import numpy as np

        every = [table.columns[name] for table in self._tables.values()]
        labels = sorted({str(text) for cells in every for text in cells.texts})
        if not any(np.isnan(cells.numbers).any() for cells in every if cells.values.dtype.kind != "M"):
            labels.sort(key=float)
        if len(every[0].values) < 2:
            self._problems.add(
                f"{self._tables['train'].path}: the target `{name}` has one class only, {listing(every[0].texts)}",
                "there is nothing to learn: give rows of other classes, or another target",
            )
        return labels


def _words(cells: Cells) -> np.ndarray:
    return cells.spread(cells.texts, "")


def _classes(cells: Cells, labels: Sequence[str]) -> np.ndarray:
    import numpy as np

    number = {label: row for row, label in enumerate(labels)}
    return cells.spread(np.array([number[str(text)] for text in cells.texts], np.int32), 0)
