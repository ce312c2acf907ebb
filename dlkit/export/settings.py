"""What is asked of an export: by the command, else by the recipe's `export`. Nothing here needs TensorFlow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dlkit.errors import DlkitError
from dlkit.export.format import Known, find_format
from dlkit.recipe.diagnostics import listing
from dlkit.recipe.keys import Export


@dataclass(frozen=True, slots=True)
class Settings:
    """What is written, and what it may lose.

    Args:
        format: As `onnx`.
        quantize: One of the format's quantizations; None: float32.
        prune: The share of weights that are set to zero; None: none.
        finetune_epochs: Epochs that are trained after that.
        tolerance: What is allowed; None: see `dlkit.export.proof`.
    """

    format: str
    quantize: str | None = None
    prune: float | None = None
    finetune_epochs: int = 0
    tolerance: float | None = None

    @property
    def known(self) -> Known:
        """The format, as it declares itself."""
        return find_format(self.format)

    @property
    def is_lossy(self) -> bool:
        """Whether the file is to be held against the model by what it reaches, not by its outputs."""
        return bool(self.quantize or self.prune)


def settings_of(recipe: Export | None, given: Mapping[str, Any]) -> Settings:
    """What is asked for.

    Args:
        recipe: The recipe's `export`.
        given: What stands before it, by its keys; None: not given.

    Raises:
        DlkitError: There is no format (`no-format`), or it has no such quantization (`cannot-quantize`).
    """
    written = recipe.model_dump(exclude_none=True) if recipe else {}
    asked = {**written, **{key: value for key, value in given.items() if value is not None}}
    if "format" not in asked:
        raise DlkitError("There is no format to export to.", "Say --format, or `export: {format: ...}`.", "no-format")
    settings = Settings(**asked)
    known, wanted = settings.known, settings.quantize
    if wanted and wanted not in known.quantizations:
        reason = known.refuses.get(wanted)
        told = f"{known.name} is not quantized to {wanted}" + (f": {reason}." if reason else ".")
        raise DlkitError(told, f"It can be quantized to {listing(known.quantizations)}.", "cannot-quantize")
    if settings.finetune_epochs and not settings.prune:
        told = "Epochs of fine-tuning follow on pruning, and nothing is pruned."
        raise DlkitError(told, "Say --prune as well.", "nothing-pruned")
    return settings
