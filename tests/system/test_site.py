"""The documentation as a site: it builds without a warning, its links lead somewhere, and it tells of everything there is."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from dlkit.recipe.components import Components
from dlkit.recipe.library import results_file, shipped_recipes
from dlkit.runs.results import read_results
from scripts.docs_pages.commands import all_commands
from scripts.docs_pages.gallery import IMAGES, anchor_of, picture_of
from scripts.docs_pages.keras import specs
from scripts.docs_pages.kinds import KINDS, OF_KERAS
from scripts.docs_pages.recipe_keys import all_keys

LARGEST_PICTURE = 30_000  # bytes


@dataclass
class Page(HTMLParser):
    """One page: the anchors it has, and what it refers to."""

    ids: set[str] = field(default_factory=set)
    links: list[str] = field(default_factory=list)
    loaded: list[str] = field(default_factory=list)
    text: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        told = {name: value or "" for name, value in attributes}
        self.ids |= {told["id"]} if "id" in told else set()
        if tag == "a" and "href" in told:
            self.links.append(told["href"])
        if tag in ("img", "script") and "src" in told:
            self.loaded.append(told["src"])
        if tag == "link" and told.get("rel") in ("stylesheet", "icon", "preconnect"):
            self.loaded.append(told["href"])

    def handle_data(self, data: str) -> None:
        self.text.append(data)


@pytest.fixture(scope="module")
def site(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the site, built as `scripts/docs` does."""
    folder = tmp_path_factory.mktemp("site")
    quiet = {"NO_MKDOCS_2_WARNING": "1", "DISABLE_MKDOCS_2_WARNING": "true"}
    words = [sys.executable, "-m", "mkdocs", "build", "--site-dir", str(folder)]
    done = subprocess.run(words, cwd=repository, env=os.environ | quiet, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr
    return folder


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Page]:
    """Every page by its file; not that of a server's errors, whose links begin at the server's root."""
    return {path: _read(path) for path in site.rglob("*.html") if path.name != "404.html"}


def _read(path: Path) -> Page:
    page = Page()
    page.feed(path.read_text(encoding="utf-8"))
    return page


def test_every_link_within_the_site_leads_somewhere(pages: dict[Path, Page]) -> None:
    assert len(pages) > 20
    assert sum(len(page.links) for page in pages.values()) > 2000
    dead = [f"{path.name}: {link}" for path, page in pages.items() for link in _dead(path, page, pages)]
    assert dead == []


def _dead(path: Path, page: Page, pages: dict[Path, Page]) -> Iterator[str]:
    for link in [*page.links, *page.loaded]:
        parts = urlsplit(link)
        if parts.scheme or parts.netloc:
            continue
        target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
        target = target / "index.html" if target.is_dir() else target
        anchor = unquote(parts.fragment)
        if not target.is_file() or (anchor and target in pages and anchor not in pages[target].ids):
            yield link


def test_nothing_is_loaded_from_another_server(pages: dict[Path, Page]) -> None:
    assert {address for page in pages.values() for address in page.loaded if urlsplit(address).netloc} == set()


def test_every_key_has_its_place(site: Path, pages: dict[Path, Page]) -> None:
    assert {key.path for key in all_keys()} <= pages[site / "reference" / "recipe.html"].ids


def test_every_component_has_its_place(site: Path, pages: dict[Path, Page]) -> None:
    for kind, told in KINDS.items():
        names = {declared.spec.name for declared in Components().declarations(kind)}
        assert names
        assert names <= pages[site / "reference" / f"{told.page}.html"].ids


def test_every_component_of_keras_has_its_place(site: Path, pages: dict[Path, Page]) -> None:
    page = pages[site / "reference" / "keras.html"]
    assert set(OF_KERAS) <= page.ids
    assert {spec.name for kind in OF_KERAS for spec in specs(kind)} <= set(page.text)


def test_every_command_has_its_place(site: Path, pages: dict[Path, Page]) -> None:
    assert len(all_commands()) > 20
    assert set(all_commands()) <= pages[site / "reference" / "commands.html"].ids


def test_every_recipe_has_its_place_and_a_picture(site: Path, pages: dict[Path, Page]) -> None:
    names = [name for name, _ in shipped_recipes()]
    gallery = pages[site / "gallery.html"]
    assert {anchor_of(name) for name in names} <= gallery.ids
    results = read_results(results_file())
    never_run = {name for name in names if name in results and results[name].skipped}  # for want of its data
    pictures = {picture_of(name) for name in names if name not in never_run}
    assert pictures == set(IMAGES.glob("*.webp")), "python -m scripts.update_gallery runs"
    assert {picture.name for picture in pictures} <= {Path(address).name for address in gallery.loaded}
    assert [picture.name for picture in pictures if not 500 < picture.stat().st_size < LARGEST_PICTURE] == []
