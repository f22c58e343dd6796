"""Which parts of a mesh are worth keeping, and what a mesh encloses."""

from __future__ import annotations

import numpy as np
import pytest

from ToothSegLib.meshes.mesh_parts import LEAST_VOLUME_MM3, signed_volume, worth_keeping

POINTS = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]], float)
TRIANGLES = np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]])


def tetrahedra(*sides: float) -> tuple[np.ndarray, np.ndarray]:
    """In a row; one with a negative side is inside out."""
    points = [side * POINTS + (10 * n, 0, 0) for n, side in enumerate(sides)]
    return np.concatenate(points), np.concatenate([TRIANGLES + 4 * n for n in range(len(sides))])


def test_volume_of_several_parts_is_their_sum() -> None:
    assert signed_volume(*tetrahedra(3, 2, -1)) == pytest.approx((27 + 8 - 1) / 6)
    assert signed_volume(POINTS, TRIANGLES[:0]) == 0


def test_parts_that_enclose_next_to_nothing_go() -> None:
    least = (6 * LEAST_VOLUME_MM3) ** (1 / 3)
    points, triangles = tetrahedra(0.9 * least, 2, -1.1 * least, 1e-6)
    kept = worth_keeping(points, triangles).reshape(4, 4)
    np.testing.assert_array_equal(kept, [[False] * 4, [True] * 4, [True] * 4, [False] * 4])


def test_the_largest_part_stays_however_small() -> None:
    kept = worth_keeping(*tetrahedra(1e-3, 1e-2, 1e-4)).reshape(3, 4)
    np.testing.assert_array_equal(kept.all(axis=1), [False, True, False])
    assert not kept[0].any()
    assert len(worth_keeping(POINTS, TRIANGLES[:0])) == 0


def test_points_that_no_triangle_uses_do_not_matter() -> None:
    points, triangles = tetrahedra(1, 1e-4)
    points = np.concatenate([points[:4], [[5, 5, 5]], points[4:]])
    triangles = np.where(triangles > 3, triangles + 1, triangles)
    np.testing.assert_array_equal(worth_keeping(points, triangles), [True] * 4 + [False] * 4)
