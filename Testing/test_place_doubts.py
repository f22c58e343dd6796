"""A scan whose sides were assumed says so: from the reader into report and manifest."""

from __future__ import annotations

import json
from pathlib import Path

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk

from ToothSegLib.batch import run
from ToothSegLib.batch.entry import Options
from ToothSegLib.batch.one_scan import segment_one
from ToothSegLib.formats.side_doubts import side_doubts
from ToothSegLib.grids.itk_image import to_itk
from ToothSegLib.jobs.job_files import read_request, write_request
from ToothSegLib.looking import Looker, Sight
from ToothSegLib.volume_io import read_volume, write_volume
from volume_fixture import OBLIQUE, a_scan, nrrd_file, refused, same_place

RAS = np.diag([-1.0, -1, 1, 1]) @ a_scan().index_to_lps
PLAIN = np.diag([0.3, 0.4, 0.5, 1.0])
TILTED = PLAIN + np.diag([0, 0.1, 0], 1)


def a_nifti(
    path: Path, qform: np.ndarray | None, sform: np.ndarray | None, unit: str = "mm"
) -> Path:
    """A file with these matrices (RAS), one or both or none."""
    image = nibabel.Nifti1Image(a_scan().array.T, None)
    scale = {"mm": 1.0, "micron": 1e3}[unit]
    image.header.set_zooms(np.array([0.3, 0.4, 0.5]) * scale)
    image.header.set_xyzt_units(unit)
    to_unit = np.diag([scale] * 3 + [1])
    image.set_qform(None if qform is None else to_unit @ qform, code=int(qform is not None))
    image.set_sform(None if sform is None else to_unit @ sform, code=int(sform is not None))
    nibabel.save(image, path)
    return path


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
@pytest.mark.parametrize("unit", ["mm", "micron"])
@pytest.mark.parametrize("forms", [(RAS, RAS), (RAS, None), (None, RAS)])
def test_nifti_that_tells_its_place(tmp_path: Path, forms: tuple, unit: str, name: str) -> None:
    volume = read_volume(a_nifti(tmp_path / name, *forms, unit=unit))
    assert same_place(volume, a_scan())
    assert volume.doubts == ()


def test_a_mirroring_quaternion_is_no_difference(tmp_path: Path) -> None:
    mirrored = RAS * [1, 1, -1, 1]
    assert read_volume(a_nifti(tmp_path / "a.nii", mirrored, mirrored)).doubts == ()


def test_nifti_without_any_form_is_doubted(tmp_path: Path) -> None:
    (doubt,) = read_volume(a_nifti(tmp_path / "a.nii", None, None)).doubts
    assert doubt.startswith("Left and right could not be read from the file: ")
    assert "qform" in doubt
    assert doubt.endswith("; check the side.")


@pytest.mark.parametrize("unit", ["mm", "micron"])
@pytest.mark.parametrize(
    ("qform", "sform", "taken"),
    [
        (PLAIN, TILTED, "qform"),
        (PLAIN, PLAIN * [[-1], [1], [1], [1]], "sform"),  # as many voxels, left for right
        (RAS, RAS + np.array([[0, 0, 0, 2.0]] + [[0] * 4] * 3), "sform"),
    ],
)
def test_two_forms_that_differ_are_doubted(
    tmp_path: Path, qform: np.ndarray, sform: np.ndarray, taken: str, unit: str
) -> None:
    volume = read_volume(a_nifti(tmp_path / "a.nii", qform, sform, unit))
    (doubt,) = volume.doubts
    assert f"the {taken} was taken" in doubt
    matrix = np.diag([-1, -1, 1, 1]) @ {"qform": qform, "sform": sform}[taken]
    assert np.allclose(volume.index_to_lps, matrix, atol=1e-4)
    ends = np.array([[i, j, k, 1] for i in (0, 7) for j in (0, 6) for k in (0, 5)]).T
    apart = np.linalg.norm(((qform - sform) @ ends)[:3], axis=0).max()
    assert f"up to {apart:.3g} mm apart" in doubt


