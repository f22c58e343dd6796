"""Why a tooth of a result is worth a look, in a few words for a clinician."""

from __future__ import annotations

from typing import Any

from ToothSegLib.report import URGENCIES

WORDS = {
    "asymmetry": "unlike its fellow on the other side",
    "backend": "computed by other means than asked for",
    "cut-by-field-of-view": "cut by the edge of the scan",
    "device-half": "computed in full precision",
    "device-lost": "computed on the processor",
    "device-memory": "computed on the processor",
    "device-unfit": "computed on the processor",
    "dropped-pieces": "small pieces were left out",
    "fragments": "a piece beside it was left out",
    "implant": "something like an implant was left out",
    "merged": "perhaps two teeth in one",
    "missing-teeth": "not found",
    "no-picture": "no picture could be drawn",
    "no-place": "a tooth beside it got no number",
    "no-teeth": "no teeth were found",
    "not-a-head-scan": "perhaps no scan of a head",
    "numbers-by-form": "number told by its form alone",
    "number-twice": "its number was given twice",
    "number-unsure": "number unsure",
    "numbers-unsure": "number unsure",
    "odd-size": "unusual size",
    "off-row": "far above or below its row",
    "order": "out of order",
    "perhaps-implant": "perhaps an implant",
    "place-unsure": "left and right unsure",
    "root-joined": "a piece was taken for the end of its root",
    "split": "perhaps one tooth in two pieces",
    "third-molar": "a third molar, left out",
    "third-molar-unsure": "perhaps no third molar",
    "touching-metal": "touches metal",
    "unclear-teeth": "outline unclear",
    "unclear-tooth": "outline unclear",
    "wide-gap": "room for one more tooth",
}
"""By the code of a finding."""


def reasons_of(report: dict[str, Any], disagreement: dict[int, float]) -> dict[int, str]:
    """By FDI number: the most urgent finding, or else what is unsure.

    Args:
        report: as `report.to_json` writes it.
        disagreement: by tooth, 0-1, between two bundles; may be empty.

    Raises:
        LookupError, TypeError, ValueError: it is no report.
    """
    reasons = {}
    for tooth in report["teeth"]:
        fdi = tooth["fdi"]
        doubt = 1.0 - tooth["confidence"]
        reasons[fdi] = f"only {round(100 * tooth['confidence'])} % sure"
        if disagreement.get(fdi, 0.0) > doubt:
            reasons[fdi] = "two models disagree"
    for fdi in disagreement.keys() - reasons.keys():
        reasons[fdi] = "two models disagree"
    for finding in _most_urgent_last(report):
        reasons |= dict.fromkeys(finding["fdi"], _words(finding))
    return reasons


def remarks_of(report: dict[str, Any]) -> list[str]:
    """What stands out in all of the scan, the most urgent first, none of low urgency.

    Raises:
        LookupError, TypeError, ValueError: it is no report.
    """
    urgent = (item for item in _most_urgent_last(report)[::-1] if item["urgency"] != "low")
    return list(dict.fromkeys(_words(finding) for finding in urgent if not finding["fdi"]))


def _most_urgent_last(report: dict[str, Any]) -> list[dict[str, Any]]:
    # Of two of one urgency the first one counts, as it is the first in the report.
    return sorted(report["findings"], key=lambda item: URGENCIES.index(item["urgency"]))[::-1]


def _words(finding: dict[str, Any]) -> str:
    """The words for its code; of a code that a newer version has, its message."""
    code = finding.get("code")
    return WORDS.get(str(code)) or str(finding.get("message") or "something stands out")
