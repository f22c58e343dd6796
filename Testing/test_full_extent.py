"""Teeth end a little beyond where the networks would rather say tooth than not."""

from __future__ import annotations

import numpy as np
import pytest

from ToothSegLib.grids.grid import labels_to_source
from ToothSegLib.separation.full_extent import full_extent, surface_at
from ToothSegLib.volume import Volume

MM = 0.4
AT = 0.4


def ramp(*centres: float, n: int = 60) -> np.ndarray:
    """(n, n, n) probability of tooth about points of the middle line, one half 4 mm from each."""
    x = MM * (np.arange(n) - (n - 1) / 2)
    z, y = x[:, None, None], x[None, :, None]
    away = np.min([np.sqrt(z**2 + y**2 + (x - c) ** 2) for c in centres], axis=0)
    return (1 / (1 + np.exp(1.5 * (away - 4.0)))).astype(np.float32)


def nearest_centre(tooth: np.ndarray, *centres: float) -> np.ndarray:
    x = MM * (np.arange(tooth.shape[2]) - (tooth.shape[2] - 1) / 2)
    which = 1 + np.argmin([np.abs(x - c) for c in centres], axis=0)
    return np.where(tooth >= 0.5, which[None, None], 0).astype(np.uint16)


def test_teeth_grow_to_the_lower_probability_and_no_farther() -> None:
    tooth = ramp(0.0)
    labels = nearest_centre(tooth, 0.0)
    grown, moved = full_extent(labels, tooth, MM, AT)
    assert np.array_equal(grown > 0, tooth >= AT)
    assert np.array_equal(moved >= 0.5, tooth >= AT)
    assert moved.dtype == tooth.dtype
    assert labels.sum() < grown.sum()


def test_a_surface_on_a_finer_grid_lies_at_that_probability() -> None:
    tooth = ramp(0.0)
    place = Volume(tooth, (MM,) * 3, (-11.8,) * 3)
    grown, moved = full_extent(nearest_centre(tooth, 0.0), tooth, MM, AT)
    fine = Volume(np.zeros((240,) * 3, np.uint8), (MM / 4,) * 3, (-11.95,) * 3)
    drawn = labels_to_source(place.with_array(grown), place.with_array(moved), fine)
    radius = np.cbrt(3 * np.count_nonzero(drawn) / (4 * np.pi)) * MM / 4
    assert radius == pytest.approx(4.0 + np.log((1 - AT) / AT) / 1.5, abs=0.02)


def test_neighbours_share_what_lies_between_them() -> None:
    centres = (-4.2, 4.2)
    tooth = ramp(*centres)
    labels = nearest_centre(tooth, *centres)
    assert not labels[:, :, 29:31].any()
    grown, _ = full_extent(labels, tooth, MM, AT)
    assert (grown[:, :, :30] != 2).all()
    assert (grown[:, :, 30:] != 1).all()
    assert grown[:, :, 29:31].any()


def test_what_was_left_out_does_not_come_back() -> None:
    centres = (-6.0, 6.0)
    tooth = ramp(*centres)
    labels = nearest_centre(tooth, *centres)
    labels[labels == 2] = 0
    grown, _ = full_extent(labels, tooth, MM, AT)
    assert not grown[:, :, 30:].any()
    assert (grown == 1).sum() > (labels == 1).sum()


def test_a_haze_far_about_a_tooth_is_none_of_it() -> None:
    tooth = np.full((40, 40, 40), 0.45, np.float32)
    tooth[18:22, 18:22, 18:22] = 0.9
    labels = (tooth > 0.5).astype(np.uint8)
    grown, _ = full_extent(labels, tooth, MM, AT)
    reached = np.argwhere(grown)
    assert reached.min() == 18 - 2
    assert reached.max() == 21 + 2


@pytest.mark.parametrize("at", [0.5, AT])
def test_nothing_comes_of_nothing(at: float) -> None:
    tooth = np.full((8, 8, 8), 0.45, np.float32)
    grown, _ = full_extent(np.zeros(tooth.shape, np.uint8), tooth, MM, at)
    assert not grown.any()


def test_only_the_default_network_is_trusted_so_far() -> None:
    assert surface_at("toothnet") == AT
    tooth = ramp(0.0)
    labels = nearest_centre(tooth, 0.0)
    same, unmoved = full_extent(labels, tooth, MM, surface_at("published-cascade"))
    assert same is labels
    assert unmoved is tooth
