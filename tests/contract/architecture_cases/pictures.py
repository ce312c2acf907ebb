"""The architectures for pictures: what each is given, its arguments, and how many parameters it is known to have."""

from __future__ import annotations

from typing import Any

import numpy as np

PICTURES = np.random.default_rng(1).random((12, 16, 16, 2)).astype("float32")
TOLD = {"image": PICTURES, "words": np.random.default_rng(2).integers(0, 5, (12, 4)).astype("int32")}

# What an architecture is given, several inputs by name, and its arguments: as little of it as shows everything.
TAKES: dict[str, tuple[Any, dict[str, Any]]] = {
    "capsnet": (PICTURES, {"classes": 3, "filters": 8, "primary_channels": 2, "primary_size": 4, "kernel_size": 5}),
    "crnn": (PICTURES, {"filters": [4, 8], "convolutions": [1, 1], "width_halvings": 1, "units": [6]}),
    "lenet5": (PICTURES, {}),
    "mixture_of_experts": (PICTURES, {"outputs": 3, "experts": 3, "units": [8], "gate_units": [4]}),
    "mlp": (PICTURES, {"units": [8], "normalization": True}),
    "mobilenet": (PICTURES, {"width": 0.25, "repeats": 1, "halvings": 2}),
    "rbf_network": (PICTURES, {"outputs": 3, "units": 8}),
    "resnet": (PICTURES, {"depth": 8, "filters": 4}),
    "show_and_tell": (TOLD, {"vocabulary_size": 5, "filters": [4, 4, 8], "units": 8, "heads": 2, "dropout": 0.0}),
    "spiking": (PICTURES, {"units": [32, 16], "steps": 8}),
    "vgg": (PICTURES, {"filters": [4, 8], "convolutions": [1, 2], "units": [8], "dropout": 0.0}),
    "vit": (PICTURES, {"depth": 2, "width": 8, "heads": 2, "pooling": "class_token"}),
    "wide_resnet": (PICTURES, {"depth": 10, "width": 1}),
}
# Those whose last layer is the output already, and what it gives.
ENDS = {"mixture_of_experts": "probabilities", "capsnet": "lengths", "rbf_network": "logits", "show_and_tell": "logits"}
# Those that give something at every step, of which a test takes the mean.
BEHIND: dict[str, list[Any]] = {"crnn": ["GlobalAveragePooling1D"]}

TINY = {"patch_size": 16, "depth": 12, "pooling": "class_token"}
COLORED = (32, 32, 3)
# Without output layer: the architecture, its arguments, the shape of what it is given, the number of parameters.
PARAMETERS: list[tuple[str, dict[str, Any], tuple[int, ...], int]] = [
    ("lenet5", {}, (32, 32, 1), 61_706 - 85 * 10),
    ("lenet5", {"padding": "same"}, (28, 28, 1), 61_706 - 85 * 10),
    # As github.com/akamaster/pytorch_resnet_cifar10 has them, whose shortcuts are the paper's option A.
    ("resnet", {}, COLORED, 269_722 - 65 * 10),
    ("resnet", {"depth": 56}, COLORED, 853_018 - 65 * 10),
    ("resnet", {"shortcut": "B"}, COLORED, 269_722 - 65 * 10 + 16 * 32 + 32 * 64 + 2 * (32 + 64)),
    ("wide_resnet", {"depth": 16, "width": 4}, COLORED, 2_748_890 - 257 * 10),
    # 5,717,416 and 22,050,664 with 1,000 classes, as github.com/facebookresearch/deit and timm count them.
    ("vit", {**TINY, "width": 192, "heads": 3}, (224, 224, 3), 5_717_416 - 193 * 1000),
    ("vit", {**TINY, "width": 384, "heads": 6}, (224, 224, 3), 22_050_664 - 385 * 1000),
    # 8,215,568 with the three dense layers of 512, 1,024 and 784 units that draw the picture of a capsule.
    ("capsnet", {"classes": 10}, (28, 28, 1), 8_215_568 - 161 * 512 - 513 * 1024 - 1025 * 784),
    # The paper's table 1 without its last convolution: six convolutions, columns of two rows of 512, two layers of LSTMs.
    (
        "crnn",
        {"normalization": False},
        (32, 100, 1),
        640 + 73_856 + 295_168 + 590_080 + 1_180_160 + 2_359_808 + 8 * (1024 + 257) * 256 + 8 * (512 + 257) * 256,
    ),
    ("spiking", {"units": [100, 50]}, (28, 28, 1), 785 * 100 + 101 * 50),
    ("rbf_network", {"outputs": 10, "units": 1000}, (28, 28, 1), 1001 * 10),
    ("rbf_network", {"outputs": 10, "units": 1000, "trainable": True}, (28, 28, 1), 1000 * 785 + 1001 * 10),
    ("mixture_of_experts", {"outputs": 10, "experts": 4, "units": [20]}, (7,), 4 * (8 * 20 + 21 * 10) + 8 * 4),
]
