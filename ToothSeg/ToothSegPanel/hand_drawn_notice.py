"""Counts teeth that were drawn by hand and named, and says so; and which names do not count."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import Any


class HandDrawn:
    """Looks at a result each time the panel does.

    A segment whose number an undo has taken back keeps its name and is not counted again by that
    name, or no undo would ever get past it.

    Args:
        say: shows a sentence about what was done.
    """

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._counted: dict[str, dict[Any, str]] = {}  # by the id of the result
        self._misnamed = ""

    def look(self, segmentation_node: Any) -> None:
        """Number the segments that have an unmistakable name and no number."""
        from ToothSegScene.hand_drawn import (
            misnamed_in_words,
            number,
            numbered_in_words,
            unmistakable,
        )

        counted = self._counted.setdefault(segmentation_node.GetID(), {})
        teeth = {
            fdi: segment
            for fdi, segment in unmistakable(segmentation_node).items()
            if counted.get(segment) != segment.GetName()
        }
        counted |= {segment: segment.GetName() for segment in teeth.values()}
        number(segmentation_node, teeth)
        misnamed = misnamed_in_words(segmentation_node)
        if teeth or misnamed != self._misnamed:
            self._misnamed = misnamed
            numbered = numbered_in_words(teeth) if teeth else ""
            self._say(escape(f"{numbered} {misnamed}".strip()))

    def drop(self, node: Any) -> None:
        """A node leaves the scene."""
        self._counted.pop(node.GetID(), None)

    def forget(self) -> None:
        """The scene goes."""
        self._counted.clear()
        self._misnamed = ""
