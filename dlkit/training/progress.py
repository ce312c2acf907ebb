"""How a training shows its progress: two lines that stay in place on a terminal, plain lines elsewhere.

Nothing here knows Keras: `progress_callback` tells a display what happens, and a display only formats and writes.

On a terminal, and below it what stays of each epoch (values: training / validation):

    epoch  3/20 ━━━━━━━━━━━━━━━━━━━━━━ 234/469  12,345 images/s  8 s, run 4 min 10 s left
                loss 0.4123  accuracy 0.8512

    epoch  2/20  loss 0.5123 / 0.5567  accuracy 0.8012 / 0.7901  12 s  best
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TextIO

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from dlkit.runs.duration_text import duration

SECONDS_BETWEEN_REFRESHES = 0.2
SECONDS_BETWEEN_PLAIN_LINES = 30.0
_WIDEST = 100

Values = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Plan:
    """What is about to be trained.

    Args:
        epochs: Epochs at most.
        steps: Steps (batches) per epoch; None where the data do not tell.
        batch_size: Examples per step; None where the data do not tell.
        stage: Name of the stage of training.
        unit: What an example is, in the plural.
    """

    epochs: int
    steps: int | None
    batch_size: int | None
    stage: str
    unit: str = "examples"


class Display(Protocol):
    """What a training tells as it goes. Epochs count from 1; `values` is asked for only where it is shown."""

    def start(self, plan: Plan) -> None: ...

    def step(self, epoch: int, steps_done: int, values: Callable[[], Values]) -> None: ...

    def validating(self, steps_done: int) -> None: ...

    def epoch_done(self, epoch: int, values: Values, is_best: bool) -> None: ...

    def stopping(self) -> None:
        """A signal came. Called by its handler, so between any two lines of code."""

    def stop(self) -> None: ...


class Pace:
    """Speed and time left.

    The first step of a training traces the graph, so an epoch's speed is that of the steps after its first.

    Args:
        plan: What is trained.
        clock: Gives the time in seconds.
    """

    def __init__(self, plan: Plan, clock: Callable[[], float] = time.monotonic) -> None:
        self._plan = plan
        self._clock = clock
        self._epoch_began = clock()
        self._first: tuple[int, float] | None = None
        self._seconds_per_step: float | None = None
        self._seconds_per_epoch: float | None = None

    def epoch_began(self) -> None:
        self._epoch_began = self._clock()
        self._first = None

    def step(self, steps_done: int) -> None:
        """Notes that so many steps of the epoch are done."""
        if not steps_done:
            return
        now = self._clock()
        if self._first is None:
            self._first = steps_done, now
        elif steps_done > self._first[0]:
            self._seconds_per_step = (now - self._first[1]) / (steps_done - self._first[0])

    def epoch_done(self) -> float:
        """Seconds that the epoch took, with its validation."""
        self._seconds_per_epoch = self._clock() - self._epoch_began
        return self._seconds_per_epoch

    def examples_per_second(self) -> float | None:
        if not self._seconds_per_step or self._plan.batch_size is None:
            return None
        return self._plan.batch_size / self._seconds_per_step

    def epoch_left(self, steps_done: int) -> float | None:
        """Seconds until the last step of the epoch."""
        if self._seconds_per_step is None or self._plan.steps is None:
            return None
        return self._seconds_per_step * max(self._plan.steps - steps_done, 0)

    def run_left(self, epoch: int, epoch_left: float | None) -> float | None:
        """Seconds until the last epoch's end, where the epoch in hand, counted from 1, has `epoch_left` to go."""
        seconds = self._seconds_per_epoch
        if seconds is None and self._seconds_per_step is not None and self._plan.steps is not None:
            seconds = self._seconds_per_step * self._plan.steps
        if seconds is None or epoch_left is None:
            return None
        return epoch_left + seconds * (self._plan.epochs - epoch)


def display_for(stream: TextIO | None = None) -> Display:
    """The display that suits the stream (standard error unless given): live on a terminal, else plain lines."""
    console = Console(file=stream or sys.stderr)
    if console.is_terminal and not console.is_dumb_terminal:
        return TerminalDisplay(console)
    return PlainDisplay(stream or sys.stderr)


