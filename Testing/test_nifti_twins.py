"""A packed NIfTI file is read with its own voxels, whatever lies beside it."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from ToothSegLib.errors import InputError
from ToothSegLib.formats import itk_path
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


@pytest.fixture
def twin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A packed file that must be read under another name, and a folder for temporary files."""
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    write(tmp_path / "t.nii.gz", 2)
    (tmp_path / "t.nii").touch()
    return tmp_path / "t.nii.gz"


@pytest.mark.skipif(sys.platform == "win32", reason="a signal ends nothing there so")
def test_what_a_killed_reader_left_goes_with_the_next(twin: Path) -> None:
    code = (
        "import os, signal, sys, tempfile; from pathlib import Path\n"
        f"tempfile.tempdir = {tempfile.tempdir!r}\n"
        "from ToothSegLib.formats import itk_path\n"
        "with itk_path.by_itself(Path(sys.argv[1]), '.nii.gz', in_two_files=False) as alone:\n"
        "    assert alone.is_file()\n"
        "    os.kill(os.getpid(), signal.SIGTERM)"
    )
    root = Path(__file__).parents[1]
    subprocess.run([sys.executable, "-c", code, str(twin)], cwd=root, check=False)
    folder = twin.parent / "tmp"
    assert [path.name for path in folder.rglob("*.gz")] == ["scan.nii.gz"]
    read_volume(twin)
    assert list(folder.iterdir()) == []


def test_without_a_temporary_folder_that_is_what_is_said(
    twin: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nowhere(**_: object) -> str:
        raise FileNotFoundError(2, "No usable temporary directory found")

    monkeypatch.setattr("tempfile.mkdtemp", nowhere)
    with pytest.raises(InputError, match="no temporary folder, or no room in it .No usable temp"):
        read_volume(twin)


@pytest.mark.parametrize("platform", ["linux", "win32"])
def test_a_file_that_windows_would_not_remove_is_copied(
    twin: Path, monkeypatch: pytest.MonkeyPatch, platform: str
) -> None:
    monkeypatch.setattr("sys.platform", platform)
    monkeypatch.setattr(os, "access", lambda _path, mode: mode != os.W_OK)  # it is read-only
    with itk_path.by_itself(twin, ".nii.gz", in_two_files=False) as alone:
        assert alone.read_bytes() == twin.read_bytes()
        assert os.path.samefile(alone, twin) == (platform == "linux")
