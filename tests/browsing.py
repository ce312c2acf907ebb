"""Pages, looked at by a browser."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, sync_playwright

_TOO_WIDE = """() => [...document.querySelectorAll('body *')].filter(each => !each.closest('.scroll, pre, svg')
    && each.getBoundingClientRect().right > document.documentElement.clientWidth + 1).map(each => each.outerHTML.slice(0, 99))"""
_LEADS_NOWHERE = """() => [...document.querySelectorAll('a[href^="#"]')].map(each => each.getAttribute('href'))
    .filter(each => !document.querySelector(each))"""
_NOT_SHOWN = "[...document.images].filter(each => !each.complete || !each.naturalWidth).map(each => each.alt)"
_WIDTHS = "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"


@contextmanager
def a_browser() -> Iterator[Browser]:
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        pytest.skip("needs a browser: chromium is not installed")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield opened
        opened.close()


def faults(browser: Browser, url: str, width: int, scheme: str) -> list[str]:
    """What is wrong with a page: errors, requests, overflow, dead links within it, pictures that fail, ids given twice."""
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    found: list[str] = []
    page.on("console", lambda message: found.append(message.text))
    page.on("pageerror", lambda error: found.append(str(error)))
    page.on("request", lambda request: None if _is_own(request.url) else found.append(request.url))
    page.goto(url)
    for opened in page.locator("details").all():
        opened.evaluate("element => element.open = true")
    needed, given = page.evaluate(_WIDTHS)
    found += [f"{needed} pixels wide"] if needed > given else []
    found += [f"too wide: {each}" for each in page.evaluate(_TOO_WIDE)]
    found += [f"leads nowhere: {each}" for each in page.evaluate(_LEADS_NOWHERE)]
    found += [f"not shown: {each}" for each in page.evaluate(_NOT_SHOWN)]
    ids = page.evaluate("[...document.querySelectorAll('[id]')].map(each => each.id)")
    found += [f"twice: {each}" for each in {each for each in ids if ids.count(each) > 1}]
    page.close()
    return found


def _is_own(url: str) -> bool:
    return url.startswith(("file:", "data:"))
