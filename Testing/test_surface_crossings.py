"""Surfaces do not cross themselves, which a printer could make nothing of."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial import cKDTree

from ToothSegLib.grids.label_boxes import label_boxes
from ToothSegLib.resources import resource_path
from ToothSegLib.surfaces import Surface, _is_folded, _shifted, tooth_surfaces
from ToothSegLib.volume import Volume
from ToothSegLib.volume_io import read_volume


def crossings(surface: Surface) -> int:
    """How often an edge goes through a triangle that it has no point in common with."""
    triangles, corners = surface.triangles, surface.points.astype(float)[surface.triangles]
    middles = corners.mean(axis=1)
    reach = np.linalg.norm(corners - middles[:, None], axis=2).max()
    pairs = cKDTree(middles).query_pairs(2 * reach, output_type="ndarray")
    low, high = corners.min(axis=1), corners.max(axis=1)
    one, other = pairs.T
    near = ((low[one] <= high[other]) & (low[other] <= high[one])).all(axis=1)
    found = 0
    for mine, theirs in (pairs[near].T, pairs[near].T[::-1]):
        a, b, c = corners[theirs].transpose(1, 0, 2)
        for start, end in ((0, 1), (1, 2), (2, 0)):
            ends = triangles[mine][:, [start, end]]
            apart = ~(ends[:, :, None] == triangles[theirs][:, None]).any(axis=(1, 2))
            p, q = corners[mine][:, start], corners[mine][:, end]
            # Möller & Trumbore: p + t (q - p) = a + u (b - a) + v (c - a)
            matrix = np.stack([p - q, b - a, c - a], axis=2)
            apart &= np.abs(np.linalg.det(matrix)) > 1e-14
            t, u, v = np.linalg.solve(matrix[apart], (p - a)[apart][..., None])[..., 0].T
            found += ((t >= 0) & (t <= 1) & (u >= 0) & (v >= 0) & (u + v <= 1)).sum()
    return int(found)


def molar(spacing: tuple[float, float, float], gap_mm: float) -> np.ndarray:
    """(k, j, i) mask of a crown, a rounded block of 8 mm, on two roots side by side."""
    nx, ny, nz = np.ceil(np.array([12.0, 12.0, 22.0]) / spacing).astype(int)
    z, y, x = np.meshgrid(
        np.arange(nz) * spacing[2] - 1,
        (np.arange(ny) - (ny - 1) / 2) * spacing[1],
        (np.arange(nx) - (nx - 1) / 2) * spacing[0],
        indexing="ij",
    )
    crown = np.abs(x) ** 4 + np.abs(y) ** 4 + np.abs(z - 4) ** 4 <= 4.0**4
    radius = 2 * np.sqrt(np.clip(1 - (z - 4) / 12, 0, 1))
    roots = (np.abs(x) - gap_mm / 2 - 2) ** 2 + y**2 <= radius**2
    return crown | (roots & (z >= 4))


def test_crossings_are_found() -> None:
    triangles = np.arange(6).reshape(2, 3)
    flat = np.array([[0, 0, 0], [2, 0, 0], [0, 2, 0]], float)
    upright = np.array([[0.5, 0.5, -1], [0.5, 0.5, 1], [3, 3, 0]])
    assert crossings(Surface(np.concatenate([flat, upright]), triangles)) > 0
    assert crossings(Surface(np.concatenate([flat, upright + 0.6]), triangles)) == 0


def test_a_molar_does_not_cross_itself() -> None:
    spacing = (0.3, 0.3, 0.3)
    mask = molar(spacing, gap_mm=0.3)
    surface = tooth_surfaces(Volume(mask.astype(np.uint8), spacing), smoothing=1.0)[1]
    assert crossings(surface) == 0
    assert surface.volume_mm3 == pytest.approx(mask.sum() * np.prod(spacing), rel=1e-3)


@pytest.mark.parametrize(("fdi", "smoothing"), [(17, 0.5), (27, 1.0)])
def test_a_tooth_of_the_sample_does_not_cross_itself(fdi: int, smoothing: float) -> None:
    labels = read_volume(resource_path("Samples", "sample-cbct-labels.nrrd"))
    part = labels.part(label_boxes(labels.array)[fdi])
    tooth = part.with_array(np.where(part.array == fdi, part.array, 0))
    assert crossings(tooth_surfaces(tooth, smoothing)[fdi]) == 0


def sheet(side: int) -> Surface:
    """A flat square of side x side points, its normals up."""
    y, x = np.indices((side, side))
    corner = (np.arange(side - 1)[:, None] * side + np.arange(side - 1)).reshape(-1, 1)
    triangles = np.concatenate([corner + [0, 1, side + 1], corner + [0, side + 1, side]])
    return Surface(np.stack([x, y, 0.0 * x], axis=-1).reshape(-1, 3), triangles)


def test_points_whose_triangles_would_turn_over_stay() -> None:
    flat = sheet(5)
    steps = np.full((25, 3), (0.0, 0.0, 0.1))
    steps[12] = (1.5, 0.4, 0.0)
    moved = _shifted(flat.points, flat.triangles, steps)
    corners = moved[flat.triangles]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    assert normals[:, 2].min() > 0
    np.testing.assert_array_equal(moved[12], flat.points[12])
    np.testing.assert_allclose(moved[[0, 4, 20, 24]], flat.points[[0, 4, 20, 24]] + (0, 0, 0.1))


def test_a_folded_sheet_is_known() -> None:
    flat = sheet(5)
    assert not _is_folded(flat)
    points = flat.points.copy()
    points[12] += (1.5, 0.4, 0.0)
    assert _is_folded(Surface(points, flat.triangles))
