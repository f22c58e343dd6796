"""From a volume node to the library's `Volume`, and where its voxels are in the node."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import slicer
import vtk
from numpy.typing import NDArray
from vtk.util.numpy_support import vtk_to_numpy

from ToothSegLib.errors import InputError
from ToothSegLib.formats.side_doubts import side_doubts
from ToothSegLib.volume import Volume, corner_indices
from ToothSegScene.roi import roi_in_volume
from ToothSegScene.transforms import is_flattened, is_mirrored

_LPS_FROM_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
# How far, in voxels, a grid may be off another and still count as the same.
_SAME_VOXEL = 0.01
# In the name of the transform by which Slicer's DICOM reader rights a tilted gantry.
_OF_ACQUISITION = "acquisition transform"


@dataclass(frozen=True)
class Placement:
    """Where the voxels of a volume are among those of a node.

    Args:
        shape: (k, j, i) of the node.
        part: (k, j, i) slices of the node's array.
    """

    shape: tuple[int, int, int]
    part: tuple[slice, slice, slice]

    @property
    def whole(self) -> bool:
        """Whether it is all of the node."""
        return all((p.start, p.stop) == (0, n) for p, n in zip(self.part, self.shape))


def volume_from_node(
    node: slicer.vtkMRMLScalarVolumeNode, roi: slicer.vtkMRMLMarkupsROINode | None = None
) -> tuple[Volume, Placement]:
    """The scan of a volume node, in the node's own space.

    The parent transform of the node moves neither voxels nor geometry: whoever makes a node of the
    result puts it under the same transform. `as_shown` gives the head as the views show it.

    Args:
        node: a volume of grey values; any geometry, under a linear transform or none.
        roi: restricts the scan to the voxels whose centres lie in the region's box, or, where the
            region is turned against the grid, in the smallest block of voxels around it. It may be
            under another transform than the volume.

    Returns:
        The volume, a view of the node's voxels that is good as long as they do not change, and
        where it is in the node.

    Raises:
        InputError: there is no volume, it is empty or no single grey value a voxel, a transform is
            not linear, mirrors it or flattens it, or the region is outside it.
    """
    check_scan(node)
    whole = grid_of(node)
    part = tuple(slice(0, size) for size in whole.shape)
    if roi is not None:
        corners = roi_in_volume(roi, node)
        part = _voxels_within(whole, _LPS_FROM_RAS @ corners)
        if any(along.stop <= along.start for along in part):
            raise InputError(
                f"the region {roi.GetName()!r} lies outside the volume {node.GetName()!r}: move it "
                "over the teeth, or choose none"
            )
    k, j, i = part
    return whole.part((k, j, i)), Placement(whole.shape, (k, j, i))


def grid_of(node: slicer.vtkMRMLVolumeNode) -> Volume:
    """The voxels of a volume node where they lie in its own space, whatever its transform."""
    matrix = vtk.vtkMatrix4x4()
    node.GetIJKToRASMatrix(matrix)
    return image_volume(node.GetImageData(), slicer.util.arrayFromVTKMatrix(matrix))


def image_volume(image: vtk.vtkImageData, index_to_ras: NDArray[np.float64]) -> Volume:
    """The voxels of a VTK image, a view of them, with the geometry of a matrix; RAS to LPS."""
    array = vtk_to_numpy(image.GetPointData().GetScalars()).reshape(image.GetDimensions()[::-1])
    return placed(array, image.GetExtent(), index_to_ras)


def placed(array: NDArray, extent: Sequence[int], index_to_ras: NDArray[np.float64]) -> Volume:
    """Voxels whose first one has the index that an extent of VTK begins with; RAS to LPS."""
    index_to_lps = _LPS_FROM_RAS @ index_to_ras
    steps = index_to_lps[:3, :3]
    spacing = np.linalg.norm(steps, axis=0)
    origin = index_to_lps @ [extent[0], extent[2], extent[4], 1.0]
    return Volume(array, tuple(spacing), tuple(origin[:3]), steps / spacing)


def as_shown(volume: Volume, to_world: NDArray[np.float64]) -> Volume:
    """A volume of a node's own space where the views show it.

    Args:
        volume: in the own space of a node.
        to_world: (4, 4) RAS, as of `transforms.to_world_of`.

    Returns:
        The same voxels: turned, moved, larger or sheared as the transforms above the node say.
    """
    if np.array_equal(to_world, np.eye(4)):
        return volume  # to the last digit
    return placed(volume.array, [0] * 6, to_world @ _LPS_FROM_RAS @ volume.index_to_lps)


def side_doubts_of(node: slicer.vtkMRMLScalarVolumeNode) -> tuple[str, ...]:
    """Why Slicer had to assume left and right of a volume, as `Volume.doubts` has it.

    By the file that it was read from, or saved to since. A volume of no file says nothing.
    """
    storage = node.GetStorageNode()
    name = None if storage is None else storage.GetFileName()
    return side_doubts(Path(name)) if name else ()


def placement_of(part: Volume, whole: Volume) -> Placement | None:
    """Where the voxels of one volume are in another; None if they are not voxels of it."""
    to_whole = whole.lps_to_index @ part.index_to_lps
    first = np.round(to_whole[:3, 3]).astype(int)
    expected = np.eye(4)
    expected[:3, 3] = first
    drift = np.abs((to_whole - expected) @ corner_indices(part.shape)).max()
    last = first + part.shape[::-1]
    if drift > _SAME_VOXEL or (first < 0).any() or (last > whole.shape[::-1]).any():
        return None
    i, j, k = (slice(int(a), int(b)) for a, b in zip(first, last))
    return Placement(whole.shape, (k, j, i))


def check_scan(node: slicer.vtkMRMLScalarVolumeNode) -> None:
    """Raise InputError, as `volume_from_node`, if a node is no scan that can be segmented."""
    if node is None:
        raise InputError("there is no volume: load a scan and choose it")
    name = repr(node.GetName())
    if not node.IsA("vtkMRMLScalarVolumeNode") or node.IsA("vtkMRMLLabelMapVolumeNode"):
        raise InputError(f"{name} holds labels or is no volume: choose a scan of grey values")
    image = node.GetImageData()
    scalars = None if image is None else image.GetPointData().GetScalars()
    if scalars is None or scalars.GetNumberOfTuples() == 0:
        raise InputError(f"the volume {name} is empty: load it again, or choose another")
    components = scalars.GetNumberOfComponents()
    if components != 1:
        raise InputError(
            f"the volume {name} has {components} values a voxel, colours or vectors: choose a scan "
            "of grey values"
        )
    transform = node.GetParentTransformNode()
    if transform is not None and not transform.IsTransformToWorldLinear():
        # Without Slicer's own, of slices that are tilted or uneven, lengths would be wrong.
        right = ", which gives it its right form" * (_OF_ACQUISITION in transform.GetName())
        raise InputError(
            f"the volume {name} is under the non-linear transform {transform.GetName()!r}{right}: "
            "harden the transform"
        )
    if is_mirrored(node):
        # The numbers would be those of one side, the views would show the other.
        raise InputError(
            f"the transform above the volume {name} mirrors it, right to left: take the volume out "
            "of it, or harden it if that is meant; teeth that were segmented before would then be "
            "of the other side, and are to be segmented again"
        )
    if is_flattened(node):
        raise InputError(
            f"the transform above the volume {name} flattens it, which cannot be undone: take the "
            "volume out of it"
        )


def _voxels_within(volume: Volume, corners: NDArray[np.float64]) -> tuple[slice, ...]:
    """(k, j, i) slices of the voxels whose centres lie between (4, n) points in LPS mm."""
    indices = (volume.lps_to_index @ corners)[:3]
    # A border that runs through centres takes them in, whatever the last digit.
    first = np.ceil(indices.min(axis=1) - 1e-6).astype(int)
    stop = np.floor(indices.max(axis=1) + 1e-6).astype(int) + 1
    sizes = np.array(volume.shape[::-1])
    first, stop = np.clip(first, 0, sizes), np.clip(stop, 0, sizes)
    return tuple(slice(int(a), int(b)) for a, b in zip(first, stop))[::-1]
