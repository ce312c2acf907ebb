"""The architectures for sequences: what each is given, its arguments, and how many parameters it is known to have."""

from __future__ import annotations

from typing import Any

import numpy as np

STEPS, CHANNELS, TOKENS = 8, 6, 11
VECTORS = np.random.default_rng(1).normal(size=(12, STEPS, CHANNELS)).astype("float32")
NUMBERS = np.random.default_rng(2).integers(0, TOKENS, (12, STEPS)).astype("int32")

# What an architecture is given, and its arguments: as little of it as shows everything.
TAKES: dict[str, tuple[np.ndarray, dict[str, Any]]] = {
    "text_cnn": (VECTORS, {"filters": 4, "kernel_sizes": [2, 3]}),
    "rnn": (VECTORS, {"units": [5, 4], "bidirectional": True}),
    "transformer_block": (VECTORS, {"width": CHANNELS, "heads": 2}),
    "transformer_encoder": (VECTORS, {"depth": 2, "width": CHANNELS, "heads": 2, "dropout": 0.0}),
    "gpt": (NUMBERS, {"vocabulary_size": TOKENS, "depth": 2, "width": CHANNELS, "heads": 2}),
}
# Those that give something at every step, of which a test takes the mean.
BEHIND: dict[str, list[Any]] = {name: ["GlobalAveragePooling1D"] for name in ("gpt", "transformer_block")}

# Without output layer: the architecture, its arguments, the shape of what it is given, the number of parameters.
PARAMETERS: list[tuple[str, dict[str, Any], tuple[int, ...], int]] = [
    # Filters of 3, 4 and 5 words of 300 channels, 100 each, and their biases (Kim, 2014, section 3.1).
    ("text_cnn", {}, (59, 300), 100 * (3 + 4 + 5) * 300 + 300),
    ("rnn", {"units": [64], "cell": "simple"}, (9, 32), (32 + 64 + 1) * 64),
    ("rnn", {"units": [64], "cell": "lstm"}, (9, 32), 4 * (32 + 64 + 1) * 64),
    ("rnn", {"units": [64], "cell": "gru"}, (9, 32), 3 * (32 + 64 + 2) * 64),  # two biases, as in cuDNN
    ("rnn", {"units": [64, 16], "bidirectional": True}, (9, 32), 8 * (32 + 65) * 64 + 8 * (128 + 17) * 16),
    # The base model of the paper: 6 blocks of 4 * 512 * 512 and 2 * 512 * 2048 weights, with biases and normalization.
    (
        "transformer_encoder",
        {"depth": 6, "width": 512, "heads": 8, "normalization": "post"},
        (9, 512),
        18_914_304,  # as torch.nn.TransformerEncoderLayer has them: 3,152,384 a block
    ),
    # nanoGPT's settings for CPUs: it tells 0.80 M parameters, as it leaves out the 64 * 128 of the positions.
    ("gpt", {"vocabulary_size": 65, "depth": 4, "width": 128, "heads": 4}, (64,), 795_904 + 64 * 128),
    # GPT-2 small, which is known for 124 M (github.com/karpathy/nanoGPT, model.py: 124,439,808 with biases).
    (
        "gpt",
        {"vocabulary_size": 50_257, "depth": 12, "width": 768, "heads": 12, "use_bias": True},
        (1024,),
        124_439_808,
    ),
]
