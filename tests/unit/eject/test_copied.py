"""Source text of dlkit's, taken over so that it stands alone."""

from __future__ import annotations

import ast

import pytest

from dlkit.eject.copied import Copies
from dlkit.errors import DlkitError


def test_a_function_comes_with_what_it_needs_and_without_what_is_dlkits():
    copies = Copies()
    assert copies.take("dlkit.models.layers.token_and_position_embedding", "token_and_position_embedding")
    assert list(copies.sources) == ["positions_of", "sinusoids", "token_and_position_embedding"]
    text = copies.definitions
    assert not any(word in text for word in ("dlkit", "register", "Annotated", "Range", "    import ", "from keras"))
    assert {"import math", "from keras import ops", "import keras", "from typing import Literal"} <= {
        *copies.imports.values()
    }
    ast.parse(text)


def test_classes_keep_their_decorators_and_constants_their_comments():
    copies = Copies()
    copies.take("dlkit.training.schedules.one_cycle", "OneCycle")
    copies.take("dlkit.models.layers._capsules", "squashed")
    assert '@keras.saving.register_keras_serializable("dlkit")\nclass OneCycle' in copies.definitions
    assert "max_learning_rate: float,\n" in copies.definitions or "max_learning_rate: float, " in copies.definitions
    assert copies.constants == "_EPSILON = 1e-7"
    compile(copies.definitions, "copied", "exec")


def test_only_what_is_used_is_taken():
    copies = Copies()
    copies.take("dlkit.models.layers._columns", "side_by_side")
    assert list(copies.sources) == ["Ids", "side_by_side"]


def test_a_line_of_several_names_stands_there_once():
    copies = Copies()
    copies.take("dlkit.data.sources.wardrobe", "_corners")
    copies.take("dlkit.data.sources.wardrobe", "compose")
    assert copies.constants.count("CANVAS, GARMENT = 56, 28") == 1


def test_what_needs_dlkit_is_refused():
    with pytest.raises(DlkitError, match="DlkitError") as caught:
        Copies().take("dlkit.data.sources.captcha", "_private_library")
    assert caught.value.code == "cannot-eject"
    with pytest.raises(DlkitError, match="name of two functions"):
        copies = Copies()
        copies.take("dlkit.models.layers.radial_basis", "_numbers")
        copies.take("dlkit.data.reading.kinds", "_numbers")
