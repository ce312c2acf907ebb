"""Code as a tree: on one line where it fits, else an item a line."""

from __future__ import annotations

import ast
import subprocess
import sys

import pytest

from dlkit.eject.code import WIDTH, Call, Items, Pairs, flat, literal, literal_text, text

LONG = [f"layer_number_{number}" for number in range(12)]


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (1 / 255, "1 / 255"),
        (-1 / 255, "-1 / 255"),
        (1 / 127.5, "1 / 127.5"),
        (0.0625, "0.0625"),
        (0.002, "0.002"),
        (1e-7, "1e-07"),
        (True, "True"),
        (None, "None"),
        ('a "word"', '"a \\"word\\""'),
        ([1, [2.5, "x"]], '[1, [2.5, "x"]]'),
        ({"a": {"b": [1]}}, '{"a": {"b": [1]}}'),
        (float("inf"), 'float("inf")'),
    ],
)
def test_a_literal_reads_back_as_the_same_value(value, code):
    assert literal_text(value) == code
    assert eval(code) == value


def test_what_is_no_plain_value_is_refused():
    with pytest.raises(TypeError, match="Received"):
        literal(object())


CODES = [
    Call("f", ["x"], {"name": '"short"'}),
    Call("layers.Conv2D", ["32", "3"], {f"argument_{number}": "value" for number in range(9)}),
    Call(Call("layers.Dense", ["64"], {"name": '"d"'}), ["x"]),
    Call(Call("layers.Dense", ["64"], {f"argument_{number}": "value" for number in range(9)}), ["x"]),
    Call(Call("layers.Concatenate", (), {"name": '"joined"'}), [Items(LONG)]),
    Call("keras.Sequential", [Items(["a()", "b()"], long=True)], {"name": '"n"'}),
    Pairs({f'"{name}"': name for name in LONG}),
]


@pytest.mark.parametrize("code", CODES, ids=range(len(CODES)))
def test_lines_are_short_and_as_a_formatter_writes_them(code, tmp_path):
    lines = ["def made():", text(code, "x = ", 4), "    return x", ""]
    assert all(len(line) <= WIDTH for line in "\n".join(lines).splitlines())
    assert ast.dump(ast.parse(text(code))) == ast.dump(ast.parse(flat(code)))
    (tmp_path / "made.py").write_text("\n".join(lines))
    done = subprocess.run(
        [sys.executable, "-m", "ruff", "format", "--isolated", "--line-length", "120", "--check", tmp_path],
        capture_output=True,
    )
    assert done.returncode == 0, done.stdout
