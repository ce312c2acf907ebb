"""How long the commands take that need no TensorFlow: whole processes, from start to end.

python scripts/benchmarks/startup.py [NUMBER OF PROCESSES]

The contract is half a second for each; nothing is asserted here, for the time depends on the machine.
"""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PROCESSES = 10
COMMANDS = (
    "--version",
    "--help",
    "train --help",
    "list",
    "show digits/cnn",
    "show digits/cnn --origin",
    "copy digits/cnn {folder}/{n}.yaml",
    "validate digits/cnn",
    "validate {wrong}",
    "schema",
    "runs",
)
WRONG = """\
name: Wrong Name
sed: 1
data: {source: digit, batch_size: 0}
model:
  sequential:
    - Flaten
    - Dense: {unit: 10}
training:
  epochs: many
  optimizer: {Adam: {learning_rat: 1e-3}}
"""


def milliseconds(words: list[str]) -> tuple[float, float]:
    """The time of one process, and of the processor in it: on a busy machine the one says little without the other."""
    began, processor_began = time.perf_counter(), _processor()
    subprocess.run([sys.executable, "-m", "dlkit", *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return 1000 * (time.perf_counter() - began), 1000 * (_processor() - processor_began)


def _processor() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Prints the table."""
    processes = int(sys.argv[1]) if len(sys.argv) > 1 else PROCESSES
    title = f"milliseconds, {processes} processes"
    print(f"{title:<36}{'min':>6}{'median':>8}{'max':>6}{'processor':>11}")
    with tempfile.TemporaryDirectory() as folder:
        wrong = Path(folder) / "wrong.yaml"
        wrong.write_text(WRONG, encoding="utf-8")
        for command in COMMANDS:
            calls = [command.format(folder=folder, wrong=wrong, n=n).split(" ") for n in range(processes)]
            times, processor = zip(*(milliseconds(words) for words in calls), strict=True)
            shown = f"dlkit {command.format(folder='.', wrong='wrong.yaml', n='mine')}"
            line = f"{shown:<36}{min(times):>6.0f}{statistics.median(times):>8.0f}{max(times):>6.0f}"
            print(f"{line}{statistics.median(processor):>11.0f}", flush=True)


if __name__ == "__main__":
    main()
