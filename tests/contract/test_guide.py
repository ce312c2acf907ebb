"""The pages on the house and on its extension name what is there: rooms, floors, folders, tests."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from dlkit.recipe.registry import HOMES

ROOT = Path(__file__).resolve().parents[2]
HOUSE = (ROOT / "docs" / "how_it_works.md").read_text(encoding="utf-8")
PICTURE = (ROOT / "docs" / "images" / "house.svg").read_text(encoding="utf-8")
EXTENDING = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")


def floors() -> list[list[str]]:
    """The rooms of each floor, the highest first, as import-linter holds them."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    (layers,) = [each["layers"] for each in settings["tool"]["importlinter"]["contracts"] if each["type"] == "layers"]
    return [re.findall(r"\w+", floor) for floor in layers if "__main__" not in floor]


def test_every_room_has_a_paragraph_in_the_order_of_the_floors() -> None:
    told = re.findall(r"^- \*\*`(\w+)`\*\*:", HOUSE, re.MULTILINE)
    expected = [room for floor in reversed(floors()) for room in floor]
    assert told == expected


def test_the_picture_shows_the_floors() -> None:
    drawn = re.findall(r'<text [^>]*y="(\d+)"[^>]*font-weight="600">(\w+)<', PICTURE)
    by_height: dict[int, list[str]] = {}
    for height, room in drawn:
        by_height.setdefault(int(height), []).append(room)
    assert [by_height[height] for height in sorted(by_height)] == floors()


def test_every_kind_of_component_has_its_folder_and_its_test() -> None:
    named = set(re.findall(r"`((?:dlkit|tests|recipes)/[\w/.]+)`", EXTENDING))
    places = {path.rpartition("/")[0] for path in named}
    assert {home.replace(".", "/") for home in HOMES.values()} <= places
    gone = [path for path in named if not (ROOT / re.sub(r"(NAME|SUBJECT)\.\w+$|AREA/.*", "", path)).exists()]
    assert gone == []
