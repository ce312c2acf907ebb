"""CIFAR-10: 60,000 color pictures of 10 kinds of animals and vehicles, 32 x 32 pixels.

Source: https://www.cs.toronto.edu/~kriz/cifar.html (Krizhevsky, 2009, "Learning Multiple Layers of Features from Tiny
Images")
"""

from __future__ import annotations

from dlkit.data.arrays import Splits
from dlkit.data.sources._cifar import Cifar, read_cifar
from dlkit.recipe.registry import find, register

CIFAR10 = Cifar(
    title="CIFAR-10",
    name="cifar10",
    batches={"train": [f"data_batch_{number}" for number in range(1, 6)], "test": ["test_batch"]},
    labelings={"labels": 10},
    folders=("cifar-10-batches-py", "cifar-10-batches-bin"),
    archives=("cifar-10-python.tar.gz", "cifar-10-binary.tar.gz", "cifar10-images.zip"),
    cached="cifar-10-batches-py-target",
    pictures=True,
)


@register(
    kind="source",
    features={"image": {"kind": "image", "shape": [32, 32, 3], "dtype": "uint8"}},
    targets={
        "label": {
            "kind": "classes",
            "labels": ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"],
        }
    },
    chooses={"classes": "label"},
    unused=["data.test"],
)
def cifar10(path: str | None = None, classes: list[str] | None = None) -> Splits:
    """CIFAR-10, 32 x 32 color pixels: 50,000 pictures of animals and vehicles to train on and 10,000 to test on.

    Args:
        path: The folder of the batches, pickled (`cifar-10-batches-py`) or binary (`cifar-10-batches-bin`), the archive of
            either, a zip archive of pictures (`train/cat/0001.jpg`), or the folder that holds one of these. Where it is
            left out they are looked for in `DLKIT_DATA_DIR/cifar10`, beside it and in Keras's cache, and then downloaded
            by Keras. The pictures of a zip archive come in the order of their names, so class by class.
        classes: The classes whose pictures are used, numbered in this order; all of them where it is left out.

    Raises:
        DlkitError: The files are nowhere and cannot be downloaded, or some are damaged.
    """
    labels = find("source", "cifar10").declared["targets"]["label"]["labels"]
    return read_cifar(CIFAR10, path, "labels", labels, classes)
