"""From a file to a checked recipe.

recipe = load("fashion_mnist/cnn", ["training.epochs=5"])      # every mistake at once, as a RecipeError
recipe.config.training.epochs                                  # dlkit's own keys
recipe.graphs["model"]                                         # the network, opened
recipe.with_facts(facts)                                       # the same, once the data is loaded
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from collections.abc import Mapping as Values
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from dlkit.recipe import library
from dlkit.recipe.bounds import Work
from dlkit.recipe.components import Components
from dlkit.recipe.compose import Composer
from dlkit.recipe.diagnostics import Diagnostic, Findings, RecipeError, Source, Span, did_you_mean
from dlkit.recipe.dump import to_yaml
from dlkit.recipe.nodes import Mapping, Node, inside
from dlkit.recipe.other_recipes import Reference, check_others, recipe_of, with_quick_references
from dlkit.recipe.paths import PathError, Paths
from dlkit.recipe.plugins import Plugins, plugins_allowed
from dlkit.recipe.reading import Recipe, read
from dlkit.recipe.search_space import SpaceChecker, conditions
from dlkit.recipe.settings import Setting, parse_settings, python_settings, written_settings
from dlkit.recipe.yaml_source import read_file, read_text

__all__ = ["Recipe", "conditions_of", "load", "parse", "varied"]


def load(
    reference: str | Path | Values[str, Any],
    settings: Iterable[str] | Values[str, Any] = (),
    *,
    quick: bool = False,
    allow_plugins: bool = False,
    others: bool = True,
) -> Recipe:
    """Reads, composes and checks a recipe.

    Args:
        reference: A file, the name of a recipe that ships, or the recipe itself as a mapping.
        settings: `PATH=VALUE` texts, or values by path; applied last.
        quick: Whether its `quick.set` is applied, and `quick.expect` holds.
        allow_plugins: Whether its plugins may be run; without, they are only read.
        others: Whether the recipes that it refers to are looked at. What a run keeps is of use without them: they may
            have been changed since, or be gone.

    Raises:
        RecipeError: The recipe has mistakes; all of them are told.
        TypeError: A mapping or a setting holds what no recipe can.
    """
    path, root = _read_root(reference)
    return _load(root, path, settings, quick, allow_plugins, looks=others)


def parse(text: str, settings: Iterable[str] | Values[str, Any] = (), name: str = "recipe") -> Recipe:
    """A recipe from its text, as an editor holds it.

    Raises:
        RecipeError: The text has mistakes; all of them are told.
    """
    return _load(read_text(Source(name, text)), None, settings, False, False)


def varied(recipe: Recipe, values: Values[str, Any]) -> Recipe:
    """A trial of the recipe's search: the recipe with other values by path, applied in their order, and without `tune`.

    Raises:
        RecipeError: The values do not fit.
    """
    findings = Findings()
    composer = _composer(recipe, findings)
    root = composer.settled(recipe.root.without("tune", "quick"), python_settings(values))
    made = read(
        root, recipe.path, findings, allow_plugins=recipe.allow_plugins, components=recipe.components, others=False
    )
    findings.stop_at_errors()
    assert made is not None
    return replace(made, files=recipe.files, warnings=findings.warnings)


def conditions_of(recipe: Recipe) -> dict[str, dict[str, tuple[int, ...]]]:
    """What has to be chosen so that a path of the recipe's `tune.space` exists: see `search_space.conditions`."""
    return conditions(recipe.root, _composer(recipe, Findings()))


def _composer(recipe: Recipe, findings: Findings) -> Composer:
    return Composer(Plugins(findings, recipe.components), findings)


def _read_root(reference: str | Path | Values[str, Any]) -> tuple[Path | None, Node]:
    if isinstance(reference, Values):
        return None, read_text(Source("recipe", to_yaml(dict(reference))))
    text = str(reference)
    path = library.find_recipe(text)
    if path is None or not library.is_file(path):
        names = [name for name, _ in library.shipped_recipes()]
        source = Source("command line", text)
        span = Span(source, 1, 1, *source.within(1, len(text) + 1))
        cure = did_you_mean(text, names, "a recipe is a file, or a name that `dlkit list` shows")
        message = f"there is no file `{text}`" if path else f"there is no recipe `{text}`"
        raise RecipeError([Diagnostic("recipe-not-found", message, span, cure)])
    return path, read_file(path)


def _load(
    root: Node,
    path: Path | None,
    said: Iterable[str] | Values[str, Any],
    quick: bool,
    allow_plugins: bool,
    others: _Others | None = None,
    looks: bool = True,
) -> Recipe:
    findings = Findings()
    composer = Composer(Plugins(findings), findings)
    composed = composer.tree(root, path)
    settings = python_settings(said) if isinstance(said, Values) else parse_settings(said, findings)
    known = _Others(allow_plugins) if others is None else others
    loader = _Loader(composer, settings, path, plugins_allowed(allow_plugins), findings, known, looks)
    of_quick = written_settings(inside(composed, "quick", "set")) if quick else []
    fixed = _fixed(composed, [*of_quick, *settings], composer)
    # Of a recipe that another one refers to only the variant that is meant counts.
    recipe = loader.load(fixed, quick) if others is None else loader.variant(fixed, quick)
    findings.stop_at_errors()
    assert recipe is not None
    return replace(recipe, files=tuple(composer.files), warnings=findings.warnings)


