"""Slices with outlines: the right side up, whatever way the scan is stored."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from drawing_fixture import drawing
from phantom_fixture import dentition
from ToothSegLib.drawing.canvas import Canvas
from ToothSegLib.drawing.slices import _ALONG, HEIGHT, WIDTH, slice_picture
from ToothSegLib.volume import Volume

AXIAL = [(24 + 392 * column, 1120 - 360 * row, 376, 344) for row in (0, 1) for column in range(4)]


def draw(volume: Volume, labels: Volume, title: str = "scan") -> np.ndarray:
    """The picture; where nothing can be drawn the test is skipped."""
    with drawing():
        return slice_picture(volume, labels, title)


def panel(picture: np.ndarray, box: tuple[int, int, int, int]) -> np.ndarray:
    """The pixels of a box, without the words at its rim."""
    left, bottom, width, height = box
    return picture[
        HEIGHT - bottom - height + 30 : HEIGHT - bottom - 30, left + 30 : left + width - 30
    ]


def test_left_is_on_the_right_the_front_on_top_and_the_slices_go_down() -> None:
    labels = dentition()
    k, j, i = np.indices(labels.shape)
    picture = draw(labels.with_array((5 * i + 5 * j + 20 * k).astype(np.int16)), labels)
    assert picture.shape == (HEIGHT, WIDTH, 3)
    levels = []
    for box in AXIAL:
        pixels = panel(picture, box)
        across, down = pixels.mean(axis=(0, 2)), pixels.mean(axis=(1, 2))
        assert across[-60:].mean() > across[:60].mean() + 20
        assert down[-60:].mean() > down[:60].mean() + 20
        levels.append(pixels.mean())
    assert levels == sorted(levels, reverse=True)
    assert levels[0] > levels[-1] + 50


def test_a_scan_stored_with_other_axes_gives_the_same_picture() -> None:
    labels = dentition()
    grey = np.random.default_rng(0).integers(0, 1000, labels.shape).astype(np.int16)
    plain = draw(labels.with_array(grey), labels)
    # i to the back, j downwards, k to the patient's right.
    far = labels.index_to_lps @ [labels.shape[2] - 1, 0, labels.shape[0] - 1, 1]
    direction = np.array([[0, 0, -1], [1, 0, 0], [0, -1, 0]], float)

    def turned(array: np.ndarray) -> Volume:
        return Volume(
            array.transpose(2, 0, 1)[::-1, ::-1], labels.spacing, tuple(far[:3]), direction
        )

    other = draw(turned(grey.astype(">i2")), turned(labels.array))
    differs = (np.abs(plain.astype(int) - other) > 12).any(axis=2).mean()
    assert differs < 0.01


def test_teeth_are_tinted_and_outlined() -> None:
    labels = dentition()
    picture = draw(labels.with_array(np.zeros(labels.shape, np.int16)), labels)
    colourful = np.ptp(panel(picture, AXIAL[2]).astype(int), axis=2)
    assert (colourful > 90).sum() > 200  # outlines
    assert ((colourful > 5) & (colourful < 60)).sum() > 2000  # tints


def test_padding_does_not_wash_the_slices_out() -> None:
    labels = dentition()
    grey = np.random.default_rng(0).normal(0, 150, labels.shape).astype(np.int16)
    grey[labels.array > 0] += 1500
    _, j, i = np.indices(labels.shape)
    outside = np.hypot(j - 29.5, i - 35.5) > 32
    values = (-1000, -32768, 32767)
    plain, *padded = (
        draw(labels.with_array(np.where(outside, value, grey).astype(np.int16)), labels)
        for value in values
    )
    for drawn, box in itertools.product(padded, AXIAL):
        # The middle of the panel is within the cylinder.
        here, there = (
            panel(picture, box)[60:-60, 60:-60].astype(int) for picture in (plain, drawn)
        )
        assert np.abs(here - there).mean() < 12


def test_long_roots_are_seen_to_their_ends_along_the_arches() -> None:
    labels = dentition()
    k, j, i = (int(round(n)) for n in np.argwhere(labels.array == 13).mean(axis=0))
    low = int(np.argwhere(labels.array == 43).mean(axis=0)[0])
    long = np.pad(labels.array, ((20, 20), (0, 0), (0, 0)))
    long[k + 20 : k + 44, j - 1 : j + 2, i - 1 : i + 2] = 13
    k, j, i = (int(round(n)) for n in np.argwhere(labels.array == 33).mean(axis=0))
    long[low : low + 20, j - 1 : j + 2, i - 1 : i + 2] = 33
    picture = draw(Volume(np.zeros(long.shape, np.int16)), Volume(long))
    _, bottom, _, height = _ALONG
    strip = picture[HEIGHT - bottom - height : HEIGHT - bottom, 60 : WIDTH - 60].astype(int)
    coloured = (np.ptp(strip, axis=2) > 5).any(axis=1)
    assert not coloured[:8].any(), "the upper end is cut"
    assert not coloured[-8:].any(), "the lower end is cut"
    assert coloured[8:40].any()
    assert coloured[-40:-8].any()


def test_what_the_slices_are_is_said_once(monkeypatch: pytest.MonkeyPatch) -> None:
    words: list[str] = []
    write = Canvas.write
    monkeypatch.setattr(
        Canvas,
        "write",
        lambda self, *a, **options: (words.append(a[0]), write(self, *a, **options)),
    )
    labels = dentition()
    draw(labels.with_array(np.zeros(labels.shape, np.int16)), labels)
    assert words.count("Along the arches") == 1
    assert words.count("For research use, not a medical device.") == 1
    assert sum("mm above the middle of the teeth" in text for text in words) == 1
    assert sum(text.endswith(" mm") for text in words) == 7


def test_a_long_title_leaves_the_notice_alone() -> None:
    nothing = Volume(np.zeros((4, 4, 4), np.uint8))
    title = "CBCT_2024-03-11_maxilla_and_mandible_" * 3 + "axial_reconstruction.nrrd"
    short, long = (draw(nothing, nothing, words)[:72] for words in ("scan", title))
    np.testing.assert_array_equal(long[:, 1160:], short[:, 1160:])
    assert (long[:, 700:1160] < 100).any(), "the title is cut too short"


def test_a_scan_without_teeth_and_one_with_two() -> None:
    grey = np.random.default_rng(0).integers(0, 1000, dentition().shape).astype(np.int16)
    volume = dentition().with_array(grey)
    assert draw(volume, volume.with_array(np.zeros(grey.shape, np.uint8))).shape[2] == 3
    two = np.where(np.isin(dentition().array, (36, 37)), dentition().array, 0)
    assert np.ptp(draw(volume, volume.with_array(two)).astype(int), axis=2).max() > 60


def test_other_grids_are_refused() -> None:
    labels = dentition()
    with pytest.raises(ValueError, match="different grids"):
        slice_picture(Volume(labels.array, (2.0, 2.0, 2.0)), labels)
