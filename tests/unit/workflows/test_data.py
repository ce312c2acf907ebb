"""What `dlkit data` tells, and what it reads other data by."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import dlkit
from dlkit.data.arrays import Arrays, Splits, joined
from dlkit.data.columns import Column, Joined, Windows
from dlkit.errors import DlkitError
from dlkit.recipe.facts import DataFacts, Feature, Target
from dlkit.recipe.graph import Component
from dlkit.recipe.load import Recipe
from dlkit.workflows import contact_sheet, other_data, preparation
from dlkit.workflows import leaks as leak_module
from dlkit.workflows.contact_sheet import write_contact_sheet
from dlkit.workflows.data import look, look_at
from dlkit.workflows.leaks import leaks
from dlkit.workflows.other_data import other_examples
from dlkit.workflows.preparation import Prepared

SIZE = 60


def recipe(source: object = "digits") -> Recipe:
    model = {"sequential": ["Flatten", {"Dense": {"units": "$data.classes"}}]}
    return dlkit.load({"name": "seen", "data": {"source": source}, "model": model, "training": {"epochs": 1}})


def as_loaded(recipe: Recipe, splits: Splits) -> Prepared:
    return Prepared(recipe, splits, splits, recipe.facts.features, splits)


def prepared(features: dict[str, tuple[Feature, object]], target: Target, y: np.ndarray, **more: object) -> Prepared:
    """A recipe whose splits are these examples: the first two thirds, the rest."""
    facts = DataFacts({name: feature for name, (feature, _) in features.items()}, {"y": target})
    whole = Arrays({name: values for name, (_, values) in features.items()}, {"y": y})  # type: ignore[misc]
    cut = len(y) * 2 // 3
    splits = Splits(whole.take(np.arange(cut)), None, whole.take(np.arange(cut, len(y))), **more)  # type: ignore[arg-type]
    return as_loaded(replace(recipe(), facts=facts), splits)


CLASSES = Target("classes", (), classes=2, labels=("no", "yes"))


def test_digits_are_seen_as_scikit_learn_has_them():
    from sklearn.datasets import load_digits

    seen = look(recipe(), shift=False)
    assert sum(split.examples for split in seen.splits.values()) == 1797
    counts = [sum(split.classes["digit"][str(n)] for split in seen.splits.values()) for n in range(10)]
    assert counts == np.bincount(load_digits().target).tolist()
    image = seen.features["image"]
    assert (image.kind, image.shape, image.dtype) == ("image", (8, 8, 1), "uint8")
    assert (image.values.minimum, image.values.maximum) == (0, 16)
    assert image.values.mean == pytest.approx(load_digits().images.mean(), abs=0.05)
    assert seen.leaks == {} and seen.shift == {}


def test_columns_tell_their_ranges_and_what_is_missing():
    numbers = np.arange(2 * SIZE, dtype=np.float32).reshape(SIZE, 2)
    numbers[:4, 1] = np.nan
    numbers[:, 0] = 1
    colors = np.array([["red"], ["blue"], [""]] * (SIZE // 3), object)
    found = prepared(
        {
            "table": (Feature("vector", (2,), columns=("one", "two")), numbers),
            "colors": (Feature("category", (1,), "string", columns=("color",)), colors),
            "review": (Feature("text", (), "string"), np.array(["so good", "bad"] * (SIZE // 2), object)),
        },
        CLASSES,
        np.tile([0, 1], SIZE // 2),
    )
    seen = look_at(found, shift=False)
    one, two = seen.features["table"].columns.values()
    assert (one.minimum, one.maximum, one.missing) == (1, 1, 0)
    assert (two.minimum, two.maximum, two.missing) == (9, 79, 4)
    assert two.mean == pytest.approx(np.arange(9, 80, 2).mean())
    color = seen.features["colors"].columns["color"]
    assert (color.missing, color.distinct) == (13, 2) and color.frequent == {"red": 14, "blue": 13}
    review = seen.features["review"]
    assert (review.values.minimum, review.values.maximum, review.values.mean) == (1, 2, 1.5)
    assert review.samples[:2] == ("so good", "bad")


def test_several_labels_and_numbers_are_seen():
    x = {"x": (Feature("number", ()), np.arange(SIZE, dtype=np.float32))}
    tags = Target("multi_label", (2,), classes=2, labels=("s", "t"))
    seen = look_at(prepared(x, tags, np.tile([[1, 0], [1, 1]], (SIZE // 2, 1)).astype(np.int32)), shift=False)
    assert seen.splits["train"].classes["y"] == {"s": 40, "t": 20}
    price = look_at(prepared(x, Target("number", (), "float32"), np.arange(SIZE, dtype=np.float32)))
    assert price.numbers["y"].maximum == 39 and price.splits["train"].classes == {}
    assert price.shift["test"].prior["y"].found


def leaking(count: int) -> Prepared:
    pictures = np.random.default_rng(0).integers(0, 256, (SIZE, 4, 4, 1), np.uint8)
    pictures[40 : 40 + count] = pictures[:count]
    return prepared({"image": (Feature("image", (4, 4, 1), "uint8"), pictures)}, CLASSES, np.tile([0, 1], SIZE // 2))


def test_training_is_warned_of_leaks_with_their_count():
    (warning,) = leaks(leaking(3))
    assert warning.message == "3 test examples (15.0%) also stand in the training split"
    assert warning.severity == "warning" and "dlkit data" in warning.cure
    assert leaks(leaking(1))[0].message == "1 test example (5.0%) also stands in the training split"
    assert leaks(leaking(0)) == []
    rows = np.arange(3 * 4000, dtype=np.float32)
    rows[-1] = 0
    rare = prepared({"x": (Feature("number", ()), rows)}, CLASSES, np.arange(len(rows)) % 2)
    assert leaks(rare)[0].message.startswith("1 test example (less than 0.1%) also")
    assert look_at(leaking(3), shift=False).leaks == {("train", "test"): 3}


def test_no_leaks_are_told_of_windows_and_of_sources_that_repeat(monkeypatch: pytest.MonkeyPatch):
    found = leaking(3)
    in_time = as_loaded(found.recipe, replace(found.splits, ordered=True))
    assert leaks(in_time) == [] and look_at(in_time, shift=False).leaks is None
    assert look_at(in_time, shift=False).splits["train"].duplicates is None
    monkeypatch.setattr(leak_module, "repeats", lambda recipe: True)
    assert leaks(found) == []


def test_a_source_that_repeats_says_so_where_it_is_registered():
    from dlkit.recipe.registry import find

    declared = find("source", "digits").declared
    declared["repeats"] = True
    try:
        assert leak_module.repeats(recipe())
    finally:
        del declared["repeats"]
    assert not leak_module.repeats(recipe())


def test_overlapping_windows_stand_for_each_other_in_the_shift():
    noise = np.random.default_rng(0).normal(size=(2400, 1)).astype(np.float32)
    windows = Windows(noise, np.arange(0, 2370, 2), 10)  # each shares steps with the four after it
    past = {"past": (Feature("sequence", (10, 1)), windows)}
    found = prepared(past, CLASSES, np.arange(len(windows)) % 2, ordered=True)
    assert look_at(found).shift["test"].examples == (158, 79)


# Other data


FEATURES = {"image": Feature("image", (8, 8, 1), "uint8")}


def other(monkeypatch: pytest.MonkeyPatch, labels: tuple[str, ...], shape: tuple[int, ...] = (8, 8, 1)) -> Arrays:
    """Other data with the classes 0, 1, 0 of these labels, in two splits, for a recipe that knows `no` and `yes`."""
    part = Arrays({"image": np.zeros((3, *shape), np.uint8)}, {"label": np.array([0, 1, 0], np.int32)})
    told = DataFacts({}, {"label": Target("classes", (), classes=len(labels), labels=labels)})
    asked = {}

    def call(source: str, arguments: dict[str, object]) -> Splits:
        asked.update(arguments)
        return Splits(part, None, part, told)

    monkeypatch.setattr(other_data, "call", call)
    facts = DataFacts(FEATURES, {"label": CLASSES})
    examples = other_examples(replace(recipe({"cifar10": {"path": "here"}}), facts=facts), FEATURES, "there")
    assert asked == {"path": "there"}
    return examples


def test_all_splits_of_other_data_are_read_by_its_path(monkeypatch: pytest.MonkeyPatch):
    assert other(monkeypatch, ("no", "yes")).targets["label"].tolist() == [0, 1, 0, 0, 1, 0]


def test_other_data_has_the_classes_of_the_recipe(monkeypatch: pytest.MonkeyPatch):
    assert other(monkeypatch, ("yes", "no")).targets["label"].tolist() == [1, 0, 1, 1, 0, 1]
    with pytest.raises(DlkitError, match=r"`label` has other classes in there .*: `perhaps`") as refused:
        other(monkeypatch, ("no", "perhaps"))
    assert "`no`, `yes`" in str(refused.value.cure)


def test_other_data_of_another_form_is_refused(monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(DlkitError, match=r"uint8 of shape \(9, 8, 1\) in there, and uint8 of \(8, 8, 1\)"):
        other(monkeypatch, ("no", "yes"), (9, 8, 1))


def test_a_source_without_path_reads_no_other_data():
    with pytest.raises(DlkitError, match="`digits` has no argument `path`"):
        other_examples(recipe(), FEATURES, "there")


def test_columns_and_arrays_are_joined_unread():
    values = np.arange(20)
    whole = joined(
        [Arrays({"x": Windows(values, np.array([3, 0]), 4)}, {}), Arrays({"x": values[:8].reshape(2, 4)}, {})]
    ).features["x"]
    assert isinstance(whole, Column) and whole.shape == (4, 4)
    expected = np.array([[3, 4, 5, 6], [0, 1, 2, 3], [0, 1, 2, 3], [4, 5, 6, 7]])
    assert np.array_equal(np.asarray(whole), expected)
    few = whole.take(np.array([3, 0, 2]))
    assert np.array_equal(few.read(np.array([2, 0])), expected[[2, 3]])
    assert few.digest() != whole.digest()
    with pytest.raises(ValueError, match="Received"):
        Joined([values.reshape(5, 4), values.reshape(4, 5)])


# The sheet


def test_the_sheet_has_a_row_a_class(tmp_path: Path):
    told = write_contact_sheet(preparation.prepare(recipe()), tmp_path / "digits.png")
    assert "80 training examples, without augmentation" in told
    with Image.open(tmp_path / "digits.png") as sheet:
        assert sheet.format == "PNG" and sheet.height > 10 * 64
        assert len(sheet.getcolors()) > 16  # the shades of the digits


def test_augmented_examples_stand_in_the_order_of_the_samples():
    found = preparation.prepare(recipe())
    chosen = found.splits.train.take(np.arange(20)[::-1])
    assert np.array_equal(contact_sheet._augmented(found, chosen, "image"), chosen.features["image"])


def test_a_recipe_that_augments_has_a_second_panel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    found = preparation.prepare(recipe())
    data = found.recipe.config.data.model_copy(update={"augment": [Component("layer", "RandomFlip")]})
    augmenting = replace(found.recipe, config=found.recipe.config.model_copy(update={"data": data}))
    monkeypatch.setattr(contact_sheet, "_augmented", lambda prepared, chosen, name: 16 - chosen.features[name])
    told = write_contact_sheet(as_loaded(augmenting, found.splits), tmp_path / "two.png")
    assert "before and after augmentation" in told
    write_contact_sheet(found, tmp_path / "one.png")
    with Image.open(tmp_path / "two.png") as two, Image.open(tmp_path / "one.png") as one:
        assert two.width > 1.8 * one.width


def test_what_cannot_be_drawn_or_written_is_told_and_leaves_nothing(tmp_path: Path):
    with pytest.raises(DlkitError, match="nothing to draw: the features are of kind vector"):
        write_contact_sheet(preparation.prepare(recipe("iris")), tmp_path / "iris.png")
    with pytest.raises(DlkitError, match=r"Cannot write .*sheet.png") as refused:
        write_contact_sheet(preparation.prepare(recipe()), tmp_path / "no such folder" / "sheet.png")
    assert "--sheet" in str(refused.value.cure)
    assert list(tmp_path.iterdir()) == []


def test_series_are_drawn_as_curves(tmp_path: Path):
    series = np.random.default_rng(0).normal(size=(SIZE, 30, 2)).astype(np.float32).cumsum(axis=1)
    found = prepared({"past": (Feature("sequence", (30, 2)), series)}, CLASSES, np.tile([0, 1], SIZE // 2))
    write_contact_sheet(found, tmp_path / "series.png")
    with Image.open(tmp_path / "series.png") as sheet:
        assert sheet.width > 300 and len(sheet.convert("RGB").getcolors(10**6)) > 10


def test_a_class_a_step_is_counted_at_every_step() -> None:
    tokens = np.array([[0, 1, 1], [1, 0, 1]] * (SIZE // 2), np.int32)
    target = Target("classes", (3,), classes=2, labels=("a", "b"))
    found = prepared({"tokens": (Feature("sequence", (3,), "int32"), tokens)}, target, tokens)
    assert look_at(found, shift=False).splits["train"].classes["y"] == {"a": SIZE * 2 // 3, "b": SIZE * 4 // 3}
