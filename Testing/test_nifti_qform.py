"""Labels that come by a NIfTI with a qform only, which is rounded badly, belong to their scan."""

from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from ToothSegLib.dataset.voxels import checked_labels, source_of
from ToothSegLib.errors import InputError
from ToothSegLib.evaluation.metrics import evaluate
from ToothSegLib.training.labelled_scan import read_labelled_scan
from ToothSegLib.volume import Volume
from ToothSegLib.volume_io import read_volume, write_volume

SPACING = 0.3


@pytest.fixture
def labels() -> Volume:
    """One tooth in a scan that is turned by 0.05 degrees about an oblique axis."""
    turned = Rotation.from_rotvec(np.deg2rad(0.05) * np.array([-2, 1, 3]) / 14**0.5).as_matrix()
    array = np.zeros((500, 3, 500), np.uint8)
    array[100:140, 1, 50:90] = 36
    return Volume(array, SPACING, (-80.0, -80.0, -60.0), turned @ np.diag([1, -1, -1]))


def by_nifti(labels: Volume, path: Path, *, moved_mm: float = 0.0) -> Volume:
    """The labels, once they were in a file that has a qform only."""
    to_ras = np.diag([-1, -1, 1, 1]) @ labels.index_to_lps
    to_ras[0, 3] += moved_mm
    image = nibabel.Nifti1Image(labels.array.T, None)
    image.set_qform(to_ras, 1)
    image.set_sform(None, 0)
    nibabel.save(image, path)
    return read_volume(path)


def test_they_are_taken_in_exactly_the_scans_place(labels: Volume, tmp_path: Path) -> None:
    back = by_nifti(labels, tmp_path / "labels.nii")
    assert not back.same_grid(labels, 0.02), "the file should be off by more"
    taken = checked_labels(back, source_of(labels))
    assert taken.same_grid(labels, 0)
    assert np.array_equal(taken.array, labels.array)
    assert evaluate(back, labels).teeth[0].dice == 1
    scan = labels.with_array(np.add(labels.array, np.arange(500) % 7, dtype=np.int16))
    write_volume(tmp_path / "scan.nrrd", scan)
    read_labelled_scan(tmp_path / "scan.nrrd", tmp_path / "labels.nii")


def test_half_a_voxel_beside_they_are_refused(labels: Volume, tmp_path: Path) -> None:
    back = by_nifti(labels, tmp_path / "labels.nii", moved_mm=SPACING / 2)
    with pytest.raises(InputError, match="in another place"):
        checked_labels(back, source_of(labels))
    with pytest.raises(InputError, match="grids differ"):
        evaluate(back, labels)
    write_volume(tmp_path / "scan.nrrd", labels.with_array(labels.array.astype(np.int16)))
    with pytest.raises(InputError, match="not on the grid"):
        read_labelled_scan(tmp_path / "scan.nrrd", tmp_path / "labels.nii")


def test_of_small_voxels_less_is_taken() -> None:
    volume = Volume(np.zeros((2, 2, 2)), 0.15)
    assert volume.file_tolerance_mm == pytest.approx(0.05)
    assert Volume(volume.array, 1.0).file_tolerance_mm == pytest.approx(0.1)
