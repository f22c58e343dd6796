"""The highest and lowest values around voxels are those that SciPy finds."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from ToothSegLib.grids.extremes import highest, lowest

REACHES = [0, 1, 2, 3, 4, 5, 7, 13, 14, (1, 0, 6)]


@pytest.mark.parametrize("reach", REACHES)
@pytest.mark.parametrize("kind", [np.int16, np.float32, bool])
def test_they_are_those_that_scipy_finds(
    rng: np.random.Generator, reach: int | tuple[int, int, int], kind: type
) -> None:
    array = rng.normal(0, 1000, (9, 17, 31)).astype(kind)
    if kind is bool:
        array = rng.random(array.shape) < 0.01
    before = array.copy()
    size = 2 * np.broadcast_to(reach, 3) + 1
    np.testing.assert_array_equal(highest(array, reach), ndimage.maximum_filter(array, size))
    np.testing.assert_array_equal(lowest(array, reach), ndimage.minimum_filter(array, size))
    np.testing.assert_array_equal(array, before)


def test_an_array_smaller_than_the_reach() -> None:
    array = np.arange(6).reshape(1, 2, 3)
    assert (highest(array, 8) == 5).all()
    assert (lowest(array, 8) == 0).all()
