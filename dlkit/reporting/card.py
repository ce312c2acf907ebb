"""A model card: what a model is, what it reaches, where its limits are, how to use it.

After Mitchell et al., "Model Cards for Model Reporting" (2019, arXiv:1810.03993), in the form of Hugging Face's Hub:
https://huggingface.co/docs/hub/model-cards.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from dlkit.evaluation.evaluation import Evaluation
from dlkit.evaluation.number_text import number_text
from dlkit.reporting.card_metadata import metadata
from dlkit.reporting.card_usage import usage
from dlkit.reporting.carded import Carded, Spread, is_of_baseline
from dlkit.reporting.page import plain_markdown, rendered
from dlkit.reporting.report import data_rows, interval_text, measured_on, sizes_text
from dlkit.reporting.target_section import confused_classes
from dlkit.runs.duration_text import duration

_CLASSES = 20  # that are listed one by one
_LAYERS = 60
_WORST = 3
_MISTAKEN = 5  # pairs of classes


def card_text(carded: Carded) -> str:
    """The card as Markdown, its front matter included."""
    told, found = carded.told, carded.evaluation
    head = yaml.safe_dump(metadata(carded), sort_keys=False, allow_unicode=True, width=1000)
    layers = [(each.name, each.layer, f"{each.parameters:,}") for each in told.layers]
    return rendered(
        "card.md.j2",
        head=head,
        name=told.name,
        summary=told.summary,
        reference=carded.reference,
        kinds=carded.kinds,
        parameters=f"{sum(each.parameters for each in told.layers):,}",
        layers=layers[:_LAYERS],
        more_layers=max(0, len(layers) - _LAYERS),
        source=inline(carded.source),
        sizes=sizes_text(told.facts),
        fingerprint=told.provenance.get("data_fingerprint"),
        data=[*data_rows(carded.raw_features, "feature"), *data_rows(told.facts.targets, "target")],
        preparation=[(name.replace("_", " "), inline(value)) for name, value in carded.data.items()],
        training=[*_length(carded), *((name, inline(value)) for name, value in carded.training.items())],
        machine=list(_machine(told.provenance)),
        measured_on=measured_on(found),
        metrics=list(_metrics(carded, baselines=False)),
        baselines=list(_metrics(carded, baselines=True)),
        expectations=[
            (each.metric, each.bound, each.measured(number_text), "met" if each.met else "not met")
            for each in told.expectations
        ],
        spread=carded.spread,
        spread_rows=_spread_rows(carded.spread) if carded.spread else [],
        classes=list(_classes(found)),
        limits=list(_limits(carded)),
        usage=usage(carded),
    )


def inline(value: Any) -> str:
    """A setting on one line, as a recipe may write it."""
    if isinstance(value, str):
        return value
    return (
        yaml.safe_dump(value, default_flow_style=True, sort_keys=False, allow_unicode=True, width=math.inf)
        .split("\n...")[0]
        .strip()
    )


def _length(carded: Carded) -> Iterator[tuple[str, str]]:
    told = carded.told
    best = told.lines[told.best] if told.best is not None else None
    chosen = ((told.provenance.get("chosen") or {}).get("training.best") or {}).get("monitor")
    yield "time", duration(told.seconds, whole=True)
    stages = {line.get("stage") for line in told.lines}
    stage = f" of the stage {best['stage']}" if best and len(stages) > 1 else ""
    told_best = f", the best of them {best['epoch']}{stage} by {chosen}" if best and chosen else ""
    yield "epochs", f"{told.epochs}{told_best}"


def _machine(provenance: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    hardware, versions = provenance.get("hardware") or {}, provenance.get("versions") or {}
    gpus, split = len(hardware.get("gpus") or ()), hardware.get("logical_devices")
    cores = f"{hardware.get('cores')} cores of {hardware.get('cpu')}"
    told = f"{gpus} GPU{'s' if gpus > 1 else ''}, {cores}" if gpus else f"{cores}, no GPU"
    yield "hardware", told + (f", the CPU split into {split} devices" if split else "")
    yield "versions", ", ".join(f"{name} {version}" for name, version in versions.items() if version)
    yield "began", str(provenance.get("time", ""))


def _metrics(carded: Carded, *, baselines: bool) -> Iterator[tuple[str, str, str]]:
    """The metrics of the model, or of what it is held against."""
    found = carded.evaluation
    for name, value in found.metrics.items():
        if is_of_baseline(name, carded.baselines) == baselines:
            yield name, number_text(value), interval_text(found, name)


def _spread_rows(spread: Spread) -> list[tuple[str, str, str]]:
    return [
        (name, number_text(mean), number_text(spread.deviations.get(name, math.nan)))
        for name, mean in spread.means.items()
    ]


def _classes(found: Evaluation) -> Iterator[tuple[str, list[tuple[str, ...]]]]:
    """A table of classes for each target that has few of them."""
    for name, measured in found.targets.items():
        rows = measured["details"].get("per_class") or ()
        if 0 < len(rows) <= _CLASSES:
            kinds = ("precision", "recall", "f1")
            yield (
                name,
                [(row["label"], *(f"{row[kind]:.3f}" for kind in kinds), f"{row['examples']:,}") for row in rows],
            )


def _limits(carded: Carded) -> Iterator[str]:
    """Where the model fails, and what its numbers do not say: only what was measured, or follows from how it was made."""
    told, found = carded.told, carded.evaluation
    for missed in (each for each in told.expectations if not each.met):
        yield f"It falls short of what its recipe expects: `{missed.metric}` {missed.bound}, {missed.measured(number_text)}."
    for each in told.diagnosis:
        yield f"{each.kind}: {each.message} {each.evidence}"
    for name, measured in found.targets.items():
        of = f" of `{name}`" if len(found.targets) > 1 else ""
        yield from _of_target(of, measured["details"])
        ece = found.metrics.get("_".join([found.split, *([name] if of else []), "ece"]))
        if ece is not None:
            yield f"Its probabilities{of} are off by {ece:.3f} on average (expected calibration error)."
    yield from _of_measurement(carded)


def _of_target(of: str, details: Mapping[str, Any]) -> Iterator[str]:
    rows = [row for row in details.get("per_class") or () if row["examples"]]
    if len(rows) > 2:
        worst = sorted(rows, key=lambda row: row["f1"])[:_WORST]
        told = ", ".join(
            f"{plain_markdown(row['label'])} (F1 {row['f1']:.3f}, {row['examples']:,} examples)" for row in worst
        )
        yield f"The classes{of} that it tells worst: {told}."
    confused = confused_classes(details)[:_MISTAKEN]
    if confused:
        told = ", ".join(
            f"{plain_markdown(true)} for {plain_markdown(said)} ({count}, {share} of the class)"
            for true, said, count, share in confused
        )
        yield f"What it takes most often{of} for another class: {told}."


def _of_measurement(carded: Carded) -> Iterator[str]:
    found = carded.evaluation
    if found.split == "val" and found.metrics:
        yield "There is no test split: the numbers are those of the validation split, by which the model was chosen, and too good."
    if found.metrics:
        yield (
            "The examples that it was measured on come from the same source as those it learned from. Nothing here tells how it "
            "does on data from elsewhere; `dlkit evaluate RUN --data DATA` does."
        )
    for name, task in carded.tasks.items():
        classes = carded.told.facts.targets[name].classes
        if task == "classification" and classes:
            yield f"It knows the {classes} classes of `{name}` only: whatever else it is given, it takes for one of them."
    if "limit" in carded.data:
        yield "It learned from a part of the training data only."
    if carded.spread is None and found.metrics:
        yield "It is a single run: how much the numbers vary with the seed was not measured."
    if not carded.deterministic:
        yield "It was trained without determinism: another training of the recipe gives somewhat other numbers."
