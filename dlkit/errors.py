"""The errors that are a user's to mend: told in a sentence, without a traceback."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path


class DlkitError(Exception):
    """Work that cannot be done, for a reason outside the recipe: a missing file, a full disk, a foreign run folder.

    Args:
        message: What was found and where.
        cure: What to do about it, where that is known.
        code: A stable word for scripts, in kebab-case.
    """

    def __init__(self, message: str, cure: str | None = None, code: str = "failed") -> None:
        super().__init__(f"{message}\n{cure}" if cure else message)
        self.message = message
        self.cure = cure
        self.code = code


def missing_package(message: str, extra: str) -> DlkitError:
    """The error of an optional package that is not installed (`missing-package`).

    Args:
        message: Which one, and what needs it.
        extra: The extra of dlkit that brings it.
    """
    root = Path(__file__).parent.parent
    words = [sys.executable, "-m", "pip", "install", f"dlkit[{extra}]"]
    if (root / "pyproject.toml").is_file():  # a checkout, which lies on no package index
        words[-1:] = ["--constraint", str(root / "constraints.txt"), "--editable", f"{root}[{extra}]"]
    return DlkitError(message, shlex.join(words), "missing-package")
