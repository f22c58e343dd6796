"""Rows of which so little is in view that nothing but the teeth's forms tells their numbers."""

from __future__ import annotations

from ToothSegLib.quality.facts import Facts
from ToothSegLib.report import Finding
from ToothSegLib.teeth import LOWER_ARCH, UPPER_ARCH

# Incisors stand at the midline, from which a row is counted.
_LAST_INCISOR = 2


def one_side_findings(facts: Facts) -> list[Finding]:
    """Rows with teeth on one side alone, and no incisor among them: one finding for all.

    The forms of a row's teeth mislead together, so that where they do, the row is off by one as a
    whole, and each tooth as sure of its number as its neighbours.
    """
    teeth: list[int] = []
    for arch in (UPPER_ARCH, LOWER_ARCH):
        row = [fdi for fdi in arch if fdi in facts.regions]
        if len({fdi // 10 for fdi in row}) == 1 and all(fdi % 10 > _LAST_INCISOR for fdi in row):
            teeth += row
    if not teeth:
        return []
    message = (
        f"The numbers of {', '.join(map(str, teeth))} rest on the teeth's forms alone: of their "
        "row one side is in view, and no incisor to count from. A row may be off by one as a "
        "whole; check one tooth of each."
    )
    return [Finding("numbers-by-form", "medium", message, tuple(teeth))]
