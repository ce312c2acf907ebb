"""A search over Keras Tuner's own gRPC service, for workers in other processes and on other machines.

The messages carry numbers of 32 bits, so they only say which trial it is: its values stand in the journal, and its outcome
in its folder, which chief and workers share.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import grpc
import keras_tuner
from keras_tuner.src import protos
from keras_tuner.src.distribute.oracle_chief import OracleServicer
from keras_tuner.src.engine.trial import Trial as Message

from dlkit.errors import DlkitError
from dlkit.runs.atomic import write_json
from dlkit.runs.group import GroupFolder
from dlkit.tuning.median_rule import falls_behind
from dlkit.tuning.search import Search
from dlkit.tuning.trials import Outcome, Trial

OUTCOME = "outcome.json"
_FOLDER = "folder"  # a fixed entry of the space that workers are told
_BEAT_SECONDS = 10.0
_SILENT_SECONDS = 90.0  # after which a worker is taken for lost: nine beats
_ANSWER_SECONDS = 60.0
_JOIN_SECONDS = 300.0  # for a chief that has still to import TensorFlow


def write_outcome(folder: GroupFolder, number: int, outcome: Outcome) -> None:
    """Leaves the outcome of a trial where the chief looks for it."""
    write_json(folder.member(number).path / OUTCOME, asdict(outcome))


def read_outcome(folder: GroupFolder, number: int) -> Outcome | None:
    """The outcome of a trial that a worker left; None where there is none."""
    path = folder.member(number).path / OUTCOME
    return Outcome(**json.loads(path.read_text(encoding="utf-8"))) if path.exists() else None


class TrialTaken(BaseException):
    """The worker was taken for lost, and its trial given to another. Not an `Exception`: it is no failure of the trial."""


@dataclass(slots=True)
class Service:
    """Answers workers as an oracle of Keras Tuner's would, out of a search.

    Args:
        search: The search.
        folder: Of the sweep.
        scores: The objective after each epoch of a trial, as its folder tells.
        early_stop: After how many epochs a trial may be stopped by the median rule; None: never.
        noted: Told of each trial that is given out or ends.

    Attributes:
        error: What went wrong while a worker was answered: the search cannot go on.
    """

    search: Search
    folder: GroupFolder
    scores: Callable[[int], Sequence[float]]
    early_stop: int | None = None
    noted: Callable[[Trial, str], None] = lambda trial, worker: None
    error: Exception | None = None
    _heard: dict[str, float] = field(default_factory=dict)
    _sent_away: set[str] = field(default_factory=set)
    _of_ended: dict[int, Sequence[float]] = field(default_factory=dict)

    def get_space(self) -> keras_tuner.HyperParameters:
        told = keras_tuner.HyperParameters()
        told.Fixed(_FOLDER, str(self.folder.path.resolve()))
        return told

    def create_trial(self, worker: str) -> Message:
        with self._noting_errors():
            return self._next_trial(worker)

    def _next_trial(self, worker: str) -> Message:
        self._heard[worker] = time.monotonic()
        chosen = self.search.ask(worker)
        while isinstance(chosen, Trial) and (left := read_outcome(self.folder, chosen.number)):
            self.search.end(chosen.number, left)  # a chief that was killed did not hear of it
            chosen = self.search.ask(worker)
        if isinstance(chosen, Trial):
            self.noted(chosen, worker)
            return _message(str(chosen.number), "RUNNING")
        if chosen == "done":
            self._sent_away.add(worker)
        return _message("", "IDLE" if chosen == "wait" else "STOPPED")

    def update_trial(self, trial_id: str, metrics: Any, step: int = 0) -> Message:
        """Hears that an epoch has ended; the answer says whether the trial goes on."""
        number = int(trial_id)
        # With another seed, a trial is trained to its end: it is to be told how far scores spread.
        may_stop = self.early_stop is not None and self.search.trials[number].repeats is None
        behind = may_stop and self._is_behind(number, self.early_stop or 1)
        return _message(trial_id, "INVALID" if not self._beat(number) else "STOPPED" if behind else "RUNNING")

    def end_trial(self, told: Message) -> None:
        number = int(told.trial_id)
        with self._noting_errors():
            outcome = read_outcome(self.folder, number)
            if outcome is not None and self.search.trials[number].outcome is None:
                worker = self.search.given.get(number, "")
                self.search.end(number, outcome)
                self.noted(self.search.trials[number], worker)

    def get_trial(self, trial_id: str) -> Message:
        """Hears that a worker lives; the answer says whether the trial is still its own."""
        return _message(trial_id, "RUNNING" if self._beat(int(trial_id)) else "STOPPED")

    def silent_workers(self) -> list[str]:
        """The workers that have a trial and have not been heard of for long."""
        now = time.monotonic()
        return [worker for worker in set(self.search.given.values()) if now - self._heard[worker] > _SILENT_SECONDS]

    def wait_for_farewells(self, seconds: float) -> None:
        """Waits until all workers that were heard of lately know that nothing is left, but no longer than that."""
        deadline = time.monotonic() + seconds
        lately = {worker for worker, heard in self._heard.items() if deadline - heard < _SILENT_SECONDS}
        while lately - self._sent_away and time.monotonic() < deadline:
            time.sleep(0.1)

    @contextmanager
    def _noting_errors(self) -> Iterator[None]:
        """Keeps an error for the chief, which the worker would only hear of as one of its service."""
        try:
            yield
        except Exception as error:
            self.error = error
            raise

    def _beat(self, number: int) -> bool:
        worker = self.search.given.get(number)
        if worker is not None:
            self._heard[worker] = time.monotonic()
        return worker is not None

    def _is_behind(self, number: int, after: int) -> bool:
        for trial in self.search.outcomes:
            if trial.number not in self._of_ended and trial.score is not None:
                self._of_ended[trial.number] = self.scores(trial.number)
        direction = self.search.oracle.objective.direction
        return falls_behind(self.scores(number), list(self._of_ended.values()), direction, after)


def _message(trial_id: str, status: str) -> Message:
    return Message(keras_tuner.HyperParameters(), trial_id=trial_id, status=status)


class Server:
    """A context in which workers are answered.

    Args:
        service: What answers them.
        host: The address to be heard at; that of this machine alone where it is left out.

    Attributes:
        port: Where workers join.
    """

    def __init__(self, service: Service, host: str = "127.0.0.1", port: int = 0) -> None:
        # One thread: a search answers one after another.
        self._server = grpc.server(ThreadPoolExecutor(max_workers=1), options=[("grpc.so_reuseport", 0)])
        protos.get_service_grpc().add_OracleServicer_to_server(OracleServicer(service), self._server)
        try:
            self.port = self._server.add_insecure_port(f"{host}:{port}")
        except RuntimeError as error:
            raise DlkitError(
                f"Workers cannot be heard at {host}:{port}: {error}", "Choose another port.", "port-in-use"
            ) from error

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.stop(grace=1).wait()


class Chief:
    """The chief, as a worker speaks to it.

    Args:
        address: HOST:PORT.
        worker: What this worker is called, like no other.
    """

    def __init__(self, address: str, worker: str) -> None:
        self._address = address
        self._worker = worker
        self._stub = protos.get_service_grpc().OracleStub(grpc.insecure_channel(address))
        self._trial: str | None = None
        threading.Thread(target=self._beat, daemon=True).start()

    def folder(self) -> GroupFolder:
        """The folder of the sweep.

        Raises:
            DlkitError: The chief does not answer (`no-chief`), or its folder is not to be seen here (`not-shared`).
        """
        told = self._call("GetSpace", protos.get_service().GetSpaceRequest(), _JOIN_SECONDS)
        (fixed,) = told.hyperparameters.space.fixed_space
        path = Path(fixed.value.string_value)
        if not path.is_dir():
            raise DlkitError(
                f"The chief at {self._address} keeps the sweep in {path}, which this machine does not see.",
                "Keep the runs on a disk that all machines share, under the same path: --runs-dir, or DLKIT_RUNS_DIR.",
                "not-shared",
            )
        return GroupFolder(path)

    def ask(self) -> int | None:
        """The next trial, waiting for one where there is none yet; None: there is nothing left to do."""
        while True:
            asked = self._call("CreateTrial", protos.get_service().CreateTrialRequest(tuner_id=self._worker))
            status = Message.from_proto(asked.trial).status
            if status == "STOPPED":
                return None
            if status == "RUNNING":
                self._trial = asked.trial.trial_id
                return int(asked.trial.trial_id)
            time.sleep(0.5)

    def goes_on(self, epochs: int) -> bool:
        """Tells that an epoch of the trial has ended, and whether there is to be another.

        Raises:
            TrialTaken: It is another worker's by now.
        """
        service = protos.get_service()
        told = self._call("UpdateTrial", service.UpdateTrialRequest(trial_id=self._trial, metrics={}, step=epochs))
        status = Message.from_proto(told.trial).status
        if status == "INVALID":
            raise TrialTaken
        return bool(status == "RUNNING")

    def end(self) -> None:
        """Tells that the outcome of the trial lies in its folder."""
        trial, self._trial = self._trial, None
        assert trial is not None
        self._call("EndTrial", protos.get_service().EndTrialRequest(trial=_message(trial, "COMPLETED").to_proto()))

    def _beat(self) -> None:
        """Lets the chief know that this worker lives, as long as it has a trial."""
        while True:
            time.sleep(_BEAT_SECONDS)
            trial = self._trial
            if trial is not None:
                try:
                    self._call("GetTrial", protos.get_service().GetTrialRequest(trial_id=trial))
                except DlkitError:
                    return  # the training finds out by itself

    def _call(self, name: str, request: Any, seconds: float = _ANSWER_SECONDS) -> Any:
        try:
            return getattr(self._stub, name)(request, wait_for_ready=True, timeout=seconds)
        except grpc.RpcError as error:
            raise DlkitError(
                f"The chief at {self._address} does not answer: {error.code().name}.",
                "Look whether it runs; `dlkit tune --resume` goes on with its sweep.",
                "no-chief",
            ) from error
