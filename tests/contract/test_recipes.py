"""Every recipe that ships: how its file looks, that it is valid, that its quick run trains and meets what it expects."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dlkit.recipe.json_schema import schema, to_text
from dlkit.recipe.library import results_file, shipped, shipped_recipes
from dlkit.recipe.load import load
from dlkit.recipe.nodes import plain
from dlkit.recipe.yaml_source import read_file
from dlkit.runs.results import read_results

RECIPES = dict(shipped_recipes())
FRAGMENTS = sorted(shipped("configs").rglob("*.yaml"))
every_recipe = pytest.mark.parametrize("name", RECIPES)


@every_recipe
def test_the_head_of_the_file(name: str) -> None:
    lines = RECIPES[name].read_text().splitlines()
    depth = "../" * name.count("/")
    assert lines[0] == f"# yaml-language-server: $schema={depth}schema.json"
    head = lines[1 : next(n for n, line in enumerate(lines) if not line.startswith("#"))]
    assert f"#   dlkit train {name}" in head, "the head says how it is run"
    assert "?" not in "".join(head), "the head tells what the recipe shows"
    measured = ("accuracy", "error", "loss", "perplexity", "skill", "diversity")
    assert any("CPU core" in line and any(word in line for word in measured) for line in head), (
        "the head says how long it takes and what it reaches"
    )


@every_recipe
def test_it_is_valid_and_named_as_its_file(name: str) -> None:
    recipe = load(name)
    assert recipe.name == name
    assert recipe.warnings == ()
    assert recipe.config.summary and "?" not in recipe.config.summary
    assert recipe.config.expect, "a recipe states what it reaches"
    assert recipe.config.quick is not None
    assert recipe.config.seed == 1


@pytest.mark.parametrize("path", [*RECIPES.values(), *FRAGMENTS], ids=lambda path: path.stem)
def test_the_json_schema_accepts_it(path: Path) -> None:
    validator = pytest.importorskip("jsonschema").Draft7Validator(schema())
    assert [error.message for error in validator.iter_errors(plain(read_file(path)))] == []


def test_the_schema_that_ships_is_up_to_date() -> None:
    text = (shipped("recipes") / "schema.json").read_text()
    assert text == to_text(schema()), "write it anew: dlkit schema > recipes/schema.json"
    assert json.loads(text) == schema()


def test_results_are_those_of_recipes_that_ship() -> None:
    results = read_results(results_file())
    assert results.keys() <= RECIPES.keys()
    for result in results.values():
        if result.skipped:
            assert not (result.met or result.metrics)
            continue
        assert result.met == all(bound["met"] for bound in result.expectations)
        assert result.reached and result.duration and result.machine_text


@pytest.mark.parametrize("path", FRAGMENTS, ids=lambda path: path.stem)
def test_every_fragment_is_used(path: Path) -> None:
    name = path.relative_to(shipped("configs")).with_suffix("").as_posix()
    used = {word for recipe in RECIPES.values() for word in plain(read_file(recipe)).get("extends", [])}
    assert name in used


@pytest.fixture(scope="module")
def quick_runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of all quick runs: those that others refer to are trained once."""
    return tmp_path_factory.mktemp("quick_runs")


@every_recipe
def test_the_quick_run_reaches_what_it_expects(name: str, quick_runs: Path, request: pytest.FixtureRequest) -> None:
    if not name.startswith(("captcha/", "digits/", "logic/", "notes/")):  # drawn, or shipped with scikit-learn
        request.getfixturevalue("data_dir")
    if name.startswith("imdb/"):  # which only Keras's download has, and no test downloads
        pytest.skip("the reviews do not come with the data folder")
    from dlkit.workflows.train import train

    run = train(load(name, quick=True), runs_dir=quick_runs)
    assert run.expectations
    assert all(expectation.met for expectation in run.expectations), run.expectations
