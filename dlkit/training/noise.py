"""Lines that libraries log to standard error past Python, and that say nothing to anybody.

A process of its own reads standard error meanwhile and passes the others on: it outlives a crash, and then tells its
reason. This file is its program, so it imports nothing of dlkit.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_NOISE = re.compile(
    rb"^(WARNING: All log messages before absl::InitializeLog"
    rb"|I0000 "
    # There is no driver: a machine without a GPU. Other numbers tell of a GPU that does not work.
    rb"|E0000 .*failed call to cuInit: .*\(303\)"
    # TensorFlow's own build registers these twice (tensorflow#62075).
    rb"|[WE]0000 .*(Unable to register cu\w+ factory|computation placer already registered)"
    # LiteRT's converter and its runtime.
    rb"|fully_quantize: \d+, inference_type: "
    rb"|INFO: Created TensorFlow Lite )"
)


def is_noise(line: bytes) -> bool:
    """Whether a line says nothing to anybody."""
    return _NOISE.match(line) is not None


@contextmanager
def without_noise() -> Iterator[None]:
    """Keeps such lines from standard error, that of native code included."""
    sys.stderr.flush()
    stderr = os.dup(2)
    # Started anew, not forked: other threads may hold locks. Without site-packages it is there in 20 ms.
    reader = subprocess.Popen([sys.executable, "-I", "-S", __file__], stdin=subprocess.PIPE, stderr=stderr)
    assert reader.stdin is not None
    os.dup2(reader.stdin.fileno(), 2)
    reader.stdin.close()
    try:
        yield
    finally:
        sys.stderr.flush()
        os.dup2(stderr, 2)
        os.close(stderr)
        reader.wait()


def _pass_on() -> None:
    """Copies lines from standard input to standard error until nobody writes any more."""
    for number in (signal.SIGINT, signal.SIGTERM):  # Ctrl-C goes to both processes, and is the other one's to answer
        signal.signal(number, signal.SIG_IGN)
    with suppress(OSError):
        for line in sys.stdin.buffer:
            if not is_noise(line):
                os.write(2, line)


if __name__ == "__main__":
    _pass_on()
