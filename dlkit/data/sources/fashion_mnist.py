"""Fashion-MNIST: 70,000 grayscale images of garments, 28 x 28 pixels.

Source: https://github.com/zalandoresearch/fashion-mnist (Xiao, Rasul and Vollgraf, 2017, arXiv:1708.07747)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlkit.data.arrays import Arrays, Splits
from dlkit.data.sources._idx_set import IdxSet, read_idx_set
from dlkit.recipe.registry import register

if TYPE_CHECKING:
    import numpy as np

GROUP_OF_GARMENT = [0, 1, 0, 2, 0, 3, 0, 3, 4, 3]
FASHION_MNIST = IdxSet(
    title="Fashion-MNIST",
    name="fashion_mnist",
    folders=("fashion-mnist", "fashion_mnist"),
    cached="fashion-mnist",
    installed="/usr/share/datasets/fashion-mnist",
    offered="Debian's package dataset-fashion-mnist has them, and so has github.com/zalandoresearch/fashion-mnist",
)


@register(
    kind="source",
    features={"image": {"kind": "image", "shape": [28, 28, 1], "dtype": "uint8"}},
    targets={
        "garment": {
            "kind": "classes",
            "labels": [
                "T-shirt/top",
                "trouser",
                "pullover",
                "dress",
                "coat",
                "sandal",
                "shirt",
                "sneaker",
                "bag",
                "ankle boot",
            ],
        },
        "group": {"kind": "classes", "labels": ["top", "trouser", "dress", "shoe", "bag"], "default": False},
    },
    unused=["data.test"],
)
def fashion_mnist(path: str | None = None) -> Splits:
    """Fashion-MNIST, 28 x 28 gray pixels: 60,000 garments to train on and 10,000 to test on, 10 classes in 5 groups.

    Args:
        path: The folder of the four idx files, compressed or not. Where it is left out they are looked for in
            `DLKIT_DATA_DIR`, in Keras's cache and where Debian's package puts them, and then downloaded by Keras.

    Raises:
        DlkitError: The files are nowhere and cannot be downloaded, or some are damaged.
    """
    train, test = read_idx_set(FASHION_MNIST, path)
    return Splits(train=_arrays(*train), test=_arrays(*test))


def _arrays(images: np.ndarray, garments: np.ndarray) -> Arrays:
    import numpy as np

    return Arrays({"image": images}, {"garment": garments, "group": np.array(GROUP_OF_GARMENT, np.int32)[garments]})
