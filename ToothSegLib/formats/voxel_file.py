"""Voxels in a file of their own, which a header names: no header may name any file it likes."""

from __future__ import annotations

import os
from pathlib import Path

from ToothSegLib.disk.file_names import in_utf8
from ToothSegLib.errors import InputError


def beside(path: Path, name: str, *, most_letters: int | None = None) -> Path:
    """The file of the voxels; one that lies elsewhere than the header is not opened.

    Args:
        path: of the file with the header.
        name: of the file with the voxels.
        most_letters: of the name in a message.

    Raises:
        InputError: it lies elsewhere, or is not there.
        OSError: it cannot be looked for.
    """
    data = path.parent / name
    shown = in_utf8(name)[:most_letters]
    # By its name and past links, which lead anywhere.
    named_within = os.path.abspath(data).startswith(os.path.join(os.path.abspath(path.parent), ""))
    within = os.path.realpath(data).startswith(os.path.join(os.path.realpath(path.parent), ""))
    if not os.path.isabs(name) and named_within and not within:
        raise InputError(
            f"{path} keeps its voxels in {shown}, which leads out of its folder by a link; put "
            "the file itself there"
        )
    if os.path.isabs(name) or not within:
        raise InputError(
            f"{path} keeps its voxels in {shown}, outside its own folder; put both into one folder"
        )
    if not data.is_file():
        raise InputError(f"{path} keeps its voxels in {shown}, which is not beside it")
    return data


def several_files(path: Path, name: str) -> InputError:
    """The refusal of voxels that are not in one file."""
    return InputError(
        f"{path} keeps its voxels in several files ({name:.60}), which are not read; export it "
        "again as one"
    )
