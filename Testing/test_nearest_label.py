"""The nearest label within reach, computed in slabs, is that of the whole."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from ToothSegLib.grids.nearest_label import nearest_within


def of_the_whole(labels: np.ndarray, reach: float, spacing: float) -> np.ndarray:
    distance, nearest = ndimage.distance_transform_edt(labels == 0, spacing, return_indices=True)
    return np.where(distance <= reach, labels[tuple(nearest)], 0)


@pytest.mark.parametrize("threads", ["1", "2", "5"])
@pytest.mark.parametrize(("reach", "spacing"), [(2.0, 1.0), (1.0, 0.5), (1.0, 0.5 / 1.2)])
def test_slabs_are_the_whole_where_labels_are_equally_near_too(
    rng: np.random.Generator,
    monkeypatch: pytest.MonkeyPatch,
    threads: str,
    reach: float,
    spacing: float,
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", threads)
    for share in (0.003, 0.02, 0.1, 0.4):
        labels = np.zeros((31, 24, 26), np.uint16)
        there = rng.random(labels.shape) < share
        labels[there] = rng.integers(1, 30, there.sum())
        found = nearest_within(labels, reach, spacing)
        assert found.dtype == labels.dtype
        assert np.array_equal(found, of_the_whole(labels, reach, spacing))


def test_what_is_far_from_all_labels_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "4")
    labels = np.zeros((40, 3, 3), np.uint8)
    assert not nearest_within(labels, 2.0).any()
    labels[20, 1, 1] = 7
    assert np.flatnonzero(nearest_within(labels, 2.0)[:, 1, 1]).tolist() == [18, 19, 20, 21, 22]
    assert nearest_within(labels[:1], 2.0).shape == (1, 3, 3)
