"""A series in several folders is one scan, and a part of it is never taken for the whole."""

from __future__ import annotations

import builtins
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dicom_fixture import ORIENTATION, POSITION, grey_values, write_slices, write_without_picture
from ToothSegLib.batch.scans import find_scans
from ToothSegLib.errors import InputError
from ToothSegLib.volume_io import read_volume
from volume_fixture import refused

STUDY, SERIES = (0x20, 0x0D), (0x20, 0x0E)


def disc(root: Path, each: int = 4, count: int = 10, tags: dict | None = None) -> Path:
    """A series as many discs have it, in folders of so many slices."""
    root.mkdir(exist_ok=True)
    write_slices(root / "all", tags or {}, {}, count)
    for n in range(count):
        folder = root / "DICOM" / f"S{n // each:02d}"
        folder.mkdir(parents=True, exist_ok=True)
        shutil.move(root / "all" / f"slice{n}.dcm", folder / f"IM{n % each}")
    (root / "all").rmdir()
    write_without_picture(root / "DICOMDIR", "1.2.840.10008.1.3.10", {})
    return root


def found(root: Path) -> list[tuple[str, str | None, int]]:
    scans = find_scans(root, root.parent / "out").scans
    return [(scan.source, scan.series, len(scan.files)) for scan in scans]


@pytest.mark.parametrize("each", [1, 4, 9])
def test_a_series_in_several_folders_is_one_scan(tmp_path: Path, each: int) -> None:
    root = disc(tmp_path / "CD", each)
    (root / "Viewer").mkdir()
    (root / "Viewer" / "run.exe").write_bytes(b"MZ" + bytes(300))
    for folder in (root, root / "DICOM"):
        assert np.array_equal(read_volume(folder).array, grey_values(10))
    assert found(root) == [("DICOM", None, 10)]
    if each > 1:
        words = f"holds {each} of the 10 slices of its series", f"give {root / 'DICOM'}, or put"
        refused(root / "DICOM" / "S00", *words, "the others lie in S01")
        # Who asks for it by name gets what lies there.
        assert len(read_volume(root / "DICOM" / "S00", series="1.2.5").array) == each


def test_slices_that_lie_among_each_other_go_together(tmp_path: Path) -> None:
    folder = write_slices(tmp_path / "a", {}, {}, 10)
    (tmp_path / "b").mkdir()
    for n in (0, 3, 4, 8):
        shutil.move(folder / f"slice{n}.dcm", tmp_path / "b" / f"slice{n}.dcm")
    assert np.array_equal(read_volume(tmp_path).array, grey_values(10))
    assert found(tmp_path) == [(".", None, 10)]
    refused(folder, "holds 6 of the 10 slices", "lie in b")


def test_a_slice_that_lacks_between_two_folders_is_missed(tmp_path: Path) -> None:
    root = disc(tmp_path / "CD")
    (root / "DICOM" / "S01" / "IM0").unlink()
    refused(root, "slices that are missing")
    assert found(root) == [("DICOM", None, 9)]


def test_a_folder_that_cannot_be_read_is_told_by_those_beside_it(tmp_path: Path) -> None:
    root = disc(tmp_path / "CD")
    cut = root / "DICOM" / "S01" / "IM1"
    cut.write_bytes(cut.read_bytes()[:-20])
    refused(root, "S01/IM1 is cut short")
    refused(root / "DICOM" / "S00", "S01/IM1 is cut short")
    for source, series, _ in found(root):
        with pytest.raises(InputError, match="S01/IM1 is cut short"):
            read_volume(root / source, series=series)
    shutil.rmtree(cut.parent)  # as if it had not been copied
    refused(root, "slices that are missing")
    assert found(root) == [("DICOM", None, 6)]


def test_a_part_in_a_folder_within_belongs_to_it(tmp_path: Path) -> None:
    folder = write_slices(tmp_path / "a", {}, {}, 10)
    (folder / "more").mkdir()
    for n in (7, 8, 9):
        shutil.move(folder / f"slice{n}.dcm", folder / "more")
    refused(folder, "holds 7 of the 10 slices", "lie in more")
    refused(folder / "more", "holds 3 of the 10 slices", "lie in a")
    assert found(tmp_path) == [("a", "1.2.5", 10)]
    assert np.array_equal(read_volume(folder, series="1.2.5").array, grey_values(10))


