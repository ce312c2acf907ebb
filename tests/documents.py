"""What stands in the pages of the documentation to be tried: commands, files, code, recipes, and the marks before them.

A mark is an HTML comment before a block: `<!-- not run: REASON -->`, `<!-- status: 1 -->` of the block's last command,
`<!-- file: NAME -->` of a block to be written there, `<!-- run -->` of Python to be run, `<!-- not a recipe -->`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]

_FENCE = re.compile(r"^(?P<indent> *)```(?P<language>\w*).*$")
_MARK = re.compile(r"^ *<!-- (?P<word>not run|status|file|run|not a recipe)(?:: (?P<value>.+))? -->$")
_INDENTED = " " * 4


@dataclass(frozen=True)
class Block:
    """A block of a page.

    Args:
        language: Of its fence; nothing where it is indented, or where the fence has none.
        text: What stands in it.
        marks: What stands before it, by word.
        is_fenced: Whether it has a fence.
    """

    language: str
    text: str
    marks: dict[str, str]
    is_fenced: bool

    @property
    def commands(self) -> list[str]:
        """The lines that call dlkit, as a shell is given them; a line that ends in a backslash goes on."""
        if self.is_fenced and self.language != "sh":
            return []
        lines = self.text.replace("\\\n", " ").splitlines()
        return [line.strip() for line in lines if re.match(r"(?:\./scripts/)?dlkit ", line.strip())]


def name_of(page: Path) -> str:
    """A page as a test is called after it."""
    return page.relative_to(ROOT).as_posix()


def blocks(text: str) -> Iterator[Block]:
    """The blocks of a page, in their order."""
    marks: dict[str, str] = {}
    lines = iter(text.splitlines())
    inside: list[str] = []
    for line in lines:
        if fence := _FENCE.match(line):
            yield from _indented(inside, marks)
            inner: list[str] = []
            for each in lines:
                if each.strip() == "```":
                    break
                inner.append(each.removeprefix(fence["indent"]))
            yield Block(fence["language"], "\n".join(inner) + "\n", marks, is_fenced=True)
            marks = {}
        elif mark := _MARK.match(line):
            marks = {**marks, mark["word"]: mark["value"] or ""}
        elif line.startswith(_INDENTED):
            inside.append(line)
        elif line.strip() or inside:
            yield from _indented(inside, marks)
            marks = {}
    yield from _indented(inside, marks)


def _indented(lines: list[str], marks: dict[str, str]) -> Iterator[Block]:
    if lines:
        yield Block("", "\n".join(line.removeprefix(_INDENTED) for line in lines) + "\n", marks, is_fenced=False)
        lines.clear()
