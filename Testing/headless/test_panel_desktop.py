"""What the panel asks of the rest of Slicer: place mode of Markups, the Segment Editor."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from panel_fixture import settle


@pytest.fixture
def placed(scene: Any, qt_app: Any) -> Any:
    """The points that a user places."""
    from ToothSegPanel.points import PlacedPoints

    return PlacedPoints()


def _node(scene: Any) -> Any:
    return scene.GetFirstNodeByClass("vtkMRMLMarkupsFiducialNode")


def test_two_points_are_taken_in_world_coordinates(
    placed: Any, scene: Any, slicer_app: Any
) -> None:
    got: list[Any] = []
    placed.ask(2, got.append)
    interaction = slicer_app.applicationLogic().GetInteractionNode()
    assert interaction.GetCurrentInteractionMode() == interaction.Place
    node = _node(scene)
    assert not node.GetSaveWithScene()
    transform = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    matrix = transform.GetMatrixTransformToParent()
    matrix.SetElement(0, 3, 10.0)
    transform.SetMatrixTransformToParent(matrix)
    node.SetAndObserveTransformNodeID(transform.GetID())
    node.AddControlPoint(1.0, 2.0, 3.0)
    settle()
    assert got == []
    node.AddControlPoint(4.0, 5.0, 6.0)
    settle()
    assert got == [[pytest.approx((11.0, 2.0, 3.0)), pytest.approx((14.0, 5.0, 6.0))]]
    assert _node(scene) is None
    assert scene.GetFirstNodeByClass("vtkMRMLMarkupsDisplayNode") is None
    assert interaction.GetCurrentInteractionMode() != interaction.Place


def test_leaving_place_mode_gives_the_question_up(placed: Any, scene: Any, slicer_app: Any) -> None:
    got: list[Any] = []
    placed.ask(2, got.append)
    _node(scene).AddControlPoint(1.0, 2.0, 3.0)
    interaction = slicer_app.applicationLogic().GetInteractionNode()
    interaction.SetCurrentInteractionMode(interaction.ViewTransform)
    settle()
    assert got == [[]]
    assert _node(scene) is None


@pytest.mark.parametrize("several", [0, 1])
def test_points_to_come_are_placed_as_before_the_question(
    placed: Any, scene: Any, slicer_app: Any, several: int
) -> None:
    """One at a time, or several, as the user has it in Slicer's tool bar."""
    interaction = slicer_app.applicationLogic().GetInteractionNode()
    interaction.SetPlaceModePersistence(several)
    placed.ask(1, lambda points: None)
    assert interaction.GetPlaceModePersistence() == 1
    _node(scene).AddControlPoint(1.0, 2.0, 3.0)
    settle()
    assert interaction.GetPlaceModePersistence() == several
    placed.ask(2, lambda points: None)
    interaction.SetCurrentInteractionMode(interaction.ViewTransform)
    settle()
    assert interaction.GetPlaceModePersistence() == several


def test_an_abandoned_question_is_answered_to_nobody(placed: Any, scene: Any) -> None:
    told: list[Any] = []
    placed.ask(2, told.append)
    assert scene.GetNumberOfNodesByClass("vtkMRMLMarkupsFiducialNode") == 1
    placed.abandon()
    settle()
    assert told == []
    assert scene.GetNumberOfNodesByClass("vtkMRMLMarkupsFiducialNode") == 0


def test_the_segment_editor_gets_segmentation_volume_and_segment(
    slicer_app: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import slicer

    from ToothSegPanel.segment_editor import open_segment_editor

    calls: list[Any] = []
    editor = SimpleNamespace(
        setSegmentationNode=lambda node: calls.append(("segmentation", node)),
        setSourceVolumeNode=lambda node: calls.append(("volume", node)),
        setCurrentSegmentID=lambda name: calls.append(("segment", name)),
    )
    panel = SimpleNamespace(self=lambda: SimpleNamespace(editor=editor))
    module = SimpleNamespace(widgetRepresentation=lambda: panel)
    monkeypatch.setattr(slicer.modules, "segmenteditor", module, raising=False)
    monkeypatch.setattr(slicer.util, "selectModule", lambda name: calls.append(("module", name)))
    open_segment_editor("node", "scan", "tooth_16")
    assert calls == [
        ("module", "SegmentEditor"), ("segmentation", "node"), ("volume", "scan"),
        ("segment", "tooth_16"),
    ]  # fmt: skip
