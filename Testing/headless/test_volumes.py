"""A volume node as a `Volume`: geometry, regions, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from node_fixture import (
    GEOMETRIES,
    LPS_FROM_RAS,
    TURN,
    bent_transform,
    linear_transform,
    roi_node,
    volume_node,
    with_geometry,
)
from ToothSegLib.errors import InputError
from ToothSegLib.volume import Volume

pytestmark = pytest.mark.usefixtures("scene")


@pytest.fixture
def volumes(slicer_app: Any) -> Any:
    from ToothSegScene import volumes

    return volumes


def numbered(geometry: str = "canonical", shape: tuple[int, int, int] = (5, 6, 7)) -> Volume:
    """Every voxel another value."""
    return with_geometry(np.arange(np.prod(shape), dtype=np.int16).reshape(shape), geometry)


def ras(volume: Volume, ijk: tuple[float, float, float]) -> np.ndarray:
    return (LPS_FROM_RAS @ volume.index_to_lps @ [*ijk, 1.0])[:3]


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_voxels_and_geometry_are_the_nodes(volumes: Any, geometry: str) -> None:
    volume = numbered(geometry)
    seen, placement = volumes.volume_from_node(volume_node(volume))
    assert np.array_equal(seen.array, volume.array)
    assert seen.array.dtype == np.int16
    assert np.allclose(seen.index_to_lps, volume.index_to_lps, atol=1e-12)
    assert placement.whole


def test_a_transform_above_the_volume_changes_nothing(volumes: Any) -> None:
    node = volume_node(numbered("oblique"))
    before, _ = volumes.volume_from_node(node)
    matrix = np.eye(4)
    matrix[:3, :3] = 1.5 * TURN
    node.SetAndObserveTransformNodeID(linear_transform(matrix).GetID())
    after, _ = volumes.volume_from_node(node)
    assert np.array_equal(after.index_to_lps, before.index_to_lps)
    assert np.array_equal(after.array, before.array)


def test_an_image_that_does_not_begin_at_zero(volumes: Any) -> None:
    volume = numbered("oblique")
    node = volume_node(volume)
    image = node.GetImageData()
    image.SetExtent(*(n + shift for n, shift in zip(image.GetExtent(), (2, 2, -1, -1, 3, 3))))
    seen, _ = volumes.volume_from_node(node)
    expected = volume.index_to_lps @ [2, -1, 3, 1]
    assert np.allclose(seen.origin, expected[:3])
    assert np.array_equal(seen.array, volume.array)


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_a_region_along_the_grid_takes_the_voxels_with_their_centres_in_it(
    volumes: Any, geometry: str
) -> None:
    """The region lies on the grid's own axes, by a transform of its own."""
    volume = numbered(geometry)
    roi = roi_node(np.array([0.6, 1.0, 0.5]), np.array([4.4, 3.0, 3.49]))
    roi.SetAndObserveTransformNodeID(linear_transform(LPS_FROM_RAS @ volume.index_to_lps).GetID())
    seen, placement = volumes.volume_from_node(volume_node(volume), roi)
    assert np.array_equal(seen.array, volume.array[1:4, 1:4, 1:5])
    assert placement.part == (slice(1, 4), slice(1, 4), slice(1, 5))
    assert placement.shape == (5, 6, 7)
    assert not placement.whole
    assert np.allclose(seen.origin, (volume.index_to_lps @ [1, 1, 1, 1])[:3])


def test_a_region_follows_its_own_transform_and_the_volumes(volumes: Any) -> None:
    """Both under different transforms: what counts is where they meet in the world."""
    volume = numbered("anisotropic")
    node = volume_node(volume)
    above = np.eye(4)
    above[:3, :3], above[:3, 3] = TURN, (30.0, -20.0, 10.0)
    node.SetAndObserveTransformNodeID(linear_transform(above).GetID())
    corners = np.array([ras(volume, (0.5, 0.5, 0.5)), ras(volume, (3.5, 2.5, 4.5))])
    # The region's numbers are those of the world, moved by its own transform.
    shift = np.eye(4)
    shift[:3, 3] = (-7.0, 5.0, 2.0)
    lower, upper = corners.min(axis=0) - shift[:3, 3], corners.max(axis=0) - shift[:3, 3]
    roi = roi_node(lower, upper)
    roi.SetAndObserveTransformNodeID(linear_transform(above @ shift).GetID())
    seen, _ = volumes.volume_from_node(node, roi)
    assert np.array_equal(seen.array, volume.array[1:5, 1:3, 1:4])


def test_a_turned_region_takes_the_block_around_it(volumes: Any) -> None:
    volume = Volume(np.zeros((21, 21, 21), np.int16))
    quarter = np.eye(4)
    quarter[:2, :2] = np.array([[1, -1], [1, 1]]) / np.sqrt(2)
    quarter[:3, 3] = (-10.0, -10.0, 10.0)  # the volume's centre in RAS
    roi = roi_node(np.full(3, -3.0), np.full(3, 3.0))
    roi.SetAndObserveTransformNodeID(linear_transform(quarter).GetID())
    _, placement = volumes.volume_from_node(volume_node(volume), roi)
    across = slice(10 - 4, 10 + 5)  # 3 times the root of 2 is 4.2
    assert placement.part == (slice(7, 14), across, across)


