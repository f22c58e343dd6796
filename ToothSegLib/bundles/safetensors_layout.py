"""What a safetensors file says it holds, checked to the letter; and its tensors as NumPy's arrays.

A file is a little-endian 64-bit header length, a JSON header that gives each tensor's dtype,
shape and byte range, and the bytes. Specification:
https://huggingface.co/docs/safetensors/index#format
"""

from __future__ import annotations

import json
import math
import struct
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ToothSegLib.errors import NOT_JSON, BundleError

MAX_HEADER_BYTES = 100_000_000  # the limit of the reference implementation
METADATA = "__metadata__"
SIZES = {
    "F64": 8, "F32": 4, "F16": 2, "BF16": 2,
    "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U8": 1, "BOOL": 1,
}  # fmt: skip
"""Bytes of a number of each dtype."""

_NUMPY = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2",
    "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "i1", "U8": "u1", "BOOL": "?",
}  # fmt: skip


class FormatError(Exception):
    """What is wrong with the bytes; the caller adds which file they came from."""


class Entry(NamedTuple):
    """One tensor: a dtype of `SIZES`, its shape, and its bytes within those of all tensors."""

    dtype: str
    shape: list[int]
    first: int
    last: int


def parse_arrays(data: bytes | bytearray, source: str = "weights") -> dict[str, NDArray]:
    """All tensors in the bytes of a file, by name; those of bfloat16 as float32.

    Args:
        data: of the whole file.
        source: names it in errors.

    Raises:
        BundleError: they are cut short, longer than they say, or not strictly of the format.
    """
    try:
        entries, _, body = read_layout(memoryview(data))
        return {name: _array(entry, body) for name, entry in entries.items()}
    except (FormatError, ValueError) as error:  # NumPy's arrays have 32 or 64 axes at most
        raise BundleError(f"{source} is not a sound safetensors file: {error}") from None


def read_layout(data: memoryview) -> tuple[dict[str, Entry], dict[str, str], memoryview]:
    """The tensors by name, the text pairs in the header, and the bytes of all tensors.

    Raises:
        FormatError: see `parse_arrays`.
    """
    header, start = _header(data)
    metadata = header.pop(METADATA, {})
    if not _is_text_map(metadata):
        raise FormatError("its metadata are not pairs of texts")
    body = data[start:]
    entries = {name: _entry(name, value) for name, value in header.items()}
    end = 0
    for name, (_, _, first, last) in sorted(entries.items(), key=lambda kv: kv[1][2:]):
        if first != end:
            raise FormatError(f"tensor {name!r} starts at byte {first}, expected {end}")
        end = last
    if end != len(body):
        raise FormatError(f"it holds {len(body)} bytes of tensors, its header says {end}")
    return entries, metadata, body


def _array(entry: Entry, body: memoryview) -> NDArray:
    # The copy makes each array aligned, and free of the whole file's memory.
    raw = bytes(body[entry.first : entry.last])
    if entry.dtype == "BF16":  # the upper half of a float32
        upper = np.frombuffer(raw, "<u2").astype("<u4")
        return (upper << 16).view("<f4").reshape(entry.shape)
    return np.frombuffer(raw, _NUMPY[entry.dtype]).reshape(entry.shape)


def _header(data: memoryview) -> tuple[dict[str, Any], int]:
    if len(data) < 8:
        raise FormatError(f"it has {len(data)} bytes, too few for a header")
    (length,) = struct.unpack("<Q", data[:8])
    if length > min(MAX_HEADER_BYTES, len(data) - 8):
        raise FormatError(f"its header of {length} bytes does not fit in {len(data)} bytes")
    text = bytes(data[8 : 8 + length])
    if not text.startswith(b"{"):
        raise FormatError("its header does not start with a brace")
    try:
        header = json.loads(text.decode("utf-8"), object_pairs_hook=_no_duplicates)
    except NOT_JSON as error:
        raise FormatError(f"its header is not JSON ({error})") from None
    return header, 8 + length


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise FormatError("a name appears twice in its header")
    return result


def _is_text_map(value: object) -> bool:
    return isinstance(value, dict) and all(isinstance(text, str) for text in value.values())


def _is_sizes(value: object) -> bool:
    # bool is an int in Python, and is no size in JSON
    return isinstance(value, list) and all(type(size) is int and size >= 0 for size in value)


def _entry(name: str, value: Any) -> Entry:
    if not isinstance(value, dict) or set(value) != {"dtype", "shape", "data_offsets"}:
        raise FormatError(f"tensor {name!r} does not have a dtype, a shape and offsets")
    dtype, shape, offsets = value["dtype"], value["shape"], value["data_offsets"]
    if not isinstance(dtype, str) or dtype not in SIZES:
        raise FormatError(f"tensor {name!r} is of the unknown dtype {dtype!r}")
    if not _is_sizes(shape) or not _is_sizes(offsets) or len(offsets) != 2:
        raise FormatError(f"tensor {name!r} has shape {shape!r} at offsets {offsets!r}")
    expected = math.prod(shape) * SIZES[dtype]
    if offsets[1] - offsets[0] != expected:
        raise FormatError(
            f"tensor {name!r} takes {offsets[1] - offsets[0]} bytes, its shape needs {expected}"
        )
    if expected == 0 and math.prod(size or 1 for size in shape) >= 2**63:
        raise FormatError(f"tensor {name!r} has the impossible shape {shape}")
    return Entry(dtype, shape, offsets[0], offsets[1])
