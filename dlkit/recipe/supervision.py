"""What each output is held against: its loss and its metrics, inferred from the target or checked against the output."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from dlkit.recipe.catalogue import catalogue
from dlkit.recipe.diagnostics import Findings, Span, did_you_mean, listing
from dlkit.recipe.facts import DataFacts, Target
from dlkit.recipe.graph import Component, Graph, Tensor

# Layers that change neither the activation nor the number of units of what they are given.
_TRANSPARENT = {
    "Dropout",
    "Identity",
    "ActivityRegularization",
    "GaussianNoise",
    "GaussianDropout",
    "AlphaDropout",
    "Masking",
}
_ACTIVATION_LAYERS = {"Softmax": "softmax", "ReLU": "relu", "LeakyReLU": "leaky_relu", "ELU": "elu", "PReLU": "prelu"}
_CROSSENTROPIES = {
    *("BinaryCrossentropy", "BinaryFocalCrossentropy", "CategoricalCrossentropy", "CategoricalFocalCrossentropy"),
    "SparseCategoricalCrossentropy",
}
_ONE_HOT = {
    "CategoricalCrossentropy",
    "CategoricalFocalCrossentropy",
    "CategoricalHinge",
    "KLDivergence",
    "CategoricalGeneralizedCrossEntropy",
}
_REGRESSION = {
    *(
        "MeanSquaredError",
        "MeanAbsoluteError",
        "MeanAbsolutePercentageError",
        "MeanSquaredLogarithmicError",
        "Huber",
        "LogCosh",
    ),
    "Poisson",
}
_PROBABILITIES = {"softmax", "sigmoid", "hard_sigmoid", "sparsemax", "sparse_sigmoid"}
_LOGITS = {"linear", "log_softmax"}


@dataclass(frozen=True, slots=True)
class OutputForm:
    """What is known of an output without building it; None: not known."""

    activation: str | None = None
    units: int | None = None

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
    """

    target: str
    loss: Component
    metrics: tuple[Component, ...]
    logits: bool


def output_form(graph: Graph, tensor: Tensor) -> OutputForm:
    """The activation and the number of units of an output, as far as its layers tell."""
    call = graph.call(tensor.call)
    layer = graph.layers.get(call.layer) if call else None
    if call is None or layer is None:
        return OutputForm()
    before = output_form(graph, call.first) if isinstance(call.first, Tensor) else OutputForm()
    if layer.name in _TRANSPARENT:
        return before
    if layer.name == "Activation" or layer.name in _ACTIVATION_LAYERS:
        activation = _ACTIVATION_LAYERS.get(layer.name) or layer.arguments.get("activation")
        return OutputForm(activation if isinstance(activation, str) else None, before.units)
    spec = catalogue().find(layer.kind, layer.name) if layer.kind == "layer" else None
    if spec is None or "activation" not in spec.arguments or "units" not in spec.arguments:
        return OutputForm()
    activation = layer.arguments.get("activation", spec.arguments["activation"].default)
    units = layer.arguments.get("units")
    return OutputForm(activation or "linear", units if isinstance(units, int) else None)


