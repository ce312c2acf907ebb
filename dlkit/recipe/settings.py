"""Values by path: what `set`, `quick.set`, `--set` and Python say."""

from __future__ import annotations

import re
from collections.abc import Iterable
from collections.abc import Mapping as Values
from dataclasses import dataclass
from typing import Any

from dlkit.recipe.diagnostics import Findings, RecipeError, Source, Span
from dlkit.recipe.nodes import Node, entries_of, from_plain
from dlkit.recipe.yaml_source import read_text

_NO_BREAK = re.compile("[^\n\r\x85\u2028\u2029]")


@dataclass(frozen=True, slots=True)
class Setting:
    """A value for a path, and where it was said."""

    path: str
    span: Span
    node: Node


def written_settings(node: Node | None) -> list[Setting]:
    """What stands under `set` or `quick.set`."""
    return [Setting(entry.key, entry.key_span, entry.node) for entry in entries_of(node)]


def parse_settings(texts: Iterable[str], findings: Findings, origin: str = "--set") -> list[Setting]:
    """`PATH=VALUE` as the command line has it; the value is YAML."""
    settings = []
    for text in texts:
        path, equals, value = text.partition("=")
        source = Source(origin, text)
        span = Span(source, 1, 1, *source.within(1, len(path) + 1))
        if not equals or not path.strip():
            findings.error("wrong-setting", f"`{text}` is no setting", span, "write PATH=VALUE, as training.epochs=5")
            continue
        try:
            # Blanks in the place of the path: the value keeps its column, so that messages point at it.
            node = read_text(source, f"{_NO_BREAK.sub(' ', path)} {value}")
        except RecipeError as error:
            for diagnostic in error.diagnostics:
                findings.add(diagnostic)
            continue
        settings.append(Setting(path.strip(), span, node))
    return settings


def python_settings(values: Values[str, Any]) -> list[Setting]:
    """Values by path as Python gives them; each is reported at a line that shows it."""
    settings = []
    for path, value in values.items():
        source = Source("settings", f"{path} = {value!r}")
        at = Span(source, *source.within(1, len(path) + 4), *source.within(1, len(source.text) + 1))
        settings.append(Setting(path, Span(source, 1, 1, *source.within(1, len(path) + 1)), from_plain(value, at)))
    return settings
