from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ToothSegLib.errors import InputError
from ToothSegLib.volume import Volume, check_size, corner_indices

# Axis i points to the patient's right, j up, k to the back.
TURNED = np.array([[-1.0, 0, 0], [0, 0, 1], [0, 1, 0]])


@pytest.fixture
def a_turned_volume() -> Volume:
    array = np.arange(2 * 3 * 4).reshape(2, 3, 4)
    return Volume(array, (0.5, 1.0, 2.0), (10.0, 20.0, 30.0), TURNED)


def test_indices_go_to_lps_points_and_back(a_turned_volume: Volume) -> None:
    point = a_turned_volume.index_to_lps @ [3, 2, 1, 1]
    assert point == pytest.approx([10 - 3 * 0.5, 20 + 1 * 2.0, 30 + 2 * 1.0, 1])
    assert a_turned_volume.lps_to_index @ point == pytest.approx([3, 2, 1, 1])
    assert a_turned_volume.voxel_mm3 == pytest.approx(1.0)
    assert a_turned_volume.shape == (2, 3, 4)


def test_a_part_lies_where_it_lay(a_turned_volume: Volume) -> None:
    part = a_turned_volume.part((slice(1, 2), slice(1, 3), slice(2, 4)))
    assert part.array[0, 0, 0] == a_turned_volume.array[1, 1, 2]
    assert part.index_to_lps @ [0, 0, 0, 1] == pytest.approx(
        a_turned_volume.index_to_lps @ [2, 1, 1, 1]
    )


def test_same_grid_sees_a_shift_that_matters(a_turned_volume: Volume) -> None:
    array = np.zeros(a_turned_volume.shape)
    origin = np.asarray(a_turned_volume.origin)
    near = Volume(array, a_turned_volume.spacing, tuple(origin + 1e-5), TURNED)
    far = Volume(array, a_turned_volume.spacing, tuple(origin + 0.1), TURNED)
    stretched = Volume(array, (0.51, 1.0, 2.0), tuple(origin), TURNED)
    assert a_turned_volume.same_grid(near)
    assert not a_turned_volume.same_grid(far)
    assert not a_turned_volume.same_grid(stretched)
    assert not a_turned_volume.same_grid(Volume(array[1:], near.spacing, near.origin, TURNED))


def test_another_array_must_fit(a_turned_volume: Volume) -> None:
    assert a_turned_volume.with_array(np.ones((2, 3, 4))).direction is not None
    with pytest.raises(ValueError, match="does not fit"):
        a_turned_volume.with_array(np.ones((4, 3, 2)))


def test_a_volume_keeps_its_own_direction() -> None:
    direction = np.eye(3)
    volume = Volume(np.zeros((2, 2, 2)), direction=direction)
    direction[0, 0] = -1
    assert volume.direction[0, 0] == 1
    with pytest.raises(ValueError, match="read-only"):
        volume.direction[0, 0] = -1


@pytest.mark.parametrize(
    ("shape", "spacing", "origin", "direction", "words"),
    [
        ((3, 3), (1, 1, 1), (0, 0, 0), np.eye(3), "2 axes"),
        ((3, 3, 3, 3), (1, 1, 1), (0, 0, 0), np.eye(3), "4 axes"),
        ((3, 0, 3), (1, 1, 1), (0, 0, 0), np.eye(3), "empty"),
        ((3, 3, 3), (1, 0, 1), (0, 0, 0), np.eye(3), "(1, 0, 1)"),
        ((3, 3, 3), (1, -1, 1), (0, 0, 0), np.eye(3), "(1, -1, 1)"),
        ((3, 3, 3), (1, np.nan, 1), (0, 0, 0), np.eye(3), "nan"),
        ((3, 3, 3), (1, 1), (0, 0, 0), np.eye(3), "(1, 1)"),
        ((3, 3, 3), (1, 1, 1), (0, np.inf, 0), np.eye(3), "origin"),
        ((3, 3, 3), (1, 1, 1), (0, 0, 0), np.zeros((3, 3)), "cannot be inverted"),
        ((3, 3, 3), (1, 1, 1), (0, 0, 0), np.eye(3)[[0, 0, 1]], "cannot be inverted"),
        ((3, 3, 3), (1, 1, 1), (0, 0, 0), np.eye(3) * 0.3, "(0.3, 0.3, 0.3)"),
        ((3, 3, 3), (1, 1, 1), (0, 0, 0), np.diag([-0.05, 0.05, 0.05]), "length 1"),
        ((3, 3, 3), (1, 1, 1), (0, 0, 0), np.diag([1, -1.02, 1]), "length 1"),
        ((3, 3, 3), (1, 1, 1), (0, 0, 0), np.eye(3) * np.nan, "direction"),
        ((3, 3, 3), (1, 1, 1), (0, 0, 0), np.eye(2), "direction"),
    ],
)
def test_what_has_no_geometry_is_refused(shape, spacing, origin, direction, words) -> None:
    with pytest.raises(InputError) as caught:
        Volume(np.zeros(shape), spacing, origin, direction)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_direction_in_few_digits_is_taken() -> None:
    Volume(np.zeros((2, 2, 2)), direction=np.array([[0.71, -0.71, 0], [0.71, 0.71, 0], [0, 0, 1]]))


def test_corners_of_the_voxels_and_of_the_box_they_fill() -> None:
    corners = corner_indices((2, 3, 4))
    assert corners.shape == (4, 8)
    assert corners.min(axis=1).tolist() == [0, 0, 0, 1]
    assert corners.max(axis=1).tolist() == [3, 2, 1, 1]
    assert corner_indices((2, 3, 4), margin=0.5).max(axis=1).tolist() == [3.5, 2.5, 1.5, 1]


def test_absurd_sizes_are_refused_by_the_header_alone() -> None:
    check_size(Path("scan"), (1500, 1500, 1000))
    with pytest.raises(InputError, match="empty"):
        check_size(Path("scan"), (10, 0, 10))
    with pytest.raises(InputError, match="2000 x 2000 x 2000"):
        # More than fits into 32 bits, and into 63 where numbers wrap around.
        check_size(Path("scan"), np.array([2000, 2000, 2000], np.int32))
    with pytest.raises(InputError, match="claims"):
        check_size(Path("scan"), (2**31, 2**31, 4))
