"""What is the format, and which program runs it? Name its page."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from dlkit.export.format import Format, Runtime, Values
from dlkit.export.servable import Servable
from dlkit.recipe.registry import register


@register(kind="export_format", name="some_name", file="model.some_name")
class SomeName(Format):
    """What does it hold, in one line?"""

    runtime: ClassVar[str] = "tensorflow"

    def write(self, servable: Servable, path: Path, quantize: str | None, examples: Values) -> None:
        raise NotImplementedError("Write `servable.model` to `path`, or raise what `dlkit.export.refusal` makes")

    def open(self, path: Path) -> Runtime:
        raise NotImplementedError("Open `path` in its own runtime, which takes and gives arrays by name")

    def deployment(self, path: Path, servable: Servable) -> str:
        raise NotImplementedError("Tell in a line how `path` is put to use")
