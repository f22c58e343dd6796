"""Where DICOM volumes lie: by their own tags, or not at all."""

from __future__ import annotations

import math
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from dicom_fixture import (
    AXIAL,
    BETWEEN,
    CT,
    DETECTOR,
    ENHANCED_CT,
    INTERCEPT,
    MULTIFRAME_SC,
    OFFSETS,
    ORIENTATION,
    PADDING,
    PADDING_LIMIT,
    PER_FRAME,
    POSITION,
    SHARED,
    SLOPE,
    SPACING,
    THICKNESS,
    grey_values,
    groups,
    write_dicom,
    write_slices,
)
from ToothSegLib.errors import InputError
from ToothSegLib.formats.dicom_frames import frames_of
from ToothSegLib.volume_io import read_volume
from volume_fixture import refused

# Frames in one file


@pytest.mark.parametrize("kind", [CT, MULTIFRAME_SC, ENHANCED_CT])
@pytest.mark.parametrize("along", [THICKNESS, BETWEEN])
def test_the_size_of_frames_is_that_of_their_tags_in_every_kind(
    tmp_path: Path, kind: str, along: tuple[int, int]
) -> None:
    tags = {SPACING: (0.4, 0.3), along: 0.25, POSITION: (1, 2, 3), ORIENTATION: (0, 1, 0, 0, 0, -1)}
    volume = read_volume(write_dicom(tmp_path / "a.dcm", tags, kind=kind))
    assert volume.spacing == pytest.approx((0.3, 0.4, 0.25))
    assert volume.origin == pytest.approx((1, 2, 3))
    assert np.allclose(volume.direction.T, [(0, 1, 0), (0, 0, -1), (-1, 0, 0)])
    assert np.array_equal(volume.array, grey_values())


def test_the_distance_of_slices_counts_and_not_their_thickness(tmp_path: Path) -> None:
    tags = {SPACING: (0.3, 0.3), THICKNESS: 1.0, BETWEEN: 0.5}
    assert read_volume(write_dicom(tmp_path / "a.dcm", tags)).spacing[2] == 0.5


def enhanced(path: Path, shared: dict, each: list[dict], **more: object) -> Path:
    tags = {SHARED: [groups(shared)], PER_FRAME: [groups(frame) for frame in each]}
    return write_dicom(path, {**tags, **more}, kind=ENHANCED_CT)


def heights(*mm: float) -> list[dict]:
    return [{POSITION: (1, 2, z)} for z in mm]


@pytest.mark.parametrize("mm", [1.0, 0.3])
def test_frames_with_positions_of_their_own(tmp_path: Path, mm: float) -> None:
    each = heights(*(3 + mm * np.arange(6)))
    path = enhanced(tmp_path / "a.dcm", {SPACING: (mm, mm), ORIENTATION: AXIAL, BETWEEN: 9}, each)
    volume = read_volume(path)
    assert volume.spacing == pytest.approx((mm, mm, mm))
    assert volume.origin == pytest.approx((1, 2, 3))
    assert not volume.doubts
    assert np.array_equal(volume.array, grey_values())


def test_frames_stored_out_of_order_are_put_in_order(tmp_path: Path) -> None:
    each = heights(3, 5, 4, 6, 7, 8)
    path = enhanced(tmp_path / "a.dcm", {SPACING: (1, 1), ORIENTATION: AXIAL}, each)
    assert np.array_equal(read_volume(path).array, grey_values()[[0, 2, 1, 3, 4, 5]])


def test_measures_of_each_frame_that_are_alike_are_one(tmp_path: Path) -> None:
    each = [{**frame, SPACING: (0.3, 0.3), ORIENTATION: AXIAL} for frame in heights(*range(6))]
    volume = read_volume(enhanced(tmp_path / "a.dcm", {}, each))
    assert volume.spacing == pytest.approx((0.3, 0.3, 1))
    each[4][SPACING] = (0.3, 0.31)
    refused(enhanced(tmp_path / "b.dcm", {}, each), "frame 5 has another voxel size", "frame 1")
    each[4].update({SPACING: (0.3, 0.3), ORIENTATION: (-1, 0, 0, 0, 1, 0)})
    refused(enhanced(tmp_path / "c.dcm", {}, each), "frame 5 has another orientation", "frame 1")


def test_frames_that_are_scaled_differently_are_refused(tmp_path: Path) -> None:
    each = [{**frame, SLOPE: 1, INTERCEPT: -1000} for frame in heights(*range(6))]
    shared = {SPACING: (1, 1), ORIENTATION: AXIAL}
    assert read_volume(enhanced(tmp_path / "a.dcm", shared, each)).array.min() < -900
    each[2][SLOPE] = 2
    refused(enhanced(tmp_path / "b.dcm", shared, each), "scaled differently (RescaleSlope)")


