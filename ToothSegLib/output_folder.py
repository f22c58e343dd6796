"""Folders of results: whether they can be written to, and new ones for what is in the making.

The first is asked before the work, and before large libraries.
"""

from __future__ import annotations

import os
import tempfile
import uuid
from pathlib import Path

from ToothSegLib.errors import OutputError


def check_folder(outdir: str | os.PathLike[str]) -> None:
    """See, without leaving a trace, whether results can be written to a folder.

    Raises:
        OutputError: it is a file, or cannot be made or written to.
    """
    folder = Path(outdir)
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"the output folder {folder} is a file: name a folder")
    existing = next(
        path for path in (folder.absolute(), *folder.absolute().parents) if path.exists()
    )
    if not existing.is_dir():
        raise OutputError(f"the output folder {folder} cannot be made: {existing} is a file")
    try:
        # Without a name where the system can do that, and so without a trace after a kill.
        tempfile.TemporaryFile(dir=existing).close()
    except OSError as error:
        raise OutputError(
            f"cannot write to the output folder {folder}: {error.strerror or error}"
        ) from error


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
