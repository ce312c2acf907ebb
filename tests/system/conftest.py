"""The command line, as the tests call it."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from typing import Any

import pytest

from dlkit.cli.main import main


@dataclass(frozen=True)
class Answer:
    """What a command line gave."""

    status: int
    stdout: str
    stderr: str

    @property
    def json(self) -> dict[str, Any]:
        """The last line of standard output, which is the only one."""
        assert self.stdout.count("\n") == 1, self.stdout
        return json.loads(self.stdout)


@pytest.fixture(scope="session")
def dlkit() -> Callable[..., Answer]:
    """Answers the words after `dlkit`, in this process."""

    def answer(*words: object) -> Answer:
        with (
            redirect_stdout(io.StringIO()) as stdout,
            redirect_stderr(io.StringIO()) as stderr,
            pytest.raises(SystemExit) as ended,
        ):
            main([str(word) for word in words])
        return Answer(ended.value.code, stdout.getvalue(), stderr.getvalue())

    return answer
