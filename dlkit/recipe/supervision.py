"""What each output is held against: its loss and its metrics, inferred from the target or checked against the output."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from dlkit.recipe.catalogue import catalogue
from dlkit.recipe.contradictions import CROSSENTROPIES, CTC, of_activation, of_metric, of_metric_beside, of_target
from dlkit.recipe.diagnostics import Findings, Span, did_you_mean, listing
from dlkit.recipe.facts import PADDING, DataFacts, Target
from dlkit.recipe.graph import Component, Graph, Tensor
from dlkit.recipe.registry import snake_case

# Layers that change neither the activation nor the number of units of what they are given.
_TRANSPARENT = {
    *("Dropout", "GaussianNoise", "GaussianDropout", "AlphaDropout", "ActivityRegularization", "Identity", "Masking"),
    *("GlobalAveragePooling1D", "GlobalAveragePooling2D", "GlobalAveragePooling3D"),
}
_ACTIVATION_LAYERS = {"Softmax": "softmax", "ReLU": "relu", "LeakyReLU": "leaky_relu", "ELU": "elu", "PReLU": "prelu"}
_PROBABILITIES = {"softmax", "sigmoid", "hard_sigmoid", "sparsemax", "sparse_sigmoid"}
_LOGITS = {"linear", "log_softmax"}


@dataclass(frozen=True, slots=True)
class OutputForm:
    """What is known of an output without building it.

    Args:
        activation: None: not known.
        units: The size of the last axis; None: not known.
        hidden: Whether its layer is not known at all, for a mistake or because a plugin has not run.
    """

    activation: str | None = None
    units: int | None = None
    hidden: bool = False

    @property
    def is_logits(self) -> bool | None:
        """Whether the output wants a softmax or sigmoid to be probabilities; None where that cannot be told."""
        if self.activation in _LOGITS:
            return True
        return False if self.activation in _PROBABILITIES else None


@dataclass(frozen=True, slots=True)
class Supervision:
    """What one output is held against.

    Args:
        target: The target of the data.
        loss: The loss, all arguments known.
        metrics: The metrics, by the names they are logged under.
        logits: Whether the output wants a softmax or sigmoid to be probabilities.
        shares: Where labels are mixed, the target holds shares of the classes: so many of them, one for each unit of the
            output. None: it is handed over as it is.
        forced: The feature that holds the target one token earlier, given in training only; padding counts neither in the
            inferred loss nor in metrics. None: the output depends on no such feature.
    """

    target: str
    loss: Component
    metrics: tuple[Component, ...]
    logits: bool
    shares: int | None = None
    forced: str | None = None

    @property
    def ctc(self) -> bool:
        """Whether the output's steps are to be read as a sequence with blanks and repeats, class 0 being the blank."""
        return self.loss.name == CTC


def output_form(graph: Graph, tensor: Tensor) -> OutputForm:
    """The activation and the number of units of an output, as far as its layers tell."""
    calls = {call.name: call for call in graph.calls}
    activation = None
    while True:
        call = calls.get(tensor.call)
        layer = graph.layers.get(call.layer) if call else None
        if call is None or layer is None:
            return OutputForm(activation, hidden=tensor.call not in graph.inputs)
        if layer.name == "Activation" or layer.name in _ACTIVATION_LAYERS:
            told = _ACTIVATION_LAYERS.get(layer.name) or layer.arguments.get("activation")
            activation = activation or (told if isinstance(told, str) else None)
        elif layer.name not in _TRANSPARENT:
            own = _form_of_layer(layer)
            return OutputForm(activation or own.activation, own.units)
        if not isinstance(call.first, Tensor):
            return OutputForm(activation)
        tensor = call.first


def _form_of_layer(layer: Component) -> OutputForm:
    """The form of what a layer gives that has an activation of its own."""
    spec = catalogue().find(layer.kind, layer.name)
    known = spec.arguments if spec else {}

    def told(name: str) -> Any:
        return layer.arguments.get(name, known[name].default) if name in known else None

    if layer.kind == "application":
        activation = told("classifier_activation") or "linear"
        return OutputForm(activation, told("classes")) if told("include_top") else OutputForm()
    sizes = [told(name) for name in ("units", "filters") if name in known]
    if "activation" not in known or not sizes:
        return OutputForm()
    size = sizes[0] if isinstance(sizes[0], int) and sizes[0] > 0 else None
    return OutputForm(told("activation") or "linear", size)


