"""CAPTCHAs."""

from __future__ import annotations

from dlkit.eject.code import literal
from dlkit.eject.reading import Reading, check_arguments
from dlkit.eject.subject import Subject

_HOME = "dlkit.data.sources.captcha"


def read(subject: Subject) -> Reading:
    """Draws the texts and their pictures."""
    check_arguments(subject, "examples", "characters", "length", "width", "height", "seed")
    arguments = subject.recipe.config.data.source.arguments
    defaults = subject.recipe.components.find("source", "captcha")
    assert defaults is not None
    given = {name: argument.default for name, argument in defaults.arguments.items()} | dict(arguments)
    shortest, longest = given["length"]
    subject.constants.update({"EXAMPLES": literal(given["examples"]), "CHARACTERS": literal(given["characters"])})
    chance = subject.copies.take("dlkit.data.sources._drawn", "chance")
    painter, texts = (subject.copies.take(_HOME, name) for name in ("Painter", "_texts"))
    library = f'{subject.piece("drawn", "private_copy")}("captcha.image")'
    seed = given["seed"]
    lines = [
        "def read_examples() -> tuple[np.ndarray, np.ndarray]:",
        '    """Pictures, and the numbers of the characters in them, from 1; the rest is 0."""',
        f"    painter = {painter}({library}, {given['width']}, {given['height']})",
        f"    texts = {texts}(EXAMPLES, len(CHARACTERS), {shortest}, {longest}, {seed})",
        f"    pictures = np.zeros((EXAMPLES, {given['height']}, {given['width']}, 1), np.uint8)",
        "    for row in range(EXAMPLES):",
        '        text = "".join(CHARACTERS[number - 1] for number in texts[row] if number)',
        f"        pictures[row] = painter.draw(text, {chance}({seed}, PICTURES, row))",
        "    return pictures, texts",
    ]
    subject.copies.take(_HOME, "PICTURES")
    return Reading(lines, has_folder=False)
