"""Everything a recipe may name: Keras's components, dlkit's own, those of installed packages, and a user's plugins."""

from __future__ import annotations

import hashlib
import importlib.util
import sys
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import yaml

from dlkit.recipe import registry
from dlkit.recipe.catalogue import Argument, Catalogue, ComponentSpec, catalogue
from dlkit.recipe.declarations import Declaration, DeclarationError, read_declarations
from dlkit.recipe.facts import DataFacts, read_facts

PACKAGE = Path(__file__).resolve().parents[1]
ENTRY_POINTS = "dlkit.components"

# The two networks that are written out in the recipe; what stands under them is read by `networks`.
WRITTEN_NETWORKS = {
    "sequential": ComponentSpec("network", "sequential", "A chain of layers.", {}),
    "functional": ComponentSpec("network", "functional", "Named inputs, layers and outputs.", {}),
}


@dataclass(slots=True)
class Components:
    """The components known to one recipe.

    Args:
        plugins: What the recipe's plugins declare.
        files: The plugins' files, to be imported where that is allowed.
    """

    plugins: list[Declaration] = field(default_factory=list)
    files: list[Path] = field(default_factory=list)
    keras: Catalogue = field(default_factory=catalogue)

    def find(self, kind: str, name: str) -> ComponentSpec | None:
        """The component of that kind and name, or None."""
        if kind == "network":
            return WRITTEN_NETWORKS.get(name)
        known = self.keras.find(kind, name)
        if known:
            return known
        declaration = self.declaration(kind, name)
        return declaration.spec if declaration else None

    def declaration(self, kind: str, name: str) -> Declaration | None:
        """The component of that kind and name, if it is not Keras's."""
        for declared in self.plugins:
            if (declared.spec.kind, declared.spec.name) == (kind, name):
                return declared
        return _own(kind, name) or _of_packages().get((kind, name)) or _planned().get((kind, name))

    def source_facts(self, name: str) -> DataFacts:
        """What a source declares of its data; empty where it declares nothing."""
        declaration = self.declaration("source", name)
        if declaration is None or "features" not in declaration.declared:
            return DataFacts()
        return read_facts(declaration.declared["features"], declaration.declared.get("targets") or {})

    def names(self, kind: str) -> tuple[str, ...]:
        """The names of a kind, Keras's first."""
        if kind == "network":
            return tuple(WRITTEN_NETWORKS)
        own = {name for known, name in (*_of_packages(), *_planned()) if known == kind}
        own |= {declared.spec.name for declared in self.plugins if declared.spec.kind == kind}
        own |= set(_own_names(kind))
        return (*self.keras.names(kind), *sorted(own))

    def kinds_of(self, name: str) -> tuple[str, ...]:
        """The kinds that know a name."""
        kinds = dict.fromkeys((*self.keras.kinds_of(name), *(("network",) if name in WRITTEN_NETWORKS else ())))
        return (
            *kinds,
            *(kind for kind in (*registry.KINDS, "algorithm") if kind not in kinds and self.declaration(kind, name)),
        )


def read_plugin(path: Path) -> tuple[Declaration, ...]:
    """What a plugin declares; it is not run.

    Raises:
        DeclarationError: The file cannot be read as a plugin, or registers nothing.
    """
    try:
        found = read_declarations(path, "plugin")
    except OSError as error:
        raise DeclarationError(f"the plugin `{path.name}` cannot be read: {error.strerror}", 1) from None
    if not found:
        raise DeclarationError(
            f"the plugin `{path.name}` registers nothing: write @dlkit.register over a class or function", 1
        )
    return found


def run_plugin(path: Path) -> None:
    """Imports a plugin, which registers its components. Only for recipes whose plugins were allowed."""
    name = f"dlkit_plugin_{path.stem}_{hashlib.sha256(path.read_bytes()).hexdigest()[:12]}"
    if name in sys.modules:
        return
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise


def load_component(declaration: Declaration) -> Any:
    """The class or function behind a declaration; imports what holds it."""
    if declaration.origin == "package" and declaration.path:
        importlib.import_module(declaration.declared["module"])
    return registry.find(declaration.spec.kind, declaration.spec.name).target


def _home(kind: str) -> Path | None:
    package = registry.HOMES.get(kind)
    return PACKAGE.joinpath(*package.split(".")[1:]) if package else None


def _own_names(kind: str) -> tuple[str, ...]:
    home = _home(kind)
    return tuple(sorted(path.stem for path in home.glob("[!_]*.py"))) if home else ()


@cache
def _own(kind: str, name: str) -> Declaration | None:
    home = _home(kind)
    if home is None or not name.isidentifier() or name.startswith("_"):
        return None
    path = home / f"{name}.py"
    if not path.is_file():
        return None
    return next(
        found for found in read_declarations(path, "dlkit") if (found.spec.kind, found.spec.name) == (kind, name)
    )


@cache
def _of_packages() -> dict[tuple[str, str], Declaration]:
    """What installed packages offer; their modules are read, not imported."""
    found: dict[tuple[str, str], Declaration] = {}
    for entry in entry_points(group=ENTRY_POINTS):
        module = entry.value.split(":")[0]
        root, *rest = module.split(".")
        spec = importlib.util.find_spec(root)
        places = list(spec.submodule_search_locations or ()) if spec else []
        candidates = [Path(place).joinpath(*rest) for place in places]
        files = [
            *(path.with_suffix(".py") for path in candidates if rest),
            *(path / "__init__.py" for path in candidates),
        ]
        if spec and spec.origin and not rest:
            files.append(Path(spec.origin))
        path = next((path for path in files if path.is_file()), None)
        for declared in read_declarations(path, "package") if path else ():
            key = (declared.spec.kind, declared.spec.name)
            found[key] = Declaration(declared.spec, "package", {**declared.declared, "module": module}, path)
    return found


@cache
def _planned() -> dict[tuple[str, str], Declaration]:
    """Components that recipes may name already and that no code runs yet."""
    text = (Path(__file__).parent / "planned.yaml").read_bytes()
    made = {}
    for kind, entries in yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)).items():
        for name, entry in entries.items():
            declared = dict(entry or {})
            arguments = {key: Argument(key, **words) for key, words in (declared.pop("arguments", None) or {}).items()}
            spec = ComponentSpec(kind, name, declared.pop("summary", ""), arguments)
            if not _own(kind, name):
                made[kind, name] = Declaration(spec, "planned", declared)
    return made
