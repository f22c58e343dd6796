"""The sheet along the arches: by all teeth, and no longer across than it is up."""

from __future__ import annotations

import numpy as np
import pytest

from ToothSegLib.arches.arch import SLOT_FDI, TEMPLATE
from ToothSegLib.drawing.arch_sheet import _curve, arch_sheet

PLACES = {
    int(fdi): place + (0, 0, 8.0 - 16.0 * arch)
    for arch, (fdis, row) in enumerate(zip(SLOT_FDI, TEMPLATE, strict=True))
    for fdi, place in zip(fdis, row, strict=True)
}
FULL = [fdi for fdi in PLACES if fdi % 10 < 8]
FRONT = [12, 11, 21, 22, 42, 41, 31, 32]
SIDE = [*range(23, 28), *range(33, 38)]
UPPER_AND_SIDE = [*(fdi for fdi in FULL if fdi < 30), *range(33, 38)]
CROSSED = [*range(13, 18), *range(33, 38)]


def sheet_of(fdis: list[int]) -> np.ndarray:
    return arch_sheet({fdi: PLACES[fdi] for fdi in fdis}, (-24.0, 24.0), (720, 1552))


@pytest.mark.parametrize("fdis", [FRONT, SIDE, FULL, UPPER_AND_SIDE, [36, 37], [11]])
def test_a_millimetre_is_as_long_across_as_it_is_up(fdis: list[int]) -> None:
    sheet = sheet_of(fdis)
    up = np.abs(np.diff(sheet[:, 0, 2]))
    for row in (180, 360, 540):
        across = np.linalg.norm(np.diff(sheet[row, :, :2], axis=0), axis=1)
        assert across.mean() == pytest.approx(up.mean(), rel=0.1)
        assert across.max() < 1.3 * up.mean()
        assert across.min() > 0.7 * up.mean()


@pytest.mark.parametrize("fdis", [FRONT, SIDE, FULL, UPPER_AND_SIDE, CROSSED])
def test_all_teeth_are_seen_from_the_right_to_the_left(fdis: list[int]) -> None:
    sheet = sheet_of(fdis)
    for arch in SLOT_FDI:
        columns = []
        for fdi in (int(fdi) for fdi in arch if int(fdi) in fdis):
            distance = np.linalg.norm(sheet - PLACES[fdi], axis=2)
            assert distance.min() < 1
            columns.append(np.unravel_index(distance.argmin(), distance.shape)[1])
        assert columns == sorted(columns)
        assert columns[0] > 30
        assert columns[-1] < sheet.shape[1] - 30


def test_antagonists_are_above_each_other() -> None:
    sheet = sheet_of(UPPER_AND_SIDE)
    for upper, lower in ((23, 33), (27, 37)):
        columns = [
            np.linalg.norm(sheet - PLACES[fdi], axis=2).min(axis=0).argmin()
            for fdi in (upper, lower)
        ]
        assert abs(columns[0] - columns[1]) < 60


def test_an_arch_with_few_teeth_goes_on_beside_the_other() -> None:
    sheet = sheet_of(UPPER_AND_SIDE)
    nearest = np.linalg.norm(sheet[..., :2] - PLACES[46][:2], axis=2).min()
    assert nearest < 8, "the lower jaw's other side is not to be seen"


def test_the_curve_goes_by_the_teeth_and_a_little_beyond() -> None:
    angles = np.linspace(-1.2, 1.2, 9)
    middles = np.stack([25 * np.sin(angles), -25 * np.cos(angles)], axis=1)
    curve, at = _curve(middles)
    np.testing.assert_allclose(curve(at), middles, atol=0.5)
    end = curve.t[-1]
    for beyond, tooth in ((0, 0), (end, -1)):
        assert np.linalg.norm(curve(beyond) - middles[tooth]) == pytest.approx(8, abs=0.1)
    line = curve(np.linspace(-20, end + 20, 400))
    steps = np.linalg.norm(np.diff(line, axis=0), axis=1)
    assert steps.max() < 1.02 * steps.min()
    np.testing.assert_allclose(curve(end + 10) - curve(end), curve(end + 20) - curve(end + 10))
