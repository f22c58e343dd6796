"""What to label next: scans and teeth of which a correction would teach most.

A tooth gains by how unsure the program is of it, by the most urgent finding that names it, and by
how far two bundles disagree on it; a scan by its teeth and by the findings about all of it. The
sum is a rule of thumb that has not been measured against random choice. On uncertainty and
disagreement as grounds for choosing: B. Settles, Active Learning Literature Survey, 2009.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ToothSegLib.batch.record import RECORD_NAME
from ToothSegLib.errors import InputError

GAIN_OF_FINDING = {"high": 1.0, "medium": 0.5, "low": 0.1}
# Two centroids this far apart are two opinions: about half a tooth's width.
_APART_MM = 4.0


@dataclass(frozen=True)
class Ranked:
    """A scan and what labelling it would bring.

    Args:
        name: the folder of its result.
        gain: of the whole scan.
        teeth: (FDI number, gain), the greatest gain first; teeth that gain nothing are not there.
    """

    name: str
    gain: float
    teeth: list[tuple[int, float]]


def rank(out: Path, against: Path | None = None) -> list[Ranked]:
    """The results of a batch, the most worth labelling first.

    Args:
        out: output folder of a batch.
        against: that of a batch over the same scans with another bundle; scans that only one of
            the two has are ranked without it.

    Raises:
        InputError: a folder holds no results, or a report in it is damaged.
    """
    reports = _reports(out)
    others = {} if against is None else _reports(against)
    ranked = [_ranked(name, report, others.get(name)) for name, report in reports.items()]
    return sorted(ranked, key=lambda scan: (-scan.gain, scan.name))


def _ranked(name: str, report: dict[str, Any], other: dict[str, Any] | None) -> Ranked:
    gains = {tooth["fdi"]: 1.0 - tooth["confidence"] for tooth in report["teeth"]}
    worst: dict[int, float] = {}
    whole = 0.0
    for finding in report["findings"]:
        gain = GAIN_OF_FINDING[finding["urgency"]]
        whole += 0.0 if finding["fdi"] else gain
        for fdi in finding["fdi"]:
            worst[fdi] = max(worst.get(fdi, 0.0), gain)
    doubts = {} if other is None else _disagreement(report, other)
    for extra in (worst, doubts):
        for fdi, gain in extra.items():
            gains[fdi] = gains.get(fdi, 0.0) + gain
    teeth = sorted(gains.items(), key=lambda item: (-item[1], item[0]))
    return Ranked(name, whole + sum(gains.values()), [item for item in teeth if item[1] > 0])


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


def _reports(out: Path) -> dict[str, dict[str, Any]]:
    """The report of every whole result, by the name of its folder."""
    reports = {}
    for record in sorted(out.glob(f"*/{RECORD_NAME}")):
        try:
            files = json.loads(record.read_text(encoding="utf-8"))["files"]
            name = next(name for name in files if name.endswith("-report.json"))
            report = json.loads((record.parent / name).read_text(encoding="utf-8"))
            _ranked("", report, report)  # all that is asked of it is there
        except (OSError, ValueError, LookupError, TypeError, StopIteration) as error:
            raise InputError(
                f"{record.parent} holds no whole result ({type(error).__name__}: {error}); run "
                "toothseg batch again"
            ) from None
        reports[record.parent.name] = report
    if not reports:
        raise InputError(f"{out} holds no results of toothseg batch")
    return reports
