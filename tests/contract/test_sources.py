"""What every data source must do, whichever it is: its file in dlkit/data/sources is enough to be put through this."""

from __future__ import annotations

import runpy
import subprocess
import sys
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import dlkit
from dlkit.data.arrays import Arrays, Splits
from dlkit.data.columns import Column
from dlkit.data.facts import measure
from dlkit.data.fingerprint import fingerprint
from dlkit.data.load import load
from dlkit.errors import DlkitError
from dlkit.recipe.components import Components
from dlkit.recipe.declarations import Declaration, read_declarations
from dlkit.recipe.facts import DataFacts, read_facts
from dlkit.recipe.registry import find

FOLDER = Path(__file__).resolve().parents[2] / "dlkit" / "data" / "sources"
NAMES = sorted(file.stem for file in FOLDER.glob("*.py") if not file.stem.startswith("_"))
FROM_FILES = {"fashion_mnist"}  # their data do not ship with a package
BATCH = 32
# Sources that need arguments, or whose data are large, are given small files of the same format: a file here named
# after the source has `arguments(folder)`, which writes them and tells the arguments that read them.
EXAMPLES = Path(__file__).parent / "source_examples"


def declaration_of(name: str) -> Declaration:
    (found,) = read_declarations(FOLDER / f"{name}.py", "dlkit")
    return found


def example_of(name: str, folder: Path) -> dict[str, Any]:
    file = EXAMPLES / f"{name}.py"
    if not file.is_file():
        return {}
    folder.mkdir(exist_ok=True)
    return runpy.run_path(str(file))["arguments"](folder)


# What is loaded is loaded once a session.
_loaded: dict[str, Splits] = {}


@pytest.fixture(params=NAMES)
def name(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    source = request.param
    if source not in _loaded:
        if source in FROM_FILES:
            request.getfixturevalue("data_dir")
            monkeypatch.setitem(sys.modules, "keras", None)  # no test downloads
        try:
            folder = request.getfixturevalue("tmp_path_factory").mktemp(source)  # columns read from it until the end
            arguments = example_of(source, folder)
            _loaded[source] = find("source", source).target(**arguments)
        except (DlkitError, ImportError) as error:
            if source not in FROM_FILES:
                raise
            pytest.skip(f"the files of {source} are not here: {error}")
    return source


@pytest.fixture
def declaration(name: str) -> Declaration:
    return declaration_of(name)


@pytest.fixture
def declared(declaration: Declaration) -> DataFacts:
    """What can be known before loading; nothing of a source that takes what it finds."""
    return read_facts(declaration.declared.get("features") or {}, declaration.declared.get("targets") or {})


@pytest.fixture
def facts(whole: Splits, declared: DataFacts) -> DataFacts:
    return measure(whole, declared, BATCH)


@pytest.fixture
def whole(name: str) -> Splits:
    return _loaded[name]


@pytest.fixture
def cut(name: str, whole: Splits, declared: DataFacts, monkeypatch: pytest.MonkeyPatch) -> Any:
    """`load` on what was loaded already."""
    registered = find("source", name)
    monkeypatch.setattr("dlkit.data.load.find", lambda kind, source: replace(registered, target=lambda: whole))
    return lambda **options: load(name, {}, **{"declared": declared, "seed": 1, **options})


def test_the_declaration_is_literal_and_names_the_file(name: str, declaration: Declaration) -> None:
    assert declaration.spec.kind == "source" and declaration.spec.name == name
    assert declaration.spec.summary.endswith(".") and len(declaration.spec.summary) < 120
    assert declaration.declared == find("source", name).declared
    for argument in declaration.spec.arguments.values():
        assert argument.type != "any", argument
    standard = not any(argument.required for argument in declaration.spec.arguments.values())
    assert standard or (EXAMPLES / f"{name}.py").is_file(), "a source that needs arguments needs an example"


def test_the_import_is_light(name: str) -> None:
    heavy = ("numpy", "sklearn", "pandas", "pyarrow", "PIL", "captcha", "tensorflow", "keras")
    code = f"import sys, dlkit.data.sources.{name}; print([m for m in {heavy} if m in sys.modules])"
    told = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=FOLDER.parents[2]
    )
    assert told.stdout.strip() == "[]"


def test_facts_are_what_was_declared(facts: DataFacts, declared: DataFacts) -> None:
    for known, before in ((facts.features, declared.features), (facts.targets, declared.targets)):
        for name, fact in before.items():
            for part in fields(fact):
                said = getattr(fact, part.name)
                if isinstance(said, tuple):
                    loaded = getattr(known[name], part.name)
                    assert len(said) == len(loaded)
                    assert all(one in (None, other) for one, other in zip(said, loaded, strict=True))
                elif said is not None:
                    assert getattr(known[name], part.name) == said


