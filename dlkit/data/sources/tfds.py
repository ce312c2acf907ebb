"""Data sets of tensorflow-datasets, an optional package.

Catalogue: https://www.tensorflow.org/datasets/catalog/overview
"""

from __future__ import annotations

import contextlib
import importlib.resources
import importlib.util
import os
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from dlkit.data.arrays import Arrays, Splits, Values
from dlkit.data.reading.kinds import read_feature, read_target
from dlkit.data.reading.places import data_folders, joined, nearest, places_of_path
from dlkit.data.reading.problems import Problems
from dlkit.data.reading.stored_pictures import stored_pictures
from dlkit.data.reading.values import Found, decoded
from dlkit.errors import DlkitError, missing_package
from dlkit.recipe.diagnostics import did_you_mean, listing
from dlkit.recipe.facts import DataFacts, Feature, Target
from dlkit.recipe.registry import Range, register

if TYPE_CHECKING:
    import numpy as np

# As tensorflow-datasets writes it, without what would run code that it downloads: `namespace:name`.
_NAME = re.compile(r"[a-zA-Z_]\w*(/[\w.+-]+)?(:\d+\.\d+\.(\d+|\*))?")
_SPLITS = ("train", "validation", "test")
_KINDS = ("image", "text", "number", "vector", "classes")
_BATCH = 512
# What it raises for a name, a configuration or a version that it does not have.
_UNKNOWN = (ValueError, AssertionError, KeyError, ImportError, OSError, RuntimeError)


@register(kind="source")
def tfds(
    name: str,
    path: Path | None = None,
    features: list[str] | None = None,
    targets: list[str] | None = None,
    splits: dict[str, str] | None = None,
    size: Annotated[tuple[int, int], Range(min=1)] | None = None,
) -> Splits:
    """A set of tensorflow-datasets, which must be installed (`dlkit[tfds]`): it is downloaded where it is not there yet.

    Of its features, images, texts, class labels, single numbers and tensors of fixed shape can be used; examples come in
    the order of its files.

    Args:
        name: As in `tfds.load`: `mnist`, `glue/sst2`, with a version `mnist:3.0.1`.
        path: The folder of tensorflow-datasets (its `data_dir`). Left out, `tensorflow_datasets` in `DLKIT_DATA_DIR` if
            there is one, else in the home folder.
        features: Those to learn from; left out, the input of the set's own `supervised_keys`, or all that can be used.
        targets: Those to predict; left out, the target of `supervised_keys`, or all class labels.
        splits: In the notation of tensorflow-datasets, as `{train: "train[:80%]", test: "train[80%:]"}`; left out, its
            `train`, `validation` and `test`.
        size: The height and width that all images are resized to. Without it all of them must have one size.

    Raises:
        DlkitError: The package is not installed, the set is not known, cannot be downloaded or is damaged, or a feature
            is not known or of a kind that cannot be used.
    """
    builder = _builder(_import(), name, path)
    chosen, goals = _roles(builder.info, features, targets, name)
    wanted = _splits(builder.info, splits, name)
    columns = {split: _read(builder, asked, [*chosen, *goals], name) for split, asked in wanted.items()}
    return _as_splits(builder.info, chosen, goals, columns, size, name)


# The package and the set


def _import() -> Any:
    # tensorflow-datasets 4.9 needs this backport to download, and asks for it on Python 3.8 only.
    if importlib.util.find_spec("importlib_resources") is None:
        sys.modules.setdefault("importlib_resources", importlib.resources)
    try:
        import tensorflow_datasets
    except ImportError as error:
        message = f"The source tfds needs tensorflow-datasets, which is not installed: {error}"
        raise missing_package(message, "tfds") from None
    return tensorflow_datasets


