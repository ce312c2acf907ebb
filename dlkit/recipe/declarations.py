"""Reads what components declare from their source text, without importing them.

So a recipe is validated in milliseconds, without TensorFlow, and without running a line of a user's plugin. A component is
a function or class under ``@register`` (or ``@dlkit.register``); its arguments, types and defaults come from its signature,
its summary from its docstring, and the decorator's further arguments must be literals or names of literals in that file.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dlkit.recipe.catalogue import Argument, ComponentSpec
from dlkit.recipe.registry import KIND_OF_BASE, KINDS, snake_case
from dlkit.recipe.slots import COMPONENT_KINDS

_PLAIN = {"int": "int", "float": "float", "bool": "bool", "str": "str", "None": "null", "Any": "any", "Path": "path"}
_LAYER_ARGUMENTS = (
    Argument("name", "str|null", default=None),
    Argument("dtype", "dtype|null", default=None),
    Argument("trainable", "bool", default=True),
)


@dataclass(frozen=True, slots=True)
class Declaration:
    """A component that is not Keras's.

    Args:
        spec: Its name and arguments, as for Keras's.
        origin: `dlkit`, `package`, `plugin`, or `planned` for one that recipes may name but no code runs yet.
        declared: What its decorator says, as the features and targets of a source.
        path: The file.
    """

    spec: ComponentSpec
    origin: str
    declared: dict[str, Any] = field(default_factory=dict)
    path: Path | None = None


class DeclarationError(Exception):
    """A file whose declarations cannot be read; `line` counts from 1."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.message = message
        self.line = line


def read_declarations(path: Path, origin: str) -> tuple[Declaration, ...]:
    """The components that a Python file registers.

    Raises:
        DeclarationError: The file is no Python, or declares something that is not a literal.
        OSError: The file cannot be read.
    """
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError) as error:
        raise DeclarationError(f"this is no Python: {error}", getattr(error, "lineno", None) or 1) from None
    constants = dict(_constants(tree))
    found = []
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            for decorator in node.decorator_list:
                if _is_register(decorator):
                    found.append(_declaration(node, decorator, constants, origin, path))
    return tuple(found)


def _constants(tree: ast.Module) -> Iterator[tuple[str, Any]]:
    """Names that are given a literal at the top of the file."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            try:
                yield node.targets[0].id, ast.literal_eval(node.value)
            except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
                continue


def _is_register(decorator: ast.expr) -> bool:
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    return (isinstance(called, ast.Name) and called.id == "register") or (
        isinstance(called, ast.Attribute) and called.attr == "register"
    )


def _declaration(
    node: ast.FunctionDef | ast.ClassDef, decorator: ast.expr, constants: dict[str, Any], origin: str, path: Path
) -> Declaration:
    words = {}
    if isinstance(decorator, ast.Call):
        for keyword in decorator.keywords:
            words[keyword.arg or ""] = _literal(keyword.value, constants)
    kind = words.pop("kind", None) or _kind_of_bases(node)
    name = words.pop("name", None) or snake_case(node.name)
    if kind not in KINDS:
        raise DeclarationError(f"what kind of component is `{node.name}`? Write @register(kind=...)", node.lineno)
    function, call = node, ()
    if isinstance(node, ast.ClassDef):
        methods = {part.name: part for part in node.body if isinstance(part, ast.FunctionDef)}
        function = methods.get("__init__")  # type: ignore[assignment]
        call = _tensor_arguments(methods.get("call"))
    arguments = {argument.name: argument for argument in _arguments(function, constants)} if function else {}
    if isinstance(node, ast.ClassDef) and kind == "layer" and (function is None or function.args.kwarg):
        for common in _LAYER_ARGUMENTS:
            arguments.setdefault(common.name, common)
    summary = (ast.get_docstring(node) or "").strip().split("\n")[0]
    return Declaration(ComponentSpec(kind, name, summary, arguments, call), origin, words, path)


def _literal(value: ast.expr, constants: dict[str, Any]) -> Any:
    if isinstance(value, ast.Name) and value.id in constants:
        return constants[value.id]
    try:
        return ast.literal_eval(value)
    except (ValueError, TypeError):
        raise DeclarationError("what a component declares must be a literal", value.lineno) from None


def _kind_of_bases(node: ast.FunctionDef | ast.ClassDef) -> str | None:
    for base in node.bases if isinstance(node, ast.ClassDef) else ():
        word = base.attr if isinstance(base, ast.Attribute) else base.id if isinstance(base, ast.Name) else ""
        if word in KIND_OF_BASE:
            return KIND_OF_BASE[word]
    return None


def _tensor_arguments(call: ast.FunctionDef | None) -> tuple[str, ...]:
    if call is None:
        return ()
    named = [argument.arg for argument in call.args.args[1:]]
    return tuple(name for name in named if name not in ("training", "mask", "cache"))


def _arguments(function: ast.FunctionDef, constants: dict[str, Any]) -> Iterator[Argument]:
    arguments = [*function.args.posonlyargs, *function.args.args]
    missing: list[ast.expr | None] = [None] * (len(arguments) - len(function.args.defaults))
    pairs = [*zip(arguments, [*missing, *function.args.defaults], strict=True)]
    pairs += [*zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True)]
    for argument, default in pairs:
        if argument.arg not in ("self", "cls"):
            limits: dict[str, Any] = {}
            told = _type(argument.annotation, limits, constants) if argument.annotation else "any"
            value = None if default is None else _literal(default, constants)
            value = list(value) if isinstance(value, tuple) else value
            yield Argument(argument.arg, told, required=default is None, default=value, **limits)


def _type(annotation: ast.expr, limits: dict[str, Any], constants: dict[str, Any]) -> str:
    """An annotation in the catalogue's words; ranges and choices go to `limits`."""
    match annotation:
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return f"{_type(left, limits, constants)}|{_type(right, limits, constants)}"
        case ast.Constant(value=None):
            return "null"
        case ast.Constant(value=str() as text):
            return _type(ast.parse(text, mode="eval").body, limits, constants)
        case ast.Attribute(attr=word) | ast.Name(id=word):
            if word in _PLAIN:
                return _PLAIN[word]
            if word in ("list", "tuple"):
                return "list[any]"
            return snake_case(word) if snake_case(word) in COMPONENT_KINDS else "any" if word != "dict" else "map[any]"
        case ast.Subscript(value=ast.Name(id="Literal") | ast.Attribute(attr="Literal"), slice=inner):
            values = inner.elts if isinstance(inner, ast.Tuple) else [inner]
            limits["choices"] = tuple(_literal(value, constants) for value in values)
            return "str"
        case ast.Subscript(
            value=ast.Name(id="Annotated") | ast.Attribute(attr="Annotated"), slice=ast.Tuple(elts=[of, *rest])
        ):
            for part in rest:
                if isinstance(part, ast.Call):
                    limits |= {
                        keyword.arg: _literal(keyword.value, constants) for keyword in part.keywords if keyword.arg
                    }
            return _type(of, limits, constants)
        case ast.Subscript(value=ast.Name(id="list" | "tuple" | "Sequence"), slice=inner):
            first = inner.elts[0] if isinstance(inner, ast.Tuple) else inner
            return f"list[{_type(first, limits, constants)}]"
        case ast.Subscript(value=ast.Name(id="dict" | "Mapping"), slice=ast.Tuple(elts=[_, inner])):
            return f"map[{_type(inner, limits, constants)}]"
    return "any"
