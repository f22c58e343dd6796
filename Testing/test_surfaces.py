"""Surfaces: closed, oriented, in the right place, and neither shrunk nor swollen."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.ndimage import distance_transform_edt, map_coordinates

from phantom_fixture import tooth_mask
from ToothSegLib.errors import OutputError
from ToothSegLib.meshes.mesh_names import stl_name
from ToothSegLib.surfaces import Surface, is_manifold, tooth_surfaces, write_stl
from ToothSegLib.teeth import FDI_NUMBERS
from ToothSegLib.volume import Volume

OBLIQUE, _ = np.linalg.qr(np.array([[1.0, 0.3, -0.2], [-0.25, 1.0, 0.4], [0.1, -0.35, 1.0]]))


def nasty_shapes() -> dict[str, np.ndarray]:
    """Masks whose voxels touch along edges, at corners, and in every other awkward way."""
    corner = np.zeros((4, 4, 4), bool)
    corner[:2, :2, :2] = corner[2:, 2:, 2:] = True
    edge = np.zeros((4, 4, 4), bool)
    edge[:2, :2] = edge[2:, 2:] = True
    diagonal = np.eye(6, dtype=bool)[:, :, None] & np.eye(6, dtype=bool)[None]
    hollow = np.ones((7, 7, 7), bool)
    hollow[2:5, 2:5, 2:5] = False
    ring = np.ones((3, 8, 8), bool)
    ring[:, 3:5, 3:5] = False
    noise = np.random.default_rng(1).random((8, 9, 7)) < 0.4
    return {
        "one voxel": np.ones((1, 1, 1), bool),
        "a rod of one voxel": np.ones((12, 1, 1), bool),
        "a plate of one voxel": np.ones((1, 9, 9), bool),
        "blocks that share a corner": corner,
        "blocks that share an edge": edge,
        "a diagonal of voxels": diagonal,
        "a chequerboard": np.indices((5, 5, 5)).sum(0) % 2 == 0,
        "a hollow block": hollow,
        "a ring": ring,
        "noise": noise,
    }


@pytest.mark.parametrize("shape", nasty_shapes())
def test_surface_of_a_nasty_shape_is_manifold(shape: str) -> None:
    mask = nasty_shapes()[shape]
    labels = Volume(mask.astype(np.uint8) * 11, (0.4, 0.3, 0.5), (-120.0, 300.0, 45.0), OBLIQUE)
    assert is_manifold(tooth_surfaces(labels)[11])


def test_every_voxel_pattern_of_a_cube_gives_a_manifold_surface() -> None:
    for pattern in itertools.islice(itertools.product((0, 1), repeat=8), 1, None):
        labels = Volume(np.reshape(pattern, (2, 2, 2)).astype(np.uint8))
        assert is_manifold(tooth_surfaces(labels)[1]), pattern


@pytest.mark.parametrize("spacing", [(0.3, 0.3, 0.3), (0.4, 0.5, 0.6)])
def test_smoothing_does_not_shrink_a_tooth(spacing: tuple[float, float, float]) -> None:
    mask = tooth_mask(spacing, crown_mm=3.0, root_mm=9.0)
    surface = tooth_surfaces(Volume(mask.astype(np.uint8), spacing))[1]
    assert surface.volume_mm3 == pytest.approx(mask.sum() * np.prod(spacing), rel=0.02)

    # The distance from the voxels' own surface, positive outside. The transform measures from
    # voxel centre to voxel centre, so it is taken on a grid four times as fine, where half a
    # voxel too much on either side is little and cancels out.
    fine = np.pad(mask, 3).repeat(4, 0).repeat(4, 1).repeat(4, 2)
    step = np.array(spacing) / 4
    signed = distance_transform_edt(~fine, sampling=step[::-1]) - distance_transform_edt(
        fine, sampling=step[::-1]
    )
    at = (surface.points / step + 1.5 + 12)[:, ::-1]
    distances = map_coordinates(signed, at.T, order=1)
    assert abs(distances.mean()) < 0.05
    assert np.abs(distances).max() < max(spacing)


@pytest.mark.parametrize("smoothing", [0.0, 0.5, 1.0])
def test_thin_roots_stay_however_smooth(smoothing: float) -> None:
    spacing = (0.4, 0.4, 0.4)
    mask = tooth_mask(spacing, crown_mm=2.4, root_mm=13.0)
    surface = tooth_surfaces(Volume(mask.astype(np.uint8), spacing), smoothing)[1]
    assert is_manifold(surface)
    # Without smoothing the edges and corners of the voxels are cut off.
    assert surface.volume_mm3 == pytest.approx(mask.sum() * np.prod(spacing), rel=0.02)
    length = np.ptp(np.flatnonzero(mask.any(axis=(1, 2)))) + 1
    assert np.ptp(surface.points[:, 2]) == pytest.approx(length * spacing[2], abs=spacing[2])


def test_the_more_smoothing_the_smoother() -> None:
    spacing = (0.4, 0.4, 0.4)
    labels = Volume(tooth_mask(spacing).astype(np.uint8), spacing)
    areas = []
    for smoothing in (0.0, 0.25, 0.5, 1.0):
        surface = tooth_surfaces(labels, smoothing)[1]
        corners = surface.points[surface.triangles]
        sides = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        areas.append(np.linalg.norm(sides, axis=1).sum() / 2)
    assert areas == sorted(areas, reverse=True)
    np.testing.assert_array_equal(
        tooth_surfaces(labels)[1].points, tooth_surfaces(labels, 0.5)[1].points
    )


def test_a_voxel_that_touches_by_an_edge_alone_is_no_part_of_the_file() -> None:
    spacing = (0.4, 0.4, 0.4)
    mask = tooth_mask(spacing)
    middle = mask.shape[0] // 3
    # The edge of the widest slice, and a voxel beside it across a corner.
    j, i = np.argwhere(mask[middle])[0]
    assert not mask[middle - 1 : middle + 2, j - 1, i - 1].any()
    assert not mask[middle, j - 1, i]
    alone = mask.copy()
    alone[middle, j - 1, i - 1] = True
    assert not alone[middle, j, i - 1]
    surface, whole = (
        tooth_surfaces(Volume(voxels.astype(np.uint8), spacing))[1] for voxels in (alone, mask)
    )
    assert is_manifold(surface)
    # Euler's number of one closed part; of two it is 4.
    assert len(surface.points) - len(surface.triangles) / 2 == 2
    assert surface.volume_mm3 == pytest.approx(whole.volume_mm3, rel=1e-3)


@pytest.mark.parametrize(
    ("shape", "least"), [((1, 1, 1), 0.15), ((1, 1, 2), 0.3), ((16, 1, 1), 0.45), ((9, 9, 1), 0.85)]
)
def test_what_is_one_voxel_thin_is_not_smoothed_away(
    shape: tuple[int, int, int], least: float
) -> None:
    spacing = (0.4, 0.4, 0.4)
    labels = Volume(np.ones(shape, np.uint8), spacing)
    for smoothing in (0.0, 0.5, 1.0):
        surface = tooth_surfaces(labels, smoothing)[1]
        assert is_manifold(surface)
        assert surface.volume_mm3 > least * labels.array.size * labels.voxel_mm3


def test_a_surface_whose_places_are_all_one_is_an_error() -> None:
    array = np.zeros((4, 4, 4), np.uint8)
    array[1:3, 1:3, 1:3] = 16
    with pytest.raises(OutputError, match=r"no surface of tooth 16: .*0\.3 mm.*1000000000"):
        tooth_surfaces(Volume(array, (0.3, 0.3, 0.3), (1e9, 0.0, 0.0)))


@pytest.mark.parametrize("direction", [np.eye(3), np.diag([-1.0, 1.0, 1.0]), OBLIQUE, -OBLIQUE])
def test_surface_lies_where_the_voxels_lie_with_normals_outwards(direction: np.ndarray) -> None:
    spacing, origin = (0.4, 0.5, 0.6), (-31.0, 12.0, 250.0)
    labels = Volume(tooth_mask(spacing).astype(np.uint8) * 36, spacing, origin, direction)
    surface = tooth_surfaces(labels)[36]
    assert is_manifold(surface)
    indices = np.argwhere(labels.array)[:, ::-1]
    voxels = (labels.index_to_lps @ np.c_[indices, np.ones(len(indices))].T)[:3].T
    np.testing.assert_allclose(surface.points.min(axis=0), voxels.min(axis=0), atol=0.6)
    np.testing.assert_allclose(surface.points.max(axis=0), voxels.max(axis=0), atol=0.6)


def test_tooth_at_the_edge_of_the_volume_is_closed() -> None:
    mask = tooth_mask((0.5, 0.5, 0.5))
    half = np.ascontiguousarray(mask[:, : mask.shape[1] // 2, 3:])
    assert half[:, -1].any()
    assert half[:, :, 0].any()
    assert is_manifold(tooth_surfaces(Volume(half.astype(np.uint8), (0.5, 0.5, 0.5)))[1])


def test_each_label_has_a_surface_of_its_own() -> None:
    array = np.zeros((6, 6, 12), np.uint8)
    array[1:5, 1:5, 1:6] = 11
    array[1:5, 1:5, 6:11] = 21
    surfaces = tooth_surfaces(Volume(array))
    assert list(surfaces) == [11, 21]
    assert surfaces[11].points[:, 0].max() < surfaces[21].points[:, 0].max()
    assert tooth_surfaces(Volume(np.zeros((3, 3, 3), np.uint8))) == {}


def tetrahedron() -> Surface:
    """The smallest closed surface, normals outwards."""
    points = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]], np.float32)
    return Surface(points, np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]]))


def test_is_manifold_finds_each_fault() -> None:
    sound = tetrahedron()
    assert is_manifold(sound)
    assert sound.volume_mm3 == pytest.approx(1 / 6)
    points, triangles = sound.points, sound.triangles
    turned = triangles.copy()
    turned[0] = turned[0, ::-1]
    faults = {
        "a hole": Surface(points, triangles[1:]),
        "inside out": Surface(points, triangles[:, ::-1]),
        "one triangle turned": Surface(points, turned),
        "a triangle twice": Surface(points, np.concatenate([triangles, triangles[:1]])),
        "two triangles on the same points": Surface(
            np.concatenate([points, points[:3] + 5]),
            np.concatenate([triangles, [[4, 5, 6], [4, 6, 5]]]),
        ),
        "two points in one place": Surface(np.concatenate([points, points[:1]]), triangles),
        "nothing": Surface(points[:0], triangles[:0]),
    }
    assert [name for name, fault in faults.items() if is_manifold(fault)] == []


def test_stl_reads_back_as_the_same_closed_surface(tmp_path) -> None:
    from vtkmodules.util.numpy_support import vtk_to_numpy
    from vtkmodules.vtkIOGeometry import vtkSTLReader

    spacing = (0.4, 0.4, 0.4)
    labels = Volume(tooth_mask(spacing).astype(np.uint8), spacing, (-90.0, 40.0, 800.0), OBLIQUE)
    surface = tooth_surfaces(labels)[1]
    path = tmp_path / stl_name(11)
    write_stl(path, surface, "11")
    assert [file.name for file in tmp_path.iterdir()] == ["11_upper_right_central_incisor.stl"]
    assert path.stat().st_size == 84 + 50 * len(surface.triangles)
    assert not path.read_bytes().startswith(b"solid")
    reader = vtkSTLReader()
    reader.SetFileName(str(path))
    reader.Update()
    mesh = reader.GetOutput()
    points = vtk_to_numpy(mesh.GetPoints().GetData())
    triangles = vtk_to_numpy(mesh.GetPolys().GetConnectivityArray()).reshape(-1, 3)
    read = Surface(points, triangles.astype(np.int64))
    assert is_manifold(read)
    assert read.volume_mm3 == pytest.approx(surface.volume_mm3, rel=1e-4)


def test_stl_names_are_distinct_and_safe_on_any_disk() -> None:
    names = [stl_name(fdi) for fdi in FDI_NUMBERS]
    assert len(set(names)) == 28
    assert all(name.replace("_", "").replace(".stl", "").isalnum() for name in names)


def test_stl_to_a_folder_that_is_not_there_is_an_output_error(tmp_path) -> None:
    with pytest.raises(OutputError, match="cannot write"):
        write_stl(tmp_path / "absent" / "a.stl", tetrahedron())
