"""What a recipe may say of other recipes, and what is known of them before any is trained."""

from __future__ import annotations

from pathlib import Path

import pytest

from dlkit.recipe.diagnostics import RecipeError
from dlkit.recipe.load import Recipe, load
from dlkit.recipe.other_recipes import fits, recipe_of, references

VALID = "data: {source: digits}\nmodel: {sequential: [Flatten, {Dense: {units: 10}}]}\ntraining: {epochs: 1}\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "recipes").mkdir()
    return tmp_path


def write(folder: Path, name: str, text: str = "") -> None:
    keys = {line.partition(":")[0] for line in text.split("\n")}
    rest = [line for line in VALID.split("\n") if line.partition(":")[0] not in keys]
    (folder / f"recipes/{name}.yaml").write_text("\n".join([f"name: {name}", text, *rest]))


def over(name: str) -> str:
    return f"expect: {{test_accuracy: {{at_least: 0.1, over: recipe:{name}}}}}"


def mistakes(name: str, **options: bool) -> list[tuple[str, str]]:
    with pytest.raises(RecipeError) as raised:
        load(name, **options)
    return [(found.code, found.message) for found in raised.value.diagnostics]


def words(recipe: Recipe) -> list[str]:
    return [each.text for each in references(recipe.resolved, recipe.graphs.values())]


@pytest.mark.parametrize(
    "back",
    [
        over("a"),
        "training: {epochs: 1, initial_weights: recipe:a}",
        'model: {sequential: ["recipe:a": {name: body}, {Dense: {units: 10}}]}',
    ],
)
def test_a_circle_of_recipes_is_an_error_however_they_refer_to_each_other(folder: Path, back: str) -> None:
    write(folder, "a", over("b"))
    write(folder, "b", over("c"))
    write(folder, "c", back)
    assert mistakes("a") == [("refers-to-itself", "the recipe refers to itself: a -> b -> c -> a")]
    assert mistakes("c") == [("refers-to-itself", "the recipe refers to itself: c -> a -> b -> c")]
    write(folder, "c")
    assert load("a").name == "a"


def test_a_recipe_that_refers_to_itself(folder: Path) -> None:
    write(folder, "a", over("a"))
    assert mistakes("a") == [("refers-to-itself", "the recipe refers to itself: a -> a")]


def test_two_ways_to_one_recipe_are_no_circle(folder: Path) -> None:
    write(folder, "a", over("b") + "\ntraining: {epochs: 1, initial_weights: recipe:c}")
    write(folder, "b", over("c"))
    write(folder, "c")
    assert words(load("a")) == ["recipe:c", "recipe:b"]


def test_mistakes_of_another_recipe_are_told_where_it_is_referred_to(folder: Path) -> None:
    write(folder, "a", over("b"))
    write(folder, "b", "training: {epoch: 1}")
    assert mistakes("a")[0] == ("mistaken-recipe", "`b` has a mistake: `training` has no key `epoch`")


def test_a_recipe_with_folds_has_no_single_run(folder: Path) -> None:
    write(folder, "a", over("b"))
    write(folder, "b", "data: {source: digits, folds: 3}")
    assert [code for code, _ in mistakes("a")] == ["several-folds"]


def test_a_quick_variant_refers_to_quick_variants(folder: Path) -> None:
    quick = "quick: {set: {training.epochs: 1}, expect: {test_accuracy: {at_least: 0, over: recipe:b}}}"
    body = 'model: {sequential: ["recipe:b": {layer: flatten}, {Dense: {units: 10}}]}'
    write(folder, "a", f"{over('b')}\n{body}\n{quick}\ntraining: {{epochs: 2, initial_weights: recipe:b}}")
    write(folder, "b", "quick: {set: {training.epochs: 1}}")
    assert words(load("a")) == ["recipe:b", "recipe:b", "recipe:b"]
    found = load("a", quick=True)
    assert words(found) == ["recipe:b@quick", "recipe:b@quick", "recipe:b@quick"]
    assert list(found.graphs["model"].layers) == ["recipe_b", "dense"]  # named as in the recipe itself
    # What the run keeps is trainable as it is, and means the same.
    again = load(found.dump())
    assert words(again) == words(found)
    assert recipe_of("recipe:b@quick") == ("b", True) and recipe_of("recipe:x/b") == ("x/b", False)


def test_features_of_another_run_are_those_of_its_quick_variant_in_a_quick_one(folder: Path) -> None:
    generator = """model:
  variational_autoencoder:
    latent_size: 2
    encoder: {sequential: [Flatten, {Dense: {units: 8}}]}
    decoder: {sequential: [{Dense: {units: 64, activation: sigmoid}}, {Reshape: {target_shape: [8, 8, 1]}}]}
"""
    measured = "evaluation: {metrics: [{frechet_distance: {features: recipe:b, layer: flatten}}]}\n"
    write(folder, "a", f"{generator}{measured}quick: {{set: {{training.epochs: 1}}}}")
    write(folder, "b", "quick: {set: {training.epochs: 1}}")
    recipe = load("a")
    (found,) = references(recipe.resolved, recipe.graphs.values())
    assert (found.text, found.use, found.layer) == ("recipe:b", "features", "flatten")
    assert words(load("a", quick=True)) == ["recipe:b@quick"]
    write(folder, "b")
    assert mistakes("a") == [("no-quick", "`b` has no `quick`")]


def test_a_quick_variant_needs_those_of_the_others(folder: Path) -> None:
    write(folder, "a", f"{over('b')}\nquick: {{set: {{}}, expect: {{test_accuracy: {{at_least: 0, over: recipe:b}}}}}}")
    write(folder, "b")
    assert mistakes("a") == [("no-quick", "`b` has no `quick`")]


def test_what_fits_a_saved_model() -> None:
    assert fits((32, 32, 3), "uint8", (32, 32, 3), "uint8")
    assert fits((None, 32, 3), "uint8", (32, None, 3), "float32")  # numbers are widened, sizes may be open
    assert not fits((32, 32, 3), "float32", (32, 32, 3), "uint8")  # and never cut off
    assert not fits((32, 32), "uint8", (32, 32, 3), "uint8")
    assert not fits((), "string", (), "float32")
