"""Reuters newswire: 11,228 texts of 46 topics, as Keras prepared them.

Source: https://keras.io/api/datasets/reuters/ (of Reuters-21578, Lewis, 1987)
"""

from __future__ import annotations

from pathlib import Path

from dlkit.data.arrays import Arrays, Splits
from dlkit.data.sources._keras_words import WordSet, find_or_download, look_for_words, read_words
from dlkit.recipe.registry import register

REUTERS = WordSet(title="Reuters", name="reuters")
TOPICS = [
    "cocoa", "grain", "veg-oil", "earn", "acq", "wheat", "copper", "housing", "money-supply", "coffee", "sugar", "trade",
    "reserves", "ship", "cotton", "carcass", "crude", "nat-gas", "cpi", "money-fx", "interest", "gnp", "meal-feed", "alum",
    "oilseed", "gold", "tin", "strategic-metal", "livestock", "retail", "ipi", "iron-steel", "rubber", "heat", "jobs",
    "lei", "bop", "zinc", "orange", "pet-chem", "dlr", "gas", "silver", "wpi", "hog", "lead",
]  # fmt: skip
_TEST_SHARE, _SEED = 0.2, 113  # of Keras's split


@register(
    kind="source",
    features={"text": {"kind": "text", "shape": [], "dtype": "string"}},
    targets={"topic": {"kind": "classes", "labels": TOPICS}},
    unused=["data.test"],
)
def reuters(path: Path | None = None) -> Splits:
    """Reuters newswire of 46 topics: 8,982 texts to train on and 2,246 to test on, as Keras splits them.

    The texts are words in lower case, without punctuation.

    Args:
        path: The folder of Keras's `reuters.npz` and `reuters_word_index.json`. Where it is left out they are looked for in
            `DLKIT_DATA_DIR/reuters` and in Keras's cache, and then downloaded by Keras.

    Raises:
        DlkitError: The files are nowhere and cannot be downloaded, or are damaged.
    """
    import numpy as np

    found = find_or_download(REUTERS, path, lambda place: look_for_words(place, REUTERS))
    ((texts, labels),) = read_words(found, [("x", "y")], len(TOPICS))
    order = np.arange(len(texts))
    np.random.RandomState(_SEED).shuffle(order)
    cut = int(len(order) * (1 - _TEST_SHARE))
    train, test = (Arrays({"text": texts[rows]}, {"topic": labels[rows]}) for rows in (order[:cut], order[cut:]))
    return Splits(train=train, test=test)
