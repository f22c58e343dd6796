"""Which scans lie below a folder, and what looks like one but is not."""

from __future__ import annotations

import hashlib
import os
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ToothSegLib.batch.entry import Scan
from ToothSegLib.batch.record import RECORD_NAME
from ToothSegLib.errors import InputError
from ToothSegLib.formats.scan_files import files_of
from ToothSegLib.volume_io import DICOM_EXTENSIONS, READABLE

if TYPE_CHECKING:
    from ToothSegLib.formats.dicom_series import Series

_VOLUMES = tuple(ending for ending in READABLE if ending not in DICOM_EXTENSIONS)
# As other programs, and this one, call label maps: scan-labels.nrrd, scan.seg.nrrd, mask.nii.gz.
_LABELS = re.compile(r"(?:^|[-_. ])(?:seg|segmentation|labels?|labelmap|mask)$", re.IGNORECASE)
_LABEL_FOLDERS = re.compile(r"labels?(?:Tr|Ts)?$", re.IGNORECASE)
_LONGEST_NAME = 120


@dataclass
class Found:
    """Scans in a stable order; by path what was left out, and folders that cannot be read, with
    the reason."""

    scans: list[Scan] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)
    unreadable: dict[str, str] = field(default_factory=dict)


def find_scans(folder: Path, out: Path, *, check: Callable[[], None] | None = None) -> Found:
    """All scans below a folder: volume files, multi-frame DICOM files and DICOM series.

    Hidden files and folders, links to folders, the output folder and results of other batches are
    passed over. A DICOM folder with something that cannot be read counts as a scan, so that it is
    told of.

    Args:
        folder: where to search.
        out: the output folder; it may lie within ``folder``, not the other way round.
        check: called for every folder; may raise.

    Raises:
        InputError: there is no such folder, it is a file, or it lies in the output folder.
    """
    root = Path(os.path.abspath(folder))
    results = Path(os.path.abspath(out))
    if root.is_file():
        raise InputError(
            f"{folder} is a file: name the folder that holds the scans, or use toothseg segment"
        )
    if not root.is_dir():
        raise InputError(f"there is no folder {folder}: name the one that holds the scans")
    if root == results or results in root.parents:
        raise InputError(f"the scans in {folder} lie in the output folder: name another one")
    from ToothSegLib.formats.dicom_series import is_worth_a_look

    found = Found()
    dicom: dict[Path, dict[str, Series]] = {}

    def note(error: OSError) -> None:
        place = Path(error.filename).relative_to(root).as_posix()
        reason = error.strerror or error
        found.unreadable[place] = f"the folder cannot be read ({reason}): scans in it are missing"

    for place, folders, names in os.walk(root, onerror=note):
        if check is not None:
            check()
        here = Path(place)
        folders[:] = sorted(n for n in folders if n[0] != "." and here / n != results)
        if RECORD_NAME in names:
            folders.clear()
            continue
        visible = sorted(name for name in names if name[0] != ".")
        for name in visible:
            if name.lower().endswith(_VOLUMES):
                _take_file(found, root, here / name)
        if any(is_worth_a_look(here / name) for name in visible):
            dicom[here] = _series_of(found, root, here)
    _take_series(found, root, dicom)
    found.scans.sort(key=lambda scan: (scan.source, scan.series or ""))
    found.scans[:] = _named(found.scans)
    return found


def _take_file(found: Found, root: Path, path: Path) -> None:
    source = path.relative_to(root).as_posix()
    if _LABELS.search(_stem(path)) or _LABEL_FOLDERS.fullmatch(path.parent.name):
        found.left_out[source] = "it is named like a label map"
    else:
        found.scans.append(Scan("", source, str(path), None, files_of(path)))


