"""YAML 1.2 as recipes have it: scalars, tags, places, bounds."""

from __future__ import annotations

import math
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from dlkit.recipe.diagnostics import RecipeError, Source
from dlkit.recipe.nodes import Mapping, Scalar, Sequence, plain
from dlkit.recipe.yaml_source import read_file, read_text


def values(text: str) -> Any:
    return plain(read_text(Source("text", text)))


def problems(text: str) -> list[tuple[str, int, int]]:
    with pytest.raises(RecipeError) as raised:
        read_text(Source("text", text))
    return [(found.code, found.span.line, found.span.column) for found in raised.value.diagnostics]


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("1e-3", 0.001),
        ("1E5", 100000.0),
        (".5", 0.5),
        ("5.", 5.0),
        ("+12", 12),
        ("-0", 0),
        ("0o17", 15),
        ("0x1F", 31),
        ("017", 17),
        ("1/255", 1 / 255),
        ("-1/2", -0.5),
        ("1 / 4", 0.25),
        ("true", True),
        ("FALSE", False),
        ("null", None),
        ("~", None),
        ("", None),
        (".inf", math.inf),
        ("-.INF", -math.inf),
        ("on", "on"),
        ("no", "no"),
        ("yes", "yes"),
        ("y", "y"),
        ("Null ", None),
        ("1_000", "1_000"),
        ("0b11", "0b11"),
        ("1:30", "1:30"),
        ("2001-01-01", "2001-01-01"),
        ("1/0", "1/0"),
        ("1/2/3", "1/2/3"),
        ("'1'", "1"),
        ('"1/255"', "1/255"),
        ("!!str 1", "1"),
        ("! 1", "1"),
        ("!!int '7'", 7),
        ("!!float 3", 3.0),
        ("tRuE", "tRuE"),
    ],
)
def test_scalars_follow_the_core_schema_of_yaml_1_2(written: str, value: Any) -> None:
    found = values(f"a: {written}")["a"]
    assert (type(found), found) == (type(value), value)


def test_nan_is_a_number() -> None:
    assert math.isnan(values("a: .nan")["a"])


def test_keys_are_always_text() -> None:
    assert values("{1: a, true: b, null: c}") == {"1": "a", "true": "b", "null": "c"}


def test_blocks_of_text() -> None:
    assert values("a: |\n  one\n  two\nb: >-\n  three\n  four\n") == {"a": "one\ntwo\n", "b": "three four"}


def test_an_alias_is_a_value_of_its_own() -> None:
    root = read_text(Source("text", "a: &x [1]\nb: *x"))
    assert isinstance(root, Mapping)
    assert plain(root) == {"a": [1], "b": [1]}
    assert root.get("a") is not root.get("b")


@pytest.mark.parametrize(
    "written", ["!!python/object:os.system x", "!!python/name:os.system", "!custom x", "!!binary aGk=", "!!set {a}"]
)
def test_tags_that_are_not_plain_values_are_refused(written: str) -> None:
    assert problems(f"a: {written}") == [("unsafe-tag", 1, 4)]


@pytest.mark.parametrize("written", ["!!int x", "!!int 1.5", "!!bool 1", "!!seq x", "!!map [1]", "!!null 1"])
def test_a_tag_must_fit_its_value(written: str) -> None:
    assert [code for code, *_ in problems(f"a: {written}")] == ["wrong-tag"]


def test_all_problems_are_told_at_once() -> None:
    text = "a: 1\na: 2\n<<: {b: 1}\n? [x]\n: 3\nc: *nothing\nd: !x 1\n"
    assert problems(text) == [
        ("duplicate-key", 2, 1),
        ("merge-key", 3, 1),
        ("key-not-text", 4, 3),
        ("unknown-alias", 6, 4),
        ("unsafe-tag", 7, 4),
    ]


def test_a_key_in_quotes_is_no_merge_key() -> None:
    assert values("'<<': 1") == {"<<": 1}


def test_several_documents_are_refused() -> None:
    assert problems("a: 1\n---\nb: 2\n") == [("several-documents", 2, 1)]
    assert values("---\na: 1\n...\n") == {"a": 1}


def test_an_empty_text_is_null() -> None:
    assert values("") is None
    assert values("# nothing\n") is None


@pytest.mark.parametrize(
    ("text", "code", "line", "column"),
    [
        ("a:\n\tb: 1\n", "tab", 2, 1),
        ("a:\n  b: 1\n \tc: 2\n", "tab", 3, 2),
        ("a: {b: ${c.d}}\n", "unquoted-braces", 1, 8),
        ("a: [${c}, ${d}]\n", "unquoted-braces", 1, 5),
        ("a: {b: 1\nc: 2\n", "syntax", 1, 4),
        ("a: [1, 2\nc: 2\n", "syntax", 1, 4),
        ("a: b: c\n", "syntax", 1, 5),
        ("a: 'x\nb: 1\n", "syntax", 1, 4),
        ("a:\n  - 1\n b: 2\n", "syntax", 3, 2),
        ("a: @x\n", "syntax", 1, 4),
        ("a: \x01\n", "character", 1, 4),
    ],
)
def test_text_that_is_no_yaml_is_told_at_its_place(text: str, code: str, line: int, column: int) -> None:
    assert problems(text) == [(code, line, column)]


