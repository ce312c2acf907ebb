"""Reads what components declare from their source text, without importing them.

So a recipe is validated in milliseconds, without TensorFlow, and without running a line of a user's plugin. A component is
a function or class under ``@register`` (or ``@dlkit.register``); its arguments, types and defaults come from its signature,
what is told of it and of each argument from its docstring, and the decorator's further arguments must be literals or names
of literals in that file.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from dlkit.recipe.catalogue import Argument, ComponentSpec
from dlkit.recipe.docstrings import argument_docs
from dlkit.recipe.facts import check_teacher_forcing, read_facts
from dlkit.recipe.registry import KIND_OF_BASE, KINDS, snake_case
from dlkit.recipe.slots import COMPONENT_KINDS

_PLAIN = {
    **{"int": "int", "float": "float", "bool": "bool", "str": "str"},
    **{"None": "null", "Any": "any", "Path": "path", "Duration": "duration"},
}
_NAMED = (Argument("name", "str|null", default=None), Argument("dtype", "dtype|null", default=None))
# What a class of a kind takes besides its own arguments, through `**kwargs`.
_COMMON = {
    "layer": (*_NAMED, Argument("trainable", "bool", default=True)),
    "loss": _NAMED,
    "metric": _NAMED,
}
_WORDS_OF_LAYERS = ("from", "repeat", "reuse")
# What a pattern that learns without gradients does not use.
_OF_GRADIENTS = ("training.optimizer", "training.loss", "training.losses")
_BOUNDS = ("min", "max", "above", "below")
_NAME = re.compile(r"[a-z_][a-z0-9_]*")
_LARGEST_FILE = 1 << 20  # bytes

Constants = dict[str, Any]  # names at the top of a file that stand for literals


@dataclass(frozen=True, slots=True)
class Declaration:
    """A component that is not Keras's.

    Args:
        spec: Its name and arguments, as for Keras's.
        origin: `dlkit`, `package` or `plugin`.
        declared: What its decorator says, as the features and targets of a source.
        path: The file.
        docstring: All that its docstring says.
    """

    spec: ComponentSpec
    origin: str
    declared: dict[str, Any] = field(default_factory=dict)
    path: Path | None = None
    docstring: str = ""


class DeclarationError(Exception):
    """A file whose declarations cannot be read; `line` counts from 1, 0 is the whole file."""

    def __init__(self, message: str, line: int = 0) -> None:
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
        with path.open("rb") as file:
            tree = ast.parse(file.read(_LARGEST_FILE))
        return tuple(_declarations(tree, origin, path))
    except (SyntaxError, ValueError) as error:
        raise DeclarationError(f"this is no Python: {error}", getattr(error, "lineno", None) or 1) from None
    except (RecursionError, MemoryError):
        raise DeclarationError("this Python is nested too deep") from None


def _declarations(tree: ast.Module, origin: str, path: Path) -> Iterator[Declaration]:
    constants = _constants(tree)
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            for decorator in filter(is_register, node.decorator_list):
                yield _declaration(node, decorator, constants, origin, path)


def _constants(tree: ast.Module) -> Constants:
    """Names that are given a literal at the top of the file."""
    found: Constants = {}
    for node in tree.body:
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            try:
                found[node.targets[0].id] = _value(node.value, found)
            except (ValueError, TypeError):
                continue
    return found


def is_register(decorator: ast.expr) -> bool:
    """Whether a decorator is `@register` or `@dlkit.register`, with or without words."""
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    return (isinstance(called, ast.Name) and called.id == "register") or (
        isinstance(called, ast.Attribute) and called.attr == "register"
    )


def _declaration(
    node: ast.FunctionDef | ast.ClassDef, decorator: ast.expr, constants: Constants, origin: str, path: Path
) -> Declaration:
    keywords = decorator.keywords if isinstance(decorator, ast.Call) else []
    words = {keyword.arg or "": _literal(keyword.value, constants) for keyword in keywords}
    kind = words.pop("kind", None) or _kind_of_bases(node)
    name = words.pop("name", None) or snake_case(node.name)
    if kind not in KINDS:
        raise DeclarationError(f"what kind of component is `{node.name}`? Write @register(kind=...)", node.lineno)
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise DeclarationError(f"`{name}` is no name for a component: names are snake_case", node.lineno)
    arguments, call = _signature(node, kind, constants)
    taken = [word for word in _WORDS_OF_LAYERS if word in arguments]
    if kind in ("layer", "architecture") and taken:
        raise DeclarationError(f"`{name}` cannot have an argument `{taken[0]}`: it is dlkit's own word", node.lineno)
    _check_declared(kind, name, words, node.lineno)
    if kind == "pattern" and not isinstance(words.get("layers"), list):
        raise DeclarationError(f"the pattern `{name}` declares its `layers`, as a recipe writes them", node.lineno)
    if kind == "pattern" and words.get("gradients") is False:
        words["unused"] = [*_OF_GRADIENTS, *words.get("unused", ())]
    if kind == "figure" and not (isinstance(words.get("needs"), list) and words["needs"]):
        raise DeclarationError(f"the figure `{name}` declares the list of details that it `needs`", node.lineno)
    if kind == "callback":
        methods = {part.name for part in node.body if isinstance(part, ast.FunctionDef)}
        words["has_state"] = {"get_state", "set_state"} <= methods
    docstring = (ast.get_docstring(node) or "").strip()
    told = argument_docs(docstring)
    arguments = {each: replace(known, summary=told.get(each, "")) for each, known in arguments.items()}
    spec = ComponentSpec(kind, name, docstring.split("\n")[0], arguments, call)
    return Declaration(spec, origin, words, path, docstring)


def _check_declared(kind: str, name: str, words: dict[str, Any], line: int) -> None:
    """What a decorator says besides kind and name has the form that it is read in."""
    unused = words.get("unused", [])
    if not isinstance(unused, list | tuple) or not all(isinstance(path, str) for path in unused):
        raise DeclarationError(f"`unused` of `{name}` is a list of paths", line)
    inputs = words.get("inputs", [])
    if not isinstance(inputs, list | tuple) or not all(isinstance(each, str) for each in inputs):
        raise DeclarationError(f"`inputs` of `{name}` is a list of names", line)
    if not isinstance(words.get("generates", ""), str):
        raise DeclarationError(f"`generates` of `{name}` is the name of a network", line)
    if kind == "source" and "features" in words:
        try:
            check_teacher_forcing(read_facts(words["features"], words.get("targets") or {}))
            if strange := set((words.get("chooses") or {}).values()) - set(words.get("targets") or {}):
                raise ValueError(f"`chooses` names {', '.join(sorted(strange))}")
            for variants in (words.get("variants") or {}).values():
                for changed in variants.values():
                    read_facts(changed.get("features") or {}, changed.get("targets") or {})
        except (TypeError, ValueError, KeyError, AttributeError) as error:
            raise DeclarationError(f"the features and targets of `{name}` cannot be read: {error}", line) from None


def _literal(value: ast.expr, constants: Constants) -> Any:
    try:
        return _value(value, constants)
    except (ValueError, TypeError):
        raise DeclarationError("what a component declares must be a literal", value.lineno) from None


def _value(node: ast.expr, constants: Constants) -> Any:
    """A literal, in which names may stand for literals."""
    match node:
        case ast.Name(id=name) if name in constants:
            return constants[name]
        case ast.List(elts=items):
            return [_value(item, constants) for item in items]
        case ast.Tuple(elts=items):
            return tuple(_value(item, constants) for item in items)
        case ast.Dict(keys=keys, values=values):
            made: dict[Any, Any] = {}
            for key, value in zip(keys, values, strict=True):
                inner = _value(value, constants)
                made |= inner if key is None else {_value(key, constants): inner}
            return made
    return ast.literal_eval(node)


def _kind_of_bases(node: ast.FunctionDef | ast.ClassDef) -> str | None:
    for base in node.bases if isinstance(node, ast.ClassDef) else ():
        word = base.attr if isinstance(base, ast.Attribute) else base.id if isinstance(base, ast.Name) else ""
        if word in KIND_OF_BASE:
            return KIND_OF_BASE[word]
    return None


def _signature(
    node: ast.FunctionDef | ast.ClassDef, kind: str, constants: Constants
) -> tuple[dict[str, Argument], tuple[str, ...]]:
    """The arguments that a recipe may give, and the tensors that a layer is called with."""
    if isinstance(node, ast.FunctionDef):
        given = [argument.arg for argument in node.args.posonlyargs]
        return {argument.name: argument for argument in _arguments(node, constants) if argument.name not in given}, ()
    methods = {part.name: part for part in node.body if isinstance(part, ast.FunctionDef)}
    made = methods.get("__init__")
    given = [argument.arg for argument in made.args.posonlyargs] if made else []
    arguments = {each.name: each for each in _arguments(made, constants) if each.name not in given} if made else {}
    if made is None or made.args.kwarg:
        arguments = {**{common.name: common for common in _COMMON.get(kind, ())}, **arguments}
    return arguments, _tensor_arguments(methods.get("call"))


def _tensor_arguments(call: ast.FunctionDef | None) -> tuple[str, ...]:
    if call is None:
        return ()
    named = [argument.arg for argument in call.args.args[1:]]
    return tuple(name for name in named if name not in ("training", "mask", "cache"))


def _arguments(function: ast.FunctionDef, constants: Constants) -> Iterator[Argument]:
    arguments = [*function.args.posonlyargs, *function.args.args]
    missing: list[ast.expr | None] = [None] * (len(arguments) - len(function.args.defaults))
    pairs = [*zip(arguments, [*missing, *function.args.defaults], strict=True)]
    pairs += [*zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True)]
    for argument, default in pairs:
        if argument.arg not in ("self", "cls"):
            limits: dict[str, Any] = {}
            told = _type(argument.annotation, limits, constants) if argument.annotation else "any"
            yield Argument(argument.arg, told, required=default is None, default=_default(default, constants), **limits)


def _default(value: ast.expr | None, constants: Constants) -> Any:
    """A default as a recipe would write it; None for one that is not a literal."""
    try:
        made = None if value is None else _literal(value, constants)
    except DeclarationError:
        return None
    return list(made) if isinstance(made, tuple) else made


def _limits(call: ast.Call, constants: Constants) -> dict[str, float]:
    """The bounds of `Range(min=0, below=1)`."""
    made = {keyword.arg or "": _literal(keyword.value, constants) for keyword in call.keywords}
    for word, bound in made.items():
        if word not in _BOUNDS or not isinstance(bound, int | float):
            raise DeclarationError(f"Range takes numbers as {', '.join(_BOUNDS)}", call.lineno)
    return made


def _type(annotation: ast.expr, limits: dict[str, Any], constants: Constants) -> str:
    """An annotation in the catalogue's words; ranges and choices go to `limits`."""
    match annotation:
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return f"{_type(left, limits, constants)}|{_type(right, limits, constants)}"
        case ast.Constant(value=None):
            return "null"
        case ast.Constant(value=str() as text):
            return _type(_parsed(text), limits, constants)
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
                    limits |= _limits(part, constants)
            return _type(of, limits, constants)
        case ast.Subscript(value=ast.Name(id="list" | "tuple" | "Sequence"), slice=inner):
            first = inner.elts[0] if isinstance(inner, ast.Tuple) else inner
            if isinstance(inner, ast.Tuple) and not isinstance(inner.elts[-1], ast.Constant):  # no `...`
                limits["length"] = (len(inner.elts), len(inner.elts))
            return f"list[{_type(first, limits, constants)}]"
        case ast.Subscript(value=ast.Name(id="dict" | "Mapping"), slice=ast.Tuple(elts=[_, inner])):
            return f"map[{_type(inner, limits, constants)}]"
    return "any"


def _parsed(annotation: str) -> ast.expr:
    """An annotation in quotes; any value where it is no Python."""
    try:
        return ast.parse(annotation, mode="eval").body
    except SyntaxError:
        return ast.Name("Any")
