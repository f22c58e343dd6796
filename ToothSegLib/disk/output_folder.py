"""Folders of results: whether they can be written to, and new ones for what is in the making.

The first is asked before the work, and before large libraries.
"""

from __future__ import annotations

import os
import sys
import tempfile
import uuid
from pathlib import Path

from ToothSegLib.errors import OutputError

_LITTER = (".DS_Store", "desktop.ini", "Thumbs.db")


def check_folder(outdir: str | os.PathLike[str]) -> None:
    """See, without leaving a trace, whether results can be written to a folder.

    Raises:
        OutputError: it is a file or a link to nowhere, or cannot be made or written to.
    """
    folder = Path(outdir)
    try:
        if folder.exists() and not folder.is_dir():
            raise OutputError(f"the output folder {folder} is a file: name a folder")
        whole = folder.absolute()
        for path in (whole, *whole.parents):
            if path.is_symlink() and not path.exists():
                raise OutputError(
                    f"cannot write to the output folder {folder}: {path} is a link to a place that "
                    "is not there"
                )
        existing = next((path for path in (whole, *whole.parents) if path.exists()), None)
        if existing is None:
            raise OutputError(
                f"cannot write to the output folder {folder}: there is no such drive or share"
            )
        if not existing.is_dir():
            raise OutputError(f"the output folder {folder} cannot be made: {existing} is a file")
        _write_to(existing)
    except OSError as error:
        raise OutputError(
            f"cannot write to the output folder {folder}: {error.strerror or error}"
        ) from error


def _write_to(folder: Path) -> None:
    """Make a file that is gone at once, and leaves no trace after a kill. Raises OSError."""
    if sys.platform == "win32":
        # In a folder that is not to be written to, Python's `tempfile` takes the name for taken
        # there, and tries two billion others (CPython's issue 66305).
        probe = folder / f".toothseg-{uuid.uuid4().hex[:8]}"
        os.close(os.open(probe, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_TEMPORARY))
    else:
        tempfile.TemporaryFile(dir=folder).close()  # without a name where the system can do that


def is_empty(folder: Path) -> bool:
    """Whether a folder holds nothing but what systems leave in every folder that they show.

    Raises:
        OSError: it cannot be looked into.
    """
    return all(map(is_litter, folder.iterdir()))


def is_litter(path: Path) -> bool:
    """Whether a file is what macOS or Windows keep about a folder's looks."""
    return (path.name in _LITTER or path.name.startswith("._")) and not path.is_dir()


def new_folder(folder: Path, prefix: str) -> Path:
    """Make a folder in another one, with the rights that any new folder gets there.

    Not by `tempfile.mkdtemp`, whose folders are for their maker alone: on Windows all that is made
    in one is so too, and stays so when it is moved out of it.

    Raises:
        OSError: as the system says.
    """
    made = folder / f"{prefix}{uuid.uuid4().hex[:8]}"  # short, for paths on Windows
    made.mkdir()
    return made
