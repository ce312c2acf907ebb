"""The states of a run on disk: written beside the training, whole or not at all, checked when they are read.

A state is one file of `safetensors`, whose header holds as JSON what is no array, and a digest of everything. Beside it
lies best.keras as it was then, a further name of the same file where the file system can do that.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import time
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from dlkit.errors import DlkitError
from dlkit.runs.atomic import replacing, write_bytes, writing
from dlkit.runs.folder import RunFolder
from dlkit.training.state import Position, State

KEPT = 2
_FORMAT = "1"
_NAME = re.compile(r"stage-(\d+)-epoch-(\d+)-step-(\d+)")
_SUFFIX, _BEST = ".safetensors", ".best.keras"
_ARRAY = "array"  # key of what stands for an array in JSON
# What safetensors does not know is kept as these bits.
_AS_BITS = {
    "bfloat16": np.uint16,
    "float8_e4m3fn": np.uint8,
    "float8_e5m2": np.uint8,
    "int4": np.int8,
    "uint4": np.uint8,
}


@dataclass(frozen=True, slots=True)
class Saved:
    """A state with what belongs to it outside of the training.

    Args:
        state: The state.
        recipe: The recipe that was trained, as YAML.
        sizes: Bytes of the files of the run that grow, by their names in the run folder.
        has_best: Whether there was a best model.
        seconds: Time spent in training up to here.
    """

    state: State
    recipe: str
    sizes: Mapping[str, int]
    has_best: bool
    seconds: float = 0.0


class Checkpoints:
    """The states in the folder `checkpoints/` of a run.

    Args:
        run: The run folder.

    Attributes:
        spent: Seconds of a processor that the last state took to write, beside the training.
    """

    def __init__(self, run: RunFolder) -> None:
        self._run = run
        self._writer = ThreadPoolExecutor(1, "states")
        self._pending: Future[None] | None = None
        self.spent = 0.0

    @property
    def busy(self) -> bool:
        """Whether a state is still being written."""
        return self._pending is not None and not self._pending.done()

    def write(self, saved: Saved) -> None:
        """Begins to write a state; waits for the one before it.

        Raises:
            DlkitError: The one before could not be written (`cannot-write`).
        """
        self.wait()
        path = self._run.checkpoints / f"{name_of(saved.state.position)}{_SUFFIX}"
        with writing(path):
            path.parent.mkdir(exist_ok=True)
            if saved.has_best:
                # Now, not in the thread: the next epoch may bring a better one.
                _link(self._run.best_model, _best_beside(path))
        self._pending = self._writer.submit(self._write, path, saved)

    def wait(self) -> None:
        """Waits until the last state is on disk.

        Raises:
            DlkitError: It could not be written (`cannot-write`).
        """
        pending, self._pending = self._pending, None
        if pending is not None:
            pending.result()

    def close(self) -> None:
        """Waits for the last state, and ends the thread; what could not be written is not told any more."""
        self._writer.shutdown()

    def _write(self, path: Path, saved: Saved) -> None:
        began = time.thread_time()
        write_bytes(path, _to_bytes(saved))
        for old in states_of(self._run)[:-KEPT]:
            old.unlink(missing_ok=True)
        kept = {_best_beside(state) for state in states_of(self._run)} | {_best_beside(path)}
        for best in self._run.checkpoints.glob(f"*{_BEST}"):
            if best not in kept:
                best.unlink(missing_ok=True)
        self.spent = time.thread_time() - began


def name_of(position: Position) -> str:
    """The name of the state at a position; names sort as positions do."""
    return f"stage-{position.stage + 1:02d}-epoch-{position.epoch:05d}-step-{position.step:08d}"


def states_of(run: RunFolder) -> list[Path]:
    """The files of the states of a run, oldest first."""
    return sorted(path for path in run.checkpoints.glob(f"*{_SUFFIX}") if _NAME.fullmatch(path.stem))


def chosen_state(run: RunFolder, chosen: str | None) -> Path | None:
    """The state to resume from.

    Args:
        chosen: The name of a state, its file, or a unique part of it; None: the newest.

    Returns:
        None where the run has no state and none was chosen.

    Raises:
        DlkitError: No state is called so, or several are (`state-not-found`).
    """
    states = states_of(run)
    if chosen is None:
        return states[-1] if states else None
    found = [path for path in states if Path(chosen).name in (path.name, path.stem)]
    found = found or [path for path in states if chosen in path.stem]
    if len(found) != 1:
        names = ", ".join(path.stem for path in states)
        message = f"{'Several states have' if found else 'No state has'} {chosen!r} in the name."
        raise DlkitError(message, f"There are: {names}" if names else "The run has no states.", "state-not-found")
    return found[0]


def read_state(path: Path) -> Saved:
    """Reads a state.

    Raises:
        DlkitError: It cannot be read, or is not what was written (`damaged-state`); the cure names the one before it.
    """
    try:
        return _from_file(path)
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
        raise DlkitError(f"The state {path} cannot be read: {error}", _other_state(path), "damaged-state") from error


def restore_best(run: RunFolder, path: Path, saved: Saved) -> None:
    """Puts back best.keras as it was when the state was written.

    Raises:
        DlkitError: It is missing (`damaged-state`), or cannot be written.
    """
    if not saved.has_best:
        run.best_model.unlink(missing_ok=True)
        return
    if not _best_beside(path).is_file():
        message = f"{_best_beside(path)} is missing, which belongs to the state {path.stem}."
        raise DlkitError(message, _other_state(path), "damaged-state")
    with replacing(run.best_model) as temporary:
        shutil.copyfile(_best_beside(path), temporary)


def _other_state(path: Path) -> str | None:
    """Which state to go on from instead of a damaged one."""
    for other in sorted(path.parent.glob(f"*{_SUFFIX}"), reverse=True):
        if other.name < path.name and _NAME.fullmatch(other.stem):
            try:
                _from_file(other)
            except (OSError, ValueError, KeyError, TypeError, SafetensorError):
                continue
            return f"The one before it is whole: dlkit resume {path.parent.parent} --from {other.stem}"
    return "There is no other whole state before it: train the recipe anew."


def _best_beside(path: Path) -> Path:
    return path.with_name(path.name.removesuffix(_SUFFIX) + _BEST)


def _link(source: Path, target: Path) -> None:
    with replacing(target) as temporary:
        try:
            os.link(source, temporary)
        except OSError:  # a file system without links
            shutil.copyfile(source, temporary)


def _to_bytes(saved: Saved) -> bytes:
    arrays: dict[str, np.ndarray] = {}
    told = {
        "format": _FORMAT,
        "position": asdict(saved.state.position),
        "stop_training": saved.state.stop_training,
        "variables": _packed(dict(saved.state.variables), arrays),
        "callbacks": _packed(list(saved.state.callbacks), arrays),
        "generators": _packed(dict(saved.state.generators), arrays),
        "recipe": saved.recipe,
        "sizes": dict(saved.sizes),
        "has_best": saved.has_best,
        "seconds": saved.seconds,
    }
    text = json.dumps(told)
    return save(arrays, {"state": text, "sha256": _digest(text, arrays)})


def _from_file(path: Path) -> Saved:
    with safe_open(path, "np") as file:
        header = file.metadata() or {}
        arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  it is no mapping
    text = header["state"]
    if header["sha256"] != _digest(text, arrays):
        raise ValueError("its digest is another: it was changed after it was written")
    told = json.loads(text)
    if told["format"] != _FORMAT:
        raise ValueError(f"it is of format {told['format']}, written by another version of dlkit")
    state = State(
        Position(**told["position"]),
        _unpacked(told["variables"], arrays),
        [(name, kept) for name, kept in _unpacked(told["callbacks"], arrays)],
        _unpacked(told["generators"], arrays),
        told["stop_training"],
    )
    return Saved(state, told["recipe"], told["sizes"], told["has_best"], told["seconds"])


def _packed(tree: Any, arrays: dict[str, np.ndarray]) -> Any:
    """The tree as JSON has it; its arrays are put aside under a number."""
    match tree:
        case dict():
            return {key: _packed(value, arrays) for key, value in tree.items()}
        case list() | tuple():
            return [_packed(value, arrays) for value in tree]
        case np.ndarray():
            name, kept = f"{len(arrays):06d}", np.ascontiguousarray(tree).reshape(tree.shape)
            arrays[name] = kept.view(_AS_BITS.get(kept.dtype.name, kept.dtype))
            return {_ARRAY: name, "dtype": kept.dtype.name}
        case np.generic():
            return tree.item()
    return tree


def _unpacked(tree: Any, arrays: Mapping[str, np.ndarray]) -> Any:
    match tree:
        case {"array": str(name), "dtype": str(dtype)}:
            kept = arrays[name]
            return kept.view(getattr(ml_dtypes, dtype)) if dtype in _AS_BITS else kept
        case dict():
            return {key: _unpacked(value, arrays) for key, value in tree.items()}
        case list():
            return [_unpacked(value, arrays) for value in tree]
    return tree


def _digest(text: str, arrays: Mapping[str, np.ndarray]) -> str:
    digest = hashlib.sha256(text.encode())
    for name in sorted(arrays):
        digest.update(f"{name} {arrays[name].dtype} {arrays[name].shape}".encode())
        digest.update(np.ascontiguousarray(arrays[name]).tobytes())
    return digest.hexdigest()
