"""How figures look, and the two forms they come in."""

from __future__ import annotations

import io
from html import escape
from typing import Any

# Okabe and Ito's colors, told apart by the color-blind too; the yellow is left out, which is pale on white.
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#7F7F7F")
INK = "#010203"  # stands for the color of the page's text; no other part of a figure has it
PAPER = "#fdfcfb"  # likewise for what figures lie on: behind letters that lines run under


def new_figure(width: float = 6.4, height: float = 4.0) -> Any:
    """An empty figure.

    Args:
        width: In inches.
        height: In inches.
    """
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def finish(axes: Any, x: str, y: str, *, legend: bool = True) -> None:
    """Names the axes, and shows what each line is."""
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    if legend and axes.get_legend_handles_labels()[1]:
        axes.legend(frameon=False, fontsize=8)


def to_png(figure: Any) -> bytes:
    """The figure on white."""
    return _saved(figure, format="png", dpi=150)


def to_svg(figure: Any, name: str) -> str:
    """The figure without a background, as `on_white` and `on_page` take it.

    Args:
        name: Goes before each id, which must be one of its kind in a page.
    """
    import matplotlib as mpl

    for axes in figure.axes:
        _ink(axes)
    with mpl.rc_context({"svg.hashsalt": name, "svg.fonttype": "none"}):
        svg = _saved(figure, format="svg", transparent=True, metadata={"Date": None, "Creator": None}).decode()
    for mark in ('id="', 'href="#', "url(#"):
        svg = svg.replace(mark, f"{mark}{name}-")
    return svg


def on_white(svg: str) -> str:
    """A figure as a file of its own."""
    return svg.replace(INK, "#000000").replace(PAPER, "#ffffff").replace("<svg", '<svg style="background: white"', 1)


def on_page(svg: str, title: str) -> str:
    """A figure as an element of a page, light or dark: texts and axes in the color of the page's text.

    Args:
        title: What it shows, for those who do not see it.
    """
    element = svg[svg.index("<svg") :].replace(INK, "currentColor").replace(PAPER, "var(--card)")
    return element.replace("<svg", f'<svg role="img" aria-label="{escape(title)}"', 1)


def _ink(axes: Any) -> None:
    axes.tick_params(colors=INK, which="both")
    axes.xaxis.label.set_color(INK)
    axes.yaxis.label.set_color(INK)
    axes.title.set_color(INK)
    for spine in axes.spines.values():
        spine.set_edgecolor(INK)
    legend = axes.get_legend()
    for text in (*legend.get_texts(), legend.get_title()) if legend else ():
        text.set_color(INK)


def _saved(figure: Any, **how: Any) -> bytes:
    content = io.BytesIO()
    figure.savefig(content, **how)
    return content.getvalue()
