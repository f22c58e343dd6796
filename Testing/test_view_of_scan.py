"""Which places of the head a scan shows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import maximum_filter, minimum_filter

from ToothSegLib.arches.regions import measure_regions
from ToothSegLib.grids.view_of_scan import View, blank_parts
from ToothSegLib.maps import Maps

LOW, HIGH = np.array([10.0, 20.0, 30.0]), np.array([70.0, 80.0, 90.0])


def test_a_box_shows_what_is_deep_inside_it() -> None:
    places = np.array([[40, 50, 60], [13, 50, 60], [40, 77, 60], [40, 50, 33], [0, 0, 0]])
    assert View(LOW, HIGH).shows(places, 4.0).tolist() == [True, False, False, False, False]
    assert View(LOW, HIGH).shows(places, 2.0).tolist() == [True, True, True, True, False]


@pytest.mark.parametrize("filling", [-3000.0, -1000.0, 0.0, 5000.0])
def test_a_cylinder_hides_what_is_about_it(filling: float) -> None:
    """Of 60 mm across, in voxels of 0.5 mm, its axis along z."""
    at = np.arange(120) - 59.5
    outside = np.broadcast_to(np.hypot(at[:, None], at) > 60, (120, 120, 120))
    noise = np.random.default_rng(0).normal(0, 50, outside.shape)
    blank = blank_parts(np.where(outside, filling, noise).astype(np.float32))
    view = View(LOW, HIGH, blank)
    middle = np.array([40.0, 50.0, 60.0])
    away = np.array([[18.0, 0, 0], [0, 18.0, 20.0], [18.0, 18.0, 0], [-24.0, 24.0, -20.0]])
    assert view.shows(middle + away, 4.0).tolist() == [True, True, False, False]
    assert View(LOW, HIGH).shows(middle + away, 4.0).all()


AT = np.moveaxis(np.indices((96, 120, 140)), 0, -1) * 0.5
"""(k, j, i, 3) of a box's voxels: z, y, x, mm."""


def seen_by(kind: str) -> np.ndarray:
    """(k, j, i) bool of a box: what a scanner shows that does not lie straight in it."""
    z, y, x = np.moveaxis(AT - [24.0, 30.0, 35.0], -1, 0)
    if kind == "ball":
        return np.asarray(z**2 + y**2 + x**2 < 33.0**2)
    if kind == "one corner cut off":
        return np.asarray(z + y + x < 50.0)
    if kind == "cut at one side":
        return np.asarray(np.hypot(x + 40.0, y) < 60.0)
    if kind == "two cylinders stitched together":
        return np.asarray(np.minimum(np.hypot(x + 15.0, y), np.hypot(x - 15.0, y)) < 22.0)
    up, across = z * np.cos(0.3) + x * np.sin(0.3), x * np.cos(0.3) - z * np.sin(0.3)
    return np.asarray((np.abs(up) < 20.0) & (np.hypot(across, y) < 28.0))


@pytest.mark.parametrize(
    "kind",
    [
        "ball",
        "one corner cut off",
        "cut at one side",
        "two cylinders stitched together",
        "a tilted cylinder with its ends",
    ],
)
def test_all_that_no_scanner_saw_is_blank(kind: str) -> None:
    """Where what lies beyond the scan has another value than its filling, too."""
    seen = seen_by(kind)
    noise = np.random.default_rng(0).normal(0, 50, seen.shape)
    filling = np.where(AT[..., 0] < 30.0, -1000.0, -990.0)
    grey = np.where(seen, noise, filling).astype(np.float32)
    alike = maximum_filter(grey[2::4, 2::4, 2::4], 3) == minimum_filter(grey[2::4, 2::4, 2::4], 3)
    assert alike.sum() > 100
    np.testing.assert_array_equal(blank_parts(grey), alike)


@pytest.mark.parametrize("front", [20, 0], ids=["lips shut", "through the lips to the face"])
def test_clipped_air_between_the_rows_is_seen(front: int) -> None:
    """Before the face there is air of the same value; nothing tells whether that was seen."""
    grey = np.random.default_rng(0).normal(0, 50, (96, 120, 140)).astype(np.float32)
    grey[40:56, front:100, 10:130] = -1000.0
    if front:
        assert not blank_parts(grey).any()
    grey[:, :16] = -1000.0
    blank = blank_parts(grey)
    assert blank[:, :2].all()
    assert not blank[:, 5:].any()


def test_noise_and_smooth_slopes_are_seen_and_a_constant_is_not() -> None:
    slope = np.linspace(0, 1, 64, dtype=np.float32)[:, None, None] + np.zeros((1, 64, 64))
    assert not blank_parts(slope).any()
    assert blank_parts(np.full((64, 64, 64), 3, np.int16)).all()


@pytest.mark.parametrize("shape", [(1, 1, 1), (2, 9, 40), (64, 1, 3)])
def test_thin_boxes_are_taken(shape: tuple[int, int, int]) -> None:
    view = View(LOW, HIGH, blank_parts(np.zeros(shape, np.uint8)))
    assert view.shows(np.array([[40.0, 50.0, 60.0]]), 4.0).shape == (1,)


def test_a_region_that_reaches_the_border_of_what_is_shown_is_cut() -> None:
    """The box's own, or that of a cylinder within it."""
    labels = np.zeros((60, 60, 60), np.uint8)
    for label, (k, j, i) in enumerate(((0, 25, 25), (20, 25, 25), (20, 25, 46)), start=1):
        labels[k : k + 8, j : j + 8, i : i + 8] = label
    maps = Maps(
        (labels > 0).astype(np.float32),
        np.zeros((17, *labels.shape), np.float16),
        None,
        0.5,
        (5.0, 6.0, 7.0),
    )
    assert [region.cut for region in measure_regions(labels, maps)] == [True, False, False]
    blank = np.zeros((15, 15, 15), bool)
    blank[:, :, 14] = True  # of 2 mm; its border lies a voxel further in
    cut = [region.cut for region in measure_regions(labels, replace(maps, blank=blank))]
    assert cut == [True, False, True]
