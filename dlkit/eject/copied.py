"""Functions and classes of dlkit by their source text, so that a script holds them without importing dlkit.

Of a module only what is asked for is taken, with what that needs: constants, other functions, those of other modules.
Taken away is what is dlkit's: `@register`, its imports, and the ranges in annotations.
"""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import dlkit
from dlkit.eject.refusal import refusal
from dlkit.recipe.declarations import is_register
from dlkit.recipe.undeclared import Undeclared

_ROOT = Path(dlkit.__file__).parent
_WIDTH = 120  # of dlkit's own lines
_ALIASES = {"Duration": "int"}  # of `dlkit.recipe.registry`
_Definition = ast.FunctionDef | ast.ClassDef | ast.Assign | ast.AnnAssign


@dataclass(frozen=True, slots=True)
class _Module:
    """A module of dlkit, as text and taken apart.

    Args:
        lines: Its lines.
        definitions: What it defines at its top, by name.
        imports: What it imports at its top, by the name it has there: module, and name in it (None for the module).
    """

    name: str
    lines: list[str]
    definitions: dict[str, _Definition]
    imports: dict[str, tuple[str, str | None]]


@dataclass(slots=True)
class Copies:
    """What a script has taken over so far, in the order in which it has to stand there.

    Attributes:
        imports: Lines of imports, by what they bind.
        sources: Source texts by name.
    """

    imports: dict[str, str] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)
    _homes: dict[str, str] = field(default_factory=dict)

    def take(self, module: str, name: str) -> str:
        """Takes a function, a class or a constant, with all that it needs.

        Returns:
            The name that it has in the script.

        Raises:
            DlkitError: It cannot stand without dlkit.
        """
        home = self._homes.setdefault(name, module)
        if home != module:
            raise refusal(f"`{name}`", f"is the name of two functions, of {home} and of {module}")
        if name in self.sources:
            return name
        found = _module(module)
        node = found.definitions[name]
        self.sources[name] = ""  # it may be recursive
        for used in _used(node):
            if used in found.definitions:
                self.take(module, used)
            elif used in found.imports:
                self._import(*found.imports[used], used)
        local = [each for each in ast.walk(node) if isinstance(each, ast.Import | ast.ImportFrom)]
        for each in local:
            for bound, (home, item) in _bound(each).items():
                self._import(home, item, bound)
        del self.sources[name]
        source = _text(found, node, local)
        if source not in self.sources.values():  # one line may define several names
            self.sources[name] = source
        return name

    def use(self, line: str) -> None:
        """Notes an import that the script needs, as a line of code."""
        self.imports[line.rpartition(" ")[2]] = line

    def _import(self, module: str, name: str | None, bound: str) -> None:
        if module in ("dlkit.recipe.registry", "__future__") or (module, name) == ("typing", "Annotated"):
            return
        if module.startswith("dlkit"):
            if name is None or module.startswith(("dlkit.errors", "dlkit.recipe")):
                raise refusal(f"`{bound}`", f"of {module} is needed, which a script cannot hold")
            self.take(module, name)
        elif name is None:
            self.use(f"import {module}" + (f" as {bound}" if bound != module else ""))
        else:
            self.use(f"from {module} import {name}" + (f" as {bound}" if bound != name else ""))

    @property
    def constants(self) -> str:
        """The constants that were taken over."""
        return "\n".join(source for source in self.sources.values() if not _is_block(source))

    @property
    def definitions(self) -> str:
        """The functions and classes that were taken over."""
        return "\n\n\n".join(source for source in self.sources.values() if _is_block(source))


def _is_block(source: str) -> bool:
    return source.startswith(("def ", "class ", "@"))


@functools.cache
def _module(name: str) -> _Module:
    path = _ROOT.joinpath(*name.split(".")[1:]).with_suffix(".py")
    text = path.read_text(encoding="utf-8")
    definitions: dict[str, _Definition] = {}
    imports: dict[str, tuple[str, str | None]] = {}
    for node in _top(ast.parse(text).body):
        match node:
            case ast.FunctionDef() | ast.ClassDef():
                definitions[node.name] = node
            case ast.Assign():
                names = [name for target in node.targets for name in ast.walk(target) if isinstance(name, ast.Name)]
                definitions |= {name.id: node for name in names}
            case ast.AnnAssign(target=ast.Name(id=target)):
                definitions[target] = node
            case ast.Import() | ast.ImportFrom():
                imports |= _bound(node)
    return _Module(name, text.splitlines(), definitions, imports)


