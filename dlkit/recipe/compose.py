"""Puts a recipe together: what it extends, the file itself, its `set`, then `quick.set`, `--set` and a trial's values."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from dlkit.recipe import library
from dlkit.recipe.bounds import MOST_FILES
from dlkit.recipe.diagnostics import Findings, RecipeError, did_you_mean
from dlkit.recipe.keys import COMPOSING, OWN, ROOT
from dlkit.recipe.merge import merge
from dlkit.recipe.nodes import Mapping, Node, Scalar, Sequence, inside, is_null, items_of, kind_name, text_of
from dlkit.recipe.paths import PathError, Paths, Step
from dlkit.recipe.plugins import Plugins
from dlkit.recipe.settings import Setting, written_settings
from dlkit.recipe.slots import ListOf
from dlkit.recipe.yaml_source import read_file


@dataclass(slots=True)
class Composer:
    """Composes one recipe; problems go to `findings`.

    Args:
        plugins: Is told of the plugins of every file, so that paths into their components are known.
        files: The files that were read.
    """

    plugins: Plugins
    findings: Findings
    files: list[Path] = field(default_factory=list)

    @property
    def paths(self) -> Paths:
        """Walks recipes by path."""
        return Paths(self.plugins.components)

    def tree(self, root: Node, path: Path | None, extended_by: tuple[Path, ...] = ()) -> Mapping:
        """A recipe with everything it extends and its own `set`.

        Args:
            root: What its file holds.
            path: The file.
            extended_by: The files that extend it, outermost first.

        Raises:
            RecipeError: The file is no YAML mapping.
        """
        if is_null(root):
            cure = "`dlkit copy digits/cnn my.yaml` gives one to start from"
            self.findings.error("empty", "there is no recipe in this file", root.span, cure)
        elif not isinstance(root, Mapping):
            self.findings.error("wrong-type", f"a recipe is a mapping of keys, not {kind_name(root)}", root.span)
        if not isinstance(root, Mapping):
            raise RecipeError(self.findings.errors)
        if path:
            self.files.append(path)
        self.plugins.declare(root)
        base: Node = Mapping(span=root.span)
        chain = (*extended_by, *([path.resolve()] if path else []))
        for name in self._extended(root):
            fragment = self._fragment(name, path, chain)
            if fragment is not None:
                base = merge(base, fragment, ROOT, self.paths)
        made = merge(base, root.without(*COMPOSING), ROOT, self.paths)
        assert isinstance(made, Mapping)
        made = self._without_lost_paths(base, made, root)
        settings = root.get("set")
        if settings is not None and not is_null(settings) and not isinstance(settings, Mapping):
            message = f"`set` takes a mapping of paths to values, not {kind_name(settings)}"
            self.findings.error("wrong-type", message, settings.span, "write `set: {training.epochs: 5}`")
        return self.settled(made, written_settings(settings))

    def _without_lost_paths(self, base: Node, made: Mapping, own: Mapping) -> Mapping:
        """The recipe without what its inherited `tune.space` searched in a component that the recipe replaces."""
        tune, space, written = made.get("tune"), inside(made, "tune", "space"), inside(own, "tune", "space")
        if not isinstance(tune, Mapping) or not isinstance(space, Mapping) or not isinstance(base, Mapping):
            return made
        inherited = [entry.key for entry in space if not (isinstance(written, Mapping) and entry.key in written)]
        lost = [key for key in inherited if self.paths.leads(base, key) and not self.paths.leads(made, key)]
        return made.replaced("tune", tune.replaced("space", space.without(*lost))) if lost else made

    def _extended(self, root: Mapping) -> list[Scalar]:
        node = root.get("extends")
        names = []
        for item in items_of(node) if isinstance(node, Sequence) or node is None else [node]:
            if isinstance(item, Scalar) and text_of(item):
                names.append(item)
            elif not is_null(item):
                message = f"`extends` takes names of fragments, not {kind_name(item)}"
                self.findings.error("wrong-type", message, item.span)
        return names

    def _fragment(self, name: Scalar, path: Path | None, chain: tuple[Path, ...]) -> Mapping | None:
        """A fragment or recipe that is extended, without what is not inherited; None where it cannot be had."""
        found = self._find(name, path)
        if found is None:
            self.findings.incomplete = True
            return None
        if found.resolve() in chain:
            circle = " -> ".join(place.stem for place in (*chain[chain.index(found.resolve()) :], found))
            self.findings.error("extends-cycle", f"`extends` goes in a circle: {circle}", name.span)
            return None
        if len(self.files) >= MOST_FILES:
            message = f"the recipe is put together from more than {MOST_FILES} files"
            self.findings.error("too-many-files", message, name.span)
            return None
        try:
            return self.tree(read_file(found), found, chain).without(*OWN)
        except RecipeError as error:
            for diagnostic in error.diagnostics:
                self.findings.add(diagnostic)
            self.findings.incomplete = True
            return None

    def _find(self, name: Scalar, path: Path | None) -> Path | None:
        """The file that a name under `extends` means.

        Never the one that says it: so a recipe of one's own may extend the shipped one of the same name.
        """
        word = str(name.value)
        places = library.find_fragments(word, path.parent if path else None)
        others = [place for place in places if path is None or place.resolve() != path.resolve()]
        if others:
            return others[0]
        if places:
            self.findings.error("extends-cycle", f"`{word}` extends itself", name.span)
        else:
            looked = "looked beside the file, in ./configs, in ./recipes and among dlkit's own"
            cure = did_you_mean(word, library.fragment_names(), looked)
            self.findings.error("fragment-not-found", f"there is no fragment or recipe `{word}`", name.span, cure)
        return None

    def quick(self, root: Mapping) -> Mapping:
        """The recipe with its `quick.set` applied and its `quick.expect` in place of `expect`."""
        quick = root.get("quick")
        if not isinstance(quick, Mapping):
            cure = "write `quick: {set: {training.epochs: 1}}`"
            self.findings.error("no-quick", "this recipe has no `quick`", quick.span if quick else root.span, cure)
            return root
        made = root.without("expect", "quick")
        expect = inside(quick, "expect")
        if expect is not None:
            made.put("expect", expect, quick.entries["expect"].key_span)
        return self.settled(made, written_settings(quick.get("set")))

    def settled(self, root: Mapping, settings: list[Setting]) -> Mapping:
        """The recipe with values set by their paths, one after another."""
        for setting in settings:
            root = self._set(root, setting)
        return root

    def _set(self, root: Mapping, setting: Setting) -> Mapping:
        path, appends = (setting.path[:-1], True) if setting.path.endswith("+") else (setting.path, False)
        first = path.partition(".")[0]
        if first in COMPOSING:
            message = f"`{first}` is read before values are set"
            self.findings.error("unknown-path", message, setting.span, f"write `{first}` in the recipe itself")
            return root

        def change(step: Step) -> Node | None:
            if appends:
                return self._appended(step, setting)
            if step.removable and is_null(setting.node):
                return None
            return merge(step.node if step.written else None, setting.node, step.slot, self.paths)

        try:
            made = self.paths.put(root, path, change)
        except PathError as error:
            self.findings.error("unknown-path", error.message, setting.span, error.cure)
            return root
        if first == "plugins":
            self.plugins.declare(made)
        return made

    def _appended(self, step: Step, setting: Setting) -> Node:
        if not isinstance(step.slot, ListOf):
            cure = "only lists can, as `training.callbacks+`"
            self.findings.error("unknown-path", f"`{setting.path[:-1]}` cannot be appended to", setting.span, cure)
            return setting.node if step.node is None else step.node
        if not isinstance(setting.node, Sequence):
            return setting.node
        return Sequence([*items_of(step.node), *setting.node.items], setting.node.span)
