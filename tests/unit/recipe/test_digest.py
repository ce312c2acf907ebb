"""The digest of a recipe changes with what bears on its result, and with nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from dlkit.recipe.digest import digest, digest_of_file
from dlkit.recipe.library import shipped_recipes
from dlkit.recipe.load import load

BASE = "training: {epochs: 2, optimizer: {Adam: {learning_rate: 0.001}}}\n"
RECIPE = """\
name: own
summary: One
extends: [base]
data: {source: iris, batch_size: 16}
model: {sequential: [{Dense: {units: $data.classes}}]}
expect: {test_accuracy: {at_least: 0.9}}
tune: {algorithm: {random: {trials: 3}}, objective: val_loss, space: {training.epochs: {int: [1, 3]}}}
"""


def digest_with(folder: Path, recipe: str = RECIPE, base: str = BASE) -> str:
    (folder / "own.yaml").write_text(recipe)
    (folder / "base.yaml").write_text(base)
    return digest_of_file(folder / "own.yaml")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("summary: One", "summary: Two\nreference: Fisher (1936)"),
        ("0.9}", "0.95}"),
        ("trials: 3", "trials: 4"),
        ("name: own", "# A comment\nname:   own"),
        ("source: iris, batch_size: 16", "batch_size: 16, source: iris"),
    ],
)
def test_what_has_no_part_in_the_result_leaves_it(tmp_path: Path, old: str, new: str) -> None:
    assert old in RECIPE
    assert digest_with(tmp_path, RECIPE.replace(old, new)) == digest_with(tmp_path)


@pytest.mark.parametrize(
    ("recipe", "base"),
    [
        (RECIPE.replace("16", "32"), BASE),
        (RECIPE + "seed: 2\n", BASE),
        (RECIPE + "set: {training.epochs: 3}\n", BASE),
        (RECIPE, BASE.replace("2", "3")),
        (RECIPE, BASE.replace("1e-3", "0.002").replace("0.001", "0.002")),
    ],
)
def test_what_has_a_part_changes_it(tmp_path: Path, recipe: str, base: str) -> None:
    assert digest_with(tmp_path, recipe, base) != digest_with(tmp_path)


def test_a_number_may_be_written_in_several_ways(tmp_path: Path) -> None:
    assert digest_with(tmp_path, base=BASE.replace("0.001", "1e-3")) == digest_with(tmp_path)


def test_a_file_has_the_digest_of_the_recipe_that_is_loaded_from_it() -> None:
    for name, path in shipped_recipes():
        assert digest(load(name).root) == digest_of_file(path)
