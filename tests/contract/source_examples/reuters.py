"""Keras's files of Reuters, with random words."""

import json
from pathlib import Path

import numpy as np


def arguments(folder: Path) -> dict[str, str]:
    draw = np.random.default_rng(1)
    words = {f"word{number}": number for number in range(1, 101)}
    texts = np.empty(46 * 40, object)
    texts[:] = [draw.integers(1, 101, 1 + number % 7).tolist() for number in range(len(texts))]
    np.savez(folder / "reuters.npz", x=texts, y=np.arange(len(texts)) % 46)
    (folder / "reuters_word_index.json").write_text(json.dumps(words))
    return {"path": str(folder)}