@pytest.mark.parametrize("tilt", [0.1, 0.4 * 5e-4])
def test_a_tilt_that_cannot_be_read_is_refused(tmp_path: Path, tilt: float) -> None:
    sform = PLAIN + np.diag([0, tilt, 0], 1)
    refused(a_nifti(tmp_path / "a.nii", None, sform), "not at right angles", "DICOM")


def patched(path: Path, offset: int, *numbers: float) -> Path:
    """The NIfTI file with other floats in its header: pixdim[1] is at 80, the sform at 280."""
    data = path.read_bytes()
    floats = np.array(numbers, "<f4").tobytes()
    path.write_bytes(data[:offset] + floats + data[offset + len(floats) :])
    return path


@pytest.mark.parametrize("unit", ["mm", "micron"])
@pytest.mark.parametrize(
    ("forms", "pixdim"),
    [
        ((None, RAS), (1, 1, 1)),
        ((None, RAS), (np.inf, 0.4, 0.5)),
        ((None, RAS), (0.5, 0.3, 0.4)),
        ((None, RAS), (-0.3, 0.4, 0.5)),
        ((RAS, None), (-0.3, 0.4, 0.5)),
        ((RAS, None), (0.3, 0.4, -0.5)),
        ((RAS, RAS), (-0.3, 0.4, 0.5)),
    ],
)
def test_nifti_whose_form_has_other_steps_than_pixdim(
    tmp_path: Path, forms: tuple, pixdim: tuple, unit: str
) -> None:
    scale = {"mm": 1.0, "micron": 1e3}[unit]
    path = a_nifti(tmp_path / "a.nii", *forms, unit=unit)
    volume = read_volume(patched(path, 80, *(scale * np.array(pixdim))))
    assert same_place(volume, a_scan())
    assert volume.doubts == ()


def test_a_quaternion_that_is_too_long_is_shortened(tmp_path: Path) -> None:
    path = patched(a_nifti(tmp_path / "a.nii", RAS, None), 256, 0.8, 0.8, 0.1)
    image = sitk.ReadImage(str(path))
    volume = read_volume(path)
    assert np.array_equal(volume.direction.ravel(), image.GetDirection())
    assert volume.doubts == ()


@pytest.mark.parametrize(
    ("forms", "offset", "number"),
    [
        ((RAS, None), 80, np.inf),
        ((PLAIN, PLAIN), 80, np.inf),
        ((RAS, None), 256, np.nan),
        ((RAS, RAS), 280, np.inf),
    ],
)
def test_numbers_of_which_no_place_can_be_made_are_doubted(
    tmp_path: Path, forms: tuple, offset: int, number: float
) -> None:
    (doubt,) = read_volume(patched(a_nifti(tmp_path / "a.nii", *forms), offset, number)).doubts
    assert "of which nothing can be made" in doubt


def test_other_formats_without_a_direction(tmp_path: Path) -> None:
    plain = a_scan(direction=np.eye(3))
    sitk.WriteImage(to_itk(a_scan()), str(tmp_path / "a.mhd"))
    assert read_volume(tmp_path / "a.mhd").doubts == ()
    lines = (tmp_path / "a.mhd").read_text().splitlines()
    bare = [line for line in lines if not line.startswith("TransformMatrix")]
    (tmp_path / "a.mhd").write_text("\n".join(bare) + "\n")
    sitk.WriteImage(to_itk(plain), str(tmp_path / "a.gipl"))
    named = {"space": "LPS", "space_directions": np.eye(3)}
    assert read_volume(nrrd_file(tmp_path / "a.nrrd", **named)).doubts == ()
    nrrd_file(tmp_path / "b.nrrd", space_dimension=3, space_directions=np.eye(3))
    nrrd_file(tmp_path / "c.nrrd", space="LPS", spacings=[1, 1, 1])
    nrrd_file(tmp_path / "d.nrrd", spacings=[1, 1, 1])
    for name, word in {
        "a.mhd": "TransformMatrix", "a.gipl": "GIPL", "b.nrrd": "names no space",
        "c.nrrd": "space directions", "d.nrrd": "names no space",
    }.items():  # fmt: skip
        (doubt,) = read_volume(tmp_path / name).doubts
        assert word in doubt


