"""Running text for language models."""

from __future__ import annotations

from pathlib import Path

from dlkit.eject.code import literal, literal_text
from dlkit.eject.reading import Reading, check_arguments, found_file, portable
from dlkit.eject.refusal import refusal
from dlkit.eject.subject import Subject


def read(subject: Subject) -> Reading:
    """Reads a text file, of which every character is a token."""
    arguments = subject.recipe.config.data.source.arguments
    check_arguments(subject, "path", "tokens", "length", "stride", "vocabulary_share")
    if arguments.get("tokens", "character") != "character":
        raise refusal(f"`tokens: {arguments['tokens']}`", "are learned by dlkit; a script reads characters only")
    path = found_file(arguments["path"])
    if not Path(path).is_file():
        raise refusal("a folder of texts", "cannot be read by a script yet; it reads a file")
    length = arguments.get("length", 64)
    stride = arguments.get("stride") or length
    subject.constants.update({"LENGTH": literal(length), "STRIDE": literal(stride)})
    read_text, windows = (subject.piece("files", name) for name in ("read_text", "windows"))
    lines = [
        "def read_examples(folder: Path) -> tuple[np.ndarray, np.ndarray]:",
        '    """Windows of the text as numbers of its characters; for each character the one behind it."""',
        f"    text = {read_text}(folder / {literal_text(portable(path))})",
        '    points = np.frombuffer(text.encode("utf-32-le", errors="surrogatepass"), np.uint32)',
        "    _, numbers = np.unique(points, return_inverse=True)",
        "    tokens = numbers.astype(np.int32)",
        "    starts = np.arange(0, len(tokens) - LENGTH, STRIDE)",
        f"    return {windows}(tokens, starts, LENGTH), {windows}(tokens, starts + 1, LENGTH)",
    ]
    return Reading(lines, ordered=True, gap=length // stride)
