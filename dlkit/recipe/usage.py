"""Keys that nobody would read: an error, since what a recipe says is never ignored."""

from __future__ import annotations

from collections.abc import Sequence

from dlkit.recipe.components import Components
from dlkit.recipe.diagnostics import Findings, did_you_mean, listing
from dlkit.recipe.nodes import Mapping, Node, entries_of, inside, items_of, text_of
from dlkit.recipe.paths import written_component
from dlkit.recipe.slots import NETWORK

# What holds for a whole training, so that no stage changes it.
_OF_THE_WHOLE = ("precision", "fused_batch_normalization", "strategy", "checkpoint", "stop_after", "profile")
# Callbacks that look for the optimizer of a model.
_OF_ONE_OPTIMIZER = ("ReduceLROnPlateau", "SwapEMAWeights")
_ALTERNATIVES = (("loss", "losses"), ("metrics", "metrics_by_output"), ("optimizer", "optimizers"))


def check_usage(root: Mapping, components: Components, findings: Findings) -> None:
    """Notes keys that the chosen source, pattern or algorithm does not use, and keys that exclude each other."""
    model, _ = written_component(root.get("model"))
    if model is not None and components.find_among(NETWORK.kinds, model):
        _of_supervision(root, findings)
    else:
        _of_component(root, ("model",), "pattern", components, findings)
        _phases(root, components, findings)
        _optimizers(root, components, findings)
    _of_component(root, ("data", "source"), "source", components, findings)
    _of_component(root, ("tune", "algorithm"), "algorithm", components, findings)
    training = inside(root, "training")
    for stage in items_of(inside(training, "stages")):
        for key in _OF_THE_WHOLE:
            _unused_in(stage, key, f"a stage does not change `{key}`, which holds for the whole training", findings)
    for one, several in _ALTERNATIVES:
        if isinstance(training, Mapping) and one in training and several in training:
            message = f"`{one}` and `{several}` exclude each other"
            cure = f"keep one of them; `{one}: null` takes an inherited one away"
            findings.error("conflicting-keys", message, training.entries[several].key_span, cure)


def _of_supervision(root: Mapping, findings: Findings) -> None:
    training = inside(root, "training")
    for stage in items_of(inside(training, "stages")):
        _unused_in(stage, "phase", "a network that learns with supervision has no phases", findings)
    for section in (training, *items_of(inside(training, "stages"))):
        _one_optimizer("a network that learns with supervision", section, findings)


def _optimizers(root: Mapping, components: Components, findings: Findings) -> None:
    """Notes optimizers by network where a pattern has one for everything, and the other way round."""
    name, _ = written_component(root.get("model"))
    declaration = components.declaration("pattern", name) if name else None
    if name is None or declaration is None:
        return
    networks, training = declaration.declared.get("optimizers", ()), inside(root, "training")
    for section in (training, *items_of(inside(training, "stages"))):
        if networks:
            _by_network(name, networks, section, findings)
        elif "training.optimizer" in declaration.declared.get("unused", ()):
            _unused_in(section, "optimizers", f"the pattern `{name}` has no optimizer", findings)
        else:
            _one_optimizer(f"the pattern `{name}`", section, findings)


def _one_optimizer(what: str, section: Node | None, findings: Findings) -> None:
    message, cure = f"{what} has one optimizer for everything", "write `optimizer: {Adam: {learning_rate: 1e-3}}`"
    _unused_in(section, "optimizers", message, findings, cure)


def _by_network(pattern: str, networks: Sequence[str], section: Node | None, findings: Findings) -> None:
    message = f"the pattern `{pattern}` has an optimizer for each network"
    cure = f"write `optimizers: {{{', '.join(f'{name}: Adam' for name in networks)}}}`"
    _unused_in(section, "optimizer", message, findings, cure)
    for entry in entries_of(inside(section, "optimizers")):
        if entry.key not in networks:
            message = f"the pattern `{pattern}` has no network `{entry.key}`"
            cure = did_you_mean(entry.key, networks, f"it has {listing(networks)}")
            findings.error("unknown-network", message, entry.key_span, cure)
    for callback in items_of(inside(section, "callbacks")):
        name, _ = written_component(callback)
        if name in _OF_ONE_OPTIMIZER:
            message = f"`{name}` is for one optimizer, and the pattern `{pattern}` has {listing(networks)}"
            cure = "give `optimizers` schedules or `use_ema` of their own"
            findings.error("unused-component", message, callback.span, cure)


def _of_component(root: Mapping, place: tuple[str, ...], kind: str, components: Components, findings: Findings) -> None:
    name, _ = written_component(inside(root, *place))
    declaration = components.declaration(kind, name) if name else None
    for path in declaration.declared.get("unused", ()) if declaration else ():
        _unused(root, path, f"the {kind} `{name}` does not use `{path}`", findings)


def _phases(root: Mapping, components: Components, findings: Findings) -> None:
    """Notes stages whose phase the pattern does not have, and where it has phases, stages that say none."""
    model = root.get("model")
    name, _ = written_component(model)
    declaration = components.declaration("pattern", name) if name else None
    if declaration is None or model is None:
        return
    phases = declaration.declared.get("phases", ())
    stages = items_of(inside(root, "training", "stages"))
    if not phases:
        for stage in stages:
            _unused_in(stage, "phase", f"the pattern `{name}` has no phases", findings)
        return
    cure = f"its phases are {listing(phases)}, and the last stage is `phase: {phases[-1]}`"
    if not stages:
        message = f"the pattern `{name}` learns in phases, and `training` has no `stages`"
        findings.error("missing-phase", message, model.span, cure)
    for number, stage in enumerate(stages, start=1):
        node = inside(stage, "phase")
        phase = text_of(node)
        if not isinstance(stage, Mapping):
            continue
        if node is None:
            findings.error("missing-phase", "this stage does not say its phase", stage.span, cure)
        elif phase is not None and phase not in phases:
            message = f"the pattern `{name}` has no phase `{phase}`"
            findings.error("unknown-phase", message, node.span, did_you_mean(phase, phases, cure))
        elif phase is not None and number == len(stages) and phase != phases[-1]:
            findings.error("wrong-phase", f"the training ends in phase `{phase}`", node.span, cure)


def _unused(root: Mapping, path: str, message: str, findings: Findings) -> None:
    *above, last = path.split(".")
    _unused_in(inside(root, *above), last, message, findings)


def _unused_in(section: Node | None, key: str, message: str, findings: Findings, cure: str = "take it out") -> None:
    if isinstance(section, Mapping) and key in section:
        findings.error("unused-key", message, section.entries[key].key_span, cure)
