"""How the script reads files of data."""

from __future__ import annotations

import csv
import gzip
import io
import re
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image


def read_idx(path: Path) -> np.ndarray:
    """The examples of an idx file of bytes, compressed or not, of the shape that its header tells."""
    packed = path.with_name(f"{path.name}.gz")
    content = packed.read_bytes() if packed.exists() else path.read_bytes()
    content = gzip.decompress(content) if content.startswith(b"\x1f\x8b") else content
    lengths = [content[4 * axis : 4 * axis + 4] for axis in range(1, content[3] + 1)]
    shape = [int.from_bytes(length, "big") for length in lengths]
    return np.frombuffer(content, np.uint8, offset=4 + 4 * len(shape)).reshape(shape)


def read_columns(path: Path, separator: str, header: list[str] | None, missing: list[str]) -> dict[str, list[str]]:
    """The cells of a CSV file by column, without the blanks around them; "" for a missing value."""
    with path.open(newline="", encoding="utf-8-sig") as file:
        records = [record for record in csv.reader(file, delimiter=separator) if record]
    names = [name.strip() for name in records.pop(0)] if header is None else header
    cells = [[cell.strip() for cell in column] for column in zip(*records, strict=True)]
    known = [["" if cell in missing else cell for cell in column] for column in cells]
    return dict(zip(names, known, strict=True))


def as_numbers(cells: list[str], decimal: str = ".") -> np.ndarray:
    """Numbers as float32, NaN where a value is missing."""
    numbers = [float(cell.replace(decimal, ".")) if cell else np.nan for cell in cells]
    return np.array(numbers, np.float64).astype(np.float32)


def as_texts(cells: list[str]) -> np.ndarray:
    """Texts as an array of objects."""
    return np.array(cells, object)


def as_classes(cells: list[str], labels: list[str]) -> np.ndarray:
    """The numbers of classes."""
    return np.array([labels.index(cell) for cell in cells], np.int32)


def windows(series: np.ndarray, starts: np.ndarray, length: int) -> np.ndarray:
    """Overlapping pieces of a series."""
    return series[starts[:, None] + np.arange(length)]


def last_known(values: np.ndarray) -> np.ndarray:
    """The values of a series, the last one known in the place of those that are missing."""
    last = np.maximum.accumulate(np.where(np.isnan(values), -1, np.arange(len(values))))
    return np.where(last < 0, np.float32(np.nan), values[last])


def read_text(path: Path) -> str:
    """A text in UTF-8, every line of which ends in a line feed."""
    return re.sub("\r\n?", "\n", path.read_bytes().decode("utf-8-sig"))


def read_pictures(archive: Path, split: str, labels: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """The pictures `split/label/name` of a zip archive in the order of their names, and the numbers of their labels."""
    pictures, numbers = [], []
    with zipfile.ZipFile(archive) as file:
        for name in sorted(file.namelist()):
            folder, _, rest = name.partition("/")
            label = rest.partition("/")[0]
            if folder == split and label in labels and name.endswith((".jpg", ".jpeg", ".png")):
                pictures.append(np.asarray(Image.open(io.BytesIO(file.read(name))).convert("RGB")))
                numbers.append(labels.index(label))
    return np.stack(pictures), np.array(numbers, np.int32)
