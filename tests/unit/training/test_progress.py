"""What the progress display says, without Keras."""

from __future__ import annotations

import io
import re
import subprocess
import sys

import pytest
from rich.console import Console

from dlkit.training.progress import (
    Pace,
    PlainDisplay,
    Plan,
    TerminalDisplay,
    display_for,
    number,
    pairs,
    wrapped,
)

PLAN = Plan(epochs=20, steps=469, batch_size=128, stage="train", unit="images")
VALUES = {"accuracy": 0.85123, "loss": 0.41231, "val_accuracy": 0.8401, "val_loss": 0.4567}


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def train(display, clock: Clock, epochs: int = 2, seconds_per_step: float = 0.01, live_values=None) -> int:
    """A training as `ProgressCallback` tells it; says how often the values were read."""
    reads = []

    def values() -> dict[str, float]:
        reads.append(clock.now)
        return {"loss": 0.5, "accuracy": 0.75, **(live_values or {})}

    display.start(PLAN)
    for epoch in range(1, epochs + 1):
        for step in range(469):
            display.step(epoch, step, values)
            clock.now += seconds_per_step
        for step in range(40):
            display.validating(step)
            clock.now += seconds_per_step
        display.epoch_done(epoch, VALUES, is_best=epoch == 1)
    display.stop()
    return len(reads)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0.0000"),
        (0.065434, "0.0654"),
        (0.41234, "0.4123"),
        (1.0, "1.0000"),
        (12.3, "12.300"),
        (123.456, "123.46"),
        (1234.5, "1,234"),
        (-123456.0, "-123,456"),
        (1.5e9, "1.500e+09"),
        (1.23456e-5, "1.235e-05"),
        (float("nan"), "nan"),
        (float("inf"), "inf"),
    ],
)
def test_numbers_keep_their_columns(value: float, text: str):
    assert number(value) == text


def test_training_and_validation_stand_together_and_the_loss_first():
    assert pairs(VALUES) == ["loss 0.4123 / 0.4567", "accuracy 0.8512 / 0.8401"]
    assert pairs({"a_loss": 1.0, "loss": 2.0}) == ["loss 2.0000", "a_loss 1.0000"]


def test_what_is_no_metric_or_no_number_is_left_out():
    assert pairs({"loss": 1.0, "learning_rate": 0.1, "f1": [0.1, 0.2]}) == ["loss 1.0000"]


def test_lines_break_between_parts():
    assert wrapped(["epoch 1/2", "loss 1.000", "accuracy 0.5000"], 80) == ["epoch 1/2  loss 1.000  accuracy 0.5000"]
    assert wrapped(["epoch 1/2", "loss 1.000", "accuracy 0.5000"], 26) == [
        "epoch 1/2  loss 1.000",
        "           accuracy 0.5000",
    ]


def test_speed_and_time_left_leave_out_the_first_step():
    clock = Clock()
    pace = Pace(Plan(epochs=3, steps=100, batch_size=10, stage="train"), clock)
    pace.epoch_began()
    assert pace.epoch_left(0) is None
    clock.now += 30  # tracing
    pace.step(1)
    assert pace.examples_per_second() is None
    clock.now += 2
    pace.step(21)
    assert pace.examples_per_second() == pytest.approx(100)
    assert pace.epoch_left(21) == pytest.approx(7.9)
    assert pace.run_left(1, 7.9) == pytest.approx(27.9)
    clock.now += 9
    assert pace.epoch_done() == pytest.approx(41)
    pace.epoch_began()
    assert pace.run_left(2, 10.0) == pytest.approx(51)


def test_an_unknown_number_of_steps_has_no_time_left():
    clock = Clock()
    pace = Pace(Plan(epochs=3, steps=None, batch_size=10, stage="train"), clock)
    for step in range(3):
        pace.step(step)
        clock.now += 1
    assert pace.examples_per_second() == pytest.approx(10)
    assert pace.epoch_left(3) is None
    assert pace.run_left(1, None) is None


