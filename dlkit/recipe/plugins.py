"""A recipe's plugins: what they declare is read from their text; they run only where that was allowed."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from dlkit.recipe.components import Components
from dlkit.recipe.declarations import Declaration, DeclarationError, read_declarations
from dlkit.recipe.diagnostics import Findings
from dlkit.recipe.nodes import Mapping, Node, inside, items_of, text_of


def plugins_allowed(said: bool) -> bool:
    """Whether plugins may run: as the call or `DLKIT_ALLOW_PLUGINS` says."""
    return said or os.environ.get("DLKIT_ALLOW_PLUGINS", "") not in ("", "0")


@dataclass(slots=True)
class Plugins:
    """Makes the components of plugins known.

    Args:
        components: Those that are known so far.
    """

    findings: Findings
    components: Components = field(default_factory=Components)

    def declare(self, root: Mapping) -> None:
        """Makes known what the plugins of a recipe declare, each file once."""
        function = text_of(inside(root, "data", "source", "python", "function")) or ""
        for item in items_of(root.get("plugins")):
            file = _file(item)
            if file is not None and file not in self.components.files:
                self.components.files.append(file)
                self._read(file, item, holds_function=function.partition(":")[0] == file.stem)

    def _read(self, file: Path, item: Node, holds_function: bool) -> None:
        try:
            found = read_plugin(file, holds_function)
        except DeclarationError as error:
            self.findings.incomplete = True
            cure = f"line {error.line} of {file.name}" if error.line else "plugins are looked for beside the recipe"
            self.findings.error("plugin", error.message, item.span, cure)
            return
        for declared in found:
            name = declared.spec.name
            taken = self.components.kinds_taking(name, declared.spec.kind)
            if taken:
                message = f"`{name}` of the plugin has the name of a known {taken[0]}"
                self.findings.error("name-taken", message, item.span, "give it another name")
            else:
                self.components.plugins.append(declared)


def _file(item: Node) -> Path | None:
    """The file of a plugin: relative to the file that names it."""
    name = text_of(item)
    if not name:
        return None
    beside = Path(item.span.source.path).parent if item.span.source.path else Path.cwd()
    return Path(os.path.abspath(beside / name))


def read_plugin(path: Path, holds_function: bool = False) -> tuple[Declaration, ...]:
    """What a plugin declares; it is not run.

    Args:
        path: Its file.
        holds_function: Whether it holds the function of the source `python`, and so may register nothing.

    Raises:
        DeclarationError: The file cannot be read as a plugin, or registers nothing.
    """
    try:
        found = read_declarations(path, "plugin")
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        raise DeclarationError(f"the plugin `{path.name}` cannot be read: {reason}") from None
    if not found and not holds_function:
        raise DeclarationError(f"the plugin `{path.name}` registers nothing: write @dlkit.register over its classes")
    return found
