"""A run over a volume node: the job in its own process, and its result back in the scene."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ToothSegLib.errors import InputError
from ToothSegLib.jobs.job import Job, JobState
from ToothSegScene.own_scan import remember_scan, voxels_checksum
from ToothSegScene.segments import has_changed, write_segmentation
from ToothSegScene.transforms import to_world_of
from ToothSegScene.volumes import as_shown, grid_of, side_doubts_of, volume_from_node

_RAS_FROM_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


class Run:
    """Started at once; to be polled from the main thread, which alone touches the scene.

    The scene changes when a run has ended well, and not before: a run that is cancelled, fails,
    loses its volume, or whose volume has other voxels by then, leaves nothing.

    The networks see the head as the views show it when the run starts: sides and numbers go by the
    transforms above the volume, as if they were hardened. A finding says so where its file leaves
    left and right open. A volume that is moved while it is segmented, as by a transform that is
    hardened, gets each label on its own voxel all the same.

    Args:
        volume_node: the scan.
        segmentation_node: to be overwritten; a new one is made if None.
        roi: a markups ROI that holds the teeth, or None.
        bundle: weights by name or folder; the default ones if None or "".
        device, precision: as in ``ToothSegLib.jobs.job``.
        empty_segments: whether teeth that were not found get an empty segment.

    Raises:
        ToothSegError: the volume cannot be used, or the process cannot be started.
    """

    def __init__(
        self,
        volume_node: Any,
        segmentation_node: Any = None,
        *,
        roi: Any = None,
        bundle: str | os.PathLike[str] | None = None,
        device: str = "auto",
        precision: str = "auto",
        empty_segments: bool = False,
    ) -> None:
        if volume_node is None or volume_node.GetScene() is None:
            raise InputError("there is no volume to segment: load a scan and choose it")
        self._scene = volume_node.GetScene()
        self._volume_node = volume_node
        self.target = segmentation_node
        self._empty_segments = empty_segments
        self._written = False
        self.result_node: Any = None
        self.name = volume_node.GetName()
        self.region = "" if roi is None else roi.GetName()
        volume, _ = volume_from_node(volume_node, roi)
        self._checksum = voxels_checksum(volume_node)
        self._to_world = to_world_of(volume_node)
        self._index_to_lps = grid_of(volume_node).index_to_lps
        volume = as_shown(volume, self._to_world)
        volume = replace(volume, doubts=side_doubts_of(volume_node))
        self._job = Job(volume, bundle=bundle or None, device=device, precision=precision)
        self._job.start()

    @property
    def log(self) -> str:
        """What the process said so far."""
        return self._job.log

    def poll(self) -> JobState:
        """How far the run is. Writes the result when the job has just ended well.

        Raises:
            InputError: the volume was removed meanwhile; the run has been cancelled.
            ToothSegError: the result cannot be taken over.
        """
        if not self._scene.IsNodePresent(self._volume_node):
            self.cancel()
            raise InputError(
                f"the volume {self.name} was removed while it was segmented: the run has stopped"
            )
        state = self._job.poll()
        if not state.running and not state.failed and not self._written:
            self._write()
        return state

    def cancel(self) -> None:
        """Stop within a second; the scene stays as it was. Nothing happens after the end."""
        if not self._written:
            self._job.cancel()

    def _write(self) -> None:
        self._written = True
        # A segmentation that was removed meanwhile is made anew.
        target = self.target
        if target is not None and not self._scene.IsNodePresent(target):
            target = None
        result = self._job.result()
        # As where a sequence has gone on to another frame, or a filter has written into the scan.
        if voxels_checksum(self._volume_node) != self._checksum:
            raise has_changed(self._volume_node)
        self.result_node = write_segmentation(
            self._scene,
            self._volume_node,
            result,
            target,
            empty_segments=self._empty_segments,
            to_run=self._to_run(),
        )
        remember_scan(self.result_node)

    def _to_run(self) -> NDArray[np.float64]:
        """(4, 4) RAS, from where the scan lies in its own space now to where it was segmented."""
        now = grid_of(self._volume_node)
        if np.array_equal(now.index_to_lps, self._index_to_lps):
            return self._to_world  # to the last digit
        moved_back = _RAS_FROM_LPS @ self._index_to_lps @ now.lps_to_index @ _RAS_FROM_LPS
        if np.linalg.det(moved_back) < 0:
            raise InputError(
                f"the volume {self.name!r} was mirrored, right to left, while it was segmented: "
                "segment it again"
            )
        return self._to_world @ moved_back
