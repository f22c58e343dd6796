"""What was reviewed, beside the mark that says so: a tag by which a tooth's shape is known again.

Marks are saved with the scene, and the voxels may be edited where nobody compares them: in the
Segment Editor before the panel has looked, or in a result that it has never shown. Where the tag
no longer fits the voxels, the mark is of others. It says nothing of where the tooth lies: a
transform that is hardened, or a scene that is saved and loaded, leaves it true. A segment that is
removed takes its tags along: an attribute of the node lists the teeth that were reviewed.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Any

import vtk

from ToothSegLib.dataset.record import REVIEW_ORDER
from ToothSegLib.teeth import FDI_NUMBERS
from ToothSegScene import missing
from ToothSegScene.bitten import Bitten
from ToothSegScene.fingerprints import shapes_of
from ToothSegScene.layer_values import LABELMAP
from ToothSegScene.segments import REVIEWED
from ToothSegScene.state import APPROVED, CORRECTED, PREDICTED, REVIEW, State, fdi_of

SEEN = "ToothSeg.Seen"
_REVIEWED = (APPROVED, CORRECTED)


def note_seen(segment: Any) -> None:
    """Take down which shape a segment's review mark is of; to be called when the mark is set.

    Args:
        segment: vtkSegment; one that is not reviewed, or empty, loses the tag.
    """
    image = segment.GetRepresentation(LABELMAP)
    reviewed = image is not None and _tag(segment, REVIEW) in _REVIEWED
    _put(segment, shapes_of(image).get(segment.GetLabelValue(), "") if reviewed else "")


def note_all(segmentation: Any, state: State) -> None:
    """As `note_seen`, of all segments, whose marks are known to be of their present voxels.

    Args:
        segmentation: vtkSegmentation.
        state: it is in.
    """
    for segment in state.segments:
        mask = state.mask(segment)
        reviewed = mask is not None and segment.look.tags.get(REVIEW) in _REVIEWED
        _put(segmentation.GetSegment(segment.id), mask.shape_hash if mask and reviewed else "")


def note_reviewed(segmentation_node: Any, state: State) -> None:
    """Take down which teeth are reviewed, to miss one whose segment is removed unseen.

    Args:
        segmentation_node: vtkMRMLSegmentationNode.
        state: it is in.
    """
    teeth = state.teeth().items()
    reviewed = [fdi for fdi, tooth in teeth if tooth.look.tags.get(REVIEW) in _REVIEWED]
    text = " ".join(map(str, sorted(reviewed))) or None
    if (segmentation_node.GetAttribute(REVIEWED) or None) != text:
        segmentation_node.SetAttribute(REVIEWED, text)  # None takes it away


def look_for_edits(segmentation_node: Any, state: State) -> Bitten:
    """Teeth of a state that nobody has compared yet and that are not what was reviewed.

    Marks without the tag, and results without the list, of earlier versions, count as they are.

    Args:
        segmentation_node: vtkMRMLSegmentationNode.
        state: it is in.
    """
    segmentation = segmentation_node.GetSegmentation()
    there = state.teeth().keys()
    changed: list[int] = []
    gone: list[int] = []
    segments = []
    for segment in state.segments:
        mask, fdi = state.mask(segment), fdi_of(segment)
        seen = _tag(segmentation.GetSegment(segment.id), SEEN)
        if fdi and seen and seen != (mask.shape_hash if mask else ""):
            if mask:
                changed.append(fdi)
            elif fdi not in there:
                gone.append(fdi)
            segment = replace(segment, look=segment.look.reviewed(PREDICTED))
        segments.append(segment)
    settled = there | missing.missing_of(state) | missing.lost_of(state)
    gone += _listed(segmentation_node) - settled - set(gone)
    lost = (missing.lost_of(state) | _of_the_28(gone)) - there
    state = missing.with_numbers(replace(state, segments=tuple(segments)), lost=lost)
    return Bitten(state, teeth=tuple(changed), gone=tuple(sorted(gone)), before_a_look=True)


def _listed(segmentation_node: Any) -> set[int]:
    """The teeth that `note_reviewed` has taken down."""
    words = str(segmentation_node.GetAttribute(REVIEWED) or "").split()
    return {int(word) for word in words if word.isdecimal()} & set(REVIEW_ORDER)


def _of_the_28(teeth: Collection[int]) -> set[int]:
    """Those that can be declared missing: counted as lost, others would keep a case open."""
    return set(teeth) & set(FDI_NUMBERS)


def _tag(segment: Any, name: str) -> str:
    tag = vtk.reference("")
    return str(tag) if segment.GetTag(name, tag) else ""


def _put(segment: Any, shape: str) -> None:
    """Set the tag where it differs: every change of a segment is told to all who watch."""
    if _tag(segment, SEEN) == shape:
        return
    if shape:
        segment.SetTag(SEEN, shape)
    else:
        segment.RemoveTag(SEEN)
