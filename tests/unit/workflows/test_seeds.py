"""Seeds: each member is the recipe with that seed, and is held over the others' runs with the same seed."""

from __future__ import annotations

import math
import statistics
from pathlib import Path
from typing import Any

import keras
import pytest

import dlkit
from dlkit.errors import DlkitError
from dlkit.recipe.diagnostics import RecipeError
from dlkit.runs.find import all_runs
from dlkit.runs.folder import RunFolder
from dlkit.runs.group import GroupFolder
from dlkit.runs.results import read_results
from dlkit.workflows.group import over_runs, resume_group, train_group
from dlkit.workflows.members import seeds_of
from dlkit.workflows.other_runs import OtherRuns, runs_compared
from dlkit.workflows.verify import verify

RECIPE: dict[str, Any] = {
    "name": "test/flowers",
    "seed": 4,
    "data": {"source": "iris"},
    "model": {"sequential": ["BatchNormalization", {"Dropout": {"rate": 0.2}}, {"Dense": {"units": 3}}]},
    "training": {"epochs": 2},
    "expect": {"test_accuracy": {"at_least": 0.1}},
}
BASE = """\
name: test/base
data: {source: iris}
model: {sequential: [{Dense: {units: 3}}]}
training: {epochs: 1}
"""
PLUGIN = '''
import keras
import dlkit


@dlkit.register
class Half(keras.layers.Layer):
    """Halves."""

    def call(self, inputs):
        return inputs / 2
'''


class Killed(BaseException):
    pass


def weights(model: keras.Model) -> bytes:
    return b"".join(array.tobytes() for array in model.get_weights())


def test_a_member_is_the_recipe_with_its_seed_to_the_bit(tmp_path: Path) -> None:
    told: list[str] = []
    recipe = dlkit.load(RECIPE)
    group = train_group(seeds_of(recipe, 2), runs_dir=tmp_path, started=lambda label, run, facts: told.append(label))
    assert told == ["seed 4, 1 of 2", "seed 5, 2 of 2"]
    alone = dlkit.train(dlkit.load(RECIPE, {"seed": 5}), runs_dir=tmp_path)
    assert weights(alone.model) == weights(group.runs[1].model) != weights(group.runs[0].model)
    assert alone.metrics == group.runs[1].metrics != group.runs[0].metrics
    values = [run.metrics["test_loss"] for run in group.runs]
    written = group.folder.read()
    assert (written["kind"], written["seeds"]) == ("seeds", [4, 5])
    assert group.metrics["test_loss"] == written["metrics"]["test_loss"] == statistics.fmean(values)
    assert group.deviations["test_loss"] == written["deviations"]["test_loss"] == statistics.stdev(values)
    (found,) = group.expectations
    assert found.met and found.value == group.metrics["test_accuracy"]
    assert found.deviation == group.deviations["test_accuracy"]


def test_seeds_that_were_interrupted_go_on_and_end_as_if_they_had_not_been(tmp_path: Path) -> None:
    whole = train_group(seeds_of(dlkit.load(RECIPE), 2), runs_dir=tmp_path / "whole")

    def killed(label: str, *rest: object) -> None:
        if label == "seed 5, 2 of 2":
            raise Killed

    with pytest.raises(Killed):
        train_group(seeds_of(dlkit.load(RECIPE), 2), runs_dir=tmp_path / "cut", started=killed)
    (path,) = (tmp_path / "cut").glob("test/flowers/*")
    first = (path / "members/0001/best.keras").read_bytes()
    group = resume_group(GroupFolder(path))
    assert (path / "members/0001/best.keras").read_bytes() == first  # it was done
    assert (group.metrics, group.deviations) == (whole.metrics, whole.deviations)
    assert GroupFolder(path).read() == whole.folder.read()
    assert [weights(run.model) for run in group.runs] == [weights(run.model) for run in whole.runs]


def test_a_group_with_a_plugin_goes_on_without_the_file_that_it_came_from(tmp_path: Path) -> None:
    (tmp_path / "half.py").write_text(PLUGIN)
    text = BASE.replace("[{Dense", "[half, {Dense") + "plugins: [half.py]\n"
    (tmp_path / "recipe.yaml").write_text(text)
    recipe = dlkit.load(tmp_path / "recipe.yaml", allow_plugins=True)

    def killed(*words: object) -> None:
        raise Killed

    with pytest.raises(Killed):
        train_group(seeds_of(recipe, 2), runs_dir=tmp_path / "runs", started=killed)
    (tmp_path / "half.py").unlink()
    (path,) = (tmp_path / "runs").glob("test/base/*")
    assert len(resume_group(GroupFolder(path), allow_plugins=True).runs) == 2


