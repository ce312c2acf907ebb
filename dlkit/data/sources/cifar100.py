"""CIFAR-100: 60,000 color pictures of 100 kinds of things in 20 groups, 32 x 32 pixels.

Source: https://www.cs.toronto.edu/~kriz/cifar.html (Krizhevsky, 2009, "Learning Multiple Layers of Features from Tiny
Images")
"""

from __future__ import annotations

from typing import Literal

from dlkit.data.arrays import Splits
from dlkit.data.sources._cifar import Cifar, read_cifar
from dlkit.recipe.registry import find, register

TARGETS = {"label": {"kind": "classes", "labels": [
    "apple", "aquarium_fish", "baby", "bear", "beaver", "bed", "bee", "beetle", "bicycle", "bottle", "bowl", "boy",
    "bridge", "bus", "butterfly", "camel", "can", "castle", "caterpillar", "cattle", "chair", "chimpanzee", "clock",
    "cloud", "cockroach", "couch", "crab", "crocodile", "cup", "dinosaur", "dolphin", "elephant", "flatfish",
    "forest", "fox", "girl", "hamster", "house", "kangaroo", "keyboard", "lamp", "lawn_mower", "leopard", "lion",
    "lizard", "lobster", "man", "maple_tree", "motorcycle", "mountain", "mouse", "mushroom", "oak_tree", "orange",
    "orchid", "otter", "palm_tree", "pear", "pickup_truck", "pine_tree", "plain", "plate", "poppy", "porcupine",
    "possum", "rabbit", "raccoon", "ray", "road", "rocket", "rose", "sea", "seal", "shark", "shrew", "skunk",
    "skyscraper", "snail", "snake", "spider", "squirrel", "streetcar", "sunflower", "sweet_pepper", "table", "tank",
    "telephone", "television", "tiger", "tractor", "train", "trout", "tulip", "turtle", "wardrobe", "whale",
    "willow_tree", "wolf", "woman", "worm",
]}}  # fmt: skip
COARSE = [
    "aquatic_mammals", "fish", "flowers", "food_containers", "fruit_and_vegetables", "household_electrical_devices",
    "household_furniture", "insects", "large_carnivores", "large_man-made_outdoor_things",
    "large_natural_outdoor_scenes", "large_omnivores_and_herbivores", "medium_mammals", "non-insect_invertebrates",
    "people", "reptiles", "small_mammals", "trees", "vehicles_1", "vehicles_2",
]  # fmt: skip
CIFAR100 = Cifar(
    title="CIFAR-100",
    name="cifar100",
    batches={"train": ["train"], "test": ["test"]},
    labelings={"coarse_labels": 20, "fine_labels": 100},
    folders=("cifar-100-python", "cifar-100-binary"),
    archives=("cifar-100-python.tar.gz", "cifar-100-binary.tar.gz"),
    cached="cifar-100-python-target",
)


@register(
    kind="source",
    features={"image": {"kind": "image", "shape": [32, 32, 3], "dtype": "uint8"}},
    targets=TARGETS,
    variants={"label_mode": {"coarse": {"targets": {"label": {"kind": "classes", "labels": COARSE}}}}},
    chooses={"classes": "label"},
    unused=["data.test"],
)
def cifar100(
    path: str | None = None, label_mode: Literal["fine", "coarse"] = "fine", classes: list[str] | None = None
) -> Splits:
    """CIFAR-100, 32 x 32 color pixels: 50,000 pictures to train on and 10,000 to test on, 100 classes in 20 groups.

    Args:
        path: The folder of the batches, pickled (`cifar-100-python`) or binary (`cifar-100-binary`), the archive of
            either, or the folder that holds one of these. Where it is left out they are looked for in
            `DLKIT_DATA_DIR/cifar100`, beside it and in Keras's cache, and then downloaded by Keras.
        label_mode: Whether the target is the class, one of 100, or its group, one of 20.
        classes: The classes, or groups, whose pictures are used, numbered in this order; all where it is left out.

    Raises:
        DlkitError: The files are nowhere and cannot be downloaded, or some are damaged.
    """
    fine = find("source", "cifar100").declared["targets"]["label"]["labels"]
    labels = COARSE if label_mode == "coarse" else fine
    return read_cifar(CIFAR100, path, f"{label_mode}_labels", labels, classes, label_mode=label_mode)