def test_plain_lines_are_one_an_epoch():
    stream, clock = io.StringIO(), Clock()
    train(PlainDisplay(stream, clock), clock)
    assert stream.getvalue().splitlines() == [
        "train: 20 epochs of 469 steps, 128 images each. Values: training / validation",
        "epoch  1/20  loss 0.4123 / 0.4567  accuracy 0.8512 / 0.8401  5.1 s  best",
        "epoch  2/20  loss 0.4123 / 0.4567  accuracy 0.8512 / 0.8401  5.1 s",
    ]


def test_plain_lines_of_a_long_epoch_are_half_a_minute_apart():
    stream, clock = io.StringIO(), Clock()
    train(PlainDisplay(stream, clock), clock, epochs=1, seconds_per_step=0.2)
    lines = stream.getvalue().splitlines()
    assert lines[1:-1] == [
        "epoch  1/20  150/469  loss 0.5000  accuracy 0.7500  1 min 04 s, run 30 min 46 s left",
        "epoch  1/20  300/469  loss 0.5000  accuracy 0.7500  34 s, run 30 min 16 s left",
        "epoch  1/20  450/469  loss 0.5000  accuracy 0.7500  4 s, run 29 min 46 s left",
    ]


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("outputs", [1, 4])
def test_no_line_on_a_terminal_is_wider_than_it(width: int, outputs: int, monkeypatch: pytest.MonkeyPatch):
    stream, clock = Terminal(), Clock()
    console = Console(file=stream, force_terminal=True, width=width, height=24, color_system=None)
    values = {f"output_{number}_accuracy": 0.5 for number in range(outputs)}
    monkeypatch.setattr(sys.modules[__name__], "VALUES", {**VALUES, **values})
    train(TerminalDisplay(console, clock), clock, seconds_per_step=1.0, live_values=values)
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", stream.getvalue()).replace("\r", "\n")
    lines = [line.rstrip() for line in text.splitlines()[2:] if line.strip()]
    assert max(map(len, lines)) <= width
    # Where the terminal itself had to break a line, the rest would begin at its left edge.
    assert [line for line in lines if not re.match(r"epoch |             \S", line)] == []
    assert any("469/469" in line for line in lines)


def test_a_terminal_shows_speed_time_left_and_values_and_keeps_a_line_an_epoch():
    stream, clock = Terminal(), Clock()
    console = Console(file=stream, force_terminal=True, width=80, height=24, color_system=None)
    train(TerminalDisplay(console, clock), clock)
    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", stream.getvalue())
    assert re.search(r"epoch  2/20  ━+[╸╺ ]?━* +\d+/469  12,800 images/s  \d s, run 1 min \d\d s left", shown)
    assert "loss 0.5000  accuracy 0.7500" in shown
    assert "validating, " in shown
    assert shown.count("epoch  1/20  loss 0.4123 / 0.4567  accuracy 0.8512 / 0.8401  5.1 s  best\n") == 1


def test_a_terminal_is_drawn_at_most_ten_times_a_second():
    stream, clock = Terminal(), Clock()
    console = Console(file=stream, force_terminal=True, width=80, height=24)
    began = clock.now
    reads = train(TerminalDisplay(console, clock), clock, seconds_per_step=0.001)
    assert 1 <= reads <= 10 * (clock.now - began)


def test_a_signal_takes_the_bar_away_and_says_what_happens():
    stream, clock = Terminal(), Clock()
    console = Console(file=stream, force_terminal=True, width=80, height=24, color_system=None)
    display = TerminalDisplay(console, clock)
    display.start(PLAN)
    display.step(1, 1, dict)
    display.stopping()
    drawn = stream.tell()
    clock.now += 1
    display.step(1, 2, dict)
    display.stop()
    assert stream.tell() == drawn
    assert "Once more to stop at once." in stream.getvalue()


def test_the_display_suits_the_stream(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TERM", "xterm")
    assert isinstance(display_for(io.StringIO()), PlainDisplay)
    assert isinstance(display_for(Terminal()), TerminalDisplay)
    monkeypatch.setenv("TERM", "dumb")
    assert isinstance(display_for(Terminal()), PlainDisplay)


def test_progress_knows_no_keras():
    code = "import sys, dlkit.training.progress; assert not {'keras', 'tensorflow'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
