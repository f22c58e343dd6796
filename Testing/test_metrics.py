"""Measures against a truth, on regions whose figures are known beforehand."""

from __future__ import annotations

import json
import math
import tracemalloc

import numpy as np
import pytest

from ToothSegLib.errors import InputError
from ToothSegLib.evaluation.distances import root_end, surface_distances
from ToothSegLib.evaluation.metrics import evaluate
from ToothSegLib.evaluation.resample import resample_labels
from ToothSegLib.evaluation.scores import Rates, as_dict
from ToothSegLib.evaluation.table import as_table
from ToothSegLib.volume import Volume

SPACING = (0.5, 0.4, 0.3)


def blocks(**places: tuple[slice, slice, slice]) -> Volume:
    """A label map with a block for each tooth, such as t11=(slice, slice, slice) in (k, j, i)."""
    array = np.zeros((20, 20, 40), np.uint8)
    for name, place in places.items():
        array[place] = int(name[1:])
    return Volume(array, SPACING)


def block(start: int, *, k: tuple[int, int] = (5, 15), width: int = 8) -> tuple[slice, ...]:
    """A block of 10 x 10 x 8 voxels that begins at i = start."""
    return slice(*k), slice(5, 15), slice(start, start + width)


TRUTH = blocks(t11=block(2), t21=block(12), t36=block(24))


def test_a_perfect_result() -> None:
    result = evaluate(TRUTH, TRUTH)
    assert [score.fdi for score in result.teeth] == [11, 21, 36]
    assert all(score.dice == score.iou == 1 for score in result.teeth)
    assert result.mean("assd") == result.mean("hd95") == result.mean("signed_distance") == 0
    assert result.identification.f1 == result.detection.f1 == result.category_accuracy == 1
    assert (result.missed, result.extra, result.misnumbered) == ([], [], {})
    assert result.teeth[0].truth_mm3 == pytest.approx(800 * 0.5 * 0.4 * 0.3)


def test_overlap_of_a_shifted_block() -> None:
    # Half of the block is right: Dice 1/2, IoU 1/3.
    result = evaluate(blocks(t11=block(6)), blocks(t11=block(2)))
    assert result.teeth[0].dice == pytest.approx(0.5)
    assert result.teeth[0].iou == pytest.approx(1 / 3)
    assert result.identification.matched == 0


def test_comparing_takes_a_few_bytes_a_voxel() -> None:
    truth = np.zeros((120, 120, 120), np.uint8)
    truth[:10, :10, :10], truth[-10:, -10:, -10:] = 11, 36  # so that little can be cropped
    prediction = np.roll(truth, 2, axis=2)
    prediction[:, :, :2] = 0
    tracemalloc.start()
    try:
        result = evaluate(Volume(prediction), Volume(truth))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 6 * truth.size
    assert result.teeth[0].dice == pytest.approx(2 * 800 / (1000 + 1000))
    assert result.teeth[1].dice == pytest.approx(2 * 800 / (1000 + 800))


def test_a_missed_tooth_counts_as_dice_nought_and_not_in_the_distances() -> None:
    result = evaluate(blocks(t11=block(2), t21=block(12)), TRUTH)
    assert result.missed == [36]
    assert result.mean("dice") == pytest.approx(2 / 3)
    assert result.mean("assd") == 0
    assert math.isnan(result.teeth[2].assd)
    assert (result.identification.precision, result.identification.recall) == (1, 2 / 3)
    assert result.identification.f1 == pytest.approx(0.8)
    assert result.foreground_dice == pytest.approx(2 * 1600 / (1600 + 2400))


def test_an_extra_tooth_is_named_and_costs_precision() -> None:
    result = evaluate(TRUTH, blocks(t11=block(2), t21=block(12)))
    assert result.extra == [36]
    assert result.identification.precision == pytest.approx(2 / 3)
    assert result.identification.recall == 1


def test_wrong_numbers_are_found_teeth_but_not_identified() -> None:
    # 11 and 21 swapped, 36 called 46: found, of the right category, wrongly numbered.
    result = evaluate(blocks(t21=block(2), t11=block(12), t46=block(24)), TRUTH)
    assert result.detection.f1 == 1
    assert result.identification.f1 == 0
    assert result.category_accuracy == 1
    assert result.misnumbered == {21: 11, 11: 21, 46: 36}
    assert evaluate(blocks(t13=block(2)), TRUTH).category_accuracy == 0


