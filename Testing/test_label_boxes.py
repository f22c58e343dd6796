"""Labels lie where SciPy finds them, wherever the background is."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import find_objects

from ToothSegLib.label_boxes import label_boxes


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.int64])
@pytest.mark.parametrize("order", ["C", "F"])
def test_the_boxes_are_scipys(dtype: type, order: str) -> None:
    labels = np.zeros((9, 8, 7), dtype)
    labels[2:4, 3, 1:5] = 11
    labels[3, 2:6, 4] = 48
    labels[8, 7, 6] = 3  # in the last corner
    labels = np.asarray(labels, order=order)
    expected = {n: box for n, box in enumerate(find_objects(labels), start=1) if box is not None}
    assert len(expected) == 3
    found = label_boxes(labels)
    assert found == expected
    assert list(found) == [3, 11, 48]


def test_a_map_of_background_has_none_and_a_full_one_its_whole() -> None:
    assert label_boxes(np.zeros((3, 4, 5), np.uint8)) == {}
    assert label_boxes(np.ones((3, 4, 5), np.uint8)) == {1: (slice(0, 3), slice(0, 4), slice(0, 5))}
