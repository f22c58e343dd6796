"""Tooth forms taken from surface meshes: one real individual's teeth, behind the same interface.

A folder of meshes holds `FDI<number>.stl` files (binary STL, millimetres, LPS) of one individual in
upright posture, crown and root as one closed surface. Each is turned into a grid of signed
distances in the tooth's own frame (mesial, buccal, occlusal), so that a left tooth can serve on the
right and forms can be blended with procedural ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import ndimage

from ToothSegLib.errors import InputError
from ToothSegLib.synthesis.frames import Slot, arch_frames
from ToothSegLib.synthesis.individual import Individual
from ToothSegLib.synthesis.tooth_form import DIMENSIONS
from ToothSegLib.teeth import type_of

_STEP = 0.3
_MARGIN = 2.4


@dataclass(frozen=True)
class MeshForm:
    """Signed distance (mm, negative inside) of one tooth on a grid in its own frame."""

    distance: np.ndarray  # (m, b, o), float16
    corner: np.ndarray  # (3,) mm, frame coordinates of sample (0, 0, 0)
    crown_height: float
    width: float
    length: float

    def field(self, m: np.ndarray, b: np.ndarray, o: np.ndarray) -> np.ndarray:
        """Signed distance at points in mm, negative inside; at most 2.4 mm away from the tooth."""
        points = np.stack([m, b, o]) - self.corner.reshape(3, *[1] * m.ndim)
        return ndimage.map_coordinates(
            self.distance.astype(np.float32), points / _STEP, order=1, mode="constant", cval=_MARGIN
        )


def load_individual(folder: Path) -> Individual:
    """Read the meshes of one individual.

    The occlusal direction is taken to be vertical; an arch is centred on its own midline.

    Raises:
        InputError: the folder holds no tooth mesh, or a mesh cannot be read.
    """
    files = sorted(Path(folder).glob("FDI[1-4][1-8].stl"))
    if not files:
        raise InputError(f"no tooth meshes (FDI11.stl, ...) in {folder}: name another folder")
    numbers = {int(path.stem[3:]) for path in files}
    if not numbers & {11, 21} or max(numbers) < 30:
        raise InputError(
            f"{folder} has no upper central incisor (11, 21) or no lower tooth; both are needed to "
            "place the arches"
        )
    surfaces = {int(path.stem[3:]): _read_stl(path) for path in files}
    vertices = {fdi: _points(surface) for fdi, surface in surfaces.items()}
    crowns = {fdi: _crown_centre(fdi, points) for fdi, points in vertices.items()}
    upper_tips = [p[:, 2].min() for fdi, p in vertices.items() if fdi < 30]
    lower_tips = [p[:, 2].max() for fdi, p in vertices.items() if fdi > 30]
    front = np.mean([crowns[fdi] for fdi in (11, 21) if fdi in crowns], axis=0)
    level = 0.5 * (float(np.median(upper_tips)) + float(np.median(lower_tips)))
    shift = np.array([front[0], front[1], level])
    slots: dict[int, Slot] = {}
    for upper in (True, False):
        arch = {fdi: crowns[fdi] - shift for fdi in crowns if (fdi < 30) == upper}
        slots.update(arch_frames(arch))
    forms = {fdi: _form(fdi, surfaces[fdi], shift, slots[fdi]) for fdi in surfaces}
    return Individual(Path(folder).name, forms, slots)


def _crown_centre(fdi: int, points: np.ndarray) -> np.ndarray:
    """Middle of the crown in plan, at the height of the highest cusp (LPS mm)."""
    tip = points[:, 2].min() if fdi < 30 else points[:, 2].max()
    crown = points[np.abs(points[:, 2] - tip) < _crown_height(fdi, points)]
    plan = 0.5 * (crown[:, :2].min(axis=0) + crown[:, :2].max(axis=0))
    return np.array([plan[0], plan[1], tip])


def _crown_height(fdi: int, points: np.ndarray) -> float:
    """The textbook's share of the crown in the tooth's length, applied to this tooth, mm."""
    crown, root, *_ = DIMENSIONS[type_of(fdi)]
    return float(np.ptp(points[:, 2])) * crown / (crown + root)


def _form(fdi: int, surface: object, shift: np.ndarray, slot: Slot) -> MeshForm:
    points = (_points(surface) - shift - slot.origin) @ slot.frame
    low, high = points.min(axis=0) - _MARGIN, points.max(axis=0) + _MARGIN
    size = np.ceil((high - low) / _STEP).astype(int) + 1
    inside = _voxelise(surface, points, low, size)
    distance = ndimage.distance_transform_edt(~inside) - ndimage.distance_transform_edt(inside)
    distance = np.clip(distance * _STEP - 0.5 * _STEP * np.sign(distance), -12.0, _MARGIN)
    crown = _crown_height(fdi, _points(surface))
    top = points[points[:, 2] > -crown]
    return MeshForm(
        distance=ndimage.gaussian_filter(distance, 0.7).astype(np.float16),
        corner=low,
        crown_height=crown,
        width=float(np.ptp(top[:, 0])),
        length=float(-points[:, 2].min()),
    )


def _read_stl(path: Path) -> object:
    import vtk

    reader = vtk.vtkSTLReader()
    reader.SetFileName(str(path))
    reader.Update()
    surface = reader.GetOutput()
    if surface.GetNumberOfCells() == 0:
        raise InputError(f"{path} holds no surface; it is empty or not an STL file")
    return surface


def _points(surface: object) -> np.ndarray:
    from vtk.util.numpy_support import vtk_to_numpy

    return np.asarray(vtk_to_numpy(surface.GetPoints().GetData()), dtype=float)  # type: ignore[attr-defined]


def _voxelise(surface: object, points: np.ndarray, low: np.ndarray, size: np.ndarray) -> np.ndarray:
    """Boolean grid (m, b, o) of the surface, whose points have been moved to the tooth's frame."""
    import vtk
    from vtk.util.numpy_support import numpy_to_vtk, vtk_to_numpy

    moved = vtk.vtkPolyData()
    moved.DeepCopy(surface)
    moved_points = vtk.vtkPoints()
    moved_points.SetData(numpy_to_vtk(np.ascontiguousarray(points), deep=True))
    moved.SetPoints(moved_points)
    stencil = vtk.vtkPolyDataToImageStencil()
    stencil.SetInputData(moved)
    stencil.SetOutputSpacing(_STEP, _STEP, _STEP)
    stencil.SetOutputOrigin(*low)
    stencil.SetOutputWholeExtent(0, int(size[0]) - 1, 0, int(size[1]) - 1, 0, int(size[2]) - 1)
    image = vtk.vtkImageStencilToImage()
    image.SetInputConnection(stencil.GetOutputPort())
    image.SetInsideValue(1)
    image.SetOutsideValue(0)
    image.SetOutputScalarTypeToUnsignedChar()
    image.Update()
    flat = vtk_to_numpy(image.GetOutput().GetPointData().GetScalars())
    grid = flat.reshape(int(size[2]), int(size[1]), int(size[0])).transpose(2, 1, 0) > 0
    return ndimage.binary_fill_holes(grid)
