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
    "dlkit tensorboard ~/copied/runs",
)
def tensorboard(
    out: Output,
    runs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="RUN",
            help="Runs, groups of runs, or folders of runs; all runs where none is named.",
            show_default=False,
        ),
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
    from dlkit.runs.find import runs_root

    root = runs_root(runs_dir)
    if port:
        _refuse_taken(host, port)
    folders = list({path.resolve(): path for path in (_found(name, root) for name in runs or ())}.values())
    where = _named(folders, root) if folders else _all(root)
    listen = ["--host", host, *(["--port", str(port)] if port is not None else [])]
    _serve(out, [*where, *listen])


def _found(reference: str, root: Path) -> Path:
    """The folder of a run, a group or several runs that a user means: a path, one below the root, or a part of a name.

    Raises:
        DlkitError: As `find_run`, or the folder holds no runs (`nothing-to-show`).
    """
    from dlkit.runs.find import all_runs, find_run, find_whole

    given, below = Path(reference).expanduser(), root / reference
    for path in (given, below) if root in below.parents else (given,):
        if reference and path.is_dir() and (all_runs(path) or _has_events(path)):
            return path
    try:
        return find_whole(reference, root).path
    except DlkitError as error:
        if error.code != "run-not-found":
            raise
    if given.is_dir():
        raise DlkitError(f"There is nothing to show: there is no run in {reference}.", code="nothing-to-show")
    return find_run(reference, root).path  # a member of a group


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


def _has_events(folder: Path) -> bool:
    return next(folder.rglob("*.tfevents.*"), None) is not None


def _all(root: Path) -> list[str]:
    if not _has_events(root):
        raise DlkitError(
            f"There is nothing to show: no run in {root} has event files.",
            "Train a recipe, or name the folder of the runs with --runs-dir.",
            "nothing-to-show",
        )
    return ["--logdir", str(root)]


def _named(folders: list[Path], root: Path) -> list[str]:
    for folder in folders:
        if not _has_events(folder):
            raise DlkitError(f"There is nothing to show: {folder} has no event files.", code="nothing-to-show")
    if len(folders) == 1:
        return ["--logdir", str(folders[0])]
    names = _names(folders, root)
    if any("," in f"{name}{folder}" or ":" in name for name, folder in zip(names, folders, strict=True)):
        message = "TensorBoard cannot show several runs one of which has a comma or a colon in its path."
        raise DlkitError(message, "Show one, or a folder that holds them all.")
    return ["--logdir_spec", ",".join(f"{name}:{folder}" for name, folder in zip(names, folders, strict=True))]


def _names(folders: list[Path], root: Path) -> list[str]:
    """What to call the folders: as they lie below the root; others by as much of their paths as tells them apart."""
    names: list[str] = []
    for parts in range(1, max(len(folder.resolve().parts) for folder in folders)):
        names = [_short(folder, root, parts) for folder in folders]
        if len(set(names)) == len(names):
            break
    return names


def _short(folder: Path, root: Path, parts: int) -> str:
    whole, above = folder.resolve(), root.resolve()
    if whole.is_relative_to(above) and whole != above:
        return whole.relative_to(above).as_posix()
    return "/".join(whole.parts[1:][-parts:])


def _serve(out: Output, arguments: list[str]) -> None:
    """Runs TensorBoard until it is interrupted.

    Raises:
        DlkitError: It ended by itself.
        Interrupted: By SIGTERM; Ctrl-C is how it is meant to end.
    """
    from dlkit.training.interruption import Interrupted
    from dlkit.training.noise import is_noise

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