def test_facts_leave_nothing_open(facts: DataFacts) -> None:
    for feature in facts.features.values():
        assert feature.shape is not None and None not in feature.shape
        assert feature.kind not in ("vector", "category") or feature.columns
        assert (feature.dtype == "string") == (feature.kind in ("text", "category"))
    for target in facts.targets.values():
        assert target.kind != "classes" or (target.labels and target.classes == len(target.labels))
        assert target.dtype == {"number": "float32"}.get(target.kind, "int32")
    assert not facts.targets or any(target.default for target in facts.targets.values())


def test_the_facts_of_a_standard_set_are_all_declared(name: str, facts: DataFacts, declaration: Declaration) -> None:
    arguments = declaration.spec.arguments
    if "seed" in arguments:  # what is generated has the sizes that are asked for
        return
    if "features" in declaration.declared and not any(argument.required for argument in arguments.values()):
        declared = read_facts(declaration.declared["features"], declaration.declared["targets"])
        assert (facts.features, facts.targets) == (dict(declared.features), dict(declared.targets))


def test_every_class_occurs_and_values_are_as_they_should_be(cut: Any, facts: DataFacts) -> None:
    for part in cut().named().values():
        for target, values in part.targets.items():
            if facts.targets[target].kind == "classes":
                assert len(np.unique(values)) == facts.targets[target].classes
            assert np.isfinite(np.asarray(values)).all()
        for feature, column in part.features.items():
            values = np.asarray(column)
            if facts.features[feature].dtype == "string":
                assert all(isinstance(value, str) for value in values.flat)
            elif facts.features[feature].kind != "vector":  # of a table, numbers may be missing
                assert np.isfinite(values).all()
            assert not np.isinf(values).any() if values.dtype.kind == "f" else True


def test_loading_again_gives_the_same(name: str, whole: Splits, tmp_path: Path) -> None:
    if name not in FROM_FILES:
        again = find("source", name).target(**example_of(name, tmp_path / "again"))
        assert fingerprint(again) == fingerprint(whole)


def test_what_is_read_row_by_row_is_what_is_read_at_once(whole: Splits) -> None:
    for values in (*whole.train.features.values(), *whole.train.targets.values()):
        if isinstance(values, Column):
            rows = np.array([len(values) - 1, 0])
            assert values.read(rows).shape == (2, *values.shape[1:]) and values.read(rows).dtype == values.dtype
            assert np.array_equal(values.read(rows), np.asarray(values)[rows])
            assert np.array_equal(np.asarray(values.take(rows)), values.read(rows))
            assert values.take(rows).digest() != values.digest()


def numbered(whole: Splits) -> Splits:
    """The same splits, with the number of the row as the only feature, different in every split."""
    first, parts = 0, {}
    for split, arrays in whole.named().items():
        parts[split] = Arrays({"row": np.arange(first, first + len(arrays))}, arrays.targets)
        first += len(arrays)
    return whole.replace(parts)


