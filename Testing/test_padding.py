"""What a device writes where it saw nothing must not decide what is dark in a scan."""

from __future__ import annotations

import numpy as np
import pytest

from ToothSegLib.cascade import segment
from ToothSegLib.grids.padding import without_bright, without_padding
from ToothSegLib.report import Segmentation
from ToothSegLib.resources import resource_path
from ToothSegLib.volume import Volume
from ToothSegLib.volume_io import read_volume


def a_scan(fill: float | None, dtype: type = np.int16) -> Volume:
    """Air, soft tissue and bone with noise; a quarter of it is filled."""
    rng = np.random.default_rng(0)
    array = rng.choice([-1000.0, 50.0, 1500.0], (40, 40, 40)) + rng.normal(0, 30, (40, 40, 40))
    if fill is not None:
        array[:10] = fill
    return Volume(array.astype(dtype), (0.4,) * 3, (0.0,) * 3, np.eye(3))


@pytest.mark.parametrize("fill", [-2048, -3024, -32768])
@pytest.mark.parametrize("dtype", [np.int16, np.float32])
def test_padding_becomes_as_dark_as_air(fill: int, dtype: type) -> None:
    scan = a_scan(fill, dtype)
    mended = without_padding(scan)
    assert mended.array.dtype == dtype
    assert mended.same_grid(scan)
    assert np.unique(mended.array[:10]).size == 1
    assert -1080 <= mended.array[0, 0, 0] <= -1000
    assert np.array_equal(mended.array[10:], scan.array[10:])


def test_in_whatever_order_voxels_lie_in_memory_padding_is_found() -> None:
    scan = a_scan(-3024)
    turned = without_padding(scan.with_array(np.asfortranarray(scan.array)))
    assert np.array_equal(turned.array, without_padding(scan).array)
    assert turned.array.flags.f_contiguous
    assert (scan.array == -3024).sum() == 10 * 40 * 40, "the scan itself stays"


@pytest.mark.parametrize("fill", [None, -1000, -1090, -1400, 0, 1500])
def test_what_is_as_dark_as_air_or_brighter_stays(fill: int | None) -> None:
    scan = a_scan(fill)
    assert without_padding(scan) is scan


def test_a_few_dark_voxels_are_no_padding() -> None:
    scan = a_scan(None)
    scan.array[0, :8, :8] = -32768
    assert without_padding(scan) is scan


def test_a_scan_of_one_value_stays() -> None:
    scan = a_scan(None)
    flat = scan.with_array(np.full(scan.shape, -5, np.int16))
    assert without_padding(flat) is flat


def around(shape: tuple[int, int]) -> np.ndarray:
    """Outside of the largest circle."""
    j, i = np.ogrid[: shape[0], : shape[1]]
    middle = (shape[0] - 1) / 2, (shape[1] - 1) / 2
    return np.hypot(j - middle[0], i - middle[1]) > 0.45 * min(shape)


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("fill", [3000, 32767])
def test_bright_padding_around_a_cylinder_becomes_as_dark_as_air(axis: int, fill: int) -> None:
    scan = a_scan(None)
    array = scan.array
    array[18:22, 18:22, 18:22] = fill  # metal within
    expected = array.copy()
    np.moveaxis(array, axis, 0)[:, around((40, 40))] = fill
    mended = without_padding(scan).array
    outside = np.zeros(array.shape, bool)
    np.moveaxis(outside, axis, 0)[:, around((40, 40))] = True
    assert np.unique(mended[outside]).size == 1
    assert -1080 <= mended[0, 0, 0] <= -1000
    assert np.array_equal(mended[~outside], expected[~outside])


def test_dark_padding_stays_where_bright_alone_is_undone() -> None:
    dark = a_scan(-3024)
    assert without_bright(dark) is dark
    bright = a_scan(None)
    bright.array[:, around((40, 40))] = 3000
    assert np.array_equal(without_bright(bright).array, without_padding(bright).array)


def test_bone_and_metal_that_are_saturated_at_the_border_stay() -> None:
    scan = a_scan(None)
    scan.array[:, :15] = 3000  # along a whole side, two corners and all
    scan.array[:36, 30:, :10] = 3000
    scan.array[:, 30:, 30:] = np.where(np.arange(40) % 2, 3000, 2999)[:, None, None]
    assert without_padding(scan) is scan


def in_a_cylinder(fill: int) -> Segmentation:
    """Of one side of the sample, with a value around the largest circle."""
    scan = read_volume(resource_path("Samples", "sample-cbct.nrrd"))
    scan = scan.part((slice(16, 112), slice(0, 96), slice(16, 112)))
    array = scan.array.copy()
    array[:, around(array.shape[1:])] = fill
    return segment(scan.with_array(array))


def told_of(result: Segmentation, code: str) -> set[int]:
    return {fdi for finding in result.findings if finding.code == code for fdi in finding.fdi}


@pytest.fixture(scope="module")
def dark() -> Segmentation:
    return in_a_cylinder(0)


@pytest.mark.parametrize("fill", [-700, -3000, 9000])
def test_teeth_in_a_cylinder_do_not_hang_on_what_is_around_it(
    fill: int, dark: Segmentation
) -> None:
    assert len(dark.teeth) > 10
    result = in_a_cylinder(fill)
    assert [tooth.fdi for tooth in result.teeth] == [tooth.fdi for tooth in dark.teeth]
    cut = told_of(dark, "cut-by-field-of-view")
    assert cut
    assert told_of(result, "cut-by-field-of-view") == cut
    assert told_of(result, "touching-metal") == told_of(dark, "touching-metal")
