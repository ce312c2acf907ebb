"""dlkit verify: whether recipes reach what they say they reach."""

from __future__ import annotations

import shlex
import traceback
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Argument, BadParameter, Exit, Option

from dlkit.cli.app import command
from dlkit.cli.failures import DONE, FAILED, SHORT, failure_of, let_go
from dlkit.cli.options import AllowPlugins, LogicalDevices, Quick, RunsDir, Seeds, Settings
from dlkit.cli.output import Output
from dlkit.evaluation.number_text import number_text

if TYPE_CHECKING:
    from dlkit.recipe.diagnostics import Diagnostic
    from dlkit.recipe.facts import DataFacts
    from dlkit.recipe.load import Recipe
    from dlkit.runs.folder import RunFolder
    from dlkit.workflows.verify import Verified

ALL = "all"
Recipes = Annotated[
    list[str],
    Argument(
        metavar="RECIPE",
        help="Recipe files, names that `dlkit list` shows, or `all` recipes that ship.",
        show_default=False,
    ),
]
Resume = Annotated[
    bool,
    Option("--resume", help="Go on with runs of these recipes that were interrupted, if nothing has changed since."),
]
Record = Annotated[
    bool, Option("--record", help="Keep what was measured beside the recipes that ship, for `dlkit list` to show.")
]


@command(
    "Training",
    "dlkit verify digits/cnn",
    "dlkit verify all --quick",
    "dlkit verify digits/cnn fashion_mnist/cnn --record",
    "dlkit verify digits/cnn --seeds 3",
    "dlkit verify cifar10/mirrored --logical-devices 2",
)
def verify(
    out: Output,
    recipes: Recipes,
    quick: Quick = False,
    seeds: Seeds = None,
    resume: Resume = False,
    record: Record = False,
    logical_devices: LogicalDevices = None,
    settings: Settings = None,
    runs_dir: RunsDir = None,
    allow_plugins: AllowPlugins = False,
) -> None:
    """Trains recipes, and compares what each reaches with its `expect`.

    With --seeds the means are compared; a recipe that is held over another is compared with it under the same seeds.
    A recipe whose data is not there is skipped. The exit status is 3 where a recipe falls short of what it expects, 1
    where one cannot be trained or all are skipped.
    """
    if record and (quick or settings):
        raise BadParameter(
            f"what is recorded is reached by the recipe as it ships, without {'--quick' if quick else '--set'}",
            param_hint="--record",
        )
    loaded = _loaded(recipes, settings or (), quick, seeds, allow_plugins)
    file = None
    if record:
        from dlkit.workflows.recording import file_for_results

        file = file_for_results([recipe for recipe in loaded.values() if recipe])
    found: list[Verified] = []
    try:
        for verified in _verified(out, loaded, seeds, resume, logical_devices, runs_dir, file):
            found.append(verified)
    except KeyboardInterrupt as interruption:
        _table(out, found)
        options = {
            "--resume": True,
            "--quick": quick,
            "--seeds": seeds,
            "--record": record,
            "--logical-devices": logical_devices,
        }
        more = {"--set": settings, "--runs-dir": runs_dir, "--allow-plugins": allow_plugins}
        left = _typed(list(loaded)[len(found) :], {**options, **more})
        interruption.add_note(f"Go on with: {left}")
        raise
    out.say()
    _table(out, found)
    if file and any(each.expectations or each.verdict == "skipped" for each in found):
        out.say(f"\nRecorded in {file}.")
    out.result({"recipes": [_as_json(each) for each in found]})
    raise Exit(_status(found))