def test_iou_of_exactly_a_half_is_a_match() -> None:
    result = evaluate(blocks(t11=block(2, width=4)), blocks(t11=block(2)))
    assert result.teeth[0].iou == 0.5
    assert result.identification.matched == result.detection.matched == 1


def test_each_tooth_is_matched_once() -> None:
    # The truth's one tooth was cut in two; each half has IoU 1/2 with it.
    halves = blocks(t11=block(2, width=4), t12=block(6, width=4))
    result = evaluate(halves, blocks(t11=block(2)))
    assert len(result.matches) == 1
    assert result.detection.precision == 0.5


def test_third_molars_are_background_on_both_sides() -> None:
    with_wisdom = blocks(t11=block(2), t21=block(12), t36=block(24), t38=block(34, width=4))
    result = evaluate(with_wisdom, TRUTH)
    assert (result.extra, result.foreground_dice) == ([], 1)
    # A third molar passed off as a second one is an extra tooth.
    wrong = blocks(t11=block(2), t21=block(12), t36=block(24), t37=block(34, width=4))
    assert evaluate(wrong, with_wisdom).extra == [37]


def test_nothing_to_compare_has_no_figures_and_no_crash() -> None:
    empty = Volume(np.zeros((4, 4, 4), np.uint8))
    result = evaluate(empty, empty)
    assert result.teeth == []
    assert math.isnan(result.mean("dice"))
    assert math.isnan(result.identification.f1)
    assert math.isnan(result.foreground_dice)
    assert json.loads(json.dumps(as_dict(result), allow_nan=False))["mean"]["dice"] is None
    assert "mean of 0 teeth" in as_table(result)


def test_distances_of_parallel_faces_are_in_millimetres_of_each_axis() -> None:
    # Thin plates across k, j and i, three voxels apart.
    for axis, step in ((0, 0.3), (1, 0.4), (2, 0.5)):
        first, second = np.zeros((2, 16, 16, 16), bool)
        np.moveaxis(first, axis, 0)[4] = True
        np.moveaxis(second, axis, 0)[7] = True
        distances = surface_distances(second, first, np.diag(SPACING))
        assert distances["assd"] == pytest.approx(3 * step)
        assert distances["hd95"] == pytest.approx(3 * step)


def test_distances_on_the_grid_of_a_tilted_gantry_are_those_in_space() -> None:
    tilt = np.radians(25)
    direction = np.eye(3)
    direction[:, 2] = [0, np.sin(tilt), np.cos(tilt)]
    array = np.zeros((20, 40, 40), np.uint8)
    first, second = array.copy(), array.copy()
    first[6, 4:36, 4:36] = second[10, 4:36, 4:36] = 11
    plates = (Volume(plate, 0.5, (0, 0, 0), direction) for plate in (first, second))
    (score,) = evaluate(*plates).teeth
    # Four slices along the slanted axis are 2 mm, but the plates are nearer to each other.
    assert score.assd == pytest.approx(2 * np.cos(tilt), rel=0.03)
    assert score.hd95 < 2


@pytest.mark.parametrize(("grown", "sign"), [(1, 1), (-1, -1)])
def test_signed_distance_tells_thick_from_thin(grown: int, sign: int) -> None:
    true, predicted = np.zeros((2, 20, 20, 20), bool)
    true[5:15, 5:15, 5:15] = True
    predicted[5 - grown : 15 + grown, 5 - grown : 15 + grown, 5 - grown : 15 + grown] = True
    distances = surface_distances(predicted, true, 0.4 * np.eye(3))
    assert distances["signed_distance"] == pytest.approx(sign * 0.4, abs=0.06)
    swapped = surface_distances(true, predicted, 0.4 * np.eye(3))
    assert swapped["signed_distance"] == pytest.approx(-distances["signed_distance"])
    assert swapped["assd"] == pytest.approx(distances["assd"])


@pytest.mark.parametrize(("upper", "up"), [(True, True), (False, False), (True, False)])
def test_a_root_that_ends_short_is_told_and_a_crown_is_none(upper: bool, up: bool) -> None:
    true = np.zeros((30, 12, 12), bool)
    true[4:26, 4:8, 4:8] = True
    predicted = true.copy()
    predicted[22:] = False  # at the upper end
    if not up:
        predicted = predicted[::-1]
        true = true[::-1]
    end = root_end(predicted, true, 0.5 * np.eye(3), upper=upper)
    assert end == pytest.approx(-2.0 if upper == up else 0.0)
    assert root_end(true, predicted, 0.5 * np.eye(3), upper=upper) == pytest.approx(-end)


