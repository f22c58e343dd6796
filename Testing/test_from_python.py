"""The front door for Python: what README says works, and what is no scan is told in one line."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

import ToothSegLib
from batch_stub import write_scan
from stub_fixture import bright_voxels
from ToothSegLib.errors import InputError
from ToothSegLib.grids.itk_image import to_itk
from ToothSegLib.report import Segmentation
from volume_fixture import a_scan

README = Path(__file__).resolve().parents[1] / "README.md"


def test_what_the_readme_says_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    section = README.read_text(encoding="utf-8").split("\n## From Python\n")[1].split("\n## ")[0]
    code = textwrap.dedent("\n".join(re.findall("^(?:    .*)?$", section, re.MULTILINE)))
    monkeypatch.setattr("ToothSegLib.cascade.segment", bright_voxels)
    monkeypatch.chdir(tmp_path)
    write_scan(tmp_path / "scan.nrrd", (11, 16))
    names: dict = {}
    exec(code, names)
    assert "16 upper right first molar" in capsys.readouterr().out
    assert names["molar"].sum() == 8
    assert (tmp_path / "results" / "scan-report.json").is_file()


def test_the_front_door_has_what_it_promises_and_nothing_else() -> None:
    for name in ToothSegLib.__all__:
        assert getattr(ToothSegLib, name).__name__ == name
    assert set(ToothSegLib.__all__) == set(ToothSegLib._MODULES)
    with pytest.raises(AttributeError, match="no attribute 'teeths'"):
        ToothSegLib.teeths  # noqa: B018


def test_type_checkers_are_told_of_the_types() -> None:
    assert Path(ToothSegLib.__file__).with_name("py.typed").is_file()


def test_every_error_is_caught_by_names_of_the_front_door() -> None:
    assert issubclass(ToothSegLib.InputError, ToothSegLib.ToothSegError)
    assert issubclass(ToothSegLib.BundleError, ToothSegLib.ToothSegError)
    assert issubclass(ToothSegLib.OutputError, ToothSegLib.ToothSegError)
    with pytest.raises(ToothSegLib.InputError, match="no-such-scan"):
        ToothSegLib.read_volume("no-such-scan.nrrd")


@pytest.mark.parametrize(
    "given", ["scan.nrrd", Path("scan.nrrd"), a_scan().array, to_itk(a_scan()), None]
)
def test_what_is_no_volume_is_told_with_what_to_give(given: object) -> None:
    words = rf"^the scan is given as {type(given).__name__}; give a Volume: read_volume\(path\), "
    with pytest.raises(InputError, match=words + r"from_itk[^\n]*$"):
        ToothSegLib.segment(given)


def test_an_image_of_simpleitk_and_its_numbers_give_the_same_place() -> None:
    scan = a_scan()
    image = to_itk(scan)
    made = ToothSegLib.Volume(scan.array, scan.spacing, scan.origin, image.GetDirection())
    for volume in (made, ToothSegLib.from_itk(image)):
        assert volume.same_grid(scan)
        assert np.array_equal(volume.direction, scan.direction)
        assert np.array_equal(volume.array, scan.array)


def test_a_slice_of_simpleitk_is_refused() -> None:
    with pytest.raises(InputError, match="2 axes"):
        ToothSegLib.from_itk(sitk.Image(4, 5, sitk.sitkInt16))


def test_one_number_is_the_size_of_cubes() -> None:
    assert ToothSegLib.Volume(a_scan().array, 0.4).spacing == (0.4, 0.4, 0.4)
    with pytest.raises(InputError, match="voxel size"):
        ToothSegLib.Volume(a_scan().array, 0.0)


def test_voxels_are_not_printed() -> None:
    scan = ToothSegLib.Volume(np.full((2, 3, 4), 77))
    assert "77" not in repr(scan)
    assert "77" not in repr(Segmentation(scan))
