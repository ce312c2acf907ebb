"""A sweep as it goes: a table that stays in place on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Self

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from dlkit.runs.duration_text import duration

if TYPE_CHECKING:
    from dlkit.tuning.trials import Trial
    from dlkit.workflows.tune import View

_BEST = 5  # finished trials that are shown


class SweepDisplay:
    """A context in which a sweep is shown.

    Args:
        say: Takes a plain line, where there is no terminal.
    """

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        console = Console(file=sys.stderr)
        self._live = Live(console=console, refresh_per_second=4, transient=True) if console.is_terminal else None

    @property
    def is_live(self) -> bool:
        """Whether there is a terminal, and so a table that stays in place."""
        return self._live is not None

    def __enter__(self) -> Self:
        if self._live:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live:
            self._live.stop()

    def told(self, line: str) -> None:
        """Something that happened; on a terminal it stays above the table."""
        if self._live:
            self._live.console.print(Text(line))
        else:
            self._say(line)

    def viewed(self, view: View) -> None:
        """How the sweep stands."""
        if self._live:
            self._live.update(Group(_table(view), _summary(view)))


def _table(view: View) -> Table:
    from dlkit.workflows.tune import values_text

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for title in ("trial", "values", "epoch", view.objective, ""):
        table.add_column(title, justify="right" if title in ("trial", "epoch", view.objective) else "left")
    ranked = view.search.ranking[:_BEST]
    for place, each in enumerate(ranked):
        outcome = each.trial.outcome
        spread = f" ± {each.deviation:.4f}" if len(each.scores) > 1 else ""
        table.add_row(
            str(each.trial.number),
            values_text(each.trial),
            str(outcome.epochs if outcome else ""),
            f"{each.mean:.4f}{spread}",
            "best" if place == 0 else "",
        )
    for number in sorted(view.search.given):
        trial = view.search.trials[number]
        scores = view.scores(number)
        best = (max(scores) if view.direction == "max" else min(scores)) if scores else None
        epochs = f"{len(scores)}/{trial.epochs or view.epochs}"
        table.add_row(
            str(number), values_text(trial), epochs, "" if best is None else f"{best:.4f}", "running", style="cyan"
        )
    return table


def _summary(view: View) -> Text:
    search = view.search
    ended = [trial for trial in search.trials.values() if trial.outcome]
    failed = sum(trial.outcome is not None and trial.outcome.status == "failed" for trial in ended)
    most = search.most_trials
    words = [f"{len(ended)}{f' of {most}' if most else ''} trials done"]
    words += [f"{failed} failed"] if failed else []
    words += [f"{duration(search.seconds, whole=True)} so far"]
    left = _seconds_left(view, ended, most)
    words += [f"about {duration(left, whole=True)} left"] if left is not None else []
    return Text(", ".join(words), style="dim")


def _seconds_left(view: View, ended: list[Trial], most: int | None) -> float | None:
    """By the pace so far; not told where the number of trials is not known."""
    if not most or not ended:
        return None
    return view.search.seconds / len(ended) * (most - len(ended))
