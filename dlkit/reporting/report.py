"""report.html: what a run was, what came out and how it can be repeated, on one page that needs nothing but itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dlkit.evaluation.diagnosis import Diagnosis
from dlkit.evaluation.evaluation import Evaluation
from dlkit.evaluation.expectation import Expectation
from dlkit.evaluation.number_text import number_text
from dlkit.models.layer_table import LayerRow
from dlkit.recipe.facts import DataFacts, Feature, Target
from dlkit.reporting.figures import Figure
from dlkit.reporting.figures.curves import draw_curves, drawn_metrics
from dlkit.reporting.page import rendered
from dlkit.reporting.page_figures import Figures
from dlkit.reporting.target_section import target_section
from dlkit.runs.atomic import write_text
from dlkit.runs.duration_text import duration
from dlkit.runs.folder import RunFolder

_NUMBERS = 8  # metrics in large letters
_CHANGES = 20_000  # characters of uncommitted changes


@dataclass(frozen=True, slots=True)
class Told:
    """What a report tells.

    Args:
        name: Of the recipe.
        summary: Of the recipe.
        recipe: As YAML.
        lines: Those of metrics.jsonl.
        best: The place of the best epoch among them.
        evaluation: What was measured; None: nothing yet.
        expectations: What the recipe expects.
        diagnosis: What the curves say.
        facts: Of the data; features as saved models take them.
        layers: Of the model; none where it could not be loaded.
        diagram: The picture of the model, as SVG.
        provenance: What provenance.json holds.
        state: Of the run.
        seconds: Time spent.
        epochs: Epochs that are done.
        figures: Those that are drawn where they apply.
    """

    name: str
    summary: str
    recipe: str
    lines: Sequence[Mapping[str, Any]]
    best: int | None
    evaluation: Evaluation | None
    expectations: Sequence[Expectation]
    diagnosis: Sequence[Diagnosis]
    facts: DataFacts
    layers: Sequence[LayerRow] = ()
    diagram: str = ""
    provenance: Mapping[str, Any] = field(default_factory=dict)
    state: str = "finished"
    seconds: float = 0.0
    epochs: int = 0
    figures: Sequence[Figure] = ()


def write_report(run: RunFolder, told: Told) -> None:
    """Writes report.html, and its figures as PNG and SVG into `figures/`.

    Raises:
        DlkitError: A file cannot be written (`cannot-write`).
    """
    import matplotlib as mpl

    figures = Figures(run, told.figures)
    with mpl.rc_context({"text.parse_math": False}):  # a dollar in the name of a class is a dollar
        contents = _contents(run, told, figures)
    write_text(run.report, rendered("report.html.j2", report=contents))


def _contents(run: RunFolder, told: Told, figures: Figures) -> dict[str, Any]:
    evaluation = told.evaluation or Evaluation()
    missed = [each for each in told.expectations if not each.met]
    curves = _curves(told, figures)
    several = len(evaluation.targets) > 1
    targets = [
        target_section(run, name, measured, told.facts, figures, several)
        for name, measured in evaluation.targets.items()
    ]
    sections = [("results", "Results"), ("training", "Training")]
    sections += [(target["id"], target["title"]) for target in targets]
    sections += [("model", "Model"), ("data", "Data"), ("reproduce", "How to reproduce")]
    return {
        "name": told.name,
        "summary": told.summary,
        "run": run.name,
        "reached": not missed,
        "verdict": _verdict(told, missed),
        "line": f"{duration(told.seconds, whole=True)}, {told.epochs} epochs, {told.provenance.get('time', '')}",
        "sections": sections,
        "numbers": list(_large(evaluation)),
        "measured_on": measured_on(evaluation),
        "expectations": [
            (
                each.metric,
                each.bound,
                each.measured(number_text),
                "met" if each.met else "not met",
            )
            for each in told.expectations
        ],
        "metrics": [
            (name, number_text(value), interval_text(evaluation, name)) for name, value in evaluation.metrics.items()
        ],
        "diagnosis": told.diagnosis,
        "curves": curves,
        "targets": targets,
        "model_line": _model_line(told.layers),
        "diagram": told.diagram,
        "layers": [(each.name, each.layer, each.shape, f"{each.parameters:,}") for each in told.layers],
        "data_line": sizes_text(told.facts),
        "data": [*data_rows(told.facts.features, "feature"), *data_rows(told.facts.targets, "target")],
        "reproduce": f"dlkit train {run.name}/recipe.yaml    # the recipe below, as it was put together",
        "provenance": list(_provenance(told.provenance)),
        "recipe": told.recipe,
        "changes": ((told.provenance.get("git") or {}).get("diff") or "")[:_CHANGES],
    }


def _curves(told: Told, figures: Figures) -> list[dict[str, Any]]:
    """The learning curves: together as a file, one by one for the page, where letters stay readable on a telephone."""
    names = drawn_metrics(told.lines)
    training = {"lines": told.lines, "names": names, "best": told.best}
    if not names or not figures.draw({"training": training}):
        return []
    return [figures.inline(name.replace("_", " "), draw_curves(told.lines, [name], told.best)) for name in names]


def _verdict(told: Told, missed: Sequence[Expectation]) -> str:
    if told.state not in ("finished", "running"):
        return f"The run was {told.state}"
    if not told.expectations:
        return ""
    return "Falls short of what the recipe expects" if missed else "Reaches what the recipe expects"


def _large(evaluation: Evaluation) -> Iterator[dict[str, str]]:
    for name, value in list(evaluation.metrics.items())[:_NUMBERS]:
        told = name.removeprefix(f"{evaluation.split}_").replace("_", " ")
        yield {"name": told, "value": number_text(value), "interval": interval_text(evaluation, name)}


def interval_text(evaluation: Evaluation, name: str) -> str:
    """The bounds of a metric, as `0.97 to 0.99`; nothing where it has none."""
    bounds = evaluation.intervals.get(name)
    return f"{number_text(bounds[0])} to {number_text(bounds[1])}" if bounds else ""


def measured_on(evaluation: Evaluation) -> str:
    """What the metrics were measured on, in sentences."""
    if not evaluation.metrics:
        return "Nothing was held out to measure the model on."
    split = {"val": "validation"}.get(evaluation.split, evaluation.split)
    chosen = ", by which the model was chosen" if evaluation.split == "val" else ""
    return (
        f"Measured with {evaluation.model} on the {evaluation.examples:,} examples of the {split} split{chosen}. "
        "Ranges are 95 % intervals of the bootstrap."
    )


def _model_line(layers: Sequence[LayerRow]) -> str:
    if not layers:
        return "The model file is not there."
    return f"{len(layers)} layers, {sum(layer.parameters for layer in layers):,} parameters."


def sizes_text(facts: DataFacts) -> str:
    """How many examples each split has, in a sentence."""
    sizes = (("train", facts.train_size), ("validation", facts.validation_size), ("test", facts.test_size))
    return ", ".join(f"{size:,} examples to {_PURPOSE[split]}" for split, size in sizes if size) + "."


_PURPOSE = {"train": "train on", "validation": "choose by", "test": "test on"}


def data_rows(known: Mapping[str, Feature | Target], role: str) -> Iterator[tuple[str, ...]]:
    """A row for each feature or target: its name, kind, shape and type, and its columns or classes."""
    for name, each in known.items():
        shape = " × ".join("any" if size is None else str(size) for size in each.shape or ()) or "one value"
        more = each.columns if isinstance(each, Feature) else each.labels
        yield f"{role} {name}", each.kind, f"{shape}, {each.dtype}", _listed(more or ())


def _listed(names: Sequence[str]) -> str:
    told = ", ".join(names[:12])
    return f"{told} and {len(names) - 12} more" if len(names) > 12 else told


def _provenance(provenance: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    hardware, versions = provenance.get("hardware") or {}, provenance.get("versions") or {}
    git, chosen = provenance.get("git") or {}, provenance.get("chosen") or {}
    yield "command", str(provenance.get("command", ""))
    yield "seeds", ", ".join(f"{name} {value}" for name, value in (provenance.get("seeds") or {}).items())
    yield "versions", ", ".join(f"{name} {value}" for name, value in versions.items() if value)
    gpus = ", ".join(hardware.get("gpus") or []) or "no GPU"
    memory = hardware.get("memory_bytes", 0) / 2**30
    yield "machine", f"{hardware.get('cpu', '')}, {hardware.get('cores', '')} cores, {memory:.0f} GiB, {gpus}"
    yield "data", f"fingerprint {provenance.get('data_fingerprint', '')}"
    if git:
        changed = " with uncommitted changes" if git.get("diff") else ""
        yield "git commit of the recipe's folder", f"{git.get('commit', '')}{changed}"
    for name, value in chosen.items():
        yield (
            f"chosen: {name}",
            ", ".join(f"{k} {v}" for k, v in value.items()) if isinstance(value, dict) else str(value),
        )
    for each in provenance.get("resumed", ()):
        yield "resumed", f"{each.get('time', '')} from {each.get('from')}"
