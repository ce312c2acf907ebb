"""Names of metrics: what is logged and measured, and what of it a recipe asks for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from collections.abc import Mapping as Values
from typing import Any

from dlkit.recipe.diagnostics import Findings, did_you_mean, listing
from dlkit.recipe.facts import DataFacts
from dlkit.recipe.graph import Component
from dlkit.recipe.nodes import Mapping, Node, entries_of, inside, items_of, text_of
from dlkit.recipe.paths import written_component
from dlkit.recipe.supervision import Supervision, logged_names, metric_name
from dlkit.recipe.task_metrics import baseline_metrics, rollout_metric, task_metrics, task_of

Supervisions = Values[str, Supervision]


def metrics_known(*sections: Values[str, Any]) -> bool:
    """Whether all metrics that sections write are known, none of them being mistaken."""
    lists = [section.get("metrics") for section in sections]
    for section in sections:
        by_output = section.get("metrics_by_output")
        lists += by_output.values() if isinstance(by_output, dict) else []
    return all(isinstance(metric, Component) for metrics in lists if isinstance(metrics, list) for metric in metrics)


def check_expected(
    root: Mapping,
    supervisions: Sequence[Supervisions],
    evaluated: Sequence[Component],
    facts: DataFacts,
    findings: Findings,
) -> None:
    """Notes metrics in `expect` that nothing measures.

    Args:
        root: The recipe, references replaced.
        supervisions: Those of `training`, or of every stage.
        evaluated: The metrics of `evaluation`.
        facts: What is known of the targets.
    """
    logged, known = measured_names(supervisions, evaluated, facts)
    for entry in entries_of(root.get("expect")):
        if entry.key not in known:
            # Most likely meant is what the recipe names itself.
            tested = [f"test_{name}" for name in logged]
            cure = did_you_mean(
                entry.key, tested, did_you_mean(entry.key, known, f"measured are {listing(known, len(known) // 2)}")
            )
            findings.error("unknown-metric", f"nothing measures `{entry.key}`", entry.key_span, cure)


def measured_names(
    supervisions: Sequence[Supervisions], evaluated: Sequence[Component], facts: DataFacts
) -> tuple[list[str], list[str]]:
    """The names of what is logged in the training, and of all that is measured in the end, as `test_accuracy`."""
    logged = dict.fromkeys(name for found in supervisions for name in logged_names(found))
    every = logged | dict.fromkeys(name for found in supervisions for name in _names(found, evaluated, facts))
    every |= dict.fromkeys(each.name for each in evaluated if each.kind == "generation")
    # Where there is no test split, the validation split is measured.
    return list(logged), [f"{split}_{name}" for split in ("test", "val") for name in every]


def check_monitors(
    section: Node | None, supervisions: Supervisions, findings: Findings, logs: Sequence[str] = ()
) -> None:
    """Warns of monitors that no metric provides.

    Args:
        section: `training`, a stage merged with it, or `tune`.
        logs: What a pattern logs besides.
    """
    logged = [*logged_names(supervisions), *logs]
    known = [*_monitored(logged), "learning_rate", "epoch"]
    for node in _monitors(section):
        name = text_of(node)
        if name is not None and name not in known:
            cure = did_you_mean(name, known, f"logged are {listing(logged)}, with `val_` for the validation split")
            findings.warning("unknown-monitor", f"no metric provides `{name}`", node.span, cure)


def _monitored(logged: Sequence[str]) -> list[str]:
    return [*logged, *(f"val_{name}" for name in logged)]


def _names(supervisions: Supervisions, evaluated: Sequence[Component], facts: DataFacts) -> Iterator[str]:
    """The names of what every output is measured by in the end: the metrics of `evaluation`, and those of its task."""
    for target in supervisions:
        before = f"{target}_" if len(supervisions) > 1 else ""
        known = facts.targets.get(target)
        for each in evaluated:
            if each.kind == "metric":
                yield before + metric_name(each)
            elif each.kind == "rollout":
                yield before + rollout_metric(each)
            elif each.kind == "baseline" and known:
                yield from (before + name for name in baseline_metrics(each.name, task_of(known)))
        if known:
            yield from (before + name for name in task_metrics(known))


def _monitors(section: Node | None) -> Iterator[Node]:
    """Every place of a section that names a metric to follow."""
    bodies = [written_component(item)[1] for item in items_of(inside(section, "callbacks"))]
    for node in (*(inside(body, "monitor") for body in bodies), inside(section, "best", "monitor")):
        if node is not None:
            yield node
    objective = inside(section, "objective")
    if objective is not None:
        yield objective
