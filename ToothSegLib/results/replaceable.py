"""Which files of an output folder a run may replace: those of its scan's earlier run, unchanged.

The report lists them with their checksums. Whatever else has the name of a file that comes or goes
is somebody's own, or holds somebody's corrections. Reports of older versions have no checksums:
what they list cannot be told from corrections and counts as such.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from ToothSegLib.disk.moving import alone_in, tidy
from ToothSegLib.errors import OutputError
from ToothSegLib.results.earlier_outputs import (
    REPORT_ENDING,
    read_report,
    stale_files,
    surface_folder,
)
from ToothSegLib.results.edited import edited_files

WHAT_TO_DO = "name another output folder, or give --overwrite to replace it"


def check_beforehand(
    folder: Path,
    stem: str,
    scan_sha256: str | None = None,
    *,
    stl: bool = True,
    picture: bool = True,
    slices: bool = False,
) -> None:
    """Refuse a folder in which `outputs.write_outputs` would refuse to replace something.

    Args:
        folder: of the results; it need not be there.
        stem: beginning of the names of the scan's files.
        scan_sha256: see `check_replaceable`.
        stl, picture, slices: what will be written beside labels and report.

    Raises:
        OutputError: as `check_places` and `check_replaceable`, or the folder cannot be looked
            into.
        InputError: a file cannot be read.
    """
    if not folder.is_dir():
        return
    check_places(folder, stem, stl=stl, picture=picture, slices=slices)
    try:
        with alone_in(folder) as sure:
            if sure:
                tidy(folder)  # what a killed run has begun would look like somebody's changes
            names = in_the_way(folder, stem, stl=stl, picture=picture, slices=slices)
            check_replaceable(folder, stem, names, scan_sha256)
    except OSError as error:
        raise OutputError(f"cannot write to {folder}: {error.strerror or error}") from error


def check_places(folder: Path, stem: str, *, stl: bool, picture: bool, slices: bool) -> None:
    """Refuse folders where files are to go, and a file where the folder of surfaces is to be.

    These are in the way of a run that may replace everything, too.

    Args:
        folder: of the results; it need not be there.
        stem, stl, picture, slices: as for `check_beforehand`.

    Raises:
        OutputError: as said, with the name and what to do.
    """
    for name in in_the_way(folder, stem, stl=stl, picture=picture, slices=slices):
        if os.path.isdir(folder / name):
            raise OutputError(
                f"{folder / name} is a folder where a file should go: move it elsewhere, or name "
                "another output folder"
            )
    surfaces = folder / surface_folder(folder, stem)
    if stl and os.path.lexists(surfaces) and not os.path.isdir(surfaces):
        raise OutputError(
            f"{surfaces} is no folder, but surfaces are to go into one of that name: move it "
            "elsewhere, or write no surfaces (--no-stl)"
        )


def in_the_way(folder: Path, stem: str, *, stl: bool, picture: bool, slices: bool) -> list[str]:
    """Names of what a run may write or take away, as far as that is known before it.

    Args:
        folder: of the results.
        stem, stl, picture, slices: as for `check_beforehand`.
    """
    names = [f"{stem}-labels.nrrd", f"{stem}.seg.nrrd", f"{stem}{REPORT_ENDING}"]
    names += [f"{stem}.png"] if picture else []
    names += [f"{stem}-slices.png"] if slices else []
    # Which teeth will be found is not known, so all surfaces there may be in the way.
    surfaces = surface_folder(folder, stem) if stl else None
    return names + stale_files(folder, stem, names, surfaces)


def check_replaceable(
    folder: Path, stem: str, names: Sequence[str], scan_sha256: str | None = None
) -> None:
    """Refuse to replace or remove what no earlier run on the scan made, or what was changed since.

    Args:
        folder: of the results; the caller is alone in it.
        stem: beginning of the names of the scan's files.
        names: of the files that come and go, relative to the folder.
        scan_sha256: of the scan, see `scan_checksum`; if None, a scan of the same name is the same.

    Raises:
        OutputError: as said, with the file's name and what to do.
        InputError: a file cannot be read.
    """
    there = [name for name in names if os.path.lexists(folder / name)]
    there = [name for name in there if not os.path.isdir(folder / name)]  # moving tells of those
    if not there:
        return
    report = f"{stem}{REPORT_ENDING}"
    own = read_report(folder, stem)
    if own is not None and own.checksums is None:
        raise OutputError(
            f"{folder / report} is of an older version that did not note whether its files were "
            f"corrected since: {WHAT_TO_DO}"
        )
    told = own.scan_sha256 if own is not None else None
    if None not in (told, scan_sha256) and told != scan_sha256:
        raise OutputError(
            f"{folder / report} is of another scan, which has the same name: {WHAT_TO_DO}"
        )
    checksums = {} if own is None or own.checksums is None else own.checksums
    for name in there:
        if name not in checksums and (own is None or name != report):
            raise OutputError(
                f"{folder / name} was not written by an earlier run on this scan: {WHAT_TO_DO}"
            )
    listed = [name for name in there if name != report]
    # By the checksum alone: the sizes are taken as they are.
    sizes = {name: _size(folder / name) for name in listed}
    record = {"files": sizes, "checksums": checksums}
    changed = edited_files(folder, record, 0, all_of_them=True)
    if own is not None and not own.as_written:
        changed.append(report)
    if changed:
        raise OutputError(
            f"{folder / changed[0]} was changed since it was written, as by a correction: "
            f"{WHAT_TO_DO}"
        )


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:  # a link to nowhere
        return 0