def test_what_cannot_be_a_set_of_seeds_is_an_error(tmp_path: Path) -> None:
    in_folds = {**RECIPE, "data": {"source": "iris", "folds": 3}}
    with pytest.raises(RecipeError, match="is trained in 3 folds, and its mean is that of the folds"):
        seeds_of(dlkit.load(in_folds), 2)
    assert len(seeds_of(dlkit.load(in_folds, {"data.folds": {"fold": 1, "of": 3}}), 2).recipes) == 2
    with pytest.raises(RecipeError, match="`seed` is 2147483648"):
        seeds_of(dlkit.load(RECIPE, {"seed": 2**31 - 2}), 3)
    together = dlkit.load(RECIPE, {"training.strategy": "multi_worker"})
    with pytest.raises(DlkitError, match="one after another by one process"):
        train_group(seeds_of(together, 2), runs_dir=tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("told", [{}, {"kind": "moons"}, {"kind": "seeds"}])
def test_a_group_that_does_not_say_what_it_is_does_not_go_on(tmp_path: Path, told: dict[str, str]) -> None:
    folder = GroupFolder.create(tmp_path, "test/base")
    folder.recipe.write_text(BASE)
    folder.write(told)
    with pytest.raises(DlkitError, match=r"group\.json does not say what its members are") as raised:
        resume_group(folder)
    assert raised.value.code == "damaged-file"


def test_means_of_what_is_no_number() -> None:
    means, deviations = over_runs([{"a": math.nan, "b": 1.0, "c": 2.0}, {"a": 1.0, "b": math.inf}])
    assert math.isnan(means["a"]) and math.isnan(deviations["a"]) and math.isnan(deviations["b"])
    assert means["b"] == math.inf and set(means) == {"a", "b"}


# Over another recipe


@pytest.fixture
def base(tmp_path: Path) -> Path:
    (tmp_path / "base.yaml").write_text(BASE)
    return tmp_path / "base.yaml"


def over(base: Path, **more: Any) -> dict[str, Any]:
    expect = {"test_loss": {"at_least": -50, "at_most": 50, "over": f"recipe:{base}"}}
    return {**RECIPE, "name": "test/over", "expect": expect, **more}


def runs_of(name: str, root: Path) -> dict[int, RunFolder]:
    """By seed."""
    return {dlkit.load(run.recipe, others=False).config.seed: run for run in all_runs(root / "test" / name)}


def test_each_seed_is_held_over_the_other_recipe_with_that_seed(base: Path, tmp_path: Path) -> None:
    root, told = tmp_path / "runs", []
    before = dlkit.train(dlkit.load(base, {"seed": 5}), runs_dir=root)  # which is not trained again
    found = verify(dlkit.load(over(base)), seeds=3, runs_dir=root, record_in=tmp_path / "r.json", told=told.append)
    others, own = runs_of("base", root), runs_of("over", root)
    assert own.keys() == others.keys() == {4, 5, 6} and len(all_runs(root)) == 6
    assert others[5].path == before.folder.path
    assert sum("It is trained first, with the seed 4:" in line for line in told) == 1

    def loss(run: RunFolder) -> float:
        from dlkit.evaluation.evaluation import Evaluation

        return Evaluation.read(run.evaluation).metrics["test_loss"]

    differences = [loss(own[seed]) - loss(others[seed]) for seed in own]
    assert [each.bound.split(" over")[0] for each in found.expectations] == ["at least -50", "at most 50"]
    for each in found.expectations:
        assert each.difference == pytest.approx(statistics.fmean(differences), abs=1e-11)
        assert each.deviation == pytest.approx(statistics.stdev(differences), abs=1e-11)
        assert each.other == statistics.fmean(loss(run) for run in others.values()) and each.met
    ((name, result),) = read_results(tmp_path / "r.json").items()
    assert (name, result.seed, result.mean_of, result.mean_text) == ("test/over", 4, {"seeds": 3}, "mean of 3 seeds")
    assert (result.metrics, result.deviations) == (found.metrics, found.deviations)
    assert result.expectations[0]["deviation"] == found.expectations[0].deviation
    assert found.run is not None and (found.run / "group.json").is_file()


def test_the_seed_of_a_single_run_is_that_of_what_it_is_held_over(base: Path, tmp_path: Path) -> None:
    """And a run that was begun goes on with the run that it found, though there is a newer one."""
    run = dlkit.train(dlkit.load(over(base), {"seed": 9}), runs_dir=tmp_path)
    (other,) = all_runs(tmp_path / "test/base")
    assert runs_of("base", tmp_path).keys() == {9}
    dlkit.train(dlkit.load(base, {"seed": 9}), runs_dir=tmp_path)
    others = OtherRuns.of(run.folder, tmp_path, None, False)
    (compared,) = runs_compared(run.recipe, others).values()
    assert compared.run == str(other.path)
    assert run.evaluation.over[f"recipe:{base}"].run == compared.run


def test_a_model_that_is_a_layer_is_the_same_for_every_seed(base: Path, tmp_path: Path) -> None:
    layers = [{f"recipe:{base}": {"trainable": False, "name": "body"}}, {"Dense": {"units": 3}}]
    own = dlkit.load(over(base, model={"sequential": layers}))
    first, second = train_group(seeds_of(own, 2), runs_dir=tmp_path).runs
    assert runs_of("base", tmp_path).keys() == {1, 4, 5}  # 1 is its own
    assert weights(first.model.get_layer("body")) == weights(second.model.get_layer("body"))
    assert weights(first.model) != weights(second.model)


def test_where_nothing_may_be_trained_the_cure_names_the_seed(base: Path, tmp_path: Path) -> None:
    with pytest.raises(DlkitError, match="There is no finished run") as raised:
        runs_compared(dlkit.load(over(base)), OtherRuns(tmp_path))
    assert raised.value.cure == f"Train it first: dlkit train {base} --set seed=4"
