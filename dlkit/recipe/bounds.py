"""Bounds against recipes that would take too much memory or time, by mistake or by malice. All are far from real recipes."""

from __future__ import annotations

from dataclasses import dataclass

# A text.
LARGEST_FILE = 1 << 20  # bytes
DEEPEST = 60  # lists and mappings inside one another
MOST_VALUES = 100_000  # after aliases are followed, and again after references are
LONGEST_NUMBER = 400  # characters; Python refuses to read an integer of more than 4,300

# A recipe.
MOST_FILES = 200  # it is put together from
LONGEST_PATH = 60  # words
DEEPEST_RESOLVED = 100  # values inside one another once references are followed
MOST_LAYERS = 10_000  # of a network, uses of blocks included
DEEPEST_LAYERS = 50  # lists of layers inside one another
MOST_TRIED = 300  # values of a search space that are written, and so are checked

# A recipe with all variants of it that are checked: its quick one, and one for each value of a search space.
MOST_LAYERS_OPENED = 200_000
MOST_VALUES_RESOLVED = 3_000_000


@dataclass(slots=True)
class Work:
    """What was done for one recipe, in all its variants."""

    layers: int = 0
    values: int = 0
