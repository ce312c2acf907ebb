"""An exported file as the model that `dlkit predict` works with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlkit.export.as_model import as_model
from dlkit.export.format import find_format
from dlkit.export.servable import Front
from dlkit.models.saved import load_saved
from dlkit.runs.exports import FRONT, Manifest
from dlkit.runs.folder import RunFolder
from dlkit.workflows.recipe_file import raw_features_of, recipe_of

if TYPE_CHECKING:
    import keras


def exported_model(folder: RunFolder) -> keras.Model:
    """What an export holds, as a Keras model of raw features that can be run and not trained.

    Args:
        folder: Of the export, with the recipe of its run in it.

    Raises:
        DlkitError: A file is missing or damaged, or the package that runs it is not installed.
    """
    manifest = Manifest.read(folder.path)
    runtime = find_format(manifest.format).load().open(folder.path / manifest.file)
    front = Front(load_saved(folder.path / FRONT, {}), tuple(manifest.front)) if manifest.front else None
    known = raw_features_of(folder)
    features = {name: known[name] for name in recipe_of(folder).graphs["model"].inputs}
    return as_model(runtime, features, manifest.outputs, front=front)
