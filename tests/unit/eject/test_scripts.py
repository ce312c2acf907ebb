"""Scripts as text: formatted, clean, and with the data that dlkit loads."""

from __future__ import annotations

import ast
import gzip
import json
import shutil
import subprocess
import sys
import types
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from dlkit.errors import DlkitError
from dlkit.recipe.load import load
from dlkit.runs.folder import RunFolder
from dlkit.workflows.eject import eject
from dlkit.workflows.preparation import prepare

DENSE = {"sequential": ["Flatten", {"Dense": {"units": "$data.classes", "name": "out"}}]}


def recipe_of(source: Any, model: Any = DENSE, data: dict[str, Any] | None = None, **training: Any):
    return load(
        {
            "name": "test/ejected",
            "data": {"source": source, "batch_size": 4, **(data or {})},
            "model": model,
            "training": {"epochs": 1, **training},
        }
    )


def check_clean(script: str, folder: Path) -> None:
    path = folder / "ejected.py"
    path.write_text(script)
    for words in (["check"], ["format", "--check", "--line-length", "120"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *words, "--isolated", "--no-cache", path], capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr
    imports = [node for node in ast.walk(ast.parse(script)) if isinstance(node, ast.Import | ast.ImportFrom)]
    assert imports
    assert not any("dlkit" in ast.unparse(node) for node in imports)


def check_data(recipe: Any, script: str, *folder: Path) -> None:
    """That `load_data` of the script gives what dlkit loads."""
    module = types.ModuleType("ejected")
    sys.modules["ejected"], names = module, vars(module)  # where dataclasses look for what annotations name
    exec(compile(script, "ejected", "exec", dont_inherit=True), names)
    prepared = prepare(recipe)
    for made, theirs in zip(names["load_data"](*folder), prepared.raw.named().values(), strict=True):
        for ours, wanted in zip(made, (theirs.features, theirs.targets), strict=True):
            ours = ours if isinstance(ours, dict) else {next(iter(wanted)): ours}
            assert ours.keys() == wanted.keys()
            for name, values in wanted.items():
                assert ours[name].dtype == np.asarray(values).dtype
                np.testing.assert_array_equal(ours[name], np.asarray(values))


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"data.limit": 100, "data.validation": 30},
        {"data.limit": {"per_class": 5}, "data.test": 0.3},
        {"data.folds": {"fold": 2, "of": 3}},
        {"data.validation": 0, "training.best.monitor": "loss"},
        {"training.optimizer": {"Adam": {"use_ema": True}}},
        {"data.class_weight": "balanced", "data.shuffle": False, "training.steps_per_epoch": 3},
        {"data.augment": [{"pad_and_crop": {"padding": 1}}, {"RandomRotation": {"factor": 0.1}}]},
        {"data.augment": ["MixUp"], "training.strategy": "auto"},
        {
            "training.stages": [
                {"freeze": ["conv_block*"], "epochs": 2},
                {"name": "all", "unfreeze": ["*"], "epochs": 1},
            ]
        },
        {"training.callbacks": [{"EarlyStopping": {"monitor": "val_loss", "patience": 2}}, "TerminateOnNaN"]},
        {
            "training.precision": "mixed_bfloat16",
            "training.optimizer": {
                "SGD": {"learning_rate": {"warmup": {"learning_rate": 0.1, "warmup_steps": {"epochs": 1}}}}
            },
        },
    ],
    ids=str,
)
def test_a_script_is_clean_and_loads_what_dlkit_loads(settings, tmp_path):
    recipe = load("digits/cnn", settings, quick=True)
    script = eject(recipe)
    check_clean(script, tmp_path)
    check_data(recipe, script)


def test_all_folds_are_trained_by_one_script(tmp_path):
    script = eject(load("digits/cnn", {"data.folds": 3}, quick=True))
    check_clean(script, tmp_path)
    assert "FOLDS = 3" in script
    assert "for fold in range(1, FOLDS + 1):" in script
    names: dict[str, Any] = {"__name__": "ejected"}
    exec(compile(script, "ejected", "exec", dont_inherit=True), names)
    tested = np.concatenate([names["load_data"](fold)[-1][0] for fold in (1, 2, 3)])
    assert len(tested) == 1797


