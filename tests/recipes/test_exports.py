"""Every supervised recipe that ships, its quick run through every format that can hold it; docs/export.md lists the others."""

from __future__ import annotations

from pathlib import Path

import pytest

from dlkit.errors import DlkitError
from dlkit.export.format import formats
from dlkit.export.settings import Settings
from dlkit.recipe.library import shipped_recipes
from dlkit.recipe.load import load

NAMES = [name for name, _ in shipped_recipes()]
KINDS = [(name, quantize) for name, known in formats().items() for quantize in (None, *known.quantizations)]
# What a format refuses, as the guide has it: of a recipe, or of all, by the code of the error.
REFUSED: dict[tuple[str, str, str | None], str] = {
    ("logic/mcculloch_pitts", "savedmodel", "int8"): "cannot-quantize",  # none of the layers that Keras quantizes
    ("rt_polarity/bidirectional", "litert", "int8"): "cannot-run",  # 240 steps of LSTMs, written step by step
}
EXAMPLES = 200
LOSS = 0.1  # of a metric of a quick run, which has learned little and is measured on few examples


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_every_format_holds_it(name: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    if not name.startswith(("captcha/", "digits/", "logic/", "notes/")):  # drawn, or shipped with scikit-learn
        request.getfixturevalue("data_dir")
    if name.startswith("imdb/"):
        pytest.skip("the reviews do not come with the data folder")
    recipe = load(name, quick=True)
    if recipe.pattern is not None:
        pytest.skip("it is not supervised")
    from dlkit.workflows.export import export
    from dlkit.workflows.train import train

    run = train(recipe, runs_dir=tmp_path).folder
    failed = []
    for kind, quantize in KINDS:
        try:
            export(run, Settings(kind, quantize, tolerance=LOSS if quantize else None), examples=EXAMPLES)
        except DlkitError as error:
            if REFUSED.get((name, kind, quantize)) != error.code:
                failed.append(f"{kind} {quantize}: {error}")
        else:
            assert (name, kind, quantize) not in REFUSED, "docs/export.md has it among what is refused"
    assert not failed, "\n".join(failed)