@dataclass(frozen=True, slots=True)
class Supervisor:
    """Finds the loss and the metrics of every output.

    Args:
        mixed_by: The augmentation that mixes labels, if there is one.
    """

    facts: DataFacts
    findings: Findings
    mixed_by: str | None = None

    def outputs(self, graph: Graph, span: Span) -> dict[str, Tensor]:
        """The outputs by target: an unnamed one belongs to the only target there is."""
        targets = self.facts.targets
        made: dict[str, Tensor] = {}
        for name, tensor in graph.outputs.items():
            if name and targets and name not in targets:
                cure = did_you_mean(name, targets, f"`data.targets` chooses them; chosen {listing(targets)}")
                self.findings.error("unknown-target", f"the data has no target `{name}`", span, cure)
            elif not name and len(targets) > 1:
                message = f"the network has one output, and the data the targets {listing(targets)}"
                cure = "name them under `outputs`, or choose one with `data.targets`"
                self.findings.error("several-targets", message, span, cure)
            else:
                made[name or next(iter(targets), "")] = tensor
        missing = [name for name in targets if graph.outputs and "" not in graph.outputs and name not in graph.outputs]
        if missing and set(graph.outputs) <= set(targets):  # another output may be meant for it
            message = f"no output for the target {listing(missing)}"
            cure = "add it to `outputs`, or leave it out of `data.targets`"
            self.findings.error("missing-output", message, span, cure)
        return made

    def supervise(
        self,
        graph: Graph,
        tensor: Tensor,
        target: str,
        loss: Component | None,
        metrics: list[Component] | None,
        span: Span,
        evaluated: Iterable[Component] = (),
    ) -> Supervision | None:
        """The loss and metrics of one output; mistakes are noted.

        Args:
            loss: As written; None: to be inferred.
            metrics: As written; None: to be inferred.
            span: Where to report what cannot be inferred.
            evaluated: More metrics, which are only checked.
        """
        facts = self.facts.targets.get(target)
        form, forced = output_form(graph, tensor), self.facts.forced(target, graph.inputs)
        at = graph.layers[call.layer].span if (call := graph.call(tensor.call)) else span
        if facts is not None:
            self._units(facts, target, form, at, forced)
        found = (
            self._infer(facts, target, form, at, forced) if loss is None else self._checked(loss, facts, target, form)
        )
        if found is None:
            return None
        mixed_by = self._mixed(found)
        is_choice = facts is not None and (facts.kind in ("classes", "multi_label") or bool(forced))
        for metric in (*(metrics or ()), *(each for each in evaluated if each.kind == "metric")):
            wrong = of_metric_beside(found, metric, target) or of_metric(metric, facts, target, form.units, mixed_by)
            if wrong:
                self.findings.error("metric-contradicts-target", wrong[0], metric.span, wrong[1])
        logits = found.name == CTC or bool(found.arguments.get("from_logits", form.is_logits if is_choice else False))
        chosen = _inferred_metrics(facts, form, bool(mixed_by), forced) if metrics is None else metrics
        shares = (form.units or facts.classes) if mixed_by and facts and facts.kind == "classes" else None
        return Supervision(target, found, tuple(chosen), logits, shares, forced)

    def _mixed(self, loss: Component) -> str | None:
        """What makes shares of class numbers: an augmentation that mixes them, or a loss that smooths them."""
        smooths = loss.name.startswith("Categorical") and loss.arguments.get("label_smoothing")
        return self.mixed_by or (f"the label smoothing of {loss.name}" if smooths else None)

    def _units(self, facts: Target, target: str, form: OutputForm, at: Span, forced: str | None) -> None:
        """Notes an output of another size than its target."""
        units = form.units
        if units is None:
            return
        outputs = "one output" if units == 1 else f"{units} outputs"
        if facts.kind == "classes" and facts.classes and units < facts.classes and (units, facts.classes) != (1, 2):
            message = f"{outputs} cannot tell the {facts.classes} classes of `{target}` apart"
            self.findings.error("output-size", message, at, f"write `units: {_classes_of(self.facts, target)}`")
        elif forced and facts.classes and units != facts.classes:
            message = f"{outputs} for the {facts.classes} tokens of `{target}`"
            self.findings.error("output-size", message, at, f"write `units: {_classes_of(self.facts, target)}`")
        elif facts.kind == "multi_label" and facts.classes and units != facts.classes:
            message = f"{outputs} for the {facts.classes} labels of `{target}`"
            self.findings.error("output-size", message, at, f"write `units: {_classes_of(self.facts, target)}`")
        elif facts.kind == "number" and facts.shape == () and units != 1:
            self.findings.error("output-size", f"{outputs} for the one number `{target}`", at, "write `units: 1`")
        elif facts.kind == "number" and facts.shape and len(facts.shape) == 1 and facts.shape[0] not in (None, units):
            message = f"{outputs} for the {facts.shape[0]} numbers of `{target}`"
            self.findings.error("output-size", message, at, f"write `units: $data.targets.{target}.shape.0`")

    def _infer(
        self, facts: Target | None, target: str, form: OutputForm, at: Span, forced: str | None
    ) -> Component | None:
        kind = facts.kind if facts else None
        if kind in ("number", "inputs"):
            return Component("loss", "MeanSquaredError")
        if kind not in ("classes", "multi_label") and not forced:
            message = f"the loss for `{target or 'the output'}` cannot be inferred"
            self.findings.error("no-loss", message, at, "write `training.loss`")
            return None
        binary = kind == "multi_label" or form.units == 1
        wanted, other = ("sigmoid", "softmax") if binary else ("softmax", "sigmoid")
        if not form.hidden and (form.is_logits is None or form.activation == other):
            found = f"the activation `{form.activation}`" if form.activation else "this layer"
            message = f"the loss for `{target}` cannot be inferred from {found}"
            cure = f"make the output's activation `{wanted}` or `linear`, or write `training.loss`"
            self.findings.error("no-loss", message, at, cure)
            return None
        several = "CategoricalCrossentropy" if self.mixed_by else "SparseCategoricalCrossentropy"
        name = "BinaryCrossentropy" if binary else several
        more = {"ignore_class": PADDING} if forced else {}
        return Component("loss", name, {"from_logits": bool(form.is_logits), **more})

    def _checked(self, loss: Component, facts: Target | None, target: str, form: OutputForm) -> Component:
        """A written loss, with `from_logits` as the output has it; what contradicts the output is noted."""
        wrong = of_target(loss, facts, target, form.units, self._mixed(loss)) or of_activation(
            loss, form.activation, form.is_logits
        )
        if wrong:
            self.findings.error("loss-contradicts-output", wrong[0], loss.span, wrong[1])
        if loss.name in CROSSENTROPIES and form.is_logits is not None:
            return replace(loss, arguments={**loss.arguments, "from_logits": form.is_logits})
        return loss


