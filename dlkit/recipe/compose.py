"""Puts a recipe together: what it extends, the file itself, its `set`, then `quick.set`, `--set` and a trial's values."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping as Values
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dlkit.recipe import library
from dlkit.recipe.diagnostics import Findings, RecipeError, Source, Span, did_you_mean
from dlkit.recipe.keys import OWN, Recipe
from dlkit.recipe.merge import merge
from dlkit.recipe.nodes import Mapping, Node, Scalar, Sequence, from_plain, kind_name
from dlkit.recipe.paths import PathError, Paths, Step
from dlkit.recipe.slots import ListOf, Section
from dlkit.recipe.yaml_source import read_file, read_text

ROOT = Section(Recipe)
MOST_FRAGMENTS = 200


@dataclass(frozen=True, slots=True)
class Setting:
    """A value for a path, and where it was said."""

    path: str
    span: Span
    node: Node


@dataclass(slots=True)
class Composer:
    """Composes one recipe; problems go to `findings`."""

    paths: Paths
    findings: Findings
    read: list[Path] = field(default_factory=list)

    def file(self, path: Path, extended_by: tuple[Path, ...] = ()) -> Mapping:
        """A file with everything it extends and its own `set`.

        Raises:
            RecipeError: The file is no YAML mapping.
        """
        root = read_file(path)
        return self.tree(root, path, extended_by)

    def tree(self, root: Node, path: Path | None, extended_by: tuple[Path, ...] = ()) -> Mapping:
        """The same for a recipe that was read already."""
        if not isinstance(root, Mapping):
            self.findings.error("wrong-type", f"a recipe is a mapping of keys, not {kind_name(root)}", root.span)
            raise RecipeError(self.findings.errors)
        if path:
            self.read.append(path)
        base: Node = Mapping(span=root.span)
        chain = (*extended_by, *([path.resolve()] if path else []))
        for name in self._extends(root):
            fragment = self._fragment(name, path, chain)
            if fragment is not None:
                base = merge(base, fragment, ROOT, self.paths)
        own = Mapping({e.key: e for e in root if e.key not in ("extends", "set")}, root.span)
        made = merge(base, own, ROOT, self.paths)
        for setting in self._written_settings(root):
            made = self.apply(made, setting)
        assert isinstance(made, Mapping)
        return made

    def _extends(self, root: Mapping) -> list[Scalar]:
        node = root.get("extends")
        items = [] if node is None else node.items if isinstance(node, Sequence) else [node]
        names = []
        for item in items:
            if isinstance(item, Scalar) and isinstance(item.value, str) and item.value:
                names.append(item)
            elif not (isinstance(item, Scalar) and item.value is None):
                self.findings.error(
                    "wrong-type", f"`extends` takes names of fragments, not {kind_name(item)}", item.span
                )
        return names

    def _fragment(self, name: Scalar, path: Path | None, chain: tuple[Path, ...]) -> Mapping | None:
        word = str(name.value)
        try:
            places = library.fragment_places(word, path.parent if path else None)
            found = next(
                (place for place in places if place.is_file() and (path is None or place.resolve() != path.resolve())),
                None,
            )
        except (OSError, ValueError):
            places, found = [], None
        itself = (
            path is not None
            and path.is_file()
            and any(place.is_file() and place.resolve() == path.resolve() for place in places)
        )
        if found is None and itself:
            self.findings.error("extends-cycle", f"`{word}` extends itself", name.span)
            return None
        if found is None:
            looked = "looked beside the file, in ./configs, in ./recipes and among dlkit's own"
            cure = did_you_mean(word, library.fragment_names(), looked)
            self.findings.error("fragment-not-found", f"there is no fragment or recipe `{word}`", name.span, cure)
            return None
        if found.resolve() in chain:
            circle = " -> ".join(place.stem for place in (*chain[chain.index(found.resolve()) :], found))
            self.findings.error("extends-cycle", f"`extends` goes in a circle: {circle}", name.span)
            return None
        if len(self.read) >= MOST_FRAGMENTS:
            self.findings.error(
                "too-many-fragments", f"the recipe is put together from more than {MOST_FRAGMENTS} files", name.span
            )
            return None
        try:
            fragment = self.file(found, chain)
        except RecipeError as error:
            for diagnostic in error.diagnostics:
                self.findings.add(diagnostic)
            return None
        return Mapping({e.key: e for e in fragment if e.key not in OWN}, fragment.span)

    def _written_settings(self, root: Mapping) -> Iterable[Setting]:
        node = root.get("set")
        if node is None or (isinstance(node, Scalar) and node.value is None):
            return []
        if not isinstance(node, Mapping):
            self.findings.error(
                "wrong-type", f"`set` is a mapping of paths to values, not {kind_name(node)}", node.span
            )
            return []
        return [Setting(entry.key, entry.key_span, entry.node) for entry in node]

    def quick(self, root: Mapping) -> Mapping:
        """The recipe with its `quick.set` applied and its `quick.expect` in place of `expect`."""
        quick = root.get("quick")
        if not isinstance(quick, Mapping):
            self.findings.error(
                "no-quick",
                "this recipe has no `quick`",
                quick.span if quick else root.span,
                "write `quick: {set: {training.epochs: 1}}`",
            )
            return root
        made: Node = Mapping({e.key: e for e in root if e.key not in ("expect", "quick")}, root.span)
        changes = quick.get("set")
        if isinstance(changes, Mapping):
            for entry in changes:
                made = self.apply(made, Setting(entry.key, entry.key_span, entry.node))
        expect = quick.get("expect")
        assert isinstance(made, Mapping)
        if expect is not None:
            made.put("expect", expect, quick.entries["expect"].key_span)
        return made

    def apply(self, root: Node, setting: Setting) -> Mapping:
        """The recipe with one value set by its path."""
        path, appends = (setting.path[:-1], True) if setting.path.endswith("+") else (setting.path, False)

        def change(step: Step) -> Node | None:
            if appends and isinstance(step.slot, ListOf) and isinstance(setting.node, Sequence):
                before = step.node.items if isinstance(step.node, Sequence) else []
                return Sequence([*before, *setting.node.items], setting.node.span)
            if step.owned and isinstance(setting.node, Scalar) and setting.node.value is None:
                return None
            return merge(step.node if step.written else None, setting.node, step.slot, self.paths)

        try:
            made = self.paths.put(root, ROOT, path, change)
        except PathError as error:
            self.findings.error("unknown-path", error.message, setting.span, error.cure)
            made = root
        assert isinstance(made, Mapping)
        return made


def parse_settings(texts: Iterable[str], findings: Findings, origin: str = "--set") -> list[Setting]:
    """`PATH=VALUE` as the command line has it; the value is YAML."""
    settings = []
    for text in texts:
        path, equals, value = text.partition("=")
        source = Source(origin, text)
        span = Span(source, 1, 1, 1, len(path) + 1)
        if not equals or not path.strip():
            findings.error("wrong-setting", f"`{text}` is no setting", span, "write PATH=VALUE, as training.epochs=5")
            continue
        # The value keeps its column, so that messages point at it.
        padded = Source(origin, text)
        try:
            node = read_text(Source(origin, " " * (len(path) + 1) + value)) if value.strip() else Scalar(None, span)
        except RecipeError as error:
            for diagnostic in error.diagnostics:
                found = diagnostic.span
                moved = Span(padded, found.line, found.column, found.end_line, found.end_column)
                findings.error(diagnostic.code, diagnostic.message, moved, diagnostic.cure)
            continue
        settings.append(Setting(path.strip(), span, _at(node, padded)))
    return settings


def python_settings(values: Values[str, Any]) -> list[Setting]:
    """Values by path as Python gives them; each is reported at a line that shows it."""
    settings = []
    for path, value in values.items():
        source = Source("settings", f"{path} = {value!r}")
        settings.append(
            Setting(
                path,
                Span(source, 1, 1, 1, len(path) + 1),
                from_plain(value, Span(source, 1, len(path) + 4, 1, len(source.text) + 1)),
            )
        )
    return settings


def _at(node: Node, source: Source) -> Node:
    """The same node, its places told in another source of the same layout."""
    span = node.span
    node.span = Span(source, span.line, span.column, span.end_line, span.end_column)
    if isinstance(node, Mapping):
        for entry in node:
            found = entry.key_span
            entry.key_span = Span(source, found.line, found.column, found.end_line, found.end_column)
            _at(entry.node, source)
    elif isinstance(node, Sequence):
        for item in node.items:
            _at(item, source)
    return node