PLACED = {POSITION: (1, 2, 3), ORIENTATION: AXIAL}


ODD = {
    BETWEEN: (0.3, 0.3),
    THICKNESS: (math.nan,),
    DETECTOR: (0.3,),
    PADDING: (1, 2),
    PADDING_LIMIT: (math.inf,),
}


@pytest.mark.parametrize("tag", ODD)
def test_an_odd_value_that_is_not_needed_is_passed_over(
    tmp_path: Path, tag: tuple[int, int]
) -> None:
    folder = write_slices(tmp_path / "s", {tag: ODD[tag]}, {})
    volume = read_volume(folder)
    assert volume.spacing == pytest.approx((0.3, 0.3, 0.3))
    assert np.array_equal(volume.array, grey_values(5))


@pytest.mark.parametrize("tag", [BETWEEN, THICKNESS])
def test_an_odd_value_that_is_needed_is_refused(tmp_path: Path, tag: tuple[int, int]) -> None:
    tags = {**PLACED, SPACING: (0.3, 0.3), THICKNESS: 0.3, tag: ODD[tag]}
    refused(write_dicom(tmp_path / "a.dcm", tags), "missing or no numbers; export it again")


def test_a_distance_of_slices_that_itk_chokes_on_is_named(tmp_path: Path) -> None:
    folder = write_slices(tmp_path / "s", {BETWEEN: (math.nan,)}, {})
    refused(folder, "slice0.dcm is damaged: element (0018,0088) is 'nan")


@pytest.mark.parametrize(
    ("tags", "words"),
    [
        ({**PLACED, THICKNESS: 0.3}, "PixelSpacing (0028,0030) is missing; export"),
        ({**PLACED, THICKNESS: 0.3, DETECTOR: (0.3, 0.3)}, "the size at the detector"),
        ({**PLACED, SPACING: (0.3, 0.3)}, "SpacingBetweenSlices (0018,0088) and SliceThickness"),
        ({**PLACED, SPACING: (0.3, 0.3), BETWEEN: 0}, "SpacingBetweenSlices (0018,0088) and"),
        ({**PLACED, SPACING: (0, 0.3), BETWEEN: 1}, "voxel size"),
        ({**PLACED, SPACING: 0.3, BETWEEN: 1}, "element (0028,0030) is '0.3"),
        ({ORIENTATION: (1, 0, 0, 1, 0, 0), SPACING: (1, 1), BETWEEN: 1}, "no directions at right"),
    ],
)
@pytest.mark.parametrize("kind", [CT, MULTIFRAME_SC, ENHANCED_CT])
def test_frames_without_a_size_are_refused(
    tmp_path: Path, tags: dict, words: str, kind: str
) -> None:
    refused(write_dicom(tmp_path / "a.dcm", tags, kind=kind), words)


def test_damaged_functional_groups(tmp_path: Path) -> None:
    shared = {SPACING: (1, 1), ORIENTATION: AXIAL}
    refused(enhanced(tmp_path / "a.dcm", shared, heights(1, 2, 3)), "6 frames", "places of 3")
    path = enhanced(tmp_path / "b.dcm", shared, heights(*range(6)))
    before, mark, after = path.read_bytes().partition(b"\x00\x52\x30\x92SQ\0\0\xff\xff\xff\xff")
    assert after[:4] == b"\xfe\xff\x00\xe0"
    path.write_bytes(before + mark + b"\xfe\xff\x01\xe0" + after[4:])  # no item begins so
    with pytest.raises(InputError, match="the places of its frames cannot be read"):
        frames_of(path, SimpleNamespace(HasMetaDataKey=lambda _key: False), 6)
    refused(path, "again")


def test_a_sequence_of_other_things_is_no_place_of_this_volume(tmp_path: Path) -> None:
    # Spacing and position of a referenced image.
    other = {(0x08, 0x1140): [{SPACING: (9, 9), POSITION: (9, 9, 9), THICKNESS: 9}]}
    tags = {**PLACED, SPACING: (0.3, 0.3), THICKNESS: 0.3, **other}
    volume = read_volume(write_dicom(tmp_path / "a.dcm", tags))
    assert volume.spacing == pytest.approx((0.3, 0.3, 0.3))
    refused(write_dicom(tmp_path / "b.dcm", {**PLACED, **other}), "PixelSpacing")


def test_frames_whose_side_is_not_told_are_doubted(tmp_path: Path) -> None:
    size = {SPACING: (0.3, 0.3), THICKNESS: 0.3}
    volume = read_volume(write_dicom(tmp_path / "a.dcm", size, kind=MULTIFRAME_SC))
    assert np.array_equal(volume.direction, np.eye(3))
    assert ["ImageOrientationPatient" in doubt for doubt in volume.doubts] == [True, False]
    one_place = write_dicom(tmp_path / "b.dcm", {**size, **PLACED}, kind=MULTIFRAME_SC)
    (doubt,) = read_volume(one_place).doubts
    assert "place of each frame" in doubt


