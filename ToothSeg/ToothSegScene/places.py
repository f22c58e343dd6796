"""Where a finding is: a piece that was left out has a place in the scan, but no number."""

from __future__ import annotations

import re
from typing import Any

from ToothSegLib.report import Finding
from ToothSegScene.run_place import place_now

Point = tuple[float, float, float]

# As the library writes them: "at (-10, 5, 22) mm LPS", and several of them before one "mm LPS".
_PLACE = re.compile(r"\((-?\d+), (-?\d+), (-?\d+)\)")
_PLACES = re.compile(rf"at {_PLACE.pattern}[^.:;]*? mm LPS")


def place_of(segmentation_node: Any, finding: Finding) -> Point | None:
    """The first place that a finding tells, in world RAS mm; None where it tells none."""
    places = _PLACES.search(finding.message)
    first = None if places is None else _PLACE.search(places.group())
    return None if first is None else _to_world(segmentation_node, first)


def in_words(segmentation_node: Any, finding: Finding) -> str:
    """A finding's message for the panel: places as Slicer's views tell them, "R 10, P 5, S 22"."""

    def words(found: re.Match[str]) -> str:
        pairs = zip(("RL", "AP", "SI"), _to_world(segmentation_node, found))
        return ", ".join(f"{letters[value < 0]} {abs(value):.0f}" for letters, value in pairs)

    def places(found: re.Match[str]) -> str:
        told = [words(place) for place in _PLACE.finditer(found.group())]
        return f"at {'; '.join(told)} mm"

    return _PLACES.sub(places, finding.message).replace(" mm3", " mm\N{SUPERSCRIPT THREE}")


def _to_world(segmentation_node: Any, found: re.Match[str]) -> Point:
    return place_now(segmentation_node, [float(number) for number in found.groups()])
