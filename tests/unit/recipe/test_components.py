"""The components that recipes may name: dlkit's own, those of installed packages; and their register."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

from dlkit.recipe import components, registry
from dlkit.recipe.check import Checker
from dlkit.recipe.components import PACKAGE, Components, load_component
from dlkit.recipe.declarations import read_declarations
from dlkit.recipe.diagnostics import Findings
from dlkit.recipe.load import Recipe

Read = Callable[..., Recipe]
FILES = [
    pytest.param(kind, path, id=f"{kind}-{path.stem}")
    for kind, home in registry.HOMES.items()
    if kind not in registry.BY_SUBJECT
    for path in sorted((PACKAGE.parent / home.replace(".", "/")).glob("[!_]*.py"))
]


@pytest.mark.parametrize(("kind", "path"), FILES)
def test_a_file_declares_the_one_component_that_it_is_named_after(kind: str, path: Path) -> None:
    (declared,) = read_declarations(path, "dlkit")
    assert (declared.spec.kind, declared.spec.name) == (kind, path.stem)
    assert declared.spec.summary.endswith(".")
    assert Components().find(kind, path.stem) == declared.spec


def test_no_two_kinds_of_dlkits_own_share_a_name() -> None:
    names = [path.stem for kind, path in (param.values for param in FILES) if kind not in registry.APART]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("kind", registry.BY_SUBJECT)
def test_files_of_a_subject_hold_several_components_in_their_order(kind: str) -> None:
    files = sorted((PACKAGE.parent / registry.HOMES[kind].replace(".", "/")).glob("[!_]*.py"))
    declared = [each for path in files for each in read_declarations(path, "dlkit")]
    assert {each.spec.kind for each in declared} == {kind}
    assert [each.spec.name for each in declared] == [*Components().names(kind)]
    for each in declared:
        assert each.spec.summary.endswith(".")
        assert Components().find(kind, each.spec.name) == each.spec
        assert load_component(each).__name__ == each.spec.name


def test_names_that_stand_apart_are_free_for_others() -> None:
    known = Components()
    assert known.find("figure", "roc") and known.kinds_taking("roc") == ()
    assert known.kinds_taking("roc", "figure") == ("figure",)


ARCHITECTURES = [param for param in FILES if param.values[0] == "architecture"]
LEAST = {"list[int]": [4, 2], "int": 2, "float": 0.5, "str": "relu"}


@pytest.mark.parametrize(("kind", "path"), ARCHITECTURES)
def test_an_architecture_speaks_the_language(kind: str, path: Path, read: Read) -> None:
    """Its layers, with the least that has to be said, are those of a valid recipe."""
    (declared,) = read_declarations(path, "dlkit")
    needed = {name: LEAST[argument.type] for name, argument in declared.spec.arguments.items() if argument.required}
    inputs = list(declared.declared.get("inputs", ["image"]))
    source = "data: {source: {npz: {path: a.npz}}}\n" if len(inputs) > 1 else ""
    used = {path.stem: {**needed, "from": inputs if len(inputs) > 1 else inputs[0]}}
    recipe = read(
        f"{source}model: {{functional: {{inputs: {inputs}, layers: [{used}, Flatten, {{Dense: {{units: 10}}}}]}}}}"
    )
    layers = recipe.graphs["model"].layers
    assert recipe.graphs["model"].complete
    assert all(name.startswith(f"{path.stem}.") for name in [*layers][:-2])
    assert len(layers) > 2


def test_architectures_are_imported_without_keras() -> None:
    modules = [f"{registry.HOMES['architecture']}.{param.values[1].stem}" for param in ARCHITECTURES]
    program = f"import sys, {', '.join(modules)}; sys.exit(bool({{'keras', 'tensorflow', 'numpy'}} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


@pytest.fixture
def register() -> Iterator[Callable[..., Any]]:
    """`registry.register`, what it registers forgotten at the end."""
    yield registry.register
    for key, made in list(registry._registered.items()):
        if made.target.__module__ == __name__:
            del registry._registered[key]


def thing() -> None: ...


def another() -> None: ...


def test_a_second_registration_is_refused(register: Callable[..., Any]) -> None:
    assert register(kind="layer")(thing) is thing
    assert registry.find("layer", "thing").target is thing
    register(kind="layer")(thing)  # the same, loaded anew
    register(kind="source")(thing)
    with pytest.raises(ValueError, match="The layer `thing` is registered already"):
        register(kind="layer", name="thing")(another)
    with pytest.raises(ValueError, match=r"What kind of component is `thing`.*Received: kind='network'"):
        register(kind="network")(thing)
    with pytest.raises(KeyError):
        registry.find("layer", "nothing_of_this_name")


class Layer: ...


def test_a_class_is_registered_by_its_base(register: Callable[..., Any]) -> None:
    @register
    class MyOwnLayer(Layer):
        """A layer."""

    found = registry.find("layer", "my_own_layer")
    assert (found.kind, found.name, found.target) == ("layer", "my_own_layer", MyOwnLayer)


@pytest.mark.parametrize(
    ("name", "written"),
    [("MyLayer", "my_layer"), ("HTTPSource", "http_source"), ("Conv2D", "conv2d"), ("already_so", "already_so")],
)
def test_snake_case(name: str, written: str) -> None:
    assert registry.snake_case(name) == written


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Makes an installed package that offers components."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def make(text: str, module: str = "offering.things") -> None:
        (tmp_path / "offering").mkdir()
        (tmp_path / "offering" / "__init__.py").write_text("raise RuntimeError('must not be imported')")
        (tmp_path / "offering" / "things.py").write_text(text)
        entries = [EntryPoint("things", module, components.ENTRY_POINTS)]
        monkeypatch.setattr(
            components, "entry_points", lambda group: entries if group == components.ENTRY_POINTS else []
        )
        components._of_packages.cache_clear()

    yield make
    components._of_packages.cache_clear()


OFFERED = (
    "from dlkit import register\n@register(kind='loss')\nclass Bent:\n    def __init__(self, by: float = 1.0): ...\n"
)


@pytest.mark.parametrize("module", ["offering.things", "offering.things:Bent"])
def test_installed_packages_offer_components(package: Callable[..., None], read: Read, module: str) -> None:
    package(OFFERED, module)
    recipe = read("training: {epochs: 1, loss: {bent: {by: 2}}}")
    assert recipe.config.training.loss.arguments == {"by": 2.0}
    declaration = Components().declaration("loss", "bent")
    assert declaration is not None and declaration.origin == "package"


@pytest.mark.parametrize(("text", "module"), [("def (", "offering.things"), (OFFERED, "nowhere.at.all"), (OFFERED, "")])
def test_a_package_that_cannot_be_read_breaks_nothing(
    package: Callable[..., None], read: Read, text: str, module: str
) -> None:
    package(text, module)
    read("seed: 2")
    findings = Findings()
    Checker(Components(), findings, lambda node: None).find("bent", ("loss",), read("").root.span)
    assert [found.code for found in findings.errors] == ["unknown-loss"]


def test_a_package_cannot_take_a_name_that_is_known(package: Callable[..., None], read: Read) -> None:
    package(OFFERED.replace("class Bent", "class Huber").replace("'loss'", "'loss', name='Huber'"))
    read(
        "data: {source: diabetes}\nmodel: {sequential: [{Dense: {units: 1}}]}\ntraining: {epochs: 1, loss: {Huber: {delta: 2}}}"
    )


def test_what_no_recipe_names_is_not_taken_from_packages(package: Callable[..., None], read: Read) -> None:
    """Else to install one would change every run."""
    views = "@register(kind='view')\ndef spread(subject, /): ...\n"
    figures = "@register(kind='figure', needs=['spread'])\ndef spread(details, /): ...\n"
    formats = "@register(kind='export_format', name='spread', file='model')\nclass Spread: ...\n"
    package(f"from dlkit import register\n{views}{figures}{formats}")
    known = read("evaluation: {figures: [spread]}").components
    for kind in registry.APART:
        assert known.declaration(kind, "spread")
        assert "spread" not in {each.spec.name for each in known.declarations(kind)}


def test_a_valid_recipe_needs_no_look_at_all_packages(monkeypatch: pytest.MonkeyPatch, read: Read) -> None:
    def looked(group: str) -> list[EntryPoint]:
        raise AssertionError("the installed packages were searched")

    components._of_packages.cache_clear()
    monkeypatch.setattr(components, "entry_points", looked)
    read(
        "blocks: {unit: {layers: [Flatten]}}\nmodel: {sequential: [unit, {mlp: {units: [4]}}, {Dense: {units: 10}}]}\n"
        "set: {training.optimizer.learning_rate: 0.1}"
    )
    components._of_packages.cache_clear()
