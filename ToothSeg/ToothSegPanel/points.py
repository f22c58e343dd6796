"""Points that the user places in a view, by Slicer's Markups."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import qt
import slicer
from slicer.util import VTKObservationMixin

Point = tuple[float, float, float]


class PlacedPoints(VTKObservationMixin):
    """Asks for points in RAS millimetres of the world, one question at a time."""

    def __init__(self) -> None:
        VTKObservationMixin.__init__(self)
        self._node: Any = None
        self._count = 0
        self._persistence = 0
        self._done: Callable[[Sequence[Point]], None] | None = None

    def ask(self, count: int, done: Callable[[Sequence[Point]], None]) -> None:
        """Let the user place ``count`` points, then call ``done`` with them.

        ``done`` gets an empty list if the user stops placing before, or if `stop` is called.
        """
        self.stop()
        node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", "Split")
        node.CreateDefaultDisplayNodes()
        node.SetSaveWithScene(False)
        node.SetHideFromEditors(True)
        self._node, self._count, self._done = node, count, done
        self.addObserver(node, node.PointPositionDefinedEvent, self._on_point)
        interaction = slicer.app.applicationLogic().GetInteractionNode()
        self._persistence = interaction.GetPlaceModePersistence()
        logic = slicer.modules.markups.logic()
        logic.SetActiveList(node)
        logic.StartPlaceMode(True)
        self.addObserver(interaction, interaction.InteractionModeChangedEvent, self._on_mode)

    def stop(self) -> None:
        """Give up the question, if there is one."""
        if self._node is not None:
            self._end([])

    def abandon(self) -> None:
        """Give up the question without a word to who asked it."""
        self._done = None
        self.stop()

    def _on_point(self, caller: Any, event: Any) -> None:
        # Not from within the node's own event: the node goes.
        qt.QTimer.singleShot(0, self._take)

    def _on_mode(self, caller: Any, event: Any) -> None:
        if caller.GetCurrentInteractionMode() != caller.Place:
            qt.QTimer.singleShot(0, self.stop)

    def _take(self) -> None:
        if self._node is None:
            return
        placed = [
            index
            for index in range(self._node.GetNumberOfControlPoints())
            if self._node.GetNthControlPointPositionStatus(index) == self._node.PositionDefined
        ]
        if len(placed) < self._count:
            return
        points = []
        for index in placed[: self._count]:
            place = [0.0, 0.0, 0.0]
            self._node.GetNthControlPointPositionWorld(index, place)
            points.append((place[0], place[1], place[2]))
        self._end(points)

    def _end(self, points: Sequence[Point]) -> None:
        self.removeObservers()
        node, done = self._node, self._done
        self._node = self._done = None
        interaction = slicer.app.applicationLogic().GetInteractionNode()
        if interaction.GetCurrentInteractionMode() == interaction.Place:
            interaction.SetCurrentInteractionMode(interaction.ViewTransform)
        # Otherwise the next point, in whatever module, would be followed by more.
        interaction.SetPlaceModePersistence(self._persistence)
        for gone in (node.GetDisplayNode(), node):  # the first would stay, and be saved
            if gone is not None:
                slicer.mrmlScene.RemoveNode(gone)
        if done is not None:
            done(points)