def test_of_what_is_wider_than_high_no_end_is_the_roots() -> None:
    crown = np.ones((12, 20, 24), bool)
    assert np.isnan(root_end(crown, crown, 0.5 * np.eye(3), upper=False))


def test_hd95_is_the_worse_of_both_directions() -> None:
    true = np.zeros((12, 12, 60), bool)
    true[3:9, 3:9, 2:10] = True
    predicted = true.copy()
    predicted[3:9, 3:9, 10:40] = True  # a long spur: far from the truth, but not the other way
    assert surface_distances(predicted, true, np.eye(3))["hd95"] > 20
    assert surface_distances(true, predicted, np.eye(3))["hd95"] > 20


def test_a_tooth_at_the_edge_of_the_array_has_a_surface_there() -> None:
    full = np.ones((6, 6, 6), bool)
    part = full.copy()
    part[:, :, :3] = False
    assert surface_distances(part, full, np.eye(3))["assd"] > 0.5


@pytest.mark.parametrize("value", [9, 19, 48.5, 51, 255, -1, np.nan])
def test_a_label_that_is_no_tooth_is_refused(value: float) -> None:
    array = np.zeros((3, 3, 3))
    array[0, 0, 0] = value
    with pytest.raises(InputError, match="not the FDI number"):
        evaluate(Volume(array), Volume(np.zeros((3, 3, 3), np.uint8)))


def test_other_grids_are_refused() -> None:
    moved = Volume(TRUTH.array, SPACING, (0.0, 0.11, 0.0))
    with pytest.raises(InputError, match="grids differ"):
        evaluate(moved, TRUTH)
    nearly = Volume(TRUTH.array, SPACING, (0.0, 0.09, 0.0))
    assert evaluate(nearly, TRUTH).mean("dice") == 1


def test_grids_that_differ_in_place_alone_are_told_apart() -> None:
    same = "both have 40x20x20 voxels of 0.5x0.4x0.3 mm"
    # Turned about in its own place, along x: the first voxel lies where the last one should.
    flipped = Volume(TRUTH.array, SPACING, (39 * 0.5, 0, 0), np.diag([-1.0, 1.0, 1.0]))
    with pytest.raises(InputError, match=f"{same}, but .* up to 19.5 mm apart"):
        evaluate(flipped, TRUTH)
    coarse = Volume(TRUTH.array, (0.5, 0.4, 0.6))
    with pytest.raises(InputError, match="prediction .*0.6 mm, truth .*0.3 mm; resample"):
        evaluate(coarse, TRUTH)


def test_labels_come_back_from_another_axis_order_and_a_crop() -> None:
    # The same voxels stored with other axes: i down, j to the right, k backwards; and cropped.
    array = TRUTH.array[::-1].transpose(1, 2, 0)[4:16]
    origin = TRUTH.index_to_lps @ [0, 4, 19, 1]
    direction = np.array([[0, 1, 0], [0, 0, 1], [-1, 0, 0]], float)
    other = Volume(array, (0.3, 0.5, 0.4), tuple(origin[:3]), direction)
    back = resample_labels(other, TRUTH)
    assert back.same_grid(TRUTH)
    np.testing.assert_array_equal(back.array, TRUTH.array)


def test_labels_from_another_place_are_refused() -> None:
    far = Volume(TRUTH.array, SPACING, (500.0, 0.0, 0.0))
    with pytest.raises(InputError, match="different places"):
        resample_labels(far, TRUTH)


def test_table_and_json_say_the_same() -> None:
    result = evaluate(blocks(t11=block(2), t12=block(12), t48=block(30)), TRUTH)
    table, figures = as_table(result), as_dict(result)
    assert figures["missed"] == [21, 36]
    assert "missed               21, 36" in table
    assert "wrong number         12 is 21" in table
    assert figures["misnumbered"] == [{"predicted": 12, "true": 21}]
    assert figures["mean"]["dice"] == pytest.approx(1 / 3, abs=1e-4)
    assert "mean of 3 teeth                   0.333" in table


def test_rates_of_several_scans_are_of_all_their_teeth_together() -> None:
    assert Rates.of_all([Rates(3, 4, 5), Rates(0, 1, 0)]) == Rates(3, 5, 5)
    assert Rates.of_all([Rates(3, 4, 5), Rates(0, 1, 0)]).f1 == pytest.approx(0.6)
    assert math.isnan(Rates.of_all([]).f1)
