"""Closed, smooth surfaces of teeth in a label map, and STL files of them.

A tooth's binary field is contoured by flying edges, whose case table closes every surface: also
where voxels touch only along an edge or at a corner, each edge belongs to exactly two triangles
(Schroeder, Maynard & Geveci, "Flying Edges", LDAV 2015). Contouring a *blurred* field would be
smoother at once, but loses parts thinner than the blur. So the blur is made on the mesh instead:
a windowed sinc filter (Taubin, Zhang & Golub, "Optimal surface smoothing as filter design",
ECCV 1996) moves vertices by less than half a voxel and leaves their connections alone. What
the filter takes off in volume is given back along the normals. A vertex stays where a triangle
would be turned over by its move, for there the surface would cross itself.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ToothSegLib.disk.atomic import replacing
from ToothSegLib.errors import OutputError
from ToothSegLib.grids.label_boxes import IndexBox, label_boxes
from ToothSegLib.machine.in_threads import in_threads
from ToothSegLib.meshes.mesh_parts import signed_volume, worth_keeping
from ToothSegLib.volume import Volume

if TYPE_CHECKING:
    from vtkmodules.vtkCommonDataModel import vtkPolyData

SMOOTHING = 0.5
"""How smooth surfaces are: 0 has the steps of the voxels, 1 is smoothest."""

PASS_BAND = 0.04
"""Share of the mesh's highest spatial frequency that survives at `SMOOTHING`; lower is smoother."""

MOST_MOVED = 0.45
"""Voxels along each axis by which a vertex may be moved; less than a half, so that the part that
a single voxel makes up does not vanish."""

REDUCTION = 0.5
"""Share of the triangles that is taken away, as far as the shape allows."""

MAX_REDUCTION_ERROR = 0.02
"""Largest error of the reduction, as a share of the tooth's bounding box diagonal, in VTK's
measure; well under a tenth of a millimetre in distance."""

_FOLDED = -0.3
"""Mean cosine of a triangle's angles with the normals at its corners, below which it is taken for
folded over; slivers that cross nothing have more."""

_STL_RECORD = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])


@dataclass(frozen=True, eq=False)
class Surface:
    """Triangles with outward normals.

    Args:
        points: (N, 3) float32, LPS mm.
        triangles: (M, 3) int64 rows of ``points``, counter-clockwise as seen from outside.
    """

    points: NDArray[np.float32]
    triangles: NDArray[np.int64]

    @property
    def volume_mm3(self) -> float:
        """Enclosed volume by the divergence theorem; negative if the normals point inwards."""
        return signed_volume(self.points, self.triangles)


def tooth_surfaces(
    labels: Volume,
    smoothing: float = SMOOTHING,
    done: Callable[[int], None] = lambda count: None,
) -> dict[int, Surface]:
    """One closed surface for each label of a label map, by label, in ascending order.

    However smooth, a tooth keeps its volume, and a point moves by less than a voxel along each
    axis. Parts that enclose next to nothing are left out.

    Args:
        labels: (k, j, i) integers, 0 background; any direction matrix, left-handed ones too.
        smoothing: 0 (the steps of the voxels) to 1.
        done: called after each label, in the caller's thread, with how many there have been; what
            it raises ends the work.

    Raises:
        OutputError: the voxels lie so far away that the places of a surface are all one.
    """
    boxes = label_boxes(labels.array)
    surfaces = in_threads(lambda found: _surface(labels, *found, smoothing), boxes.items(), done)
    return dict(zip(boxes, surfaces, strict=True))


def is_manifold(surface: Surface) -> bool:
    """Whether the surface is one that a printer or a mesh program takes without mending.

    Every edge belongs to exactly two triangles, which pass it in opposite directions (so it is
    closed and consistently oriented), no two vertices lie in the same place, no two triangles have
    the same vertices, and the enclosed volume is positive (so the normals point outwards).
    """
    points, triangles = surface.points, surface.triangles
    if not len(triangles):
        return False
    sorted_points = points[np.lexsort(points.T)]
    if (sorted_points[1:] == sorted_points[:-1]).all(axis=1).any():
        return False
    corners = np.sort(triangles, axis=1)
    corners = corners[np.lexsort(corners.T)]
    if (corners[1:] == corners[:-1]).all(axis=1).any():
        return False
    start = triangles.ravel()
    end = triangles[:, [1, 2, 0]].ravel()
    # An edge as one whole number sorts many times faster than as a pair.
    edges = np.sort(start * len(points) + end)
    reverse = np.sort(end * len(points) + start)
    once = (start != end).all() and (edges[1:] != edges[:-1]).all()
    return bool(once and np.array_equal(edges, reverse)) and surface.volume_mm3 > 0


