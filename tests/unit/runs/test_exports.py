"""Folders of exports: their names, and how they are found."""

from __future__ import annotations

from pathlib import Path

import pytest

from dlkit.errors import DlkitError
from dlkit.runs.exports import Manifest, export_name, find_export, is_export


def test_a_name_tells_what_was_done():
    assert export_name("onnx") == "onnx"
    assert export_name("litert", "int8") == "litert-int8"
    assert export_name("savedmodel", None, 0.5) == "savedmodel-pruned50"
    assert export_name("litert", "int8", 0.875) == "litert-int8-pruned87.5"


def test_an_export_is_found_by_its_folder_or_a_file_in_it(tmp_path, monkeypatch):
    folder = tmp_path / "onnx"
    folder.mkdir()
    assert find_export(str(folder)) is None and not is_export(folder)
    (folder / "export.json").write_text("{}")
    (folder / "model.onnx").touch()
    assert find_export(str(folder)) == find_export(str(folder / "model.onnx")) == folder
    assert find_export("digits/cnn") is None
    monkeypatch.chdir(folder)
    assert find_export("latest") is None and find_export("model.onnx") == Path(".")


def test_a_damaged_manifest_is_told(tmp_path):
    (tmp_path / "export.json").write_text('{"format": "onnx"}')
    with pytest.raises(DlkitError, match=r"export\.json cannot be read"):
        Manifest.read(tmp_path)
