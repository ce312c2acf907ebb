"""How diagnostics are shown, collected and suggested."""

from __future__ import annotations

import json

import pytest

from dlkit.recipe.diagnostics import Diagnostic, Findings, RecipeError, Source, Span, did_you_mean, listing


def test_a_diagnostic_prints_as_the_contract_has_it() -> None:
    text = "\n" * 30 + "  optimizer: {Adam: {learning_rat: 1e-3}}\n"
    span = Span(Source("my.yaml", text), 31, 22, 31, 34)
    found = Diagnostic("unknown-argument", "Adam has no argument `learning_rat`", span, "did you mean `learning_rate`?")
    assert found.render() == (
        "error[unknown-argument]: Adam has no argument `learning_rat`\n"
        "  --> my.yaml:31:22\n"
        "   |\n"
        "31 |   optimizer: {Adam: {learning_rat: 1e-3}}\n"
        "   |                      ^^^^^^^^^^^^ did you mean `learning_rate`?"
    )


def test_as_json() -> None:
    span = Span(Source("my.yaml", "a: b", path="/where/my.yaml"), 1, 4, 1, 5)
    assert json.loads(json.dumps(Diagnostic("wrong-type", "what", span).as_json())) == {
        "code": "wrong-type",
        "severity": "error",
        "message": "what",
        "cure": None,
        "file": "/where/my.yaml",
        "line": 1,
        "column": 4,
        "end_line": 1,
        "end_column": 5,
    }


def rendered(line: str, column: int, end: int, cure: str = "") -> list[str]:
    return Diagnostic("code", "message", Span(Source("s", line), 1, column, 1, end), cure).render().split("\n")


def test_the_rest_of_a_cure_stands_below() -> None:
    assert rendered("abc", 1, 4, "one\ntwo")[-2:] == ["  | ^^^ one", "  = two"]


def test_carets_stand_under_wide_and_combined_characters() -> None:
    assert rendered("層: x", 4, 5)[-1] == "  |     ^"
    assert rendered("e\u0301: x", 5, 6)[-1] == "  |    ^"
    assert rendered("a: 層層", 4, 6)[-1] == "  |    ^^^^"


def test_a_long_line_is_cut_around_the_carets() -> None:
    *_, shown, carets = rendered("x" * 500 + "WORD" + "y" * 500, 501, 505)
    assert len(shown) < 220
    assert shown[carets.index("^") : carets.rindex("^") + 1] == "WORD"


def test_nothing_of_a_recipe_reaches_the_terminal_as_a_command() -> None:
    found = Diagnostic("code", "a\x1b[31m", Span(Source("s\x07", "\tb: \x1b]0;x\x07"), 1, 2, 1, 3))
    assert all(character.isprintable() or character == "\n" for character in found.render())


def test_a_message_has_an_end() -> None:
    found = Diagnostic("code", "x" * 100_000, Span(Source("s", ""), 1, 1, 1, 1))
    assert len(found.render()) < 1_000
    assert len(found.as_json()["message"]) < 1_000


def test_findings_are_told_once_and_in_the_order_of_the_text() -> None:
    source, other = Source("a", "x\ny\nz"), Source("b", "x")
    findings = Findings()
    for line, code in ((3, "third"), (1, "first"), (3, "third"), (2, "second")):
        findings.error(code, "message", Span(source, line, 1, line, 2))
    findings.error("other", "message", Span(other, 1, 1, 1, 2))
    findings.warning("warning", "message", Span(source, 1, 1, 1, 2))
    assert [found.code for found in findings.errors] == ["first", "second", "third", "other"]
    assert [found.code for found in findings.warnings] == ["warning"]
    with pytest.raises(RecipeError) as raised:
        findings.stop_at_errors()
    assert len(raised.value.diagnostics) == 4
    assert str(raised.value).count("error[") == 4


def test_nobody_is_told_ten_thousand_mistakes() -> None:
    source, findings = Source("a", "x"), Findings()
    with pytest.raises(RecipeError) as raised:
        for n in range(10_000):
            findings.error("code", f"message {n}", Span(source, 1, 1, 1, 2))
    assert len(raised.value.diagnostics) < 600
    assert raised.value.diagnostics[-1].code == "too-many-errors"


@pytest.mark.parametrize(
    ("word", "known", "cure"),
    [
        ("learning_rat", ["learning_rate", "beta_1"], "did you mean `learning_rate`?"),
        ("batchsize", ["batch_size"], "did you mean `batch_size`?"),
        ("dense", ["Dense"], "did you mean `Dense`?"),
        ("sgd", ["SGD", "Adam"], "did you mean `SGD`?"),
        ("max_pooling2d", ["MaxPooling2D", "MaxPooling1D"], "did you mean `MaxPooling2D`?"),
        ("zebra", ["Dense"], "otherwise"),
        ("x" * 10_000, ["Dense"], "otherwise"),
        ("Dense", ["Dense"], "otherwise"),
        ("", [""], "otherwise"),
    ],
)
def test_did_you_mean(word: str, known: list[str], cure: str) -> None:
    assert did_you_mean(word, known, "otherwise") == cure


def test_listing() -> None:
    assert listing(["a", "b"]) == "`a`, `b`"
    assert listing("abcd", most=2) == "`a`, `b` and 2 more"
