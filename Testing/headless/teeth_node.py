"""A small hand-made dentition as a segmentation node, and all that can be known of such a node."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ToothSegLib.formats.slicer_header import terminology_entry
from ToothSegLib.teeth import by_fdi

SPACING = (0.5, 0.4, 0.6)
LABELMAP, SURFACE = "Binary labelmap", "Closed surface"
TEETH = (14, 15, 16, 21, 46, 47)
SHAPE = (18, 34, 48)
# Voxels (i, j, k) in the two halves of 16.
HALF_A, HALF_B = (21, 9, 5), (32, 9, 5)


def some_labels() -> NDArray[np.uint8]:
    """(k, j, i): 14, 15 and 16 in a row and in contact, 16 with a crumb and really two teeth."""
    labels = np.zeros(SHAPE, np.uint8)
    steps = np.array(SPACING[::-1])
    k, j, i = np.indices(labels.shape) * steps[:, None, None, None]
    balls = {
        14: [(2.5, 3.0, 3.0, 2.0)],
        15: [(6.2, 3.0, 3.0, 2.0)],
        16: [(10.5, 3.4, 3.0, 2.5), (15.5, 3.4, 3.0, 2.9), (21.5, 3.4, 8.0, 0.6)],
        21: [(3.0, 10.0, 4.0, 2.0)],
        46: [(9.0, 10.0, 5.0, 2.2)],
        47: [(14.0, 10.0, 5.0, 2.4)],
    }
    for fdi, parts in balls.items():
        for x, y, z, radius in parts:
            inside = (i - x) ** 2 + (j - y) ** 2 + (k - z) ** 2 <= radius**2
            labels[inside & (labels == 0)] = fdi
    return labels


def make_node(scene: Any, labels: NDArray[np.uint8], *, surfaces: bool = True) -> Any:
    """A segmentation node of all teeth of a label map in one layer, tagged as the module does.

    The grid is oblique and off the origin. A segment that is no tooth, "Bone", is there too.
    """
    import slicer
    import vtk

    image = oriented_image(labels)
    node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Teeth")
    node.CreateDefaultDisplayNodes()
    segmentation = node.GetSegmentation()
    for fdi in (int(value) for value in np.unique(labels) if value):
        tooth = by_fdi(fdi)
        segment = slicer.vtkSegment()
        segment.SetName(f"{fdi} {tooth.name}")
        segment.SetColor([value / 255 for value in tooth.colour])
        segment.SetTerminology(terminology_entry(tooth))
        segment.SetTag("ToothSeg.FDI", str(fdi))
        segment.SetTag("ToothSeg.Category", tooth.category_name)
        segment.SetTag("ToothSeg.Confidence", f"0.{fdi}0")
        segment.SetTag("ToothSeg.Review", "predicted")
        segment.SetTag("Clinic.Note", f"note of {fdi}")
        # Labels of a layer need not be FDI numbers.
        segment.SetLabelValue(fdi + 100)
        segment.AddRepresentation(LABELMAP, image)
        segmentation.AddSegment(segment, f"tooth_{fdi}")
    bone = slicer.vtkSegment()
    bone.SetName("Bone")
    bone.AddRepresentation(LABELMAP, oriented_image((labels == 200).astype(np.uint8)))
    segmentation.AddSegment(bone, "Bone")
    array = voxels_of(image)
    array[array > 0] += 100
    matrix = vtk.vtkMatrix4x4()
    image.GetImageToWorldMatrix(matrix)
    if surfaces:
        node.CreateClosedSurfaceRepresentation()
    return node


def oriented_image(array: NDArray[np.uint8]) -> Any:
    """A vtkOrientedImageData on the oblique grid of these tests."""
    import slicer
    import vtk

    image = slicer.vtkOrientedImageData()
    image.SetDimensions(*array.shape[::-1])
    image.AllocateScalars(vtk.VTK_UNSIGNED_CHAR, 1)
    voxels_of(image)[:] = array
    image.SetSpacing(*SPACING)
    image.SetOrigin(12.0, -7.0, 3.0)
    c, s = np.cos(0.4), np.sin(0.4)
    image.SetDirections([[-c, s, 0], [-s, -c, 0], [0, 0, 1]])
    return image


def voxels_of(image: Any) -> NDArray[np.uint8]:
    """(k, j, i), no copy."""
    from vtk.util.numpy_support import vtk_to_numpy

    shape = image.GetDimensions()[::-1]
    return vtk_to_numpy(image.GetPointData().GetScalars()).reshape(shape)


def segments_of(node: Any) -> dict[str, Any]:
    """Id -> vtkSegment, in order."""
    segmentation = node.GetSegmentation()
    return {name: segmentation.GetSegment(name) for name in segmentation.GetSegmentIDs()}


def tag(segment: Any, name: str) -> str | None:
    """A tag's value."""
    import vtk

    value = vtk.reference("")
    return str(value) if segment.GetTag(name, value) else None


