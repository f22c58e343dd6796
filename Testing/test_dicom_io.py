from __future__ import annotations

import ctypes
import os
import shutil
import sys
import time
import types
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from dicom_fixture import (
    AXIAL,
    BETWEEN,
    MULTIFRAME_SC,
    ORIENTATION,
    POSITION,
    SPACING,
    without_header,
    write_dicom,
    write_slices,
)
from ToothSegLib.errors import InputError
from ToothSegLib.formats import dicom_claims, dicom_io, dicom_series
from ToothSegLib.grids.itk_image import to_itk
from ToothSegLib.volume import Volume
from ToothSegLib.volume_io import read_volume
from volume_fixture import OBLIQUE, a_scan, refused, renamed, same_place, write_dicom_series

# Even values, for the series is stored with a slope of 2.
EVEN = a_scan().with_array(a_scan().array * 2)
FIRST, SECOND = "1.2.3.4.5", "1.2.3.4.6"


@pytest.fixture
def a_series(tmp_path) -> Path:
    write_dicom_series(tmp_path / "série 1", EVEN, FIRST)
    return tmp_path / "série 1"


def test_a_folder_of_slices(a_series, capfd) -> None:
    volume = read_volume(a_series)
    assert np.array_equal(volume.array, EVEN.array)
    assert same_place(volume, EVEN)
    assert np.issubdtype(volume.array.dtype, np.integer)
    assert capfd.readouterr() == ("", "")


def test_every_slice_is_looked_through_once(a_series, monkeypatch) -> None:
    looked_at: list[str] = []

    def look(path: Path) -> dicom_claims.Claims:
        looked_at.append(path.name)
        return dicom_claims.check_claims(path)

    monkeypatch.setattr(dicom_series, "check_claims", look)
    read_volume(a_series)
    assert sorted(looked_at) == sorted(path.name for path in a_series.iterdir())


@pytest.mark.parametrize("threads", ["1", "4"])
def test_of_several_damaged_slices_the_first_is_named(a_series, monkeypatch, threads) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", threads)
    third, last = map(Path, dicom_series.series_files(a_series)[FIRST].files[2::3])
    real = dicom_series.header

    def fails(path: Path, claims: dicom_claims.Claims | None = None) -> object:
        if path == third:
            time.sleep(0.05)  # the other is known before
        if path in (third, last):
            raise InputError(f"{path} is damaged")
        return real(path, claims)

    monkeypatch.setattr(dicom_io, "header", fails)
    with pytest.raises(InputError, match=third.name):
        read_volume(a_series)


def test_gdcms_memory_is_given_back_where_the_system_can(a_series, monkeypatch) -> None:
    trimmed: list[int] = []
    library = types.SimpleNamespace(malloc_trim=trimmed.append)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(ctypes, "CDLL", lambda name: library)
    read_volume(a_series)
    assert 0 in trimmed
    del library.malloc_trim  # as in musl
    assert np.array_equal(read_volume(a_series).array, EVEN.array)


def test_slices_stacked_against_the_normal_are_put_in_order(tmp_path) -> None:
    scan = Volume(EVEN.array, EVEN.spacing, EVEN.origin, OBLIQUE * [1, 1, -1])
    write_dicom_series(tmp_path, scan, FIRST)
    volume = read_volume(tmp_path)
    # The last slice comes first, and every voxel is where it was.
    turned = scan.index_to_lps @ [2, 3, scan.shape[0] - 1, 1]
    assert volume.index_to_lps @ [2, 3, 0, 1] == pytest.approx(turned, abs=1e-4)
    assert np.array_equal(volume.array, scan.array[::-1])


def test_a_tilted_gantry_keeps_every_slice_where_it_was(tmp_path) -> None:
    tilted = np.array([[1.0, 0, 0], [0, 1, np.sin(0.2)], [0, 0, np.cos(0.2)]])
    scan = Volume(EVEN.array, EVEN.spacing, EVEN.origin, tilted)
    write_dicom_series(tmp_path, scan, FIRST)
    assert same_place(read_volume(tmp_path), scan)


def test_several_series_have_to_be_chosen_from(a_series) -> None:
    other = EVEN.with_array(EVEN.array[::-1].copy())
    write_dicom_series(a_series, other, SECOND, "after surgery")
    with pytest.raises(InputError) as caught:
        read_volume(a_series)
    for word in (FIRST, SECOND, "CBCT", "after surgery", "6 files"):
        assert word in str(caught.value)
    assert np.array_equal(read_volume(a_series, series=SECOND).array, other.array)
    with pytest.raises(InputError, match=r"no series 9\.9"):
        read_volume(a_series, series="9.9")


def test_a_scout_beside_the_scan_is_passed_over(a_series) -> None:
    scout = Volume(EVEN.array[:1], EVEN.spacing, EVEN.origin, EVEN.direction)
    write_dicom_series(a_series, scout, SECOND, "scout")
    assert np.array_equal(read_volume(a_series).array, EVEN.array)
    with pytest.raises(InputError, match="single slice"):
        read_volume(a_series, series=SECOND)


def test_a_missing_and_a_double_slice_are_refused(a_series) -> None:
    slices = sorted(a_series.iterdir())
    shutil.move(slices[2], a_series.parent / "away")
    with pytest.raises(InputError, match="missing"):
        read_volume(a_series)
    os.replace(a_series.parent / "away", slices[2])
    shutil.copy(slices[2], a_series / "copy.dcm")
    with pytest.raises(InputError, match="double"):
        read_volume(a_series)


