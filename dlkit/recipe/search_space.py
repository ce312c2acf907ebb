"""Checks `tune.space`: every path leads somewhere, and every value that may be tried makes a valid recipe."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from collections.abc import Mapping as Values
from dataclasses import dataclass

from dlkit.recipe.bounds import MOST_TRIED
from dlkit.recipe.compose import Composer
from dlkit.recipe.diagnostics import Diagnostic, Findings, Span, listing
from dlkit.recipe.nodes import Entry, Mapping, Node, Scalar, Sequence, entries_of, inside, items_of, kind_name, plain
from dlkit.recipe.paths import PathError, written_component
from dlkit.recipe.search_keys import Range
from dlkit.recipe.settings import Setting
from dlkit.recipe.slots import fields

_SEARCHED = ("data", "model", "blocks", "training", "seed")
KINDS = ("float", "int", "choice", "bool")

Read = Callable[[Mapping, Findings], object]


def conditions(root: Mapping, composer: Composer) -> dict[str, dict[str, tuple[int, ...]]]:
    """What has to be chosen so that a path of `tune.space` leads somewhere.

    Args:
        root: A composed recipe whose space was found right.
        composer: Knows its plugins.

    Returns:
        By path: the paths of the choices above it, outermost first, each with the numbers of those among its choices under
        which this one exists. A path that exists under all of them is not told.
    """
    space = inside(root, "tune", "space")
    base = root.without("tune")
    found: dict[str, dict[str, tuple[int, ...]]] = {}
    for entry in sorted(entries_of(space), key=lambda entry: entry.key.count(".")):
        above = [other for other in entries_of(space) if entry.key.startswith(f"{other.key}.")]
        if not above:
            continue
        other = max(above, key=lambda other: len(other.key))
        choices = items_of(inside(other.node, "choice"))
        whole = _chosen(base, found.get(other.key, {}), space, composer)
        leads = tuple(
            number for number, choice in enumerate(choices) if _belongs_to(entry, other, choice, whole, composer)
        )
        outer = found.get(other.key, {})
        own = {other.key: leads} if len(leads) < len(choices) else {}
        if outer or own:
            found[entry.key] = {**outer, **own}
    return found


def _chosen(root: Mapping, taken: Values[str, tuple[int, ...]], space: Node | None, composer: Composer) -> Mapping:
    """The recipe with the first of the choices taken under which a path exists."""
    for path, numbers in taken.items():
        entry = next(entry for entry in entries_of(space) if entry.key == path)
        choice = items_of(inside(entry.node, "choice"))[numbers[0]]
        root = composer.settled(root, [Setting(path, entry.key_span, choice)])
    return root


def _belongs_to(entry: Entry, other: Entry, choice: Node, root: Mapping, composer: Composer) -> bool:
    """Whether a path leads into a choice: it does not where another component would take the place of the one chosen."""
    chosen = composer.settled(root, [Setting(other.key, other.key_span, choice)])
    if not composer.paths.leads(chosen, entry.key):
        return False
    tried = items_of(inside(entry.node, "choice"))
    # A number where there is no choice: what it is does not matter, for it is not read.
    value = tried[0] if tried else Scalar(1, entry.key_span)
    changed = composer.settled(chosen, [Setting(entry.key, entry.key_span, value)])
    before, after = (composer.paths.find(made, other.key).node for made in (chosen, changed))
    return written_component(before)[0] == written_component(after)[0]


@dataclass(frozen=True, slots=True)
class SpaceChecker:
    """Checks the space of a search.

    Args:
        read: Checks a composed recipe.
        is_valid: Whether the recipe itself is: a mistake anywhere is then one of the value that is tried.
    """

    composer: Composer
    read: Read
    findings: Findings
    is_valid: bool

    def check(self, root: Mapping) -> None:
        """Notes what is wrong with the space of a composed recipe that was read before."""
        space = inside(root, "tune", "space")
        tried = [(entry, node) for entry in entries_of(space) for node in _tried(entry, self.findings)]
        if len(tried) > MOST_TRIED:
            message = f"the space has more than {MOST_TRIED} values to check"
            cure = "write ranges, as `{int: [1, 100]}`"
            self.findings.error("too-many-values", message, tried[MOST_TRIED][1].span, cure)
            return
        bases = {entry.key: self._base(root, entry, space) for entry in entries_of(space)}
        for entry, node in tried:
            base = bases[entry.key]
            if base is not None:
                self._try(base.without("tune"), entry, node)

    def _base(self, root: Mapping, entry: Entry, space: Node | None) -> Mapping | None:
        """The recipe in which the path of an entry leads somewhere.

        As it is, or with a choice of another entry taken, as for `training.optimizer.momentum` beside a choice of
        optimizers.
        """
        if entry.key.partition(".")[0] not in _SEARCHED:
            message = f"`{entry.key}` is nothing that a search can change"
            self.findings.error("unknown-path", message, entry.key_span, f"paths begin with {listing(_SEARCHED)}")
            return None
        try:
            self.composer.paths.find(root, entry.key)
            return root
        except PathError as error:
            for other in entries_of(space):
                if entry.key.startswith(f"{other.key}."):
                    for choice in items_of(inside(other.node, "choice")):
                        chosen = self._with(root, other, choice)
                        if chosen is not None and self.composer.paths.leads(chosen, entry.key):
                            return chosen
            self.findings.error("unknown-path", error.message, entry.key_span, error.cure)
            return None

    def _with(self, root: Mapping, entry: Entry, node: Node) -> Mapping | None:
        """The recipe with one value of the space in its place; None where it cannot stand there."""
        findings = Findings()
        composer = Composer(self.composer.plugins, findings)
        made = composer.settled(root, [Setting(entry.key, entry.key_span, node)])
        return None if findings.errors else made

    def _try(self, root: Mapping, entry: Entry, node: Node) -> None:
        tried = Findings(incomplete=self.findings.incomplete)
        changed = self._with(root, entry, node)
        if changed is None or any(found.span == node.span for found in self.findings.errors):
            return
        self.read(changed, tried)
        for found in tried.errors:
            if (found.code, found.message, found.span) in self.findings.found:
                continue
            if _is_within(found.span, node):
                self.findings.add(found)
            elif self.is_valid:
                message = f"with `{entry.key}: {_shown(node)}`: {found.message}"
                self.findings.error(found.code, message, node.span, found.cure)


def _tried(entry: Entry, findings: Findings) -> Iterator[Node]:
    """The values of one entry that can be checked: the choices, or both ends of a range."""
    node = entry.node
    if isinstance(node, Scalar) and node.value == "bool":
        yield from (Scalar(value, node.span) for value in (True, False))
    if not isinstance(node, Mapping) or any(key not in fields(Range) for key in node.entries):
        return  # told as of any other section
    kinds = [kind for kind in KINDS if kind in node]
    if len(kinds) != 1:
        found = " and ".join(f"`{kind}`" for kind in kinds) or "none"
        message = f"`{entry.key}` has one of `float`, `int`, `choice` and `bool`; found {found}"
        findings.error("wrong-range", message, entry.key_span)
        return
    for problem in _problems(kinds[0], node, entry.key_span):
        findings.add(problem)
    if kinds[0] == "bool":
        yield from (Scalar(value, node.span) for value in (True, False))
    else:
        yield from items_of(node.get(kinds[0]))


def _problems(kind: str, node: Mapping, span: Span) -> Iterator[Diagnostic]:
    """What is wrong with a range itself."""

    def wrong(message: str, at: Span) -> Diagnostic:
        return Diagnostic("wrong-range", message, at)

    step, sampling, ends = node.get("step"), node.get("sampling"), node.get(kind)
    if kind in ("choice", "bool"):
        for key in ("step", "sampling"):
            if key in node:
                yield wrong(f"`{key}` has no meaning beside `{kind}`", node.entries[key].key_span)
        return
    if not isinstance(ends, Sequence):
        return
    values = [value for value in plain(ends) if isinstance(value, int | float) and not isinstance(value, bool)]
    if len(values) == 2 and not values[0] < values[1]:
        yield wrong(f"a range goes from the smaller to the larger: {values[0]} is not below {values[1]}", ends.span)
    elif plain(sampling) in ("log", "reverse_log") and values and values[0] <= 0:
        yield wrong("logarithmic sampling needs a range above 0", ends.span)
    if plain(sampling) in ("log", "reverse_log") and isinstance(plain(step), int | float) and plain(step) <= 1:
        assert step is not None
        yield wrong("logarithmic sampling multiplies by its `step`, which is above 1", step.span)
    if kind == "int" and isinstance(plain(step), float):
        assert step is not None
        yield wrong(f"the step of whole numbers is one, not {kind_name(step)}", step.span)


def _is_within(span: Span, node: Node) -> bool:
    """Whether a place lies in what a node was written as."""
    match node:
        case Sequence():
            return node.span == span or any(_is_within(span, item) for item in node.items)
        case Mapping():
            return node.span == span or any(e.key_span == span or _is_within(span, e.node) for e in node)
    return node.span == span


def _shown(node: Node) -> str:
    text = str(plain(node)) if not isinstance(plain(node), bool) else str(plain(node)).lower()
    return text if len(text) <= 40 else text[:37] + "..."
