"""What a script of plain Keras cannot hold, or does not hold yet."""

from __future__ import annotations

from dlkit.errors import DlkitError


def refusal(
    what: str, why: str, cure: str = "`dlkit train` trains it, and `dlkit export` hands its model over"
) -> DlkitError:
    """The error of a recipe that cannot be ejected.

    Args:
        what: The feature of the recipe, as it is written.
        why: The rest of a sentence that begins with it.
        cure: What can be done instead.
    """
    return DlkitError(f"The recipe cannot be ejected: {what} {why}", cure, "cannot-eject")
