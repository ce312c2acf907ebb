"""Starting TensorFlow: with Keras on it, and without the lines that it logs as it is imported.

TF_CPP_MIN_LOG_LEVEL does not reach those lines, for they come before the log is set up. So a process of its own reads
standard error meanwhile and passes on what is not known as noise: it outlives a crash, and then tells its reason.
"""

from __future__ import annotations

import os
import re
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from typing import NoReturn

from dlkit.errors import DlkitError

_NOISE = re.compile(
    rb"^(WARNING: All log messages before absl::InitializeLog"
    rb"|I0000 "
    # There is no driver: a machine without a GPU. Other numbers tell of a GPU that does not work.
    rb"|E0000 .*failed call to cuInit: .*\(303\)"
    # TensorFlow's own build registers these twice (tensorflow#62075).
    rb"|[WE]0000 .*(Unable to register cu\w+ factory|computation placer already registered))"
)
_WAIT = "Starting TensorFlow ..."


def start_tensorflow(logical_devices: int | None = None) -> None:
    """Imports TensorFlow and Keras, and finds the devices.

    Args:
        logical_devices: Devices that the CPU is split into.

    Raises:
        DlkitError: KERAS_BACKEND names another backend (`wrong-backend`).
    """
    backend = os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    if backend != "tensorflow":
        raise DlkitError(
            f"KERAS_BACKEND is {backend!r}, and dlkit trains with TensorFlow.",
            "Unset it, or set KERAS_BACKEND=tensorflow.",
            "wrong-backend",
        )
    wanted = os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2") in ("0", "1")
    with nullcontext() if wanted or "tensorflow" in sys.modules else _quietly():
        import tensorflow as tf

        tf.config.list_physical_devices()
    if logical_devices:
        from dlkit.training.devices import set_logical_devices

        set_logical_devices(logical_devices)


@contextmanager
def _quietly() -> Iterator[None]:
    with _waiting(), _without_noise():
        yield


def is_noise(line: bytes) -> bool:
    """Whether a line that TensorFlow logs as it starts says nothing to anybody."""
    return _NOISE.match(line) is not None


@contextmanager
def _waiting() -> Iterator[None]:
    """Shows on a terminal that the seconds go to TensorFlow."""
    if not sys.stderr.isatty():
        yield
        return
    print(_WAIT, end="\r", file=sys.stderr, flush=True)
    try:
        yield
    finally:
        print(" " * len(_WAIT), end="\r", file=sys.stderr, flush=True)


@contextmanager
def _without_noise() -> Iterator[None]:
    sys.stderr.flush()
    stderr = os.dup(2)
    reading, writing = os.pipe()
    reader = os.fork()
    if reader == 0:
        os.close(writing)
        _pass_on(reading, stderr)
    os.close(reading)
    os.dup2(writing, 2)
    os.close(writing)
    try:
        yield
    finally:
        sys.stderr.flush()
        os.dup2(stderr, 2)
        os.close(stderr)
        os.waitpid(reader, 0)


def _pass_on(source: int, target: int) -> NoReturn:
    """Copies lines until nobody writes any more, then ends this process, whatever happens."""
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to both, and is the other one's to answer
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        with suppress(OSError), open(source, "rb") as lines:
            for line in lines:
                if not is_noise(line):
                    os.write(target, line)
    finally:
        os._exit(0)
