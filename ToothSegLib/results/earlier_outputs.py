"""What earlier runs have left in an output folder: whose surfaces lie in it, and what is stale.

A report lists the files of its result. One of an older version does not: it is taken for the owner
of surfaces of teeth that it has, of several the one that was written last, as it replaced all.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

from ToothSegLib.errors import UNSOUND_JSON
from ToothSegLib.meshes.mesh_names import stl_name
from ToothSegLib.report import FORMAT, SCAN_SHA256, is_as_written
from ToothSegLib.teeth import LOWER_ARCH, UPPER_ARCH

STL_FOLDER = "stl"
REPORT_ENDING = "-report.json"
_SURFACES = {stl_name(fdi): fdi for fdi in UPPER_ARCH + LOWER_ARCH}


def surface_folder(folder: Path, stem: str) -> str:
    """Where a scan's surfaces go: `stl`, or `<stem>-stl` if those of another scan are in it.

    Args:
        folder: of the results.
        stem: beginning of the names of the scan's files.
    """
    there = _surfaces_in(folder, STL_FOLDER)
    owner = _owner(folder, there)
    own = read_report(folder, stem)
    if owner is None:
        # Nobody's: they were replaced before, unless we know that ours are elsewhere.
        others = bool(there) and own is not None and own.files is not None
    else:
        others = owner != stem
    return f"{stem}-{STL_FOLDER}" if others else STL_FOLDER


def stale_files(folder: Path, stem: str, names: list[str], surfaces: str | None) -> list[str]:
    """Pictures and surfaces of an earlier run of the same scan without a successor.

    Args:
        folder: of the results.
        stem: beginning of the names of the scan's files.
        names: of the files that come, relative to the folder.
        surfaces: the folder that surfaces are written to; None where none are.
    """
    own = read_report(folder, stem)
    ours = set(_surfaces_in(folder, surfaces)) if surfaces else set()
    if own is not None:
        pictures = {f"{stem}.png", f"{stem}-slices.png"}
        ours |= pictures if own.files is None else pictures & own.files
        ours |= (own.files or set()) & set(_surfaces_in(folder, f"{stem}-{STL_FOLDER}"))
        in_common = _surfaces_in(folder, STL_FOLDER)
        if _owner(folder, in_common) == stem:
            ours |= set(in_common) if own.files is None else own.files & set(in_common)
    return sorted(name for name in ours - set(names) if (folder / name).is_file())


@dataclass(frozen=True)
class EarlierReport:
    """What the report of an earlier run says.

    Args:
        stem: beginning of the names of the scan's files.
        teeth: FDI numbers.
        files: names of the files beside it; None in those of older versions.
        checksums: of these files; None in those of older versions.
        scan_sha256: of the scan, see `scan_checksum`; None if it is not told.
        as_written: nobody has changed it since.
        written: when, in ns.
    """

    stem: str
    teeth: frozenset[int]
    files: set[str] | None
    checksums: dict[str, str] | None
    scan_sha256: str | None
    as_written: bool
    written: int


def read_report(folder: Path, stem: str) -> EarlierReport | None:
    """What a scan's report says; None if it has none."""
    path = folder / f"{stem}{REPORT_ENDING}"
    try:
        report = json.loads(path.read_bytes())
        if report["format"] != FORMAT:
            return None
        return EarlierReport(
            stem=stem,
            teeth=frozenset(int(tooth["fdi"]) for tooth in report["teeth"]),
            files={str(name) for name in report["files"]} if "files" in report else None,
            checksums=dict(report["checksums"]) if "checksums" in report else None,
            scan_sha256=report["provenance"].get(SCAN_SHA256),
            as_written=is_as_written(report),
            written=path.stat().st_mtime_ns,
        )
    except (OSError, *UNSOUND_JSON):
        return None


def _surfaces_in(folder: Path, name: str) -> dict[str, int]:
    """Surfaces of teeth in a folder of them: FDI number by name, relative to ``folder``."""
    try:
        listed = os.listdir(folder / name)
    except OSError:
        return {}
    return {f"{name}/{file}": _SURFACES[file] for file in listed if file in _SURFACES}


def _owner(folder: Path, surfaces: dict[str, int]) -> str | None:
    """The stem of the scan whose surfaces these are; None if no report tells of them."""
    claims = []
    for path in folder.glob(f"*{REPORT_ENDING}") if surfaces else ():
        report = read_report(folder, path.name[: -len(REPORT_ENDING)])
        if report is None:
            continue
        teeth = set(surfaces.values())
        listed = report.files is not None and bool(report.files & set(surfaces))
        if listed or (report.files is None and teeth <= report.teeth):
            claims.append((listed or teeth == report.teeth, report.written, report.stem))
    return max(claims)[2] if claims else None
