"""The result of a run - teeth, findings, where they come from - and its JSON."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from importlib import metadata
from typing import Any, Literal

import numpy as np

from ToothSegLib import __version__
from ToothSegLib.errors import UNSOUND_JSON, InputError
from ToothSegLib.grids.label_boxes import label_boxes
from ToothSegLib.teeth import FDI_NUMBERS, by_fdi
from ToothSegLib.volume import Volume

FORMAT = "toothseg-report"
FORMAT_VERSION = 1
SCAN_SHA256 = "scan_sha256"
"""Key of the provenance: checksum of the scan's voxels and grid, see `scan_checksum`."""
NOTICE = "For research use, not a medical device."
PACKAGES = ("numpy", "scipy", "torch", "vtk", "SimpleITK", "pynrrd")
OPTIONAL_PACKAGES = ("openvino",)

Urgency = Literal["high", "medium", "low"]
URGENCIES: tuple[Urgency, ...] = ("high", "medium", "low")
Place = tuple[float, float, float]
"""(x, y, z) LPS mm."""


@dataclass(frozen=True)
class Tooth:
    """One tooth that was found.

    Args:
        fdi: its FDI number.
        name: such as "upper right central incisor".
        category: such as "upper incisors".
        voxels: its size in voxels of the source grid.
        volume_mm3: its size in mm^3.
        centroid_lps: (x, y, z) mm.
        confidence: 0-1, how sure the program is that this is a tooth and this one.
    """

    fdi: int
    name: str
    category: str
    voxels: int
    volume_mm3: float
    centroid_lps: tuple[float, float, float]
    confidence: float


@dataclass(frozen=True)
class Finding:
    """Something that a reader should look at, and why.

    Args:
        code: a short word for programs, such as "no-teeth".
        urgency: "high", "medium" or "low".
        message: a sentence for people.
        fdi: the teeth concerned; may be empty.
        places_lps: where what has no number is, (x, y, z) mm, the first to look at first; may be
            empty. The message tells all of them, or the first, by `in_lps`.
    """

    code: str
    urgency: Urgency
    message: str
    fdi: tuple[int, ...] = ()
    places_lps: tuple[Place, ...] = ()

    def __post_init__(self) -> None:
        if self.urgency not in URGENCIES:
            raise ValueError(f"urgency {self.urgency!r} is none of {', '.join(URGENCIES)}")


def in_lps(places: Iterable[Place]) -> str:
    """Places in the words of a message, to 1 mm: "(-10, 5, 22), (3, 4, 5)"."""
    return ", ".join("({:.0f}, {:.0f}, {:.0f})".format(*place) for place in places)


@dataclass
class Segmentation:
    """What a run gives.

    Args:
        labels: uint8 FDI numbers on the source grid, 0 background.
        teeth: those found, in any order.
        findings: what to look at first.
        timings: seconds by stage.
        provenance: how the result came to be: bundle, weights' checksums, device, versions of
            the software. JSON values, or NumPy's.
    """

    labels: Volume
    teeth: list[Tooth] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    timings: dict[str, float] = field(default_factory=dict)
    provenance: dict[str, Any] = field(default_factory=dict)

    @property
    def missing(self) -> list[int]:
        """FDI numbers of the 28 teeth that were not found, ascending."""
        found = {tooth.fdi for tooth in self.teeth}
        return sorted(set(FDI_NUMBERS) - found)


def measure_teeth(labels: Volume, confidences: dict[int, float]) -> list[Tooth]:
    """Size and place of every tooth of a label map, ascending by FDI number.

    Args:
        labels: uint8 FDI numbers, 0 background.
        confidences: by FDI number; a tooth that is not in it gets 0.
    """
    teeth = []
    for fdi, box in label_boxes(labels.array).items():
        code = by_fdi(fdi)
        indices = np.argwhere(labels.array[box] == fdi)
        centre = indices.mean(axis=0) + [part.start for part in box]
        x, y, z, _ = labels.index_to_lps @ [*centre[::-1], 1.0]
        teeth.append(
            Tooth(
                fdi=fdi,
                name=code.name,
                category=code.category_name,
                voxels=len(indices),
                volume_mm3=len(indices) * labels.voxel_mm3,
                centroid_lps=(float(x), float(y), float(z)),
                confidence=confidences.get(fdi, 0.0),
            )
        )
    return teeth


def software_versions() -> dict[str, str]:
    """Version of ToothSeg, of Python and of each package of the runtime, without importing any.

    Optional ones are left out where they are not installed.
    """
    versions = {"toothseg": __version__, "python": platform.python_version()}
    for package in PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            versions[package] = "not installed"
    for package in OPTIONAL_PACKAGES:
        with suppress(metadata.PackageNotFoundError):
            versions[package] = metadata.version(package)
    return versions


