"""Ctrl-C and SIGTERM during training: stop at the next step, then at once.

Nothing here imports Keras, so the command line may catch `Interrupted` without paying for it.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Self

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupted(KeyboardInterrupt):
    """The training was interrupted, and what there is has been saved.

    Args:
        signal: The signal that interrupted it.
    """

    def __init__(self, signal: signal.Signals) -> None:
        super().__init__(f"interrupted by {signal.name}")
        self.signal = signal

    @property
    def exit_status(self) -> int:
        """What a shell expects: 130 for SIGINT, 143 for SIGTERM."""
        return 128 + self.signal


class Interruption:
    """A context in which the first SIGINT or SIGTERM is noted, the second raises `Interrupted`, and the third kills.

    Whoever works inside looks at `received` where it can stop. Signals that the process ignores (a job in the
    background under `nohup`) stay ignored; outside the main thread, where Python takes no handlers, nothing changes.

    Args:
        on_first: Called by the handler of the first signal, so between any two lines of code.
        heard: Whether signals are answered here; else they end the process as they would without this.

    Attributes:
        received: The first signal, or None.
    """

    def __init__(self, on_first: Callable[[], None], heard: bool = True) -> None:
        self._on_first = on_first
        self._heard = heard
        self.received: signal.Signals | None = None
        self._handlers_before: dict[signal.Signals, object] = {}

    def __enter__(self) -> Self:
        if self._heard and threading.current_thread() is threading.main_thread():
            for number in _SIGNALS:
                if signal.getsignal(number) is not signal.SIG_IGN:
                    self._handlers_before[number] = signal.signal(number, self._handle)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for number, handler in self._handlers_before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def is_received(self) -> bool:
        """Whether there was a signal."""
        return self.received is not None

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.received is None:
            self.received = signal.Signals(number)
            self._on_first()
            return
        # The second may have to wait for a step inside TensorFlow; the third need not.
        signal.signal(number, signal.SIG_DFL)
        raise Interrupted(self.received)
