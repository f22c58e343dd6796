"""PixelPaddingValue: what was not seen is neither bone nor tissue."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dicom_fixture import (
    AXIAL,
    INTERCEPT,
    ORIENTATION,
    PADDING,
    PADDING_LIMIT,
    POSITION,
    SLOPE,
    SPACING,
    THICKNESS,
    write_dicom,
)
from ToothSegLib.volume_io import read_volume

OUTSIDE = np.hypot(*(np.indices((24, 24)) - 11.5)) > 11


def stored() -> np.ndarray:
    """(6, 24, 24) values of a round picture: 100 to 199, and metal of 4095 in the middle."""
    array = np.random.default_rng(5).integers(100, 200, (6, 24, 24)).astype(np.int16)
    array[2:4, 10:13, 10:13] = 4095
    return array


def read(path: Path, array: np.ndarray, tags: dict, *, slices: bool) -> np.ndarray:
    size = {ORIENTATION: AXIAL, SPACING: (0.3, 0.3), THICKNESS: 0.3, **tags}
    if not slices:
        return read_volume(
            write_dicom(path / "a.dcm", {POSITION: (1, 2, 3), **size}, array=array)
        ).array
    for n, plane in enumerate(array):
        place = {POSITION: (1, 2, 3 + 0.3 * n)}
        write_dicom(path / f"s{n}.dcm", {**place, **size}, array=plane, number=n + 1)
    return read_volume(path).array


@pytest.mark.parametrize("slices", [True, False])
@pytest.mark.parametrize(
    ("value", "tags"),
    [
        (4095, {PADDING: np.uint16(4095)}),
        (300, {PADDING: np.uint16(300)}),
        (-5000, {PADDING: np.uint16(65536 - 5000), SLOPE: -2, INTERCEPT: 7}),
        (500, {PADDING: np.uint16(450), PADDING_LIMIT: np.uint16(600)}),
        (500, {PADDING: np.uint16(600), PADDING_LIMIT: np.uint16(450), SLOPE: 0.5, INTERCEPT: -9}),
    ],
)
def test_bright_padding_is_as_dark_as_the_darkest(
    tmp_path: Path, value: int, tags: dict, slices: bool
) -> None:
    array = stored()
    array[:, OUTSIDE] = value
    seen = read(tmp_path, array, tags, slices=slices)
    expected = stored() * tags.get(SLOPE, 1) + tags.get(INTERCEPT, 0)
    assert np.allclose(seen[:, ~OUTSIDE], expected[:, ~OUTSIDE])
    dark = np.percentile(expected[:, ~OUTSIDE], 2)
    assert np.abs(seen[:, OUTSIDE] - dark).max() <= 2


@pytest.mark.parametrize(
    ("value", "tags"), [(0, {PADDING: np.uint16(0)}), (0, {PADDING: np.uint16(150)}), (300, {})]
)
def test_dark_padding_and_what_is_seen_stay(tmp_path: Path, value: int, tags: dict) -> None:
    array = stored()
    array[:, OUTSIDE] = value
    assert np.array_equal(read(tmp_path, array, tags, slices=True), array)
