from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from dlkit.data.arrays import Arrays, Splits
from dlkit.data.columns import Windows
from dlkit.data.facts import measure
from dlkit.data.fingerprint import fingerprint
from dlkit.errors import DlkitError
from dlkit.recipe.facts import DataFacts, Feature, Target

DECLARED = DataFacts(
    {
        "image": Feature("image", (None, None, 1), "uint8"),
        "table": Feature("vector", None, "float32", columns=("a", "b")),
    },
    {"digit": Target("classes"), "price": Target("number", (), "float32", default=False)},
)


def examples(count: int, classes: int = 3) -> Arrays:
    return Arrays(
        {"image": np.zeros((count, 4, 5, 1), np.uint8), "table": np.ones((count, 2), np.float32)},
        {"digit": np.arange(count, dtype=np.int32) % classes, "price": np.zeros(count, np.float32)},
    )


def splits() -> Splits:
    return Splits(examples(10), examples(4), examples(3))


def test_measure_completes_what_the_declaration_leaves_open() -> None:
    facts = measure(splits(), DECLARED, batch_size=4)
    assert facts.features["image"].shape == (4, 5, 1)
    assert facts.features["table"].shape == (2,)
    assert facts.features["table"].columns == ("a", "b")
    assert facts.targets["digit"].classes == 3
    assert (facts.train_size, facts.validation_size, facts.test_size, facts.steps_per_epoch) == (10, 4, 3, 3)


def test_sizes_of_splits_that_are_not_there_are_zero() -> None:
    facts = measure(Splits(examples(8)), DECLARED, batch_size=4)
    assert (facts.validation_size, facts.test_size, facts.steps_per_epoch) == (0, 0, 2)


def test_only_what_was_loaded_is_measured_in_its_order() -> None:
    facts = measure(splits().select(["table"], ["price", "digit"]), DECLARED, batch_size=4)
    assert list(facts.features) == ["table"]
    assert list(facts.targets) == ["price", "digit"]


def test_classes_are_counted_over_all_splits() -> None:
    assert measure(Splits(examples(9), test=examples(9, classes=7)), DECLARED, 4).targets["digit"].classes == 7


def test_chosen_columns_narrow_the_declaration() -> None:
    told = DataFacts({"table": Feature("vector", (1,), columns=("b",))})
    loaded = Splits(Arrays({"table": np.zeros((3, 1), np.float32)}, {}), facts=told)
    assert measure(loaded, DECLARED, 4).features["table"] == Feature("vector", (1,), "float32", columns=("b",))


@pytest.mark.parametrize(
    ("features", "targets", "message"),
    [
        (
            {"image": Feature("image", (4, 6, 1), "uint8")},
            {},
            r"`image` is declared with shape \(4, 6, 1\) and was loaded",
        ),
        ({"image": Feature("image", (4, 5), "uint8")}, {}, r"shape \(4, 5\)"),
        ({"image": Feature("image", None, "float32")}, {}, "declared as float32 and was loaded as uint8"),
        ({"table": Feature("vector", None, "float32", columns=("a",))}, {}, "1 columns"),
        ({}, {"digit": Target("classes", classes=2)}, "classes 0 to 2, where 0 to 1 are declared"),
        ({}, {"digit": Target("classes", labels=("x", "y"))}, "3 classes and 2 labels"),
        ({}, {"price": Target("number", (2,), "float32")}, r"`price` is declared with shape \(2,\)"),
        ({"table": Feature("vector", (2,), "float32"), "image": None}, {}, "`image` was loaded and is not declared"),
        ({}, {"price": None}, "`price` was loaded and is not declared"),
    ],
)
def test_a_contradiction_is_an_error(features: dict, targets: dict, message: str) -> None:
    def changed(declared: object, changes: dict) -> dict:
        return {name: entry for name, entry in {**declared, **changes}.items() if entry is not None}

    declared = DataFacts(changed(DECLARED.features, features), changed(DECLARED.targets, targets))
    with pytest.raises(DlkitError, match=message):
        measure(splits(), declared, 4)


@pytest.mark.parametrize("split", ["train", "test"])
def test_a_class_below_zero_is_an_error(split: str) -> None:
    changed = splits()
    changed.named()[split].targets["digit"][0] = -1
    with pytest.raises(DlkitError, match="classes -1 to 2"):
        measure(changed, DECLARED, 4)


def test_undeclared_columns_are_an_error() -> None:
    told = DataFacts({"table": Feature("vector", (1,), columns=("c",))})
    loaded = Splits(Arrays({"table": np.zeros((3, 1), np.float32)}, {}), facts=told)
    with pytest.raises(DlkitError, match="not declared: c"):
        measure(loaded, DECLARED, 4)


