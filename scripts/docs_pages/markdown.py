"""Pieces of Markdown that the generated pages are made of."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Sequence
from typing import Any

from dlkit.recipe.dump import to_yaml

_CODE = re.compile(r"(`[^`]+`)")
_SPECIAL = re.compile(r"([<*\[\]])")
_URL = re.compile(r"https?://[^\s,;)>]*[^\s,;)>.:]")
_ARXIV = re.compile(r"\barXiv:(\d{4}\.\d{4,5})")


def prose(text: str) -> str:
    """Text of a docstring, in which only code in backticks is Markdown; addresses and arXiv numbers become links."""
    pieces = _CODE.split(text)
    return "".join(piece if number % 2 else _linked(piece) for number, piece in enumerate(pieces))


def cell(text: str) -> str:
    """Text of one line for a table."""
    return " ".join(text.split()).replace("|", "&#124;")


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; cells may hold Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(cell(each) for each in line)} |\n" for line in lines)


def code(value: Any) -> str:
    """A value as YAML has it, in backticks."""
    text = to_yaml(value).removesuffix("\n...\n").strip() if not isinstance(value, dict | list) else _flow(value)
    return f"`{text}`"


def block(language: str, text: str) -> str:
    """A fenced block."""
    return f"```{language}\n{text.rstrip()}\n```\n"


def heading(level: int, text: str, anchor: str) -> str:
    """A heading with an anchor of its own."""
    return f"{'#' * level} {text} {{ #{anchor} }}\n"


def paragraphs(text: str) -> str:
    """The paragraphs of a docstring before its sections, indented ones as they are."""
    body = re.split(r"^(?:Args|Returns|Raises|Yields|Example|Examples):$", text, maxsplit=1, flags=re.MULTILINE)[0]
    made = []
    for paragraph in re.split(r"\n\s*\n", body.strip()):
        is_code = all(line.startswith("    ") for line in paragraph.splitlines())
        made.append(block("text", textwrap.dedent(paragraph)) if is_code else prose(paragraph) + "\n")
    return "\n".join(made)


def _linked(text: str) -> str:
    escaped = _SPECIAL.sub(r"\\\1", text).replace("\\<", "&lt;")
    escaped = _URL.sub(lambda found: f"<{found[0]}>", escaped)
    return _ARXIV.sub(r"[arXiv:\1](https://arxiv.org/abs/\1)", escaped)


def _flow(value: Any) -> str:
    """A list or mapping on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_flow(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flow, value)) + "]"
    return to_yaml(value).removesuffix("\n...\n").strip()
