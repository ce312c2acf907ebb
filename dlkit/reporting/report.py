"""report.html: what a run was, what came out and how it can be repeated, on one page that needs nothing but itself."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from markupsafe import Markup, escape

from dlkit.evaluation.diagnosis import Diagnosis
from dlkit.evaluation.evaluation import Evaluation
from dlkit.evaluation.expectation import Expectation
from dlkit.recipe.facts import DataFacts, Feature, Target
from dlkit.reporting.figures import OF_TARGET
from dlkit.reporting.figures.curves import draw_curves, drawn_metrics
from dlkit.reporting.figures.style import on_page, on_white, to_png, to_svg
from dlkit.runs.atomic import write_bytes, write_text
from dlkit.runs.folder import RunFolder

_CAPTIONS = {
    "curves": "Loss, metrics and learning rate, epoch by epoch",
    "confusion_matrix": "Confusion matrix: examples of each true class, shaded by their share of it",
    "roc": "ROC curve: each class against the rest",
    "precision_recall": "Precision and recall: each class against the rest",
    "calibration": "Calibration: how often the model is right when it is so sure",
    "predictions": "Predictions beside the truth, and the spread of the errors",
    "forecasts": "Forecasts from the first to the last example",
    "errors_by_step": "Errors by how far ahead the forecast looks",
    "surprise_by_position": "How unexpected tokens are, by their place in the window",
    "edit_distances": "How far answers are from the truth",
}
_WIDE = ("predictions", "forecasts")
_TITLES = {
    "classification": "Which classes are told apart",
    "multi_label": "Which labels are found",
    "regression": "How near the predictions are",
    "forecasting": "How near the forecasts are",
    "language_modelling": "How well the text is foreseen",
    "sequence_output": "How near the sequences are",
}
_CHOICES = ("classification", "multi_label", "sequence_output")
_NUMBERS = 8  # metrics in large letters
_CONFUSED = 8
_ALL_CLASSES = 200  # that have a row each
_CHANGES = 20_000  # characters of uncommitted changes


@dataclass(frozen=True, slots=True)
class Layer:
    """A line of the table of layers."""

    name: str
    layer: str
    shape: str
    parameters: int


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
        figures: Those that are wanted; None: all that apply.
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
    layers: Sequence[Layer] = ()
    diagram: str = ""
    provenance: Mapping[str, Any] = field(default_factory=dict)
    state: str = "finished"
    seconds: float = 0.0
    epochs: int = 0
    figures: Sequence[str] | None = None


def write_report(run: RunFolder, told: Told) -> None:
    """Writes report.html, and its figures as PNG and SVG into `figures/`.

    Raises:
        DlkitError: A file cannot be written (`cannot-write`).
    """
    import jinja2
    import matplotlib as mpl

    templates = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=jinja2.select_autoescape(["html", "j2"]),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters["code"] = _with_code
    figures = _Figures(run, told.figures)
    with mpl.rc_context({"text.parse_math": False}):  # a dollar in the name of a class is a dollar
        contents = _contents(run, told, figures)
    page = templates.get_template("report.html.j2").render(report=contents)
    write_text(run.report, page)


def figure_file(target: str, kind: str, *, several: bool) -> str:
    """The name of a figure's PNG.

    Args:
        target: The target that it is of.
        kind: What it shows.
        several: Whether there are several targets.
    """
    return f"{target}-{kind}.png" if several else f"{kind}.png"


@dataclass
class _Figures:
    """Draws figures, keeps them as files, and gives them back for the page."""

    run: RunFolder
    wanted: Sequence[str] | None
    _count: int = 0

    def add(self, kind: str, target: str, figure: Any) -> dict[str, Any] | None:
        """A figure for the page, and its two files; None where there is none."""
        if figure is None:
            return None
        self.run.figures.mkdir(exist_ok=True)
        path = self.run.figures / figure_file(target, kind, several=bool(target))
        write_bytes(path, to_png(figure))
        svg = self._svg(figure)
        write_text(path.with_suffix(".svg"), on_white(svg))
        return {"caption": _CAPTIONS[kind], "svg": on_page(svg, _CAPTIONS[kind]), "wide": kind in _WIDE}

    def inline(self, caption: str, figure: Any) -> dict[str, Any]:
        """A figure for the page only."""
        return {"caption": caption, "svg": on_page(self._svg(figure), caption), "wide": False}

    def _svg(self, figure: Any) -> str:
        self._count += 1
        return to_svg(figure, f"figure-{self._count}")

    def wants(self, kind: str) -> bool:
        return self.wanted is None or kind in self.wanted


def _contents(run: RunFolder, told: Told, figures: _Figures) -> dict[str, Any]:
    evaluation = told.evaluation or Evaluation()
    missed = [each for each in told.expectations if not each.met]
    curves = _curves(told, figures) if figures.wants("curves") else []
    several = len(evaluation.targets) > 1
    targets = [
        _target(run, name, measured, told.facts, figures, several) for name, measured in evaluation.targets.items()
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
        "line": f"{_duration(told.seconds)}, {told.epochs} epochs, {told.provenance.get('time', '')}",
        "sections": sections,
        "numbers": list(_large(evaluation)),
        "measured_on": _measured_on(evaluation),
        "expectations": [
            (
                each.metric,
                each.bound,
                each.measured(number),
                "met" if each.met else "not met",
            )
            for each in told.expectations
        ],
        "metrics": [(name, number(value), _interval(evaluation, name)) for name, value in evaluation.metrics.items()],
        "diagnosis": told.diagnosis,
        "curves": curves,
        "targets": targets,
        "model_line": _model_line(told.layers),
        "diagram": told.diagram,
        "layers": [(each.name, each.layer, each.shape, f"{each.parameters:,}") for each in told.layers],
        "data_line": _sizes(told.facts),
        "data": [*_rows(told.facts.features, "feature"), *_rows(told.facts.targets, "target")],
        "reproduce": f"dlkit train {run.name}/recipe.yaml    # the recipe below, as it was put together",
        "provenance": list(_provenance(told.provenance)),
        "recipe": told.recipe,
        "changes": ((told.provenance.get("git") or {}).get("diff") or "")[:_CHANGES],
    }


def _curves(told: Told, figures: _Figures) -> list[dict[str, Any]]:
    """The learning curves: together as a file, one by one for the page, where letters stay readable on a telephone."""
    names = drawn_metrics(told.lines)
    if not names:
        return []
    figures.add("curves", "", draw_curves(told.lines, names, told.best))
    return [figures.inline(name.replace("_", " "), draw_curves(told.lines, [name], told.best)) for name in names]


def _with_code(text: str) -> Markup:
    """A sentence whose words in backticks are code."""
    parts = str(text).split("`")
    marked = (f"<code>{escape(part)}</code>" if n % 2 else str(escape(part)) for n, part in enumerate(parts))
    return Markup("".join(marked))  # every part is escaped


def number(value: float) -> str:
    """Four places, or four digits of what is large or tiny."""
    return f"{value:.4f}" if value == 0 or 1e-3 <= abs(value) < 1e4 else f"{value:.4g}"


def _verdict(told: Told, missed: Sequence[Expectation]) -> str:
    if told.state not in ("finished", "running"):
        return f"The run was {told.state}"
    if not told.expectations:
        return ""
    return "Falls short of what the recipe expects" if missed else "Reaches what the recipe expects"


def _large(evaluation: Evaluation) -> Iterator[dict[str, str]]:
    for name, value in list(evaluation.metrics.items())[:_NUMBERS]:
        told = name.removeprefix(f"{evaluation.split}_").replace("_", " ")
        yield {"name": told, "value": number(value), "interval": _interval(evaluation, name)}


def _interval(evaluation: Evaluation, name: str) -> str:
    bounds = evaluation.intervals.get(name)
    return f"{number(bounds[0])} to {number(bounds[1])}" if bounds else ""


def _measured_on(evaluation: Evaluation) -> str:
    if not evaluation.metrics:
        return "Nothing was held out to measure the model on."
    split = {"val": "validation"}.get(evaluation.split, evaluation.split)
    chosen = ", by which the model was chosen" if evaluation.split == "val" else ""
    return (
        f"Measured with {evaluation.model} on the {evaluation.examples:,} examples of the {split} split{chosen}. "
        "Ranges are 95 % intervals of the bootstrap."
    )


def _target(
    run: RunFolder, name: str, measured: Mapping[str, Any], facts: DataFacts, figures: _Figures, several: bool
) -> dict[str, Any]:
    details, task = measured["details"], measured["task"]
    drawn = [
        figures.add(kind, name if several else "", draw(details))
        for kind, draw in OF_TARGET.items()
        if figures.wants(kind)
    ]
    mistakes = [_shown(run, each) for each in measured["mistakes"]]
    title = _TITLES[task]
    return {
        "id": f"target-{list(facts.targets).index(name) + 1}" if name in facts.targets else "target",
        "title": f"{name}: {title[0].lower()}{title[1:]}" if several else title,
        "figures": [figure for figure in drawn if figure],
        "confused": _confused(details),
        "per_class": [
            (row["label"], *(f"{row[kind]:.3f}" for kind in ("precision", "recall", "f1")), f"{row['examples']:,}")
            for row in details.get("per_class", ())[:_ALL_CLASSES]
        ],
        "per_output": [
            (row["output"], number(row["mean_absolute_error"]), number(row["root_mean_squared_error"]))
            for row in details.get("per_output", ())
        ],
        "mistakes": mistakes,
        "mistakes_title": "The most confident mistakes" if task in _CHOICES else "The largest errors",
        "has_pictures": any(each["pictures"] for each in mistakes),
    }


def _shown(run: RunFolder, shown: Mapping[str, Any]) -> dict[str, Any]:
    given = list(shown.get("input", {}).values())
    pictures = [run.path / each["image"] for each in given if "image" in each]
    return {
        "row": shown["row"] + 1,
        "truth": shown["truth"],
        "predicted": shown["predicted"],
        "note": shown["note"],
        "texts": [each["text"] for each in given if "text" in each],
        "pictures": [_data_uri(path) for path in pictures if path.is_file()],
    }


def _data_uri(path: Path) -> str:
    return f"data:image/png;base64,{base64.b64encode(path.read_bytes()).decode()}"


def _confused(details: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """The pairs of classes that are mistaken for one another most often."""
    matrix, labels = details.get("confusion_matrix") or [], details.get("labels", ())
    cells = [
        (count, true, told)
        for true, row in enumerate(matrix)
        for told, count in enumerate(row)
        if count and true != told
    ]
    most = sorted(cells, key=lambda cell: (-cell[0], cell[1], cell[2]))[:_CONFUSED] if len(matrix) > 2 else []
    return [
        (labels[true], labels[told], f"{count:,}", f"{count / sum(matrix[true]):.1%}") for count, true, told in most
    ]


def _model_line(layers: Sequence[Layer]) -> str:
    if not layers:
        return "The model file is not there."
    return f"{len(layers)} layers, {sum(layer.parameters for layer in layers):,} parameters."


def _sizes(facts: DataFacts) -> str:
    sizes = (("train", facts.train_size), ("validation", facts.validation_size), ("test", facts.test_size))
    return ", ".join(f"{size:,} examples to {_PURPOSE[split]}" for split, size in sizes if size) + "."


_PURPOSE = {"train": "train on", "validation": "choose by", "test": "test on"}


def _rows(known: Mapping[str, Feature | Target], role: str) -> Iterator[tuple[str, ...]]:
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


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
