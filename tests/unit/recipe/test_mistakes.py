"""What people write wrong, and what they are told: `mistakes.txt` holds the recipes with their diagnostics."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dlkit.recipe.diagnostics import Diagnostic, RecipeError
from dlkit.recipe.load import load

MISTAKES = Path(__file__).with_name("mistakes.txt")
VALID = {
    "name": "name: a/b",
    "data": "data: {source: digits}",
    "model": "model: {sequential: [Flatten, {Dense: {units: 10}}]}",
    "training": "training: {epochs: 1}",
}
IN_LINE = re.compile(r"# <- (?P<code>[\w-]+) `(?P<token>.+?)`:(?P<cure>.*)$")
ABOVE = re.compile(r"!! (?P<line>\d+) (?P<code>[\w-]+) `(?P<token>.+?)`:(?P<cure>.*)$")

Expected = tuple[int, str, str, str]  # line, code, what the carets stand under, a part of the cure


def cases() -> list[tuple[str, str, list[Expected]]]:
    """Title, text and diagnostics of every recipe."""
    made = []
    for part in MISTAKES.read_text(encoding="utf-8").split("\n=== ")[1:]:
        title, _, body = part.strip("\n").partition("\n")
        above = [found for line in body.split("\n") if (found := ABOVE.fullmatch(line))]
        lines = [line for line in body.split("\n") if not ABOVE.fullmatch(line)]
        written = {line.partition(":")[0] for line in lines}
        lines += [text for key, text in VALID.items() if key not in written]
        expected = [(int(m["line"]), m["code"], m["token"], m["cure"].strip()) for m in above]
        for number, line in enumerate(lines, 1):
            if found := IN_LINE.search(line):
                expected.append((number, found["code"], found["token"], found["cure"].strip()))
        made.append((title, "\n".join(lines) + "\n", sorted(expected)))
    return made


def under_the_carets(diagnostic: Diagnostic) -> str:
    span = diagnostic.span
    line = span.source.line(span.line)
    return line[span.column - 1 : span.end_column - 1 if span.end_line == span.line else len(line)]


@pytest.mark.parametrize(("text", "expected"), [pytest.param(*rest, id=title) for title, *rest in cases()])
def test_a_mistake_is_told_once_at_its_place_with_its_cure(text: str, expected: list[Expected], tmp_path: Path) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(RecipeError) as raised:
        load(path)
    found = sorted((d.span.line, d.code, under_the_carets(d), d.cure) for d in raised.value.diagnostics)
    assert [each[:3] for each in found] == [each[:3] for each in expected], raised.value
    for (*_, cure), (*_, part) in zip(found, expected, strict=True):
        assert part in cure if part else not cure, raised.value