@pytest.mark.parametrize(
    ("first", "rest"),
    [
        ("CBCT", "CBCT rest"),
        ("CBCT teeth", "CBCT"),
        ("front", "back"),
        ("t/sub", "t"),
        ("t", "t/sub"),
    ],
)
def test_the_first_half_has_the_numbers_of_a_whole_scan(
    tmp_path: Path, first: str, rest: str
) -> None:
    folder, written = tmp_path / first, write_slices(tmp_path / "x", {}, {}, 10)
    for n in range(10):
        place = folder if n < 5 else tmp_path / rest
        place.mkdir(parents=True, exist_ok=True)
        (written / f"slice{n}.dcm").rename(place / f"slice{n}.dcm")
    written.rmdir()
    for name in ("CBCT 2", "CBCT 3", "CBCT r", "CBCT s"):  # others are nearer by name
        (tmp_path / name).mkdir()
    refused(folder, "holds 5 of the 10 slices", f"lie in {Path(rest).name}")


def test_files_of_other_folders_are_not_asked_for_one_by_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_slices(tmp_path / "a", {}, {}, 5)
    for patient in "bcd":
        (tmp_path / patient).mkdir()
        for n in range(40):
            (tmp_path / patient / f"{n}.txt").touch()
    asked, stat = [], os.stat

    def counted(path: Any, **more: Any) -> os.stat_result:
        asked.append(path)
        return stat(path, **more)

    monkeypatch.setattr(os, "stat", counted)
    assert len(read_volume(folder).array) == 5
    assert not [path for path in asked if str(path).endswith(".txt")]