@pytest.mark.parametrize("forms", [(RAS, RAS), (RAS, None), (None, RAS), (None, None)])
@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
def test_the_header_of_a_nifti_tells_as_much(tmp_path: Path, forms: tuple, name: str) -> None:
    path = a_nifti(tmp_path / name, *forms)
    assert side_doubts(path) == read_volume(path).doubts


def test_the_headers_of_other_files_tell_as_much(tmp_path: Path) -> None:
    for name in ("a.mha", "a.mhd", "a.gipl"):
        sitk.WriteImage(to_itk(a_scan(direction=np.eye(3))), str(tmp_path / name))
    lines = (tmp_path / "a.mhd").read_text().splitlines(keepends=True)
    bare = [line for line in lines if not line.startswith("TransformMatrix")]
    (tmp_path / "b.mhd").write_text("".join(bare))
    write_volume(tmp_path / "a.nrrd", a_scan(), header={"space note": "a"})
    nrrd_file(tmp_path / "b.nrrd", space_dimension=3, space_directions=np.eye(3))
    nrrd_file(tmp_path / "c.nrrd", space="LPS", spacings=[1, 1, 1])
    nrrd_file(tmp_path / "d.nrrd", spacings=[1, 1, 1])
    told = {}
    for path in sorted({*tmp_path.iterdir()} - {tmp_path / "a.raw"}):
        told[path.name] = side_doubts(path)
        assert told[path.name] == read_volume(path).doubts
    assert {name for name, doubts in told.items() if not doubts} == {"a.mha", "a.mhd", "a.nrrd"}


@pytest.mark.parametrize("name", ["a.nrrd", "a.nii", "a.nii.gz", "a.mha", "a.dcm", "a.vtk", "a"])
@pytest.mark.parametrize("data", [None, b"", b"no header\n\n", b"\x1f\x8b\x08\x00"])
def test_a_file_that_is_gone_or_damaged_says_nothing_of_sides(
    tmp_path: Path, name: str, data: bytes | None
) -> None:
    if data is not None:
        (tmp_path / name).write_bytes(data)
    assert side_doubts(tmp_path / name) == ()


@pytest.mark.parametrize("name", ["s01.png", "s01.TIF", "s01.tiff", "s01.bmp", "s01.jpeg"])
def test_a_stack_of_pictures_tells_no_side(tmp_path: Path, name: str) -> None:
    (doubt,) = side_doubts(tmp_path / name)
    assert doubt.startswith("Left and right could not be read from the file: pictures (")


def test_a_doubt_stays_with_a_volume_and_goes_to_another_process(tmp_path: Path) -> None:
    volume = read_volume(a_nifti(tmp_path / "a.nii", None, None))
    assert volume.with_array(volume.array + 1).doubts == volume.doubts
    write_request(tmp_path, volume, {})
    assert read_request(tmp_path)[0].doubts == volume.doubts


def test_the_doubt_is_a_high_finding_of_report_and_manifest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scans = tmp_path / "scans"
    scans.mkdir()
    a_nifti(scans / "unsure.nii", None, None)
    write_volume(scans / "sure.nrrd", a_scan(direction=OBLIQUE))
    nothing_seen = (Sight("cpu", "torch"), [])
    monkeypatch.setattr(Looker, "look", lambda *_: nothing_seen)
    monkeypatch.setattr(
        run.pool, "work_here", lambda tasks, *_: (segment_one(task) for task in tasks)
    )
    options = Options(device="cpu", stl=False, picture=False)
    run.run_batch(scans, tmp_path / "out", options, jobs=1)
    high = {}
    for line in (tmp_path / "out" / "manifest.jsonl").read_text().splitlines():
        entry = json.loads(line)
        high[entry["source"]] = entry["findings"]["high"]
    assert high["unsure.nii"] == high["sure.nrrd"] + 1
    (report,) = (tmp_path / "out").glob("unsure*/*-report.json")
    first = json.loads(report.read_text())["findings"][0]
    assert (first["code"], first["urgency"]) == ("place-unsure", "high")
    assert "Left and right could not be read" in first["message"]