def test_splits_do_not_overlap_and_lose_nothing(
    name: str, cut: Any, whole: Splits, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = numbered(whole)
    monkeypatch.setattr("dlkit.data.load.call", lambda source, arguments: rows)
    made = cut().named()
    assert set(made) == {"train", "validation", "test"}
    every = np.concatenate([part.features["row"] for part in made.values()])
    assert len(np.unique(every)) == len(every)
    left_out = whole.gap * sum(1 for split in made if split not in whole.named())
    assert len(every) == sum(len(part) for part in whole.named().values()) - left_out
    if whole.ordered:
        assert made["train"].features["row"].max() < made["validation"].features["row"].min() - whole.gap
    if whole.test is not None:
        assert np.array_equal(made["test"].features["row"], rows.test.features["row"])  # type: ignore[union-attr]


def test_the_split_is_the_seeds(cut: Any, whole: Splits) -> None:
    first, again, other = (fingerprint(cut(seed=seed, limit=40)) for seed in (1, 1, 2))
    assert first == again
    assert (first == other) == whole.ordered


def test_limit_cuts_training_and_validation_never_test(cut: Any) -> None:
    whole, few = cut(), cut(limit=60)
    kept = min(60, len(whole.train))
    assert len(few.train) == kept
    assert len(few.validation) == max(1, round(kept * len(whole.validation) / len(whole.train)))
    assert fingerprint(Splits(few.test)) == fingerprint(Splits(whole.test))


def test_the_fingerprint_is_stable_and_every_value_counts(cut: Any) -> None:
    splits = cut(limit=60)
    before = fingerprint(splits)
    assert before == fingerprint(cut(limit=60))
    for arrays in splits.named().values():
        for values in (*arrays.features.values(), *arrays.targets.values()):
            if isinstance(values, Column):
                continue
            kept = values.flat[-1]
            values.flat[-1] = kept + ("x" if isinstance(kept, str) else 1)
            assert fingerprint(splits) != before
            values.flat[-1] = kept
    assert fingerprint(splits) == before


def test_the_sizes_are_those_of_the_splits(cut: Any, declared: DataFacts) -> None:
    splits = cut()
    facts = measure(splits, declared, BATCH)
    assert facts.train_size == len(splits.train) and facts.test_size == len(splits.test)
    assert facts.steps_per_epoch == -(-len(splits.train) // BATCH)


TABLES = [found for found in map(declaration_of, NAMES) if "columns" in found.spec.arguments and found.declared]


@pytest.mark.parametrize("name", [table.spec.name for table in TABLES])
def test_columns_may_be_chosen(name: str, declared: DataFacts) -> None:
    (feature,) = declared.features
    chosen = list(declared.features[feature].columns or ())[::-2]
    splits = load(name, {"columns": chosen}, declared=declared, seed=1)
    facts = measure(splits, declared, BATCH)
    assert facts.features[feature].columns == tuple(chosen)
    assert facts.features[feature].shape == (len(chosen),)


# Facts of one source


def test_the_columns_are_scikit_learns_in_its_order() -> None:
    from sklearn import datasets

    for name in ("iris", "wine", "breast_cancer", "diabetes"):
        theirs = getattr(datasets, f"load_{name}")().feature_names
        ours = find("source", name).declared["features"]["table"]["columns"]
        assert ours == [column.removesuffix(" (cm)").replace(" ", "_").replace("/", "_") for column in theirs]


def test_the_labels_are_scikit_learns_in_its_order() -> None:
    from sklearn import datasets

    for name in ("iris", "wine", "breast_cancer", "digits"):
        (target,) = find("source", name).declared["targets"].values()
        assert target["labels"] == [str(label) for label in getattr(datasets, f"load_{name}")().target_names]


def test_fashion_mnist_has_its_published_sizes(data_dir: Path) -> None:
    if not (data_dir / "fashion-mnist").is_dir():
        pytest.skip(f"the files of fashion_mnist are not in {data_dir}")
    splits = find("source", "fashion_mnist").target(path=str(data_dir / "fashion-mnist"))
    assert (len(splits.train), len(splits.test)) == (60_000, 10_000)
    assert np.bincount(splits.train.targets["garment"]).tolist() == [6_000] * 10
    assert np.bincount(splits.test.targets["group"]).tolist() == [4_000, 1_000, 1_000, 3_000, 1_000]
    assert splits.train.features["image"].nbytes == 60_000 * 28 * 28


def test_cifar10_has_its_published_sizes(data_dir: Path) -> None:
    pictures = data_dir / "cifar10" / "cifar10-images.zip"
    if not pictures.is_file():
        pytest.skip(f"the pictures of cifar10 are not in {data_dir}")
    splits = find("source", "cifar10").target(path=str(pictures))
    assert np.bincount(splits.train.targets["label"]).tolist() == [5_000] * 10
    assert np.bincount(splits.test.targets["label"]).tolist() == [1_000] * 10
    assert splits.train.features["image"].nbytes == 50_000 * 32 * 32 * 3


def test_the_groups_of_cifar100_are_a_labeling_of_their_own(tmp_path: Path) -> None:
    arguments = {**example_of("cifar100", tmp_path), "label_mode": "coarse"}
    declared = Components().source_facts("cifar100", arguments)
    splits = load("cifar100", arguments, declared=declared, seed=1)
    (label,) = measure(splits, declared, BATCH).targets.values()
    assert label.classes == 20 and label.labels is not None and label.labels[-1] == "vehicles_2"
    recipe = dlkit.load(
        {
            "name": "groups",
            "data": {"source": {"cifar100": {"label_mode": "coarse"}}},
            "model": {"sequential": ["Flatten", {"Dense": {"units": 20}}]},
            "training": {"epochs": 1},
        }
    )
    assert recipe.facts.classes == 20