def _builder(tfds: Any, name: str, path: Path | None) -> Any:
    """The builder of a set that is there."""
    if not _NAME.fullmatch(name):
        raise DlkitError(
            f"`{name}` is no name of a set of tensorflow-datasets", "write `name`, `name/config` or `name:1.0.0`"
        )
    folder = _folder(path)
    try:
        builder = tfds.builder(name, data_dir=folder)
    except _UNKNOWN as error:
        known = tfds.list_builders(with_community_datasets=False)
        where = f" (nor is it in {folder})" if folder else ""
        raise DlkitError(
            f"tensorflow-datasets has no set `{name}`{where}: {str(error).strip().splitlines()[0]}",
            did_you_mean(name, known, otherwise="www.tensorflow.org/datasets/catalog lists them"),
            "unknown-data-set",
        ) from None
    if not builder.is_prepared():
        try:
            with contextlib.redirect_stdout(sys.stderr):  # where its progress belongs
                builder.download_and_prepare()
        except Exception as error:  # noqa: BLE001  # every set has code of its own that prepares it
            raise DlkitError(
                f"tensorflow-datasets cannot prepare `{name}` in {builder.data_dir}: {type(error).__name__}: {error}",
                "set `path` to a folder of tensorflow-datasets that has it, or look at the network and the disk",
                "data-not-found",
            ) from None
    return builder


def _folder(path: Path | None) -> str | None:
    if path is None:
        return next((str(folder) for folder in data_folders("tensorflow_datasets") if os.path.isdir(folder)), None)
    places = places_of_path(str(path))
    found = next((place for place in places if os.path.isdir(place)), None)
    if found is None:
        raise DlkitError(
            f"There is no folder {joined(places)}",
            nearest(places, "set `path` to a folder of tensorflow-datasets"),
            "data-not-found",
        )
    return str(found)


# Features


def _kind(tfds: Any, feature: Any) -> str | None:
    """The kind of a feature; None where it cannot be used."""
    import numpy as np

    made = tfds.features
    if type(feature) is made.Image:
        return "image" if feature.np_dtype == np.uint8 and feature.shape[-1] in (1, 3) else None
    if isinstance(feature, made.ClassLabel):
        return "classes"
    if isinstance(feature, made.Text):
        return "text"
    if not isinstance(feature, made.Tensor) or isinstance(feature, made.Audio) or None in feature.shape:
        return None
    if feature.np_dtype in (np.str_, np.object_, np.bytes_):
        return None if feature.shape else "text"
    return {0: "number", 1: "vector"}.get(len(feature.shape))


def _roles(
    info: Any, features: Sequence[str] | None, targets: Sequence[str] | None, name: str
) -> tuple[dict[str, str], dict[str, str]]:
    """The features and the targets to read, with their kinds."""
    tfds = _import()
    # Sorted: the package hands them over in another order in every process.
    kinds = {key: _kind(tfds, feature) for key, feature in sorted(info.features.items())}
    usable = {key: kind for key, kind in kinds.items() if kind and key.isidentifier()}
    source, goal = _supervised(info, usable)
    if targets is None:
        targets = [goal] if goal else [key for key, kind in usable.items() if kind == "classes"]
        targets = [key for key in targets if key not in (features or ())]
    if features is None:
        others = [key for key, kind in usable.items() if kind != "classes" and key not in targets]
        features = [source] if source and source not in targets else others
    for role, asked in (("features", features), ("targets", targets)):
        for key in asked:
            if key not in kinds:
                cure = did_you_mean(key, kinds, otherwise=f"it has {listing(kinds)}")
                raise DlkitError(f"`{role}`: the set `{name}` has no `{key}`", cure)
            allowed = ("classes", "number", "vector", "text") if role == "targets" else _KINDS
            if usable.get(key) not in allowed:
                told = str(info.features[key]).split("\n")[0]
                raise DlkitError(
                    f"`{role}`: `{key}` of `{name}` cannot be used: it is {told}", f"use {listing(usable)}"
                )
    both = [key for key in features if key in targets]
    if both or not features:
        told = f"{listing(both)} cannot be both a feature and a target" if both else f"`{name}` has no feature to use"
        raise DlkitError(told, f"name `features` and `targets`; it has {listing(kinds)}")
    return {key: usable[key] for key in features}, {key: usable[key] for key in targets}


def _supervised(info: Any, usable: Mapping[str, str]) -> tuple[str | None, str | None]:
    """The input and the target that the set itself names, where each is a single one that can be used."""
    keys: Any = info.supervised_keys or ()
    if len(keys) != 2 or not all(isinstance(key, str) and key in usable for key in keys):
        return None, None
    source, goal = keys
    return source, None if usable[goal] == "image" else goal