def test_a_tab_that_yaml_allows_is_no_mistake() -> None:
    assert values("a: |\n  one\n  \ttwo\nb: {c: 1,\n\td: 2}\n") == {"a": "one\n\ttwo\n", "b": {"c": 1, "d": 2}}


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a: héllo\nb: {ü: wörld}", (2, 8, 2, 13)),
        ("a: 1\r\nb: {c: wörld}\r\n", (2, 8, 2, 13)),
        ("a: 1\rb: {c: wörld}", (2, 8, 2, 13)),
        ('a: "x\x85y"\nb: {c: 1}', (3, 8, 3, 9)),
        ("a: 𝔘\nb: {𝔘: z}", (2, 8, 2, 9)),
    ],
)
def test_places_count_lines_and_characters_as_an_editor_does(text: str, place: tuple[int, ...]) -> None:
    root = read_text(Source("text", text))
    assert isinstance(root, Mapping)
    inner = root.get("b")
    assert isinstance(inner, Mapping)
    span = next(iter(inner)).node.span
    assert (span.line, span.column, span.end_line, span.end_column) == place
    assert span.source.line(span.line).rstrip("}").endswith(str(plain(next(iter(inner)).node)))


def test_a_list_or_mapping_in_block_style_is_shown_by_its_first_entry() -> None:
    root = read_text(Source("text", "a:\n  - one  # comment\n  - two\nb:\n  key: 1  # comment\n"))
    assert isinstance(root, Mapping)
    items, inner = root.get("a"), root.get("b")
    assert isinstance(items, Sequence) and isinstance(inner, Mapping)
    assert (items.span.line, items.span.column, items.span.end_column) == (2, 3, 8)
    assert (inner.span.line, inner.span.column, inner.span.end_column) == (5, 3, 6)


def test_text_is_told_from_plain_words() -> None:
    root = read_text(Source("text", "a: 1\nb: '1'"))
    assert isinstance(root, Mapping)
    assert [node.plain for node in (root.get("a"), root.get("b")) if isinstance(node, Scalar)] == [True, False]


BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{new}: &{new} [{', '.join([f'*{old}'] * 10)}]\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)
DEEP_BY_ALIASES = "".join(f"k{n}: &k{n} {'[' * 50}{f'*k{n - 1}' if n else 1}{']' * 50}\n" for n in range(40))


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (BOMB, "too-many-values"),
        ("- 1\n" * 100_001, "too-many-values"),
        ("a: 1\n" * 60_000, "duplicate-key"),
        ("[" * 10_000, "too-deep"),
        ("a: " + "{a: " * 10_000, "too-deep"),
        ("- " * 10_000, "too-deep"),
        ("? " * 10_000, "too-deep"),
        ("\n".join(" " * n + "a:" for n in range(1_000)), "too-deep"),
        (DEEP_BY_ALIASES, "too-deep"),
        ("a" * (1 << 20) + "b", "too-large"),
    ],
)
def test_hostile_text_is_refused_in_little_memory(text: str, code: str) -> None:
    tracemalloc.start()
    try:
        assert problems(text)[0][0] == code
        assert tracemalloc.get_traced_memory()[1] < 60e6
    finally:
        tracemalloc.stop()


def test_numbers_of_any_length_are_read() -> None:
    assert values(f"a: {'9' * 400}")["a"] == int("9" * 400)
    assert values(f"a: {'9' * 100_000}")["a"] == "9" * 100_000
    assert values("a: 1e999")["a"] == math.inf


def test_files(tmp_path: Path) -> None:
    (tmp_path / "bom.yaml").write_bytes(b"\xef\xbb\xbfa: 1")
    assert plain(read_file(tmp_path / "bom.yaml")) == {"a": 1}
    (tmp_path / "latin.yaml").write_bytes("a: 1\nb: gr\xfcn".encode("latin-1"))
    (tmp_path / "large.yaml").write_bytes(b"#" * (1 << 20) + b"a")
    for name, code, place in (
        ("latin.yaml", "not-utf8", (2, 6)),
        ("large.yaml", "too-large", (1, 1)),
        ("none.yaml", "unreadable", (1, 1)),
        (".", "unreadable", (1, 1)),
    ):
        with pytest.raises(RecipeError) as raised:
            read_file(tmp_path / name)
        found = raised.value.diagnostics[0]
        assert (found.code, (found.span.line, found.span.column)) == (code, place)