def write_stl(path: str | os.PathLike[str], surface: Surface, title: str = "") -> None:
    """Write a binary STL file in LPS millimetres, whole or not at all.

    Args:
        path: the file; one that is there is replaced.
        surface: what to write.
        title: goes into the file's header (79 characters of ASCII at most are kept).

    Raises:
        OutputError: the file cannot be written.
    """
    # Slicer reads the axes from the header; programs take a header that begins with "solid" for
    # a text file.
    header = f"ToothSeg SPACE=LPS mm {title}".encode("ascii", "replace")[:79].ljust(80)
    corners = surface.points[surface.triangles]
    records = np.zeros(len(corners), _STL_RECORD)
    records["corners"] = corners
    normals = _crossed(surface.points, surface.triangles)
    lengths = np.linalg.norm(normals, axis=1, keepdims=True)
    records["normal"] = normals / np.where(lengths > 0, lengths, 1)
    with replacing(path) as file:
        file.write(header + np.uint32(len(records)).tobytes() + records.tobytes())


def to_polydata(surface: Surface) -> vtkPolyData:
    """The surface as VTK's mesh."""
    from vtkmodules.util.numpy_support import numpy_to_vtk, numpy_to_vtkIdTypeArray
    from vtkmodules.vtkCommonCore import vtkPoints
    from vtkmodules.vtkCommonDataModel import vtkCellArray, vtkPolyData

    points = vtkPoints()
    points.SetData(numpy_to_vtk(surface.points, deep=True))
    cells = vtkCellArray()
    cells.SetData(3, numpy_to_vtkIdTypeArray(surface.triangles.ravel(), deep=True))
    mesh = vtkPolyData()
    mesh.SetPoints(points)
    mesh.SetPolys(cells)
    return mesh


def _surface(labels: Volume, label: int, box: IndexBox, smoothing: float) -> Surface:
    # A border of background closes a tooth that the edge of the volume cuts off.
    mask = np.pad(labels.array[box] == label, 2)
    first = np.array([part.start - 2 for part in box[::-1]], float)
    spacing = np.asarray(labels.spacing)

    # In a frame along the voxel axes: x, y, z in mm from the box's first voxel.
    mesh = _contour(mask, labels.spacing)
    points, triangles = _arrays(mesh)
    smooth = None
    if smoothing > 0:
        moved = _shifted(points, triangles, _smoothing_steps(mesh, points, spacing, smoothing))
        moved, fewer = _reduced(moved, triangles)
        wanted = float(mask.sum() * spacing.prod())
        moved = _restore_volume(moved, fewer, wanted, limit=0.25 * spacing.min())
        smooth = _placed(first * spacing + moved, fewer, labels)
        if not is_manifold(smooth):
            smooth = None
        elif smooth.volume_mm3 >= 0.5 * mask.sum() * labels.voxel_mm3:
            return smooth
    # Threads and specks of a few voxels may shrink to nothing.
    stepped = _placed(first * spacing + points, triangles, labels)
    if smooth is not None and smooth.volume_mm3 >= stepped.volume_mm3:
        return smooth
    if not is_manifold(stepped):
        raise OutputError(
            f"there can be no surface of tooth {label}: its voxels of {min(labels.spacing):g} mm "
            f"lie too far from the origin of space for a file to tell them apart, at "
            f"{stepped.points.mean(axis=0, dtype=float).tolist()} mm LPS; correct the scan's origin"
        )
    return stepped


def _placed(points: NDArray, triangles: NDArray, labels: Volume) -> Surface:
    """Points in mm along the voxel axes from the first voxel, and triangles, in LPS, no specks."""
    lps = points @ labels.direction.T + np.asarray(labels.origin)
    if np.linalg.det(labels.direction) < 0:
        triangles = triangles[:, ::-1]
    surface = Surface(lps.astype(np.float32), np.ascontiguousarray(triangles))
    return _without_specks(surface)


def _without_specks(surface: Surface) -> Surface:
    keep = worth_keeping(surface.points, surface.triangles)
    if keep.all():
        return surface
    used, renumbered = np.unique(surface.triangles[keep], return_inverse=True)
    return Surface(surface.points[used], renumbered.reshape(-1, 3))


def _contour(mask: NDArray[np.bool_], spacing: tuple[float, float, float]) -> vtkPolyData:
    from vtkmodules.util.numpy_support import numpy_to_vtk
    from vtkmodules.vtkCommonDataModel import vtkImageData
    from vtkmodules.vtkFiltersCore import vtkFlyingEdges3D

    image = vtkImageData()
    image.SetDimensions(*mask.shape[::-1])
    image.SetSpacing(*spacing)
    image.GetPointData().SetScalars(numpy_to_vtk(mask.astype(np.uint8).ravel(), deep=True))
    contour = vtkFlyingEdges3D()
    contour.SetInputData(image)
    contour.SetValue(0, 0.5)
    contour.ComputeNormalsOff()
    contour.ComputeScalarsOff()
    contour.Update()
    return contour.GetOutput()


