"""Small scans, and files of them."""

from __future__ import annotations

import os
from pathlib import Path

import nrrd
import numpy as np
import pytest
import SimpleITK as sitk
from scipy.spatial.transform import Rotation

from ToothSegLib.errors import InputError
from ToothSegLib.grids.itk_image import to_itk
from ToothSegLib.volume import Volume
from ToothSegLib.volume_io import read_volume

OBLIQUE = Rotation.from_euler("xyz", (14, -9, 21), degrees=True).as_matrix()


def a_scan(shape=(6, 7, 8), dtype=np.int16, direction=OBLIQUE) -> Volume:
    """Random grey values in an oblique place, so that no mix-up of axes or signs goes unseen."""
    values = np.random.default_rng(7).integers(0, 120, shape).astype(dtype)
    return Volume(values, (0.3, 0.4, 0.5), (-11.0, 22.0, 33.0), direction)


def same_place(one: Volume, other: Volume) -> bool:
    """Float32 headers (NIfTI) move a voxel by some micrometres."""
    return one.same_grid(other, tolerance_mm=1e-3)


def write_dicom_series(folder: Path, scan: Volume, uid: str, description: str = "CBCT") -> None:
    """One file a slice, with a rescale slope of 2 and an intercept of -1000."""
    folder.mkdir(parents=True, exist_ok=True)
    image = to_itk(scan)
    writer = sitk.ImageFileWriter()
    writer.KeepOriginalImageUIDOn()
    for index in range(image.GetSize()[2]):
        plane = image[:, :, index]
        across, down = scan.direction[:, 0], scan.direction[:, 1]
        position = scan.index_to_lps @ [0, 0, index, 1]
        for tag, value in {
            "0008|0060": "CT",
            "0008|103e": description,
            "0020|000e": uid,
            "0020|000d": "1.2.826.0.1.3680043.2.1125.1",
            "0008|0018": f"{uid}.{index + 1}",
            "0020|0013": str(index),
            "0020|0032": "\\".join(f"{mm:.6f}" for mm in position[:3]),
            "0020|0037": "\\".join(f"{part:.8f}" for part in (*across, *down)),
            "0028|0030": f"{scan.spacing[1]}\\{scan.spacing[0]}",
            "0018|0050": str(scan.spacing[2]),
            "0028|1053": "2",
            "0028|1052": "-1000",
        }.items():
            plane.SetMetaData(tag, value)
        # Names in the other order than positions: the header decides.
        writer.SetFileName(str(folder / f"{uid[-1]}-{99 - index:03d}.dcm"))
        writer.Execute(plane)


def a_frames_file(path: Path) -> Path:
    """DICOM with several frames, not packed."""
    image = to_itk(a_scan(direction=np.eye(3)))
    image.SetMetaData("0008|0060", "CT")
    image.SetMetaData("0008|0016", "1.2.840.10008.5.1.4.1.1.2.1")
    sitk.WriteImage(image, str(path))
    return path


def renamed(path: Path, name: bytes) -> Path:
    """The file or folder under a name that may not be UTF-8; skips where a disk takes no such."""
    try:
        return path.rename(path.with_name(os.fsdecode(name)))
    except (OSError, UnicodeError):
        pytest.skip("this disk takes no such names")


def refused(path: Path | str, *words: str) -> str:
    """The one line that reading gives, which names the file and says each of ``words``."""
    with pytest.raises(InputError) as caught:
        read_volume(path)
    message = str(caught.value)
    assert "\n" not in message
    for word in (str(path), *words):
        assert word in message
    return message


def nrrd_file(path: Path, array: np.ndarray | None = None, **fields) -> Path:
    """A NRRD file with these fields, underscores for the spaces in their names."""
    if array is None:
        array = a_scan().array
    header = {key.replace("_", " "): value for key, value in fields.items()}
    nrrd.write(str(path), array, header, index_order="C")
    return path
