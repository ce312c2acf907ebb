"""Tables as CSV files."""

from __future__ import annotations

from dlkit.data.reading.cells import MISSING
from dlkit.data.reading.tables import NUMBERS
from dlkit.eject.code import Call, Items, literal, literal_text, text
from dlkit.eject.model import identifier
from dlkit.eject.reading import Reading, check_arguments, numbers, one_or_all, portable
from dlkit.eject.refusal import refusal
from dlkit.eject.subject import Subject


def read(subject: Subject) -> Reading:
    """Reads a CSV file for each split; the columns are those that dlkit found there."""
    check_arguments(
        subject,
        "path",
        "target",
        "test",
        "validation",
        "columns",
        "ignore",
        "missing",
        "separator",
        "header",
        "decimal",
    )
    arguments = subject.recipe.config.data.source.arguments
    if any(kind == "date" for kind in (arguments.get("columns") or {}).values()):
        raise refusal("a column of dates", "cannot be read by a script yet")
    missing = arguments.get("missing")
    given = [
        literal_text(arguments.get("separator", ",")),
        literal_text(arguments.get("header")),
        literal_text(list(MISSING if missing is None else missing)),
    ]
    splits = [name for name in ("train", "validation", "test") if arguments.get(_argument(name)) is not None]
    features = one_or_all({name: _feature(subject, name) for name in subject.features})
    targets = one_or_all({name: _target(subject, name) for name in subject.targets})
    subject.copies.use("from typing import Any")
    read_columns = subject.piece("files", "read_columns")
    files = Items([literal(portable(arguments[_argument(name)])) for name in splits])
    lines = [
        "def read_examples(folder: Path) -> list[tuple[Any, Any]]:",
        '    """The features and targets of each file."""',
        "    examples = []",
        text(files, "for file in ", 4, ":"),
        text(Call(read_columns, ["folder / file", *given]), "columns = ", 8),
        text(features, "x = ", 8),
        text(targets, "y = ", 8),
        "        examples.append((x, y))",
        f"    return examples{'[0]' if len(splits) == 1 else ''}",
    ]
    return Reading(lines, tuple(splits))


def _argument(split: str) -> str:
    return "path" if split == "train" else split


def _feature(subject: Subject, name: str) -> str:
    feature = subject.raw_features[name]
    if feature.kind == "text":
        return f"{subject.piece('files', 'as_texts')}(columns[{literal_text(name)}])"
    if any("." in column for column in feature.columns or ()) and name == NUMBERS:
        raise refusal("a column of dates", "cannot be read by a script yet")
    constant = f"{name.upper()}_COLUMNS"
    subject.constants[constant] = literal(list(feature.columns or ()))
    cells = "columns[name]"
    read = numbers(subject, cells) if name == NUMBERS else f"{subject.piece('files', 'as_texts')}({cells})"
    return f"np.stack([{read} for name in {constant}], axis=1)"


def _target(subject: Subject, name: str) -> str:
    target = subject.recipe.facts.targets[name]
    column = f"columns[{literal_text(name)}]"
    if target.kind == "number":
        return numbers(subject, column)
    constant = "CLASSES" if len(subject.targets) == 1 else f"CLASSES_OF_{identifier(name).upper()}"
    if constant in subject.constants:
        raise refusal(f"the target `{name}`", "has nearly the name of another one, which a script cannot tell apart")
    subject.constants[constant] = literal(list(target.labels or ()))
    return f"{subject.piece('files', 'as_classes')}({column}, {constant})"
