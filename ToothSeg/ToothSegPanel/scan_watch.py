"""Tells when a scan gets other voxels or another place while the panel shows it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import qt
import slicer
import vtk

# A script that writes into the voxels tells of it by the first alone.
_EVENTS = (
    vtk.vtkCommand.ModifiedEvent,
    slicer.vtkMRMLScalarVolumeNode.ImageDataModifiedEvent,
    slicer.vtkMRMLScalarVolumeNode.TransformModifiedEvent,
)


class ScanWatch:
    """Observes a few volume nodes; not by Slicer's mixin, which keeps those that were let go of.

    A sequence that goes to another frame, or a transform above a volume that is moved, tells of it
    by the volume alone.

    Args:
        look: called soon after such an event, once for many: there are many while one drags.
        settle_ms: how long after the last of them.
    """

    def __init__(self, look: Callable[[], None], settle_ms: int) -> None:
        self._watched: dict[Any, list[int]] = {}
        self._settle = qt.QTimer()
        self._settle.setSingleShot(True)  # PythonQt hides the property of that name
        self._settle.interval = settle_ms
        self._settle.connect("timeout()", look)

    def watch(self, *volume_nodes: Any) -> None:
        """Observe these from now on, and no others; None for no volume."""
        wanted = [node for node in dict.fromkeys(volume_nodes) if node is not None]
        for node in [known for known in self._watched if known not in wanted]:
            self.drop(node)
        for node in [node for node in wanted if node not in self._watched]:
            self._watched[node] = [node.AddObserver(event, self._on_event) for event in _EVENTS]

    def drop(self, node: Any) -> None:
        """Let go of a node, as of one that leaves the scene; of another, nothing happens."""
        for tag in self._watched.pop(node, ()):
            node.RemoveObserver(tag)

    def rest(self) -> None:
        """Do not look at what has been until now."""
        self._settle.stop()

    def _on_event(self, caller: Any = None, event: Any = None) -> None:
        self._settle.start()
