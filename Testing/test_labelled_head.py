"""Cases of a real head that is known by a map of bone and teeth only."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from ToothSegLib.errors import InputError
from ToothSegLib.report import Segmentation
from ToothSegLib.synthesis import labelled_head, tissues
from ToothSegLib.synthesis.case import load_case
from ToothSegLib.synthesis.labelled_head import around_the_teeth, head_case, plain_picture
from ToothSegLib.volume import Volume
from ToothSegLib.volume_io import write_volume

SIZE = (60, 70, 80)
PLACES = {46: 20, 45: 34, 35: 50, 36: 64}  # FDI number: i of the middle


def the_map() -> Volume:
    """A straight lower jaw with four round teeth, hollow as DentalSegmentator leaves it."""
    k, j, i = np.indices(SIZE)
    codes = np.zeros(SIZE, np.uint8)
    codes[(k > 8) & (k < 34) & (np.abs(j - 35) < 14)] = 2
    codes[(k > 14) & (k < 28) & (np.abs(j - 35) < 8) & (i > 4) & (i < 76)] = 0
    for at in PLACES.values():
        codes[(k > 20) & (k < 48) & (np.hypot(j - 35, i - at) < 6)] = 4
    return Volume(codes, (0.5, 0.5, 0.5), (3.0, -4.0, 5.0), np.eye(3))


def numbers_of(labels: Volume) -> np.ndarray:
    """What a bundle finds: the middles of the teeth with their numbers."""
    _, j, i = np.indices(labels.shape)
    found = np.zeros(labels.shape, np.uint8)
    for fdi, at in PLACES.items():
        found[(np.hypot(j - 35, i - at) < 4) & (labels.array == 4)] = fdi
    return found


def test_every_voxel_of_a_tooth_goes_to_the_one_found_there() -> None:
    labels = the_map()
    case = head_case(labels, numbers_of(labels), "jaw")
    assert sorted(case.centres) == sorted(PLACES)
    _, _, i = np.indices(SIZE)
    teeth = labels.array == 4
    assert ((case.labels > 0) == teeth).mean() > 0.99
    for fdi, at in PLACES.items():
        assert np.abs(i[case.labels == fdi] - at).max() <= 6
        assert case.centres[fdi][0] == pytest.approx(3.0 + 0.5 * at, abs=0.3)


def test_roots_stand_in_bone_and_crowns_do_not() -> None:
    labels = the_map()
    case = head_case(labels, numbers_of(labels), "jaw")
    assert case.detail is not None
    k, _, _ = np.indices(SIZE)
    bone = np.isin(case.detail.outside, (tissues.TRABECULAR, tissues.CORTICAL))
    rim = np.abs(case.detail.surface) <= 25
    assert bone[rim & (k < 30)].mean() > 0.95
    assert bone[rim & (k > 40)].mean() < 0.05
    assert (case.tissue[(case.labels > 0) & (k > 44)] == tissues.ENAMEL).any()
    assert (case.tissue[case.labels > 0] == tissues.PULP).any()


def test_marrow_that_the_map_leaves_out_is_bone() -> None:
    labels = the_map()
    case = head_case(labels, numbers_of(labels), "jaw")
    assert case.tissue[18, 35, 27] == tissues.TRABECULAR
    assert labels.array[18, 35, 27] == 0


def test_chance_takes_teeth_away_whole() -> None:
    labels = the_map()
    numbers = numbers_of(labels)
    cases = [head_case(labels, numbers, "jaw", np.random.default_rng(n)) for n in range(4)]
    kept = [set(case.centres) for case in cases]
    assert any(teeth < set(PLACES) for teeth in kept)
    for case, teeth in zip(cases, kept, strict=True):
        for fdi in set(PLACES) - teeth:
            assert not (case.tissue[:, 30:40, PLACES[fdi]] == tissues.DENTINE).any()


def test_nothing_found_is_an_error() -> None:
    labels = the_map()
    with pytest.raises(InputError, match="no tooth was found in jaw"):
        head_case(labels, np.zeros(SIZE, np.uint8), "jaw")


def test_a_map_without_teeth_or_of_other_voxels_is_refused() -> None:
    empty = the_map().with_array(np.zeros(SIZE, np.uint8))
    with pytest.raises(InputError, match="no teeth in the map"):
        around_the_teeth(empty)
    coarse = Volume(the_map().array, (0.4, 0.5, 0.5))
    with pytest.raises(InputError, match="resample"):
        around_the_teeth(coarse)


def test_the_command_writes_cases(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def found(image: Volume, **_: object) -> Segmentation:
        labels = around_the_teeth(the_map())
        assert image.same_grid(labels)
        assert image.array[labels.array == 4].min() > image.array[labels.array == 0].min()
        return Segmentation(image.with_array(numbers_of(labels)), [], [], {}, {})

    monkeypatch.setattr(labelled_head, "segment", found)
    write_volume(tmp_path / "jaw.nrrd", the_map())
    arguments = ["labelled_head", str(tmp_path / "jaw.nrrd"), "-o", str(tmp_path / "out"), "-n2"]
    monkeypatch.setattr(sys, "argv", arguments)
    labelled_head.main()
    assert "0: 4 teeth" in capsys.readouterr().out
    assert sorted(load_case(tmp_path / "out" / "jaw-00.npz").centres) == sorted(PLACES)
    assert (tmp_path / "out" / "jaw-01.npz").exists()


def test_a_wrong_file_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["labelled_head", str(tmp_path / "no.nrrd"), "-o", str(tmp_path / "out")]
    monkeypatch.setattr(sys, "argv", arguments)
    assert labelled_head.main() == 2
    assert "does not exist" in capsys.readouterr().err


def test_the_picture_is_on_the_maps_grid() -> None:
    labels = the_map()
    assert plain_picture(labels).same_grid(labels)
