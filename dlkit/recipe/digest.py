"""A recipe in 16 characters, by which a result that was measured before the recipe changed is told from a fresh one."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from dlkit.recipe.compose import Composer
from dlkit.recipe.diagnostics import Findings
from dlkit.recipe.keys import OWN
from dlkit.recipe.nodes import Mapping, plain
from dlkit.recipe.plugins import Plugins
from dlkit.recipe.yaml_source import read_file

_NO_PART = (*OWN, "tune", "export")  # in what is measured
_LENGTH = 16


def digest(root: Mapping) -> str:
    """The digest of a composed recipe: of what it extends, its own values and its `set`, not of comments and defaults.

    Args:
        root: As `Recipe.root` holds it.
    """
    values = plain(root.without(*_NO_PART))
    text = json.dumps(values, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:_LENGTH]


def digest_of_file(path: Path) -> str:
    """The same of a recipe's file, which is put together and not checked.

    Raises:
        RecipeError: The file is no YAML mapping.
    """
    findings = Findings()
    return digest(Composer(Plugins(findings), findings).tree(read_file(path), path))
