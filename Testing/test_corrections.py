"""Corrections of numbers and of shapes, on small label maps whose right answer is known."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from ToothSegLib.editing import corrections, renumbering, splitting
from ToothSegLib.errors import InputError
from ToothSegLib.teeth import FDI_NUMBERS, LOWER_ARCH, UPPER_ARCH

SPACING = (0.5, 0.4, 0.6)  # x, y, z
STEPS = np.array(SPACING[::-1])


def ball(shape: tuple[int, ...], centre_mm: tuple[float, ...], radius_mm: float) -> np.ndarray:
    """A ball on a grid of `SPACING`; the centre is (x, y, z) mm from voxel (0, 0, 0)."""
    k, j, i = np.indices(shape) * STEPS[:, None, None, None]
    x, y, z = centre_mm
    return (i - x) ** 2 + (j - y) ** 2 + (k - z) ** 2 <= radius_mm**2


def two_balls(overlap_mm: float = 0.6, small: float = 2.0, large: float = 3.2) -> np.ndarray:
    """One label 16 of two balls in contact, the larger one at greater x."""
    labels = np.zeros((16, 24, 30), np.uint8)
    labels[ball(labels.shape, (3.0, 4.5, 4.5), small)] = 16
    labels[ball(labels.shape, (3.0 + small + large - overlap_mm, 4.5, 4.5), large)] = 16
    return labels


def row(*teeth: int) -> np.ndarray:
    """Teeth as blocks side by side."""
    labels = np.zeros((8, 8, 6 * len(teeth) + 6), np.uint8)
    for place, fdi in enumerate(teeth):
        labels[2:6, 2:6, 6 * place + 3 : 6 * place + 7] = fdi
    return labels


present_teeth = st.sets(st.sampled_from(FDI_NUMBERS), min_size=1, max_size=20)


class TestNumbers:
    def test_renumber_gives_the_one_tooth_that_changes(self) -> None:
        assert renumbering.renumber({11, 12}, 12, 13) == {12: 13}

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            (lambda: renumbering.renumber({11, 12}, 12, 11), "11 is taken: swap 12 and 11, or me"),
            (lambda: renumbering.renumber({11}, 12, 13), "no tooth 12"),
            (lambda: renumbering.renumber({11}, 11, 19), "19 is none of the 32 teeth: choose 1"),
            (lambda: renumbering.renumber({11}, 11, 11), "11 already"),
            (lambda: renumbering.swap({11}, 11, 11), "swapped with itself"),
            (lambda: renumbering.swap({11}, 11, 12), "no tooth 12 to swap with: renumber 11 to 12"),
            (lambda: renumbering.shift_quadrant({11, 12}, 1, -1), "^11 would leave the row"),
            (lambda: renumbering.shift_quadrant({46, 48}, 4, 1), "^48 would leave the row"),
            (lambda: renumbering.shift_quadrant({46}, 1, 1), "no teeth in quadrant 1 .upper right"),
            (lambda: renumbering.shift_quadrant({46}, 5, 1), "quadrant 5 does not exist"),
            (lambda: renumbering.shift_quadrant({46}, 4, 2), "not by 2"),
            (lambda: renumbering.renumber_from({35, 36, 38}, 35, 36), "^38 would leave the row"),
            (lambda: renumbering.renumber_from({33, 34, 35}, 35, 34), "34 is taken by a tooth th"),
            (lambda: renumbering.renumber_from({11, 12}, 11, 21), "21 is not in the quadrant of"),
            (lambda: renumbering.renumber_from({11, 12}, 11, 11), "11 already"),
            (lambda: renumbering.renumber_from({12}, 11, 12), "no tooth 11"),
        ],
    )
    def test_what_cannot_be_is_refused_in_one_line(
        self, change: Callable[[], object], words: str
    ) -> None:
        with pytest.raises(InputError, match=words) as caught:
            change()
        assert "\n" not in str(caught.value)

    def test_shift_moves_one_quadrant_distally_or_mesially(self) -> None:
        present = {21, 23, 24, 36, 13}
        assert renumbering.shift_quadrant(present, 2, 1) == {21: 22, 23: 24, 24: 25}
        assert renumbering.shift_quadrant(present, 3, -1) == {36: 35}

    def test_the_last_tooth_of_a_row_may_be_a_third_molar(self) -> None:
        assert renumbering.renumber({16, 17}, 17, 18) == {17: 18}
        assert renumbering.shift_quadrant({46, 47}, 4, 1) == {46: 47, 47: 48}
        assert renumbering.renumber_from({36, 37}, 36, 37) == {36: 37, 37: 38}
        with pytest.raises(InputError, match="18 is none of the 28 teeth: choose 11-17, 21-27"):
            renumbering.check_expected(18)

    def test_renumber_from_moves_the_distal_teeth_and_keeps_their_gaps(self) -> None:
        present = {41, 43, 45, 46, 36}
        assert renumbering.renumber_from(present, 43, 44) == {43: 44, 45: 46, 46: 47}
        assert renumbering.renumber_from(present, 43, 42) == {43: 42, 45: 44, 46: 45}

    @given(present_teeth, st.sampled_from((1, 2, 3, 4)), st.sampled_from((-1, 1)))
    def test_a_shift_is_whole_or_refused_and_its_reverse_undoes_it(
        self, present: set[int], quadrant: int, step: int
    ) -> None:
        try:
            mapping = renumbering.shift_quadrant(present, quadrant, step)
        except InputError:
            return
        assert set(mapping) == {fdi for fdi in present if fdi // 10 == quadrant}
        after = {mapping.get(fdi, fdi) for fdi in present}
        assert len(after) == len(present)
        assert after <= set(UPPER_ARCH + LOWER_ARCH)
        back = renumbering.shift_quadrant(after, quadrant, -step)
        assert {mapping[fdi]: fdi for fdi in mapping} == back

    @given(st.data(), present_teeth)
    def test_no_mapping_ever_merges_two_teeth(self, data: st.DataObject, present: set[int]) -> None:
        there = st.sampled_from(sorted(present))
        fdi = data.draw(there)  # of one that is not there all refuse
        new = data.draw(there | st.integers(fdi - 1, fdi + 1) | st.sampled_from(FDI_NUMBERS))
        for change in (renumbering.renumber, renumbering.swap, renumbering.renumber_from):
            try:
                mapping = change(present, fdi, new)
            except InputError:
                continue
            after = {mapping.get(number, number) for number in present}
            assert len(after) == len(present)
            assert {number // 10 for number in after if number not in present} <= {new // 10}

    def test_mapping_is_applied_to_all_teeth_at_once(self) -> None:
        labels = row(14, 15, 16)
        moved = corrections.renumbered(labels, {14: 15, 15: 16, 16: 17})
        assert np.array_equal(moved, row(15, 16, 17))
        assert np.array_equal(labels, row(14, 15, 16))

    def test_mapping_that_would_merge_is_refused(self) -> None:
        with pytest.raises(InputError, match="14 and 15 would both become 15"):
            corrections.renumbered(row(14, 15), {14: 15})


class TestMergeAndDelete:
    def test_merge_keeps_one_number_and_every_voxel(self) -> None:
        merged = corrections.merge(row(14, 15, 16, 17), 15, [16, 17])
        assert np.array_equal(merged, row(14, 15, 15, 15))

    def test_delete_takes_only_the_chosen(self) -> None:
        assert np.array_equal(corrections.delete(row(14, 15, 16), [14, 16]), row(0, 15, 0))

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            (lambda: corrections.merge(row(14, 15), 14, [14]), "14 alone"),
            (lambda: corrections.merge(row(14, 15), 14, [16]), "no tooth 16"),
            (lambda: corrections.delete(row(14), []), "no tooth is chosen"),
            (lambda: corrections.delete(row(14), [99]), "99 is none of the 32"),
            (lambda: corrections.keep_largest(row(14), [15]), "no tooth 15"),
            (lambda: corrections.smooth(row(14), [15], 0.5, SPACING), "no tooth 15"),
            (lambda: corrections.smooth(row(14), [14], 0.0, SPACING), "0 mm is no smoothing"),
            (lambda: corrections.smooth(row(14), [14], float("nan"), SPACING), "nan mm is no"),
            (lambda: corrections.smooth(row(14), [14], 9, SPACING), "at most 3 mm"),
        ],
    )
    def test_what_cannot_be_is_refused(self, change: Callable[[], object], words: str) -> None:
        with pytest.raises(InputError, match=words):
            change()


class TestKeepLargest:
    def test_crumbs_go_and_neighbours_stay(self) -> None:
        labels = row(14, 15)
        expected = labels.copy()
        labels[0, 0, 0] = 14
        labels[7, 7, 10:13] = 14
        labels[0, 7, 7] = 15  # a crumb of the neighbour, which is not chosen
        expected[0, 7, 7] = 15
        assert np.array_equal(corrections.keep_largest(labels, [14]), expected)

    def test_pieces_that_meet_at_a_corner_are_two(self) -> None:
        labels = np.zeros((4, 4, 4), np.uint8)
        labels[:2, :2, :2] = 11
        labels[2, 2, 2] = 11
        assert corrections.keep_largest(labels, [11]).sum() == 8 * 11


class TestSmooth:
    def test_a_spike_goes_and_a_pit_is_filled_at_the_same_volume(self) -> None:
        labels = np.zeros((20, 24, 24), np.uint8)
        labels[ball(labels.shape, (6, 5, 6), 4.0)] = 36
        body = labels == 36
        labels[10, 12, 20:24] = 36  # a spike
        labels[10, 12, 11] = 0  # a hole
        smoothed = corrections.smooth(labels, [36], 0.6, SPACING) == 36
        assert not smoothed[10, 12, 21:].any()
        assert smoothed[10, 12, 11]
        assert smoothed.sum() == pytest.approx((labels == 36).sum(), abs=4)
        assert (smoothed ^ body).sum() < 0.05 * body.sum()

    def test_it_never_touches_a_neighbour(self, rng: np.random.Generator) -> None:
        labels = np.zeros((16, 24, 24), np.uint8)
        labels[ball(labels.shape, (4, 5, 5), 3.0)] = 36
        # One neighbour in a notch, and grains that are no tooth, within and without.
        labels[ball(labels.shape, (7, 5, 5), 1.2)] = 37
        labels[rng.random(labels.shape) < 0.02] = 255
        smoothed = corrections.smooth(labels, [36], 1.0, SPACING)
        others = (labels != 36) & (labels != 0)
        assert np.array_equal(smoothed[others], labels[others])
        assert not np.array_equal(smoothed, labels)

    @given(st.integers(0, 2**27 - 1), st.floats(0.05, 3.0))
    def test_it_never_empties_a_tooth_nor_breaks_one(self, bits: int, mm: float) -> None:
        mask = np.array([bits >> place & 1 for place in range(27)], bool).reshape(3, 3, 3)
        mask[1, 1, 1] = True
        labels = np.pad(mask, 2).astype(np.uint8) * 11
        smoothed = corrections.smooth(labels, [11], mm, SPACING) == 11
        assert 0 < smoothed.sum() <= mask.sum()
        assert ndimage.label(smoothed)[1] <= ndimage.label(mask)[1]


class TestSplit:
    # Off the centres, and the small one near its rim: a click is seldom in the middle.
    small, large = (2.0, 4.0, 5.0), (9.5, 5.5, 3.0)

    @pytest.mark.parametrize("first_is_small", [True, False])
    def test_the_cut_lies_at_the_waist(self, first_is_small: bool) -> None:
        labels = two_balls()
        points = (self.small, self.large) if first_is_small else (self.large, self.small)
        parts = splitting.split(labels, 16, *points, 17, SPACING)
        assert np.array_equal(parts > 0, labels > 0)
        small = parts == (16 if first_is_small else 17)
        # The waist is between x = 4.4 and x = 5.0 mm, at the balls' common chord.
        i = np.nonzero(small)[2] * SPACING[0]
        assert 4.0 <= i.max() <= 5.0
        truth = ball(labels.shape, (3.0, 4.5, 4.5), 2.0)
        assert 2 * (small & truth).sum() / (small.sum() + truth.sum()) > 0.95

    @given(st.data())
    def test_both_parts_are_there_and_connected_wherever_one_clicks(
        self, data: st.DataObject
    ) -> None:
        labels = two_balls(overlap_mm=1.0)
        voxels = np.argwhere(labels)
        chosen = [data.draw(st.integers(0, len(voxels) - 1)) for _ in range(2)]
        if chosen[0] == chosen[1]:
            return
        points = [tuple(float(x) for x in (voxels[n] * STEPS)[::-1]) for n in chosen]
        parts = splitting.split(labels, 16, *points, 26, SPACING)
        for label, number in zip((16, 26), chosen):
            assert parts[tuple(voxels[number])] == label
            assert ndimage.label(parts == label)[1] == 1
        assert np.array_equal(parts > 0, labels > 0)

    def test_without_a_waist_the_nearer_point_wins(self) -> None:
        labels = np.zeros((12, 12, 24), np.uint8)
        labels[2:10, 2:10, 2:22] = 16
        parts = splitting.split(labels, 16, (3.5, 2.2, 3), (7.5, 2.2, 3), 17, SPACING)
        halves = [np.nonzero(parts == label)[2] * SPACING[0] for label in (16, 17)]
        assert halves[0].max() <= 6.0
        assert halves[1].min() >= 5.0

    def test_a_piece_apart_goes_to_the_nearer_part(self) -> None:
        labels = two_balls()
        labels[0, 0, 0] = labels[15, 23, 29] = 16
        parts = splitting.split(labels, 16, self.small, self.large, 17, SPACING)
        assert (parts[0, 0, 0], parts[15, 23, 29]) == (16, 17)

    def test_points_in_two_pieces_part_them(self) -> None:
        labels = row(16, 16)
        parts = splitting.split(labels, 16, (2, 1.6, 2), (5, 1.6, 2), 17, SPACING)
        assert np.array_equal(parts, row(16, 17))

    def test_a_click_just_beside_the_tooth_counts(self) -> None:
        labels = two_balls()
        parts = splitting.split(labels, 16, (0.2, 4.5, 4.5), (12.0, 4.5, 4.5), 17, SPACING)
        assert set(np.unique(parts)) == {0, 16, 17}

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            ((15, small, large, 17), "no tooth 15"),
            ((16, small, large, 16), "16 is taken"),
            ((16, small, large, 29), "29 is none of the 32"),
            ((16, small, (3.0, 4.5, 40.0), 17), "mm away from tooth 16"),
            ((16, small, (np.nan, 0, 0), 17), "away from tooth 16"),
            ((16, small, small, 17), "same voxel"),
        ],
    )
    def test_what_cannot_be_is_refused(self, arguments: tuple, words: str) -> None:
        with pytest.raises(InputError, match=words):
            splitting.split(two_balls(), *arguments, SPACING)


@pytest.mark.parametrize("axes", list(product((1, -1), repeat=3)))
def test_shapes_do_not_depend_on_the_way_the_axes_run(axes: tuple[int, ...]) -> None:
    flip = tuple(slice(None, None, axis) for axis in axes)
    labels = two_balls()
    extent = (np.array(labels.shape) - 1) * STEPS
    smoothed = corrections.smooth(labels[flip], [16], 0.5, SPACING)[flip]
    assert np.mean(smoothed != corrections.smooth(labels, [16], 0.5, SPACING)) < 2e-3
    points = []
    for point in (TestSplit.small, TestSplit.large):
        zyx = np.array(point[::-1])
        points.append(tuple(np.where(np.array(axes) < 0, extent - zyx, zyx)[::-1]))
    parts = splitting.split(labels[flip], 16, *points, 17, SPACING)[flip]
    expected = splitting.split(labels, 16, TestSplit.small, TestSplit.large, 17, SPACING)
    assert np.mean(parts != expected) < 2e-3