def to_json(
    segmentation: Segmentation,
    files: Sequence[str] | None = None,
    checksums: Mapping[str, str] | None = None,
) -> str:
    """The report of a segmentation: everything but the voxels, keys in a fixed order.

    Args:
        segmentation: the result.
        files: the files of the result beside the report, relative to it, with slashes; the report
            says nothing of them if None.
        checksums: SHA-256 of these files, by name; the report gets one of itself too.

    Lengths are rounded to 0.01 mm, volumes to 0.1 mm^3, confidences to 0.001, times to 1 ms.
    """
    labels = segmentation.labels
    report = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "notice": NOTICE,
        "teeth": [
            {
                "fdi": tooth.fdi,
                "name": tooth.name,
                "category": tooth.category,
                "voxels": tooth.voxels,
                "volume_mm3": round(tooth.volume_mm3, 1),
                "centroid_lps": [round(value, 2) for value in tooth.centroid_lps],
                "confidence": round(tooth.confidence, 3),
            }
            for tooth in sorted(segmentation.teeth, key=lambda tooth: tooth.fdi)
        ],
        "missing": segmentation.missing,
        "findings": [
            {
                "code": finding.code,
                "urgency": finding.urgency,
                "message": finding.message,
                "fdi": list(finding.fdi),
                "places_lps": [[round(x, 2) for x in place] for place in finding.places_lps],
            }
            for finding in by_urgency(segmentation.findings)
        ],
        "grid": {
            "size": list(labels.shape[::-1]),
            "spacing_mm": [round(value, 6) for value in labels.spacing],
            "origin_lps": [round(value, 4) for value in labels.origin],
            "direction": np.round(labels.direction, 8).tolist(),
        },
        "timings_s": {stage: round(value, 3) for stage, value in segmentation.timings.items()},
        "provenance": segmentation.provenance,
    }
    if files is not None:
        report["files"] = list(files)
    if checksums is not None:
        report["checksums"] = dict(checksums)
        report["checksum"] = _checksum(report)
    return json.dumps(report, indent=2, ensure_ascii=False, allow_nan=False, default=_plain) + "\n"


def is_as_written(report: dict[str, Any]) -> bool:
    """Whether what a report says is what `to_json` wrote; false too for one without a checksum."""
    rest = {key: value for key, value in report.items() if key != "checksum"}
    return report.get("checksum") == _checksum(rest)


def from_json(text: str, labels: Volume) -> Segmentation:
    """The segmentation that a report was written of, to the report's rounding.

    Args:
        text: what `to_json` gave.
        labels: the label map, which is stored in a file of its own.

    Raises:
        InputError: the text is no report, or one of a newer version.
    """
    try:
        report = json.loads(text)
        if report["format"] != FORMAT or report["format_version"] != FORMAT_VERSION:
            raise InputError(
                f"the report is a {report['format']} of version {report['format_version']}; this "
                f"version of ToothSeg reads {FORMAT} {FORMAT_VERSION}"
            )
        return Segmentation(
            labels=labels,
            teeth=[
                Tooth(**{**tooth, "centroid_lps": tuple(tooth["centroid_lps"])})
                for tooth in report["teeth"]
            ],
            findings=[_finding(finding) for finding in report["findings"]],
            timings=dict(report["timings_s"]),
            provenance=dict(report["provenance"]),
        )
    except UNSOUND_JSON as error:
        raise InputError(f"this is no report of ToothSeg: {type(error).__name__} {error}") from None


def by_urgency(findings: list[Finding]) -> list[Finding]:
    """Findings, the most urgent first, otherwise in the order given."""
    return sorted(findings, key=lambda finding: URGENCIES.index(finding.urgency))


def _finding(stored: dict[str, Any]) -> Finding:
    """One finding of a report; those of older versions tell places in the message alone, and those
    of newer ones may say more than is known here."""
    places = tuple((float(x), float(y), float(z)) for x, y, z in stored.get("places_lps", ()))
    if not np.isfinite(places).all():
        raise ValueError(f"a finding lies at {places}")
    known = {name: stored[name] for name in ("code", "urgency", "message")}
    return Finding(**known, fdi=tuple(stored["fdi"]), places_lps=places)


def _checksum(report: dict[str, Any]) -> str:
    """Of what a report says, however its lines are broken."""
    return hashlib.sha256(json.dumps(report, default=_plain).encode()).hexdigest()


def _plain(value: Any) -> float | int | list[Any] | str:
    """NumPy numbers, arrays and paths as JSON values."""
    if isinstance(value, np.generic | np.ndarray):
        plain: float | int | list[Any] = value.tolist()
        return plain
    return str(value)
