"""Where recipes and fragments are found: beside the file, in `./configs` and `./recipes`, then those that ship with dlkit."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]
SUFFIX = ".yaml"


def shipped(folder: str) -> Path:
    """The `recipes` or `configs` that ship with dlkit: inside the installed package, or beside it in a checkout."""
    inside = PACKAGE / folder
    return inside if inside.is_dir() else PACKAGE.parent / folder


def shipped_recipes() -> Iterator[tuple[str, Path]]:
    """Name and file of every recipe that ships, by name."""
    root = shipped("recipes")
    for path in sorted(root.rglob(f"*{SUFFIX}")):
        yield path.relative_to(root).with_suffix("").as_posix(), path


def results_file() -> Path:
    """Where the measured results of the recipes that ship are kept."""
    return shipped("recipes") / "results.json"


def find_recipe(reference: str) -> Path | None:
    """The file of a recipe: a path, or the name of one in `./recipes` or among those that ship."""
    path = Path(reference)
    if path.suffix in (SUFFIX, ".yml") or is_file(path):
        return path
    candidates = [root / f"{reference}{SUFFIX}" for root in (Path("recipes"), shipped("recipes"))]
    return next(filter(is_file, candidates), None)


def find_fragments(name: str, beside: Path | None) -> list[Path]:
    """The files that a name under `extends` may mean, the one that is meant first."""
    file = name if name.endswith((SUFFIX, ".yml")) else name + SUFFIX
    roots = [*([beside] if beside else []), Path("configs"), Path("recipes"), shipped("configs"), shipped("recipes")]
    return [path for root in roots if is_file(path := root / file)]


def is_file(path: Path) -> bool:
    """Whether a path is a file; a name that no file can have is none."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def fragment_names() -> list[str]:
    """Every name that `extends` can find from here, for suggestions."""
    roots = [Path("configs"), Path("recipes"), shipped("configs"), shipped("recipes")]
    found = {path.relative_to(root).with_suffix("").as_posix() for root in roots for path in root.rglob(f"*{SUFFIX}")}
    return sorted(found)
