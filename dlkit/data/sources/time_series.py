"""Series of one or several variables, cut into windows: what was, and what came next."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from dlkit.data.arrays import Arrays, Splits, Values
from dlkit.data.columns import Windows
from dlkit.data.reading.cells import MISSING
from dlkit.data.reading.series import Series, read_series
from dlkit.data.reading.table import as_list, find_file
from dlkit.errors import DlkitError
from dlkit.recipe.facts import Continues, DataFacts, Feature, Target
from dlkit.recipe.registry import Range, register


@register(kind="source")
def time_series(
    path: Path,
    history: Annotated[int, Range(min=1)],
    horizon: Annotated[int, Range(min=1)] = 1,
    stride: Annotated[int, Range(min=1)] = 1,
    offset: Annotated[int, Range(min=0)] = 0,
    columns: list[str] | None = None,
    target: str | list[str] | None = None,
    date: str | None = None,
    calendar: list[
        Literal[
            "year",
            "month",
            "day",
            "weekday",
            "hour",
            "year_sin",
            "year_cos",
            "week_sin",
            "week_cos",
            "day_sin",
            "day_cos",
        ]
    ]
    | None = None,
    calendar_ahead: bool = False,
    fill: Literal["forward", "interpolate"] | None = None,
    separator: str = ",",
    decimal: Literal[".", ","] = ".",
) -> Splits:
    """A series of one or several variables in a CSV file, a row a step in order of time, cut into overlapping windows.

    - `past`: the last `history` steps, of shape (history, variables), with the parts of their dates behind the variables;
    - `calendar`, with `calendar_ahead`: the parts of the dates of the steps to forecast, of shape (horizon, parts);
    - the target: the next `horizon` steps of the variable, under its name and of shape (horizon,); of several variables
      under the name `future`, of shape (horizon, variables).

    The splits are cut in order of time: no value that is forecast in validation or test occurs in an earlier split, nor is
    it forecast twice. Their histories reach back into earlier steps, which are known when the forecast is made.

    Args:
        path: The file.
        history: Steps that a forecast is made from.
        horizon: Steps that are forecast.
        stride: Steps between the beginnings of two windows.
        offset: Steps between the history and the first step that is forecast.
        columns: The variables of `past`; where left out, all columns but the date.
        target: The variable to forecast, or several; where left out, those of `past`.
        date: The column of dates, ascending; where left out, the first column that holds dates, if one does.
        calendar: Parts of the date to put beside the variables; see `dlkit.data.reading.dates`.
        calendar_ahead: Whether those parts of the steps to forecast are handed over too.
        fill: What stands in for a missing value: the last one known (`forward`), or what lies on the line to the next one
            known (`interpolate`, which looks ahead, also across the cut between two splits).
        separator: What stands between two cells.
        decimal: What stands before the decimals of a number; where it is a comma, no number has a point.

    Raises:
        DlkitError: The file is missing or damaged, lacks a column, holds values that are no numbers, are missing or out of
            order, or has too few steps for a window; the lines are named.
    """
    import numpy as np

    if calendar_ahead and not calendar:
        raise DlkitError(
            "`data.source.time_series.calendar_ahead` hands over parts of dates, and `calendar` names none",
            "name some, as `calendar: [year_sin, year_cos]`",
        )
    series = read_series(
        find_file("data.source.time_series.path", path),
        separator=separator,
        decimal=decimal,
        columns=columns,
        targets=None if target is None else as_list(target),
        date=date,
        calendar=calendar or [],
        fill=fill,
    )
    count = (len(series) - history - offset - horizon) // stride + 1
    if len(series) < history + offset + horizon:
        raise DlkitError(
            f"{series.path} has {len(series):,} steps, and a window takes {history + offset + horizon:,}: "
            f"{history:,} of history{f', {offset:,} of offset' if offset else ''} and {horizon:,} to forecast",
            "give a longer series, or a shorter history",
            code="damaged-data",
        )
    starts = np.arange(count) * stride
    ahead = starts + history + offset
    features: dict[str, Values] = {"past": Windows(series.inputs, starts, history)}
    if calendar_ahead:
        features["calendar"] = Windows(series.calendar, ahead, horizon)
    target_name = series.targets[0] if len(series.targets) == 1 else "future"
    targets: dict[str, Values] = {target_name: Windows(series.outputs, ahead, horizon)}
    # A held-out window begins this many windows behind the last one to learn from, so that no step is forecast in both.
    gap = math.ceil(horizon / stride) - 1
    facts = _facts(series, features, targets, offset, decimal)
    return Splits(Arrays(features, targets), facts=facts, ordered=True, gap=gap)


def _facts(
    series: Series,
    features: Mapping[str, Values],
    targets: Mapping[str, Values],
    offset: int,
    decimal: str,
) -> DataFacts:
    columns = {"past": series.columns, "calendar": series.parts}
    is_known = set(series.targets) <= set(series.columns)
    places = tuple(series.columns.index(name) for name in series.targets) if is_known else ()
    continues = Continues("past", places, offset) if is_known else None
    return DataFacts(
        {
            name: Feature("sequence", values.shape[1:], columns=columns[name], missing=MISSING, decimal=decimal)
            for name, values in features.items()
        },
        {name: Target("number", values.shape[1:], "float32", continues=continues) for name, values in targets.items()},
    )
