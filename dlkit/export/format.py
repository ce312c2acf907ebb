"""What every format of export has in common, and where they are found.

    @register(kind="export_format", name="onnx", file="model.onnx", quantizations=["float16", "int8"])
    class Onnx(Format): ...

What stands in `register` is known without importing the file: the name of what is written, what it can be quantized to,
what it `refuses` to be and why, `strings` where it takes texts as they are, `mixed` where it computes in mixed precision,
and the modules it `needs`, whose packages are the extra of that name.
"""

from __future__ import annotations

import importlib
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, ClassVar, Protocol

import numpy as np

from dlkit.errors import DlkitError, missing_package
from dlkit.recipe.components import Components, load_component
from dlkit.recipe.declarations import Declaration
from dlkit.recipe.diagnostics import did_you_mean, listing

if TYPE_CHECKING:
    from dlkit.export.servable import Servable

Values = Mapping[str, np.ndarray]


class Runtime(Protocol):
    """An opened file, run by the program that it is for."""

    @property
    def version(self) -> str:
        """The version of that program."""
        ...

    def __call__(self, features: Values) -> dict[str, np.ndarray]:
        """The outputs by name, for a batch of inputs by name, each of shape (batch, ...)."""
        ...


class Format(ABC):
    """Writes models, and opens what it wrote.

    Attributes:
        runtime: The package that runs the file, as pip knows it.
    """

    runtime: ClassVar[str]

    @abstractmethod
    def write(self, servable: Servable, path: Path, quantize: str | None, examples: Values) -> None:
        """Writes a model.

        Args:
            servable: The model.
            path: What is to be written, a file or a folder.
            quantize: One of the format's `quantizations`; None: float32.
            examples: Of the training split, by input, to find the range of values with.

        Raises:
            DlkitError: The format cannot hold the model.
        """

    @abstractmethod
    def open(self, path: Path) -> Runtime:
        """Opens a file in a program that knows nothing of Keras.

        Raises:
            DlkitError: The runtime refuses it (`cannot-open`).
        """

    @abstractmethod
    def deployment(self, path: Path, servable: Servable) -> str:
        """A line that tells how the file is put to use."""


@dataclass(frozen=True, slots=True)
class Known:
    """A format, as it declares itself.

    Args:
        name: As recipes and commands say it.
        file: The name of what it writes.
        quantizations: What it can be quantized to, beside float32.
        refuses: Other quantizations, with the reason.
        strings: Whether it takes texts; else lookups stay outside.
        mixed: Whether it computes in the types that a model of mixed precision does; else in float32.
        needs: Modules that it is written and run with.
    """

    name: str
    file: str
    quantizations: Sequence[str] = ()
    refuses: Mapping[str, str] = field(default_factory=dict)
    strings: bool = False
    mixed: bool = False
    needs: Sequence[str] = ()

    def load(self) -> Format:
        """The format itself.

        Raises:
            DlkitError: A package that it needs is not installed (`missing-package`).
        """
        for module in self.needs:
            needed(module, self.name)
        found = next(each for each in _declarations() if each.spec.name == self.name)
        return load_component(found)()


def formats() -> dict[str, Known]:
    """All formats by name; nothing of them is imported."""
    return {each.spec.name: Known(each.spec.name, **each.declared) for each in _declarations()}


def find_format(name: str) -> Known:
    """The format of a name.

    Raises:
        DlkitError: There is none (`unknown-format`).
    """
    known = formats()
    if name not in known:
        cure = did_you_mean(name, known, f"there are {listing(known)}")
        raise DlkitError(f"There is no format `{name}` to export to.", cure, "unknown-format")
    return known[name]


def needed(module: str, extra: str) -> ModuleType:
    """A module of an optional package.

    Raises:
        DlkitError: It is not installed (`missing-package`).
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module.partition(".")[0]:
            raise
        message = f"The package `{error.name}` is not installed, which exports to {extra} need."
        raise missing_package(message, extra) from error


def _declarations() -> list[Declaration]:
    return Components().declarations("export_format")
