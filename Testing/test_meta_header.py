"""The header of a MetaImage is understood as ITK reads it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from ToothSegLib.grids.itk_image import to_itk
from ToothSegLib.volume_io import read_volume
from volume_fixture import a_scan, refused


def write_meta(path: Path, old: bytes = b"", new: bytes = b"") -> Path:
    """A small scan in a MetaImage, with something else in its header."""
    sitk.WriteImage(to_itk(a_scan()), str(path))
    data = path.read_bytes()
    assert old in data
    path.write_bytes(data.replace(old, new, 1))
    return path


def test_names_and_values_may_be_parted_by_colons(tmp_path: Path) -> None:
    path = write_meta(tmp_path / "a.mha", b"ElementSpacing =", b"ElementSpacing:")
    volume = read_volume(path)
    assert np.array_equal(volume.array, a_scan().array)
    assert volume.spacing == pytest.approx(a_scan().spacing)


def test_a_value_may_hold_both_signs(tmp_path: Path) -> None:
    comment = b"Comment = at 10:30 = noon\nElementSpacing"
    path = write_meta(tmp_path / "a.mha", b"ElementSpacing", comment)
    assert np.array_equal(read_volume(path).array, a_scan().array)


def test_a_colon_hides_no_second_voxel_size(tmp_path: Path) -> None:
    twice = b"ElementSpacing : 2 2 2\nElementSpacing"
    path = write_meta(tmp_path / "a.mha", b"ElementSpacing", twice)
    refused(path, "gives 'ElementSpacing' twice")


def test_a_colon_opens_no_file_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "other.raw").write_bytes(a_scan().array.tobytes())
    (tmp_path / "scans").mkdir()
    named = b"ElementDataFile : ../other.raw\nElementDataFile"
    path = write_meta(tmp_path / "scans" / "a.mha", b"ElementDataFile", named)
    refused(path, "outside its own folder")


def test_a_line_without_a_value_hides_not_the_next_one(tmp_path: Path) -> None:
    # ITK takes the line behind it for its value, and makes 1 mm of the voxel size.
    path = write_meta(tmp_path / "a.mha", b"ElementSpacing", b"a remark\nElementSpacing")
    refused(path, "'a remark' in its header is no name with a value")
    path = write_meta(tmp_path / "a.mha", b"ElementSpacing", b"Comment =\nElementSpacing")
    assert read_volume(path).spacing == pytest.approx(a_scan().spacing)


@pytest.mark.parametrize("rest", [b"", b"=\n=\n"])
def test_a_nrrd_of_that_name_is_not_only_called_damaged(tmp_path: Path, rest: bytes) -> None:
    path = tmp_path / "a.mha"
    path.write_bytes(b"NRRD0004\ntype: short\ndimension: 3\n\n" + rest)
    refused(path, "is damaged, or not what its name says")
