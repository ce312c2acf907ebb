"""What is asked of an export: by the command, else by the recipe."""

from __future__ import annotations

import pytest

from dlkit.errors import DlkitError
from dlkit.export.format import find_format, formats, needed
from dlkit.export.settings import Settings, settings_of
from dlkit.recipe.keys import Export


def test_the_command_stands_before_the_recipe():
    written = Export(format="litert", quantize="int8", tolerance=0.01)
    assert settings_of(written, {}) == Settings("litert", "int8", tolerance=0.01)
    assert settings_of(written, {"format": "onnx", "quantize": None}) == Settings("onnx", "int8", tolerance=0.01)
    assert settings_of(None, {"format": "onnx"}) == Settings("onnx")
    assert not Settings("onnx").is_lossy and Settings("onnx", prune=0.5).is_lossy


@pytest.mark.parametrize(
    ("given", "code", "said"),
    [
        ({}, "no-format", "--format"),
        ({"format": "onx"}, "unknown-format", "did you mean `onnx`"),
        ({"format": "savedmodel", "quantize": "float16"}, "cannot-quantize", "the types that it was traced in"),
        ({"format": "onnx", "quantize": "int4"}, "cannot-quantize", "`float16`, `int8`"),
        ({"format": "onnx", "finetune_epochs": 2}, "nothing-pruned", "--prune"),
    ],
)
def test_what_cannot_be_asked_for(given, code, said):
    with pytest.raises(DlkitError) as raised:
        settings_of(None, given)
    assert raised.value.code == code and said in str(raised.value)


def test_every_format_of_the_recipe_language_is_one():
    assert {"savedmodel", "onnx", "litert"} == set(formats())
    for known in formats().values():
        assert known.file and not set(known.quantizations) & set(known.refuses)
    assert find_format("savedmodel").strings and not find_format("onnx").strings


def test_a_package_that_is_missing_is_named_with_its_extra():
    with pytest.raises(DlkitError, match=r"pip install .*\[onnx\]") as raised:
        needed("no_such_package.inside", "onnx")
    assert raised.value.code == "missing-package"
