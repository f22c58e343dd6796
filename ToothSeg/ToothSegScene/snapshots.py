"""A segmentation node as a `State`, and a `State` put back into the node.

`apply` is the only way by which corrections, undo and redo change a scene. Slicer's own
vtkSegmentationHistory is not used: it copies a whole layer a step (64 MB for 400^3 voxels) and
knows neither the display nor the node's attributes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import count
from typing import Any

import slicer
import vtk

from ToothSegLib.errors import InputError
from ToothSegScene.layer_values import LABELMAP
from ToothSegScene.nodes import as_one_change
from ToothSegScene.seen import note_all
from ToothSegScene.segment_values import (
    dress,
    look_of,
    masks_of,
    matrix_of,
    scan_of,
    show,
    voxels_of,
    write_masks,
)
from ToothSegScene.segments import MISSING, REPORT
from ToothSegScene.state import Extent, Layer, Segment, State

_SURFACE = "Closed surface"
# In place of a modification time: the image must be read.
_UNREAD = -1


def why_no_voxels(segmentation_node: Any) -> str:
    """Why nothing can be told of teeth by their voxels, and what to do; "" if it can."""
    source = segmentation_node.GetSegmentation().GetSourceRepresentationName()
    if source == LABELMAP:
        return ""
    return (
        f"the segments are kept as {source}: make {LABELMAP} their source representation in the "
        "Segmentations module"
    )


class Snapshots:
    """Reads and writes the states of one segmentation node.

    Layers that were not touched since the last reading, by their modification time, are not read
    again; reading one of 400^3 voxels takes about 0.2 s.
    """

    def __init__(self, segmentation_node: Any) -> None:
        self._node = segmentation_node
        self._read: dict[int, tuple[Any, int, Layer]] = {}
        self._numbers = count()

    def capture(self) -> State:
        """The present state.

        Raises:
            InputError: the segments are not label maps in the first place.
        """
        segmentation = self._node.GetSegmentation()
        reason = why_no_voxels(self._node)
        if reason:
            raise InputError(reason)
        display = self._node.GetDisplayNode()
        read: dict[int, tuple[Any, int, Layer]] = {}
        segments = []
        for segment_id in segmentation.GetSegmentIDs():
            segment = segmentation.GetSegment(segment_id)
            image = segment.GetRepresentation(LABELMAP)
            number = None
            if image is not None:
                number = self._number(image, read)
                if number not in read:
                    read[number] = self._read_layer(number, image)
            look = look_of(segment, segment_id, display)
            segments.append(Segment(segment_id, look, number, segment.GetLabelValue()))
        self._read = read
        return State(
            layers={number: layer for number, (_, _, layer) in read.items()},
            segments=tuple(segments),
            missing=self._node.GetAttribute(MISSING),
            report=self._node.GetAttribute(REPORT),
            scan=scan_of(segmentation),
        )

    def apply(self, target: State) -> State:
        """Bring the node to a state; what is the same already is not touched.

        Its review marks are then of the voxels that it has.

        Returns:
            The state that the node is in, read back.
        """
        with as_one_change(self._node, self._node.GetDisplayNode()):
            self._write(target)
            note_all(self._node.GetSegmentation(), target)
        return self.capture()

    def _write(self, target: State) -> None:
        current = self.capture()
        segmentation = self._node.GetSegmentation()
        had_surfaces = segmentation.ContainsRepresentation(_SURFACE)
        surfaces = _surfaces(segmentation, current)
        in_use = {segment.layer for segment in target.segments if segment.layer is not None}
        images = {number: self._image(target.layers[number], current) for number in in_use}
        before = {segment.id: segment for segment in current.segments}
        for segment_id in before.keys() - {segment.id for segment in target.segments}:
            # Slicer would wipe the voxels, which are another segment's by now.
            segmentation.GetSegment(segment_id).RemoveAllRepresentations()
            segmentation.RemoveSegment(segment_id)
        lacking = False
        for wanted in target.segments:
            fitting = surfaces.get((target.matrix(wanted), target.mask(wanted)))
            surface = fitting.pop(0) if fitting else None
            lacking |= surface is None
            image = None if wanted.layer is None else images[wanted.layer]
            _put(segmentation, wanted, image, surface)
        segmentation.ReorderSegments([segment.id for segment in target.segments])
        if had_surfaces and lacking:
            segmentation.CreateRepresentation(_SURFACE)  # of those that have none
        for wanted in target.segments:
            show(self._node.GetDisplayNode(), wanted.id, wanted.look.display)
        if target.missing is None:
            self._node.RemoveAttribute(MISSING)
        else:
            self._node.SetAttribute(MISSING, target.missing)

    def _number(self, image: Any, read: Mapping[int, tuple[Any, int, Layer]]) -> int:
        for number, (known, _, _) in {**self._read, **read}.items():
            if known is image:
                return number
        return next(self._numbers)

    def _read_layer(self, number: int, image: Any) -> tuple[Any, int, Layer]:
        _, time, known = self._read.get(number, (None, None, None))
        if known is not None and time == image.GetMTime():
            return self._read[number]
        extent: Extent = image.GetExtent()
        masks = masks_of(voxels_of(image), extent)
        if known is not None:
            # One object for what is equal, so that states share it.
            masks |= {label: old for label, old in known.masks.items() if masks.get(label) == old}
        layer = Layer(number, extent, matrix_of(image), image.GetScalarType(), masks)
        return image, image.GetMTime(), layer

    def _image(self, layer: Layer, current: State) -> Any:
        """The layer's image with the voxels that it should have; a new one on another grid."""
        known = current.layers.get(layer.number)
        if known is not None and known.same_grid(layer):
            image = self._read[layer.number][0]
            if known.masks != layer.masks:
                whole = write_masks(voxels_of(image), layer.extent, known.masks, layer.masks)
                image.GetPointData().GetScalars().Modified()
                image.Modified()
                self._read[layer.number] = (image, image.GetMTime() if whole else _UNREAD, layer)
            return image
        image = slicer.vtkOrientedImageData()
        image.SetExtent(layer.extent)
        matrix = vtk.vtkMatrix4x4()
        matrix.DeepCopy(layer.matrix)
        image.SetGeometryFromImageToWorldMatrix(matrix)
        # An empty image too: Slicer makes a surface of no image that has no type.
        image.AllocateScalars(layer.scalar_type, 1)
        image.GetPointData().GetScalars().Fill(0)
        write_masks(voxels_of(image), layer.extent, {}, layer.masks)
        # It stands for the layer from now on.
        self._read[layer.number] = (image, _UNREAD, layer)
        return image


