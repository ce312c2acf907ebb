"""What the figure some_name draws of values that are known."""

from __future__ import annotations

from dlkit.recipe.components import Components
from dlkit.reporting.figures import figures_of


def test_what_it_draws() -> None:
    (figure,) = figures_of(Components(), ["some_name"])
    (axes,) = figure.draw({"some_name": {"first": 1.0, "second": 2.5}}).axes
    assert [bar.get_height() for bar in axes.patches] == [1.0, 2.5]
    assert figure.draw({}) is None
