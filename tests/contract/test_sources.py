"""What every data source must do, whichever it is: its file in dlkit/data/sources is enough to be put through this."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dlkit.data.arrays import Arrays, Splits
from dlkit.data.facts import fingerprint, measure
from dlkit.data.load import load
from dlkit.errors import DlkitError
from dlkit.recipe.declarations import Declaration, read_declarations
from dlkit.recipe.facts import DataFacts, read_facts
from dlkit.recipe.registry import find

FOLDER = Path(__file__).resolve().parents[2] / "dlkit" / "data" / "sources"
NAMES = sorted(file.stem for file in FOLDER.glob("*.py") if not file.stem.startswith("_"))
FROM_FILES = {"fashion_mnist"}  # their data do not ship with a package
BATCH = 32


def declaration_of(name: str) -> Declaration:
    (found,) = read_declarations(FOLDER / f"{name}.py", "dlkit")
    return found


def write_mnist(folder: Path) -> None:
    draw = np.random.default_rng(1)
    for split, count in (("train", 400), ("t10k", 100)):
        for name, array in (
            ("images-idx3", draw.integers(0, 256, (count, 28, 28), np.uint8)),
            ("labels-idx1", (np.arange(count) % 10).astype(np.uint8)),
        ):
            header = bytes([0, 0, 8, array.ndim]) + b"".join(length.to_bytes(4, "big") for length in array.shape)
            (folder / f"{split}-{name}-ubyte").write_bytes(header + array.tobytes())


def write_records(file: Path, *labels: np.ndarray) -> None:
    pixels = np.random.default_rng(len(file.name)).integers(0, 256, (len(labels[0]), 3072), np.uint8)
    file.write_bytes(np.concatenate([np.stack(labels, 1).astype(np.uint8), pixels], 1).tobytes())


def write_cifar10(folder: Path) -> None:
    for name in (*(f"data_batch_{number}" for number in range(1, 6)), "test_batch"):
        write_records(folder / f"{name}.bin", np.arange(80) % 10)


def write_cifar100(folder: Path) -> None:
    for name, count in (("train", 1_000), ("test", 200)):
        fine = np.arange(count) % 100
        write_records(folder / f"{name}.bin", fine // 5, fine)


# Sources whose data are large or must be downloaded read small files of the same format.
STAND_INS = {"mnist": write_mnist, "cifar10": write_cifar10, "cifar100": write_cifar100}


# What is loaded is loaded once a session.
_loaded: dict[str, Splits] = {}


@pytest.fixture(params=NAMES)
def name(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    source = request.param
    if source in FROM_FILES:
        request.getfixturevalue("data_dir")
        monkeypatch.setitem(sys.modules, "keras", None)  # no test downloads
        if source not in _loaded:
            try:
                _loaded[source] = find("source", source).target()
            except (DlkitError, ImportError) as error:
                pytest.skip(f"the files of {source} are not here: {error}")
    if source in STAND_INS and source not in _loaded:
        folder = request.getfixturevalue("tmp_path")
        STAND_INS[source](folder)
        _loaded[source] = find("source", source).target(path=str(folder))
    return source


@pytest.fixture
def declaration(name: str) -> Declaration:
    return declaration_of(name)


@pytest.fixture
def declared(declaration: Declaration) -> DataFacts:
    return read_facts(declaration.declared["features"], declaration.declared["targets"])


@pytest.fixture
def whole(name: str) -> Splits:
    if name not in _loaded:
        _loaded[name] = find("source", name).target()
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
        assert not argument.required and argument.type != "any", argument


def test_the_import_is_light(name: str) -> None:
    heavy = ("numpy", "sklearn", "pandas", "tensorflow", "keras")
    code = f"import sys, dlkit.data.sources.{name}; print([m for m in {heavy} if m in sys.modules])"
    told = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=FOLDER.parents[2]
    )
    assert told.stdout.strip() == "[]"


def test_facts_are_what_was_declared(whole: Splits, declared: DataFacts) -> None:
    facts = measure(whole, declared, BATCH)
    assert facts.features == dict(declared.features)
    assert facts.targets == dict(declared.targets)


def test_declared_facts_leave_nothing_open(declared: DataFacts) -> None:
    assert any(target.default for target in declared.targets.values())
    for feature in declared.features.values():
        assert feature.shape is not None
        assert feature.kind != "vector" or feature.columns
    for target in declared.targets.values():
        assert target.kind != "classes" or (target.labels and target.classes == len(target.labels))
        assert target.dtype == {"classes": "int32", "number": "float32"}[target.kind]


def test_every_class_occurs_in_every_split_and_values_are_finite(cut: Any, declared: DataFacts) -> None:
    for part in cut().named().values():
        for target, values in part.targets.items():
            if declared.targets[target].classes:
                assert len(np.unique(values)) == declared.targets[target].classes
        for values in (*part.features.values(), *part.targets.values()):
            assert np.isfinite(values).all()


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
    monkeypatch.setattr("dlkit.data.load._call", lambda source, arguments: rows)
    made = cut().named()
    assert set(made) == {"train", "validation", "test"}
    every = np.concatenate([part.features["row"] for part in made.values()])
    assert np.array_equal(np.sort(every), np.arange(sum(len(part) for part in whole.named().values())))
    if whole.test is not None:
        assert np.array_equal(made["test"].features["row"], rows.test.features["row"])  # type: ignore[union-attr]


def test_the_split_is_the_seeds(cut: Any) -> None:
    first, again, other = (fingerprint(cut(seed=seed, limit=300)) for seed in (1, 1, 2))
    assert first == again != other


def test_limit_cuts_training_and_validation_never_test(cut: Any) -> None:
    whole, few = cut(), cut(limit=60)
    assert len(few.train) == 60
    assert len(few.validation) == round(60 * len(whole.validation) / len(whole.train))
    assert fingerprint(Splits(few.test)) == fingerprint(Splits(whole.test))


def test_the_fingerprint_is_stable_and_every_value_counts(cut: Any) -> None:
    splits = cut(limit=100)
    before = fingerprint(splits)
    assert before == fingerprint(cut(limit=100))
    for arrays in splits.named().values():
        for values in (*arrays.features.values(), *arrays.targets.values()):
            kept = values.flat[-1]
            values.flat[-1] = kept + 1
            assert fingerprint(splits) != before
            values.flat[-1] = kept
    assert fingerprint(splits) == before


def test_the_sizes_are_those_of_the_splits(cut: Any, declared: DataFacts) -> None:
    splits = cut()
    facts = measure(splits, declared, BATCH)
    assert facts.train_size == len(splits.train) and facts.test_size == len(splits.test)
    assert facts.steps_per_epoch == -(-len(splits.train) // BATCH)


@pytest.mark.parametrize("name", [name for name in NAMES if "columns" in declaration_of(name).spec.arguments])
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
    write_cifar100(tmp_path)
    declared = read_facts(*(declaration_of("cifar100").declared[role] for role in ("features", "targets")))
    splits = load("cifar100", {"path": str(tmp_path), "label_mode": "coarse"}, declared=declared, seed=1)
    (label,) = measure(splits, declared, BATCH).targets.values()
    assert label.classes == 20 and label.labels is not None and label.labels[-1] == "vehicles_2"
