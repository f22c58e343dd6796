"""The nodes of a scene by their class, several changes of a node as one, and a copy of one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import slicer


@contextmanager
def as_one_change(*nodes: Any) -> Iterator[None]:
    """Let nodes tell of what is done inside once, at its end; a node may be None.

    Otherwise every view and every panel draws anew for each of 28 segments.
    """
    modifying = [(node, node.StartModify()) for node in nodes if node is not None]
    try:
        yield
    finally:
        for node, before in reversed(modifying):
            node.EndModify(before)


def nodes_of_class(scene: Any, class_name: str) -> list[Any]:
    """The nodes of a class and of those derived from it, in the scene's order.

    Not by ``GetNodesByClass``: whoever calls that from Python has to unregister the collection, or
    it keeps the nodes, with all their voxels, after the scene has gone.
    """
    return [
        scene.GetNthNodeByClass(place, class_name)
        for place in range(scene.GetNumberOfNodesByClass(class_name))
    ]


def copy_of(segmentation_node: Any) -> Any:
    """A segmentation node of the same name and segments, outside of the scene."""
    copy = slicer.vtkMRMLSegmentationNode()
    copy.SetName(segmentation_node.GetName())
    segmentation = slicer.vtkSegmentation()
    segmentation.DeepCopy(segmentation_node.GetSegmentation())
    copy.SetAndObserveSegmentation(segmentation)
    return copy