def _splits(info: Any, splits: Mapping[str, str] | None, name: str) -> dict[str, str]:
    if splits is None:
        wanted = {split: split for split in _SPLITS if split in info.splits}
    else:
        wanted = dict(splits)
        for split in wanted:
            if split not in _SPLITS:
                cure = did_you_mean(split, _SPLITS, otherwise=f"known are {listing(_SPLITS)}")
                raise DlkitError(f"`splits` of tfds: there is no split `{split}`", cure)
    if "train" not in wanted:
        raise DlkitError(
            f"`{name}` has no split to train on: it has {listing(info.splits)}",
            'say which, in the notation of tensorflow-datasets: `splits: {train: "test[:80%]"}`',
        )
    return {split: wanted[split] for split in _SPLITS if split in wanted}


# Reading


def _read(builder: Any, split: str, keys: Sequence[str], name: str) -> dict[str, np.ndarray]:
    """The values of a split by feature, in the order of its files; images as the bytes of theirs."""
    import numpy as np
    import tensorflow as tf

    tfds = _import()
    images = {
        key: tfds.decode.SkipDecoding() for key in keys if type(builder.info.features[key]) is tfds.features.Image
    }
    try:
        data = builder.as_dataset(
            split=split,
            shuffle_files=False,
            decoders=tfds.decode.PartialDecoding(dict.fromkeys(keys, True), decoders=images),
            read_config=tfds.ReadConfig(interleave_cycle_length=1, try_autocache=False),
        )
        batches = list(data.batch(_BATCH).as_numpy_iterator())
    except tf.errors.OpError as error:
        reason = re.sub(r"^\{\{.*\}\} | \[Op:.*", "", error.message, flags=re.DOTALL)
        raise DlkitError(
            f"The files of `{name}` in {builder.data_dir} are damaged: {reason}",
            "delete that folder, to have them made anew",
            "damaged-data",
        ) from None
    except (ValueError, AssertionError) as error:
        raise DlkitError(
            f"tensorflow-datasets cannot give `{split}` of `{name}`: {str(error).splitlines()[0]}",
            f"it has {listing(builder.info.splits)}",
        ) from None
    return {key: np.concatenate([batch[key] for batch in batches]) for key in keys}


def _as_splits(
    info: Any,
    features: Mapping[str, str],
    targets: Mapping[str, str],
    columns: Mapping[str, dict[str, np.ndarray]],
    size: Sequence[int] | None,
    name: str,
) -> Splits:
    problems = Problems()
    values: dict[str, dict[str, Values]] = {}
    known: dict[str, Feature] = {}
    goals: dict[str, Target] = {}
    for key, kind in features.items():
        with problems.noted():
            if kind == "image":
                contents = {split: list(_named(part[key], name, split, key)) for split, part in columns.items()}
                images, known[key] = stored_pictures(contents, size, info.features[key].shape[-1], "size: {}")
                values[key] = dict(images)
            else:
                values[key], known[key] = read_feature(
                    _found(columns, key, name), "number" if kind == "classes" else kind
                )
    for key, kind in targets.items():
        with problems.noted():
            labels = info.features[key].names if kind == "classes" else None
            asked = {"text": "classes", "vector": "number"}.get(kind, kind)
            values[key], goals[key] = read_target(_found(columns, key, name), asked, labels)
    problems.raise_any()
    parts = {
        split: Arrays({key: values[key][split] for key in known}, {key: values[key][split] for key in goals})
        for split in columns
    }
    return Splits(parts["train"], parts.get("validation"), parts.get("test"), DataFacts(known, goals))


def _named(contents: np.ndarray, name: str, split: str, key: str) -> list[tuple[str, bytes]]:
    return [(f"{name}: {key}[{row}] of {split}", content) for row, content in enumerate(contents.tolist())]


def _found(columns: Mapping[str, dict[str, np.ndarray]], key: str, name: str) -> Found:
    import numpy as np

    def texts(array: np.ndarray, place: str) -> np.ndarray:
        if array.dtype != object:
            return array
        return np.array(decoded(array.tolist(), (f"{place}[{row}]" for row in range(len(array)))), object)

    places = {split: f"{name}: {key} of {split}" for split in columns}
    return Found({split: texts(part[key], places[split]) for split, part in columns.items()}, places, key)
