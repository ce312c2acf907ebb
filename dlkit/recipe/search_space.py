"""Checks `tune.space`: every path leads somewhere, and every value that may be tried could be written there."""

from __future__ import annotations

from dlkit.recipe.check import Checker
from dlkit.recipe.compose import ROOT
from dlkit.recipe.diagnostics import Findings, Span
from dlkit.recipe.nodes import Entry, Mapping, Node, Scalar, Sequence, kind_name
from dlkit.recipe.paths import PathError, Step
from dlkit.recipe.sections import check_leaf
from dlkit.recipe.slots import Leaf

KINDS = ("float", "int", "choice", "bool")


def check_space(root: Mapping, checker: Checker, findings: Findings) -> None:
    """Notes what is wrong with the space of a search."""
    tune = root.get("tune")
    space = tune.get("space") if isinstance(tune, Mapping) else None
    for entry in space if isinstance(space, Mapping) else ():
        try:
            step = checker.paths.find(root, ROOT, entry.key)
        except PathError as error:
            if not _under_a_choice(entry.key, space):
                findings.error("unknown-path", error.message, entry.key_span, error.cure)
            continue
        for node in _tried(entry, findings):
            _check_value(node, step, entry.key, checker, findings)


def _under_a_choice(path: str, space: Mapping) -> bool:
    """Whether a path leads into a component that only one choice of another entry writes, as
    `training.optimizer.SGD.momentum` under a choice of optimizers.
    """
    return any(
        path.startswith(f"{other.key}.") and isinstance(other.node, Mapping) and "choice" in other.node
        for other in space
    )


def _tried(entry: Entry, findings: Findings) -> list[Node]:
    """The values of one entry that can be checked: the choices, or both ends of a range."""
    node = entry.node
    if isinstance(node, Scalar) and node.value == "bool":
        return [Scalar(True, node.span), Scalar(False, node.span)]
    if not isinstance(node, Mapping):
        return []
    kinds = [kind for kind in KINDS if kind in node]
    if len(kinds) != 1:
        found = " and ".join(f"`{kind}`" for kind in kinds) or "none"
        findings.error(
            "wrong-range",
            f"`{entry.key}` has one of `float`, `int`, `choice` and `bool`; found {found}",
            entry.key_span,
        )
        return []
    inside = node.get(kinds[0])
    if kinds[0] == "bool":
        return [Scalar(True, node.span), Scalar(False, node.span)]
    if not isinstance(inside, Sequence):
        return []
    if kinds[0] != "choice":
        _check_ends(inside, node, entry.key_span, findings)
    return inside.items


def _check_ends(ends: Sequence, node: Mapping, span: Span, findings: Findings) -> None:
    values = [end.value for end in ends.items if isinstance(end, Scalar) and isinstance(end.value, int | float)]
    sampling = node.get("sampling")
    if len(values) == 2 and not values[0] < values[1]:
        findings.error(
            "wrong-range",
            f"a range goes from the smaller to the larger: {values[0]} is not below {values[1]}",
            ends.span,
        )
    elif isinstance(sampling, Scalar) and sampling.value in ("log", "reverse_log") and values and values[0] <= 0:
        findings.error("wrong-range", "logarithmic sampling needs a range above 0", ends.span)


def _check_value(node: Node, step: Step, path: str, checker: Checker, findings: Findings) -> None:
    if isinstance(step.slot, Leaf) and step.slot.argument is not None:
        checker.leaf(node, step.slot.argument, "")
    elif isinstance(step.slot, Leaf):
        problem = check_leaf(path, node)
        if problem:
            findings.error("wrong-type", f"`{path}` cannot be {kind_name(node)}: {problem}", node.span)
    else:
        checker.read(node, step.slot)
