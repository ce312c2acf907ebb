"""What exact states cost, and how soon a resumed run goes on.

DLKIT_DATA_DIR=DIR python scripts/benchmarks/resume.py [cost | start]

Every measurement runs in a process of its own, in turn; ratios are taken within a round, and nothing is asserted.

- cost: the time of all epochs but the first, with states at the default interval, and without any; and what other work on the
  machine does not blur: the share of the time that the training itself spends in saving, and the time of a processor that the
  thread which writes takes, as a share. The first epoch's state is counted too.
- start: from the start of the process to the end of its first step, of `train`, and of `resume` in the middle of an epoch.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from training import Clock

ROUNDS = 3
CASES: dict[str, dict[str, Any]] = {
    "fashion_mnist/cnn": {"training.epochs": 3, "data.limit": 12_800},
    "adult/mlp": {"training.epochs": 30},
    "digits/cnn": {"training.epochs": 30},
}


def main() -> None:
    """Prints the tables that are asked for."""
    if sys.argv[1:2] == ["--child"]:
        CHILDREN[sys.argv[2]](*sys.argv[3:])
        return
    for name in sys.argv[1:] or TABLES:
        TABLES[name]()


def _child(*words: str) -> Any:
    told = subprocess.run(
        [sys.executable, __file__, "--child", *words], check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    return json.loads(told.stdout.splitlines()[-1])


def _train(recipe: str, saves: str) -> None:
    import dlkit
    from dlkit.training.checkpoints import Checkpoints
    from dlkit.training.saver import Saver

    if saves == "no":
        Saver.save = lambda *given: None  # type: ignore[method-assign]
        Saver.epoch_done = Saver.step_done = lambda *given: False  # type: ignore[method-assign]
    spent, save, write = [0.0, 0.0], Saver.save, Checkpoints._write

    def timed(*given: Any) -> None:
        began = time.perf_counter()
        save(*given)
        spent[0] += time.perf_counter() - began

    def timed_thread(self: Checkpoints, *given: Any) -> None:
        write(self, *given)
        spent[1] += self.spent

    Saver.save, Checkpoints._write = timed, timed_thread  # type: ignore[method-assign]
    clock = Clock()
    with tempfile.TemporaryDirectory() as folder:
        dlkit.train(dlkit.load(recipe, CASES[recipe]), runs_dir=Path(folder), display=clock)
    seconds = clock.ended[-1] - clock.ended[0]
    print(json.dumps([seconds, spent[0] / seconds, spent[1] / seconds]))


def _cost() -> None:
    print(f"\nSeconds of all epochs but the first, {ROUNDS} rounds, medians")
    print(f"{'':<22}{'with states':>12}{'without':>10}{'ratio':>8}{'saving':>10}{'writing':>10}")
    for recipe in CASES:
        rounds = [(_child("train", recipe, "yes"), _child("train", recipe, "no")) for _ in range(ROUNDS)]
        with_states, without = (statistics.median(each[side][0] for each in rounds) for side in (0, 1))
        ratio = statistics.median(a[0] / b[0] for a, b in rounds)
        saving, writing = (statistics.median(a[part] for a, _ in rounds) for part in (1, 2))
        print(f"{recipe:<22}{with_states:>12.2f}{without:>10.2f}{ratio:>8.3f}{saving:>10.4f}{writing:>10.4f}")


def _ends_after_a_step(began: float) -> None:
    """From now on, the first step ends the process, which then prints the seconds since it began."""
    from dlkit.training.steps import Steps

    step = Steps.__call__

    def once(self: Steps, iterator: Any) -> Any:
        is_run = self.first <= self.at < self.end
        logs = step(self, iterator)
        if is_run:
            float(logs["loss"])
            print(json.dumps(time.time() - began), flush=True)
            os._exit(0)
        return logs

    Steps.__call__ = once  # type: ignore[method-assign]


def _first_step(command: str, began: str, where: str) -> None:
    import dlkit
    from dlkit.runs.find import all_runs
    from dlkit.workflows.resume import resume

    recipe = "fashion_mnist/cnn"
    if command == "begin":
        settings = {**CASES[recipe], "training.stop_after": {"steps": 150}}
        dlkit.train(dlkit.load(recipe, settings), runs_dir=Path(where))
        print(0)
        return
    _ends_after_a_step(float(began))
    if command == "train":
        dlkit.train(dlkit.load(recipe, CASES[recipe]), runs_dir=Path(where))
    else:
        resume(all_runs(Path(where))[-1], ["training.stop_after=null"])


def _start() -> None:
    with tempfile.TemporaryDirectory() as kept:
        _child("first", "begin", "0", kept)
        rounds = []
        for _ in range(ROUNDS):
            with tempfile.TemporaryDirectory() as fresh:
                train = _child("first", "train", str(time.time()), fresh)
            rounds.append((_child("first", "resume", str(time.time()), kept), train))
    resumed, trained = (statistics.median(each[side] for each in rounds) for side in (0, 1))
    ratio = statistics.median(a / b for a, b in rounds)
    print(f"\nfashion_mnist/cnn, seconds to the end of the first step, {ROUNDS} rounds, medians")
    print(f"resume at step 51 of epoch 2: {resumed:.2f}, train: {trained:.2f}, ratio {ratio:.2f}")


CHILDREN: dict[str, Callable[..., None]] = {"train": _train, "first": _first_step}
TABLES: dict[str, Callable[[], None]] = {"cost": _cost, "start": _start}

if __name__ == "__main__":
    main()
