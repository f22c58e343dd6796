"""Teeth drawn by hand: segments without a number, which count where their name is unmistakable.

Whoever paints a new segment in the Segment Editor gives it a name and no tag. Only the tag makes
it a tooth of a result, so it is set by the name: an FDI number, or number and name as the module
writes them. What stays without a number is said, never guessed; so is a tooth that has been given
the name of another one, for its number stays.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ToothSegLib.teeth import TEETH, THIRD_MOLARS, by_fdi
from ToothSegLib.tooth_names import teeth_by_name
from ToothSegScene.layer_values import has_voxels
from ToothSegScene.nodes import copy_of
from ToothSegScene.seen import note_seen
from ToothSegScene.segment_values import dress, look_of
from ToothSegScene.segments import REPORT, VOLUME, teeth_of
from ToothSegScene.state import CONFIDENCE, FDI, PREDICTED, REVIEW
from ToothSegScene.user_settings import recall

_CODES = (*TEETH, *THIRD_MOLARS)
# In the notations of the panel.
_TITLES = {
    f"{number} {code.name}": code.fdi
    for code in _CODES
    for number in (code.fdi, code.universal, code.palmer.lower())
}
_NUMBERS = {str(code.fdi): code.fdi for code in _CODES}
_MOST_NAMED = 4


def unmistakable(segmentation_node: Any) -> dict[int, Any]:
    """FDI number -> vtkSegment, of the segments that can be counted as teeth by their names.

    Such a segment has voxels and no number of its own, and no other segment has or claims the
    number. A bare number is taken in the result of a run alone, and not while the panel shows
    Universal numbers, of which many are FDI numbers of other teeth.
    """
    names = _TITLES | (_NUMBERS if _are_numbers_fdi(segmentation_node) else {})
    claims: dict[int, list[Any]] = {}
    for segment in _left_out(segmentation_node):
        fdi = names.get(" ".join(segment.GetName().lower().split()))
        if fdi is not None:
            claims.setdefault(fdi, []).append(segment)
    taken = teeth_of(segmentation_node)
    return {
        fdi: segments[0]
        for fdi, segments in claims.items()
        if fdi not in taken and len(segments) == 1
    }


def number(segmentation_node: Any, teeth: Mapping[int, Any]) -> None:
    """Give segments (`unmistakable`) their numbers, with tags, name, colour and terminology.

    In a result they were drawn by hand and so count as corrected; a file of unknown origin has been
    reviewed by nobody.
    """
    of_result = _is_result(segmentation_node)
    for fdi, segment in teeth.items():
        look = look_of(segment, "", None).as_tooth(fdi)
        if not of_result:
            look = replace(look, tags={**look.tags, REVIEW: PREDICTED})
        dress(segment, look)
        note_seen(segment)


def number_by_name(segmentation_node: Any, *, every_segment: bool = False) -> None:
    """Before teeth leave the scene: count what is unmistakable, and log what is left out.

    Args:
        segmentation_node: the teeth.
        every_segment: whether segments without a number go along, so that none is left out.
    """
    teeth = unmistakable(segmentation_node)
    number(segmentation_node, teeth)
    if teeth:
        logging.info("ToothSeg: %s", numbered_in_words(teeth))
    left_out = "" if every_segment else left_out_in_words(segmentation_node)
    for words in filter(None, (left_out, misnamed_in_words(segmentation_node))):
        logging.warning("ToothSeg: %s", words)


def numbered_in_words(teeth: Mapping[int, Any]) -> str:
    """A sentence on the segments that have been numbered, by FDI number."""
    names = [f"{fdi} {by_fdi(fdi).name}" for fdi in sorted(teeth)]
    as_what = "a tooth by its name" if len(names) == 1 else "teeth by their names"
    return f"Counted as {as_what}: {_listed(names)}."


def left_out_in_words(segmentation_node: Any) -> str:
    """Which segments with voxels are no teeth by number, and how to number one; "" for none."""
    names = [segment.GetName() for segment in _left_out(segmentation_node)]
    if not names:
        return ""
    example = "16" if _are_numbers_fdi(segmentation_node) else "16 upper right first molar"
    return (
        f"Left out, having no tooth number of their own: {_listed(names)}; to count one as a "
        f'tooth, name it in the Segment Editor by a free FDI number, such as "{example}".'
    )


def misnamed_in_words(segmentation_node: Any) -> str:
    """Which teeth bear the name of another tooth, for only the number counts; "" for none."""
    segmentation = segmentation_node.GetSegmentation()
    teeth = teeth_of(segmentation_node)
    names = [
        f"'{segmentation.GetSegment(segment_id).GetName()}' is still tooth {fdi}"
        for fdi, segment_id in sorted(teeth.items())
        if speaks_of_another(segmentation.GetSegment(segment_id).GetName(), fdi)
    ]
    if not names:
        return ""
    return f"{_listed(names)}: renumber {'it' if len(names) == 1 else 'them'} under Corrections."


def speaks_of_another(name: str, fdi: int) -> bool:
    """Whether a segment's name is that of a tooth, by some notation, and not of this one."""
    meant = teeth_by_name(name)
    return bool(meant) and fdi not in meant