class Displays:
    """Several displays at once, as a terminal and a log.

    Args:
        displays: Each is told everything.
    """

    def __init__(self, displays: Sequence[Display]) -> None:
        self._displays = displays

    def start(self, plan: Plan) -> None:
        for display in self._displays:
            display.start(plan)

    def step(self, epoch: int, steps_done: int, values: Callable[[], Values]) -> None:
        for display in self._displays:
            display.step(epoch, steps_done, values)

    def validating(self, steps_done: int) -> None:
        for display in self._displays:
            display.validating(steps_done)

    def epoch_done(self, epoch: int, values: Values, is_best: bool) -> None:
        for display in self._displays:
            display.epoch_done(epoch, values, is_best)

    def stopping(self) -> None:
        for display in self._displays:
            display.stopping()

    def stop(self) -> None:
        for display in self._displays:
            display.stop()


class PlainDisplay:
    """A line per epoch; in a long epoch, one about each half minute.

    Args:
        stream: Where the lines go.
        clock: Gives the time in seconds.
    """

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._clock = clock

    def start(self, plan: Plan) -> None:
        self._plan = plan
        self._pace = Pace(plan, self._clock)
        self._last_line = self._clock()
        self._write(headline(plan))

    def step(self, epoch: int, steps_done: int, values: Callable[[], Values]) -> None:
        if not steps_done:
            self._pace.epoch_began()
        self._pace.step(steps_done)
        if self._clock() - self._last_line >= SECONDS_BETWEEN_PLAIN_LINES:
            left = time_left(self._pace, epoch, steps_done)
            steps = step_count(self._plan, steps_done)
            self._write("  ".join([epoch_count(self._plan, epoch), steps, *pairs(values()), *left]))

    def validating(self, steps_done: int) -> None:
        pass

    def epoch_done(self, epoch: int, values: Values, is_best: bool) -> None:
        self._write("  ".join(epoch_parts(self._plan, epoch, values, self._pace.epoch_done(), is_best)))

    def stopping(self) -> None:
        pass

    def stop(self) -> None:
        pass

    def _write(self, line: str) -> None:
        print(line, file=self._stream, flush=True)
        self._last_line = self._clock()


