"""Names of metrics: what is logged and measured, and what of it a recipe asks for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from collections.abc import Mapping as Values

from dlkit.recipe.diagnostics import Findings, did_you_mean, listing
from dlkit.recipe.graph import Component
from dlkit.recipe.nodes import Mapping, Node, entries_of, inside, items_of, text_of
from dlkit.recipe.paths import written_component
from dlkit.recipe.supervision import Supervision, logged_names, metric_name


def check_names(
    root: Mapping, supervisions: Values[str, Supervision], evaluated: Sequence[Component], findings: Findings
) -> None:
    """Notes metrics in `expect` that nothing measures, and warns of monitors that no metric provides.

    Args:
        root: The recipe, references replaced.
        evaluated: The metrics of `evaluation`.
    """
    logged = logged_names(supervisions)
    monitored = [*logged, *(f"val_{name}" for name in logged), "learning_rate"]
    tested = [f"test_{name}" for name in (*logged, *_evaluated_names(supervisions, evaluated))]
    for entry in entries_of(root.get("expect")):
        if entry.key not in (*tested, *monitored):
            cure = did_you_mean(entry.key, tested, f"measured are {listing(tested)}")
            findings.error("unknown-metric", f"nothing measures `{entry.key}`", entry.key_span, cure)
    for node in _monitors(root):
        name = text_of(node)
        if name is not None and name not in monitored:
            cure = did_you_mean(name, monitored, f"logged are {listing(logged)}, with `val_` for the validation split")
            findings.warning("unknown-monitor", f"no metric provides `{name}`", node.span, cure)


def _evaluated_names(supervisions: Values[str, Supervision], evaluated: Sequence[Component]) -> Iterator[str]:
    for target in supervisions:
        for metric in evaluated:
            name = metric_name(metric)
            yield f"{target}_{name}" if len(supervisions) > 1 else name


def _monitors(root: Mapping) -> Iterator[Node]:
    """Every place of a recipe that names a metric to follow."""
    training = inside(root, "training")
    for section in (training, *items_of(inside(training, "stages"))):
        bodies = [written_component(item)[1] for item in items_of(inside(section, "callbacks"))]
        for holder in (*bodies, inside(section, "best")):
            monitor = inside(holder, "monitor")
            if monitor is not None:
                yield monitor
    objective = inside(root, "tune", "objective")
    if objective is not None:
        yield objective