def _classes_of(facts: DataFacts, target: str) -> str:
    return "$data.classes" if len(facts.targets) == 1 else f"$data.targets.{target}.classes"


def _inferred_metrics(facts: Target | None, form: OutputForm, mixed: bool, forced: str | None) -> list[Component]:
    if facts is None:
        return []
    if forced:
        return [Component("metric", "SparseCategoricalAccuracy", {"name": "token_accuracy"})]
    if facts.kind == "sequence":
        return []
    if facts.kind == "number":
        return [
            Component("metric", "MeanAbsoluteError", {"name": "mean_absolute_error"}),
            Component("metric", "RootMeanSquaredError", {"name": "root_mean_squared_error"}),
        ]
    if facts.kind == "inputs":  # with a task of its own, what comes out is not what went in
        return [] if facts.task else [Component("metric", "MeanSquaredError", {"name": "mean_squared_error"})]
    if facts.kind == "classes" and form.units != 1:
        name = "CategoricalAccuracy" if mixed else "SparseCategoricalAccuracy"
        return [Component("metric", name, {"name": "accuracy"})]
    return [Component("metric", "BinaryAccuracy", {"name": "accuracy"})]


def metric_name(metric: Component) -> str:
    """The name a metric is logged under: its own, or Keras's default."""
    written = metric.arguments.get("name")
    spec = catalogue().find("metric", metric.name)
    default = spec.arguments["name"].default if spec and "name" in spec.arguments else None
    return str(written or default or snake_case(metric.name))


def logged_names(supervisions: Mapping[str, Supervision]) -> list[str]:
    """The names of what is logged for the training split, as Keras makes them; `val_` and `test_` go before them."""
    names = ["loss"]
    several = len(supervisions) > 1
    for target, supervision in supervisions.items():
        if several:
            names.append(f"{target}_loss")
        names += [f"{target}_{metric_name(m)}" if several else metric_name(m) for m in supervision.metrics]
    return names
