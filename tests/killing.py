"""Killing a training at a chosen step in this process, and holding two runs against each other."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest

from dlkit.runs.folder import RunFolder
from dlkit.training.checkpoints import Saved, read_state, states_of
from dlkit.training.loop import Loop
from dlkit.workflows.run import Run


class Killed(BaseException):
    """The process is gone."""


def killer(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """What ends the training before a step of all its steps, or before a batch of an epoch's validation."""

    def kill_at(step: int | None = None, validation_of: int | None = None) -> None:
        begin, test_begin, seen = Loop.on_train_batch_begin, Loop.on_test_batch_begin, [0]

        def on_train_batch_begin(loop: Loop, batch: int, logs: Any = None) -> None:
            seen[0] += loop._steps.first <= batch
            if step is not None and seen[0] > step:
                raise Killed
            begin(loop, batch, logs)

        def on_test_batch_begin(loop: Loop, batch: int, logs: Any = None) -> None:
            if validation_of is not None and loop._epoch == validation_of:
                raise Killed
            test_begin(loop, batch, logs)

        monkeypatch.setattr(Loop, "on_train_batch_begin", on_train_batch_begin)
        monkeypatch.setattr(Loop, "on_test_batch_begin", on_test_batch_begin)

    monkeypatch.setattr(Loop, "on_train_batch_begin", Loop.on_train_batch_begin)  # put back after the test
    monkeypatch.setattr(Loop, "on_test_batch_begin", Loop.on_test_batch_begin)
    return kill_at


def assert_same(resumed: Run, whole: Run) -> None:
    """Holds that two runs left the same, but for what tells the time."""
    for name in ("metrics.jsonl", "evaluation.json", "log.csv"):
        one, other = (run.folder.path / name for run in (resumed, whole))
        assert one.exists() == other.exists()
        assert not one.exists() or one.read_bytes() == other.read_bytes(), name
    for name in ("best.keras", "model.keras", "own.keras"):
        if (whole.folder.path / name).exists():
            models = [keras.models.load_model(run.folder.path / name) for run in (resumed, whole)]
            for here, there in zip(*(model.get_weights() for model in models), strict=True):
                assert here.tobytes() == there.tobytes(), name
    assert_same_state(*(read_state(states_of(run.folder)[-1]) for run in (resumed, whole)))
    assert events(resumed.folder) == events(whole.folder)


def assert_same_state(one: Saved, other: Saved) -> None:
    assert one.has_best == other.has_best
    assert flat(dataclasses.asdict(one.state)) == flat(dataclasses.asdict(other.state))


def flat(tree: Any) -> Any:
    match tree:
        case dict():
            return {key: flat(value) for key, value in tree.items()}
        case list() | tuple():
            return [flat(value) for value in tree]
        case np.ndarray():
            return str(tree.dtype), tree.shape, tree.tobytes()
    return tree


def events(run: RunFolder) -> dict[str, list[Any]]:
    """What is in the event files."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.util.tensor_util import make_ndarray

    found: dict[str, list[Any]] = {}
    for folder in sorted({path.parent for path in run.tensorboard.rglob("events.*")}):
        told = EventAccumulator(str(folder), size_guidance={"tensors": 0})
        told.Reload()
        for tag in told.Tags()["tensors"]:
            if tag == "keras" or tag.startswith("_hparams_"):  # Keras's graph, which every process writes; the time
                continue
            values = [(event.step, make_ndarray(event.tensor_proto).tolist()) for event in told.Tensors(tag)]
            found[f"{folder.relative_to(run.tensorboard)}/{tag}"] = values
    return found
