"""Everything a recipe may name: Keras's components, dlkit's own, those of installed packages, and a user's plugins."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from dlkit.recipe import registry
from dlkit.recipe.catalogue import Catalogue, ComponentSpec, catalogue
from dlkit.recipe.declarations import Declaration, DeclarationError, read_declarations
from dlkit.recipe.facts import DataFacts, read_facts

PACKAGE = Path(__file__).resolve().parents[1]
ENTRY_POINTS = "dlkit.components"
_FILE_NAME = re.compile(r"[a-z][a-z0-9_]{0,80}")

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
        return self.find_among((kind,), name)

    def find_among(self, kinds: Iterable[str], name: str) -> ComponentSpec | None:
        """The component of that name of the first of these kinds that has one, or None.

        Those of installed packages come last: to know them costs a look at every package that is installed.
        """
        wanted = [kind for kind in kinds if kind != "block"]
        for kind in wanted:
            known = WRITTEN_NETWORKS.get(name) if kind == "network" else self.keras.find(kind, name)
            declared = self._local(kind, name)
            if known or declared:
                return known or (declared.spec if declared else None)
        offered = (_of_packages().get((kind, name)) for kind in wanted)
        return next((declared.spec for declared in offered if declared), None)

    def declaration(self, kind: str, name: str) -> Declaration | None:
        """The component of that kind and name, if it is not Keras's."""
        return self._local(kind, name) or _of_packages().get((kind, name))

    def _local(self, kind: str, name: str) -> Declaration | None:
        """The same without those of installed packages."""
        for declared in self.plugins:
            if (declared.spec.kind, declared.spec.name) == (kind, name):
                return declared
        return _own(kind, name)

    def source_facts(self, name: str, arguments: Mapping[str, Any]) -> DataFacts:
        """What a source declares of its data when it is given these arguments; empty where it declares nothing.

        A declaration holds for the default arguments; its `variants` say what another value of an argument changes, and
        `chooses` which argument lists the classes of a target that are used.
        """
        declaration = self.declaration("source", name)
        if declaration is None or "features" not in declaration.declared:
            return DataFacts()
        declared = declaration.declared
        facts = read_facts(declared["features"], declared.get("targets") or {})
        for argument, variants in (declared.get("variants") or {}).items():
            value = arguments.get(argument)
            changed = variants.get(value) if isinstance(value, str | bool | int) else None
            if changed:
                facts = facts.updated(read_facts(changed.get("features") or {}, changed.get("targets") or {}))
        for argument, target in (declared.get("chooses") or {}).items():
            chosen = arguments.get(argument)
            if isinstance(chosen, list) and chosen:
                told = replace(facts.targets[target], labels=tuple(map(str, chosen)), classes=len(chosen))
                facts = facts.updated(DataFacts(targets={target: told}))
        return facts

    def names(self, kind: str) -> tuple[str, ...]:
        """The names of a kind, Keras's first."""
        if kind == "network":
            return tuple(WRITTEN_NETWORKS)
        more = {name for known, name in _of_packages() if known == kind}
        more |= {declared.spec.name for declared in self.plugins if declared.spec.kind == kind}
        return tuple(dict.fromkeys((*self.keras.names(kind), *_own_names(kind), *sorted(more))))

    def declarations(self, kind: str) -> list[Declaration]:
        """The components of a kind that dlkit and the recipe's plugins have: those that are there without being named.

        What packages offer is not, since installing one must change no run.
        """
        own = (_own(kind, name) for name in _own_names(kind))
        return [declared for declared in (*own, *self.plugins) if declared and declared.spec.kind == kind]

    def kinds_of(self, name: str) -> tuple[str, ...]:
        """The kinds that know a name."""
        packages = [kind for kind, known in _of_packages() if known == name]
        return tuple(dict.fromkeys((*self.kinds_taking(name), *packages)))

    def kinds_taking(self, name: str, kind: str = "") -> tuple[str, ...]:
        """The kinds that have a name for themselves: no block and no plugin may take it.

        What packages offer does not count, since installing one must not break a recipe.

        Args:
            kind: Of what is to have the name; kinds whose names stand apart take it from their like only.
        """
        known = [*self.keras.kinds_of(name), *(["network"] if name in WRITTEN_NETWORKS else [])]
        kinds = [each for each in (*registry.KINDS, "algorithm") if each not in registry.APART or each == kind]
        own = [each for each in kinds if self._local(each, name)]
        return tuple(dict.fromkeys((*known, *own)))


def run_plugin(path: Path) -> None:
    """Imports a plugin, which registers its components. Only for recipes whose plugins were allowed."""
    name = f"{registry.PLUGIN_MODULE}{path.stem}_{hashlib.sha256(path.read_bytes()).hexdigest()[:12]}"
    registry.plugin_modules[path.stem] = name
    if name in sys.modules:
        registry.reinstate(name)
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
    """The class or function behind a declaration; imports what holds it, and so runs a plugin."""
    if declaration.origin == "package":
        importlib.import_module(declaration.declared["module"])
    elif declaration.origin == "plugin" and declaration.path:
        run_plugin(declaration.path)
    elif declaration.spec.kind in registry.BY_SUBJECT and declaration.path:
        importlib.import_module(f"{registry.HOMES[declaration.spec.kind]}.{declaration.path.stem}")
    return registry.find(declaration.spec.kind, declaration.spec.name).target


def _home(kind: str) -> Path | None:
    package = registry.HOMES.get(kind)
    return PACKAGE.joinpath(*package.split(".")[1:]) if package else None


def _own_names(kind: str) -> tuple[str, ...]:
    if kind in registry.BY_SUBJECT:
        return tuple(_of_subjects(kind))
    return tuple(path.stem for path in _own_files(kind))


def _own_files(kind: str) -> list[Path]:
    home = _home(kind)
    return sorted(home.glob("[!_]*.py")) if home else []


@cache
def _of_subjects(kind: str) -> dict[str, Declaration]:
    """The components of a kind whose files hold several, by name."""
    declared = (each for path in _own_files(kind) for each in read_declarations(path, "dlkit"))
    return {each.spec.name: each for each in declared}


@cache
def _own(kind: str, name: str) -> Declaration | None:
    home = _home(kind)
    if kind in registry.BY_SUBJECT:
        return _of_subjects(kind).get(name)
    if home is None or not _FILE_NAME.fullmatch(name):
        return None
    path = home / f"{name}.py"
    return read_declarations(path, "dlkit")[0] if path.is_file() else None


@cache
def _of_packages() -> dict[tuple[str, str], Declaration]:
    """What installed packages offer; their modules are read, not imported. One that cannot be read offers nothing."""
    found: dict[tuple[str, str], Declaration] = {}
    for entry in entry_points(group=ENTRY_POINTS):
        module = entry.value.partition(":")[0]
        try:
            path = _module_file(module)
            declarations = read_declarations(path, "package") if path else ()
        except (DeclarationError, OSError, ImportError, ValueError):
            continue
        for declared in declarations:
            key = (declared.spec.kind, declared.spec.name)
            found[key] = replace(declared, declared={**declared.declared, "module": module})
    return found


def _module_file(module: str) -> Path | None:
    """The file of a module of an installed package, found without importing the package."""
    root, *rest = module.split(".")
    spec = importlib.util.find_spec(root)
    if spec is None:
        return None
    if not rest and spec.origin:
        return Path(spec.origin)
    places = [Path(place).joinpath(*rest) for place in spec.submodule_search_locations or ()]
    files = [file for place in places for file in (place.with_suffix(".py"), place / "__init__.py")]
    return next((file for file in files if file.is_file()), None)
