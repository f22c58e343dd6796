"""What to label next: scans and teeth of which a correction would teach most.

A tooth gains by how unsure the program is of it, by the most urgent finding that names it, and by
how far two bundles disagree on it; a scan by its teeth and by the findings about all of it. One in
which nothing was found may have missed every tooth, and gains by as many. The sum is a rule of
thumb that has not been measured against random choice. On uncertainty and disagreement as
grounds for choosing: B. Settles, Active Learning Literature Survey, 2009.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ToothSegLib.batch.manifest import names_in_manifest
from ToothSegLib.batch.reasons import reasons_of, remarks_of
from ToothSegLib.batch.record import RECORD_NAME
from ToothSegLib.errors import UNSOUND_JSON, InputError
from ToothSegLib.teeth import TEETH

GAIN_OF_FINDING = {"high": 1.0, "medium": 0.5, "low": 0.1}
WORTH_NAMING = 0.1
"""A tooth that gains less is like all others."""
# Two centroids this far apart are two opinions: about half a tooth's width.
_APART_MM = 4.0


@dataclass(frozen=True)
class Ranked:
    """A scan and what labelling it would bring.

    Args:
        name: the folder of its result.
        gain: of the whole scan.
        teeth: (FDI number, gain), the greatest gain first; teeth that gain nothing are not there.
        labelled: the scan is among those that are reviewed already.
        reasons: by FDI number, why the tooth is worth a look, in a few words.
        remarks: what stands out in all of the scan, in a few words each.
    """

    name: str
    gain: float
    teeth: list[tuple[int, float]]
    labelled: bool = False
    reasons: dict[int, str] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Ranking:
    """All results of a batch.

    Args:
        scans: the most worth labelling first.
        damaged: results that cannot be ranked, by the name of their folder, with the reason.
        alone: how many of the scans the other batch has no result of; 0 without another one.
    """

    scans: list[Ranked]
    damaged: dict[str, str]
    alone: int = 0


def ranking(out: Path, against: Path | None = None, labelled: Collection[str] = ()) -> Ranking:
    """The results of a batch, the most worth labelling first.

    Args:
        out: output folder of a batch.
        against: that of a batch over the same scans with another bundle; scans that only one of
            the two has are ranked without it. A scan is known by its voxels, and by the name of
            its result where an older version has not noted them.
        labelled: checksums of scans that are reviewed already, see `dataset.reviewed`.

    Raises:
        InputError: a folder holds no results that can be read, or the two have no scan in common.
    """
    results, damaged = _results(out)
    partners: dict[str, _Result] = {}
    alone = 0
    if against is not None:
        partners = _partners(results, _results(against)[0])
        alone = len(results) - len(partners)
        if not partners:
            raise InputError(
                f"{against} holds none of the scans of {out}: name the output of a batch over the "
                "same scans"
            )
    ranked = [
        _ranked(name, result, partners.get(name), labelled) for name, result in results.items()
    ]
    ranked.sort(key=lambda scan: (-scan.gain, scan.name))
    return Ranking(ranked, damaged, alone)


def unlisted(out: Path) -> list[str]:
    """Results in an output folder that the last batch neither made nor kept: they are not ranked.

    Their scans were not found, under that name or at all, have failed, or still wait.
    """
    listed = names_in_manifest(out)
    if listed is None:
        return []
    there = (path.parent.name for path in out.glob(f"*/{RECORD_NAME}"))
    return sorted(name for name in there if name not in listed)


@dataclass(frozen=True)
class _Result:
    report: dict[str, Any]
    voxels_sha256: str | None  # None in results of older versions


def _ranked(
    name: str, result: _Result, against: _Result | None, labelled: Collection[str]
) -> Ranked:
    report = result.report
    gains = {tooth["fdi"]: 1.0 - tooth["confidence"] for tooth in report["teeth"]}
    worst: dict[int, float] = {}
    whole = 0.0
    for finding in report["findings"]:
        gain = GAIN_OF_FINDING[finding["urgency"]]
        whole += 0.0 if finding["fdi"] else gain * _in_doubt(finding)
        for fdi in finding["fdi"]:
            worst[fdi] = max(worst.get(fdi, 0.0), gain)
    doubts = {} if against is None else _disagreement(report, against.report)
    for extra in (worst, doubts):
        for fdi, gain in extra.items():
            gains[fdi] = gains.get(fdi, 0.0) + gain
    teeth = sorted(gains.items(), key=lambda item: (-item[1], item[0]))
    return Ranked(
        name,
        whole + sum(gains.values()),
        [item for item in teeth if item[1] > 0],
        result.voxels_sha256 in labelled,
        reasons_of(report, doubts),
        remarks_of(report),
    )


def _in_doubt(finding: dict[str, Any]) -> int:
    """How many teeth a finding about all of a scan stands for."""
    return len(TEETH) if finding.get("code") == "no-teeth" else 1


def _disagreement(one: dict[str, Any], other: dict[str, Any]) -> dict[int, float]:
    """By tooth, 0-1: 1 where only one found it, otherwise how far apart the two lie."""
    here, there = (
        {t["fdi"]: t["centroid_lps"] for t in report["teeth"]} for report in (one, other)
    )
    return {
        fdi: min(1.0, math.dist(here[fdi], there[fdi]) / _APART_MM)
        if fdi in here and fdi in there
        else 1.0
        for fdi in here.keys() | there.keys()
    }


def _partners(results: dict[str, _Result], others: dict[str, _Result]) -> dict[str, _Result]:
    """What another batch made of the same scans, by the names of the results here."""
    by_voxels = {other.voxels_sha256: other for other in others.values()}
    found = {}
    for name, result in results.items():
        other, voxels = others.get(name), result.voxels_sha256
        if other is not None and other.voxels_sha256 == voxels:  # of several copies the likeliest
            found[name] = other
        elif voxels is not None and voxels in by_voxels:
            found[name] = by_voxels[voxels]
        elif other is not None and None in (voxels, other.voxels_sha256):
            found[name] = other
    return found


def _results(out: Path) -> tuple[dict[str, _Result], dict[str, str]]:
    """By the names of their folders, every whole result that the last batch made or kept; and what
    is wrong with the others.

    Raises:
        InputError: none is whole.
    """
    results: dict[str, _Result] = {}
    damaged: dict[str, str] = {}
    skipped = set(unlisted(out))
    for path in sorted(out.glob(f"*/{RECORD_NAME}")):
        if path.parent.name in skipped:
            continue
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
            name = next(name for name in record["files"] if name.endswith("-report.json"))
            report = json.loads((path.parent / name).read_text(encoding="utf-8"))
            voxels = record.get("voxels_sha256")
            result = _Result(report, voxels if isinstance(voxels, str) else None)
            _ranked("", result, result, ())  # all that is asked of it is there
        except (OSError, StopIteration, *UNSOUND_JSON) as error:
            damaged[path.parent.name] = _why(error)
            continue
        results[path.parent.name] = result
    if damaged and not results:
        name, why = next(iter(damaged.items()))
        raise InputError(f"{out / name} holds no whole result ({why}); run toothseg batch again")
    if not results:
        which = ", only those of earlier ones: run it again" if skipped else ""
        raise InputError(f"{out} holds no results of toothseg batch{which}")
    return results, damaged


def _why(error: Exception) -> str:
    """In a few words, why a result cannot be read."""
    if isinstance(error, OSError) and error.filename:
        return f"{Path(os.fsdecode(error.filename)).name}: {error.strerror}"
    if isinstance(error, StopIteration):
        return "its record names no report"
    return f"{type(error).__name__}: {error}"
