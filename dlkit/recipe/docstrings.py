"""What a docstring in Google's style says of each argument."""

from __future__ import annotations

import re

_SECTION = re.compile(r"^( *)Arg(?:ument)?s:\n((?:\1 +.*\n|\s*\n)+)", re.MULTILINE)


def argument_docs(docstring: str) -> dict[str, str]:
    """The text that the Args section of a docstring has for each argument."""
    section = _SECTION.search(docstring + "\n")
    if not section:
        return {}
    lines = section.group(2).splitlines()
    indent = min(len(line) - len(line.lstrip()) for line in lines if line.strip())
    found: dict[str, list[str]] = {}
    current: list[str] = []
    for line in lines:
        start = re.match(rf" {{{indent}}}`?\*{{0,2}}(\w+(?:, ?\w+)*)`?:(.*)", line)
        if start:
            current = [start.group(2).strip()]
            found |= dict.fromkeys(re.split(", ?", start.group(1)), current)
        elif line.strip():
            current.append(line.strip())
    return {name: " ".join(parts) for name, parts in found.items()}
