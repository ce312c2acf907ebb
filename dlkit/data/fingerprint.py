"""A fingerprint of the examples, changed by every changed byte."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from dlkit.data.arrays import Splits, Values
from dlkit.data.columns import Column
from dlkit.data.facts import type_name

_CHUNK = 2**24  # bytes that one thread takes at a time


def fingerprint(splits: Splits) -> str:
    """SHA-256, in hexadecimal, over the names, types, shapes and values of all examples; their order by name.

    Arrays are cut into chunks whose checksums several threads take (hashlib lets go of the interpreter), so that big
    data takes as long as its bytes need to pass the cores once. Columns give a checksum of their own.
    """
    digest = hashlib.sha256()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for split, arrays in splits.named().items():
            for role, group in (("feature", arrays.features), ("target", arrays.targets)):
                for name, values in sorted(group.items()):
                    digest.update(json.dumps([split, role, name, type_name(values), values.shape]).encode() + b"\n")
                    for part in pool.map(_sum, _parts(values)):
                        digest.update(part)
    return digest.hexdigest()


def _sum(part: bytes | memoryview) -> bytes:
    return hashlib.sha256(part).digest()


def _parts(values: Values) -> Iterator[bytes | memoryview]:
    if isinstance(values, Column):
        yield values.digest()
    elif values.dtype.hasobject:
        for start in range(0, len(values), _CHUNK // 64):
            yield json.dumps(values[start : start + _CHUNK // 64].tolist(), ensure_ascii=False).encode(
                errors="surrogatepass"
            )
    else:
        whole = np.ascontiguousarray(values).reshape(-1).view(np.uint8).data
        for start in range(0, len(whole), _CHUNK):
            yield whole[start : start + _CHUNK]