class TerminalDisplay:
    """Two lines that stay in place, and one above them for each epoch that is done.

    It is drawn by the training itself, a few times a second: a thread of its own would contend for the interpreter.

    Args:
        console: A terminal.
        clock: Gives the time in seconds.
    """

    def __init__(self, console: Console, clock: Callable[[], float] = time.monotonic) -> None:
        self._console = console
        self._clock = clock
        self._live: Live | None = None

    def start(self, plan: Plan) -> None:
        self._plan = plan
        self._pace = Pace(plan, self._clock)
        self._last_refresh = -math.inf
        self._epoch = 1
        self._steps_done = 0
        self._values: Values = {}
        self._console.print(headline(plan), style="dim", highlight=False)
        self._live = Live(console=self._console, auto_refresh=False, transient=True)
        self._live.start()

    def step(self, epoch: int, steps_done: int, values: Callable[[], Values]) -> None:
        self._epoch, self._steps_done = epoch, steps_done
        if not steps_done:
            self._pace.epoch_began()
        self._pace.step(steps_done)
        if self._due():
            self._values = values() if steps_done else {}
            self._refresh(self._step_line(), "  ".join(pairs(self._values)))

    def validating(self, steps_done: int) -> None:
        if self._due():
            self._steps_done = self._plan.steps or self._steps_done
            self._refresh(self._step_line(), f"validating, {steps_done} steps done")

    def epoch_done(self, epoch: int, values: Values, is_best: bool) -> None:
        parts = epoch_parts(self._plan, epoch, values, self._pace.epoch_done(), is_best)
        lines = wrapped(parts, self._console.width)
        text = Text("\n".join(lines))
        text.highlight_regex(r"\bbest$", "bold green")
        self._console.print(text, highlight=False)

    def stopping(self) -> None:
        self.stop()
        self._console.print("Stopping after this step, then saving. Once more to stop at once.", style="yellow")

    def stop(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _due(self) -> bool:
        now = self._clock()
        if now - self._last_refresh < SECONDS_BETWEEN_REFRESHES:
            return False
        self._last_refresh = now
        return True

    def _refresh(self, line: RenderableType, below: str) -> None:
        if self._live is not None:
            indent = " " * (len(epoch_count(self._plan, self._epoch)) + 2)
            self._live.update(Group(line, Text(indent + below, no_wrap=True, overflow="ellipsis")), refresh=True)

    def _step_line(self) -> Table:
        rate = self._pace.examples_per_second()
        cells = [
            step_count(self._plan, self._steps_done),
            *([f"{rate:,.0f} {self._plan.unit}/s"] if rate else []),
            *time_left(self._pace, self._epoch, self._steps_done),
        ]
        table = Table.grid(padding=(0, 2, 0, 0), expand=True)
        table.width = min(self._console.width, _WIDEST)
        table.add_column(no_wrap=True)
        table.add_column(ratio=1)
        for _ in cells:
            table.add_column(no_wrap=True)
        table.add_row(epoch_count(self._plan, self._epoch), self._bar(), *cells)
        return table

    def _bar(self) -> ProgressBar:
        steps = self._plan.steps
        return ProgressBar(total=steps, completed=self._steps_done, pulse=steps is None)


def headline(plan: Plan) -> str:
    """What is about to happen: ``train: 20 epochs of 469 steps, 128 images each. Values: training / validation``."""
    steps = f" of {plan.steps:,} steps" if plan.steps else ""
    size = f", {plan.batch_size:,} {plan.unit} each" if plan.steps and plan.batch_size else ""
    return f"{plan.stage}: {plan.epochs:,} epochs{steps}{size}. Values: training / validation"


def epoch_count(plan: Plan, epoch: int) -> str:
    """``epoch  3/20``."""
    return f"epoch {epoch:>{len(str(plan.epochs))}}/{plan.epochs}"


def step_count(plan: Plan, steps_done: int) -> str:
    """``234/469``, or ``234`` where nobody knows how many there are."""
    return f"{steps_done:>{len(str(plan.steps))}}/{plan.steps}" if plan.steps else f"{steps_done} steps"


def epoch_parts(plan: Plan, epoch: int, values: Values, seconds: float, is_best: bool) -> list[str]:
    """What is told of an epoch that is done, part by part."""
    return [epoch_count(plan, epoch), *pairs(values), duration(seconds), *(["best"] if is_best else [])]


def pairs(values: Values) -> list[str]:
    """``loss 0.4123 / 0.4567`` for each metric, the total loss first.

    Left out: what is no single number, and the learning rate, which ReduceLROnPlateau puts among the metrics.
    """
    numbers = {name: value for name, value in values.items() if isinstance(value, float) and name != "learning_rate"}
    names = sorted({name.removeprefix("val_") for name in numbers}, key=lambda name: (name != "loss", name))
    return [
        f"{name} {' / '.join(number(numbers[key]) for key in (name, f'val_{name}') if key in numbers)}"
        for name in names
    ]


def time_left(pace: Pace, epoch: int, steps_done: int) -> list[str]:
    """``8 s, run 4 min left``; nothing while nobody knows."""
    epoch_left = pace.epoch_left(steps_done)
    run_left = pace.run_left(epoch, epoch_left)
    if epoch_left is None or run_left is None:
        return []
    return [f"{duration(epoch_left, whole=True)}, run {duration(run_left, whole=True)} left"]


def wrapped(parts: list[str], width: int) -> list[str]:
    """Joins the parts into lines that fit, breaking between parts; lines after the first are indented."""
    indent = " " * (len(parts[0]) + 2)
    lines = [parts[0]]
    for part in parts[1:]:
        if len(lines[-1]) + 2 + len(part) <= width:
            lines[-1] += f"  {part}"
        else:
            lines.append(indent + part)
    return lines


def number(value: float) -> str:
    """Six characters wherever they do, so that columns stay in place: ``0.4123``, ``12.300``, ``12,345``, ``1.234e-05``."""
    size = abs(value)
    if 1000 <= size < 1e7:
        return f"{value:,.0f}"
    if size == 0 or 1e-3 <= size < 1000:
        return f"{value:.{4 - (size >= 10) - (size >= 100)}f}"
    return f"{value:#.4g}"
