"""IMDB film reviews."""

from __future__ import annotations

from pathlib import Path

from dlkit.data.reading.places import places_of_path
from dlkit.data.sources.imdb import IMDB, _look
from dlkit.eject.code import literal_text
from dlkit.eject.reading import Reading, check_arguments, portable
from dlkit.eject.refusal import refusal
from dlkit.eject.subject import Subject


def read(subject: Subject) -> Reading:
    """Reads the reviews where dlkit found them: as they were published, or as Keras has them."""
    check_arguments(subject, "path")
    path = subject.recipe.config.data.source.arguments.get("path")
    places = IMDB.places() if path is None else places_of_path(str(path))
    found = next((place for each in places if (place := _look(each)[0]) is not None), None)
    if found is None or not (found.is_dir() or found.suffix == ".npz"):
        raise refusal("an archive of reviews", "cannot be read by a script; it reads the folder, unpacked")
    return Reading(_of_folder(subject, found) if found.is_dir() else _of_words(subject, found), ("train", "test"))


def _of_folder(subject: Subject, found: Path) -> list[str]:
    read_text = subject.piece("files", "read_text")
    return [
        "def read_examples(folder: Path) -> list[tuple[np.ndarray, np.ndarray]]:",
        '    """The reviews to train on and to test on, the negative ones first."""',
        "    examples = []",
        '    for split in ("train", "test"):',
        f'        places = [folder / {literal_text(portable(found))} / split / kind for kind in ("neg", "pos")]',
        '        files = [sorted(place.glob("*.txt")) for place in places]',
        f"        x = np.array([{read_text}(file).strip() for each in files for file in each], object)",
        "        y = np.repeat(np.arange(2, dtype=np.int32), [len(each) for each in files])",
        "        examples.append((x, y))",
        "    return examples",
    ]


def _of_words(subject: Subject, found: Path) -> list[str]:
    for line in ("import json", "from pathlib import Path"):
        subject.copies.use(line)
    index = portable(found.with_name("imdb_word_index.json"))
    return [
        "def read_examples(folder: Path) -> list[tuple[np.ndarray, np.ndarray]]:",
        '    """The reviews to train on and to test on, as Keras has them: words with a blank between them."""',
        f"    index = json.loads((folder / {literal_text(index)}).read_bytes())",
        "    words = {number: word for word, number in index.items()}",
        "    examples = []",
        f"    with np.load(folder / {literal_text(portable(found))}, allow_pickle=True) as arrays:",
        '        for split in ("train", "test"):',
        '            rows = arrays[f"x_{split}"]',
        '            x = np.array([" ".join(words[number] for number in row) for row in rows], object)',
        '            examples.append((x, arrays[f"y_{split}"].astype(np.int32)))',
        "    return examples",
    ]
