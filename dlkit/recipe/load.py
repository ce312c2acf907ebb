"""From a file to a checked recipe.

recipe = load("fashion_mnist/cnn", ["training.epochs=5"])      # every mistake at once, as a RecipeError
recipe.config.training.epochs                                  # dlkit's own keys
recipe.graphs["model"]                                         # the network, opened
recipe.with_facts(facts)                                       # the same, once the data is loaded
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping as Values
from dataclasses import replace
from pathlib import Path
from typing import Any

from dlkit.recipe import library
from dlkit.recipe.bounds import Work
from dlkit.recipe.compose import Composer
from dlkit.recipe.diagnostics import Diagnostic, Findings, RecipeError, Source, Span, did_you_mean
from dlkit.recipe.dump import to_yaml
from dlkit.recipe.nodes import Mapping, Node, inside
from dlkit.recipe.paths import PathError, Paths
from dlkit.recipe.plugins import Plugins, plugins_allowed
from dlkit.recipe.reading import Recipe, read
from dlkit.recipe.search_space import SpaceChecker
from dlkit.recipe.settings import Setting, parse_settings, python_settings
from dlkit.recipe.yaml_source import read_file, read_text

__all__ = ["Recipe", "load", "parse"]


def load(
    reference: str | Path | Values[str, Any],
    settings: Iterable[str] | Values[str, Any] = (),
    *,
    quick: bool = False,
    allow_plugins: bool = False,
) -> Recipe:
    """Reads, composes and checks a recipe.

    Args:
        reference: A file, the name of a recipe that ships, or the recipe itself as a mapping.
        settings: `PATH=VALUE` texts, or values by path; applied last.
        quick: Whether its `quick.set` is applied, and `quick.expect` holds.
        allow_plugins: Whether its plugins may be run; without, they are only read.

    Raises:
        RecipeError: The recipe has mistakes; all of them are told.
        TypeError: A mapping or a setting holds what no recipe can.
    """
    path, root = _read_root(reference)
    return _load(root, path, settings, quick, allow_plugins)


def parse(text: str, settings: Iterable[str] | Values[str, Any] = (), name: str = "recipe") -> Recipe:
    """A recipe from its text, as an editor holds it.

    Raises:
        RecipeError: The text has mistakes; all of them are told.
    """
    return _load(read_text(Source(name, text)), None, settings, False, False)


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
    root: Node, path: Path | None, said: Iterable[str] | Values[str, Any], quick: bool, allow_plugins: bool
) -> Recipe:
    findings, work = Findings(), Work()
    allowed = plugins_allowed(allow_plugins)

    def checked(variant: Mapping, found: Findings) -> Recipe | None:
        return read(variant, path, found, allow_plugins=allowed, work=work)

    composer = Composer(Plugins(findings), findings)
    composed = composer.tree(root, path)
    settings = list(python_settings(said) if isinstance(said, Values) else parse_settings(said, findings))
    base = _fixed(composed, settings, composer.paths)
    variants = [base, composer.quick(base)] if quick or isinstance(base.get("quick"), Mapping) else [base]
    # The quick variant is checked too, so that `verify --quick` never meets a mistake that `validate` let pass.
    recipes = [checked(composer.settled(variant, settings), findings) for variant in variants]
    SpaceChecker(composer, checked, findings).check(composer.settled(base, settings))
    findings.stop_at_errors()
    recipe = recipes[quick]
    assert recipe is not None
    return replace(recipe, files=tuple(composer.files), warnings=findings.warnings)


def _fixed(root: Mapping, settings: list[Setting], paths: Paths) -> Mapping:
    """`--set` on a path of `tune.space` fixes it: it is searched no longer."""
    tune, space = root.get("tune"), inside(root, "tune", "space")
    if not isinstance(tune, Mapping) or not isinstance(space, Mapping):
        return root
    fixed = {_in_full(root, setting.path, paths) for setting in settings}
    left = space.without(*(entry.key for entry in space if _in_full(root, entry.key, paths) in fixed))
    made, changed = Mapping(dict(root.entries), root.span), Mapping(dict(tune.entries), tune.span)
    changed.put("space", left, tune.entries["space"].key_span)
    made.put("tune", changed, root.entries["tune"].key_span)
    return made


def _in_full(root: Mapping, path: str, paths: Paths) -> tuple[str, ...]:
    """A path with nothing left out, so that all ways to write it are alike."""
    try:
        return paths.find(root, path).words
    except PathError:
        return (path,)