def test_a_saved_model_is_taken_from_its_run(tmp_path):
    import keras

    other = RunFolder.create(tmp_path, "test/other")
    inputs = keras.Input((8, 8, 1), dtype="uint8", name="image")
    middle = keras.layers.Flatten(name="features")(keras.layers.Rescaling(1 / 16)(inputs))
    with other.running():
        keras.Model(inputs, keras.layers.Dense(3)(middle)).save(other.best_model)
    taken = {f"run:{other.path}": {"layer": "features", "name": "backbone"}}
    model = {"sequential": [taken, {"Dense": {"units": "$data.classes"}}]}
    script = eject(recipe_of("digits", model), tmp_path)
    check_clean(script, tmp_path)
    assert 'saved_layer(backbone_file, layer="features", name="backbone")' in script
    names: dict[str, Any] = {"__name__": "ejected"}
    exec(compile(script, "ejected", "exec", dont_inherit=True), names)
    assert names["build_model"](other.best_model).count_params() == 64 * 10 + 10
    other.custom_layers.write_text("")
    with pytest.raises(DlkitError, match="classes of dlkit"):
        eject(recipe_of("digits", model), tmp_path)


@pytest.mark.parametrize(
    "name", ["logic/xor_mlp", "logic/mcculloch_pitts", "notes/three_six_six_one", "digits/residual"]
)
def test_recipes_without_files(name, tmp_path):
    recipe = load(name, quick=True)
    script = eject(recipe)
    check_clean(script, tmp_path)
    check_data(recipe, script)


@pytest.mark.parametrize(("separator", "decimal"), [(",", "."), (";", ",")])
def test_tables(tmp_path, separator, decimal):
    rows = [
        (str(n / 7).replace(".", decimal), "" if n % 5 else str(n), f'"{"a b"[n % 3]}, c"', ["no", "yes"][n % 2])
        for n in range(40)
    ]
    lines = ["size, weight ,kind,bought".replace(",", separator), "", *map(separator.join, rows)]
    (tmp_path / "t.csv").write_text("\n".join(lines))
    source = {"csv": {"path": str(tmp_path / "t.csv"), "target": "bought"}}
    if decimal == ",":
        source["csv"] |= {"separator": separator, "decimal": decimal}
    model = {
        "functional": {
            "inputs": ["numbers", "categories"],
            "layers": [
                {
                    "Embedding": {
                        "input_dim": "$data.features.categories.vocabulary_size",
                        "output_dim": 2,
                        "from": "categories",
                    }
                },
                {"Flatten": {"name": "flat"}},
                {"Concatenate": {"from": ["numbers", "flat"]}},
                {"Dense": {"units": 1}},
            ],
        }
    }
    prepared = {"numbers": ["impute", "Normalization"], "categories": ["lookup_columns"]}
    recipe = recipe_of(source, model, {"preprocess": prepared})
    script = eject(recipe)
    check_clean(script, tmp_path)
    check_data(recipe, script, tmp_path)


def test_a_table_with_strange_names_and_two_targets(tmp_path):
    rows = [f"{n / 7},w{n % 4} of {n},{n % 3},c{n % 2}" for n in range(40)]
    (tmp_path / "t.csv").write_text("\n".join(["size,the text,1st target,2nd target", *rows]))
    source = {
        "csv": {
            **{"path": str(tmp_path / "t.csv"), "target": ["1st target", "2nd target"]},
            **{"columns": {"1st target": "categorical", "the text": "text"}},
        }
    }
    model = {
        "functional": {
            "inputs": ["numbers", "the text"],
            "layers": [
                {"Embedding": {"input_dim": 60, "output_dim": 2, "from": "the text"}},
                {"Flatten": {"name": "flat"}},
                {"Concatenate": {"from": ["numbers", "flat"], "name": "all"}},
                {"Dense": {"units": 3, "name": "one", "from": "all"}},
                {"Dense": {"units": 2, "name": "other", "from": "all"}},
            ],
            "outputs": {"1st target": "one", "2nd target": "other"},
        }
    }
    prepared = {"the text": [{"TextVectorization": {"output_sequence_length": 3}}]}
    recipe = recipe_of(source, model, {"preprocess": prepared})
    script = eject(recipe)
    check_clean(script, tmp_path)
    check_data(recipe, script, tmp_path)


def test_no_name_stands_for_two_things():
    from dlkit.eject import script

    with pytest.raises(DlkitError, match="`SEED` would stand for two things"):
        script._check_names(ast.parse("SEED = 1\n\n\ndef a():\n    pass\n\n\nOTHER, SEED = 1, 2"))


@pytest.mark.parametrize("decimal", [".", ","])
def test_series_with_dates_and_gaps(tmp_path, decimal):
    days = np.arange("2001-01-01", "2001-03-01", dtype="datetime64[D]")
    warm = ["" if n in (5, 6) else f'"{n * 0.3}"'.replace(".", decimal) for n in range(len(days))]
    rows = [f"{day},{warm[n]},{-n}" for n, day in enumerate(days)]
    (tmp_path / "s.csv").write_text("day,warm,wet\n" + "\n".join(rows))
    source = {
        "time_series": {
            **{"path": str(tmp_path / "s.csv"), "history": 5, "horizon": 3, "target": "warm", "stride": 2, "offset": 1},
            **{"calendar": ["year_sin", "weekday"], "fill": "forward", "decimal": decimal},
        }
    }
    model = {"sequential": ["Flatten", {"Dense": {"units": 3}}]}
    recipe = recipe_of(source, model, {"preprocess": {"warm": ["Normalization"]}, "limit": 15})
    script = eject(recipe)
    check_clean(script, tmp_path)
    check_data(recipe, script, tmp_path)


