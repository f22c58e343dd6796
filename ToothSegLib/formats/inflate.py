"""What packed streams hold, never more of it in memory at once than a few megabytes."""

from __future__ import annotations

import sys
import zlib
from collections.abc import Iterator
from typing import BinaryIO

GZIP, GZIP_OR_ZLIB = zlib.MAX_WBITS | 16, zlib.MAX_WBITS | 32
GZIP_MARK = b"\x1f\x8b"
DEFLATE_RATIO = 1100
"""Bytes that one packed byte cannot hold; deflate makes at most 1032 of it."""

# Short pieces of the file: what lies behind a stream is copied for each stream that follows.
_PACKED_PIECE = 1 << 16
_PIECE = 1 << 22


class Inflated:
    """What a stream and those behind it unpack to, in pieces, however tightly they are packed.

    To go through once. What raises is damaged: `zlib.error`. What is cut short only ends early.

    Args:
        file: at the beginning of the stream.
        form: ``GZIP`` or ``GZIP_OR_ZLIB``.
        most: bytes of the file that belong to it; all if None.
        next_mark: what begins with these bytes, two at the most, behind a stream is another one,
            as in a gzip file of several members, and anything else is passed over; so is all if
            None.
    """

    def __init__(
        self,
        file: BinaryIO,
        form: int = GZIP,
        *,
        most: int | None = None,
        next_mark: bytes | None = b"",
    ) -> None:
        self.is_at_end = False
        """Whether a stream ends with the last piece, with the checksum that it promises."""
        self._file, self._form, self._next_mark = file, form, next_mark
        self._left = sys.maxsize if most is None else most

    def __iter__(self) -> Iterator[bytes]:
        stream, data = zlib.decompressobj(self._form), b""
        while True:
            if len(data) < len(GZIP_MARK):
                data += self._read()
            if stream.eof:
                if self._next_mark is None or not data.startswith(self._next_mark):
                    return
                stream = zlib.decompressobj(self._form)
            if not data:
                return
            piece = stream.decompress(data, _PIECE)
            self.is_at_end = stream.eof
            yield piece
            data = stream.unused_data if stream.eof else stream.unconsumed_tail

    def _read(self) -> bytes:
        data = self._file.read(min(_PACKED_PIECE, self._left))
        self._left -= len(data)
        return data
