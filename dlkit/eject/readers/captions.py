"""Composed pictures with the sentences that describe them."""

from __future__ import annotations

from dlkit.eject.code import text
from dlkit.eject.reading import Reading, check_arguments, one_or_all
from dlkit.eject.subject import Subject

_HOME, _SCENES = "dlkit.data.sources.captions", "dlkit.data.sources._scenes"


def read(subject: Subject) -> Reading:
    """Draws scenes of colored shapes, and writes down what is true of them."""
    check_arguments(subject, "examples", "test_examples", "objects", "size", "seed")
    declared = subject.recipe.components.find("source", "captions")
    assert declared is not None
    arguments = subject.recipe.config.data.source.arguments
    given = {name: argument.default for name, argument in declared.arguments.items()} | dict(arguments)
    least, most = given["objects"]
    size, seed = given["size"], given["seed"]
    chance = subject.copies.take("dlkit.data.sources._drawn", "chance")
    scene_of = subject.copies.take(_HOME, "scene_of")
    subject.copies.take(_HOME, "VOCABULARY")
    sentence, paint, longest = (
        subject.copies.take(_SCENES, name) for name in ("sentence", "paint", "longest_sentence")
    )
    features = {"image": "images", "words": "np.where(words == 2, 0, words)[:, :-1]"}
    lines = [
        "def read_examples() -> list[tuple[Any, np.ndarray]]:",
        '    """Pictures and sentences to train on and to test on; a word is told from those before it."""',
        "    examples = []",
        f"    for stream, count in enumerate({[given['examples'], given['test_examples']]}):",
        f"        images = np.zeros((count, {size}, {size}, 3), np.uint8)",
        f"        words = np.zeros((count, {longest}({most}) + 2), np.int32)",
        "        for row in range(count):",
        f"            scene = {scene_of}(stream, row, {least}, {most}, {seed})",
        f"            images[row] = {paint}(scene, {chance}({seed}, stream + 2, row), {size})",
        f'            told = ["<start>", *{sentence}(scene), "<end>"]',
        "            words[row, : len(told)] = [VOCABULARY.index(word) for word in told]",
        text(one_or_all({name: features[name] for name in subject.features}), "x = ", 8),
        "        examples.append((x, words[:, 1:].copy()))",
        "    return examples",
    ]
    subject.copies.use("from typing import Any")
    return Reading(lines, ("train", "test"), has_folder=False)
