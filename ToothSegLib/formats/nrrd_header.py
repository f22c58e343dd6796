"""The header of an NRRD file as pynrrd reads it, letters beyond ASCII and stray blanks included.

pynrrd drops each byte that is not ASCII, so that Mü1.raw becomes M1.raw, which may be another scan,
and it parts lists at every blank.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, BinaryIO

_LONGEST_LINE = 1 << 20
_DATA_FILE = re.compile(rb"\s*data ?file\s*:")
_VECTORS = re.compile(r"\s*(?:space directions|space origin|measurement frame)\s*:(?!=)")


def read_header(file: BinaryIO) -> dict[str, Any]:
    """The fields of a header; the file stands behind it then.

    Text is in UTF-8, and bytes that are not become U+FFFD. Only in the name of a file of voxels
    they stay, as `os.fsdecode` has them.

    Args:
        file: at its beginning.

    Raises:
        nrrd.NRRDError, ValueError, TypeError, LookupError, StopIteration: it is damaged.
        OSError: it cannot be read.
    """
    import nrrd

    return dict(nrrd.read_header(_lines(file)))


def _lines(file: BinaryIO) -> Iterator[str]:
    while data := file.readline(_LONGEST_LINE):
        if len(data) == _LONGEST_LINE:
            raise ValueError(f"a line of {_LONGEST_LINE} bytes or more in the header")
        line = data.decode("utf-8", "surrogateescape" if _DATA_FILE.match(data) else "replace")
        yield _without_blanks(line) if _VECTORS.match(line) else line


def _without_blanks(line: str) -> str:
    """The line with a blank between its brackets and none within, as after commas in (1, 0, 0)."""
    return re.sub(r"(?<=[(,])[ \t]+|[ \t]+(?=[,)])", "", line).replace(")(", ") (")
