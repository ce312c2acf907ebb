"""Standard output and standard error, on a terminal and elsewhere."""

from __future__ import annotations

import io
import json
import re
from contextlib import redirect_stderr, redirect_stdout

import pytest

from dlkit.cli.output import Output, printable

COLUMNS = {"name": "left", "parameters": "right"}
ROWS = [("fashion_mnist/two_heads_of_a_long_name", "1,234"), ("[bold]small[/bold]", "5")]
DIAGNOSTIC = "error[unknown-layer]: no `Dens`\n  |\n3 |     - Dens\n  |       ^^^^ did you mean `Dense`?"


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def shown(monkeypatch):
    """What a method of `Output` shows on a terminal of 80 columns."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)

    def shown(method, *arguments):
        stream = Terminal()
        with redirect_stdout(stream), redirect_stderr(stream):
            getattr(Output(json=False), method)(*arguments)
        return stream.getvalue()

    return shown


def test_tables_are_separated_by_tabs_where_there_is_no_terminal(capsys):
    Output(json=False).table(COLUMNS, ROWS)
    assert capsys.readouterr().out == "fashion_mnist/two_heads_of_a_long_name\t1,234\n[bold]small[/bold]\t5\n"


def test_tables_have_titles_on_a_terminal_and_show_brackets_as_they_are(shown):
    title, first, second = shown("table", COLUMNS, ROWS).splitlines()
    assert "name" in title
    assert first.split() == list(ROWS[0])
    assert second.split() == list(ROWS[1])


@pytest.mark.parametrize("width", [20, 34, 59])
def test_a_narrow_terminal_loses_no_letter_of_a_table(shown, monkeypatch, width):
    monkeypatch.setenv("COLUMNS", str(width))
    lines = re.sub(r"\x1b\[[\d;]*m", "", shown("table", COLUMNS, ROWS)).splitlines()
    assert max(map(len, lines)) <= width
    letters = "".join("".join(lines).split())
    assert sorted(letters) == sorted("".join(["".join(COLUMNS), *map("".join, ROWS)]))


def test_names_stay_whole_where_there_is_room(shown):
    assert ROWS[0][0] in shown("table", COLUMNS | {"summary": "left"}, [(*ROWS[0], "word " * 30)])


def test_an_empty_table_is_nothing(shown):
    assert shown("table", COLUMNS, []) == ""


def test_with_json_the_result_is_all_there_is_on_stdout(capsys):
    out = Output(json=True)
    out.table(COLUMNS, ROWS)
    out.say("progress")
    out.result({"run": "x", "metrics": {"loss": float("nan")}})
    said = capsys.readouterr()
    assert json.loads(said.out) == {"run": "x", "metrics": {"loss": "NaN"}}
    assert said.err == "progress\n"


def test_a_document_is_text_or_stands_under_text(capsys):
    Output(json=False).document("a: 1")
    Output(json=True).document("a: 1")
    assert capsys.readouterr().out == 'a: 1\n{"text": "a: 1"}\n'


def test_without_json_there_is_no_result(capsys):
    Output(json=False).result({"run": "x"})
    assert capsys.readouterr().out == ""


def test_diagnostics_are_colored_on_a_terminal(shown):
    text = shown("tell_diagnostics", DIAGNOSTIC)
    assert re.search(r"^(\x1b\[\d+m)+error\[unknown-layer\]\x1b\[0m: no `Dens`$", text, re.MULTILINE)
    assert "  |       \x1b[36m^^^^ did you mean `Dense`?\x1b[0m" in text


@pytest.mark.parametrize(("name", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_colors_can_be_refused(shown, monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    assert shown("tell_diagnostics", DIAGNOSTIC) == DIAGNOSTIC + "\n"


def test_there_is_no_color_in_a_file(capsys):
    Output(json=False).tell_diagnostics(DIAGNOSTIC)
    assert capsys.readouterr().err == DIAGNOSTIC + "\n"


def test_what_a_terminal_would_obey_is_not_printed(capsys):
    assert printable("a\x1b[2Jb\r\x07c\nd é") == "a [2Jb  c\nd é"
    Output(json=False).say("\x1b]0;title\x07")
    Output(json=False).table(COLUMNS, [("\x1b[31mred", "1")])
    said = capsys.readouterr()
    assert "\x1b" not in said.out + said.err
