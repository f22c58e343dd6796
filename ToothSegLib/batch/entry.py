"""What is to be done with a scan, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal

Status = Literal["waiting", "done", "kept", "left out", "failed"]
"""``kept``: done by an earlier run from the same scan; ``left out``: a label map, not a scan."""

MADE: tuple[Status, ...] = ("done", "kept")
"""Where the result is there and of this scan."""


@dataclass(frozen=True)
class Scan:
    """A scan that was found.

    Args:
        name: of its folder below the output folder; no other scan of the batch has it.
        source: its path below the folder that was searched, with slashes.
        path: the same in full.
        series: UID, where a DICOM folder holds several.
        files: all that its voxels come from, in full.
        former_name: what its name was while no other scan would have had the same, and its series
            was the only one in its folder.
    """

    name: str
    source: str
    path: str
    series: str | None
    files: tuple[str, ...]
    former_name: str | None = None


@dataclass(frozen=True)
class Options:
    """How every scan of a batch is segmented; see `segment_file`."""

    model: str | None = None
    device: str = "auto"
    stl: bool = True
    picture: bool = True
    slices: bool = False


@dataclass(frozen=True)
class Task:
    """One scan with all that another process needs to segment it.

    Args:
        scan: which.
        out: the batch's output folder, in full.
        run: the batch's own hidden folder in there; once it is gone the task is called off.
        options: how.
        weights: checksums of the bundle's networks by role, and how much it magnifies if it does.
    """

    scan: Scan
    out: str
    run: str
    options: Options
    weights: Mapping[str, str]


@dataclass(frozen=True)
class Entry:
    """A line of the manifest.

    Args:
        name: the folder of the result, see `Scan`; empty for what was left out unread.
        source: likewise.
        series: likewise.
        status: see `Status`.
        sha256: checksum of the scan's files.
        bundle: name of the weights.
        teeth: FDI numbers found, ascending.
        findings: how many by urgency.
        seconds: what the scan took when it was segmented.
        error: why it failed or was left out, in one line; of a kept one, that it was edited by
            hand, and what to do.
        code: the exit code of `toothseg segment` for it.
    """

    name: str
    source: str
    series: str | None = None
    status: Status = "waiting"
    sha256: str | None = None
    bundle: str | None = None
    teeth: tuple[int, ...] | None = None
    findings: Mapping[str, int] | None = field(default=None)
    seconds: float | None = None
    error: str | None = None
    code: int | None = None

    @classmethod
    def of(cls, scan: Scan, status: Status = "waiting", **known: Any) -> Entry:
        """The line of a scan."""
        return cls(scan.name, scan.source, scan.series, status, **known)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Entry:
        """The entry that `to_json` gave.

        Raises:
            KeyError, TypeError: the values are no entry's.
        """
        known = {item.name: values[item.name] for item in fields(cls)}
        teeth = known["teeth"]
        return cls(**{**known, "teeth": None if teeth is None else tuple(map(int, teeth))})

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)
