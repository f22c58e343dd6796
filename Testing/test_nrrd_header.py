"""Headers of NRRD files as other programs write them: names in any letters, blanks, old fields."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from ToothSegLib.errors import InputError
from ToothSegLib.formats.scan_files import files_of
from ToothSegLib.grids.itk_image import from_itk
from ToothSegLib.volume_io import read_volume
from volume_fixture import a_scan, refused, renamed

HEADER = "NRRD0005\ntype: short\ndimension: 3\nsizes: 8 7 6\nendian: little\nencoding: raw\n"
SPACE = "space: LPS\nspace directions: (0.3,0,0) (0,0.4,0) (0,0,0.5)\n"


def a_file(path: Path, more: str, encoding: str = "utf-8", voxels: bytes | None = None) -> Path:
    voxels = a_scan().array.tobytes() if voxels is None else voxels
    path.write_bytes((HEADER + more + "\n").encode(encoding) + voxels)
    return path


def test_voxels_in_a_file_whose_name_is_not_ascii(tmp_path: Path) -> None:
    for name, value in (("1", 100), ("術後1", 200), ("术前1", 300), ("Müller", 400)):
        image = sitk.GetImageFromArray(np.full((2, 3, 4), value, np.int16))
        sitk.WriteImage(image, str(tmp_path / f"{name}.nhdr"))
        assert (tmp_path / f"{name}.raw").is_file()
    for name, value in (("1", 100), ("術後1", 200), ("术前1", 300), ("Müller", 400)):
        path = tmp_path / f"{name}.nhdr"
        assert np.unique(read_volume(path).array) == [value]
        assert files_of(path) == (str(path), str(tmp_path / f"{name}.raw"))


def test_a_name_that_is_not_utf_8(tmp_path: Path) -> None:
    path = a_file(tmp_path / "a.nhdr", SPACE + "data file: M\xfcller.raw\n", "latin-1", b"")
    (tmp_path / "Mller.raw").write_bytes(bytes(2 * 8 * 7 * 6))
    message = refused(path, "M_xfcller.raw, which is not beside it")
    message.encode()
    assert files_of(path) == (str(path),)
    (tmp_path / "b").write_bytes(a_scan().array.tobytes())
    voxels = renamed(tmp_path / "b", b"M\xfcller.raw")
    assert np.array_equal(read_volume(path).array, a_scan().array)
    assert files_of(path) == (str(path), str(voxels))


def test_other_text_that_is_not_ascii(tmp_path: Path) -> None:
    # Without its first letter the unit would be a metre.
    micrometres = 'space units: "µm" "µm" "µm"\n'
    scan = read_volume(
        a_file(tmp_path / "a.nrrd", SPACE + "# Zähne\ncontent:=Zähne\n" + micrometres)
    )
    assert np.array_equal(scan.array, a_scan().array)
    assert scan.spacing == pytest.approx((3e-4, 4e-4, 5e-4))
    refused(a_file(tmp_path / "b.nrrd", SPACE + micrometres, "latin-1"), "mm is needed")


def test_a_line_without_an_end(tmp_path: Path) -> None:
    path = a_file(tmp_path / "a.nrrd", "content: " + "x" * (1 << 20) + "\n" + SPACE)
    refused(path, "no NRRD file")


@pytest.mark.parametrize(
    "more",
    [
        "space: LPS\nspace directions: (0.3, 0, 0) (0, 0.4, 0) (0, 0, 0.5)\n"
        "space origin: (1, 2, 3)\n",
        "space: RAS\nspace directions: ( 0.3 , 0 ,0 ) (0,\t0.4,0)(0,0,0.5)\n"
        "space origin: ( 1 ,2, 3 )\nmeasurement frame: (1, 0, 0) (0, 1, 0) (0, 0, 1)\n",
        "spacings: 0.3 0.4 0.5\n",
        "spacings: 0.3 0.4 0.5\naxis mins: 1 2 3\n",
        "spacings: 0.3 0.4 0.5\naxismins: 1 2 3\naxis maxs: 3.4 4.8 6\n",
        "spacings: 0.3 0.4 0.5\naxis mins: 1 2 3\ncenterings: cell cell cell\n",
        "spacings: 0.3 0.4 0.5\naxis mins: 1 2 3\ncenterings: node node node\n",
        "spacings: 0.3 0.4 0.5\naxis mins: 1 2 3\ncenterings: Node cell ???\n",
        "spacings: 0.3 0.4 0.5\naxis mins: 1 2 3\ncenters: node node node\n",
        "spacings: -0.3 0.4 0.5\naxis mins: 1 2 3\n",
    ],
)
def test_the_place_is_that_of_itk(tmp_path: Path, more: str) -> None:
    path = a_file(tmp_path / "a.nrrd", more)
    scan, theirs = read_volume(path), from_itk(sitk.ReadImage(str(path)))
    assert np.array_equal(scan.array, theirs.array)
    assert scan.same_grid(theirs, tolerance_mm=1e-9)


def test_an_axis_that_begins_nowhere(tmp_path: Path) -> None:
    scan = read_volume(a_file(tmp_path / "a.nrrd", "spacings: 0.3 0.4 0.5\naxis mins: 1 nan 3\n"))
    assert scan.origin == pytest.approx((1.15, 0, 3.25))
    lines = "spacings: 0.3 0.4 0.5\naxis mins: 1 2\n"
    assert read_volume(a_file(tmp_path / "b.nrrd", lines)).origin == (0, 0, 0)
    with pytest.raises(InputError, match="could not convert"):
        read_volume(a_file(tmp_path / "c.nrrd", "spacings: 1 1 1\naxis mins: x y z\n"))
