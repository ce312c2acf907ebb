"""The command line, as the tests call it, and hosts for it to run on."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
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


@pytest.fixture
def two_hosts() -> Iterator[tuple[str, str]]:
    """Two network namespaces with an address each, joined by a cable."""
    tool = shutil.which("ip")
    if tool is None or os.geteuid() != 0:
        pytest.skip("two hosts take `ip` (Debian's iproute2) and root")
    names = (f"dlkit-a-{os.getpid()}", f"dlkit-b-{os.getpid()}")

    def ip(*words: str) -> bool:
        return subprocess.run([tool, *words], capture_output=True, check=False).returncode == 0

    if not ip("netns", "add", names[0]):
        pytest.skip("this machine allows no network namespaces")
    try:
        ip("netns", "add", names[1])
        ip("link", "add", "va", "netns", names[0], "type", "veth", "peer", "name", "vb", "netns", names[1])
        for name, link, address in zip(names, ("va", "vb"), ("10.77.0.1/24", "10.77.0.2/24"), strict=True):
            ip("-n", name, "addr", "add", address, "dev", link)
            ip("-n", name, "link", "set", link, "up")
            ip("-n", name, "link", "set", "lo", "up")
        yield names
    finally:
        for name in names:
            ip("netns", "del", name)
