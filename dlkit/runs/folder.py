"""A run folder: its files, its state, its metrics."""

from __future__ import annotations

import dataclasses
import json
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dlkit.errors import DlkitError
from dlkit.runs import json_text
from dlkit.runs.atomic import remove_leftovers, writing
from dlkit.runs.lock import is_locked, locked
from dlkit.runs.status import State, Status, utc_now

STATUS = "status.json"
GROUP = "group.json"
MEMBERS = "members"


def new_folder(root: Path, recipe_name: str) -> Path:
    """Makes the folder of a run or a group of runs, named by the time in UTC and four random digits.

    Raises:
        DlkitError: If the folder cannot be made (`cannot-write`).
    """
    home = root / recipe_name
    with writing(home):
        home.mkdir(parents=True, exist_ok=True)
        while True:
            # Not from `random`, which a run seeds: two runs of one recipe would draw the same digits.
            path = home / f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"
            with suppress(FileExistsError):
                path.mkdir()
                return path


@dataclasses.dataclass(frozen=True, slots=True)
class RunFolder:
    """The folder of one run, ``runs/<recipe name>/<date-time-id>/`` or a group's ``members/NNNN/``.

    The properties are paths; the files need not exist (yet).
    """

    path: Path

    @classmethod
    def create(cls, root: Path, recipe_name: str) -> RunFolder:
        """Makes a new folder, named by the time in UTC and four random digits: names sort by time and never collide.

        Raises:
            DlkitError: If the folder cannot be made (`cannot-write`).
        """
        return cls(new_folder(root, recipe_name))

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def group(self) -> Path | None:
        """The folder of the group that the run is a member of, if it is one."""
        group = self.path.parent.parent
        return group if self.path.parent.name == MEMBERS and (group / GROUP).is_file() else None

    def root(self, recipe_name: str) -> Path:
        """The folder that holds the runs, as long as the run lies where it was made."""
        above = (self.group or self.path).parents
        return above[min(recipe_name.count("/") + 1, len(above) - 1)]

    @property
    def recipe(self) -> Path:
        return self.path / "recipe.yaml"

    @property
    def provenance(self) -> Path:
        return self.path / "provenance.json"

    @property
    def status(self) -> Path:
        return self.path / STATUS

    @property
    def metrics(self) -> Path:
        return self.path / "metrics.jsonl"

    @property
    def tensorboard(self) -> Path:
        return self.path / "tensorboard"

    @property
    def checkpoints(self) -> Path:
        return self.path / "checkpoints"

    @property
    def best_model(self) -> Path:
        return self.path / "best.keras"

    @property
    def last_model(self) -> Path:
        return self.path / "model.keras"

    @property
    def preprocessing(self) -> Path:
        return self.path / "preprocessing.json"

    @property
    def custom_layers(self) -> Path:
        return self.path / "custom_layers.py"

    def network(self, name: str) -> Path:
        """The file of a part of the best model."""
        return self.path / "networks" / f"{name}.keras"

    @property
    def evaluation(self) -> Path:
        return self.path / "evaluation.json"

    @property
    def report(self) -> Path:
        return self.path / "report.html"

    @property
    def figures(self) -> Path:
        return self.path / "figures"

    @property
    def exports(self) -> Path:
        return self.path / "exports"

    @property
    def log(self) -> Path:
        return self.path / "log.txt"

    @property
    def lock(self) -> Path:
        return self.path / ".lock"

    @contextmanager
    def running(self, workers: int = 1, seconds_before: float = 0.0) -> Iterator[Status]:
        """Locks the run and keeps its state: running, then finished, interrupted or failed as the block ends.

        A `KeyboardInterrupt`, and so `dlkit.training.interruption.Interrupted`, is an interruption; every other error
        is a failure, and its message goes into status.json. Errors pass on.

        Args:
            workers: Number of processes that train together.
            seconds_before: Time that earlier processes spent on what this one goes on from.

        Raises:
            DlkitError: If another process runs it (`run-in-use`).
        """
        with locked(self.lock):
            remove_leftovers(self.path)
            status = Status.of_this_process(workers, seconds_before)
            status.write(self.status)
            try:
                yield status
            except KeyboardInterrupt:
                self._note_end(state="interrupted")
                raise
            except Exception as error:
                told = error.message if isinstance(error, DlkitError) else f"{type(error).__name__}: {error}"
                self._note_end(state="failed", error=told)
                raise
            self.update_status(state="finished")

    def update_status(self, **changes: Any) -> None:
        """Writes status.json with some of the fields of `Status` changed."""
        status = dataclasses.replace(self.read_status(), updated=utc_now(), **changes)
        status.write(self.status)

    def read_status(self) -> Status:
        """What status.json says.

        Raises:
            DlkitError: If there is none, or none that dlkit wrote (`not-a-run`).
        """
        return Status.read(self.status)

    def state(self) -> State:
        """The state that status.json gives, or `killed` where that is `running` and nothing runs.

        Raises:
            DlkitError: As `read_status`.
        """
        state = self.read_status().state
        return "killed" if state == "running" and not is_locked(self.lock) else state

    def append_metrics(self, line: Mapping[str, Any]) -> None:
        """Appends one line to metrics.jsonl (see `json_text` for NaN and infinity).

        Raises:
            DlkitError: If it cannot be written (`cannot-write`).
        """
        with writing(self.metrics), self.metrics.open("a", encoding="utf-8") as file:
            file.write(json_text.dumps(dict(line)) + "\n")

    def sizes(self, *others: str | Path) -> dict[str, int]:
        """Bytes of the files that grow as the run goes on, by their names in the folder; those that exist.

        Args:
            *others: Files that grow besides metrics.jsonl, log.txt and the event files.
        """
        growing = [self.metrics, self.log, *self._event_files(), *map(Path, others)]
        return {os.path.relpath(path, self.path): path.stat().st_size for path in growing if path.is_file()}

    def cut_back(self, sizes: Mapping[str, int]) -> None:
        """Cuts the files that grow back to these sizes, and removes event files that are not among them.

        Raises:
            DlkitError: A file is shorter than it was (`damaged-file`), or cannot be written (`cannot-write`).
        """
        for path in (self.metrics, self.log, *self._event_files()):
            if os.path.relpath(path, self.path) not in sizes:
                path.unlink(missing_ok=True)
        for name, size in sizes.items():
            path = self.path / name
            if not path.is_file() or path.stat().st_size < size:
                raise DlkitError(f"{path} has lost what a state of the run counts on.", code="damaged-file")
            with writing(path):
                os.truncate(path, size)

    def _event_files(self) -> list[Path]:
        return [path for path in self.tensorboard.rglob("*") if path.is_file()]

    def read_metrics(self) -> list[dict[str, Any]]:
        """The lines of metrics.jsonl, oldest first, with NaN and infinity as floats.

        A last line without an end, which a kill has torn, is left out. Without a file there are no lines.

        Raises:
            DlkitError: If a whole line is not JSON (`damaged-file`).
        """
        try:
            text = self.metrics.read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return []
        whole_lines = text.split("\n")[:-1]
        return [self._metrics_line(line, number) for number, line in enumerate(whole_lines, start=1)]

    def _metrics_line(self, line: str, number: int) -> dict[str, Any]:
        try:
            return {key: json_text.number(value) for key, value in json.loads(line).items()}
        except (ValueError, AttributeError) as error:
            raise DlkitError(
                f"{self.metrics}:{number} is not a line of metrics: {error}", code="damaged-file"
            ) from error

    def _note_end(self, **changes: Any) -> None:
        # Where even this cannot be written (a full disk), the error that ended the run is the one to tell.
        with suppress(DlkitError):
            self.update_status(**changes)
