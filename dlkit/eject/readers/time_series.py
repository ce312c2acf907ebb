"""Series of one or several variables, cut into windows."""

from __future__ import annotations

import math

from dlkit.data.reading.cells import MISSING
from dlkit.data.reading.table import as_list
from dlkit.eject.code import Call, literal, literal_text, text
from dlkit.eject.reading import Reading, check_arguments, numbers, portable
from dlkit.eject.refusal import refusal
from dlkit.eject.subject import Subject

_KNOWN = (
    "path",
    "history",
    "horizon",
    "stride",
    "offset",
    "columns",
    "target",
    "date",
    "calendar",
    "fill",
    "separator",
    "decimal",
)


def read(subject: Subject) -> Reading:
    """Reads a CSV file, a row a step; the variables are those that dlkit found there."""
    arguments = subject.recipe.config.data.source.arguments
    check_arguments(subject, *_KNOWN, *([] if arguments.get("calendar_ahead") else ["calendar_ahead"]))
    if arguments.get("fill") == "interpolate":
        raise refusal("`fill: interpolate`", "cannot be done by a script yet")
    parts = arguments.get("calendar") or []
    known = list(subject.raw_features["past"].columns or ())
    variables = known[: len(known) - len(parts)]
    targets = variables if arguments.get("target") is None else as_list(arguments["target"])
    history, horizon = arguments["history"], arguments.get("horizon", 1)
    stride, offset = arguments.get("stride", 1), arguments.get("offset", 0)
    subject.constants.update({"HISTORY": literal(history), "HORIZON": literal(horizon)})
    subject.constants["VARIABLES"] = literal(variables)
    read_columns = Call(
        subject.piece("files", "read_columns"),
        [
            f"folder / {literal_text(portable(arguments['path']))}",
            literal_text(arguments.get("separator", ",")),
            "None",
        ],
        {"missing": literal(list(MISSING))},
    )
    lines = [
        "def read_examples(folder: Path) -> tuple[np.ndarray, np.ndarray]:",
        '    """Windows of the series: what was, and what came next."""',
        text(read_columns, "columns = ", 4),
        *_values(subject, "past", "VARIABLES"),
    ]
    if parts:
        when = known[-1].rpartition(".")[0]
        subject.constants["CALENDAR"] = literal(parts)
        dates, part = (subject.copies.take("dlkit.data.reading.dates", name) for name in ("read_dates", "part"))
        lines += [
            f"    dates, _ = {dates}(columns[{literal_text(when)}])",
            f"    calendar = np.stack([{part}(dates, name) for name in CALENDAR], axis=1)",
            "    past = np.concatenate([past, calendar], axis=1)",
        ]
    if len(targets) == 1:
        lines.append(f"    future = {_column(subject, literal_text(targets[0]))}")
    else:
        subject.constants["TARGETS"] = literal(targets)
        lines += _values(subject, "future", "TARGETS")
    windows = subject.piece("files", "windows")
    ahead = "ahead" if offset else "HISTORY"
    lines += [f"    ahead = HISTORY + {offset}"] if offset else []
    lines += [
        f"    starts = np.arange(0, len(past) - {ahead} - HORIZON + 1, {stride})",
        f"    return {windows}(past, starts, HISTORY), {windows}(future, starts + {ahead}, HORIZON)",
    ]
    return Reading(lines, ordered=True, gap=math.ceil(horizon / stride) - 1)


def _values(subject: Subject, name: str, constant: str) -> list[str]:
    return [f"    {name} = np.stack([{_column(subject, 'name')} for name in {constant}], axis=1)"]


def _column(subject: Subject, name: str) -> str:
    values = numbers(subject, f"columns[{name}]")
    is_filled = subject.recipe.config.data.source.arguments.get("fill") == "forward"
    return f"{subject.piece('files', 'last_known')}({values})" if is_filled else values