def test_a_slice_alone_is_no_volume(a_series) -> None:
    one = next(iter(a_series.iterdir()))
    with pytest.raises(InputError, match="single slice"):
        read_volume(one)


def test_a_series_is_chosen_in_a_folder_only(a_series) -> None:
    one = next(iter(a_series.iterdir()))
    with pytest.raises(InputError, match="folder"):
        read_volume(one, series=FIRST)


def test_a_folder_of_other_files_names_one_of_them(tmp_path) -> None:
    for name in (".hidden.nii", "scan-labels.nrrd", "scan.nrrd", "scan.txt"):
        (tmp_path / name).touch()
    refused(tmp_path, "no DICOM series, but scan.nrrd: name that file, or use toothseg batch")


def test_folders_without_dicom(tmp_path, monkeypatch) -> None:
    (tmp_path / "notes.txt").write_text("nothing")
    with pytest.raises(InputError, match="no DICOM series"):
        read_volume(tmp_path)

    def denied(_path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "scandir", denied)
    with pytest.raises(InputError, match="Permission denied"):
        read_volume(tmp_path)


def test_names_that_are_not_utf_8(a_series) -> None:
    file, name = sorted(a_series.iterdir())[2], b"x\xe4.dcm"
    file = renamed(file, name)
    refused(a_series, f"{a_series}/x_xe4.dcm has a name that is not UTF-8; rename it")
    with pytest.raises(InputError, match=r"/x_xe4\.dcm has a name that is not UTF-8"):
        read_volume(file)
    file.rename(file.with_name("x.dcm"))
    folder = renamed(a_series, b"s\xe9rie")
    with pytest.raises(InputError) as caught:
        read_volume(folder)
    shown = folder.with_name("s_xe9rie")
    assert str(caught.value) == f"{shown} has a name that is not UTF-8; rename it"


def test_a_slice_that_was_cut_short(a_series, capfd) -> None:
    one = sorted(a_series.iterdir())[3]
    one.write_bytes(one.read_bytes()[:-50])
    with pytest.raises(InputError, match="again"):
        read_volume(a_series)
    assert capfd.readouterr() == ("", "")


# Enhanced CT: one file


@pytest.fixture
def a_multiframe_file(tmp_path) -> Path:
    scan = a_scan(direction=np.eye(3))
    image = to_itk(Volume(scan.array, scan.spacing, (-11.0, 22.0, 10.0)))
    image.SetMetaData("0008|0060", "CT")
    image.SetMetaData("0008|0016", "1.2.840.10008.5.1.4.1.1.2.1")
    writer = sitk.ImageFileWriter()
    writer.KeepOriginalImageUIDOn()
    writer.SetFileName(str(tmp_path / "frames.dcm"))
    writer.Execute(image)
    return tmp_path / "frames.dcm"


def test_a_multiframe_file_with_and_without_extension(a_multiframe_file) -> None:
    expected = Volume(a_scan().array, a_scan().spacing, (-11.0, 22.0, 10.0))
    for path in (a_multiframe_file, a_multiframe_file.with_name("IM0001"), "folder"):
        if path == "folder":
            path = a_multiframe_file.parent
        elif path != a_multiframe_file:
            os.rename(a_multiframe_file, path)
        volume = read_volume(path)
        assert np.array_equal(volume.array, expected.array)
        assert same_place(volume, expected)


@pytest.mark.parametrize("name", ["IM0001", "a.dcm"])
def test_a_multiframe_file_without_mark_and_ending(tmp_path, name) -> None:
    tags = {POSITION: (1, 2, 3), ORIENTATION: AXIAL, SPACING: (0.3, 0.3), BETWEEN: 0.3}
    path = write_dicom(tmp_path / name, tags, kind=MULTIFRAME_SC)
    expected = read_volume(path)
    path.write_bytes(without_header(path.read_bytes()))
    volume = read_volume(path)
    assert np.array_equal(volume.array, expected.array)
    assert same_place(volume, expected)


def test_a_slice_without_mark_and_ending_is_told_to_be_one(tmp_path) -> None:
    path = write_slices(tmp_path / "a", {}, {}) / "slice0.dcm"
    path.write_bytes(without_header(path.read_bytes()))
    refused(path.rename(path.with_name("IM0")), "is a single slice; give the folder")


def test_frames_from_top_to_bottom_are_not_mirrored(a_multiframe_file) -> None:
    data = a_multiframe_file.read_bytes()
    # The positions 10, 10.5 ... 12.5 become 15, 14.5 ... 12.5, in numbers of the same length.
    for up, down in (("10", "15"), ("10.5", "14.5"), ("11", "14"), ("11.5", "13.5"), ("12", "13")):
        old, new = (rf"-11\22\{z} ".encode() for z in (up, down))
        assert data.count(old) == 1
        data = data.replace(old, new)
    a_multiframe_file.write_bytes(data)
    expected = Volume(a_scan().array, a_scan().spacing, (-11.0, 22.0, 15.0), np.diag([1, 1, -1.0]))
    volume = read_volume(a_multiframe_file)
    assert np.array_equal(volume.array, expected.array)
    assert same_place(volume, expected)
