"""Teeth that lost voxels, or all of them, while another one was painted by hand.

Slicer's Segment Editor overwrites all segments as it comes: who paints a tooth too far takes from
its neighbour without a word. What was reviewed of the neighbour is no longer what is there; and a
tooth that is gone would be learned as background, and nothing would wait for a look at it.

The editor's own Undo brings back segments with their tags: with old voxels come the review marks
of that time. Nobody reviews in another module, so what was marked when the reader left counts. A
tooth that was not there then, for it had been deleted or renumbered, has no mark that counts.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ToothSegLib.teeth import FDI_NUMBERS
from ToothSegScene import missing
from ToothSegScene.nodes import nodes_of_class
from ToothSegScene.state import (
    APPROVED,
    CONFIDENCE,
    CORRECTED,
    PREDICTED,
    REVIEW,
    SAME_GRID,
    Mask,
    Segment,
    State,
    fdi_of,
    overlap,
)

_REVIEWED = (APPROVED, CORRECTED)


@dataclass(frozen=True)
class Bitten:
    """What happened between two states.

    Args:
        state: the later state, in which the review of these teeth is open again, those of the 28
            that are gone count as lost, and approved ones that were painted as corrected.
        teeth: FDI numbers of the reviewed teeth that are not now what was reviewed.
        gone: FDI numbers of the teeth of which no voxel is left, reviewed or not.
        back: FDI numbers of the teeth that were not there and are, with the tags of a result.
        painted: FDI numbers of the teeth that were painted meanwhile, as far as can be told.
        kept: FDI numbers of the teeth that have the same voxels and came with another review mark:
            theirs is again what it was.
        before_a_look: whether it happened before anybody compared (`seen.py`): no undo leads back.
    """

    state: State
    teeth: tuple[int, ...] = ()
    gone: tuple[int, ...] = ()
    back: tuple[int, ...] = ()
    painted: tuple[int, ...] = ()
    kept: tuple[int, ...] = ()
    before_a_look: bool = False

    def __bool__(self) -> bool:
        """Whether there is anything to tell."""
        return bool(self.teeth or self.gone or self.back or self.kept)

    @property
    def back_though_missing(self) -> tuple[int, ...]:
        """FDI numbers of the teeth that are back and that the reader has declared missing."""
        return tuple(fdi for fdi in self.back if fdi in missing.missing_of(self.state))


def look_for_bites(
    before: State, after: State, in_hand: str | None, *, away: bool = False
) -> Bitten:
    """Compare two states between which the reader, or a script, has edited by other means.

    A tooth that was in hand, or that has only grown, was painted itself. Any other one that has
    changed, be it by one voxel, may have been overwritten: paint that was erased again from it
    has left a hole. What was reviewed only after the first state is left alone.

    Args:
        before: the state that was known last.
        after: the present one, of the same run's result.
        in_hand: id of the segment selected in the Segment Editor; None if nobody knows.
        away: whether the reader was in another module: review marks are those of the first state.
    """
    known = {segment.id: segment for segment in before.segments}
    there = after.teeth().keys()
    gone = sorted(before.teeth().keys() - there)
    bitten, back, painted, kept, segments = [], [], [], [], []
    for segment in after.segments:
        old = known.get(segment.id)
        marked = review = segment.look.tags.get(REVIEW, "")
        fdi = fdi_of(segment)
        if away and old is not None and fdi and fdi == fdi_of(old):
            review = old.look.tags.get(REVIEW, "")
        if not fdi:
            pass
        elif old is not None and _same_voxels(before, old, after, segment):
            if review != marked:
                kept.append(fdi)
        elif fdi not in there:  # of two with a number the other may have voxels
            review = PREDICTED
        elif away and old is None and CONFIDENCE in segment.look.tags:
            # Drawn by hand, it would have none yet.
            back.append(fdi)
            review = PREDICTED
        elif segment.id == in_hand or old is None or _only_grown(before, old, after, segment):
            painted.append(fdi)
            if old is not None and review == APPROVED == old.look.tags.get(REVIEW):
                review = CORRECTED
        elif review in _REVIEWED and old.look.tags.get(REVIEW) in _REVIEWED:
            bitten.append(fdi)
            review = PREDICTED
        if review != marked:
            segment = replace(segment, look=segment.look.reviewed(review))
        segments.append(segment)
    lost = (missing.lost_of(after) | set(gone)) - there
    # A third molar cannot be declared missing: counted as lost, it would keep a case open for ever.
    state = missing.with_numbers(after, lost=lost & set(FDI_NUMBERS))
    state = replace(state, segments=tuple(segments))
    return Bitten(
        state,
        teeth=tuple(bitten),
        gone=tuple(gone),
        back=tuple(sorted(back)),
        painted=tuple(painted),
        kept=tuple(kept),
    )


def segment_in_hand(segmentation_node: Any) -> str | None:
    """The id of the segment that is selected in Slicer's Segment Editor; None if there is none.

    Other modules may have editors of their own; with two that select differently, none is known.
    """
    editors = nodes_of_class(segmentation_node.GetScene(), "vtkMRMLSegmentEditorNode")
    selected = {
        editor.GetSelectedSegmentID()
        for editor in editors
        if editor.GetSegmentationNode() is segmentation_node
    }
    return selected.pop() if len(selected) == 1 else None


def _same_voxels(before: State, old: Segment, after: State, new: Segment) -> bool:
    was, now = before.mask(old), after.mask(new)
    if was != now:
        return False
    return was is None or _same_grid(before, old, after, new)


def _only_grown(before: State, old: Segment, after: State, new: Segment) -> bool:
    was, now = before.mask(old), after.mask(new)
    if was is None:
        return True
    # On another grid a voxel is not the same voxel.
    return now is not None and _same_grid(before, old, after, new) and _covers(now, was)


def _same_grid(before: State, old: Segment, after: State, new: Segment) -> bool:
    """Whether two segments with voxels lie on one grid."""
    was, now = before.matrix(old), after.matrix(new)
    if was is None or now is None:
        return was == now
    return bool(np.abs(np.subtract(was, now)).max() <= SAME_GRID)


def _covers(outer: Mask, inner: Mask) -> bool:
    """Whether no voxel of the one is outside the other."""
    inside, part = overlap(outer.extent, inner.extent)
    common = outer.voxels[inside] & inner.voxels[part]
    return int(common.sum()) == int(inner.voxels.sum())
