"""Writes recipes as YAML that reads back as the same recipe."""

from __future__ import annotations

import re
from typing import Any

import yaml

from dlkit.recipe.nodes import Mapping, Node, Scalar, Sequence
from dlkit.recipe.yaml_source import scalar_value

_BREAKS = re.compile("[\\x85\\u2028\\u2029]")  # line breaks to PyYAML, which would fold them
_LOOKS_LIKE_REFERENCE = re.compile(r"^\$[A-Za-z_]|\$\{|\$\$")


def as_written(node: Node) -> Any:
    """The plain values of a resolved recipe, with facts of the data as the references they were: what a dump holds."""
    match node:
        case Scalar(written=str() as reference) | Sequence(written=str() as reference):
            return reference
        case Scalar(value=str() as text):
            return text.replace("$", "$$") if _LOOKS_LIKE_REFERENCE.search(text) else text
        case Scalar(value=value):
            return value
        case Sequence():
            return [as_written(item) for item in node.items]
        case Mapping():
            return {entry.key: as_written(entry.node) for entry in node}


class _Dumper(yaml.SafeDumper):
    """Quotes every text that YAML 1.2, or the fractions of recipes, would read as something else."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    is_plain = scalar_value(text.strip()) == text and not _BREAKS.search(text)
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=None if is_plain else '"')


_Dumper.add_representer(str, _text)


def to_yaml(values: Any, comment: str = "") -> str:
    """YAML 1.2 of plain values, keys in their order.

    Args:
        comment: Put above it, each line after a `#`.

    Raises:
        TypeError: A value that no recipe can hold.
    """
    head = "".join(f"# {line}".rstrip() + "\n" for line in comment.splitlines())
    try:
        return head + yaml.dump(
            values, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120, default_flow_style=None
        )
    except yaml.representer.RepresenterError as error:
        received = error.args[-1]
        raise TypeError(
            f"A recipe holds text, numbers, truth values, null, lists and mappings. Received: {received!r}"
        ) from None
