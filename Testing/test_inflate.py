"""Packed streams unpack in bounded pieces, and tell whether they go on to their end."""

from __future__ import annotations

import gzip
import io
import zlib
from pathlib import Path
from typing import Any

import pytest

from ToothSegLib.formats.inflate import GZIP_MARK, GZIP_OR_ZLIB, Inflated
from ToothSegLib.formats.nrrd_voxels import is_whole_nrrd

PACKED = gzip.compress(b"voxels", mtime=0)  # with the time, tests would have other names each run
MOST_IN_A_PIECE = 1 << 22
HEADER = b"NRRD0004\nencoding: gzip\n\n"


def unpacked(data: bytes, *args: int, **named: Any) -> tuple[bytes, bool]:
    """What comes out of a file, and whether it ends whole."""
    stream = Inflated(io.BytesIO(data), *args, **named)
    return b"".join(stream), stream.is_at_end


@pytest.mark.parametrize("count", [1, 3, 20_000])
def test_streams_behind_each_other(count: int) -> None:
    assert unpacked(PACKED * count) == (b"voxels" * count, True)


def test_what_is_packed_tightly_comes_in_pieces() -> None:
    sizes = [len(piece) for piece in Inflated(io.BytesIO(gzip.compress(bytes(1 << 25))))]
    assert sum(sizes) == 1 << 25
    assert max(sizes) <= MOST_IN_A_PIECE


@pytest.mark.parametrize("data", [b"", PACKED[:5], PACKED[:-1], PACKED + b"\x1f"])
def test_a_stream_that_is_cut_short_has_no_end(data: bytes) -> None:
    assert not unpacked(data)[1]


@pytest.mark.parametrize("rest", [b"", b"\x1f", b"\0\0\0", b"rest"])
def test_what_is_no_stream_is_passed_over_by_its_mark(rest: bytes) -> None:
    assert unpacked(PACKED * 2 + rest, next_mark=GZIP_MARK) == (b"voxels" * 2, True)


def test_what_has_the_mark_is_a_stream_or_damaged() -> None:
    with pytest.raises(zlib.error):
        unpacked(PACKED + GZIP_MARK + b"rest", next_mark=GZIP_MARK)
    assert not unpacked(PACKED + GZIP_MARK, next_mark=GZIP_MARK)[1]


def test_a_mark_is_seen_wherever_the_file_is_read_in_two() -> None:
    """The first stream ends at every place about the end of the first piece that is read."""
    for size in range((1 << 16) - 40, (1 << 16) - 15):
        pack = zlib.compressobj(0, zlib.DEFLATED, zlib.MAX_WBITS | 16)
        first = pack.compress(bytes(size)) + pack.flush()
        got = unpacked(first + PACKED, next_mark=GZIP_MARK)
        assert got == (bytes(size) + b"voxels", True)


def test_one_stream_alone_and_no_more_of_the_file_than_is_its_own() -> None:
    data = zlib.compress(b"voxels")
    assert unpacked(data + b"rest", GZIP_OR_ZLIB, next_mark=None) == (b"voxels", True)
    assert unpacked(data + data, GZIP_OR_ZLIB, most=len(data)) == (b"voxels", True)
    assert not unpacked(data, GZIP_OR_ZLIB, most=len(data) - 1)[1]
    with pytest.raises(zlib.error):
        unpacked(data)


@pytest.mark.parametrize(
    ("data", "is_whole"),
    [
        (HEADER + PACKED, True),
        (HEADER + PACKED * 2, True),
        (HEADER + PACKED[:-1], False),
        (HEADER + PACKED[:-8] + bytes(8), False),  # another checksum
        (HEADER + PACKED + b"rest", False),
        (HEADER, False),
        (HEADER[:-1], False),
        (b"NRRD0004\n\nvoxels", False),
        (b"NRRD0004\nencoding: raw\n\n", False),
        (b"NRRD0004\nencoding: raw\n\nvoxels", True),
        (b"another" + HEADER + PACKED, False),
    ],
)
def test_an_nrrd_file_is_whole_or_not(tmp_path: Path, data: bytes, is_whole: bool) -> None:
    path = tmp_path / "a.nrrd"
    path.write_bytes(data)
    assert is_whole_nrrd(path) == is_whole
