"""Every command: its help, its examples, the options that all of them take."""

from __future__ import annotations

import shlex

import pytest
import typer

from dlkit.cli.app import PANELS, app, run
from dlkit.cli.main import status_of
from dlkit.cli.output import Output

NAMES = [
    "card",
    "check",
    "compare",
    "copy",
    "data",
    "eject",
    "evaluate",
    "export",
    "list",
    "predict",
    "report",
    "reproduce",
    "resume",
    "runs",
    "schema",
    "show",
    "tensorboard",
    "train",
    "tune",
    "validate",
    "verify",
]


@pytest.fixture(scope="module")
def group():
    with pytest.raises(typer.Exit):
        run(Output(json=False, words=["--version"]))  # which finds the commands
    return typer.main.get_command(app)


def test_a_command_is_called_as_its_file_is(group):
    assert sorted(group.commands) == NAMES


@pytest.mark.parametrize("words", [["--help"], ["-h"], []])
def test_the_help_shows_every_command_under_its_panel(words, capsys):
    assert status_of(words) == 0
    shown = capsys.readouterr().out
    panels = [shown.index(f"{panel}:") for panel in PANELS]
    assert panels == sorted(panels)
    assert all(f"\n  {name} " in shown for name in NAMES)
    assert "..." not in shown[panels[0] :], "the first line of a command's help is cut"


@pytest.mark.parametrize("name", NAMES)
def test_the_help_of_a_command_ends_in_examples_that_work(group, name, capsys):
    assert status_of([name, "--help"]) == 0
    shown = capsys.readouterr().out
    assert all(option in shown for option in ("--json", "--debug"))
    assert "{" not in shown
    assert group.commands[name].help.split("\n")[0].endswith("."), "its first line tells what it does"
    examples = [line.strip() for line in shown.partition("Examples:\n")[2].splitlines()]
    assert examples
    for example in examples:
        program, called, *words = shlex.split(example.partition(" > ")[0])
        assert (program, called) == ("dlkit", name)
        group.commands[name].make_context(name, words)


def test_the_version(capsys):
    assert status_of(["--version"]) == 0
    assert capsys.readouterr().out.startswith("dlkit 0.")


@pytest.mark.parametrize(("words", "printed"), [(["list"], ""), (["list", "--json"], '{"recipes": []}\n')])
def test_what_libraries_print_goes_to_standard_error(words, printed, capsys, monkeypatch, tmp_path):
    def shipped_recipes():
        print("Downloading data")
        return []

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("dlkit.recipe.library.shipped_recipes", shipped_recipes)
    assert status_of(words) == 0
    said = capsys.readouterr()
    assert said.out == printed
    assert said.err.startswith("Downloading data\n")
