"""dlkit data: what a recipe's data holds, before anything is trained on it."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dlkit.cli.app import command
from dlkit.cli.options import AllowPlugins, Quick, Recipe, Settings
from dlkit.cli.output import Justify, Output

if TYPE_CHECKING:
    from dlkit.evaluation.shift import Shift
    from dlkit.workflows.data import Seen, ValuesSeen

_MOST_ROWS = 24  # of a table; more are for --json


@command(
    "Recipes",
    "dlkit data digits/cnn",
    "dlkit data fashion_mnist/cnn --sheet samples.png",
    "dlkit data mine.yaml --against new.csv",
)
def data(
    out: Output,
    recipe: Recipe,
    against: Annotated[
        str | None,
        typer.Option("--against", metavar="DATA", help="Compare with this data, read as the recipe's own is."),
    ] = None,
    sheet: Annotated[
        Path | None,
        typer.Option("--sheet", metavar="FILE.png", help="Draw samples, before and after augmentation."),
    ] = None,
    shift: Annotated[bool, typer.Option(help="Look for dataset shift, which takes some seconds.")] = True,
    quick: Quick = False,
    settings: Settings = None,
    allow_plugins: AllowPlugins = False,
) -> None:
    """Looks at a recipe's data.

    Tells the examples of each class, shapes, ranges, missing values, and examples that occur twice or in two splits. A
    classifier tells whether the splits are alike: in their inputs (covariate shift), in the shares of their classes
    (prior shift), and in the class of the same input (concept shift).
    """
    from dlkit.recipe.load import load

    loaded = load(recipe, settings or (), quick=quick, allow_plugins=allow_plugins)
    for warning in loaded.warnings:
        out.tell_diagnostics(f"{warning.render()}\n")
    if loaded.config.data.preprocess or (sheet and loaded.config.data.augment):
        from dlkit.cli.start import start_tensorflow

        start_tensorflow()
    from dlkit.workflows.data import look_at
    from dlkit.workflows.preparation import prepare

    prepared = prepare(loaded)
    seen = look_at(prepared, against=against, shift=shift)
    if not out.json:
        _show(out, seen)
    if sheet is not None:
        from dlkit.workflows.contact_sheet import write_contact_sheet

        out.say(f"\n{write_contact_sheet(prepared, sheet)}")
    elif any(feature.kind in ("image", "audio") for feature in seen.features.values()):
        out.say("\n--sheet FILE.png draws samples.")
    out.result(_as_json(seen, sheet))


def _show(out: Output, seen: Seen) -> None:
    _show_splits(out, seen)
    _show_features(out, seen)
    for name, compared in seen.shift.items():
        out.say(f"\nShift from train to {name} ({compared.examples[0]:,} and {compared.examples[1]:,} examples)")
        out.table({"shift": "left", "verdict": "left"}, _verdicts(compared))


def _show_splits(out: Output, seen: Seen) -> None:
    out.say("Examples")
    rows = [
        (name, f"{split.examples:,}", "" if split.duplicates is None else f"{split.duplicates:,}", _leaked(seen, name))
        for name, split in seen.splits.items()
    ]
    out.table({"split": "left", "examples": "right", "repeated": "right", "also in": "left"}, rows)
    for target in seen.splits["train"].classes:
        counts = {name: split.classes[target] for name, split in seen.splits.items()}
        labels = list(counts["train"])
        out.say(f"\nClasses of {target}")
        shares = [(label, *(_share(counts[name][label], seen, name) for name in counts)) for label in labels]
        out.table({"class": "left", **dict.fromkeys(counts, "right")}, shares[:_MOST_ROWS])
        _say_rest(out, len(labels))


def _leaked(seen: Seen, name: str) -> str:
    found = [f"{first} {count:,}" for (first, second), count in (seen.leaks or {}).items() if second == name]
    return ", ".join(found)


def _share(count: int, seen: Seen, name: str) -> str:
    return f"{count:,} ({count / seen.splits[name].examples:.1%})"


def _say_rest(out: Output, rows: int) -> None:
    if rows > _MOST_ROWS:
        out.say(f"and {rows - _MOST_ROWS:,} more, which --json tells")


def _show_features(out: Output, seen: Seen) -> None:
    rows: list[tuple[str, ...]] = []
    for name, feature in seen.features.items():
        what = f"{feature.kind} {' x '.join(map(str, feature.shape))} {feature.dtype}".replace("  ", " ")
        told = _told(feature.values, "words" if feature.kind == "text" else "")
        rows.append((name, what, *(("", "", told[2]) if feature.columns else told)))
        rows.extend((f"  {column}", "", *_told(values)) for column, values in feature.columns.items())
    rows.extend((name, "target", *_told(values)) for name, values in seen.numbers.items())
    out.say("\nValues in the training split")
    columns: dict[str, Justify] = {"name": "left", "what": "left", "range": "left", "mean": "right", "missing": "right"}
    out.table(columns, rows[:_MOST_ROWS])
    _say_rest(out, len(rows))
    for name, feature in seen.features.items():
        for sample in feature.samples:
            out.say(f"{name}: {_shortened(sample)}")


def _told(values: ValuesSeen, unit: str = "") -> tuple[str, str, str]:
    missing = f"{values.missing:,}" if values.missing else ""
    if values.distinct is not None:
        frequent = ", ".join(f"{name} {count:,}" for name, count in list(values.frequent.items())[:3])
        return f"{values.distinct:,} categories: {frequent}", "", missing
    if values.minimum is None or values.mean is None:
        return "", "", missing
    return f"{values.minimum:.6g} to {values.maximum:.6g} {unit}".strip(), f"{values.mean:.6g}", missing


def _shortened(text: str, most: int = 160) -> str:
    return text if len(text) <= most else f"{text[: most - 2]} …"


def _verdicts(compared: Shift) -> list[tuple[str, str]]:
    rows = [("covariate", compared.covariate.verdict if compared.covariate else "not judged: too few examples")]
    rows += [(f"prior of {name}", found.verdict) for name, found in compared.prior.items()]
    return rows + [(f"concept of {name}", found.verdict) for name, found in compared.concept.items()]


def _as_json(seen: Seen, sheet: Path | None) -> dict[str, Any]:
    told = asdict(seen)
    leaks = [{"in": first, "of": second, "examples": count} for (first, second), count in (seen.leaks or {}).items()]
    told["leaks"] = None if seen.leaks is None else leaks
    return told if sheet is None else {**told, "sheet": str(sheet.resolve())}
