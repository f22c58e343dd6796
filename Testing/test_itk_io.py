"""What ITK needs about it: memory, the process's standard error, endings that it knows."""

from __future__ import annotations

import gzip
import itertools
import os
import struct
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from dicom_fixture import (
    AXIAL,
    ENHANCED_CT,
    ORIENTATION,
    PER_FRAME,
    POSITION,
    SHARED,
    SPACING,
    groups,
    write_dicom,
)
from ToothSegLib.errors import InputError
from ToothSegLib.file_endings import IMAGE_IOS
from ToothSegLib.formats import dicom_series
from ToothSegLib.formats.itk_io import itk_errors
from ToothSegLib.grids.itk_image import to_itk
from ToothSegLib.volume_io import read_volume
from volume_fixture import a_scan, refused

# Reads with room for so many bytes more than it has taken.
LITTLE_ROOM = """
import resource, sys
from pathlib import Path
import nrrd, scipy.spatial, SimpleITK
from ToothSegLib.errors import InputError
from ToothSegLib.volume_io import read_volume
path, *rooms = sys.argv[1:]
for room in map(int, rooms):
    size = int(Path("/proc/self/status").read_text().split("VmSize:")[1].split()[0]) << 10
    resource.setrlimit(resource.RLIMIT_AS, (size + room, resource.RLIM_INFINITY))
    try:
        print(read_volume(path).shape)
    except InputError as error:
        print(error)
"""
SIZE = (400, 400, 300)  # 96 MB, next to nothing of it on the disk
BYTES = 2 * 400 * 400 * 300


def large(path: Path) -> Path:
    """A file of zeros that take no room on the disk."""
    if path.suffix == ".dcm":
        frames = [groups({POSITION: (0, 0, 0.2 * n)}) for n in range(SIZE[2])]
        shared = [groups({ORIENTATION: AXIAL, SPACING: (0.2, 0.2)})]
        tags = {SHARED: shared, PER_FRAME: frames}
        write_dicom(path, tags, kind=ENHANCED_CT, array=np.zeros((SIZE[2], 1, 1), np.int16))
        data = bytearray(path.read_bytes())
        for element, kind, value in ((0x10, "<H", 400), (0x11, "<H", 400)):
            struct.pack_into(kind, data, data.find(struct.pack("<HH", 0x28, element)) + 8, value)
        at = data.find(struct.pack("<HH", 0x7FE0, 0x10)) + 12
        struct.pack_into("<I", data, at - 4, BYTES)
        path.write_bytes(data[:at])
        os.truncate(path, at + BYTES)
        return path
    sitk.WriteImage(sitk.GetImageFromArray(np.zeros((2, 3, 4), np.int16)), str(path))
    if path.suffix == ".mhd":
        path.write_text(path.read_text().replace("4 3 2", " ".join(map(str, SIZE))))
        os.truncate(path.with_suffix(".raw"), BYTES)
    else:
        data = bytearray(path.read_bytes()[:352])
        struct.pack_into("<3h", data, 42, *SIZE)
        path.write_bytes(data)
        os.truncate(path, 352 + BYTES)
    return path


@pytest.mark.skipif(sys.platform != "linux", reason="the guard on memory is of Linux")
@pytest.mark.parametrize("name", ["a.nii", "a.mhd", "a.dcm"])
def test_a_scan_that_does_not_fit_into_memory_is_not_called_damaged(
    tmp_path: Path, name: str
) -> None:
    path = large(tmp_path / name)
    # Less than the voxels, once and not twice the voxels, enough.
    rooms = [str(int(BYTES * part)) for part in (0.5, 1.5, 4)]
    run = subprocess.run(
        [sys.executable, "-c", LITTLE_ROOM, str(path), *rooms],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
    )
    assert run.returncode == 0, run.stderr
    *small, enough = run.stdout.splitlines()
    assert small == [f"{path} does not fit into memory; crop it to the jaws first"] * 2
    assert enough == str(SIZE[::-1])


@pytest.mark.parametrize("error", [RuntimeError("std::bad_alloc"), MemoryError()])
def test_too_little_memory_by_whatever_words(tmp_path: Path, error: Exception) -> None:
    with pytest.raises(MemoryError), itk_errors(tmp_path):
        raise error
    # GDCM says no more than this, of whatever there is.
    for room, kind in ((1 << 60, MemoryError), (1000, InputError), (0, InputError)):
        with pytest.raises(kind), itk_errors(tmp_path, room=room):
            raise RuntimeError("Cannot read requested file")


def test_a_series_without_memory_to_look_into_it_may_be_a_volume(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_dicom(tmp_path / "a.dcm", {})
    write_dicom(tmp_path / "b.dcm", {(0x20, 0x0E): "1.2.6"}, array=np.zeros((7, 8), np.int16))

    def none_left(path: Path) -> None:
        raise MemoryError

    monkeypatch.setattr(dicom_series, "header", none_left)
    found = dicom_series.series_files(tmp_path)
    assert dicom_series.is_volume(found["1.2.5"])
    assert not dicom_series.is_volume(found["1.2.6"])


def test_what_is_damaged_is_called_so(tmp_path: Path) -> None:
    packed = tmp_path / "a.gipl.gz"
    packed.write_bytes(gzip.compress(bytes(300)))
    refused(packed, "is damaged")


def test_standard_error_is_there_again_after_several_threads(tmp_path: Path) -> None:
    paths = [tmp_path / f"{n}.mha" for n in range(4)]
    for n, path in enumerate(paths):
        array = np.random.default_rng(n).integers(0, 999, (10 + 20 * n, 100, 100)).astype(np.int16)
        sitk.WriteImage(sitk.GetImageFromArray(array), str(path), True)
    before, shown = os.fstat(2), sitk.ProcessObject.GetGlobalWarningDisplay()
    files = len(os.listdir("/dev/fd")) if os.path.isdir("/dev/fd") else 0
    with ThreadPoolExecutor(4) as pool:
        sizes = [scan.shape[0] for scan in pool.map(read_volume, paths * 4)]
    assert sizes == [10, 30, 50, 70] * 4
    after = os.fstat(2)
    assert (before.st_dev, before.st_ino) == (after.st_dev, after.st_ino)
    assert sitk.ProcessObject.GetGlobalWarningDisplay() == shown
    assert files == (len(os.listdir("/dev/fd")) if os.path.isdir("/dev/fd") else 0)


def test_the_first_one_out_does_not_open_standard_error_to_the_others(tmp_path: Path) -> None:
    before = os.fstat(2).st_ino
    first, second = itk_errors(tmp_path), itk_errors(tmp_path)
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert os.fstat(2).st_ino != before
    assert not sitk.ProcessObject.GetGlobalWarningDisplay()
    second.__exit__(None, None, None)
    assert os.fstat(2).st_ino == before


def in_every_case(extension: str) -> list[str]:
    """The ending with each of its parts in small letters, in capitals, and with one capital."""
    parts = extension.split(".")[1:]
    forms = itertools.product(*({part, part.upper(), part.capitalize()} for part in parts))
    return sorted("." + ".".join(form) for form in forms)


@pytest.mark.parametrize("ending", [one for kind in IMAGE_IOS for one in in_every_case(kind)])
def test_endings_in_capitals(tmp_path: Path, ending: str) -> None:
    scan = a_scan(direction=np.eye(3))
    path = tmp_path / f"written{ending.lower()}"
    sitk.WriteImage(to_itk(scan), str(path))
    path = path.rename(tmp_path / f"scan{ending}")
    found = read_volume(path)
    assert np.array_equal(found.array, scan.array)
    assert found.spacing == pytest.approx(scan.spacing)
