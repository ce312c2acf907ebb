"""How an error of any kind is told, and the exit status it gives."""

from __future__ import annotations

import json
import os
import signal

import pytest

from dlkit.cli import main
from dlkit.errors import DlkitError
from dlkit.recipe.diagnostics import Diagnostic, RecipeError, Source, Span
from dlkit.training.interruption import Interrupted

SPAN = Span(Source("my.yaml", "epoch: 1", "/somewhere/my.yaml"), 1, 1, 1, 6)
ONE = Diagnostic("unknown-key", "there is no `epoch`", SPAN, "did you mean `epochs`?")
RENDERED = """\
error[unknown-key]: there is no `epoch`
 --> my.yaml:1:1
  |
1 | epoch: 1
  | ^^^^^ did you mean `epochs`?
"""


@pytest.fixture
def tell(monkeypatch, capsys):
    """What a command that raises this error answers: status, standard output, standard error."""

    def tell(error, *words):
        def run(out):
            raise error

        monkeypatch.setattr(main, "run", run)
        status = main.status_of(list(words))
        return status, *capsys.readouterr()

    return tell


def test_work_that_failed_is_told_with_its_cure(tell):
    error = DlkitError("The disk is full.", "Free some space.", "cannot-write")
    said = "error[cannot-write]: The disk is full.\nFree some space.\n"
    assert tell(error) == (1, "", said)
    status, out, err = tell(error, "--json")
    assert (status, err) == (1, said)
    assert json.loads(out) == {
        "error": {"code": "cannot-write", "message": "The disk is full.", "cure": "Free some space."}
    }


def test_without_a_cure_there_is_none(tell):
    assert json.loads(tell(DlkitError("No."), "--json")[1]) == {"error": {"code": "failed", "message": "No."}}


def test_all_diagnostics_are_told_then_how_many(tell):
    assert tell(RecipeError([ONE])) == (2, "", f"{RENDERED}\n1 error\n")
    status, out, err = tell(RecipeError([ONE, ONE]), "--json")
    assert (status, err) == (2, f"{RENDERED}\n{RENDERED}\n2 errors\n")
    assert json.loads(out)["error"]["diagnostics"] == [ONE.as_json(), ONE.as_json()]


@pytest.mark.parametrize(
    ("error", "status"),
    [(KeyboardInterrupt(), 130), (Interrupted(signal.SIGINT), 130), (Interrupted(signal.SIGTERM), 143)],
)
def test_an_interruption_ends_with_what_it_says(tell, error, status):
    error.add_note("The run folder is runs/x")
    assert tell(error) == (status, "", "interrupted\nThe run folder is runs/x\n")
    assert json.loads(tell(error, "--json")[1])["error"]["code"] == "interrupted"


def test_sigterm_interrupts(monkeypatch, capsys):
    monkeypatch.setattr(main, "run", lambda out: os.kill(os.getpid(), signal.SIGTERM))
    before = signal.getsignal(signal.SIGTERM)
    assert main.status_of([]) == 143
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_mistake_of_dlkits_own_is_one_line_and_a_request(tell):
    status, out, err = tell(ZeroDivisionError("by zero\nmore"))
    assert (status, out) == (1, "")
    assert err == (
        "internal error: ZeroDivisionError: by zero\n"
        "This is a mistake in dlkit: run again with --debug and report it.\n"
    )
    assert json.loads(tell(ZeroDivisionError("by zero"), "--json")[1])["error"]["code"] == "internal"


@pytest.mark.parametrize("error", [ZeroDivisionError("by zero"), DlkitError("No."), RecipeError([ONE])])
def test_debug_shows_the_traceback_of_any_error(tell, error):
    assert "Traceback" not in tell(error)[2]
    assert "Traceback" in tell(error, "--debug")[2]
    assert "Traceback" not in tell(error, "--", "--debug")[2]


def test_main_exits_with_the_status(monkeypatch):
    monkeypatch.setattr(main, "run", lambda out: None)
    with pytest.raises(SystemExit) as ended:
        main.main([])
    assert ended.value.code == 0
