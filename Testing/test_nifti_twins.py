"""A packed NIfTI file is read with its own voxels, whatever lies beside it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from ToothSegLib.errors import InputError
from ToothSegLib.volume_io import read_volume


def write(path: Path, value: int) -> None:
    sitk.WriteImage(sitk.GetImageFromArray(np.full((8, 9, 10), value, np.int16)), str(path))


@pytest.mark.parametrize(("one", "other"), [("t.nii", "t.nii.gz"), ("é t.nii", "é t.nii.gz")])
def test_twins_are_not_taken_for_each_other(tmp_path: Path, one: str, other: str) -> None:
    for folder, name, value in (("a", one, 1), ("b", other, 2)):
        (tmp_path / folder).mkdir()
        write(tmp_path / folder / name, value)
        (tmp_path / folder / name).rename(tmp_path / name)
    assert np.unique(read_volume(tmp_path / one).array) == [1]
    assert np.unique(read_volume(tmp_path / other).array) == [2]


def test_a_damaged_twin_is_named(tmp_path: Path) -> None:
    write(tmp_path / "t.nii.gz", 2)
    write(tmp_path / "u.nii", 1)
    (tmp_path / "u.nii").rename(tmp_path / "t.nii")
    packed = tmp_path / "t.nii.gz"
    packed.write_bytes(packed.read_bytes()[:-40])
    with pytest.raises(InputError, match=r"t\.nii\.gz"):
        read_volume(packed)