def _top(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements of a module, those under `if TYPE_CHECKING:` included."""
    for node in body:
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            yield from node.body
        else:
            yield node


def _bound(node: ast.Import | ast.ImportFrom) -> dict[str, tuple[str, str | None]]:
    """What an import binds: module and name, by the name that it has here."""
    if isinstance(node, ast.Import):
        return {alias.asname or alias.name: (alias.name, None) for alias in node.names}
    return {alias.asname or alias.name: (node.module or "", alias.name) for alias in node.names}


def _used(node: ast.AST) -> list[str]:
    """The names that a definition reads, without those of `@register`."""
    found: dict[str, None] = {}
    for each in ast.iter_child_nodes(_Plain().visit(ast.parse(ast.unparse(node)))):
        names = [name for name in ast.walk(each) if isinstance(name, ast.Name)]
        found |= {name.id: None for name in names if isinstance(name.ctx, ast.Load)}
    return list(found)


class _Plain(Undeclared):
    """Also calls types by the names that they have without dlkit."""

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return ast.copy_location(ast.Name(_ALIASES.get(node.id, node.id), node.ctx), node)


def _text(module: _Module, node: _Definition, local: list[ast.Import | ast.ImportFrom]) -> str:
    """The source of a definition as it stands in the file, but for what is dlkit's."""
    decorators = node.decorator_list if isinstance(node, ast.FunctionDef | ast.ClassDef) else []
    first = min([node.lineno, *(each.lineno for each in decorators)])
    replaced: dict[int, tuple[int, list[str]]] = {}  # first line -> last line, and what stands there instead
    for decorator in filter(is_register, decorators):
        replaced[decorator.lineno] = (decorator.end_lineno or decorator.lineno, [])
    for each in local:
        last = each.end_lineno or each.lineno
        is_apart = not module.lines[last].strip() and _begins_block(module, each.lineno)
        replaced[each.lineno] = (last + 1 if is_apart else last, [])
    for inner in ast.walk(node):
        if isinstance(inner, ast.FunctionDef) and _is_annotated(inner.args):
            replaced[inner.lineno] = (inner.body[0].lineno - 1, _signature(inner))
    lines, number = [], first
    while number <= (node.end_lineno or number):
        if number in replaced:
            last, instead = replaced[number]
            lines += instead
            number = last + 1
        else:
            lines.append(module.lines[number - 1])
            number += 1
    return "\n".join(lines)


def _begins_block(module: _Module, line: int) -> bool:
    """Whether nothing but imports stands between a line and the blank line or the docstring above it."""
    above = module.lines[line - 2].strip()
    return not above or above.endswith(('"""', ":")) or above.startswith(("import ", "from "))


def _is_annotated(arguments: ast.arguments) -> bool:
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    written = [ast.unparse(each.annotation) for each in every if each.annotation]
    return any(word in annotation for annotation in written for word in ("Annotated", *_ALIASES))


def _signature(node: ast.FunctionDef) -> list[str]:
    """The first lines of a function, without the ranges."""
    plain = _Plain().visit(ast.parse(ast.unparse(node)).body[0])
    arguments = [text.replace("'", '"') for text in _arguments(plain.args)]
    margin = " " * node.col_offset
    returns = f" -> {ast.unparse(plain.returns)}" if plain.returns else ""
    line = f"{margin}def {node.name}({', '.join(arguments)}){returns}:"
    if len(line) <= _WIDTH:
        return [line]
    inner = f"{margin}    {', '.join(arguments)}"
    body = [inner] if len(inner) <= _WIDTH else [f"{margin}    {each}," for each in arguments]
    return [f"{margin}def {node.name}(", *body, f"{margin}){returns}:"]


def _arguments(arguments: ast.arguments) -> list[str]:
    """The arguments of a function, each as it is written."""
    positional = [*arguments.posonlyargs, *arguments.args]
    defaults: list[ast.expr | None] = [None] * (len(positional) - len(arguments.defaults)) + [*arguments.defaults]
    made = [_argument(each, default) for each, default in zip(positional, defaults, strict=True)]
    if arguments.posonlyargs:
        made.insert(len(arguments.posonlyargs), "/")
    if arguments.vararg:
        made.append(f"*{ast.unparse(arguments.vararg)}")
    elif arguments.kwonlyargs:
        made.append("*")
    pairs = zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    made += [_argument(each, default) for each, default in pairs]
    return [*made, *([f"**{ast.unparse(arguments.kwarg)}"] if arguments.kwarg else [])]


def _argument(argument: ast.arg, default: ast.expr | None) -> str:
    equals = " = " if argument.annotation else "="
    return ast.unparse(argument) + (f"{equals}{ast.unparse(default)}" if default is not None else "")
