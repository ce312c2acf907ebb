"""Writes recipes as YAML that reads back as the same recipe."""

from __future__ import annotations

from typing import Any

import yaml

from dlkit.recipe.yaml_source import scalar_value


class _Dumper(yaml.SafeDumper):
    """Quotes every text that YAML 1.2, or the fractions of recipes, would read as something else."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    plain = isinstance(scalar_value(text), str) and scalar_value(text.strip()) == text
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=None if plain else '"')


def _number(dumper: yaml.SafeDumper, value: float) -> yaml.ScalarNode:
    text = repr(value)
    return dumper.represent_scalar(
        "tag:yaml.org,2002:float", {"inf": ".inf", "-inf": "-.inf", "nan": ".nan"}.get(text, text)
    )


_Dumper.add_representer(str, _text)
_Dumper.add_representer(float, _number)


def to_yaml(values: Any, comment: str = "") -> str:
    """YAML 1.2 of plain values, keys in their order.

    Args:
        comment: Put above it, each line after a `#`.
    """
    head = "".join(f"# {line}".rstrip() + "\n" for line in comment.splitlines())
    return head + yaml.dump(
        values, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120, default_flow_style=None
    )
