"""Gathers what is wrong with the files of a data set, so that all of them are named at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from dlkit.errors import DlkitError

MOST = 10  # problems that are told; of the others, their number


@dataclass
class Problems:
    """The problems found so far."""

    found: list[DlkitError] = field(default_factory=list)

    def add(self, message: str, cure: str | None = None) -> None:
        """Notes a problem."""
        self.found.append(DlkitError(message, cure))

    @contextmanager
    def noted(self) -> Iterator[None]:
        """Notes the problem that ends the block, and goes on behind it."""
        try:
            yield
        except DlkitError as error:
            self.found.append(error)

    def raise_any(self) -> None:
        """Ends the work if there are problems.

        Raises:
            DlkitError: There are; it names the first ten and the number of the others.
        """
        if not self.found:
            return
        told = [error.message for error in self.found[:MOST]]
        more = [f"and {len(self.found) - MOST:,} more like these"] if len(self.found) > MOST else []
        cures = dict.fromkeys(error.cure for error in self.found[:MOST] if error.cure)
        raise DlkitError("\n".join([*told, *more]), "\n".join(cures) or None, code="damaged-data")