def _smoothing_steps(
    mesh: vtkPolyData, points: NDArray, spacing: NDArray, smoothing: float
) -> NDArray[np.float64]:
    """Where smoothing moves (N, 3) points, in mm; less than half a voxel along each axis."""
    from vtkmodules.vtkFiltersCore import vtkWindowedSincPolyDataFilter

    smooth = vtkWindowedSincPolyDataFilter()
    smooth.SetInputData(mesh)
    smooth.SetNumberOfIterations(round(20 + 20 * smoothing))
    # Beyond the usual smoothing the band narrows slowly: a narrower one would move most vertices as
    # far as they may be moved, and so bring the steps back.
    smooth.SetPassBand(PASS_BAND ** min(2 * smoothing, 1) * 0.5 ** max(2 * smoothing - 1, 0))
    smooth.NormalizeCoordinatesOn()
    smooth.NonManifoldSmoothingOn()
    smooth.FeatureEdgeSmoothingOff()
    smooth.BoundarySmoothingOff()
    smooth.Update()
    moved = _arrays(smooth.GetOutput())[0] - points
    return np.clip(moved, -MOST_MOVED * spacing, MOST_MOVED * spacing)


def _restore_volume(
    points: NDArray, triangles: NDArray, wanted: float, limit: float
) -> NDArray[np.float64]:
    """Points shifted along their normals until the surface encloses the wanted volume in mm^3.

    The shift stays within ``limit`` mm, so that a sliver is not blown up to a body.
    """
    shift = 0.0
    for _ in range(3):
        normals, area = _point_normals(points, triangles)
        if area <= 0:
            break
        missing = wanted - signed_volume(points, triangles)
        step = float(np.clip(shift + missing / area, -limit, limit)) - shift
        points = _shifted(points, triangles, step * normals)
        shift += step
    return points


def _shifted(points: NDArray, triangles: NDArray, steps: NDArray) -> NDArray[np.float64]:
    """(N, 3) points moved by ``steps``, but for those of triangles that would turn over."""
    before = _crossed(points, triangles)
    while True:
        moved = points + steps
        turned = (before * _crossed(moved, triangles)).sum(axis=1) <= 0
        held = triangles[turned]
        if not steps[held].any():
            return moved
        steps = steps.copy()
        steps[held] = 0  # which may turn over another one


def _crossed(points: NDArray, triangles: NDArray) -> NDArray[np.float64]:
    """(M, 3) outward normals of the triangles, as long as twice their areas."""
    corners = points[triangles]
    return np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])


def _point_normals(points: NDArray, triangles: NDArray) -> tuple[NDArray[np.float64], float]:
    """(N, 3) outward unit normals at the points, and the surface's area in mm^2."""
    weighted = _crossed(points, triangles) / 2
    normals = np.stack(
        [
            np.bincount(triangles.ravel(), np.repeat(weighted[:, axis], 3), len(points))
            for axis in range(3)
        ],
        axis=1,
    )
    lengths = np.linalg.norm(normals, axis=1, keepdims=True)
    area = float(np.linalg.norm(weighted, axis=1).sum())
    return normals / np.where(lengths > 0, lengths, 1), area


def _reduced(points: NDArray, triangles: NDArray) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Fewer triangles; as they were if the reduction would open or cross the surface."""
    from vtkmodules.vtkFiltersCore import vtkDecimatePro

    reduce = vtkDecimatePro()
    reduce.SetInputData(to_polydata(Surface(points.astype(np.float32), triangles)))
    reduce.SetTargetReduction(REDUCTION)
    reduce.PreserveTopologyOn()
    reduce.SplittingOff()
    reduce.SetMaximumError(MAX_REDUCTION_ERROR)
    reduce.Update()
    fewer_points, fewer_triangles = _arrays(reduce.GetOutput())
    used, renumbered = np.unique(fewer_triangles, return_inverse=True)
    fewer = Surface(
        fewer_points[used].astype(np.float32), renumbered.reshape(fewer_triangles.shape)
    )
    if is_manifold(_without_specks(fewer)) and not _is_folded(fewer):
        return fewer.points.astype(float), fewer.triangles
    return points, triangles


def _is_folded(surface: Surface) -> bool:
    """Whether a triangle faces against those around it, and so crosses them."""
    normals, _ = _point_normals(surface.points, surface.triangles)
    around = normals[surface.triangles].mean(axis=1)
    faces = _crossed(surface.points, surface.triangles)
    lengths = np.linalg.norm(faces, axis=1)
    return bool(((around * faces).sum(axis=1) < _FOLDED * lengths).any())


def _arrays(mesh: vtkPolyData) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    from vtkmodules.util.numpy_support import vtk_to_numpy

    points = vtk_to_numpy(mesh.GetPoints().GetData()).astype(float)
    triangles = vtk_to_numpy(mesh.GetPolys().GetConnectivityArray()).reshape(-1, 3)
    return points, triangles.astype(np.int64)