@dataclass(frozen=True, slots=True)
class _Loader:
    """Checks a composed recipe and all its variants.

    Args:
        settings: Applied to each.
        others: The recipes that it refers to.
        looks: Whether these are looked at.
    """

    composer: Composer
    settings: list[Setting]
    path: Path | None
    allow_plugins: bool
    findings: Findings
    others: _Others
    looks: bool = True
    work: Work = field(default_factory=Work)

    def load(self, composed: Mapping, quick: bool) -> Recipe | None:
        """The recipe, or its quick variant; None where there are mistakes, which are noted."""
        root = self.composer.settled(composed, self.settings)
        recipe = self.variant(composed, quick=False)
        is_valid = not self.findings.errors
        if quick or isinstance(composed.get("quick"), Mapping):
            # The quick variant is checked always, so that `verify --quick` meets no mistake that `validate` let pass.
            variant = self.variant(composed, quick=True, is_valid=is_valid)
            recipe = variant if quick else recipe
        known = self.composer.plugins.components  # a search changes no plugins
        SpaceChecker(
            self.composer, lambda tried, found: self._read(tried, found, known), self.findings, is_valid
        ).check(root)
        return recipe

    def _read(self, root: Mapping, findings: Findings, components: Components | None = None) -> Recipe | None:
        return read(
            root,
            self.path,
            findings,
            allow_plugins=self.allow_plugins,
            components=components,
            work=self.work,
            others=self.looks,
        )

    def _check_others(self, recipe: Recipe | None, findings: Findings) -> None:
        if recipe is not None and self.looks:
            check_others(recipe, self.others.waiting_for(self.path, recipe.name).load, findings)

    def variant(self, composed: Mapping, quick: bool, is_valid: bool = True) -> Recipe | None:
        """The recipe, or its quick variant, alone; what a mistaken recipe lacks, its variant lacks in other words."""
        found = Findings(incomplete=self.findings.incomplete)
        root = self.composer.settled(self.composer.quick(composed) if quick else composed, self.settings)
        recipe = self._read(with_quick_references(root) if quick else root, found)
        self._check_others(recipe, found)
        self.findings.incomplete |= found.incomplete
        for diagnostic in found.found.values():
            if is_valid or diagnostic.code != "missing-key":
                self.findings.add(diagnostic)
        return recipe


@dataclass(frozen=True, slots=True)
class _Others:
    """The recipes that one refers to.

    Args:
        waiting: The files of the recipes that are being checked, outermost first, and what they are called.
        known: Those that were loaded before, by file and variant.
    """

    allow_plugins: bool
    waiting: Values[Path, str] = field(default_factory=dict)
    known: dict[tuple[Path, bool], Recipe] = field(default_factory=dict)

    def waiting_for(self, path: Path | None, name: str) -> _Others:
        """The same, as a recipe sees them."""
        return self if path is None else replace(self, waiting={**self.waiting, path.resolve(): name})

    def load(self, reference: Reference) -> Recipe:
        """The recipe that a reference means.

        Raises:
            RecipeError: It has mistakes, or waits for the one that refers to it.
        """
        name, quick = recipe_of(reference.text)
        path, root = _read_root(name)
        assert path is not None
        place = path.resolve()
        if place in self.waiting:
            chain = list(self.waiting)[list(self.waiting).index(place) :]
            circle = " -> ".join([*(self.waiting[each] for each in chain), self.waiting[place]])
            cure = "each would wait for the other to be trained: take one of the references out"
            raise RecipeError(
                [Diagnostic("refers-to-itself", f"the recipe refers to itself: {circle}", reference.span, cure)]
            )
        if (place, quick) not in self.known:
            self.known[place, quick] = _load(root, path, (), quick, self.allow_plugins, self)
        return self.known[place, quick]


def _fixed(root: Mapping, settings: list[Setting], composer: Composer) -> Mapping:
    """The recipe without what `--set` has taken the ground from.

    A path of `tune.space` that is set is fixed: it is searched no longer. Nor is what lay in a component that is replaced;
    neither does `quick.set` set that.
    """
    paths = composer.paths
    fixed = {_in_full(root, setting.path, paths) for setting in settings}
    changed = Composer(composer.plugins, Findings()).settled(root, settings)

    def is_gone(path: str) -> bool:
        whole = _in_full(root, path, paths)
        return any(whole[: len(above)] == above for above in fixed) and not paths.leads(changed, path)

    root = _without(root, "tune", "space", lambda path: is_gone(path) or _in_full(root, path, paths) in fixed)
    return _without(root, "quick", "set", is_gone)


def _without(root: Mapping, section: str, key: str, leaves: Callable[[str], bool]) -> Mapping:
    """The recipe without some of the paths that a key of a section has."""
    whole, written = root.get(section), inside(root, section, key)
    if not isinstance(whole, Mapping) or not isinstance(written, Mapping):
        return root
    return root.replaced(section, whole.replaced(key, written.without(*(e.key for e in written if leaves(e.key)))))


def _in_full(root: Mapping, path: str, paths: Paths) -> tuple[str, ...]:
    """A path with nothing left out, so that all ways to write it are alike."""
    try:
        return paths.find(root, path).words
    except PathError:
        return (path,)