def _put(segmentation: Any, wanted: Segment, image: Any, surface: Any) -> None:
    """Make one segment what it should be, with its surface if there is one that fits."""
    segment = segmentation.GetSegment(wanted.id)
    is_new = segment is None
    if is_new:
        segment = slicer.vtkSegment()
    if is_new or look_of(segment, wanted.id, None) != replace(wanted.look, display=None):
        dress(segment, wanted.look)
    if segment.GetLabelValue() != wanted.label:
        segment.SetLabelValue(wanted.label)
    for name, data in ((LABELMAP, image), (_SURFACE, surface)):
        if data is None:
            segment.RemoveRepresentation(name)
        elif segment.GetRepresentation(name) is not data:
            segment.AddRepresentation(name, data)
    if is_new:
        segmentation.AddSegment(segment, wanted.id)


def _surfaces(segmentation: Any, current: State) -> dict[tuple[Any, Any], list[Any]]:
    """Closed surfaces by the geometry and the voxels that they were made of; each to be used once.

    Slicer fills surfaces in place, so no two segments may share one.
    """
    surfaces: dict[tuple[Any, Any], list[Any]] = {}
    for segment in current.segments:
        surface = segmentation.GetSegment(segment.id).GetRepresentation(_SURFACE)
        if surface is not None:
            key = current.matrix(segment), current.mask(segment)
            surfaces.setdefault(key, []).append(surface)
    return surfaces
