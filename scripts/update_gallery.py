"""Writes the pictures of the gallery, docs/images/gallery, from the figures of finished runs.

    dlkit verify all                            # or some recipes, and those that take hours with --quick
    python -m scripts.update_gallery runs       # one folder of runs, or several

A recipe's picture is a figure of the newest run of that very recipe, as it is now; where there is none, of its quick variant,
which the caption tells. Recipes of which there is no run keep the picture that they have. A test holds that each has one.
"""

from __future__ import annotations

import argparse
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image

from dlkit.errors import DlkitError
from dlkit.recipe.library import shipped_recipes
from dlkit.recipe.load import load
from dlkit.runs.atomic import write_json
from dlkit.runs.find import all_runs
from dlkit.runs.folder import RunFolder
from dlkit.workflows.same_recipe import differences, leaves_of
from scripts.docs_pages.gallery import CAPTIONS, IMAGES, captions, picture_of

# What people look at first, of what a report shows.
FIGURES = (
    *("decision_map", "unit_pictures", "u_matrix", "prior_samples", "reconstructions", "free_running", "forecasts"),
    *("predictions", "surprise_by_position", "edit_distances", "filters", "confusion_matrix", "precision_recall"),
    "curves",
)
WIDTH = 640  # pixels, at most
LARGEST = 25_000  # bytes
VARIANTS = ("whole", "quick")


class Found(NamedTuple):
    """A picture for a recipe, and which `variant` of it the run was of."""

    variant: str
    figure: Path


def main() -> None:
    """Reads the command line and writes what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", type=Path, help="folders of runs")
    runs = [run for root in parser.parse_args().runs for run in all_runs(root)]
    told = captions()
    names = [name for name, _ in shipped_recipes()]
    IMAGES.mkdir(parents=True, exist_ok=True)
    for name in names:
        found = next(_pictures(name, runs), None)
        if found and (name not in told or VARIANTS.index(found.variant) <= VARIANTS.index(told[name]["run"])):
            picture_of(name).write_bytes(_small(found.figure))
            told[name] = {"run": found.variant, "figure": found.figure.stem}
            print(f"{name}: {found.figure.stem} of its {found.variant} run")
        elif name not in told:
            print(f"{name}: there is no run of it")
    for picture in set(IMAGES.glob("*.webp")) - {picture_of(name) for name in names}:
        picture.unlink()
    write_json(CAPTIONS, {name: told[name] for name in names if name in told})


def _pictures(name: str, runs: list[RunFolder]) -> Iterator[Found]:
    """The pictures that there are for a recipe, the best first."""
    own = [run for run in runs if f"/{name}/" in run.path.as_posix() and run.figures.is_dir()]
    for variant in VARIANTS if own else ():
        wanted = leaves_of(load(name, quick=variant == "quick"))
        for run in own:
            if _is_finished(run) and _is_of(run, wanted):
                yield from (Found(variant, run.figures / f"{figure}.png") for figure in _drawn(run))


def _is_of(run: RunFolder, wanted: dict[str, Any]) -> bool:
    """Whether a run is of a recipe, which its own recipe may tell in numbers: a fold of several, a batch of `all`."""
    differing = differences(wanted, leaves_of(run.recipe.read_text(encoding="utf-8")))
    told = ("data.folds", *(["data.batch_size"] if wanted.get("data.batch_size") == "all" else []))
    return all(path.startswith(told) for path in differing)


def _is_finished(run: RunFolder) -> bool:
    try:
        return run.read_status().state == "finished"
    except DlkitError:
        return False


def _drawn(run: RunFolder) -> list[str]:
    return [figure for figure in FIGURES if (run.figures / f"{figure}.png").is_file()]


def _small(figure: Path) -> bytes:
    """The figure as WebP, of the best quality that is small enough."""
    with Image.open(figure) as opened:
        picture = opened.convert("RGB")
    picture.thumbnail((WIDTH, WIDTH), Image.Resampling.LANCZOS)
    for quality in range(90, 0, -10):
        made = io.BytesIO()
        picture.save(made, "WEBP", quality=quality, method=6)
        if len(made.getvalue()) <= LARGEST:
            break
    return made.getvalue()


if __name__ == "__main__":
    main()
