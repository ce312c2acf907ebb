"""What weighs or balances classes: it needs one target of classes, and names classes that there are."""

from __future__ import annotations

from typing import Any

from dlkit.recipe.components import Components
from dlkit.recipe.diagnostics import Findings, did_you_mean, listing
from dlkit.recipe.facts import DataFacts, Target
from dlkit.recipe.nodes import Mapping, Sequence, inside, items_of, plain, text_of
from dlkit.recipe.paths import written_component


def class_target(facts: DataFacts) -> str | None:
    """The only target of classes, or None where there is none or several."""
    found = [name for name, target in facts.targets.items() if target.kind == "classes"]
    return found[0] if len(found) == 1 else None


def class_number(key: str, target: Target) -> int | None:
    """The class that a label or, where no label is called so, a number means; None: there is no such class."""
    if target.labels and key in target.labels:
        return target.labels.index(key)
    is_number = key.isascii() and key.isdecimal() and target.classes is not None and int(key) < target.classes
    return int(key) if is_number else None


def check_class_targets(resolved: Mapping, facts: DataFacts, findings: Findings) -> None:
    """Notes `class_weight` and `shuffle: balanced` where there is no target to which they apply, and unknown classes."""
    data = resolved.get("data")
    if not isinstance(data, Mapping) or not facts.targets:
        return
    wanted = {
        "class_weight": data.get("class_weight") is not None and plain(data.get("class_weight")) is not None,
        "shuffle": plain(inside(data, "shuffle")) == "balanced",
    }
    target = class_target(facts)
    for key in [key for key, is_wanted in wanted.items() if is_wanted]:
        if target is None:
            _no_class_target(key, facts, data, findings)
        elif key == "class_weight":
            _check_weights(data, target, facts.targets[target], findings)


def check_chosen_classes(resolved: Mapping, components: Components, findings: Findings) -> None:
    """Notes classes that a source is asked for and does not have, and lists of them that leave nothing to tell apart."""
    name, body = written_component(inside(resolved, "data", "source"))
    declaration = components.declaration("source", name or "")
    for argument, target in (declaration.declared.get("chooses") or {}).items() if declaration else ():
        listed = inside(body, argument)
        given = {key: value for key, value in (plain(body) or {}).items() if key != argument}
        labels = components.source_facts(name or "", given).targets[target].labels or ()
        names = [text_of(item) for item in items_of(listed)]
        for number, (item, word) in enumerate(zip(items_of(listed), names, strict=True)):
            if word is not None and word not in labels:
                cure = did_you_mean(word, labels, f"it has {listing(labels)}")
                findings.error("unknown-class", f"`{name}` has no class `{word}`", item.span, cure)
            elif word is not None and word in names[:number]:
                findings.error("same-class", f"the class `{word}` is listed twice", item.span, "keep one of them")
        if listed is not None and isinstance(listed, Sequence) and len(names) < 2:
            message = f"`{argument}` leaves nothing to tell apart"
            findings.error("wrong-value", message, listed.span, "list two classes or more, or take it out")


def _no_class_target(key: str, facts: DataFacts, data: Mapping, findings: Findings) -> None:
    kinds = [f"`{name}` ({target.kind})" for name, target in facts.targets.items()]
    written = "`data.class_weight`" if key == "class_weight" else "`data.shuffle: balanced`"
    message = f"{written} needs one target of classes; found {', '.join(kinds)}"
    cure = "take it out" if len(kinds) == 1 else "choose one with `data.targets`, or take it out"
    findings.error("no-classes", message, data.entries[key].key_span, cure)


def _check_weights(data: Mapping, name: str, target: Target, findings: Findings) -> None:
    weights = data.get("class_weight")
    if not isinstance(weights, Mapping) or target.classes is None:
        return
    seen: dict[int, Any] = {}
    for entry in weights:
        number, weight = class_number(entry.key, target), plain(entry.node)
        if number is None:
            has = f"it has {listing(target.labels)}" if target.labels else f"it has 0 to {target.classes - 1}"
            cure = did_you_mean(entry.key, target.labels or (), has)
            findings.error("unknown-class", f"`{name}` has no class `{entry.key}`", entry.key_span, cure)
        elif number in seen:
            message = f"`{entry.key}` and `{seen[number]}` are the same class of `{name}`"
            findings.error("same-class", message, entry.key_span, "keep one of them")
        elif isinstance(weight, int | float) and weight < 0:
            message = f"the weight of `{entry.key}` is {weight}, but must be at least 0"
            findings.error("out-of-range", message, entry.node.span)
        seen.setdefault(number if number is not None else -1, entry.key)
