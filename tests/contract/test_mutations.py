"""The breaks of scripts/mutations.yaml can be made; a slow test makes them, and holds that a test fails for each."""

from __future__ import annotations

import ast
import re
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "scripts" / "mutations.py"
MUTATIONS = runpy.run_path(str(SCRIPT), run_name="mutations")
BREAKS: list[Any] = MUTATIONS["breaks"]()


def test_each_has_a_name_of_its_own_and_there_are_twenty_at_least() -> None:
    assert len({each.name for each in BREAKS}) == len(BREAKS) >= 20


@pytest.mark.parametrize("broken", BREAKS, ids=lambda broken: broken.name)
def test_a_break_can_be_made(broken: Any) -> None:
    text = (ROOT / broken.file).read_text(encoding="utf-8")
    assert ast.dump(ast.parse(broken.applied(text))) != ast.dump(ast.parse(text))
    for test in broken.tests:
        file, _, name = test.partition("::")
        content = (ROOT / file).read_text(encoding="utf-8")
        assert not name or re.search(rf"^def {re.escape(name.partition('[')[0])}\(", content, re.MULTILINE), test


def test_what_stands_there_twice_or_not_at_all_is_refused() -> None:
    broken = MUTATIONS["Break"]("twice", "", "", "a.py", "x", "y", ())
    assert broken.applied("a x b") == "a y b"
    for text in ("a", "x x"):
        with pytest.raises(ValueError, match="Received: old='x'"):
            broken.applied(text)


@pytest.mark.parametrize(
    ("status", "told", "is_caught"),
    [
        (0, "3 passed", False),
        (1, "/copy/tests/test_a.py:3: assert 1 == 2", True),
        (1, "/copy/tests/test_a.py:3: ValueError: not enough values to unpack", True),
        (1, "/lib/numpy/testing.py:9: AssertionError: Not equal to tolerance", True),
        (1, "/copy/dlkit/data/feed.py:3: TypeError: unsupported operand", False),  # no silent break
        (2, "/copy/dlkit/data/feed.py:3: SyntaxError: invalid syntax", False),
        (5, "no tests ran", False),
    ],
)
def test_a_break_counts_as_caught_by_what_a_test_asserts(status: int, told: str, is_caught: bool) -> None:
    assert MUTATIONS["_judged"](status, f"F\n{told}\n", Path("/copy"))[0] is is_caught


def test_the_page_is_up_to_date() -> None:
    text = (ROOT / "docs" / "mutations.md").read_text(encoding="utf-8")
    assert MUTATIONS["updated"](text) == text, "run python scripts/mutations.py --write"
    assert text.count("\n| `") == len(BREAKS)


@pytest.mark.slow
def test_a_test_fails_for_each() -> None:
    done = subprocess.run([sys.executable, str(SCRIPT)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