def opened_elsewhere(folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is opened in other folders while one is read."""
    opened: list[Path] = []
    really = builtins.open

    def noted(path: Any, *args: Any, **more: Any) -> Any:
        opened.append(Path(path))
        return really(path, *args, **more)

    with monkeypatch.context() as spied:
        spied.setattr(builtins, "open", noted)
        read_volume(folder)
    return [
        path.name
        for path in opened
        if path.parent.parent == folder.parent != path.parent and path.parent != folder
    ]


def test_other_peoples_folders_are_not_looked_into(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_slices(tmp_path / "scan", {}, {}, 5)
    for name in ("Documents", "Mail", "Music", "scan", "scans", "z", "zz", "scan of last year"):
        (tmp_path / name).mkdir(exist_ok=True)
        if name != "scan":
            (tmp_path / name / name).write_bytes(bytes(300))
    # The two next by name, and one whose name begins with that of this one.
    assert set(opened_elsewhere(folder, monkeypatch)) == {"Music", "scan of last year", "scans"}
    (folder / "slice0.dcm").unlink()  # that may lie there, by the numbers of the others
    opened = set(opened_elsewhere(folder, monkeypatch))
    assert opened == {"Documents", "Mail", "Music", "scan of last year", "scans", "z", "zz"}


def test_not_every_patients_folder_is_looked_into_for_each_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = write_slices(tmp_path / "P100", {SERIES: "1.2.9"}, {}, 1) / "slice0.dcm"
    for n in range(101, 160):
        (tmp_path / f"P{n}").mkdir()
        os.link(one, tmp_path / f"P{n}" / "slice0.dcm")
    folder = write_slices(tmp_path / "P130b", {}, {}, 5).rename(tmp_path / "P0130")
    assert 0 < len(opened_elsewhere(folder, monkeypatch)) <= 24
    # The nearest are looked into first, and all of them once one has a part.
    for n in range(5):
        (tmp_path / f"P013{n + 1}").mkdir()
        shutil.move(
            write_slices(tmp_path / "x", {}, {}, 9) / f"slice{n + 4}.dcm", tmp_path / f"P013{n + 1}"
        )
        shutil.rmtree(tmp_path / "x")
    (folder / "slice4.dcm").unlink()
    refused(folder, "holds 4 of the 9 slices", "lie in P0131, P0132, P0133 and 2 more")


def test_the_first_folder_of_a_disc_is_no_whole_scan_whatever_it_is_called(tmp_path: Path) -> None:
    root = disc(tmp_path / "CD")
    for number, name in enumerate("ABC"):
        (root / "DICOM" / f"S{number:02d}").rename(root / "DICOM" / name)
    refused(root / "DICOM" / "A", "holds 4 of the 10 slices", "lie in B, C")


def test_copies_and_other_scans_of_one_uid_stay_apart(tmp_path: Path) -> None:
    write_slices(tmp_path / "a", {}, {})
    shutil.copytree(tmp_path / "a", tmp_path / "copy")
    further = {n: {POSITION: (1, 2, 3.1 + 0.3 * n), (0x08, 0x18): f"9.{n}"} for n in range(5)}
    write_slices(tmp_path / "other", {}, further)
    assert [place for place, _, _ in found(tmp_path)] == ["a", "copy", "other"]
    for name in ("a", "copy", "other"):
        assert len(read_volume(tmp_path / name).array) == 5
    refused(tmp_path, "holds 3 series; say which by its UID", "1.2.5 in copy")


def test_two_series_in_the_same_folders_are_two_scans(tmp_path: Path) -> None:
    root = disc(tmp_path / "CD")
    second = {n: {(0x08, 0x18): f"9.{n}"} for n in range(10)}
    write_slices(tmp_path / "b", {SERIES: "1.2.6"}, second, 10)
    for n in range(10):
        shutil.move(tmp_path / "b" / f"slice{n}.dcm", root / "DICOM" / f"S{n // 4:02d}" / f"B{n}")
    assert found(root) == [("DICOM", "1.2.5", 10), ("DICOM", "1.2.6", 10)]
    for uid in ("1.2.5", "1.2.6"):
        assert np.array_equal(read_volume(root, series=uid).array, grey_values(10))
    refused(root, "holds 2 series")
    with pytest.raises(InputError, match=r"no series 9\.9"):
        read_volume(root, series="9.9")


def test_the_part_of_a_disc_with_a_copy_elsewhere_is_joined(tmp_path: Path) -> None:
    disc(tmp_path / "CD")
    write_slices(tmp_path / "copy", {}, {}, 10)
    assert found(tmp_path) == [("CD/DICOM", None, 10), ("copy", None, 10)]


def write_scout(folder: Path, *, is_marked: bool = True, number: int = 50) -> Path:
    """A view from the side with the same UID as the slices, which may say that it is one."""
    marked = {(0x08, 0x08): "ORIGINAL\\PRIMARY\\LOCALIZER"} if is_marked else {}
    # Its corner lies where the next slice would.
    place = {POSITION: (1, 2, 2.7), ORIENTATION: (0, 1, 0, 0, 0, -1)}
    tags = {**place, (0x08, 0x18): f"9.{number}", **marked}
    write_slices(folder, {}, {0: tags}, 1)
    return (folder / "slice0.dcm").rename(folder / f"scout{number}.dcm")


@pytest.mark.parametrize("is_marked", [True, False])
@pytest.mark.parametrize("name", ["A", "Z"])
def test_a_scout_alone_in_another_folder_is_no_part(
    tmp_path: Path, name: str, is_marked: bool
) -> None:
    folder = write_slices(tmp_path / "scan", {}, {}, 8)
    write_scout(tmp_path / name, is_marked=is_marked)
    for place in (folder, tmp_path):
        assert np.array_equal(read_volume(place).array, grey_values(8))
    assert found(tmp_path) == [("scan", None, 8)]
    if is_marked:
        assert len(read_volume(tmp_path, series="1.2.5").array) == 8


@pytest.mark.parametrize("place", [".", "SC", "DICOM", "DICOM/S00", "DICOM/S02"])
def test_a_scout_beside_a_series_in_several_folders(tmp_path: Path, place: str) -> None:
    root = disc(tmp_path / "CD", each=4, count=9)  # a single slice in the last folder
    write_scout(root / place)
    assert np.array_equal(read_volume(root).array, grey_values(9))
    assert [(source, count) for source, _, count in found(root)] == [("DICOM", 9)]
    refused(root / "DICOM" / "S00", "holds 4 of the 9 slices")


def test_slices_that_face_another_way_are_no_part(tmp_path: Path) -> None:
    root = disc(tmp_path / "CD")
    across = {ORIENTATION: (1, 0, 0, 0, 0, -1)}
    more = {n: {POSITION: (1, 2 + 0.3 * n, 3), (0x08, 0x18): f"9.{n}"} for n in range(6)}
    write_slices(root / "other", across, more, 6)
    assert sorted(count for _, _, count in found(root)) == [6, 10]
    refused(root, "holds 2 series")
    refused(root / "DICOM" / "S00", "holds 4 of the 10 slices")
    assert len(read_volume(root / "other").array) == 6
