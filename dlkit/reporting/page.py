"""Pages that need nothing but themselves: what reports of runs and of sweeps, and model cards, have in common."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from markupsafe import Markup, escape


def rendered(template: str, **contents: Any) -> str:
    """A page of one of the templates beside this file."""
    import jinja2

    templates = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=jinja2.select_autoescape(["html.j2"]),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters["code"] = _with_code
    templates.filters["plain"] = plain_markdown
    return templates.get_template(template).render(**contents)


def plain_markdown(text: Any) -> str:
    """A text that Markdown shows as it is, on one line: also in a cell of a table."""
    return re.sub(r"([\\`*\[\]<>|~$]|(?<!\w)_|_(?!\w))", r"\\\1", " ".join(str(text).split()))


def _with_code(text: str) -> Markup:
    """A sentence whose words in backticks are code."""
    parts = str(text).split("`")
    marked = (f"<code>{escape(part)}</code>" if n % 2 else str(escape(part)) for n, part in enumerate(parts))
    return Markup("".join(marked))  # every part is escaped
