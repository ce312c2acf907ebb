"""From a component of a recipe to the call that makes the Keras object it stands for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dlkit.eject.code import Call, Code, Items, Pairs, literal, literal_text
from dlkit.eject.copied import Copies
from dlkit.eject.refusal import refusal
from dlkit.recipe import registry
from dlkit.recipe.catalogue import ComponentSpec, catalogue
from dlkit.recipe.components import Components
from dlkit.recipe.declarations import Declaration
from dlkit.recipe.graph import Component

_HOMES = {
    "layer": "layers",
    "optimizer": "keras.optimizers",
    "loss": "keras.losses",
    "metric": "keras.metrics",
    "callback": "keras.callbacks",
    "schedule": "keras.optimizers.schedules",
    "initializer": "keras.initializers",
    "regularizer": "keras.regularizers",
    "constraint": "keras.constraints",
}
_COPIED = ("layer", "schedule", "loss", "augmentation")  # kinds of dlkit's own components that scripts may hold


def call_of(component: Component, components: Components, copies: Copies, **more: Code) -> Call:
    """The call that makes the object of a component.

    Args:
        component: Checked against the catalogue.
        components: Everything the recipe may name.
        copies: Where dlkit's own classes are taken over.
        **more: Further arguments, which take the place of written ones.

    Raises:
        DlkitError: It cannot stand in a script.
    """
    spec = catalogue().find(component.kind, component.name)
    if spec is not None and component.kind in _HOMES:
        function = f"{_HOMES[component.kind]}.{spec.alias_of or spec.name}"
        arguments = given_arguments(component, spec)
    else:
        function = own_function(component, components, copies)
        spec, arguments = None, dict(component.arguments)
    made = {name: argument_of(value, components, copies) for name, value in arguments.items() if name not in more}
    leading = _leading(spec, made) if spec else []
    return Call(function, [made[name] for name in leading], _without(made, leading) | more)


def given_arguments(component: Component, spec: ComponentSpec) -> dict[str, Any]:
    """The arguments that are not what Keras takes anyhow, in the order in which they are written."""
    return {
        name: value
        for name, value in component.arguments.items()
        if name not in spec.arguments or spec.arguments[name].required or not _same(value, spec.arguments[name].default)
    }


def argument_of(value: Any, components: Components, copies: Copies) -> Code:
    """The value of an argument as code."""
    match value:
        case Component():
            return call_of(value, components, copies)
        case list() | tuple():
            return Items([argument_of(item, components, copies) for item in value])
        case dict():
            return Pairs({literal_text(key): argument_of(item, components, copies) for key, item in value.items()})
    return literal(value)


def own_function(component: Component, components: Components, copies: Copies) -> str:
    """The name in the script of dlkit's own class or function behind a component.

    Raises:
        DlkitError: It is a plugin's, or one that a script cannot hold.
    """
    declaration = components.declaration(component.kind, component.name)
    if declaration is None or component.kind not in _COPIED:
        raise refusal(f"`{component.name}`", f"is a {component.kind}, which a script cannot hold yet")
    if declaration.origin != "dlkit" or declaration.path is None:
        raise refusal(f"`{component.name}`", f"comes from a {declaration.origin}, whose code dlkit does not copy")
    return copies.take(f"{registry.HOMES[component.kind]}.{declaration.path.stem}", defined_name(declaration))


def defined_name(declaration: Declaration) -> str:
    """The name that a component's class or function has in its file."""
    import ast

    assert declaration.path is not None
    for node in ast.parse(declaration.path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and registry.snake_case(node.name) == declaration.spec.name:
            return node.name
    raise ValueError(f"The file must define its component. Received: {declaration.path}")


def _leading(spec: ComponentSpec, given: Mapping[str, Code]) -> list[str]:
    """The arguments that are written without their names: the required ones, which stand first."""
    leading = []
    for name, argument in spec.arguments.items():
        if not argument.required or name not in given:
            break
        leading.append(name)
    return leading


def _without(made: dict[str, Code], names: list[str]) -> dict[str, Code]:
    return {name: code for name, code in made.items() if name not in names}


def _same(value: Any, default: Any) -> bool:
    return value == default and isinstance(value, bool) == isinstance(default, bool)
