"""Holds the outputs of a network against the targets, losses and metrics of its recipe."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from collections.abc import Mapping as Values
from dataclasses import dataclass
from typing import Any

from dlkit.recipe.diagnostics import Findings, Span, did_you_mean, listing
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
        graph: The network.
        span: Where it is written.
        evaluated: The metrics of `evaluation`, which every output is measured by.
        mixed_by: The augmentation that mixes labels, if there is one.
        loss: That of the pattern, where a recipe writes none; None: it is inferred.
    """

    graph: Graph
    span: Span
    evaluated: Sequence[Component]
    facts: DataFacts
    findings: Findings
    mixed_by: str | None = None
    loss: Component | None = None

    def supervise(self, section: Mapping, values: Values[str, Any]) -> dict[str, Supervision]:
        """The loss and metrics of every output by target; none before anything is known of the targets.

        Args:
            section: `training`, or a stage merged with it; references replaced.
            values: Its values, components read; some may be mistaken.
        """
        supervisor = Supervisor(self.facts, self.findings, self.mixed_by)
        outputs = supervisor.outputs(self.graph, self.span)
        self._check_keys(section, [target for target in outputs if target] or list(self.facts.targets))
        if not self.facts.targets:
            return {}
        made = {}
        for target, tensor in outputs.items():
            loss = _written(section, values, *_LOSS, target, outputs)
            metrics = _written(section, values, *_METRICS, target, outputs)
            if loss is not None and not isinstance(loss, Component):
                loss = Component("loss", "")  # a mistake that was told: nothing more is held against it
            found = supervisor.supervise(
                self.graph, tensor, target, loss or self.loss, components_of(metrics), self.span, self.evaluated
            )
            if found:
                made[target] = found
        return made

    def _check_keys(self, section: Mapping, outputs: list[str]) -> None:
        """Notes keys for outputs that there are not, and keys for one output where there are several."""
        for key in _BY_OUTPUT if outputs else ():
            for entry in entries_of(section.get(key)):
                if entry.key not in outputs:
                    cure = did_you_mean(entry.key, outputs, f"it has {listing(outputs)}")
                    message = f"`training.{key}`: the model has no output `{entry.key}`"
                    self.findings.error("unknown-output", message, entry.key_span, cure)
        for key, plural in _OF_ONE_OUTPUT:
            if len(outputs) > 1 and key in section:
                message = f"`training.{key}` is for one output, and the model has {listing(outputs)}"
                cure = f"write `{plural}: {{{outputs[0]}: ...}}`"
                self.findings.error("several-outputs", message, section.entries[key].key_span, cure)


def _written(
    section: Mapping, values: Values[str, Any], one: str, several: str, target: str, outputs: Collection[str]
) -> Any:
    """What is written for an output, alone or by output; None: nothing, False: a mistake."""
    by_output = values.get(several)
    if inside(section, several, target) is not None and isinstance(by_output, dict):
        value = by_output.get(target)
    elif section.get(one) is not None and len(outputs) == 1:
        value = values.get(one)
    else:
        return None
    return False if value is None else value


def components_of(values: Any) -> list[Component] | None:
    """The components of a list, mistaken ones left out; None where no list is written."""
    return [value for value in values if isinstance(value, Component)] if isinstance(values, list) else None
