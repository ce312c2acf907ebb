"""Keys that nobody would read: an error, since what a recipe says is never ignored."""

from __future__ import annotations

from dlkit.recipe.components import Components
from dlkit.recipe.diagnostics import Findings
from dlkit.recipe.nodes import Mapping, Node, inside, items_of
from dlkit.recipe.paths import written_component
from dlkit.recipe.slots import NETWORK

# What a network that learns with supervision does not use.
_SUPERVISED = ("training.optimizers",)
# What holds for a whole training, so that no stage changes it.
_OF_THE_WHOLE = ("precision", "strategy", "checkpoint", "stop_after", "profile")
_ALTERNATIVES = (("loss", "losses"), ("metrics", "metrics_by_output"), ("optimizer", "optimizers"))


def check_usage(root: Mapping, components: Components, findings: Findings) -> None:
    """Notes keys that the chosen source, pattern or algorithm does not use, and keys that exclude each other."""
    model, _ = written_component(root.get("model"))
    if model is not None and components.find_among(NETWORK.kinds, model):
        _of_supervision(root, findings)
    else:
        _of_component(root, ("model",), "pattern", components, findings)
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
    for path in _SUPERVISED:
        _unused(root, path, f"a network that learns with supervision does not use `{path}`", findings)
    for stage in items_of(inside(root, "training", "stages")):
        _unused_in(stage, "phase", "a network that learns with supervision has no phases", findings)


def _of_component(root: Mapping, place: tuple[str, ...], kind: str, components: Components, findings: Findings) -> None:
    name, _ = written_component(inside(root, *place))
    declaration = components.declaration(kind, name) if name else None
    for path in declaration.declared.get("unused", ()) if declaration else ():
        _unused(root, path, f"the {kind} `{name}` does not use `{path}`", findings)


def _unused(root: Mapping, path: str, message: str, findings: Findings) -> None:
    *above, last = path.split(".")
    _unused_in(inside(root, *above), last, message, findings)


def _unused_in(section: Node | None, key: str, message: str, findings: Findings) -> None:
    if isinstance(section, Mapping) and key in section:
        findings.error("unused-key", message, section.entries[key].key_span, "take it out")
