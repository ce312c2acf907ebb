"""Trains a recipe, and holds what it reaches against what it says it reaches."""

from __future__ import annotations

import gc
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import keras
import tensorflow as tf

from dlkit.errors import DlkitError
from dlkit.evaluation.expectation import Expectation
from dlkit.recipe.diagnostics import Diagnostic, RecipeError
from dlkit.recipe.facts import DataFacts
from dlkit.recipe.load import Recipe
from dlkit.runs.find import runs_root
from dlkit.runs.folder import RunFolder
from dlkit.training.progress import Display
from dlkit.workflows.group import train_group
from dlkit.workflows.members import folds_of, seeds_of
from dlkit.workflows.other_runs import unfinished_run
from dlkit.workflows.recording import code_state, record_result
from dlkit.workflows.resume import resume
from dlkit.workflows.train import train

Verdict = Literal["met", "short", "skipped", "failed"]

# What the machine lacks, which says nothing of the recipe: its data, or a library that makes them.
_NOT_HERE = ("data-not-found", "not-installed")
_LEADS_ON = re.compile(r"(?<=\.) [^.]*:$")  # a last sentence that announces the lines after it


@dataclass(frozen=True, slots=True)
class Verified:
    """What became of a recipe.

    Args:
        name: Its name.
        verdict: `met`; `short` of what it expects; `skipped`, since there is nothing to learn from or to compare with;
            `failed`.
        reason: Why it was skipped or failed, in one line.
        metrics: What was measured, as `test_accuracy`; of folds or seeds, the means.
        deviations: The standard deviations that go with means.
        mean_of: Of means, how many runs they are of, as `{"seeds": 3}`.
        intervals: The bounds within which a metric lies with a confidence of 95 %, of those that have any.
        expectations: Each bound of `expect`, and what was measured.
        seconds: The time that data, training and evaluation took.
        run: The folder of the run, or of the group, where there is one.
    """

    name: str
    verdict: Verdict
    reason: str | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    intervals: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    expectations: Sequence[Expectation] = ()
    seconds: float = 0.0
    run: Path | None = None
    deviations: Mapping[str, float] = field(default_factory=dict)
    mean_of: Mapping[str, int] | None = None


def verify(
    recipe: Recipe,
    *,
    seeds: int | None = None,
    resumes: bool = False,
    runs_dir: Path | None = None,
    record_in: Path | None = None,
    display: Callable[[], Display] | None = None,
    command: Sequence[str] | None = None,
    started: Callable[[RunFolder, DataFacts], None] | None = None,
    warned: Callable[[Diagnostic], None] | None = None,
    told: Callable[[str], None] | None = None,
    failed: Callable[[Exception], None] | None = None,
) -> Verified:
    """Trains a recipe, and compares what it reaches with its `expect`.

    Args:
        recipe: What `dlkit.load` gives; with `quick=True` there, its quick variant.
        seeds: With how many seeds it is trained, its own and those after it, to compare the means; None: with its own.
        resumes: Whether a run of the identical recipe that was interrupted is gone on with; where the result is recorded,
            one that this commit has begun. Folds and seeds are trained anew.
        runs_dir: Where runs are kept; DLKIT_RUNS_DIR or `./runs` where it is None.
        record_in: The file that the result is recorded in, as `recording.file_for_results` gives it.
        display: Makes what shows the progress of a run; what suits standard error where it is None.
        command: The command line, for the provenance.
        started: Told of each run folder and the facts of its data, as soon as there are any.
        warned: Told of what the data makes doubtful; Python warns where it is None.
        told: Told what `auto` has chosen, a line each.
        failed: Told of the error of a recipe that is skipped for it, or fails.

    Raises:
        DlkitError: The result cannot be recorded.
        Interrupted: By a signal; the run folder is whole, and `resume` goes on with it.
    """
    if not recipe.config.expect:
        return Verified(recipe.name, "skipped", "it has no `expect` to be held against")
    git = code_state() if record_in else None
    folders: list[Path] = []

    def began(folder: RunFolder, facts: DataFacts) -> None:
        folders[:] = [folder.group or folder.path]
        if started:
            started(folder, facts)

    keras.backend.clear_session()  # so that no recipe depends on those before it
    begin = time.monotonic()
    try:
        is_single = not (seeds or isinstance(recipe.config.data.folds, int))
        commit = git["commit"] if git else None
        left = unfinished_run(recipe, runs_root(runs_dir), commit) if resumes and is_single else None
        found = _trained(recipe, seeds, runs_dir, display, command, began, warned, told, left)
    except Exception as error:  # noqa: BLE001  whatever is wrong with one recipe, others are to be verified after it
        if failed:
            failed(error)
        verdict: Verdict = "skipped" if isinstance(error, DlkitError) and error.code in _NOT_HERE else "failed"
        found = Verified(recipe.name, verdict, _reason(error), run=folders[0] if folders else None)
    found = replace(found, seconds=found.seconds + time.monotonic() - begin)
    gc.collect()  # models and what the frames of an error hold would lie in the memory of the recipes to come
    if record_in and (found.expectations or found.verdict == "skipped"):
        gpus = [_name(device) for device in tf.config.list_physical_devices("GPU")]
        logical = len(tf.config.list_logical_devices("CPU"))
        record_result(record_in, recipe, found, gpus, git, logical)
    return found


def _trained(
    recipe: Recipe,
    seeds: int | None,
    runs_dir: Path | None,
    display: Callable[[], Display] | None,
    command: Sequence[str] | None,
    began: Callable[[RunFolder, DataFacts], None],
    warned: Callable[[Diagnostic], None] | None,
    told: Callable[[str], None] | None,
    left: RunFolder | None = None,
) -> Verified:
    if seeds or isinstance(recipe.config.data.folds, int):
        group = train_group(
            seeds_of(recipe, seeds) if seeds else folds_of(recipe),
            runs_dir=runs_dir,
            display=display,
            command=command,
            started=lambda label, folder, facts: began(folder, facts),
            warned=warned,
            told=told,
        )
        return Verified(
            recipe.name,
            _verdict(group.expectations),
            metrics=group.metrics,
            expectations=group.expectations,
            run=group.folder.path,
            deviations=group.deviations,
            mean_of=group.members.mean_of,
        )
    shown = display() if display else None
    if left:
        allowed = recipe.allow_plugins
        run = resume(
            left, display=shown, command=command, started=began, goes_on=told, told=told, allow_plugins=allowed
        )
    else:
        run = train(recipe, runs_dir=runs_dir, display=shown, command=command, started=began, warned=warned, told=told)
    verdict, intervals = _verdict(run.expectations), run.evaluation.intervals
    before = run.folder.read_status().seconds_before
    return Verified(recipe.name, verdict, None, run.metrics, intervals, run.expectations, before, run.folder.path)


def _verdict(expectations: Sequence[Expectation]) -> Verdict:
    return "met" if all(each.met for each in expectations) else "short"


def _reason(error: Exception) -> str:
    match error:
        case RecipeError(diagnostics=[first, *_]):
            text = first.message
        case DlkitError(message=message):
            text = message
        case _:
            text = f"{type(error).__name__}: {error}"
    return _LEADS_ON.sub("", text.strip().partition("\n")[0])


def _name(gpu: tf.config.PhysicalDevice) -> str:
    return str(tf.config.experimental.get_device_details(gpu).get("device_name", gpu.name))
