"""Holds the outputs of a network against the targets, losses and metrics of its recipe."""

from __future__ import annotations

from collections.abc import Collection
from collections.abc import Mapping as Values
from dataclasses import dataclass
from typing import Any

from dlkit.recipe.diagnostics import Findings, did_you_mean, listing
from dlkit.recipe.facts import DataFacts
from dlkit.recipe.graph import Component, Graph
from dlkit.recipe.nodes import Mapping, entries_of, inside
from dlkit.recipe.supervision import Supervision, Supervisor

_BY_OUTPUT = ("losses", "loss_weights", "metrics_by_output")
_LOSS, _METRICS = _OF_ONE_OUTPUT = (("loss", "losses"), ("metrics", "metrics_by_output"))


@dataclass(frozen=True, slots=True)
class Outputs:
    """What each output of a recipe's network is held against.

    Args:
        root: The recipe, references replaced.
        training: The values of its `training`, components read; some may be mistaken.
        evaluation: Those of its `evaluation`.
    """

    root: Mapping
    training: Values[str, Any]
    evaluation: Values[str, Any]
    facts: DataFacts
    findings: Findings

    def supervise(self, graph: Graph) -> dict[str, Supervision]:
        """The loss and metrics of every output by target; none before anything is known of the targets."""
        span = self.root.entries["model"].key_span
        supervisor = Supervisor(self.facts, self.findings)
        outputs = supervisor.outputs(graph, span)
        self._check_keys([target for target in outputs if target] or list(self.facts.targets))
        if not self.facts.targets:
            return {}
        made = {}
        for target, tensor in outputs.items():
            loss, metrics = self._written(*_LOSS, target, outputs), self._written(*_METRICS, target, outputs)
            if loss is not None and not isinstance(loss, Component):
                loss = Component("loss", "")  # a mistake that was told: nothing more is held against it
            found = supervisor.supervise(graph, tensor, target, loss, _components(metrics), span)
            if found:
                made[target] = found
        return made

    def _written(self, one: str, several: str, target: str, outputs: Collection[str]) -> Any:
        """What is written for an output, alone or by output; None: nothing, False: a mistake."""
        training = inside(self.root, "training")
        by_output = self.training.get(several)
        if inside(training, several, target) is not None and isinstance(by_output, dict):
            value = by_output.get(target)
        elif inside(training, one) is not None and len(outputs) == 1:
            value = self.training.get(one)
        else:
            return None
        return False if value is None else value

    def names_known(self) -> bool:
        """Whether all metrics are known, none of them being mistaken."""
        by_output = self.training.get("metrics_by_output")
        lists = [self.training.get("metrics"), self.evaluation.get("metrics")]
        lists += by_output.values() if isinstance(by_output, dict) else []
        return all(
            isinstance(metric, Component) for metrics in lists if isinstance(metrics, list) for metric in metrics
        )

    def _check_keys(self, outputs: list[str]) -> None:
        """Notes keys for outputs that there are not, and keys for one output where there are several."""
        training = inside(self.root, "training")
        for key in _BY_OUTPUT if outputs else ():
            for entry in entries_of(inside(training, key)):
                if entry.key not in outputs:
                    cure = did_you_mean(entry.key, outputs, f"it has {listing(outputs)}")
                    message = f"`training.{key}`: the model has no output `{entry.key}`"
                    self.findings.error("unknown-output", message, entry.key_span, cure)
        for key, plural in _OF_ONE_OUTPUT:
            if len(outputs) > 1 and isinstance(training, Mapping) and key in training:
                message = f"`training.{key}` is for one output, and the model has {listing(outputs)}"
                cure = f"write `{plural}: {{{outputs[0]}: ...}}`"
                self.findings.error("several-outputs", message, training.entries[key].key_span, cure)


def _components(values: Any) -> list[Component] | None:
    """The metrics of a list; None where no list is written."""
    return [value for value in values if isinstance(value, Component)] if isinstance(values, list) else None
