"""Packed NIfTI files are unpacked once, and read as ITK reads them."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from ToothSegLib.formats import itk_io
from ToothSegLib.grids.itk_image import from_itk, to_itk
from ToothSegLib.volume import Volume
from ToothSegLib.volume_io import read_volume
from volume_fixture import OBLIQUE, refused


@pytest.fixture
def by_itk(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Of each file that is read, whether ITK reads its voxels too."""
    read: list[bool] = []
    real = itk_io.plain_nifti

    def look(data: bytearray, reader: sitk.ImageFileReader) -> Volume | None:
        volume = real(data, reader)
        read.append(volume is None)
        return volume

    monkeypatch.setattr(itk_io, "plain_nifti", look)
    return read


def packed(folder: Path, dtype: str, direction: np.ndarray = OBLIQUE) -> Path:
    values = np.random.default_rng(0).integers(0, 120, (4, 5, 6)).astype(dtype)
    scan = Volume(values, (0.3, 0.4, 0.5), (1.0, -2.0, 0.0), direction)
    path = folder / "scan.nii.gz"
    sitk.WriteImage(to_itk(scan), str(path))
    return path


def changed(path: Path, kind: str, at: int, *values: float) -> Path:
    data = bytearray(gzip.decompress(path.read_bytes()))
    struct.pack_into(kind, data, at, *values)
    path.write_bytes(gzip.compress(bytes(data)))
    return path


def assert_as_itk(path: Path) -> None:
    found, wanted = read_volume(path), from_itk(sitk.ReadImage(str(path)))
    assert found.array.dtype == wanted.array.dtype
    assert np.array_equal(found.array, wanted.array)
    assert found.array.flags.writeable
    assert found.spacing == wanted.spacing
    assert found.origin == wanted.origin
    assert np.array_equal(found.direction, wanted.direction)
    assert np.array_equal(np.signbit(found.direction), np.signbit(wanted.direction))


@pytest.mark.parametrize("dtype", ["u1", "i1", "i2", "u2", "i4", "u4", "f4", "f8"])
@pytest.mark.parametrize("direction", [np.eye(3), np.diag([-1.0, -1.0, 1.0]), OBLIQUE])
def test_it_is_what_itk_reads(
    tmp_path: Path, by_itk: list[bool], dtype: str, direction: np.ndarray
) -> None:
    assert_as_itk(packed(tmp_path, dtype, direction))
    assert by_itk == [False]


@pytest.mark.parametrize(
    ("kind", "at", "values"),
    [
        ("<f", 112, (2.0,)),  # slope
        ("<2f", 112, (1.0, 3.0)),  # and intercept
        ("<2h", 40, (4, 6)),  # axes, the fourth of length 1
        ("<h", 70, (512,)),  # another type of the same length
    ],
)
def test_what_itk_makes_something_else_of_is_left_to_it(
    tmp_path: Path, by_itk: list[bool], kind: str, at: int, values: tuple[float, ...]
) -> None:
    path = changed(packed(tmp_path, "i2"), kind, at, *values)
    found = read_volume(path)
    image = sitk.ReadImage(str(path))
    assert np.array_equal(found.array.ravel(), sitk.GetArrayFromImage(image).ravel())
    assert by_itk == [at != 70]


def test_a_slope_of_zero_means_none(tmp_path: Path, by_itk: list[bool]) -> None:
    assert_as_itk(changed(packed(tmp_path, "i2"), "<f", 112, 0.0))
    assert by_itk == [False]


def test_another_order_of_bytes_is_left_to_itk(tmp_path: Path, by_itk: list[bool]) -> None:
    nibabel = pytest.importorskip("nibabel")
    values = np.arange(60).reshape(3, 4, 5).astype(">i2")
    header = nibabel.Nifti1Header(endianness=">")
    header.set_data_dtype(">i2")
    nibabel.save(nibabel.Nifti1Image(values, np.eye(4), header), tmp_path / "a.nii.gz")
    assert np.array_equal(read_volume(tmp_path / "a.nii.gz").array, values.T)
    assert by_itk == [True]


def test_a_wrong_checksum_is_not_passed_over(tmp_path: Path) -> None:
    path = packed(tmp_path, "i2")
    data = bytearray(path.read_bytes())
    data[-8] ^= 1
    path.write_bytes(data)
    refused(path, "copy or export it again")


def test_bytes_behind_the_voxels_are_left_to_itk(tmp_path: Path, by_itk: list[bool]) -> None:
    path = packed(tmp_path, "i2")
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes()) + bytes(100)))
    assert_as_itk(path)
    assert by_itk == []


def test_nothing_is_kept_of_a_promise_that_the_file_cannot_hold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = changed(packed(tmp_path, "i2"), "<3h", 42, 2000, 2000, 400)
    kept = []
    real = itk_io._inflated

    def look(*args: object, **named: object) -> tuple[int, bool]:
        kept.append(named.get("kept"))
        return real(*args, **named)

    monkeypatch.setattr(itk_io, "_inflated", look)
    refused(path, "is cut short: its header promises 3200000000 bytes")
    assert kept == [None]
