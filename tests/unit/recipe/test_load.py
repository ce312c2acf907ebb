"""From a file, a name or a mapping to a checked recipe."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dlkit.recipe.diagnostics import RecipeError
from dlkit.recipe.facts import DataFacts, Feature, Target
from dlkit.recipe.keys import PerClass
from dlkit.recipe.load import Recipe, load, parse
from dlkit.recipe.training_keys import Checkpoint

Read = Callable[..., Recipe]

TWELVE = """\
name: My recipe
data:
  source: digits
  batchsize: 32
model:
  sequential:
    - Conv2D: {filters: 32, kernel_sise: 3}
    - Flaten
    - Dropout: {rate: 1.5}
    - Dense:
      units: 16
    - conv_block: {filters: 8}
training:
  epochs: ten
  optimizer: {Adam: {learning_rate: .nan}}
  loss: MeanSquaredEror
set:
  training.optimiser.learning_rate: 0.1
expect:
  test_acuracy: {at_least: 0.9}
"""


def test_twelve_mistakes_are_told_in_one_go_and_without_tensorflow(tmp_path: Path) -> None:
    path = tmp_path / "my.yaml"
    path.write_text(TWELVE, encoding="utf-8")
    program = """
import sys
from dlkit.recipe.load import load
from dlkit.recipe.diagnostics import RecipeError
try:
    load(sys.argv[1])
except RecipeError as error:
    for found in error.diagnostics:
        print(found.code, found.span.line, found.span.column)
