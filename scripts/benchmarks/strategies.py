"""Steps a second on one device, on two logical devices of the CPU, and with one and two processes.

DLKIT_DATA_DIR=DIR python scripts/benchmarks/strategies.py

The same recipe and the same batches each time; what two devices of one CPU show is what sharing costs, not what it gains.
Times are those of TensorBoard's events, the first epoch left out; in turn, ratios within a round, and nothing is asserted.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROUNDS = 2
EPOCHS = 4
RECIPE = [
    "fashion_mnist/cnn",
    "--set",
    f"training.epochs={EPOCHS}",
    "--set",
    "data.limit=6400",
    "--set",
    "data.validation=0",
]
RECIPE += ["--set", "training.best.monitor=loss", "--set", "training.callbacks=[]"]
CASES: dict[str, list[str]] = {
    "one device": [],
    "two logical devices": ["--logical-devices", "2"],
    "two processes": ["--workers", "2"],
}


def main() -> None:
    """Prints the table."""
    rounds = [{name: _steps_a_second(words) for name, words in CASES.items()} for _ in range(ROUNDS)]
    print(f"\n{RECIPE[0]}: steps a second, {ROUNDS} rounds, medians; ratio to one device")
    for name in CASES:
        rate = statistics.median(each[name] for each in rounds)
        ratio = statistics.median(each[name] / each["one device"] for each in rounds)
        print(f"{name:<22}{rate:>10.2f}{ratio:>8.2f}")


def _steps_a_second(words: list[str]) -> float:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "dlkit", "train", *RECIPE, *words, "--runs-dir", folder]
        subprocess.run(command, check=True, capture_output=True)
        events = EventAccumulator(str(next(Path(folder).rglob("tensorboard/train"))))
        events.Reload()
        times = [event.wall_time for event in events.Tensors("epoch_loss")]
    return 6400 / 128 * (EPOCHS - 1) / (times[-1] - times[0])


if __name__ == "__main__":
    main()