def _series_of(found: Found, root: Path, folder: Path) -> dict[str, Series]:
    from ToothSegLib.formats.dicom_series import series_files

    try:
        series = series_files(folder)
    except (InputError, OSError):
        series = {}
    if not series:  # reading it will tell what is wrong with it
        paths: tuple[str, ...] = ()
        with suppress(OSError):
            paths = tuple(sorted(str(path) for path in folder.iterdir() if path.is_file()))
        source = folder.relative_to(root).as_posix()
        found.scans.append(Scan("", source, str(folder), None, paths))
    return series


def _take_series(found: Found, root: Path, dicom: Mapping[Path, Mapping[str, Series]]) -> None:
    """The series of all folders; one that lies in several of them is one scan."""
    from ToothSegLib.formats.dicom_parts import joined

    whole = joined(dicom)
    volumes = {
        folder: {uid: one for uid, one in series.items() if _may_be_volume(one)}
        for folder, series in whole.items()
    }
    for folder, series in whole.items():
        source = folder.relative_to(root).as_posix()
        if series and not volumes[folder]:
            found.left_out[source] = "its DICOM files hold no volume"
        # As the reader sees it, which looks below where the folder itself has no volume.
        others = [
            uid
            for place, there in volumes.items()
            if place == folder or (folder not in dicom and folder in place.parents)
            for uid in there
        ]
        for uid, one in volumes[folder].items():
            is_only = len(others) == 1 and (
                folder not in dicom or set(one.files) <= _files_in(dicom[folder])
            )
            paths = tuple(sorted(os.path.abspath(file) for file in one.files))
            found.scans.append(Scan("", source, str(folder), None if is_only else uid, paths))


def _may_be_volume(series: Series) -> bool:
    from ToothSegLib.formats.dicom_series import is_volume

    try:
        return is_volume(series)
    except OSError:  # reading it will tell
        return True


def _files_in(series: Mapping[str, Series]) -> set[str]:
    return {file for one in series.values() for file in one.files}


def _stem(path: Path) -> str:
    """The name without the ending of its format."""
    endings = (ending for ending in _VOLUMES if path.name.lower().endswith(ending))
    return path.name[: -max(map(len, endings), default=0) or None]


def _named(scans: list[Scan]) -> Iterator[Scan]:
    """The scans with names: ``a/b/scan.nrrd`` is a__b__scan, told apart where that is not enough.

    A name comes from the scan's own path, so that more scans in the folder do not change it; only
    one with the same name does, and another series in its own DICOM folder. Then the name before is
    the former one, unless another scan has it now.
    """
    plain, names = [], []
    for scan in scans:
        path = Path(scan.path)
        parts = scan.source.split("/")[:-1]
        # Path.is_dir raises for what lies in a folder that may be listed and not entered.
        parts.append(path.name if os.path.isdir(path) else _stem(path))
        plain.append("__".join(parts) or "scan")
        if scan.series is not None:
            parts.append(scan.series)
        names.append("__".join(parts) or "scan")
    # As on disks that do not tell upper from lower case.
    counts = Counter(name.lower() for name in names)
    formers = [p if s.series or counts[p.lower()] > 1 else None for s, p in zip(scans, plain)]
    for index, (scan, name) in enumerate(zip(scans, names)):
        # Letters stay whole, and bytes that are none go: not every disk takes such names.
        short = os.fsencode(name)[:_LONGEST_NAME].decode("utf-8", "ignore")
        if counts[name.lower()] > 1 or short != name:
            whole = f"{scan.source} {scan.series or ''}"
            digest = hashlib.sha256(os.fsencode(whole)).hexdigest()[:8]
            names[index] = f"{short}-{digest}"
            # What versions before this one called it, which cut letters in two.
            cut = os.fsdecode(os.fsencode(name)[:_LONGEST_NAME])
            formers[index] = formers[index] if cut in (short, name) else f"{cut}-{digest}"
    taken = {name.lower() for name in names}
    for scan, name, former in zip(scans, names, formers):
        free = former is not None and former.lower() not in taken
        yield replace(scan, name=name, former_name=former if free else None)
