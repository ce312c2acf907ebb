"""The errors that are a user's to mend: told in a sentence, without a traceback."""

from __future__ import annotations


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
