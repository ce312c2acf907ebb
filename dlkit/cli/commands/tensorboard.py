"""dlkit tensorboard: the curves of runs in a browser."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from dlkit.cli.app import command
from dlkit.cli.options import RunsDir
from dlkit.cli.output import Output
from dlkit.errors import DlkitError

_ADDRESS = re.compile(r"^TensorBoard \S+ at (http\S+)")


@command(
    "Runs",
    "dlkit tensorboard",
    "dlkit tensorboard latest --port 6007",
    "dlkit tensorboard digits/cnn fashion_mnist/mlp",
)
def tensorboard(
    out: Output,
    runs: Annotated[
        list[str] | None,
        typer.Argument(metavar="RUN", help="Runs to show; all of them where none is named.", show_default=False),
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(
            metavar="PORT", min=0, max=65535, help="The port to listen on; a free one from 6006 on otherwise."
        ),
    ] = None,
    host: Annotated[
        str, typer.Option(metavar="HOST", help="The address to listen on; 0.0.0.0 for every one.")
    ] = "localhost",
    runs_dir: RunsDir = None,
) -> None:
    """Shows the curves of runs in a browser."""
    from dlkit.runs.find import find_run, runs_root

    root = runs_root(runs_dir)
    if port:
        _refuse_taken(host, port)
    folders = [find_run(name, root).path for name in runs or ()]
    where = _named(folders, root) if folders else _all(root)
    listen = ["--host", host, *(["--port", str(port)] if port is not None else [])]
    _serve(out, [*where, *listen])


def _refuse_taken(host: str, port: int) -> None:
    """TensorBoard would say so as well, after the seconds that it takes to start."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            tried.bind(address)
    except OSError as error:
        cure = "Choose another with --port, or leave it out: a free one is taken then."
        message = f"Cannot listen on port {port} of {host}: {error.strerror}"
        raise DlkitError(message, cure, "port-unavailable") from error


def _all(root: Path) -> list[str]:
    if next(root.rglob("*.tfevents.*"), None) is None:
        raise DlkitError(
            f"There is nothing to show: no run in {root} has event files.",
            "Train a recipe, or name the folder of the runs with --runs-dir.",
            "nothing-to-show",
        )
    return ["--logdir", str(root)]


def _named(folders: list[Path], root: Path) -> list[str]:
    for folder in folders:
        if next(folder.rglob("*.tfevents.*"), None) is None:
            raise DlkitError(f"There is nothing to show: {folder} has no event files.", code="nothing-to-show")
    if len(folders) == 1:
        return ["--logdir", str(folders[0])]
    specification = ",".join(f"{_short(folder, root)}:{folder}" for folder in folders)
    if specification.count(",") >= len(folders):
        raise DlkitError("TensorBoard cannot show several runs one of which has a comma in its path.", "Show one.")
    return ["--logdir_spec", specification]


def _short(folder: Path, root: Path) -> str:
    return folder.relative_to(root).as_posix() if folder.is_relative_to(root) else folder.name


def _serve(out: Output, arguments: list[str]) -> None:
    """Runs TensorBoard until it is interrupted.

    Raises:
        DlkitError: It ended by itself.
        Interrupted: By SIGTERM; Ctrl-C is how it is meant to end.
    """
    from dlkit.cli.start import is_noise
    from dlkit.training.interruption import Interrupted

    out.say("Starting TensorBoard ...")
    command_line = [sys.executable, "-m", "tensorboard.main", *arguments]
    environment = {"TF_CPP_MIN_LOG_LEVEL": "2", **os.environ}
    process = subprocess.Popen(command_line, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment)
    assert process.stdout is not None
    said: list[str] = []
    try:
        for raw in process.stdout:
            line = raw.decode(errors="replace").rstrip()
            if is_noise(raw) or not line:
                continue
            said.append(line)
            found = _ADDRESS.match(line)
            if found:
                out.say(f"TensorBoard is at {found[1]} (Ctrl-C ends it)")
                out.result({"url": found[1]})
    except KeyboardInterrupt as interruption:
        process.terminate()
        process.wait()
        if isinstance(interruption, Interrupted):
            raise
    else:
        raise DlkitError("TensorBoard ended:\n" + "\n".join(said[-10:]), code="tensorboard-failed")