def test_running_text(tmp_path):
    (tmp_path / "t.txt").write_bytes(("\ufeffÄ line.\r\nAnd another one! " * 40).encode())
    source = {"text_corpus": {"path": str(tmp_path / "t.txt"), "length": 8, "stride": 3}}
    model = {
        "sequential": [
            {"Embedding": {"input_dim": "$data.features.tokens.vocabulary_size", "output_dim": 4}},
            {"Dense": {"units": "$data.classes"}},
        ]
    }
    recipe = recipe_of(source, model)
    script = eject(recipe)
    check_clean(script, tmp_path)
    check_data(recipe, script, tmp_path)


def test_pictures_of_some_classes_in_an_archive(tmp_path, monkeypatch):
    from dlkit.recipe.registry import find

    labels = find("source", "cifar10").declared["targets"]["label"]["labels"]
    draws = np.random.default_rng(1)
    (tmp_path / "cifar10").mkdir()
    with zipfile.ZipFile(tmp_path / "cifar10" / "cifar10-images.zip", "w") as archive:
        for split in ("train", "test"):
            for label in labels:
                for number in range(6):
                    path = tmp_path / "one.jpg"
                    Image.fromarray(draws.integers(0, 256, (32, 32, 3), np.uint8)).save(path)
                    archive.write(path, f"{split}/{label}/{number:04}.jpg")
    monkeypatch.setenv("DLKIT_DATA_DIR", str(tmp_path))
    recipe = recipe_of({"cifar10": {"classes": ["truck", "cat", "dog"]}})
    script = eject(recipe)
    check_clean(script, tmp_path)
    check_data(recipe, script, tmp_path)


@pytest.mark.parametrize("split", ["", "val"])
@pytest.mark.parametrize("settings", [{"size": [6, 5]}, {"size": [6, 5], "color": "grayscale"}], ids=str)
def test_pictures_in_a_folder_a_class(split, settings, tmp_path):
    draws = np.random.default_rng(1)
    for part in ("train", split) if split else ("",):
        for label in ("b c", "a"):
            folder = tmp_path / "pictures" / part / label
            folder.mkdir(parents=True)
            for number, (suffix, mode) in enumerate(
                [(".JPG", "RGB"), (".png", "RGBA"), (".png", "L"), (".bmp", "RGB")] * 4
            ):
                values = draws.integers(0, 256, (7 + number % 3, 6, 4), np.uint8)
                picture = Image.fromarray(values, "RGBA").convert(mode)
                turned = Image.Exif()
                turned[0x0112] = 1 + number % 8
                picture.save(folder / f"{number % 10} {number}{suffix}", exif=turned)
            Image.fromarray(draws.integers(0, 2**16, (6, 5), np.uint16)).save(folder / "deep.png")
            (folder / ".hidden.png").write_bytes(b"")
    recipe = recipe_of({"image_folder": {"path": str(tmp_path / "pictures"), **settings}})
    script = eject(recipe)
    check_clean(script, tmp_path)
    check_data(recipe, script, tmp_path)


def test_pictures_of_one_size_are_not_resized_and_an_archive_is_refused(tmp_path):
    for label in ("b", "a"):
        (tmp_path / "pictures" / label).mkdir(parents=True)
        for number in range(20):
            values = np.full((4, 4, 3), number, np.uint8)
            Image.fromarray(values).save(tmp_path / "pictures" / label / f"{number}.png")
    recipe = recipe_of({"image_folder": {"path": str(tmp_path / "pictures")}})
    script = eject(recipe)
    assert "read_class_folders(folder / path, CLASSES, 3)" in script
    check_clean(script, tmp_path)
    check_data(recipe, script, tmp_path)
    shutil.make_archive(str(tmp_path / "pictures"), "zip", tmp_path / "pictures")
    with pytest.raises(DlkitError, match="cannot be read by a script") as caught:
        eject(recipe_of({"image_folder": {"path": str(tmp_path / "pictures.zip")}}))
    assert caught.value.code == "cannot-eject"


