"""TensorFlow's record files, of `tf.train.Example`s."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from dlkit.data.arrays import Arrays, Splits, Values
from dlkit.data.reading.kinds import read_feature, read_target
from dlkit.data.reading.picture_column import CHANNELS
from dlkit.data.reading.problems import Problems
from dlkit.data.reading.record_schema import Entry, read_schema
from dlkit.data.reading.records import find_files, read_records
from dlkit.data.reading.stored_pictures import stored_pictures
from dlkit.data.reading.values import Found, decoded
from dlkit.errors import DlkitError
from dlkit.recipe.diagnostics import did_you_mean, listing
from dlkit.recipe.facts import DataFacts, Feature, Target
from dlkit.recipe.registry import register

if TYPE_CHECKING:
    import numpy as np
    import tensorflow as tf

_MEND = "mend the records, or what the recipe says of them"
# What a list of an Example holds, by the name of its field.
_LISTS = {"bytes_list": "bytes", "float_list": "floats", "int64_list": "integers"}
# The lists that an entry of a kind may be in.
_HELD = {
    **dict.fromkeys(("image", "text"), ("bytes_list",)),
    **dict.fromkeys(("vector", "number"), ("float_list", "int64_list")),
    **dict.fromkeys(("sequence", "multi_label"), ("int64_list",)),
    "classes": ("int64_list", "bytes_list"),
}
_SINGLE = ("image", "text", "classes")

# A file, and its records or their number.
Records = list[tuple[Path, list[bytes]]]
Counts = list[tuple[Path, int]]


@register(kind="source")
def tfrecord(
    path: Path,
    features: dict[str, dict[str, Any]],
    targets: dict[str, dict[str, Any]] | None = None,
    compression: Literal["gzip", "zlib"] | None = None,
) -> Splits:
    """TensorFlow's record files of `tf.train.Example`s, with what the recipe says their entries are.

    Each feature and target has a `kind`, and a `key`, the name of its entry in the records, where that is another:
    `features: {image: {kind: image, key: image/encoded, size: [32, 32]}}`,
    `targets: {label: {kind: classes, key: image/class/label, labels: [cat, dog]}}`.
    Pictures are kept as they are in the records, and decoded when a batch asks for them.

    Args:
        path: A file, a folder, or a pattern with `*`. Of several files, a word of the name of a file or of its folder
            tells its split: `train`, `validation` (`val`), `test`; without such words all are for training.
        features: By name. Kinds: `image` (`size`, to which pictures are resized; `color`: `rgb` or `grayscale`), `vector`
            (`columns`, the names of its numbers), `number`, `text`, `sequence` of tokens (`length`, to which it is cut
            or padded with 0).
        targets: By name. Kinds: `classes` (`classes`, their number, or `labels`, their names), `multi_label` of 0 and 1
            (`labels`), `number`, `sequence` of tokens (`length`, `labels`).
        compression: Of the files.

    Raises:
        DlkitError: There are no such files; a file or a record is damaged; an entry is missing, or of another type or
            length than the others. File and record are named.
    """
    entries = [*read_schema("features", features), *read_schema("targets", targets or {})]
    _check_names(features, targets or {})
    problems = Problems()
    found: dict[str, Records] = {}
    for split, files in find_files(str(path)).items():
        found[split] = []
        for file in files:
            with problems.noted():
                found[split].append((file, read_records(file, compression)))
    problems.raise_any()
    lists = _lists(entries, found)
    columns: dict[str, dict[str, Any]] = {entry.name: {} for entry in entries}
    for split, records in found.items():
        for name, values in _parsed(entries, lists, records, problems).items():
            columns[name][split] = values
    problems.raise_any()
    counts = {split: [(file, len(content)) for file, content in records] for split, records in found.items()}
    return _splits(entries[: len(features)], entries[len(features) :], columns, counts)


def _check_names(features: Mapping[str, Any], targets: Mapping[str, Any]) -> None:
    both = [name for name in features if name in targets]
    if both:
        raise DlkitError(f"{listing(both)} cannot be both a feature and a target", "give each a name of its own")
    if not features:
        raise DlkitError("`data.source.tfrecord.features` names no feature", "name one at least")


# Parsing


def _lists(entries: Sequence[Entry], found: Mapping[str, Records]) -> dict[str, tuple[str, int]]:
    """The list that each entry is in, and its length, by the first record: the others are held against it."""
    file, records = next(iter(found.values()))[0]
    first = _fields(records[0], f"{file}: record 1")
    made = {}
    for entry in entries:
        if entry.kind == "sequence" and first.get(entry.key, ("", 0))[0] in ("", "int64_list"):
            made[entry.name] = ("int64_list", -1)  # an empty list may be left out
            continue
        if entry.key not in first:
            cure = did_you_mean(entry.key, first, otherwise=f"it has {listing(first)}")
            raise DlkitError(f"{file}: record 1 has no entry `{entry.key}`, which `{entry.place}` asks for", cure)
        held, length = first[entry.key]
        allowed = _HELD[entry.kind]
        if held not in allowed:
            raise DlkitError(
                f"{file}: record 1 holds {_LISTS.get(held, 'nothing')} in `{entry.key}`, and no {entry.kind} "
                f"({' or '.join(_LISTS[name] for name in allowed)})",
                f"correct the kind of `{entry.place}`",
            )
        if entry.columns is not None and len(entry.columns) != length:
            raise DlkitError(
                f"{file}: record 1 holds {length} values in `{entry.key}`, and `{entry.place}` names "
                f"{len(entry.columns)} columns",
                "name each value",
            )
        made[entry.name] = (held, 1 if entry.kind in _SINGLE else length)
    return made


def _fields(record: bytes, place: str) -> dict[str, tuple[str, int]]:
    """The entries of a record: the list that each is in, and its length."""
    import tensorflow as tf
    from google.protobuf.message import DecodeError

    try:
        features = tf.train.Example.FromString(record).features.feature
    except DecodeError:
        raise DlkitError(f"{place} is no tf.train.Example", _MEND) from None
    made = {}
    for key, feature in sorted(features.items()):
        held = feature.WhichOneof("kind") or ""
        made[key] = (held, len(getattr(feature, held).value) if held else 0)
    return made


def _parsed(
    entries: Sequence[Entry], lists: Mapping[str, tuple[str, int]], records: Records, problems: Problems
) -> dict[str, Any]:
    """The values of every entry: arrays, or ragged tensors of sequences."""
    import tensorflow as tf

    wanted = {entry.key: _spec(*lists[entry.name]) for entry in entries}
    parts = []
    for file, content in records:
        try:
            parts.append(tf.io.parse_example(content, wanted))
        except tf.errors.InvalidArgumentError:
            _find_problems(file, content, entries, lists, problems)
    if problems.found:
        return {}
    return {entry.name: tf.concat([part[entry.key] for part in parts], 0) for entry in entries}


def _spec(held: str, length: int) -> tf.io.FixedLenFeature | tf.io.RaggedFeature:
    import tensorflow as tf

    dtype = {"bytes_list": tf.string, "float_list": tf.float32, "int64_list": tf.int64}[held]
    if length < 0:
        return tf.io.RaggedFeature(dtype)
    return tf.io.FixedLenFeature([] if length == 1 else [length], dtype)


def _find_problems(
    file: Path,
    records: Sequence[bytes],
    entries: Sequence[Entry],
    lists: Mapping[str, tuple[str, int]],
    problems: Problems,
) -> None:
    """Notes the records of a file that are not as the first one is."""
    before = len(problems.found)
    for number, record in enumerate(records, 1):
        with problems.noted():
            fields = _fields(record, f"{file}: record {number}")
            for entry in entries:
                (held, length), there = lists[entry.name], fields.get(entry.key)
                place = f"{file}: record {number}"
                if length < 0 and (there is None or not there[1]):
                    continue
                if there is None:
                    problems.add(f"{place} has no entry `{entry.key}`", _MEND)
                elif there[0] != held:
                    told = f"{_LISTS.get(there[0], 'nothing')} in `{entry.key}`, where {_LISTS[held]} are expected"
                    problems.add(f"{place} holds {told}", _MEND)
                elif length not in (-1, there[1]):
                    told = f"{there[1]} values in `{entry.key}`, where {length} are expected"
                    problems.add(f"{place} holds {told}", _MEND)
    if len(problems.found) == before:
        problems.add(f"{file}: TensorFlow cannot read its records as the recipe says", _MEND)


# Columns


def _splits(
    features: Sequence[Entry],
    targets: Sequence[Entry],
    columns: Mapping[str, dict[str, Any]],
    counts: Mapping[str, Counts],
) -> Splits:
    problems = Problems()
    arrays: dict[str, dict[str, Values]] = {}
    known: dict[str, Feature] = {}
    goals: dict[str, Target] = {}
    for entry in features:
        with problems.noted():
            arrays[entry.name], known[entry.name] = _feature(entry, columns[entry.name], counts)
    for entry in targets:
        with problems.noted():
            made = _found(entry, columns[entry.name], counts)
            arrays[entry.name], goals[entry.name] = read_target(made, entry.kind, entry.labels)
    problems.raise_any()
    parts = {
        split: Arrays({name: arrays[name][split] for name in known}, {name: arrays[name][split] for name in goals})
        for split in counts
    }
    return Splits(parts["train"], parts.get("validation"), parts.get("test"), DataFacts(known, goals))


def _feature(
    entry: Entry, column: Mapping[str, Any], counts: Mapping[str, Counts]
) -> tuple[dict[str, Values], Feature]:
    if entry.kind != "image":
        made, feature = read_feature(_found(entry, column, counts), entry.kind)
        return made, feature if entry.columns is None else replace(feature, columns=tuple(entry.columns))
    contents = {
        split: list(zip(_places(counts[split], entry.key), values.numpy().tolist(), strict=True))
        for split, values in column.items()
    }
    pictures, feature = stored_pictures(contents, entry.size, CHANNELS[entry.color], f"{entry.place}.size: {{}}")
    return dict(pictures), feature


def _places(counts: Counts, key: str) -> list[str]:
    """What messages call the entry of every record."""
    return [f"{file}: record {number}: {key}" for file, count in counts for number in range(1, count + 1)]


def _found(entry: Entry, column: Mapping[str, Any], counts: Mapping[str, Counts]) -> Found:
    """The values of an entry as arrays; sequences are padded to one length in all splits."""
    length = entry.length
    if entry.kind == "sequence" and length is None:
        length = max(int(values.bounding_shape(1)) for values in column.values())
        if not length:
            raise DlkitError(f"No record has anything in `{entry.key}`", f"correct the key of `{entry.place}`")
    arrays: dict[str, Values] = {
        split: _array(entry, values, length, counts[split]) for split, values in column.items()
    }
    return Found(arrays, {split: f"{_origin(files)}: {entry.key}" for split, files in counts.items()}, entry.name)


def _origin(files: Counts) -> Path:
    """The file; the folder, where there are several."""
    return files[0][0] if len(files) == 1 else files[0][0].parent


def _array(entry: Entry, values: Any, length: int | None, counts: Counts) -> np.ndarray:
    import numpy as np

    if entry.kind == "sequence":
        return values.to_tensor(0, shape=[None, length]).numpy()
    array = values.numpy()
    if array.dtype == object:
        return np.array(decoded(array.tolist(), _places(counts, entry.key)), object)
    return array[:, None] if entry.kind in ("vector", "multi_label") and array.ndim == 1 else array
