"""Read and write weights as safetensors, the format that holds numbers and cannot hold code.

A file is a little-endian 64-bit header length, a JSON header that gives each tensor's dtype,
shape and byte range, and the bytes. Specification:
https://huggingface.co/docs/safetensors/index#format
"""

from __future__ import annotations

import json
import math
import os
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from ToothSegLib.atomic import replacing
from ToothSegLib.errors import BundleError

MAX_HEADER_BYTES = 100_000_000  # the limit of the reference implementation

_DTYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I64": torch.int64,
    "I32": torch.int32,
    "I16": torch.int16,
    "I8": torch.int8,
    "U8": torch.uint8,
    "BOOL": torch.bool,
}
_NAMES = {dtype: name for name, dtype in _DTYPES.items()}
_METADATA = "__metadata__"


def read_safetensors(path: str | os.PathLike[str]) -> dict[str, torch.Tensor]:
    """All tensors of a file, by name, on the CPU.

    Raises:
        BundleError: the file is missing, unreadable, cut short, longer than it says, or is not
            strictly of the format.
    """
    return read_with_metadata(path)[0]


def read_with_metadata(
    path: str | os.PathLike[str],
) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    """All tensors, and the text pairs in the file's header; errors as for `read_safetensors`."""
    return parse_safetensors(_read_bytes(path), str(path))


def parse_safetensors(
    data: bytes | bytearray, source: str = "weights"
) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    """Tensors and metadata in the bytes of a file; `source` names it in errors.

    Raises:
        BundleError: see `read_safetensors`.
    """
    try:
        return _parse(memoryview(bytearray(data)))
    except _FormatError as error:
        raise BundleError(f"{source} is not a sound safetensors file: {error}") from None


def write_safetensors(
    path: str | os.PathLike[str],
    tensors: Mapping[str, torch.Tensor],
    metadata: Mapping[str, str] | None = None,
) -> None:
    """Write tensors and text pairs to a file, whole or not at all.

    Raises:
        BundleError: a tensor's dtype has no place in the format, or a name is reserved.
        OutputError: the file cannot be written.
    """
    header: dict[str, Any] = {_METADATA: dict(metadata)} if metadata else {}
    chunks = []
    begin = 0
    # Wide dtypes first keep every tensor aligned, as the reference implementation does.
    for name, tensor in sorted(tensors.items(), key=lambda kv: (-kv[1].element_size(), kv[0])):
        if name == _METADATA or tensor.dtype not in _NAMES:
            raise BundleError(f"cannot store tensor {name!r} of {tensor.dtype} as safetensors")
        chunk = tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy()
        end = begin + chunk.nbytes
        header[name] = {
            "dtype": _NAMES[tensor.dtype],
            "shape": list(tensor.shape),
            "data_offsets": [begin, end],
        }
        chunks.append(chunk)
        begin = end
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with replacing(path) as file:
        file.write(struct.pack("<Q", len(text)))
        file.write(text)
        for chunk in chunks:
            file.write(chunk.data)


class _FormatError(Exception):
    """What is wrong with the bytes; the caller adds which file they came from."""


def _read_bytes(path: str | os.PathLike[str]) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise BundleError(f"cannot read {path}: {error.strerror or error}") from error


def _parse(data: memoryview) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    header, start = _header(data)
    metadata = header.pop(_METADATA, {})
    if not _is_text_map(metadata):
        raise _FormatError("its metadata are not pairs of texts")
    body = data[start:]
    entries = {name: _entry(name, value) for name, value in header.items()}
    end = 0
    for name, (_, _, first, last) in sorted(entries.items(), key=lambda kv: kv[1][2:]):
        if first != end:
            raise _FormatError(f"tensor {name!r} starts at byte {first}, expected {end}")
        end = last
    if end != len(body):
        raise _FormatError(f"it holds {len(body)} bytes of tensors, its header says {end}")
    tensors = {}
    for name, (dtype, shape, first, last) in entries.items():
        if first == last:  # torch refuses to view an empty buffer
            tensors[name] = torch.empty(shape, dtype=dtype)
        else:
            # The copy makes each tensor aligned, and free of the whole file's memory.
            tensors[name] = torch.frombuffer(body[first:last], dtype=dtype).reshape(shape).clone()
    return tensors, metadata


def _header(data: memoryview) -> tuple[dict[str, Any], int]:
    if len(data) < 8:
        raise _FormatError(f"it has {len(data)} bytes, too few for a header")
    (length,) = struct.unpack("<Q", data[:8])
    if length > min(MAX_HEADER_BYTES, len(data) - 8):
        raise _FormatError(f"its header of {length} bytes does not fit in {len(data)} bytes")
    text = bytes(data[8 : 8 + length])
    if not text.startswith(b"{"):
        raise _FormatError("its header does not start with a brace")
    try:
        header = json.loads(text.decode("utf-8"), object_pairs_hook=_no_duplicates)
    except (ValueError, RecursionError) as error:
        raise _FormatError(f"its header is not JSON ({error})") from None
    return header, 8 + length


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise _FormatError("a name appears twice in its header")
    return result


def _is_text_map(value: object) -> bool:
    return isinstance(value, dict) and all(isinstance(text, str) for text in value.values())


def _is_sizes(value: object) -> bool:
    # bool is an int in Python, and is no size in JSON
    return isinstance(value, list) and all(type(size) is int and size >= 0 for size in value)


def _entry(name: str, value: Any) -> tuple[torch.dtype, list[int], int, int]:
    if not isinstance(value, dict) or set(value) != {"dtype", "shape", "data_offsets"}:
        raise _FormatError(f"tensor {name!r} does not have a dtype, a shape and offsets")
    dtype, shape, offsets = value["dtype"], value["shape"], value["data_offsets"]
    if not isinstance(dtype, str) or dtype not in _DTYPES:
        raise _FormatError(f"tensor {name!r} is of the unknown dtype {dtype!r}")
    if not _is_sizes(shape) or not _is_sizes(offsets) or len(offsets) != 2:
        raise _FormatError(f"tensor {name!r} has shape {shape!r} at offsets {offsets!r}")
    expected = math.prod(shape) * _DTYPES[dtype].itemsize
    if offsets[1] - offsets[0] != expected:
        raise _FormatError(
            f"tensor {name!r} takes {offsets[1] - offsets[0]} bytes, its shape needs {expected}"
        )
    if expected == 0 and math.prod(size or 1 for size in shape) >= 2**63:
        raise _FormatError(f"tensor {name!r} has the impossible shape {shape}")
    return _DTYPES[dtype], shape, offsets[0], offsets[1]
