"""Ctrl-C and SIGTERM are noted first, obeyed at once the second time, and let through the third."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

import pytest

from dlkit.training.interruption import Interrupted, Interruption


def send(number: signal.Signals) -> None:
    os.kill(os.getpid(), number)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_the_first_signal_is_noted_and_the_second_raises(number: signal.Signals, status: int):
    calls = []
    with Interruption(lambda: calls.append("first")) as interruption:
        assert interruption.received is None
        send(number)
        assert interruption.received is number
        with pytest.raises(Interrupted) as told:
            send(number)
    assert calls == ["first"]
    assert told.value.signal is number
    assert told.value.exit_status == status


def test_the_handlers_before_come_back():
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with Interruption(lambda: None):
        assert signal.getsignal(signal.SIGINT) is not before[0]
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def test_a_signal_that_is_ignored_stays_ignored():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with Interruption(lambda: None) as interruption:
            send(signal.SIGINT)
            assert interruption.received is None
    finally:
        signal.signal(signal.SIGINT, before)


def test_outside_the_main_thread_nothing_changes():
    seen = []

    def work() -> None:
        with Interruption(lambda: None):
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [signal.getsignal(signal.SIGINT)]


def test_the_third_signal_kills():
    code = """
import os, signal
from dlkit.training.interruption import Interrupted, Interruption
with Interruption(lambda: None):
    os.kill(os.getpid(), signal.SIGTERM)
    try:
        os.kill(os.getpid(), signal.SIGTERM)
    except Interrupted:
        os.kill(os.getpid(), signal.SIGTERM)
    print("still here")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (-signal.SIGTERM, "")


def test_an_interruption_is_a_keyboard_interrupt():
    assert issubclass(Interrupted, KeyboardInterrupt)
    assert str(Interrupted(signal.SIGTERM)) == "interrupted by SIGTERM"