@pytest.mark.parametrize("packed", [True, False])
def test_idx_files(packed, tmp_path, monkeypatch):
    draws = np.random.default_rng(1)
    (tmp_path / "fashion-mnist").mkdir()
    for split, size in (("train", 60), ("t10k", 20)):
        for kind, values in (
            ("images-idx3", draws.integers(0, 256, (size, 28, 28), np.uint8)),
            ("labels-idx1", np.arange(size, dtype=np.uint8) % 10),
        ):
            lengths = b"".join(length.to_bytes(4, "big") for length in values.shape)
            content = bytes([0, 0, 8, values.ndim]) + lengths + values.tobytes()
            name = f"{split}-{kind}-ubyte" + (".gz" if packed else "")
            (tmp_path / "fashion-mnist" / name).write_bytes(gzip.compress(content) if packed else content)
    monkeypatch.setenv("DLKIT_DATA_DIR", str(tmp_path))
    heads = {
        "functional": {
            "inputs": ["image"],
            "layers": [
                {"Flatten": {"name": "flat"}},
                {"Dense": {"units": 10, "name": "garment", "from": "flat"}},
                {"Dense": {"units": 5, "name": "group", "from": "flat"}},
            ],
            "outputs": {"garment": "garment", "group": "group"},
        }
    }
    labels = {"sequential": ["Flatten", {"Dense": {"units": "$data.classes", "activation": "sigmoid"}}]}
    for recipe in (
        recipe_of("fashion_mnist"),
        recipe_of("fashion_mnist", heads, {"targets": ["garment", "group"]}),
        recipe_of({"wardrobe": {"examples": 12, "test_examples": 5, "garments": [1, 2]}}, labels),
    ):
        script = eject(recipe)
        check_clean(script, tmp_path)
        check_data(recipe, script, tmp_path)
    with pytest.raises(DlkitError, match="stratified by `garment`"):
        eject(recipe_of("fashion_mnist", data={"targets": ["group"]}))


@pytest.mark.parametrize("published", [True, False])
def test_film_reviews(published, tmp_path, monkeypatch):
    if published:
        for split in ("train", "test"):
            for kind in ("neg", "pos"):
                folder = tmp_path / "aclImdb" / split / kind
                folder.mkdir(parents=True)
                for number in range(12):
                    (folder / f"{number}_7.txt").write_text(f" {split} {kind}<br />\n{number}\n")
    else:
        (tmp_path / "imdb").mkdir()
        rows = np.empty(20, object)
        rows[:] = [[1, 2, 1 + n % 3] for n in range(20)]
        arrays = {"x_train": rows, "y_train": np.arange(20) % 2, "x_test": rows[:8], "y_test": np.arange(8) % 2}
        np.savez(tmp_path / "imdb" / "imdb.npz", **arrays)
        (tmp_path / "imdb" / "imdb_word_index.json").write_text(json.dumps({"the": 1, "film": 2, "n'est": 3}))
    monkeypatch.setenv("DLKIT_DATA_DIR", str(tmp_path))
    model = {"sequential": [{"Embedding": {"input_dim": 20, "output_dim": 2}}, "Flatten", {"Dense": {"units": 1}}]}
    prepared = {"text": [{"TextVectorization": {"max_tokens": 20, "output_sequence_length": 4}}]}
    recipe = recipe_of("imdb", model, {"preprocess": prepared})
    script = eject(recipe)
    check_clean(script, tmp_path)
    check_data(recipe, script, tmp_path)


def test_drawn_pictures(tmp_path):
    captcha = {"captcha": {"examples": 20, "characters": "ab2", "length": [1, 2], "width": 40, "height": 20}}
    crnn = {
        "sequential": [
            {"crnn": {"filters": [4, 4], "convolutions": [1, 1], "units": [4]}},
            {"Dense": {"units": "$data.classes"}},
        ]
    }
    for recipe in (
        recipe_of(captcha, crnn, loss="CTC"),
        load("captions/show_and_tell", {"data.source.captions": {"examples": 12, "test_examples": 4, "size": 32}}),
    ):
        script = eject(recipe)
        check_clean(script, tmp_path)
        check_data(recipe, script)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"model.sequential": [{"MobileNetV2": {"weights": None, "input_shape": [32, 32, 3]}}]}, "`MobileNetV2`"),
        ({"data.augment": ["MixUp"], "data.class_weight": "balanced"}, "`data.class_weight`"),
        ({"data.preprocess": {"image": [{"Rescaling": {"scale": 2}}]}}, "`data.preprocess.image`"),
        (
            {
                "data.source": {"logic_gate": {"gate": "not", "copies": 9}},
                "model": DENSE,
                "data.features": {"a": ["a"]},
            },
            "`data.features`",
        ),
    ],
    ids=str,
)
def test_what_a_script_cannot_hold_is_refused(changes, told):
    with pytest.raises(DlkitError) as caught:
        eject(load("digits/cnn", changes))
    assert caught.value.code == "cannot-eject"
    assert told in caught.value.message