@dataclass(frozen=True, slots=True)
class Supervisor:
    """Finds the loss and the metrics of every output."""

    facts: DataFacts
    findings: Findings

    def outputs(self, graph: Graph, span: Span) -> dict[str, Tensor]:
        """The outputs by target: an unnamed one belongs to the only target there is."""
        targets = self.facts.targets
        made: dict[str, Tensor] = {}
        for name, tensor in graph.outputs.items():
            if name and targets and name not in targets:
                self.findings.error(
                    "unknown-target",
                    f"the data has no target `{name}`",
                    span,
                    did_you_mean(name, targets, f"`data.targets` chooses them; chosen {listing(targets)}"),
                )
            elif not name and len(targets) > 1:
                self.findings.error(
                    "several-targets",
                    f"the network has one output, and the data the targets {listing(targets)}",
                    span,
                    "name them under `outputs`, or choose one with `data.targets`",
                )
            else:
                made[name or next(iter(targets), "")] = tensor
        missing = [name for name in targets if graph.outputs and "" not in graph.outputs and name not in graph.outputs]
        if missing:
            self.findings.error(
                "missing-output",
                f"no output for the target {listing(missing)}",
                span,
                "add it to `outputs`, or leave it out of `data.targets`",
            )
        return made

    def supervise(
        self,
        graph: Graph,
        tensor: Tensor,
        target: str,
        loss: Component | None,
        metrics: list[Component] | None,
        span: Span,
    ) -> Supervision | None:
        """The loss and metrics of one output; mistakes are noted.

        Args:
            loss: As written; None: to be inferred.
            metrics: As written; None: to be inferred.
            span: Where to report what cannot be inferred.
        """
        facts = self.facts.targets.get(target)
        form = output_form(graph, tensor)
        at = graph.layers[call.layer].span if (call := graph.call(tensor.call)) else span
        if facts is not None:
            self._units(facts, target, form, at)
        if loss is None:
            loss = self._infer(facts, target, form, at)
        else:
            loss = self._checked(loss, facts, target, form)
        if loss is None:
            return None
        logits = bool(
            loss.arguments.get(
                "from_logits", form.is_logits if facts and facts.kind in ("classes", "multi_label") else False
            )
        )
        return Supervision(target, loss, tuple(_inferred_metrics(facts, form) if metrics is None else metrics), logits)

    def _units(self, facts: Target, target: str, form: OutputForm, at: Span) -> None:
        if form.units is None:
            return
        if (
            facts.kind == "classes"
            and facts.classes
            and form.units < facts.classes
            and (form.units, facts.classes) != (1, 2)
        ):
            self.findings.error(
                "output-size",
                f"{form.units} outputs cannot tell the {facts.classes} classes of `{target}` apart",
                at,
                "write `units: $data.classes`",
            )
        if facts.kind == "number" and facts.shape == () and form.units != 1:
            self.findings.error(
                "output-size", f"{form.units} outputs for the one number `{target}`", at, "write `units: 1`"
            )

    def _infer(self, facts: Target | None, target: str, form: OutputForm, at: Span) -> Component | None:
        kind = facts.kind if facts else None
        if kind == "number":
            return Component("loss", "MeanSquaredError")
        binary = kind == "multi_label" or (kind == "classes" and form.units == 1)
        if kind not in ("classes", "multi_label"):
            self.findings.error(
                "no-loss", f"the loss for `{target or 'the output'}` cannot be inferred", at, "write `training.loss`"
            )
            return None
        wanted = ("sigmoid", "linear") if binary else ("softmax", "linear")
        if form.is_logits is None or (form.activation in ("softmax", "sigmoid") and form.activation != wanted[0]):
            found = f"the activation `{form.activation}`" if form.activation else "this layer"
            self.findings.error(
                "no-loss",
                f"the loss for `{target}` cannot be inferred from {found}",
                at,
                f"make the output's activation `{wanted[0]}` or `linear`, or write `training.loss`",
            )
            return None
        name = "BinaryCrossentropy" if binary else "SparseCategoricalCrossentropy"
        return Component("loss", name, {"from_logits": form.is_logits})

    def _checked(self, loss: Component, facts: Target | None, target: str, form: OutputForm) -> Component:
        """A written loss, with `from_logits` as the output has it; what contradicts the output is noted."""

        def wrong(message: str, cure: str) -> None:
            self.findings.error("loss-contradicts-output", message, loss.span, cure)

        if facts and facts.kind == "number" and (loss.name in _CROSSENTROPIES):
            wrong(
                f"{loss.name} is for classes, and `{target}` is a number", "use MeanSquaredError, or leave the loss out"
            )
        elif facts and facts.kind == "classes" and loss.name in _ONE_HOT:
            wrong(
                f"{loss.name} wants one-hot targets, and `{target}` holds class numbers",
                "use SparseCategoricalCrossentropy, or leave the loss out",
            )
        elif facts and facts.kind == "classes" and loss.name in _REGRESSION and form.units != 1:
            wrong(
                f"{loss.name} is for numbers, and `{target}` holds class numbers",
                "use SparseCategoricalCrossentropy, or leave the loss out",
            )
        elif facts and facts.kind == "classes" and loss.name.startswith("Binary") and (facts.classes or 2) > 2:
            wrong(
                f"{loss.name} tells two classes apart, and `{target}` has {facts.classes}",
                "use SparseCategoricalCrossentropy, or leave the loss out",
            )
        elif loss.name == "SparseCategoricalCrossentropy" and form.units == 1:
            wrong(
                "SparseCategoricalCrossentropy wants an output for each class, and there is one",
                "use BinaryCrossentropy, or `units: $data.classes`",
            )
        elif loss.name in _CROSSENTROPIES and form.is_logits is not None:
            written = loss.arguments.get("from_logits")
            if written is not None and written != form.is_logits:
                wrong(
                    f"`from_logits: {str(written).lower()}` contradicts the output, whose activation is `{form.activation}`",
                    "leave `from_logits` out: it follows the activation",
                )
            return replace(loss, arguments={**loss.arguments, "from_logits": form.is_logits})
        return loss


def _inferred_metrics(facts: Target | None, form: OutputForm) -> list[Component]:
    if facts is None:
        return []
    if facts.kind == "number":
        return [
            Component("metric", "MeanAbsoluteError", {"name": "mean_absolute_error"}),
            Component("metric", "RootMeanSquaredError", {"name": "root_mean_squared_error"}),
        ]
    if facts.kind == "classes" and form.units != 1:
        return [Component("metric", "SparseCategoricalAccuracy", {"name": "accuracy"})]
    return [Component("metric", "BinaryAccuracy", {"name": "accuracy"})]


def metric_name(metric: Component) -> str:
    """The name a metric is logged under: its own, or Keras's default."""
    from dlkit.recipe.registry import snake_case

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


def as_keyed(values: Mapping[str, Any] | None, single: Any, targets: list[str]) -> dict[str, Any]:
    """What is written for one output, or by output, by target."""
    if values is not None:
        return dict(values)
    return {targets[0]: single} if single is not None and len(targets) == 1 else {}
