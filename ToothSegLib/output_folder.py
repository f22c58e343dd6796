"""Whether results can be written to a folder: asked before the work, and before large libraries."""

from __future__ import annotations

import os
import tempfile
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
        os.rmdir(tempfile.mkdtemp(prefix=".toothseg-", dir=existing))
    except OSError as error:
        raise OutputError(
            f"cannot write to the output folder {folder}: {error.strerror or error}"
        ) from error
