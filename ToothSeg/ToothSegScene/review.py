"""How far the reader has come: the state of every tooth, the findings still open, what is next.

A tooth is *reviewed* when the reader has approved it or has corrected it, which nobody does unseen.
*Missing* is what the reader has declared missing; *absent* is what was simply not found. *Lost* is
what went while something else was painted: it counts as not reviewed until it is back or missing.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Any, Literal

import numpy as np
import vtk

from ToothSegLib.dataset.record import LOST, NOT_THERE, REVIEW_ORDER
from ToothSegLib.dataset.record import MISSING as DECLARED_MISSING
from ToothSegLib.errors import InputError
from ToothSegLib.report import URGENCIES, Finding, Segmentation, by_urgency, from_json
from ToothSegLib.teeth import FDI_NUMBERS
from ToothSegLib.volume import Volume
from ToothSegScene.finding_marks import is_marked
from ToothSegScene.missing import lost_in, missing_in, text_of
from ToothSegScene.seen import note_seen
from ToothSegScene.segments import MISSING, REPORT, teeth_of
from ToothSegScene.state import APPROVED, CONFIDENCE, CORRECTED, PREDICTED, REVIEW

ToothState = Literal["present", "missing", "to check", "reviewed", "absent"]


def state_of(segmentation_node: Any, fdi: int) -> ToothState:
    """The state of one tooth; see `states_of`, which is quicker for many.

    Raises:
        KeyError: ``fdi`` is none of the 28, nor a third molar that is there.
    """
    return states_of(segmentation_node)[fdi]


def states_of(segmentation_node: Any) -> dict[int, ToothState]:
    """The states of the 28 teeth, and of third molars that are there, by FDI number.

    "missing": there is no such tooth, the reader says. "absent": none was found, or its segment
    was deleted or is empty. "reviewed": approved or corrected by the reader. "to check": there,
    not reviewed, and an open finding names it. "present": there, and nothing else is known of it.
    """
    reviews = _reviews(segmentation_node)
    missing = _missing(segmentation_node)
    named = {fdi for finding in findings_of(segmentation_node) for fdi in finding.fdi}

    def state(fdi: int) -> ToothState:
        if fdi not in reviews:
            return "missing" if fdi in missing else "absent"
        if reviews[fdi]:
            return "reviewed"
        return "to check" if fdi in named else "present"

    third_molars = sorted(reviews.keys() - set(FDI_NUMBERS))
    return {fdi: state(fdi) for fdi in (*FDI_NUMBERS, *third_molars)}


def has_report(segmentation_node: Any) -> bool:
    """Whether a run has left its report; segmentations from files have none."""
    return bool(segmentation_node.GetAttribute(REPORT))


def findings_of(segmentation_node: Any) -> list[Finding]:
    """The findings of the run's report that the reader has still to look at, most urgent first.

    A finding that names teeth is open as long as one of them is: it is there and not reviewed, or
    it was not found, is not there and has not been declared missing. Others stay open until they
    are marked as reviewed themselves; see `stands_alone`. A report that cannot be read is itself a
    finding, and so is a tooth that got lost.
    """
    lost = [_lost_tooth(fdi) for fdi in sorted(_lost(segmentation_node))]
    return by_urgency([*lost, *_open_of_the_report(segmentation_node)])


def _lost_tooth(fdi: int) -> Finding:
    return Finding(
        "lost",
        "high",
        f"Tooth {fdi} is gone: it got lost by hand, such as under the paint of its neighbour. "
        "Paint it again, or click Undo right after it happened; if there is no such tooth in this "
        "mouth, mark it missing.",
        (fdi,),
    )


def _open_of_the_report(segmentation_node: Any) -> list[Finding]:
    text = segmentation_node.GetAttribute(REPORT)
    if not text:
        return []
    try:
        report = _read(text)
    except InputError as error:
        told = Finding("unreadable-report", "low", f"The findings cannot be shown: {error}.")
        return [] if is_marked(segmentation_node, told) else [told]
    reviews = _reviews(segmentation_node)
    found = {tooth.fdi for tooth in report.teeth}
    settled = found | _missing(segmentation_node)

    def is_open(finding: Finding) -> bool:
        teeth = _judged(finding, reviews.keys() | settled)
        if not teeth:
            return not is_marked(segmentation_node, finding)
        return any(not reviews[fdi] if fdi in reviews else fdi not in settled for fdi in teeth)

    return [finding for finding in report.findings if is_open(finding)]


def stands_alone(segmentation_node: Any, finding: Finding) -> bool:
    """Whether a finding is settled by a mark of its own: it names no tooth to be judged instead.

    That is a tooth that is there, or one of the 28, which can be declared missing. A third molar
    that was left out is none.
    """
    return not _judged(finding, teeth_of(segmentation_node).keys() | _missing(segmentation_node))


def _judged(finding: Finding, known: Set[int]) -> list[int]:
    return [fdi for fdi in finding.fdi if fdi in known or fdi in FDI_NUMBERS]


def set_reviewed(segmentation_node: Any, fdi: int, reviewed: bool) -> None:
    """Approve a tooth, or take the approval (or the mark of a correction) back.

    A tooth that has been corrected stays so when it is approved: that says more.

    Raises:
        InputError: there is no such tooth.
    """
    segment = _segment(segmentation_node, fdi)
    if not reviewed:
        segment.SetTag(REVIEW, PREDICTED)
    elif _tag(segment, REVIEW) != CORRECTED:
        segment.SetTag(REVIEW, APPROVED)
    note_seen(segment)


def set_corrected(segmentation_node: Any, fdi: int) -> None:
    """Mark a tooth as corrected, as the verbs do by themselves and the Segment Editor does not.

    Raises:
        InputError: there is no such tooth.
    """
    segment = _segment(segmentation_node, fdi)
    segment.SetTag(REVIEW, CORRECTED)
    note_seen(segment)


def waiting(segmentation_node: Any) -> list[int]:
    """The teeth still to be reviewed, in the order in which to look at them.

    First those that an open finding names, by its urgency; then the less confident ones first;
    then along the arches, from the patient's right to the left.
    """
    urgency: dict[int, int] = {}
    for finding in findings_of(segmentation_node):
        for fdi in finding.fdi:
            urgency.setdefault(fdi, URGENCIES.index(finding.urgency))
    segmentation = segmentation_node.GetSegmentation()
    there = teeth_of(segmentation_node)
    reviews = _reviews(segmentation_node)
    teeth = [fdi for fdi in REVIEW_ORDER if reviews.get(fdi) is False]

    def place(fdi: int) -> tuple[int, float]:
        confidence = _confidence(segmentation.GetSegment(there[fdi]))
        return urgency.get(fdi, len(URGENCIES)), confidence or 0.0

    return sorted(teeth, key=place)


def confidence_of(segmentation_node: Any, fdi: int) -> float | None:
    """How sure the program was of a tooth, 0-1; None where nothing is known of it."""
    teeth = teeth_of(segmentation_node)
    if fdi not in teeth:
        return None
    return _confidence(segmentation_node.GetSegmentation().GetSegment(teeth[fdi]))


def review_of(segmentation_node: Any) -> dict[int, str]:
    """The review as a data set records it; see `ToothSegLib.dataset.record`."""
    segmentation = segmentation_node.GetSegmentation()
    review = {
        fdi: _tag(segmentation.GetSegment(segment_id), REVIEW)
        for fdi, segment_id in teeth_of(segmentation_node).items()
    }
    known = {
        fdi: word if word in (APPROVED, CORRECTED) else PREDICTED for fdi, word in review.items()
    }
    absent = dict.fromkeys(_lost(segmentation_node), LOST)
    absent |= dict.fromkeys(_missing(segmentation_node), DECLARED_MISSING)
    return {fdi: word for fdi, word in absent.items() if fdi in REVIEW_ORDER} | known


def restore_review(segmentation_node: Any, review: Mapping[int, str]) -> None:
    """Take over what a data set has recorded of the teeth that are there, missing or lost."""
    segmentation = segmentation_node.GetSegmentation()
    for fdi, segment_id in teeth_of(segmentation_node).items():
        segment = segmentation.GetSegment(segment_id)
        segment.SetTag(REVIEW, review.get(fdi, PREDICTED))
        note_seen(segment)
    missing, lost = ([fdi for fdi, word in review.items() if word == state] for state in NOT_THERE)
    segmentation_node.SetAttribute(MISSING, text_of(missing, lost))


def progress(segmentation_node: Any) -> tuple[int, int]:
    """How many teeth are reviewed, and how many there are; those that got lost are there."""
    reviews = _reviews(segmentation_node)
    return sum(reviews.values()), len(reviews.keys() | _lost(segmentation_node))


def _reviews(segmentation_node: Any) -> dict[int, bool]:
    """FDI number -> whether it is reviewed, of the teeth that are there."""
    segmentation = segmentation_node.GetSegmentation()
    return {
        fdi: _tag(segmentation.GetSegment(segment_id), REVIEW) in (APPROVED, CORRECTED)
        for fdi, segment_id in teeth_of(segmentation_node).items()
    }


def _segment(segmentation_node: Any, fdi: int) -> Any:
    teeth = teeth_of(segmentation_node)
    if fdi not in teeth:
        raise InputError(f"there is no tooth {fdi} to review: choose one that is there")
    return segmentation_node.GetSegmentation().GetSegment(teeth[fdi])


def _confidence(segment: Any) -> float | None:
    try:
        return float(_tag(segment, CONFIDENCE)) or None
    except ValueError:
        return None


def _tag(segment: Any, name: str) -> str:
    """A segment's tag; "" where it has none."""
    tag = vtk.reference("")
    return str(tag) if segment.GetTag(name, tag) else ""


def _missing(segmentation_node: Any) -> set[int]:
    return missing_in(segmentation_node.GetAttribute(MISSING))


def _lost(segmentation_node: Any) -> set[int]:
    return lost_in(segmentation_node.GetAttribute(MISSING))


def _read(text: str) -> Segmentation:
    """The report, with no labels: they are in the segments."""
    return from_json(text, Volume(np.zeros((1, 1, 1), np.uint8)))
