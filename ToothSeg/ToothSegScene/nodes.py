"""The nodes of a scene by their class."""

from __future__ import annotations

from typing import Any


def nodes_of_class(scene: Any, class_name: str) -> list[Any]:
    """The nodes of a class and of those derived from it, in the scene's order.

    Not by ``GetNodesByClass``: whoever calls that from Python has to unregister the collection, or
    it keeps the nodes, with all their voxels, after the scene has gone.
    """
    return [
        scene.GetNthNodeByClass(place, class_name)
        for place in range(scene.GetNumberOfNodesByClass(class_name))
    ]
