"""Writes the tables of components in docs/data.md, docs/models.md and docs/evaluation.md from their declarations.

    python scripts/update_guides.py

A test holds the tables up to date. What stands outside the markers is written by hand.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from dlkit.recipe.components import Components
from dlkit.recipe.declarations import Declaration

DOCS = Path(__file__).resolve().parents[1] / "docs"
GUIDES = [DOCS / "data.md", DOCS / "models.md", DOCS / "evaluation.md"]
MARKED = re.compile(r"(<!-- (\w+) begin -->\n).*?(<!-- \2 end -->)", re.DOTALL)
# What a table is called -> the kind of its components, and whether it is of layers that learn from data before training.
KINDS: dict[str, tuple[str, bool | None]] = {
    "sources": ("source", None),
    "preprocessing": ("layer", True),
    "augmentations": ("augmentation", None),
    "architectures": ("architecture", None),
    "layers": ("layer", False),
    "losses": ("loss", None),
    "patterns": ("pattern", None),
    "figures": ("figure", None),
}
_LAST = {"figure": "drawn from the details"}
_OF_ALL = (
    "name",
    "dtype",
    "trainable",
)  # every class of a layer or loss takes them; a layer that is not trained says so


def main() -> None:
    """Writes the files anew."""
    for guide in GUIDES:
        guide.write_text(updated(guide.read_text(encoding="utf-8")), encoding="utf-8")


def updated(text: str) -> str:
    """The text with its tables as the declarations are now."""
    return MARKED.sub(lambda marked: f"{marked[1]}{_table(*KINDS[marked[2]])}{marked[3]}", text)


def _table(kind: str, fitted: bool | None) -> str:
    own = [each for each in Components().declarations(kind) if fitted in (None, _is_fitted(each))]
    head = ["name", "what it is", *(["hands over"] if kind == "source" else []), _LAST.get(kind, "arguments")]
    lines = [head, ["---"] * len(head)]
    for declared in own:
        spec = declared.spec
        handed = [_handed_over(declared)] if kind == "source" else []
        lines.append([f"`{spec.name}`", spec.summary.removesuffix("."), *handed, _arguments(declared)])
    return "".join(f"| {' | '.join(cell.replace('|', '/') for cell in line)} |\n" for line in lines)


def _is_fitted(declared: Declaration) -> bool:
    return declared.path is not None and "examples:" in declared.path.read_text(encoding="utf-8")


def _handed_over(declared: Declaration) -> str:
    features, targets = (declared.declared.get(role) or {} for role in ("features", "targets"))
    if not features:
        return "what it finds"
    told = [f"`{name}` ({entry['kind']})" for name, entry in features.items()]
    return f"{', '.join(told)} → {', '.join(f'`{name}`' for name in targets) or 'what it finds'}"


def _arguments(declared: Declaration) -> str:
    if declared.spec.kind == "figure":
        return ", ".join(f"`{name}`" for name in declared.declared["needs"])
    told = []
    for name, argument in declared.spec.arguments.items():
        if name in _OF_ALL and argument.default is not False and declared.spec.kind in ("layer", "loss"):
            continue
        default = "" if argument.required or argument.default is None else f": {_as_yaml(argument.default)}"
        told.append(f"**`{name}`**" if argument.required else f"`{name}{default}`")
    return ", ".join(told)


def _as_yaml(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


if __name__ == "__main__":
    main()
