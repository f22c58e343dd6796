"""Read and write PyTorch's tensors as safetensors, a format that cannot hold code.

What a file claims is checked in `safetensors_layout.py`.
"""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from ToothSegLib.bundles.safetensors_layout import METADATA, FormatError, read_layout
from ToothSegLib.disk.atomic import replacing
from ToothSegLib.errors import BundleError

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
    except FormatError as error:
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
    header: dict[str, Any] = {METADATA: dict(metadata)} if metadata else {}
    chunks = []
    begin = 0
    # Wide dtypes first keep every tensor aligned, as the reference implementation does.
    for name, tensor in sorted(tensors.items(), key=lambda kv: (-kv[1].element_size(), kv[0])):
        if name == METADATA or tensor.dtype not in _NAMES:
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


def _read_bytes(path: str | os.PathLike[str]) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise BundleError(f"cannot read {path}: {error.strerror or error}") from error


def _parse(data: memoryview) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    entries, metadata, body = read_layout(data)
    tensors = {}
    for name, (kind, shape, first, last) in entries.items():
        dtype = _DTYPES[kind]
        if first == last:  # torch refuses to view an empty buffer
            tensors[name] = torch.empty(shape, dtype=dtype)
        else:
            # The copy makes each tensor aligned, and free of the whole file's memory.
            tensors[name] = torch.frombuffer(body[first:last], dtype=dtype).reshape(shape).clone()
    return tensors, metadata
