"""YAML that reads back as the same recipe, and that people can read."""

from __future__ import annotations

from typing import Any

import pytest

from dlkit.recipe.diagnostics import Source
from dlkit.recipe.dump import to_yaml
from dlkit.recipe.nodes import plain
from dlkit.recipe.yaml_source import read_text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1e-5, "1.0e-05"),
        (1e17, "1.0e+17"),
        (0.1, "0.1"),
        (1 / 255, "0.00392156862745098"),
        (float("inf"), ".inf"),
        (3, "3"),
        (True, "true"),
        (None, "null"),
        ("text", "text"),
        ("1e-3", '"1e-3"'),
        ("1/255", '"1/255"'),
        ("0o17", '"0o17"'),
        ("true", '"true"'),
        ("", '""'),
        ("$data.classes", "$data.classes"),
        ("a: b", "'a: b'"),
        (" padded ", '" padded "'),
        ("*glob", "'*glob'"),
        ("\x85", '"\\N"'),
    ],
)
def test_values(value: Any, text: str) -> None:
    written = to_yaml({"a": value, "b": [[]]})
    assert written.splitlines()[0] == f"a: {text}"
    assert plain(read_text(Source("text", written))) == {"a": value, "b": [[]]}


def test_keys_keep_their_order_and_nothing_is_an_alias() -> None:
    shared = {"x": [1]}
    assert to_yaml({"b": shared, "a": shared}) == "b:\n  x: [1]\na:\n  x: [1]\n"


def test_a_comment_stands_above() -> None:
    assert to_yaml({"a": 1}, "one\n\ntwo") == "# one\n#\n# two\n{a: 1}\n"


def test_what_no_recipe_can_hold() -> None:
    with pytest.raises(TypeError, match="Received: <object"):
        to_yaml({"a": [object()]})
