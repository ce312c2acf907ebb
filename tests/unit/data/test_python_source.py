"""A user's own function: what it may return, and that it runs only where plugins are allowed."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from dlkit.data.arrays import Arrays, Splits
from dlkit.data.columns import Windows
from dlkit.data.sources.python import python
from dlkit.errors import DlkitError
from dlkit.recipe.diagnostics import RecipeError
from dlkit.recipe.facts import DataFacts, Feature
from dlkit.recipe.load import load
from dlkit.workflows.preparation import import_plugins, prepare

X, Y = np.random.default_rng(3).random((12, 4)), np.arange(12) % 3
CODE = """
from pathlib import Path
import numpy as np
Path(__file__).with_suffix(".ran").touch()


def load(count=60):
    return np.arange(count * 2.0).reshape(count, 2), np.arange(count) % 3
"""
RECIPE = """\
name: a/b
plugins: [my_data.py]
data: {source: {python: {function: "my_data:load", arguments: {count: 90}}}}
model: {sequential: [{Dense: {units: $data.classes}}]}
training: {epochs: 1}
"""


@pytest.fixture
def module() -> Iterator[ModuleType]:
    made = ModuleType("a_users_module")
    sys.modules[made.__name__] = made
    yield made
    del sys.modules[made.__name__]


@pytest.fixture
def returning(module: ModuleType) -> Callable[..., Splits]:
    """What the source makes of what a function returns."""

    def read(returned: Any, **arguments: Any) -> Splits:
        vars(module)["load"] = lambda: returned
        return python("a_users_module:load", **arguments)

    return read


@pytest.fixture
def refusing(returning: Callable[..., Splits]) -> Callable[..., str]:
    def read(returned: Any, **arguments: Any) -> str:
        with pytest.raises(DlkitError) as error:
            returning(returned, **arguments)
        assert error.value.cure and "`a_users_module:load`" in error.value.message
        return str(error.value)

    return read


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("DLKIT_ALLOW_PLUGINS", raising=False)
    (tmp_path / "my_data.py").write_text(f"{CODE}# {tmp_path}", encoding="utf-8")  # a module of its own
    (tmp_path / "recipe.yaml").write_text(RECIPE, encoding="utf-8")
    return tmp_path


# What it returns


def test_a_pair_is_one_split(returning: Callable[..., Splits]) -> None:
    splits = returning((X, Y), labels=["cat", "dog", "owl"])
    assert list(splits.named()) == ["train"]
    np.testing.assert_array_equal(splits.train.features["x"], X.astype(np.float32))
    np.testing.assert_array_equal(splits.train.targets["y"], Y)
    assert splits.facts.features["x"].kind == "vector"
    assert splits.facts.targets["y"].labels == ("cat", "dog", "owl")


def test_pairs_are_splits(returning: Callable[..., Splits]) -> None:
    splits = returning(((X, Y), (X + 1, Y)))
    assert list(splits.named()) == ["train", "test"]
    np.testing.assert_array_equal(splits.test.features["x"], (X + 1).astype(np.float32))
    splits = returning(((X, Y), (X + 1, Y), (X + 2, Y)))
    assert list(splits.named()) == ["train", "validation", "test"]
    np.testing.assert_array_equal(splits.validation.features["x"], (X + 1).astype(np.float32))


def test_features_and_targets_may_have_names(returning: Callable[..., Splits]) -> None:
    pair = ({"left": X, "words": np.array(["a b"] * 12, object)}, {"kind": Y, "price": X[:, 0]})
    facts = returning((pair, pair), kinds={"kind": "number"}).facts
    assert {name: feature.kind for name, feature in facts.features.items()} == {"left": "vector", "words": "text"}
    assert {name: target.kind for name, target in facts.targets.items()} == {"kind": "number", "price": "number"}


def test_a_dict_is_read_as_an_archive(returning: Callable[..., Splits]) -> None:
    splits = returning({"x_train": X, "y_train": Y, "x_test": X, "y_test": Y})
    assert list(splits.named()) == ["train", "test"]
    splits = returning({"a": X, "b": Y, "c": Y}, features=["a"], targets=["b"])
    assert list(splits.train.features) == ["a"] and list(splits.train.targets) == ["b"]


def test_splits_stay_what_they_are(returning: Callable[..., Splits]) -> None:
    windows = Windows(X.astype(np.float32), np.arange(9), 4)
    splits = Splits(Arrays({"past": windows}, {"next": X[3:, 0]}), ordered=True, gap=3)
    made = returning(splits)
    assert (made.ordered, made.gap) == (True, 3) and made.train.features["past"] is windows
    assert made.facts.features["past"] == Feature("sequence", (4, 4))
    known = Splits(splits.train, facts=DataFacts({"past": Feature("sequence", (4, 4))}))
    assert returning(known) is known


def test_there_may_be_no_target(returning: Callable[..., Splits]) -> None:
    assert returning((X, None)).train.targets == {}


def test_arguments_are_given(module: ModuleType) -> None:
    vars(module)["load"] = lambda count, scale=1.0: (X[:count] * scale, Y[:count])
    made = python("a_users_module:load", {"count": 6, "scale": 2.0})
    np.testing.assert_array_equal(made.train.features["x"], (X[:6] * 2).astype(np.float32))


# What is refused


@pytest.mark.parametrize(
    ("returned", "told"),
    [
        (None, "returns None, which are no examples"),
        (X, "returns a ndarray, which are no examples"),
        ([X, Y], "returns a list of 2"),
        ((X, Y, X), "returns a tuple of 3, where a pair is expected"),
        ((X, Y[:-1]), "a_users_module:load`: x 12, `a_users_module:load`: y 11"),
        (((X, Y), (X, Y[:-1])), "split differ in length: `a_users_module:load`: x_test 12"),
        ((np.array([{}, {}]), Y), "`a_users_module:load`: x is ndarray, and no array of numbers or texts"),
        ((np.array([b"a", "b"], object), Y[:2]), "no array of numbers or texts"),
        (([[1, 2], [3]], Y), "`a_users_module:load`: x is no array"),
        (({"a b": X}, Y), "`a b` is no name for a feature or a target"),
        (({"a": X}, {"a": Y}), "`a` cannot be both a feature and a target"),
        (({"a": None}, Y), "`a_users_module:load`: x['a'] is NoneType"),
        ((X, Y * np.nan), "`a_users_module:load`: y[0] is nan"),
        ({"a": X}, "what `a_users_module:load` returns: it cannot be told which of `a` are features"),
    ],
)
def test_what_are_no_examples_is_refused(refusing: Callable[..., str], returned: Any, told: str) -> None:
    assert told in refusing(returned)


def test_names_are_chosen_from_a_dict_only(refusing: Callable[..., str]) -> None:
    assert "returns no dict of arrays" in refusing((X, Y), features=["x"])


def test_a_function_that_fails_is_named(module: ModuleType) -> None:
    vars(module)["load"] = lambda: 1 / 0
    with pytest.raises(DlkitError, match=r"`a_users_module:load` fails: ZeroDivisionError: division by zero") as error:
        python("a_users_module:load")
    assert "--debug" in error.value.cure and error.value.code == "plugin-failed"
    with pytest.raises(DlkitError, match=r"fails: TypeError: .* unexpected keyword argument 'count'"):
        python("a_users_module:load", {"count": 1})


@pytest.mark.parametrize(
    ("function", "told"),
    [
        ("load", "`function: load` is no `module:name`"),
        ("a_users_module:lod", "has no function `lod`\ndid you mean `load`?"),
        ("no_such_module:load", "there is no module `no_such_module`\nlist its file in the recipe, `plugins: [no_such"),
        ("os.no_such:load", "there is no module `os.no_such`"),
    ],
)
def test_a_function_that_is_not_there_is_told(module: ModuleType, function: str, told: str) -> None:
    vars(module)["load"] = lambda: (X, Y)
    with pytest.raises(DlkitError) as error:
        python(function)
    assert told in str(error.value)


# The switch


def test_validating_runs_nothing(folder: Path) -> None:
    recipe = load(folder / "recipe.yaml")
    assert recipe.components.files == [folder / "my_data.py"]
    assert not (folder / "my_data.ran").exists()


@pytest.mark.parametrize("plugins", ["plugins: [my_data.py]\n", ""])
def test_it_does_not_run_where_that_was_not_allowed(folder: Path, plugins: str) -> None:
    text = RECIPE.replace("plugins: [my_data.py]\n", plugins)
    (folder / "recipe.yaml").write_text(text, encoding="utf-8")
    recipe = load(folder / "recipe.yaml")
    with pytest.raises(DlkitError) as error:
        prepare(recipe)
    assert error.value.code == "plugins-not-allowed"
    assert "the function of the data source `python`" in error.value.message and "--allow-plugins" in error.value.cure
    assert ("the plugin `my_data.py`" in error.value.message) == bool(plugins)
    assert not (folder / "my_data.ran").exists()
    if not plugins:
        import_plugins(recipe, load_data=False)  # a run's model can be used without the function of its data


def test_it_runs_where_that_was_allowed(folder: Path) -> None:
    prepared = prepare(load(folder / "recipe.yaml", allow_plugins=True))
    assert prepared.recipe.facts.classes == 3 and prepared.recipe.facts.features["x"].shape == (2,)
    assert sum(len(part) for part in prepared.splits.named().values()) == 90


def test_a_file_of_the_same_name_is_the_recipes_own(folder: Path, tmp_path: Path) -> None:
    load(folder / "recipe.yaml", allow_plugins=True)
    other = tmp_path / "other"
    other.mkdir()
    (other / "my_data.py").write_text(CODE.replace("% 3", "% 5"), encoding="utf-8")
    (other / "recipe.yaml").write_text(RECIPE, encoding="utf-8")
    for place, classes in ((other, 5), (folder, 3), (other, 5)):
        assert prepare(load(place / "recipe.yaml", allow_plugins=True)).recipe.facts.classes == classes


def test_a_plugin_that_holds_no_function_of_the_data_still_registers_something(folder: Path) -> None:
    text = RECIPE.replace("my_data:load", "others:load")
    (folder / "recipe.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(RecipeError, match="registers nothing"):
        load(folder / "recipe.yaml")


def test_an_installed_module_will_do(folder: Path) -> None:
    text = RECIPE.replace("plugins: [my_data.py]\n", "")
    (folder / "recipe.yaml").write_text(text, encoding="utf-8")
    code = (
        "from dlkit.recipe.load import load\nfrom dlkit.data.sources.python import python\n"
        "recipe = load('recipe.yaml', allow_plugins=True)\n"
        "print(len(python(**recipe.config.data.source.arguments).train))"
    )
    told = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=True, timeout=60
    )
    assert told.stdout.strip() == "90"
