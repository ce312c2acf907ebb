"""The pages on dlkit's own components, from what they declare: docstring, arguments, types, ranges, defaults, uses."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from dlkit.recipe.catalogue import Argument
from dlkit.recipe.components import Components
from dlkit.recipe.declarations import Declaration
from dlkit.recipe.registry import BY_SUBJECT
from dlkit.recipe.values import taken_by
from scripts.docs_pages.gallery import anchor_of
from scripts.docs_pages.kinds import KINDS
from scripts.docs_pages.markdown import code, heading, paragraphs, prose, table
from scripts.docs_pages.uses import uses

# Every class of a layer or loss takes them: told where they are not what Keras has.
_OF_ALL = ("name", "dtype", "trainable")


def pages() -> dict[str, str]:
    """The pages by name, without `.md`."""
    made: dict[str, list[str]] = {}
    for kind, told in KINDS.items():
        made.setdefault(told.page, []).append(kind)
    return {page: _page(kinds) for page, kinds in made.items()}


def _page(kinds: Sequence[str]) -> str:
    first = KINDS[kinds[0]]
    if len(kinds) == 1:
        return "\n".join([f"# {first.title}\n", f"{first.where}\n", _of_kind(kinds[0], 2)])
    title = f"{first.title} and {KINDS[kinds[-1]].title[0].lower()}{KINDS[kinds[-1]].title[1:]}"
    sections = [(heading(2, KINDS[kind].title, kind), f"{KINDS[kind].where}\n", _of_kind(kind, 3)) for kind in kinds]
    return "\n".join([f"# {title}\n", *(part for section in sections for part in section)])


def _of_kind(kind: str, level: int) -> str:
    own = Components().declarations(kind)
    if kind != "layer":
        return _listed(own, level)
    first = [each for each in own if _learns_first(each)]
    return "\n".join(
        [
            heading(2, "Layers of networks", "layers-of-networks"),
            _listed([each for each in own if each not in first], 3),
            heading(2, "Layers that learn first", "layers-that-learn-first"),
            "These learn from the training examples before the training begins, most of them under `data.preprocess`.\n",
            _listed(first, 3),
        ]
    )


def _learns_first(declared: Declaration) -> bool:
    return declared.path is not None and "examples:" in declared.path.read_text(encoding="utf-8")


def _listed(own: Sequence[Declaration], level: int) -> str:
    rows = [(f"[`{each.spec.name}`](#{each.spec.name})", prose(each.spec.summary.rstrip("."))) for each in own]
    return "\n".join([table(["name", "what it is"], rows), *(_component(each, level) for each in own)])


def _component(declared: Declaration, level: int) -> str:
    spec = declared.spec
    parts = [heading(level, f"`{spec.name}`", spec.name), paragraphs(declared.docstring)]
    if spec.kind == "source" and declared.declared.get("features"):
        parts.append(_handed_over(declared))
    if spec.kind == "figure":
        parts.append(f"Drawn from {', '.join(f'`{name}`' for name in declared.declared['needs'])}.\n")
    arguments = [argument for argument in spec.arguments.values() if _is_told(declared, argument)]
    if arguments:
        parts.append(table(["argument", "takes", "default", ""], [_argument(argument) for argument in arguments]))
    parts += [_source(declared), _used(declared)]
    return "\n".join(filter(None, parts))


def _is_told(declared: Declaration, argument: Argument) -> bool:
    if declared.spec.kind not in ("layer", "loss") or argument.name not in _OF_ALL:
        return True
    return bool(argument.summary) or argument.default is False


def _argument(argument: Argument) -> tuple[str, str, str, str]:
    default = "must be given" if argument.required else "" if argument.default is None else code(argument.default)
    return (f"`{argument.name}`", _takes(argument), default, prose(argument.summary))


def _takes(argument: Argument) -> str:
    if argument.choices:
        rest = [word for word in taken_by(argument).split(" or ") if word not in ("text", "null")]
        return " or ".join([", ".join(code(choice) for choice in argument.choices), *rest])
    limits = {"from": argument.min, "above": argument.above, "to": argument.max, "below": argument.below}
    bounds = [f"{word} {bound:g}" for word, bound in limits.items() if bound is not None]
    return " ".join([taken_by(argument).removesuffix(" or null").replace(", null", ""), *bounds])


def _handed_over(declared: Declaration) -> str:
    features, targets = (declared.declared.get(role) or {} for role in ("features", "targets"))
    rows = [
        (
            role,
            f"`{name}`",
            entry["kind"],
            _shape(entry),
            ", ".join(entry.get("labels", ())) or str(entry.get("classes", "")),
        )
        for role, entries in (("feature", features), ("target", targets))
        for name, entry in entries.items()
    ]
    return table(["hands over", "name", "kind", "shape", "classes"], rows)


def _shape(entry: dict[str, object]) -> str:
    shape = entry.get("shape")
    return f"({', '.join('any' if size is None else str(size) for size in shape)})" if isinstance(shape, list) else ""


def _source(declared: Declaration) -> str:
    """What the file says of itself, as the paper: where the file is this component's alone."""
    if declared.path is None or declared.spec.kind in BY_SUBJECT:
        return ""
    told = _of_file(declared.path)
    return (
        "" if told.rstrip(".") in declared.docstring else f'??? note "Source"\n\n    {prose(" ".join(told.split()))}\n'
    )


@cache
def _of_file(path: Path) -> str:
    return ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""


def _used(declared: Declaration) -> str:
    names = uses().get((declared.spec.kind, declared.spec.name), [])
    links = [f"[`{name}`](../gallery.md#{anchor_of(name)})" for name in names]
    return f"Used by {', '.join(links)}.\n" if links else ""
