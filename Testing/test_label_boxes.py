"""Labels lie where SciPy finds them, wherever the background is."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import find_objects

from ToothSegLib.grids.label_boxes import filled_box, grown, label_boxes


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


@pytest.mark.parametrize("shape", [(6, 7, 8), (1, 7, 8), (6, 1, 8), (6, 7, 1)])
def test_the_box_of_all_is_that_of_what_is_not_background(shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    assert filled_box(np.zeros(shape, np.uint8)) is None
    for share in (0.005, 0.02, 0.1, 1.0):
        labels = ((rng.random(shape) < share) * 48).astype(np.uint8)
        boxes = find_objects((labels != 0).view(np.uint8))
        assert filled_box(labels) == (boxes[0] if boxes else None)


def test_a_box_grows_on_every_side_but_not_out_of_its_array() -> None:
    box, shape = (slice(1, 3), slice(2, 4), slice(0, 9)), (9, 5, 9)
    assert grown(box, shape, 0) == box
    assert grown(box, shape, 2) == (slice(0, 5), slice(0, 5), slice(0, 9))
    assert grown(box, shape, np.array([1, 0, 3])) == (slice(0, 4), slice(2, 4), slice(0, 9))
