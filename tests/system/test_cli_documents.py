"""The commands that work on recipes alone: list, show, copy, validate, schema."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from dlkit.recipe.diagnostics import Source
from dlkit.recipe.dump import to_yaml
from dlkit.recipe.load import load
from dlkit.recipe.nodes import plain
from dlkit.recipe.yaml_source import read_text

RECIPE = """\
# yaml-language-server: $schema=../elsewhere.json
# A comment to keep.
name: mine/dense
summary: "Colons: and # marks, \\"quotes\\",\\nand lines"
extends: base
data: {source: digits}
model:
  sequential:
    - Reshape: {target_shape: [64, 1]}
    - Flatten
    - Dense: {units: $data.classes, name: classifier}
training:
  optimizer: {Adam: {learning_rate: 1e-2}}
  callbacks+:
    - TerminateOnNaN
expect: {test_accuracy: {at_least: 0.5}}
"""
BASE = """\
data: {batch_size: 64}
training:
  epochs: 7
  callbacks:
    - EarlyStopping: {monitor: val_loss, patience: 5}
"""
QUICK = (
    "--help",
    "train --help",
    "--version",
    "list",
    "list --json",
    "show digits/cnn",
    "show digits/cnn --origin",
    "copy digits/cnn copied.yaml",
    "validate digits/cnn",
    "validate mine.yaml --set training.epoch=1",
    "schema",
    "runs",
    "verify --help",
    "trian",
)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with a recipe and the fragment it extends, to work in."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.yaml").write_text(RECIPE)
    (tmp_path / "base.yaml").write_text(BASE)
    return tmp_path


def test_the_quick_commands_import_nothing_heavy(folder, repository):
    script = f"""
import json, sys
from dlkit.cli.main import main
statuses = {{}}
for command in {QUICK!r}:
    try:
        main(command.split(" "))
    except SystemExit as ended:
        statuses[command] = ended.code
    heavy = {{"tensorflow", "keras", "numpy", "sklearn", "matplotlib"}} & set(sys.modules)
    assert not heavy, (command, heavy)