def title_of(segment: Any, fdi: int) -> str:
    """A tooth's name where it leaves the scene: the segment's, unless it is another tooth's."""
    name = str(segment.GetName())
    return f"{fdi} {by_fdi(fdi).name}" if speaks_of_another(name, fdi) else name


def remarks_in_words(segmentation_node: Any) -> str:
    """What is left out where teeth leave the scene, and what goes by another number than its name.

    "" where there is nothing to say.
    """
    words = left_out_in_words(segmentation_node), misnamed_in_words(segmentation_node)
    return " ".join(filter(None, words))


def without_empty(segmentation_node: Any) -> Any:
    """The node, or a copy outside of the scene without teeth that were added and never painted.

    Empty segments that a run was asked to make stay.
    """
    segmentation = segmentation_node.GetSegmentation()
    empty = [
        segment_id
        for segment_id in segmentation.GetSegmentIDs()
        if _is_unpainted(segmentation.GetSegment(segment_id))
    ]
    if not empty:
        return segmentation_node
    copy = copy_of(segmentation_node)
    for segment_id in empty:
        copy.GetSegmentation().RemoveSegment(segment_id)
    return copy


def _left_out(segmentation_node: Any) -> list[Any]:
    """The segments that have voxels and are not counted as teeth."""
    segmentation = segmentation_node.GetSegmentation()
    teeth = set(teeth_of(segmentation_node).values())
    others = [name for name in segmentation.GetSegmentIDs() if name not in teeth]
    return [segment for segment in map(segmentation.GetSegment, others) if has_voxels(segment)]


def _is_unpainted(segment: Any) -> bool:
    tags = look_of(segment, "", None).tags
    return FDI in tags and CONFIDENCE not in tags and not has_voxels(segment)


def _is_result(segmentation_node: Any) -> bool:
    return bool(segmentation_node.GetNodeReferenceID(VOLUME) or teeth_of(segmentation_node))


def _are_numbers_fdi(segmentation_node: Any) -> bool:
    """Whether a number alone says which tooth it is."""
    return _is_of_run(segmentation_node) and recall("notation") != "Universal"


def _is_of_run(segmentation_node: Any) -> bool:
    """Whether a run made it, or part of it.

    A segmentation from elsewhere has teeth too once a title has been counted, and knows a scan once
    it was saved as a case.
    """
    segmentation = segmentation_node.GetSegmentation()
    segments = map(segmentation.GetSegment, segmentation.GetSegmentIDs())
    return bool(segmentation_node.GetAttribute(REPORT)) or any(
        segment.HasTag(CONFIDENCE) for segment in segments
    )


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(names[:_MOST_NAMED]) + more
