"""The wheel: what it holds, and that it works where there is no checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from email.parser import Parser
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def wheel(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(build, cwd=repository, check=True, capture_output=True)
    return next(folder.glob("dlkit-*-py3-none-any.whl"))


def shipped(repository: Path) -> Mapping[str, Path]:
    """By their place in the wheel: the files of the package, the recipes and the fragments."""
    roots = {"dlkit": "dlkit", "recipes": "dlkit/recipes", "configs": "dlkit/configs"}
    return {
        f"{place}/{path.relative_to(repository / root)}": path
        for root, place in roots.items()
        for path in (repository / root).rglob("*")
        if path.suffix in {".py", ".json", ".yaml", ".j2", ".html"} and "__pycache__" not in path.parts
    }


def test_holds_the_package_its_data_the_recipes_and_the_fragments_and_nothing_else(
    wheel: Path, repository: Path
) -> None:
    with zipfile.ZipFile(wheel) as archive:
        held = {name: archive.read(name) for name in archive.namelist() if ".dist-info/" not in name}
    expected = {place: path.read_bytes() for place, path in shipped(repository).items()}
    assert {"dlkit/recipe/catalogue.json", "dlkit/recipes/schema.json"} <= expected.keys()
    assert held.keys() == expected.keys()
    assert held == expected


def test_tells_version_license_and_command(wheel: Path) -> None:
    import dlkit

    with zipfile.ZipFile(wheel) as archive:
        texts = {name.partition(".dist-info/")[2]: archive.read(name) for name in archive.namelist()}
    metadata = Parser().parsestr(texts["METADATA"].decode())
    assert metadata["Version"] == dlkit.__version__
    assert metadata["License-Expression"] == "MIT"
    assert "licenses/LICENSE" in texts
    assert texts["entry_points.txt"].decode().split() == ["[console_scripts]", "dlkit", "=", "dlkit.cli.main:main"]


def test_lists_and_validates_its_recipes_without_a_checkout(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")

    environment = os.environ | {"PYTHONPATH": str(tmp_path / "site")}

    def python(program: str, *arguments: str) -> str:
        command = [sys.executable, "-c", program, *arguments]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
        return done.stdout

    main = "import sys; from dlkit.cli.main import main; sys.exit(main())"
    assert python("import dlkit; print(dlkit.__file__)").startswith(str(tmp_path))
    assert "digits/cnn" in python(main, "list")
    python(main, "validate", "digits/cnn")