def test_a_region_beyond_the_volume_takes_what_is_there(volumes: Any) -> None:
    volume = numbered()
    far = roi_node(np.full(3, -1000.0), np.full(3, 1000.0))
    seen, placement = volumes.volume_from_node(volume_node(volume), far)
    assert placement.whole
    assert np.array_equal(seen.array, volume.array)


def test_what_was_cut_out_is_found_again(volumes: Any) -> None:
    for geometry in GEOMETRIES:
        volume = numbered(geometry)
        part = volume.part((slice(1, 3), slice(2, 5), slice(0, 6)))
        placement = volumes.placement_of(part, volume)
        assert placement.part == (slice(1, 3), slice(2, 5), slice(0, 6))
        assert volumes.placement_of(volume, part) is None
        moved = Volume(part.array, part.spacing, np.array(part.origin) + 0.1, part.direction)
        assert volumes.placement_of(moved, volume) is None


def test_no_volume_is_refused(volumes: Any) -> None:
    with pytest.raises(InputError, match="no volume"):
        volumes.volume_from_node(None)


def test_volumes_of_another_kind_are_refused_in_one_line(volumes: Any, scene: Any) -> None:
    import slicer

    def made(class_name: str, array: np.ndarray | None) -> Any:
        node = scene.AddNewNodeByClass(class_name, "Odd")
        if array is not None:
            slicer.util.updateVolumeFromArray(node, array)
        return node

    grey = np.zeros((3, 4, 5), np.int16)
    bent = volume_node(numbered(), "Odd")
    bent.SetAndObserveTransformNodeID(bent_transform().GetID())
    cases = {
        "empty": made("vtkMRMLScalarVolumeNode", None),
        "3 values a voxel": made("vtkMRMLVectorVolumeNode", np.zeros((3, 4, 5, 3), np.uint8)),
        "holds labels": made("vtkMRMLLabelMapVolumeNode", grey),
        "non-linear transform 'Bend'": bent,
    }
    for message, node in cases.items():
        with pytest.raises(InputError, match=message) as raised:
            volumes.volume_from_node(node)
        assert "'Odd'" in str(raised.value)
        assert "\n" not in str(raised.value)


def test_a_non_linear_transform_higher_up_is_seen(volumes: Any) -> None:
    node = volume_node(numbered())
    between = linear_transform(np.eye(4))
    between.SetAndObserveTransformNodeID(bent_transform().GetID())
    node.SetAndObserveTransformNodeID(between.GetID())
    with pytest.raises(InputError, match="non-linear"):
        volumes.volume_from_node(node)


@pytest.mark.parametrize(
    ("name", "gives"),
    [("Warp", ""), ("Scan acquisition transform", ", which gives it its right form")],
)
def test_what_bends_a_scan_is_to_be_hardened_alone(
    volumes: Any, scene: Any, name: str, gives: str
) -> None:
    """Taken out of the transform of its tilted slices, a scan would be sheared."""
    node = volume_node(numbered())
    node.SetAndObserveTransformNodeID(bent_transform(name).GetID())
    with pytest.raises(InputError, match=f"'{name}'{gives}: harden the transform$"):
        volumes.volume_from_node(node)


def test_a_transform_that_swaps_left_and_right_is_refused(volumes: Any) -> None:
    """Hardened, the mirroring is in the volume's own geometry, and the numbers follow it."""
    node = volume_node(numbered("oblique"))
    before, _ = volumes.volume_from_node(node)
    mirror = np.diag([-1.0, 1.0, 1.0, 1.0])
    node.SetAndObserveTransformNodeID(linear_transform(mirror).GetID())
    with pytest.raises(InputError, match="right to left"):
        volumes.volume_from_node(node)
    node.HardenTransform()
    after, _ = volumes.volume_from_node(node)
    assert np.allclose(after.index_to_lps, mirror @ before.index_to_lps)
    # Twice mirrored is a turn.
    above = linear_transform(mirror)
    above.SetAndObserveTransformNodeID(linear_transform(np.diag([1.0, -1.0, 1.0, 1.0])).GetID())
    node.SetAndObserveTransformNodeID(above.GetID())
    volumes.volume_from_node(node)


def test_regions_that_cannot_be_used_are_refused(volumes: Any, scene: Any) -> None:
    node = volume_node(numbered())
    outside = roi_node(np.full(3, 500.0), np.full(3, 520.0))
    with pytest.raises(InputError, match=r"'Box' lies outside the volume 'Scan'"):
        volumes.volume_from_node(node, outside)
    with pytest.raises(InputError, match="no size"):
        volumes.volume_from_node(node, scene.AddNewNodeByClass("vtkMRMLMarkupsROINode"))
    bent = roi_node(np.full(3, -500.0), np.full(3, 500.0))
    bent.SetAndObserveTransformNodeID(bent_transform().GetID())
    with pytest.raises(InputError, match="non-linear"):
        volumes.volume_from_node(node, bent)
