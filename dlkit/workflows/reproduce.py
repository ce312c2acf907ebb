"""Trains a run again, from its folder alone, and says whether the same comes out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import keras

from dlkit.data.fingerprint import fingerprint
from dlkit.errors import DlkitError
from dlkit.evaluation.evaluation import Evaluation
from dlkit.recipe.diagnostics import Diagnostic
from dlkit.recipe.facts import DataFacts
from dlkit.runs.folder import RunFolder
from dlkit.runs.provenance import read_provenance
from dlkit.training.progress import Display
from dlkit.workflows.preparation import Prepared
from dlkit.workflows.reproducible import Check, checks_of, recipe_again
from dlkit.workflows.run import Run
from dlkit.workflows.same_result import Part, Verdict, compare_runs, verdict_of
from dlkit.workflows.train import train

TOLERANCE = 1e-3


@dataclass(frozen=True, slots=True)
class Reproduced:
    """What became of a run that was trained again.

    Args:
        original: The run.
        verdict: `identical`, `within tolerance` or `different`.
        checks: What it was made with, beside what there is here.
        data: The fingerprints of the data then, and here.
        run: The new run; None where it was not trained, since the data differ.
        before: What was measured of the original.
        parts: What was compared.
    """

    original: RunFolder
    verdict: Verdict
    checks: Sequence[Check]
    data: Check
    run: Run | None = None
    before: Evaluation = field(default_factory=Evaluation)
    parts: Sequence[Part] = ()


class _OtherDataError(Exception):
    """The data are not those of the run, and so nothing is to be trained."""


def reproduce(
    original: RunFolder,
    *,
    tolerance: float = TOLERANCE,
    anyway: bool = False,
    runs_dir: Path | None = None,
    display: Display | None = None,
    command: Sequence[str] | None = None,
    started: Callable[[RunFolder, DataFacts], None] | None = None,
    warned: Callable[[Diagnostic], None] | None = None,
    told: Callable[[str], None] | None = None,
    data_told: Callable[[Check], None] | None = None,
    allow_plugins: bool = False,
) -> Reproduced:
    """Trains the recipe of a run again, as a run of its own, and compares what both left.

    Runs that the recipe refers to are taken from `runs_dir`, and trained first where they are not there.

    Args:
        original: A finished run, as `finished_runs` gives it; it is only read.
        tolerance: The difference up to which metrics count as alike: absolute up to a value of 1, relative beyond.
        anyway: Whether it is trained on data that are not those of the run.
        runs_dir: Where the new run is kept; DLKIT_RUNS_DIR or `./runs` where it is None.
        display: Shows the progress; what suits standard error where it is None.
        command: The command line, for the provenance.
        started: Told of the new run folder and the facts of the data.
        warned: Told of what the data makes doubtful; Python warns where it is None.
        told: Told what `auto` has chosen, a line each.
        data_told: Told of the fingerprints, before anything is trained.
        allow_plugins: Whether the recipe's plugins may be run.

    Raises:
        RecipeError: The run's recipe cannot be used any more.
        DlkitError: There is nothing to compare with (`nothing-to-compare`), the data are not there, or the work failed.
        Interrupted: By a signal.
    """
    if not original.metrics.is_file() and not original.evaluation.is_file():
        message = f"The run {original.path} has neither metrics.jsonl nor evaluation.json."
        raise DlkitError(message, "Copy the whole folder; the weights may stay behind.", "nothing-to-compare")
    recipe, provenance = recipe_again(original, allow_plugins), read_provenance(original)
    checks, data = checks_of(provenance), [Check("data", "fingerprint", provenance.get("data_fingerprint"), None)]

    def look(prepared: Prepared) -> None:
        data[0] = Check("data", "fingerprint", data[0].before, fingerprint(prepared.loaded))
        if data_told:
            data_told(data[0])
        if not (data[0].same or data[0].before is None or anyway):
            raise _OtherDataError

    keras.backend.clear_session()  # so that nothing depends on what was trained before
    try:
        run = train(
            recipe,
            runs_dir=runs_dir,
            display=display,
            command=command,
            started=started,
            warned=warned,
            told=told,
            checked=look,
        )
    except _OtherDataError:
        return Reproduced(original, "different", checks, data[0])
    before = Evaluation.read(original.evaluation) or Evaluation()
    # Of several processes that train together only the chief has a folder to compare.
    parts = compare_runs(original, run.folder, tolerance) if run.folder.metrics.exists() else []
    return Reproduced(original, verdict_of(parts), checks, data[0], run, before, parts)