def _verified(
    out: Output,
    loaded: Mapping[str, Recipe | None],
    seeds: int | None,
    resumes: bool,
    logical_devices: int | None,
    runs_dir: Path | None,
    file: Path | None,
) -> Iterator[Verified]:
    """Verifies one recipe after another.

    Args:
        file: Where results are recorded, if they are.
    """
    from dlkit.cli.start import start_tensorflow

    start_tensorflow(logical_devices)
    from dlkit.workflows.verify import Verified, verify

    def started(folder: RunFolder, facts: DataFacts) -> None:
        out.say(f"run folder: {folder.path}")

    def failed(error: Exception) -> None:
        if "--debug" in out.words:
            traceback.print_exception(error)
        out.tell_diagnostics(failure_of(error).text)
        let_go(error)

    for number, (reference, recipe) in enumerate(loaded.items(), start=1):
        place = f"\n{number} of {len(loaded)}: " if len(loaded) > 1 else ""
        if recipe is None:
            out.say(f"{place}{reference} is skipped: it has no `quick`")
            yield Verified(reference, "skipped", "it has no `quick`")
            continue
        out.say(place + ": ".join(filter(None, [recipe.name, recipe.config.summary])))
        for warning in recipe.warnings:
            out.warn(warning)
        verified = verify(
            recipe,
            seeds=seeds,
            resumes=resumes,
            runs_dir=runs_dir,
            record_in=file,
            command=["dlkit", *out.words],
            started=started,
            warned=out.warn,
            told=out.say,
            failed=failed,
        )
        out.say(_said(verified))
        yield verified


def _loaded(
    references: Sequence[str], settings: Sequence[str], quick: bool, seeds: int | None, allow_plugins: bool
) -> dict[str, Recipe | None]:
    """The recipes by what they were called; None for one without a quick variant where that is wanted.

    Raises:
        RecipeError: Some have mistakes; those of all are told.
    """
    from dlkit.recipe.diagnostics import RecipeError
    from dlkit.recipe.load import load
    from dlkit.workflows.members import seeds_of

    loaded: dict[str, Recipe | None] = {}
    errors: list[Diagnostic] = []
    for reference in dict.fromkeys(_expanded(references)):
        try:
            loaded[reference] = recipe = load(reference, settings, quick=quick, allow_plugins=allow_plugins)
            if seeds:
                seeds_of(recipe, seeds)  # what cannot be is told before any is trained
        except RecipeError as error:
            loaded[reference] = None
            errors += [found for found in error.diagnostics if found.code != "no-quick"]
    if errors:
        raise RecipeError(errors)
    return loaded


def _expanded(references: Sequence[str]) -> Iterator[str]:
    from dlkit.recipe.library import shipped_recipes

    for reference in references:
        if reference == ALL:
            yield from (name for name, _ in shipped_recipes())
        else:
            yield reference


def _table(out: Output, found: Sequence[Verified]) -> None:
    """Prints a row for each bound, and for each recipe that has nothing to compare."""
    rows = []
    for each in found:
        minutes = f"{each.seconds / 60:.1f}"
        for expectation in each.expectations:
            # The interval is the metric's own, not that of a difference.
            bounds = None if expectation.over else each.intervals.get(expectation.metric)
            rows.append(
                (
                    each.name,
                    expectation.metric,
                    expectation.measured(number_text),
                    f"{number_text(bounds[0])} to {number_text(bounds[1])}" if bounds else "",
                    expectation.bound,
                    "met" if expectation.met else "short",
                    minutes,
                )
            )
        if not each.expectations:
            rows.append((each.name, "", "", "", "", f"{each.verdict}: {each.reason}", minutes))
    out.table(
        {
            "recipe": "left",
            "metric": "left",
            "measured": "right",
            "95 % interval": "left",
            "expected": "left",
            "verdict": "left",
            "minutes": "right",
        },
        rows,
    )


def _said(verified: Verified) -> str:
    """What became of one recipe, as it is done."""
    told = {
        "met": "reaches what it expects",
        "short": "falls short of what it expects",
        "skipped": f"is skipped: {verified.reason}",
        "failed": "failed",
    }
    return f"{verified.name} {told[verified.verdict]}"


def _status(found: Sequence[Verified]) -> int:
    verdicts = {each.verdict for each in found}
    if "failed" in verdicts or verdicts == {"skipped"}:
        return FAILED
    return SHORT if "short" in verdicts else DONE


def _as_json(verified: Verified) -> dict[str, object]:
    told = asdict(verified)
    expectations = [found.as_dict() for found in verified.expectations]
    return {**told, "expectations": expectations, "run": str(verified.run.resolve()) if verified.run else None}


def _typed(references: Sequence[str], options: Mapping[str, object]) -> str:
    """The command line that verifies these."""
    words = ["dlkit", "verify", *references]
    for name, value in options.items():
        if isinstance(value, bool):
            words += [name] if value else []
        else:
            given = value if isinstance(value, list) else [value]
            words += [word for each in given if each is not None for word in (name, str(each))]
    return shlex.join(words)