@pytest.mark.parametrize("orientation", [AXIAL, (0, 1, 0, 0, 0, -1)])
@pytest.mark.parametrize("step", [0.25, -0.25])
def test_frames_lie_where_their_offsets_say(
    tmp_path: Path, orientation: tuple, step: float
) -> None:
    tags = {SPACING: (0.4, 0.3), THICKNESS: 9, POSITION: (1, 2, 3), ORIENTATION: orientation}
    offsets = tuple(step * n for n in range(6))
    volume = read_volume(write_dicom(tmp_path / "a.dcm", {**tags, OFFSETS: offsets}))
    assert not volume.doubts
    assert np.array_equal(volume.array, grey_values())
    normal = np.cross(orientation[:3], orientation[3:])
    assert volume.index_to_lps[:3, 2] == pytest.approx(normal * step)
    assert volume.origin == pytest.approx((1, 2, 3))
    refused(write_dicom(tmp_path / "b.dcm", {**tags, OFFSETS: offsets[1:]}), "(3004,000c) is '")


def test_offsets_may_be_heights_in_the_patient(tmp_path: Path) -> None:
    turned = (1, 0, 0, 0, -1, 0)
    tags = {SPACING: (0.4, 0.3), POSITION: (1, 2, 3), ORIENTATION: turned}
    offsets = {OFFSETS: tuple(3 + 0.25 * n for n in range(6))}
    volume = read_volume(write_dicom(tmp_path / "a.dcm", {**tags, **offsets}))
    assert volume.index_to_lps @ [0, 0, 5, 1] == pytest.approx([1, 2, 4.25, 1])


def test_a_negative_distance_of_frames_is_taken_backwards_and_told(tmp_path: Path) -> None:
    tags = {**PLACED, SPACING: (0.4, 0.3), BETWEEN: -0.25, THICKNESS: 9}
    volume = read_volume(write_dicom(tmp_path / "a.dcm", tags))
    assert volume.index_to_lps @ [0, 0, 4, 1] == pytest.approx([1, 2, 2, 1])
    (doubt,) = volume.doubts
    assert "SpacingBetweenSlices (0018,0088) is negative" in doubt


# Slices in files of their own


def test_slices_that_go_together_are_read(tmp_path: Path) -> None:
    volume = read_volume(write_slices(tmp_path / "s", {}, {3: {SPACING: (0.30002, 0.3)}}))
    assert volume.spacing == pytest.approx((0.3, 0.3, 0.3))
    assert volume.origin == pytest.approx((1, 2, 3))
    assert np.array_equal(volume.array, grey_values(5))
    assert not volume.doubts


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({ORIENTATION: (-1, 0, 0, 0, -1, 0)}, "another orientation (ImageOrientationPatient)"),
        ({ORIENTATION: (-1, 0, 0, 0, 1, 0)}, "another orientation (ImageOrientationPatient)"),
        ({ORIENTATION: None}, "another orientation (ImageOrientationPatient)"),
        ({SPACING: (0.3, 0.32)}, "another voxel size (PixelSpacing)"),
    ],
)
def test_a_slice_that_does_not_go_with_the_others_is_named(
    tmp_path: Path, changed: dict, words: str
) -> None:
    refused(write_slices(tmp_path / "s", {}, {3: changed}), "slice3.dcm", words, "slice0.dcm")


def test_a_slice_of_another_size_is_named(tmp_path: Path) -> None:
    folder = write_slices(tmp_path / "s", {}, {})
    tags = {POSITION: (1, 2, 3.6), ORIENTATION: AXIAL, SPACING: (0.3, 0.3)}
    write_dicom(folder / "slice2.dcm", tags, array=np.zeros((7, 9)), number=3)
    refused(folder, "slice2.dcm has 9 x 7 x 1 voxels", "8 x 7 x 1")


def test_a_file_of_several_frames_among_others_is_named(tmp_path: Path) -> None:
    folder = write_slices(tmp_path / "s", {}, {})
    tags = {POSITION: (1, 2, 3.6), ORIENTATION: AXIAL, SPACING: (0.3, 0.3), BETWEEN: 0.3}
    write_dicom(folder / "slice2.dcm", tags, number=3)
    refused(folder, "slice2.dcm holds 6 frames", "5 files")


def test_a_slice_beside_the_others_is_named(tmp_path: Path) -> None:
    beside = {2: {POSITION: (1, 2.4, 3.6)}}
    refused(write_slices(tmp_path / "s", {}, beside), "slice2.dcm lies 0.4 mm beside the row")
    tilted = {number: {POSITION: (1, 2 + number / 10, 3 + 0.3 * number)} for number in range(5)}
    volume = read_volume(write_slices(tmp_path / "t", {}, tilted))
    assert volume.index_to_lps @ [0, 0, 4, 1] == pytest.approx([1, 2.4, 4.2, 1])


