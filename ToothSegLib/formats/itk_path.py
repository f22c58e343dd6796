"""Paths that ITK can be given: in UTF-8, and of files that it takes for what they are."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ToothSegLib.disk.file_names import in_utf8
from ToothSegLib.errors import InputError
from ToothSegLib.machine import private_folder


def printable(path: Path) -> Path:
    """A path as a message can name it: a byte that is no letter in UTF-8 as `_xe9`."""
    return Path(*map(in_utf8, path.parts))


def path_for_itk(path: Path) -> str:
    """A path for SimpleITK, which ends the process at one that is not UTF-8.

    Raises:
        InputError: it is not.
    """
    if printable(path) != path:
        raise InputError(f"{printable(path)} has a name that is not UTF-8; rename it")
    return str(path)


@contextmanager
def by_itself(path: Path, extension: str, *, in_two_files: bool) -> Iterator[Path]:
    """The file, under a name of its own where ITK cannot be given that which it has.

    A file whose voxels lie in another one stays as it is, for their name is in its header.

    Raises:
        InputError: no temporary folder can be made, or it has no room for a copy.
    """
    # ITK and NIfTI's library know endings in small or in capital letters, not in both mixed.
    capitals = () if extension == ".gipl.gz" else (extension.upper(),)
    is_known = path.name.endswith((extension, *capitals))
    if in_two_files or (is_known and not _has_twin(path) and printable(path) == path):
        yield path
        return
    folder = None
    try:
        try:
            folder = private_folder.make(private_folder.SCAN)
            alone = folder / f"scan{extension}"
            _link_or_copy(path, alone)
        except OSError as error:
            raise InputError(
                f"{printable(path)} must be read under another name, for which there is no "
                f"temporary folder, or no room in it ({error.strerror or error}); rename the file, "
                "or the one of nearly the same name beside it"
            ) from error
        yield alone
    finally:
        if folder is not None:
            private_folder.remove(folder)


def _link_or_copy(path: Path, alone: Path) -> None:
    """Give a file a second name, or copy it. Raises OSError."""
    # Windows removes no file that is read-only, by none of its names; its copy is not.
    may_stay = sys.platform == "win32" and not os.access(path, os.W_OK)
    try:
        if not may_stay:
            os.link(os.path.realpath(path), alone)  # a relative link leads nowhere there
            return
    except OSError:  # on another disk, or where there are no links
        pass
    shutil.copyfile(path, alone)


def _has_twin(path: Path) -> bool:
    """Whether NIfTI's library would take the voxels of another file.

    Asked for ``NAME.nii.gz``, it takes the header of that, and the voxels of a ``NAME.nii`` where
    there is one beside it.
    """
    bare = path.name[:-3]
    return path.name.lower().endswith(".nii.gz") and any(
        path.with_name(bare[:-4] + ending).exists() for ending in (bare[-4:], ".nii", ".NII")
    )
