"""Padding, grey values, turns, pieces and categories of the article."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ToothSegLib.errors import InputError
from ToothSegLib.teeth import CATEGORIES, CLASS_TO_FDI, by_fdi
from ToothSegLib.training.preparation import (
    category_splitter,
    fdi_to_class,
    join_pieces,
    normalise,
    pad_to_multiple,
    padding,
    piece_starts,
    turn,
    turn_angles,
)
from ToothSegLib.training.turned_scan import turned_scans


def test_the_articles_scan_is_padded_to_its_size():
    before_after = padding((163, 112, 120))
    assert before_after == [(2, 3), (4, 4), (0, 0)]
    padded = [n + sum(pair) for n, pair in zip((163, 112, 120), before_after, strict=True)]
    assert padded == [168, 120, 120]


@given(
    shape=st.tuples(*[st.integers(1, 9)] * 3),
    multiple=st.sampled_from([1, 2, 4, 8]),
)
def test_padding_reaches_the_next_multiple_around_the_untouched_array(shape, multiple):
    array = np.arange(np.prod(shape), dtype=np.int16).reshape(shape) - 5
    padded = pad_to_multiple(array, multiple)
    for size, new in zip(shape, padded.shape, strict=True):
        assert new % multiple == 0
        assert size <= new < size + multiple
    inner = tuple(
        slice(before, before + size)
        for (before, _), size in zip(padding(shape, multiple), shape, strict=True)
    )
    assert (padded[inner] == array).all()
    assert padded.dtype == array.dtype
    assert padded.sum() == array.sum() - 5 * (padded.size - array.size)


def test_labels_are_padded_with_the_given_value():
    assert pad_to_multiple(np.full((2, 2, 2), 7), 4, 0).sum() == 7 * 8


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float32])
def test_grey_values_reach_from_zero_to_one(dtype):
    image = normalise(np.array([[[10, 20, 50]]], dtype))
    assert image.dtype == np.float32
    assert image.ravel().tolist() == pytest.approx([0, 0.25, 1])


def test_a_flat_image_is_zero_and_one_with_holes_is_refused():
    assert (normalise(np.full((2, 2, 2), 3)) == 0).all()
    for hole in (np.nan, np.inf):
        with pytest.raises(InputError, match="not finite"):
            normalise(np.array([0.0, hole]))


def test_nine_turns_of_twenty_degrees_and_none():
    assert turn_angles() == (0, 20, 40, 60, 80, 100, 120, 140, 160, 180)


def test_a_turn_is_about_the_vertical_axis_from_x_towards_y():
    array = np.zeros((3, 9, 9), np.uint8)
    array[1, 4, 7] = 11  # at +x of the centre
    quarter = turn(array, 90, labels=True)
    assert np.argwhere(quarter).tolist() == [[1, 7, 4]]  # at +y, in the same slice
    assert np.argwhere(turn(array, 180, labels=True)).tolist() == [[1, 4, 1]]


def test_labels_keep_their_values_and_images_do_not_leave_their_range():
    rng = np.random.default_rng(0)
    labels = rng.choice([0, 11, 47], (4, 12, 12)).astype(np.uint8)
    image = rng.random((4, 12, 12), np.float32)
    assert set(np.unique(turn(labels, 20, labels=True))) <= {0, 11, 47}
    turned = turn(image, 20)
    assert turned.dtype == np.float32
    assert turned.min() >= 0
    assert turned.max() <= 1


def test_corners_that_turn_into_view_are_air():
    assert turn(np.ones((1, 8, 8), np.float32), 45)[0, 0, 0] == 0


def test_the_articles_volume_makes_three_thick_or_seven_thin_pieces():
    assert piece_starts(168, 72) == [0, 48, 96]
    assert piece_starts(168, 24) == [24 * n for n in range(7)]


@given(length=st.integers(1, 60), data=st.data())
def test_pieces_cover_every_slice_and_are_as_few_as_can_be(length, data):
    thickness = data.draw(st.integers(1, length))
    starts = piece_starts(length, thickness)
    covered = {s for start in starts for s in range(start, start + thickness)}
    assert covered == set(range(length))
    assert len(starts) == -(-length // thickness)


@pytest.mark.parametrize("thickness", [0, 11])
def test_a_piece_thicker_than_the_volume_is_refused(thickness):
    with pytest.raises(ValueError, match="cannot be cut from 10"):
        piece_starts(10, thickness)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_pieces_join_to_what_they_were_cut_from(axis):
    array = np.random.default_rng(0).random((7, 7, 7), np.float32)
    starts = piece_starts(7, 3)
    pieces = [array.take(range(start, start + 3), axis) for start in starts]
    np.testing.assert_allclose(join_pieces(pieces, starts, 7, axis), array, rtol=1e-6)


def test_where_pieces_overlap_their_mean_is_taken():
    joined = join_pieces([np.zeros((2, 1), np.float32), np.ones((2, 1), np.float32)], [0, 1], 3, 0)
    assert joined.ravel().tolist() == [0, 0.5, 1]


def test_each_class_gets_the_category_of_its_tooth():
    classes = fdi_to_class(np.array(CLASS_TO_FDI))
    assert classes.tolist() == list(range(29))
    expected = [0, *(by_fdi(fdi).category for fdi in CLASS_TO_FDI[1:])]
    assert category_splitter(classes).tolist() == expected
    assert max(expected) == len(CATEGORIES) == 8


def test_third_molars_are_background_and_other_numbers_are_refused():
    assert fdi_to_class(np.array([18, 28, 38, 48])).tolist() == [0, 0, 0, 0]
    for strange in (19, 51, 99, -11, 300, 11.5):
        with pytest.raises(InputError, match=str(strange)):
            fdi_to_class(np.array([0, 11, strange]))


def test_class_indices_out_of_range_are_refused():
    for strange in (29, -1):
        with pytest.raises(InputError, match="0 to 28"):
            category_splitter(np.array([0, strange]))


@pytest.fixture
def scan():
    rng = np.random.default_rng(0)
    image = rng.integers(-1000, 2000, (5, 12, 10)).astype(np.int16)
    labels = np.zeros(image.shape, np.uint8)
    labels[1:4, 4:8, 3:5] = 11
    labels[1:4, 4:8, 5:7] = 36
    return image, labels


def test_a_scan_becomes_ten_volumes_of_the_next_multiple(scan):
    scans = turned_scans(*scan, multiple=8)
    assert [turned.degrees for turned in scans] == [20 * n for n in range(10)]
    for turned in scans:
        assert turned.image.shape == turned.categories.shape == (8, 16, 16)
        assert set(np.unique(turned.categories)) == {0, 1, 8}
        assert turned.image.min() >= 0
        assert turned.image.max() <= 1
    assert (scans[0].categories > 0).sum() == (scan[1] > 0).sum()
    # Half a turn goes back to where it came from once it is turned by half again.
    half = scans[9].categories[:, ::-1, ::-1]
    assert (half == scans[0].categories).all()


def test_a_mask_leaves_nothing_outside_itself(scan):
    first = turned_scans(*scan, turns=0, multiple=8)[0]
    masked = first.masked(first.teeth)
    assert (masked.image[~first.teeth] == 0).all()
    assert (masked.image[first.teeth] == first.image[first.teeth]).all()


def test_labels_of_another_scan_or_without_teeth_are_refused(scan):
    image, labels = scan
    with pytest.raises(InputError, match="labels of this image"):
        turned_scans(image, labels[1:])
    with pytest.raises(InputError, match="nothing to learn"):
        turned_scans(image, np.where(labels > 0, 18, 0))