assert not {"tensorflow", "keras", "numpy", "rich", "typer", "jinja2"} & set(sys.modules)
"""
    ended = subprocess.run(
        [sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=True, cwd=Path.cwd()
    )
    assert ended.stdout.splitlines() == [
        "wrong-name 1 7",
        "unknown-key 4 3",
        "unknown-argument 7 29",
        "unknown-layer 8 7",
        "out-of-range 9 23",
        "not-indented 11 7",
        "unknown-block 12 7",
        "wrong-type 14 11",
        "out-of-range 15 37",
        "unknown-loss 16 9",
        "unknown-path 18 3",
        "unknown-metric 20 3",
    ]


def test_a_recipe_from_a_mapping() -> None:
    values = {
        "name": "a/b",
        "summary": "1e-3",
        "data": {"source": "digits", "validation": 0.25},
        "model": {"sequential": ["Flatten", {"Dense": {"units": 10}}]},
        "training": {"epochs": 2, "optimizer": {"Adam": {"learning_rate": 1e-3}}},
    }
    recipe = load(values)
    assert recipe.dump() == values
    assert recipe.path is None
    with pytest.raises(RecipeError) as raised:
        load({**values, "training": {"epochs": "two"}})
    assert "training: {epochs: two}\n" in raised.value.diagnostics[0].render()
    with pytest.raises(TypeError, match="Received: "):
        load({**values, "seed": object()})


def test_a_recipe_that_is_not_there() -> None:
    for name, cure in (
        ("digits/cn", "did you mean `digits/cnn`?"),
        ("nothing/like/it", "`dlkit list`"),
        ("x.yaml", ""),
    ):
        with pytest.raises(RecipeError) as raised:
            load(name)
        (found,) = raised.value.diagnostics
        assert found.code == "recipe-not-found"
        assert cure in found.cure
        assert found.message == f"there is no {'file' if '.' in name else 'recipe'} `{name}`"


def test_defaults(read: Read) -> None:
    config = read("").config
    assert (config.seed, config.deterministic) == (1, True)
    data, training = config.data, config.training
    assert (data.validation, data.batch_size, data.shuffle, data.limit, data.test) == (0.1, 32, True, None, None)
    assert (training.optimizer, training.precision, training.strategy) == ("Adam", "float32", "none")
    assert (training.best.monitor, training.best.mode, training.callbacks) == ("val_loss", "auto", [])
    assert training.checkpoint == Checkpoint()
    tune = read("tune: {algorithm: {grid: {}}, space: {}, early_stop: {}}").config.tune
    assert tune is not None
    assert (tune.objective, tune.direction, tune.seeds, tune.early_stop.after) == ("val_loss", "auto", 1, 1)
    assert read("data: {source: digits, limit: {per_class: 100}}").config.data.limit == PerClass(per_class=100)


def test_where_a_value_is_written(read: Read) -> None:
    recipe = read("data:\n  source: digits\n  batch_size: 8\ntraining:\n  epochs: 1")
    places = {path: recipe.span_of(path).line for path in ("data.batch_size", "data.limit", "data", "training.epochs")}
    assert places == {"data.batch_size": 3, "data.limit": 1, "data": 1, "training.epochs": 5}
    assert recipe.span_of("evaluation.metrics").line == 1


def test_files_and_warnings_survive_the_meeting_with_the_data(tmp_path: Path, read: Read) -> None:
    (tmp_path / "part.yaml").write_text("seed: 3", encoding="utf-8")
    text = "extends: [part]\ntraining: {epochs: 1, best: {monitor: nothing}}"
    recipe = read(text, path=tmp_path / "a.yaml")
    met = recipe.with_facts(replace(recipe.facts, train_size=10, steps_per_epoch=1))
    assert met.files == recipe.files == (tmp_path / "a.yaml", tmp_path / "part.yaml")
    assert [found.code for found in met.warnings] == ["unknown-monitor"]
    assert met.path == recipe.path


def test_a_recipe_that_contradicts_its_data(read: Read) -> None:
    recipe = read("data: {source: {csv: {path: a.csv, target: y}}}\nmodel: {sequential: [{Dense: {units: 3}}]}")
    with pytest.raises(RecipeError) as raised:
        recipe.with_facts(DataFacts({"x": Feature("vector", (4,))}, {"y": Target("classes", classes=5)}))
    assert [found.code for found in raised.value.diagnostics] == ["output-size"]


def test_quick(tmp_path: Path, read: Read) -> None:
    text = "quick: {set: {training.epochs: 2, data.limit: 50}, expect: {test_accuracy: {at_least: 0.5}}}"
    path = tmp_path / "a.yaml"
    quick = read(text, path=path, quick=True)
    assert (quick.config.training.epochs, quick.config.data.limit) == (2, 50)
    assert quick.config.expect["test_accuracy"].at_least == 0.5
    assert quick.config.quick is None
    with pytest.raises(RecipeError) as raised:
        read("seed: 3", path=path, quick=True)
    assert [found.code for found in raised.value.diagnostics] == ["no-quick"]


def test_what_the_recipe_lacks_is_not_told_of_its_quick_variant_too(told: Callable[..., Any]) -> None:
    text = "ta: {source: digits}\nmodel: {sequential: [Flatten]}\nquick: {set: {data.limit: 5}}\ndata: {}"
    assert [code for code, *_ in told(text)] == ["unknown-key", "missing-key"]
    text = "quick: {set: {tune.seeds: 2}}"
    assert [(code, token) for code, _, token in told(text)] == [("missing-key", "2"), ("missing-key", "2")]


@pytest.mark.parametrize(
    ("quick", "expected"),
    [
        ("{set: {training.epoch: 1}}", [("unknown-path", "training.epoch")]),
        ("{set: {training.epochs: 0}}", [("out-of-range", "0")]),
        ("{set: {model.sequential.Dense.units: 5}}", [("output-size", "Dense")]),
        ("{set: {data: 5}}", [("wrong-type", "5")]),
        ("{set: [a]}", [("wrong-type", "[a]")]),
        ("{sets: {}}", [("unknown-key", "sets")]),
        ("{expect: {test_acc: {at_least: 1}}}", [("unknown-metric", "test_acc")]),
        ("{expect: {test_accuracy: {at_lest: 1}}}", [("unknown-key", "at_lest")]),
        ("5", [("wrong-type", "5")]),
    ],
)
def test_the_quick_variant_is_checked_with_the_recipe(told: Callable[..., Any], quick: str, expected: Any) -> None:
    assert [(code, token) for code, _, token in told(f"quick: {quick}")] == expected


def test_a_setting_mends_a_mistake_of_the_file(read: Read) -> None:
    text = "training: {epochs: ten}\nquick: {set: {data.limit: 5}}"
    assert read(text, "training.epochs=3").config.training.epochs == 3


def test_paths_are_taken_from_the_file_that_wrote_them_then_from_the_data_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, read: Read
) -> None:
    data, beside, here = tmp_path / "data", tmp_path / "beside", tmp_path / "here"
    for folder in (data, beside / "sub", here):
        folder.mkdir(parents=True)
    (data / "one").touch()
    (data / "two").touch()
    (beside / "two").touch()
    (beside / "sub" / "three").touch()
    (here / "four").touch()
    monkeypatch.chdir(here)
    monkeypatch.setenv("DLKIT_DATA_DIR", str(data))
    (beside / "sub" / "part.yaml").write_text("data: {source: {npz: {path: three}}}", encoding="utf-8")

    def found(text: str, *settings: str) -> str:
        model = "\nmodel: {sequential: [{Dense: {units: 3}}]}"
        return str(read(text + model, *settings, path=beside / "a.yaml").config.data.source.arguments["path"])

    assert found("data: {source: {npz: {path: one}}}") == str(data / "one")
    assert found("data: {source: {npz: {path: two}}}") == str(beside / "two")
    assert found("extends: [sub/part]\ndata: {batch_size: 3}") == str(beside / "sub" / "three")
    assert found("data: {source: {npz: {path: one}}}", "data.source.path=four") == str(here / "four")
    assert found("data: {source: {npz: {path: nowhere}}}") == "nowhere"
    assert found(f"data: {{source: {{npz: {{path: {data / 'one'}}}}}}}") == str(data / "one")


def test_text_and_name_of_an_editor() -> None:
    with pytest.raises(RecipeError) as raised:
        parse("name: 5", name="untitled")
    assert {found.span.source.name for found in raised.value.diagnostics} == {"untitled"}
    assert {found.as_json()["file"] for found in raised.value.diagnostics} == {"untitled"}