print(json.dumps(statuses), file=sys.stderr)
"""
    environment = os.environ | {"PYTHONPATH": str(repository)}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    statuses = json.loads(done.stderr.splitlines()[-1])
    assert {command for command, status in statuses.items() if status} == {QUICK[9], "trian"}
    assert "Traceback" not in done.stderr


def test_list_tells_name_summary_and_what_is_reached(dlkit, folder):
    answer = dlkit("list", "digits/cnn")
    assert answer.status == 0
    name, summary, reached, measured = answer.stdout.rstrip("\n").split("\t")
    assert re.match(r".+ on \d+ CPU cores, test accuracy 0\.\d+", measured)
    assert (name, reached) == (
        "digits/cnn",
        f"test_accuracy ≥ {load('digits/cnn').config.expect['test_accuracy'].at_least}",
    )
    assert "convolutional" in summary


def test_list_as_json(dlkit, folder):
    recipes = dlkit("list", "--json").json["recipes"]
    assert [recipe["name"] for recipe in recipes] == sorted(recipe["name"] for recipe in recipes)
    found = {recipe["name"]: recipe for recipe in recipes}["digits/cnn"]
    assert set(found) == {"name", "summary", "expect", "measured", "stale"}
    assert found["expect"]["test_accuracy"]["at_least"] > 0.9


def test_list_shows_the_users_recipes_too_even_one_with_mistakes(dlkit, folder):
    (folder / "recipes" / "deep").mkdir(parents=True)
    (folder / "recipes" / "deep" / "own.yaml").write_text("summary: My own\n")
    (folder / "recipes" / "broken.yaml").write_text("a: [1\n")
    rows = {row.split("\t")[0]: row.split("\t")[1] for row in dlkit("list").stdout.splitlines()}
    assert rows["deep/own"] == "My own"
    assert "validate" in rows["broken"]
    assert "digits/cnn" in rows


def test_list_says_that_nothing_was_found(dlkit, folder):
    answer = dlkit("list", "no-such-word")
    assert (answer.status, answer.stdout) == (0, "")
    assert "`no-such-word`" in answer.stderr
    assert dlkit("list", "no-such-word", "--json").json == {"recipes": []}


def test_show_prints_the_composed_recipe_which_loads_as_the_same(dlkit, folder):
    answer = dlkit("show", "mine.yaml", "--set", "training.epochs=3")
    assert answer.status == 0
    recipe = load("mine.yaml", ["training.epochs=3"])
    assert answer.stdout == to_yaml(recipe.dump())
    (folder / "shown.yaml").write_text(answer.stdout)
    (folder / "base.yaml").unlink()
    assert load("shown.yaml").dump() == recipe.dump()
    assert dlkit("show", "shown.yaml", "--json").json == {"text": answer.stdout}


def test_show_quick_applies_the_quick_variant(dlkit, folder):
    (folder / "mine.yaml").write_text(RECIPE + "quick: {set: {training.epochs: 1}}\n")
    assert "epochs: 1\n" in dlkit("show", "mine.yaml", "--quick").stdout
    assert "epochs: 7\n" in dlkit("show", "mine.yaml").stdout


def test_show_origin_tells_where_each_value_came_from_and_stays_the_recipe(dlkit, folder):
    settings = ["training.optimizer.learning_rate=0.5"]
    answer = dlkit("show", "mine.yaml", "--origin", "--set", settings[0])
    assert answer.status == 0
    assert plain(read_text(Source("shown", answer.stdout))) == load("mine.yaml", settings).dump()
    origins = dict(re.split(r"  +# ", line.strip()) for line in answer.stdout.splitlines() if "  # " in line)
    assert origins["batch_size: 64"] == "base.yaml:1"
    assert origins["epochs: 7"] == "base.yaml:3"
    assert origins["- EarlyStopping:"] == "base.yaml:5"
    assert origins["- TerminateOnNaN"] == "mine.yaml:15"
    assert origins["Adam:"] == "mine.yaml:13"
    assert origins["learning_rate: 0.5"] == "--set"
    assert origins["units: $data.classes"] == "mine.yaml:11"
    assert origins["target_shape: [64, 1]"] == "mine.yaml:9"


def test_show_origin_names_what_ships_by_its_folder(dlkit, folder):
    (folder / "mine.yaml").write_text(RECIPE.replace("extends: base", "extends: [base, training/classification]"))
    shown = dlkit("show", "mine.yaml", "--origin").stdout
    assert re.search(r"monitor: val_accuracy +# configs/training/classification\.yaml:\d+$", shown, re.MULTILINE)
    assert re.search(
        r"name: digits/cnn +# recipes/digits/cnn\.yaml:\d+$",
        dlkit("show", "digits/cnn", "--origin").stdout,
        re.MULTILINE,
    )


def test_copy_keeps_the_comments_and_points_at_the_schema_beside_it(dlkit, folder):
    answer = dlkit("copy", "mine.yaml", "new/folder/copied.yaml")
    assert answer.status == 0
    copied = folder / "new" / "folder" / "copied.yaml"
    lines = copied.read_text().splitlines()
    assert lines == ["# yaml-language-server: $schema=schema.json", *RECIPE.splitlines()[1:]]
    assert json.loads((copied.parent / "schema.json").read_text())["title"] == "dlkit recipe"
    assert answer.stderr.splitlines()[-1] == "  dlkit train new/folder/copied.yaml"


def test_copy_takes_a_folder_and_a_shipped_recipe_stays_valid(dlkit, folder):
    assert dlkit("copy", "fashion_mnist/cnn", ".", "--json").json["recipe"] == "cnn.yaml"
    assert dlkit("copy", "digits/cnn", "made").status == 0
    assert dlkit("validate", "cnn.yaml", "made/cnn.yaml").status == 0


def test_copy_overwrites_neither_a_recipe_nor_a_foreign_schema(dlkit, folder):
    before = (folder / "base.yaml").read_text()
    answer = dlkit("copy", "digits/cnn", "base.yaml", "--json")
    assert (answer.status, answer.json["error"]["code"]) == (1, "file-exists")
    assert (folder / "base.yaml").read_text() == before
    (folder / "schema.json").write_text('{"title": "something else"}')
    answer = dlkit("copy", "digits/cnn", "new.yaml")
    assert (answer.status, "schema.json" in answer.stderr) == (1, True)
    assert not (folder / "new.yaml").exists()
    assert "something else" in (folder / "schema.json").read_text()


def test_copy_tells_what_may_be_meant(dlkit, folder):
    answer = dlkit("copy", "digits/cn", "new.yaml")
    assert answer.status == 2
    assert "did you mean `digits/cnn`?" in answer.stderr


def test_validate_says_which_recipes_are_good(dlkit, folder):
    answer = dlkit("validate", "mine.yaml", "digits/cnn")
    assert (answer.status, answer.stdout) == (0, "")
    assert answer.stderr.splitlines() == ["ok: mine.yaml (mine/dense)", "ok: digits/cnn"]
    assert dlkit("validate", "mine.yaml", "--json").json == {"valid": True, "diagnostics": []}


def test_validate_tells_the_errors_of_all_recipes_at_once(dlkit, folder):
    (folder / "one.yaml").write_text(RECIPE.replace("Adam", "Adm").replace("source: digits", "source: digit"))
    (folder / "two.yaml").write_text(RECIPE.replace("- Flatten\n", "- Flaten\n"))
    answer = dlkit("validate", "one.yaml", "mine.yaml", "two.yaml")
    assert (answer.status, answer.stdout) == (2, "")
    places = re.findall(r"^ +--> (\S+)", answer.stderr, re.MULTILINE)
    assert sorted(places) == ["one.yaml:13:15", "one.yaml:6:16", "two.yaml:10:7"]
    assert "did you mean `Adam`?" in answer.stderr
    assert answer.stderr.splitlines()[0] == "ok: mine.yaml (mine/dense)"
    assert answer.stderr.splitlines()[-2:] == ["", "3 errors"]


def test_validate_gives_the_same_as_json(dlkit, folder):
    (folder / "one.yaml").write_text(RECIPE.replace("Adam", "Adm"))
    answer = dlkit("validate", "one.yaml", "--json")
    assert answer.status == 2
    error = answer.json["error"]
    assert error["message"] == "1 error"
    (found,) = error["diagnostics"]
    assert (found["severity"], found["line"], found["column"], found["cure"]) == (
        "error",
        13,
        15,
        "did you mean `Adam`?",
    )
    assert Path(found["file"]).name == "one.yaml"


def test_validate_shows_warnings_and_is_content(dlkit, folder):
    words = ["validate", "mine.yaml", "--set", "training.best.monitor=val_acuracy"]
    answer = dlkit(*words)
    assert answer.status == 0
    assert "warning[unknown-monitor]" in answer.stderr
    diagnostics = dlkit(*words, "--json").json["diagnostics"]
    assert [found["severity"] for found in diagnostics] == ["warning"]


def test_validate_tells_warnings_beside_errors_and_counts_the_errors(dlkit, folder):
    (folder / "one.yaml").write_text(RECIPE.replace("source: digits", "source: digit"))
    words = ["validate", "digits/cnn", "one.yaml", "--set", "training.best.monitor=val_acuracy"]
    answer = dlkit(*words)
    assert answer.status == 2
    assert answer.stderr.count("warning[unknown-monitor]") == 1
    assert answer.stderr.splitlines()[-1] == "1 error"
    diagnostics = dlkit(*words, "--json").json["error"]["diagnostics"]
    assert [found["severity"] for found in diagnostics] == ["warning", "error"]


def test_validate_reports_a_setting_at_its_place(dlkit, folder):
    answer = dlkit("validate", "mine.yaml", "--set", "training.epochs=many")
    assert answer.status == 2
    assert "1 | training.epochs=many\n  |                 ^^^^" in answer.stderr


def test_schema_is_a_json_schema(dlkit):
    answer = dlkit("schema")
    assert answer.status == 0
    assert json.loads(answer.stdout)["title"] == "dlkit recipe"
    assert dlkit("schema", "--json").json == {"text": answer.stdout}