def fdi_labels(node: Any, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """The FDI numbers by the segments' tags, on the grid of `some_labels`."""
    labels = np.zeros(shape, np.uint8)
    for segment in segments_of(node).values():
        image = segment.GetRepresentation(LABELMAP)
        fdi = tag(segment, "ToothSeg.FDI")
        if not (fdi or "").isdigit() or image is None or image.GetPointData().GetScalars() is None:
            continue
        i0, i1, j0, j1, k0, k1 = image.GetExtent()
        mask = voxels_of(image) == segment.GetLabelValue()
        labels[k0 : k1 + 1, j0 : j1 + 1, i0 : i1 + 1][mask] = int(fdi)
    return labels


def world(node: Any, index: tuple[int, ...]) -> list[float]:
    """World RAS of a voxel index (i, j, k) of the test grid, under the node's transform."""
    import vtk

    matrix = vtk.vtkMatrix4x4()
    oriented_image(np.zeros(SHAPE, np.uint8)).GetImageToWorldMatrix(matrix)
    point, out = matrix.MultiplyPoint([*index, 1.0])[:3], [0.0, 0.0, 0.0]
    node.TransformPointToWorld(point, out)
    return out


def paint(node: Any, segment_id: str, where: tuple[slice, ...]) -> None:
    """A brush stroke, written by the function that the Segment Editor's effects use."""
    import slicer

    segment = segments_of(node)[segment_id]
    stroke = (fdi_labels(node, SHAPE) == int(tag(segment, "ToothSeg.FDI") or 0)).astype(np.uint8)
    stroke[where] = 1
    slicer.vtkSlicerSegmentationsModuleLogic.SetBinaryLabelmapToSegment(
        oriented_image(stroke), node, segment_id
    )


def digest(node: Any) -> dict[str, Any]:
    """Everything that a correction could change, as Slicer tells it."""
    import vtk

    segmentation, display = node.GetSegmentation(), node.GetDisplayNode()
    layers = []
    for number in range(segmentation.GetNumberOfLayers(LABELMAP)):
        image = segmentation.GetLayerDataObject(number, LABELMAP)
        matrix = vtk.vtkMatrix4x4()
        image.GetImageToWorldMatrix(matrix)
        layers.append(
            (image.GetExtent(), str(matrix).split("Elements")[1], voxels_of(image).tobytes())
        )
    segments = []
    for name, segment in segments_of(node).items():
        surface = segment.GetRepresentation(SURFACE)
        # Its print-out is the only way to all tags.
        tags = str(segment).split("Tags:")[1]
        shown = [
            getattr(display, f"GetSegment{what}")(name)
            for what in (
                "Visibility", "Visibility3D", "Visibility2DFill", "Visibility2DOutline",
                "Opacity3D", "Opacity2DFill", "Opacity2DOutline", "OverrideColor", "Pickable",
            )
        ]  # fmt: skip
        segments.append(
            {
                "id": name,
                "name": segment.GetName(),
                "colour": segment.GetColor(),
                "tags": tags,
                "layer": segmentation.GetLayerIndex(name, LABELMAP),
                "label": segment.GetLabelValue(),
                "shown": [list(x) if hasattr(x, "__len__") else x for x in shown],
                "surface": None if surface is None else _points(surface),
            }
        )
    attributes = {name: node.GetAttribute(name) for name in sorted(node.GetAttributeNames())}
    return {"layers": layers, "segments": segments, "attributes": attributes}


def _points(surface: Any) -> bytes:
    from vtk.util.numpy_support import vtk_to_numpy

    if surface.GetNumberOfPoints() == 0:
        return b""
    return vtk_to_numpy(surface.GetPoints().GetData()).tobytes()
