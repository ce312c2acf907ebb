"""MNIST: 70,000 grayscale images of handwritten digits, 28 x 28 pixels.

Source: http://yann.lecun.com/exdb/mnist/ (LeCun, Bottou, Bengio and Haffner, 1998, "Gradient-based learning applied to
document recognition")
"""

from __future__ import annotations

from dlkit.data.arrays import Arrays, Splits
from dlkit.data.sources._idx_set import IdxSet, read_idx_set
from dlkit.recipe.registry import register

MNIST = IdxSet(
    title="MNIST",
    name="mnist",
    folders=("mnist",),
    cached="mnist",
    installed="/usr/share/datasets/mnist",
    offered="the mirror storage.googleapis.com/cvdf-datasets/mnist has them",
)


@register(
    kind="source",
    features={"image": {"kind": "image", "shape": [28, 28, 1], "dtype": "uint8"}},
    targets={"digit": {"kind": "classes", "labels": ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]}},
    unused=["data.test", "data.cache"],
)
def mnist(path: str | None = None) -> Splits:
    """MNIST, 28 x 28 gray pixels: 60,000 handwritten digits to train on and 10,000 to test on.

    Args:
        path: The folder of the four idx files, compressed or not. Where it is left out they are looked for in
            `DLKIT_DATA_DIR/mnist`, in Keras's cache (there `mnist.npz` too) and in `/usr/share/datasets/mnist`, and then
            downloaded by Keras.

    Raises:
        DlkitError: The files are nowhere and cannot be downloaded, or some are damaged.
    """
    train, test = (Arrays({"image": images}, {"digit": digits}) for images, digits in read_idx_set(MNIST, path))
    return Splits(train=train, test=test)