def test_what_the_source_knows_after_loading_stands_before_its_declaration() -> None:
    declared = replace(DECLARED, targets={"digit": Target("classes", classes=100, labels=("x",) * 100)})
    told = DataFacts(targets={"digit": Target("classes", labels=("p", "q", "r"))})
    loaded = replace(splits().select(["image"], ["digit"]), facts=told)
    for given in (loaded, loaded.select(targets=["digit"])):
        facts = measure(given, declared, 4)
        assert (facts.classes, facts.targets["digit"].labels) == (3, ("p", "q", "r"))
    other = DataFacts(targets={"digit": Target("number", dtype="int32")})
    with pytest.raises(DlkitError, match="declared as classes and was loaded as number"):
        measure(replace(loaded, facts=other), declared, 4)


def test_texts_are_strings_and_columns_are_not_read() -> None:
    class Unread(Windows):
        def read(self, rows: np.ndarray) -> np.ndarray:
            raise AssertionError("measuring must not read a column")

    texts = np.array(["ein", "zwei", "drei"], object)
    window = Unread(np.zeros(10, np.float32), np.arange(3), 5)
    told = DataFacts({"text": Feature("text", dtype="string"), "past": Feature("sequence", maximum=3)})
    facts = measure(Splits(Arrays({"text": texts, "past": window}, {}), facts=told), DataFacts(), 2)
    assert (facts.features["text"].dtype, facts.features["text"].shape) == ("string", ())
    assert facts.features["past"].shape == (5,)


def test_more_shades_than_declared_are_an_error() -> None:
    loaded = Splits(Arrays({"image": np.full((1, 4, 5, 1), 17, np.uint8)}, {}))
    declared = DataFacts({"image": Feature("image", None, "uint8", maximum=16)})
    with pytest.raises(DlkitError, match="0 to 16 are declared"):
        measure(loaded, declared, 4)


def test_splits_must_be_alike() -> None:
    with pytest.raises(DlkitError, match="features of the test split"):
        measure(replace(splits(), test=examples(3).select(["image"])), DECLARED, 4)


def test_the_fingerprint_is_that_of_earlier_versions() -> None:
    known = Splits(Arrays({"x": np.arange(3, dtype="<u1")}, {"y": np.arange(3, dtype="<i4")}))
    assert fingerprint(known) == "336f0e0a6db96054fcdac6fea98d18ae1f94dc2d81459a5db1f56325566ea484"


@pytest.mark.parametrize("change", ["pixel", "name", "dtype", "shape", "split", "order"])
def test_every_change_changes_the_fingerprint(change: str) -> None:
    pixels = np.arange(12, dtype=np.uint8).reshape(3, 4)
    before = Splits(Arrays({"x": pixels}, {}))
    altered = pixels.copy()
    altered[1, 2] += 1
    after = {
        "pixel": Splits(Arrays({"x": altered}, {})),
        "name": Splits(Arrays({"z": pixels}, {})),
        "dtype": Splits(Arrays({"x": pixels.view(np.int8)}, {})),
        "shape": Splits(Arrays({"x": pixels.reshape(4, 3)}, {})),
        "split": Splits(Arrays({"x": pixels[:2]}, {}), Arrays({"x": pixels[2:]}, {})),
        "order": Splits(Arrays({"x": pixels[::-1]}, {})),
    }
    assert fingerprint(after[change]) != fingerprint(before)


def test_the_order_of_the_names_and_the_memory_layout_do_not_count() -> None:
    a, b = np.arange(6, dtype=np.uint8).reshape(2, 3), np.zeros(2, np.float32)
    assert fingerprint(Splits(Arrays({"a": a, "b": b}, {}))) == fingerprint(
        Splits(Arrays({"b": b, "a": np.asfortranarray(a)}, {}))
    )


def test_a_text_counts_by_its_characters() -> None:
    def of(*texts: str) -> str:
        return fingerprint(Splits(Arrays({"words": np.array(texts, object)}, {})))

    assert of("ab", "c") == of("ab", "c") != of("a", "bc")


def test_a_column_counts_by_its_digest() -> None:
    def of(value: float, starts: list[int]) -> str:
        series = np.append(np.zeros(9, np.float32), np.float32(value))
        return fingerprint(Splits(Arrays({"past": Windows(series, np.array(starts), 4)}, {})))

    assert len({of(0, [0, 6]), of(1, [0, 6]), of(0, [0, 5])}) == 3