@pytest.mark.parametrize("nowhere", [(0, 1, 2, 3, 4), (2,)])
def test_slices_without_a_position_are_refused(tmp_path: Path, nowhere: tuple) -> None:
    folder = write_slices(tmp_path / "s", {}, dict.fromkeys(nowhere, {POSITION: None}))
    message = refused(folder, "ImagePositionPatient (0020,0032) is missing")
    assert f"slice{nowhere[0]}.dcm" in message


def test_slices_with_the_size_at_the_detector_alone_are_refused(tmp_path: Path) -> None:
    tags = {SPACING: None, DETECTOR: (0.3, 0.3)}
    refused(write_slices(tmp_path / "s", tags, {}), "PixelSpacing", "the size at the detector")


def test_slices_without_an_orientation_are_doubted(tmp_path: Path) -> None:
    (doubt,) = read_volume(write_slices(tmp_path / "s", {ORIENTATION: None}, {})).doubts
    assert "ImageOrientationPatient" in doubt


@pytest.mark.parametrize("slopes", [(1, 0.5), (0.5, 1), (0.25, 3), (1, 600)])
def test_each_slice_is_scaled_by_its_own_slope(tmp_path: Path, slopes: tuple) -> None:
    usual, other = slopes
    folder = write_slices(
        tmp_path / "s", {SLOPE: usual, INTERCEPT: 0}, {3: {SLOPE: other, INTERCEPT: -7.5}}
    )
    expected = grey_values(5).astype(float) * usual
    expected[3] = grey_values(5)[3] * float(other) - 7.5
    assert np.allclose(read_volume(folder).array, expected)


def test_a_fractional_slope_of_all_slices_loses_nothing(tmp_path: Path) -> None:
    folder = write_slices(tmp_path / "s", {SLOPE: 0.5, INTERCEPT: 0}, {})
    assert np.allclose(read_volume(folder).array, grey_values(5) * 0.5)


def rounded(mm: float, decimals: int, count: int = 30) -> dict:
    return {n: {POSITION: (1, 2, round(3 + mm * n, decimals))} for n in range(count)}


@pytest.mark.parametrize(("mm", "decimals"), [(0.075, 2), (0.076, 2), (0.25, 1), (0.4, 1)])
def test_positions_that_are_rounded_in_the_header_are_an_even_row(
    tmp_path: Path, mm: float, decimals: int
) -> None:
    folder = write_slices(tmp_path / "s", {}, rounded(mm, decimals), 30)
    assert read_volume(folder).spacing[2] == pytest.approx(mm, rel=0.01)
    (folder / "slice7.dcm").unlink()
    refused(folder, "are missing", "between slice6.dcm and slice8.dcm")


@pytest.mark.parametrize(
    "heights", [(0, 1, 3), (0, 1, 3, 4), (0, 2, 3, 4), (0, 1, 3, 4, 6, 7), (0, 1, 2, 12, 13, 14)]
)
def test_a_slice_missing_among_few_is_seen(tmp_path: Path, heights: tuple) -> None:
    changed = {n: {POSITION: (1, 2, 0.3 * mm)} for n, mm in enumerate(heights)}
    refused(write_slices(tmp_path / "s", {}, changed, len(heights)), "slices that are missing")


def test_slices_further_apart_the_higher_they_lie_are_no_even_row(tmp_path: Path) -> None:
    heights = np.cumsum(np.linspace(0.27, 0.33, 30))
    changed = {n: {POSITION: (1, 2, round(mm, 3))} for n, mm in enumerate(heights)}
    refused(write_slices(tmp_path / "s", {}, changed, 30), "0.272 to 0.33 mm apart")


@pytest.mark.parametrize("step", [0.3, 0])
def test_slices_that_lie_double_are_named(tmp_path: Path, step: float) -> None:
    heights = {n: {POSITION: (1, 2, 3 + step * n)} for n in range(5)}
    folder = write_slices(tmp_path / "s", {}, heights)
    if not step:
        refused(folder, "has all its 5 slices at one place (ImagePositionPatient")
        return
    for path in sorted(folder.iterdir()):
        (folder / f"{path.stem} - Copy.dcm").write_bytes(path.read_bytes())
    refused(folder, "lie double: slice0 - Copy.dcm and slice0.dcm are 0 mm apart", "take copies")


@pytest.mark.parametrize("mm", [float("nan"), float("inf"), 1e300])
def test_a_position_that_is_no_number_is_refused(tmp_path: Path, mm: float) -> None:
    refused(write_slices(tmp_path / "s", {}, {2: {POSITION: (1, 2, mm)}}), "(0020,0032) is '1")
