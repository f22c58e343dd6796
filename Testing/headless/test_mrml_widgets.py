"""The node selector follows the scene as Slicer's does."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.usefixtures("qt_app")


@pytest.fixture
def selector(scene: Any) -> Any:
    """A selector of volumes of the scene."""
    import slicer

    box = slicer.qMRMLNodeComboBox()
    box.nodeTypes = ["vtkMRMLScalarVolumeNode"]
    box.setMRMLScene(scene)
    return box


def add(scene: Any, name: str, kind: str = "vtkMRMLScalarVolumeNode") -> Any:
    return scene.AddNewNodeByClass(kind, name)


def test_nodes_that_come_and_go(scene: Any, selector: Any) -> None:
    heard: list[Any] = []
    selector.connect("currentNodeChanged(vtkMRMLNode*)", heard.append)
    first = add(scene, "first")
    second = add(scene, "second")
    add(scene, "model", "vtkMRMLModelNode")
    assert selector.nodeCount() == 2
    assert selector.currentNode() is first
    selector.setCurrentNode(second)
    scene.RemoveNode(second)
    assert selector.currentNode() is first
    scene.Clear(0)
    assert selector.currentNode() is None
    assert heard == [first, second, first, None]


@pytest.mark.parametrize("none", [False, True])
def test_the_node_that_comes_into_the_row_is_chosen(scene: Any, selector: Any, none: bool) -> None:
    """As QComboBox does, and while the node that goes is still in the scene."""
    selector.noneEnabled = none
    nodes = [add(scene, name) for name in ("a", "b", "c")]
    there: list[bool] = []
    selector.setCurrentNode(nodes[1])
    selector.connect(
        "currentNodeChanged(bool)",
        lambda on: there.append(scene.GetNodeByID(gone.GetID()) is gone),
    )
    for gone, chosen in ((nodes[1], nodes[2]), (nodes[2], nodes[0]), (nodes[0], None)):
        scene.RemoveNode(gone)
        assert selector.currentNode() is chosen
    assert there == [True, True, True]
    nodes = [add(scene, name) for name in ("a", "b")]
    selector.setCurrentNode(nodes[0])
    nodes[0].SetHideFromEditors(True)
    add(scene, "c")
    assert selector.currentNode() is nodes[1]


def test_nothing_is_chosen_in_the_place_of_nothing(scene: Any, selector: Any) -> None:
    """Whoever has chosen none while a node was leaving keeps it, as the row went before."""
    node, other = (add(scene, name) for name in ("a", "b"))
    leaving = scene.NodeAboutToBeRemovedEvent
    tag = scene.AddObserver(leaving, lambda *_: selector.setCurrentNode(None), -20.0)
    scene.RemoveNode(node)
    scene.RemoveObserver(tag)
    assert selector.currentNode() is None
    add(scene, "c")
    assert selector.currentNode() is None
    scene.RemoveNode(other)
    assert selector.currentNode() is None


def test_the_nodes_of_a_scene_go_all_at_once(scene: Any, selector: Any) -> None:
    nodes = [add(scene, name) for name in ("a", "b")]
    heard: list[Any] = []
    selector.connect("currentNodeChanged(vtkMRMLNode*)", heard.append)
    assert selector.currentNode() is nodes[0]
    scene.Clear(0)
    assert heard == [None]


def test_none_is_chosen_where_it_may_be(scene: Any, selector: Any) -> None:
    selector.noneEnabled = True
    volume = add(scene, "scan")
    assert selector.currentNode() is None
    selector.setCurrentNode(volume)
    selector.setCurrentNode(None)
    assert selector.currentNodeID == ""


def test_children_hidden_nodes_and_attributes(scene: Any, selector: Any) -> None:
    selector.noneEnabled = True
    add(scene, "labels", "vtkMRMLLabelMapVolumeNode")
    hidden = add(scene, "hidden")
    assert selector.nodeCount() == 2
    selector.showChildNodeTypes = False
    assert selector.nodeCount() == 1
    hidden.SetHideFromEditors(True)
    add(scene, "scan")
    assert selector.nodeCount() == 1
    selector.addAttribute("vtkMRMLScalarVolumeNode", "ToothSeg.Scan")
    assert selector.nodeCount() == 0


def test_a_renamed_node_is_shown_by_its_new_name(scene: Any, selector: Any) -> None:
    volume = add(scene, "scan")
    volume.SetName("scan of today")
    assert selector._box.currentText() == "scan of today"


def test_no_scene_no_nodes(scene: Any) -> None:
    import slicer

    add(scene, "scan")
    box = slicer.qMRMLNodeComboBox()
    box.nodeTypes = ["vtkMRMLScalarVolumeNode"]
    assert box.nodeCount() == 0
    with pytest.raises(ValueError, match="vtkMRMLScene"):
        box.setMRMLScene("scene")
    with pytest.raises(ValueError, match="node"):
        box.setCurrentNode("scan")


def test_a_deleted_selector_leaves_the_scene_alone(scene: Any, selector: Any) -> None:
    selector.delete()
    add(scene, "scan")
    scene.Clear(0)


def test_create_new(scene: Any, selector: Any) -> None:
    heard: list[Any] = []
    selector.connect("nodeAddedByUser(vtkMRMLNode*)", heard.append)
    node = selector.addNode()
    assert heard == [node]
    assert selector.currentNode() is node
    selector.addEnabled = False
    with pytest.raises(RuntimeError, match="addEnabled"):
        selector.addNode()
