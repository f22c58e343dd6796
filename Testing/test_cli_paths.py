"""Paths that the system refuses to look at: one line that names them, and no fault of ours."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from ToothSegLib.batch.scans import find_scans
from ToothSegLib.cli.main import main
from ToothSegLib.disk.file_names import output_stem
from ToothSegLib.disk.output_folder import check_folder
from ToothSegLib.errors import OutputError, in_words
from ToothSegLib.volume_io import write_volume
from volume_fixture import a_scan

LONG = "n" * 300  # longer than any disk takes: what is asked of it raises


@pytest.mark.parametrize(
    "words",
    [
        ["segment", f"{LONG}.nrrd", "-o", "out"],
        ["segment", "none.nrrd", "-o", LONG],
        ["segment", "none.nrrd", "-o", "out", "--model", LONG],
        ["batch", LONG, "-o", "out"],
        ["batch", ".", "-o", LONG],
        ["rank", LONG],
        ["rank", ".", "--dataset", LONG],
        ["evaluate", LONG, LONG],
        ["models", LONG],
        ["models", "compare", LONG],
        ["dataset", "list", LONG],
        ["dataset", "check", LONG],
    ],
    ids=lambda words: " ".join(words).replace(LONG, "LONG"),
)
def test_a_name_too_long_is_told_in_one_line(
    words: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(words) == 2
    line = capfd.readouterr().err
    assert line.startswith("toothseg: error: ")
    assert line.count("\n") == 1
    assert "should not happen" not in line
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("kind", [str, os.fsencode, Path])
def test_what_the_system_refuses_is_no_fault_of_the_program(kind: Callable[[str], object]) -> None:
    place = os.path.join("closed", "scan.nrrd")
    error = PermissionError(errno.EACCES, "Permission denied", kind(place))
    name, message, code = in_words(error)
    assert (name, code) == ("InputError", 2)
    assert f"{place} cannot be used: Permission denied" in message
    for fault in (OSError("odd"), OSError(errno.EIO, "no file"), OSError(errno.EIO, "a number", 3)):
        assert in_words(fault)[2] == 1


def test_the_stem_of_what_cannot_be_looked_at() -> None:
    assert output_stem(f"{LONG}.nii.gz") == LONG


def test_a_folder_that_may_not_be_entered_ends_no_batch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("closed", "open"):
        (tmp_path / name).mkdir()
        write_volume(tmp_path / name / "scan.nrrd", a_scan())
    is_dir, stat = Path.is_dir, os.stat

    def denied(path: object) -> None:
        if os.path.dirname(os.fspath(path)) == str(tmp_path / "closed"):  # type: ignore[call-overload]
            raise PermissionError(errno.EACCES, "Permission denied", path)

    def no_is_dir(path: Path) -> bool:
        denied(path)
        return is_dir(path)

    def no_stat(path: object, **more: object) -> os.stat_result:
        if not isinstance(path, int):
            denied(path)
        return stat(path, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(Path, "is_dir", no_is_dir)
    monkeypatch.setattr(os, "stat", no_stat)  # permissions do not hold for the administrator
    found = find_scans(tmp_path, tmp_path / "out")
    assert [scan.name for scan in found.scans] == ["closed__scan", "open__scan"]


@pytest.mark.parametrize("below", [False, True])
def test_a_link_to_nowhere_is_no_output_folder(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], below: bool
) -> None:
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "gone", target_is_directory=True)
    out = link / "out" if below else link
    write_volume(tmp_path / "scan.nrrd", a_scan())
    for words in (["segment", str(tmp_path / "scan.nrrd")], ["batch", str(tmp_path)]):
        assert main([*words, "-o", str(out)]) == 2
        line = capfd.readouterr().err
        assert f"output folder {out}: {link} is a link to a place that is not there" in line
        assert line.count("\n") == 1
    assert not (tmp_path / "gone").exists()
    (tmp_path / "gone").mkdir()
    check_folder(out)


def test_an_output_folder_that_cannot_be_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(OutputError, match="cannot write to the output folder .*: "):
        check_folder(tmp_path / LONG)
    monkeypatch.setattr(Path, "exists", lambda _: False)  # a drive that is not connected
    with pytest.raises(OutputError, match="there is no such drive or share"):
        check_folder(tmp_path / "out")
