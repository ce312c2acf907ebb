"""Python code as a tree, written out as a formatter would: on one line where it fits, else an item a line."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

WIDTH = 100
_DENOMINATORS = 4000  # of the fractions that are written as such: 1 / 255, 1 / 127.5
_READABLE = 7  # characters of a float that is no fraction to anybody


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a function."""

    function: Code
    args: Sequence[Code] = ()
    kwargs: Mapping[str, Code] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Items:
    """A list.

    Args:
        items: What is in it.
        long: Whether each item has a line of its own, however short they are.
    """

    items: Sequence[Code]
    long: bool = False


@dataclass(frozen=True, slots=True)
class Pairs:
    """A dict."""

    pairs: Mapping[str, Code]


Code: TypeAlias = str | Call | Items | Pairs


def literal(value: Any) -> Code:
    """A plain value of a recipe as code.

    Raises:
        TypeError: It is no plain value.
    """
    match value:
        case None | bool():
            return repr(value)
        case int():
            return repr(value)
        case float():
            return _number(value)
        case str():
            return json.dumps(value, ensure_ascii=not value.isprintable())
        case list() | tuple():
            return Items([literal(item) for item in value])
        case dict():
            return Pairs({literal_text(key): literal(item) for key, item in value.items()})
    raise TypeError(f"Only plain values can be written as code. Received: {value!r}")


def literal_text(value: Any) -> str:
    """A plain value as code, on one line."""
    return flat(literal(value))


def _number(value: float) -> str:
    """A float; `1 / 255` where that is what it is and says more than its digits."""
    told = repr(value)
    if not math.isfinite(value):
        return f'float("{told}")'
    if len(told) > _READABLE and 0 < abs(value) < 1:
        halves = round(2 / abs(value))
        below = halves // 2 if halves % 2 == 0 else halves / 2
        if 0 < halves <= _DENOMINATORS and 1 / below == abs(value):
            return f"{'-' if value < 0 else ''}1 / {below}"
    return told


def identifier(name: str) -> str:
    """A name as a variable may be called."""
    return re.sub(r"\W", "_", name)


def flat(code: Code) -> str:
    """The code on one line."""
    match code:
        case str():
            return code
        case Call():
            return f"{flat(code.function)}({', '.join(_items(code, flat))})"
        case Items():
            return f"[{', '.join(_items(code, flat))}]"
        case Pairs():
            return "{" + ", ".join(_items(code, flat)) + "}"


def text(code: Code, before: str = "", indent: int = 0, after: str = "") -> str:
    """Lines of code.

    Args:
        code: What is written.
        before: What stands before it on its first line, as `x = `.
        indent: Blanks before the first line.
        after: What stands behind it.
    """
    margin = " " * indent
    line = f"{margin}{before}{flat(code)}{after}"
    if isinstance(code, str) or (len(line) <= WIDTH and not _is_long(code)):
        return line
    if isinstance(code, Call) and isinstance(code.function, Call):
        return _called_result(code, before, indent, after)
    opening, closing = {Call: ("(", ")"), Items: ("[", "]"), Pairs: ("{", "}")}[type(code)]
    head = flat(code.function) if isinstance(code, Call) else ""
    lines = [f"{margin}{before}{head}{opening}"]
    lines += [text(item, name, indent + 4, ",") for name, item in _named(code)]
    return "\n".join([*lines, f"{margin}{closing}{after}"])


def _called_result(code: Call, before: str, indent: int, after: str) -> str:
    """What a call gives is called again: `layers.Dense(64)(x)`, of which the first pair of brackets is opened."""
    function, margin = code.function, " " * indent
    assert isinstance(function, Call)
    called = f"({', '.join(_items(code, flat))}){after}"
    if len(margin) + 1 + len(called) > WIDTH:
        lines = [f"{margin}{before}{flat(function)}("]
        return "\n".join(
            [*lines, *(text(item, name, indent + 4, ",") for name, item in _named(code)), f"{margin}){after}"]
        )
    lines = [f"{margin}{before}{flat(function.function)}("]
    lines += [text(item, name, indent + 4, ",") for name, item in _named(function)]
    return "\n".join([*lines, f"{margin}){called}"])


def _is_long(code: Code) -> bool:
    match code:
        case Items():
            return code.long or any(map(_is_long, code.items))
        case Call():
            return any(map(_is_long, [code.function, *code.args, *code.kwargs.values()]))
        case Pairs():
            return any(map(_is_long, code.pairs.values()))
    return False


def _named(code: Code) -> list[tuple[str, Code]]:
    """The items of a call, list or dict, with what stands before each."""
    match code:
        case Call():
            return [*(("", item) for item in code.args), *((f"{name}=", item) for name, item in code.kwargs.items())]
        case Items():
            return [("", item) for item in code.items]
        case Pairs():
            return [(f"{name}: ", item) for name, item in code.pairs.items()]
    return []


def _items(code: Code, written: Any) -> list[str]:
    return [f"{name}{written(item)}" for name, item in _named(code)]
