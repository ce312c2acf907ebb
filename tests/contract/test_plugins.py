"""Plugins: read without being run, run only where that is allowed, and never in the way of a known name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dlkit.recipe import registry
from dlkit.recipe.components import load_component, run_plugin
from dlkit.recipe.diagnostics import RecipeError
from dlkit.recipe.load import load

PLUGIN = '''
"""Leaves a trace where it runs."""
from pathlib import Path
from typing import Annotated
import dlkit
Path(__file__).with_suffix(".ran").touch()


class Layer: ...


@dlkit.register
class Swirl(Layer):
    """Swirls."""

    def __init__(self, times: Annotated[int, dlkit.Range(min=1)], **kwargs): ...


@dlkit.register(kind="architecture")
def pyramid(levels: int = 2):
    """Levels, each half as wide."""
    return ["Flatten", *({"Dense": {"units": 64 >> level}} for level in range(levels))]


@dlkit.register(kind="source", features={"x": {"kind": "vector", "shape": [3]}},
                targets={"y": {"kind": "classes", "classes": 4}}, unused=["data.test"])
def cubes(side: float = 1.0): ...
'''
RECIPE = """\
name: a/b
plugins: [mine.py]
data: {source: {cubes: {side: 2}}}
model: {sequential: [{swirl: {times: 2, name: first}}, {pyramid: {levels: 3}}, {Dense: {units: $data.classes}}]}
training: {epochs: 1}
"""


@pytest.fixture(autouse=True)
def no_plugins_allowed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("DLKIT_ALLOW_PLUGINS", raising=False)
    yield
    for key, made in list(registry._registered.items()):
        if made.target.__module__.startswith(registry.PLUGIN_MODULE):
            del registry._registered[key]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "mine.py").write_text(f"{PLUGIN}# {tmp_path}", encoding="utf-8")  # a module of its own
    (tmp_path / "recipe.yaml").write_text(RECIPE, encoding="utf-8")
    return tmp_path


def ran(folder: Path) -> bool:
    return (folder / "mine.ran").exists()


def told(folder: Path, text: str) -> list[tuple[str, int]]:
    (folder / "recipe.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(RecipeError) as raised:
        load(folder / "recipe.yaml")
    return [(found.code, found.span.line) for found in raised.value.diagnostics]


def test_a_plugin_is_read_and_not_run(folder: Path) -> None:
    recipe = load(folder / "recipe.yaml")
    assert recipe.config.data.source.arguments == {"side": 2.0}
    assert recipe.facts.targets["y"].classes == 4
    assert recipe.graphs["model"].layers["first"].arguments == {"times": 2}
    assert not recipe.graphs["model"].complete
    assert recipe.components.files == [folder / "mine.py"]
    assert not ran(folder)


def test_its_components_are_checked_as_all_others(folder: Path) -> None:
    text = RECIPE.replace("side: 2", "sides: 2").replace("times: 2", "times: 0").replace("levels: 3", "level: 3")
    assert told(folder, text) == [("unknown-argument", 3), ("out-of-range", 4), ("unknown-argument", 4)]
    assert told(folder, RECIPE.replace("2}}}", "2}}, test: 0.1}")) == [("unused-key", 3)]
    assert not ran(folder)


@pytest.mark.parametrize("by", ["argument", "environment"])
def test_it_runs_where_that_is_allowed(folder: Path, by: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if by == "environment":
        monkeypatch.setenv("DLKIT_ALLOW_PLUGINS", "1")
    recipe = load(folder / "recipe.yaml", allow_plugins=by == "argument")
    assert ran(folder)
    assert recipe.graphs["model"].complete
    assert [*recipe.graphs["model"].layers][1:] == [
        *("pyramid.flatten", "pyramid.dense", "pyramid.dense_1", "pyramid.dense_2"),
        "dense",
    ]
    assert recipe.supervisions["y"].loss.name == "SparseCategoricalCrossentropy"


def test_zero_does_not_allow(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DLKIT_ALLOW_PLUGINS", "0")
    load(folder / "recipe.yaml")
    assert not ran(folder)


@pytest.mark.parametrize(
    ("name", "kind"),
    [("mlp", "architecture"), ("digits", "source"), ("gan", "pattern"), ("relu", "activation"), ("l2", "regularizer")],
)
def test_a_name_that_is_known_is_refused(folder: Path, name: str, kind: str) -> None:
    (folder / "mine.py").write_text(PLUGIN.replace("def pyramid", f"def {name}"), encoding="utf-8")
    (folder / "recipe.yaml").write_text(RECIPE.replace("pyramid: {levels: 3}", "mlp: {units: [3]}"), encoding="utf-8")
    with pytest.raises(RecipeError) as raised:
        load(folder / "recipe.yaml")
    assert [(found.code, found.message) for found in raised.value.diagnostics] == [
        ("name-taken", f"`{name}` of the plugin has the name of a known {kind}")
    ]


def test_two_plugins_cannot_share_a_name(folder: Path) -> None:
    (folder / "other.py").write_text(PLUGIN, encoding="utf-8")
    assert {code for code, _ in told(folder, RECIPE.replace("[mine.py]", "[mine.py, other.py]"))} == {"name-taken"}


def test_a_block_cannot_take_a_plugins_name(folder: Path) -> None:
    assert told(folder, RECIPE + "blocks: {swirl: {layers: [Flatten]}}") == [("name-taken", 6)]


def test_plugins_of_a_fragment_lie_beside_it(folder: Path) -> None:
    (folder / "sub").mkdir()
    (folder / "mine.py").rename(folder / "sub" / "mine.py")
    (folder / "sub" / "part.yaml").write_text(
        "plugins: [mine.py]\nmodel: {sequential: [{swirl: {times: 1, name: first}}]}\n"
        "set: {model.sequential.first.times: 2}",
        encoding="utf-8",
    )
    text = RECIPE.replace("plugins: [mine.py]", "extends: [sub/part]").replace("{swirl: {times: 2, name: first}}, ", "")
    (folder / "recipe.yaml").write_text(text, encoding="utf-8")
    assert load(folder / "recipe.yaml").components.files == [folder / "sub" / "mine.py"]


def test_plugins_may_be_set(folder: Path) -> None:
    text = RECIPE.replace("plugins: [mine.py]\n", "")
    (folder / "recipe.yaml").write_text(text, encoding="utf-8")
    plugins = f"plugins=[{folder / 'mine.py'}]"
    recipe = load(folder / "recipe.yaml", [plugins, "data.source.cubes.side=3"])
    assert recipe.config.data.source.arguments == {"side": 3.0}
    taken_away = RECIPE.replace("{source: {cubes: {side: 2}}}", "{source: digits}").replace(
        "{swirl: {times: 2, name: first}}, {pyramid: {levels: 3}}", "Flatten"
    )
    (folder / "recipe.yaml").write_text(taken_away, encoding="utf-8")
    assert load(folder / "recipe.yaml", ["plugins=null"]).components.files == []


@pytest.mark.parametrize(
    ("plugin", "cure"),
    [
        ("def (", "line 1 of mine.py"),
        ("x = 1", ""),
        ("import dlkit\n\n@dlkit.register\nclass A: ...", "line 4 of mine.py"),
    ],
)
def test_a_plugin_with_a_mistake_is_the_only_mistake(folder: Path, plugin: str, cure: str) -> None:
    """What it would have declared is not missed."""
    (folder / "mine.py").write_text(plugin, encoding="utf-8")
    with pytest.raises(RecipeError) as raised:
        load(folder / "recipe.yaml")
    (found,) = raised.value.diagnostics
    assert (found.code, found.span.line) == ("plugin", 2)
    assert cure in found.cure


@pytest.mark.parametrize("body", ["raise KeyError('x')", "return [object()]", "return 5", "return ['Dens']", "1 / 0"])
def test_an_architecture_that_fails_is_told_at_its_use(folder: Path, body: str) -> None:
    start = PLUGIN.index("    return [")
    end = PLUGIN.index("\n", start)
    (folder / "mine.py").write_text(PLUGIN[:start] + f"    {body}" + PLUGIN[end:], encoding="utf-8")
    with pytest.raises(RecipeError) as raised:
        load(folder / "recipe.yaml", allow_plugins=True)
    assert [(found.span.line, found.span.column) for found in raised.value.diagnostics] == [(4, 57)]


def test_a_plugin_that_raises_when_run_is_told(folder: Path) -> None:
    (folder / "mine.py").write_text(PLUGIN + "\nraise RuntimeError('no')", encoding="utf-8")
    with pytest.raises(RecipeError) as raised:
        load(folder / "recipe.yaml", allow_plugins=True)
    assert "no" in raised.value.diagnostics[0].message


def test_an_edited_plugin_takes_the_place_of_its_former_self(folder: Path) -> None:
    """In a notebook a plugin is edited and used again in the same process, and so is a run of the former one."""
    path, recipe = folder / "mine.py", load(folder / "recipe.yaml")
    declaration = recipe.components.declaration("architecture", "pyramid")
    assert declaration is not None
    assert len(load_component(declaration)()) == 3
    path.write_text(PLUGIN.replace('["Flatten", *', "[*"), encoding="utf-8")
    assert len(load_component(declaration)()) == 2
    path.write_text(PLUGIN, encoding="utf-8")
    run_plugin(path)
    assert len(load_component(declaration)()) == 3
