"""Where a finding is: a piece that was left out has a place in the scan, but no number."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from ToothSegLib.report import Finding, Place, in_lps
from ToothSegScene.run_place import place_now

# Reports of older versions tell places in the message alone: "at (-10, 5, 22) mm LPS", and several
# of them before one "mm LPS".
_PLACE = re.compile(r"\((-?\d+), (-?\d+), (-?\d+)\)")
_PLACES = re.compile(rf"at {_PLACE.pattern}[^.:;]*? mm LPS")


def places_of(segmentation_node: Any, finding: Finding) -> list[Place]:
    """All places of a finding, the first to look at first, in world RAS mm; may be empty."""
    return [_to_world(segmentation_node, place) for place in _places_lps(finding)]


def in_words(segmentation_node: Any, finding: Finding) -> str:
    """A finding's message for the panel: places as Slicer's views tell them, "R 10, P 5, S 22"."""
    message = finding.message
    places = _places_lps(finding)
    # The message tells all of them, or the first.
    for told in (places, places[:1]):
        if told and f"{in_lps(told)} mm LPS" in message:
            words = "; ".join(_in_ras(segmentation_node, told))
            message = message.replace(f"{in_lps(told)} mm LPS", f"{words} mm")
            break
    return message.replace(" mm3", " mm\N{SUPERSCRIPT THREE}")


def _places_lps(finding: Finding) -> list[Place]:
    if finding.places_lps:
        return list(finding.places_lps)
    told = _PLACES.search(finding.message)
    if told is None:
        return []
    triples = [place.groups() for place in _PLACE.finditer(told.group())]
    return [(float(x), float(y), float(z)) for x, y, z in triples]


def _in_ras(segmentation_node: Any, places: Iterable[Place]) -> list[str]:
    words = []
    for place in places:
        pairs = zip(("RL", "AP", "SI"), _to_world(segmentation_node, place))
        words.append(", ".join(f"{way[value < 0]} {abs(value):.0f}" for way, value in pairs))
    return words


def _to_world(segmentation_node: Any, place: Place) -> Place:
    return place_now(segmentation_node, list(place))
