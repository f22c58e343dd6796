"""What an earlier run left in an output folder: another scan's stays, the same scan's goes."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from phantom_fixture import segmentation
from ToothSegLib.drawing.offscreen import NoDrawing
from ToothSegLib.errors import OutputError
from ToothSegLib.report import Segmentation
from ToothSegLib.results import outputs
from ToothSegLib.results.outputs import write_outputs
from ToothSegLib.volume import Volume


def teeth(*numbers: int) -> Segmentation:
    """A result with a block for each tooth."""
    labels = np.zeros((12, 12, 4 + 5 * len(numbers)), np.uint8)
    for index, fdi in enumerate(numbers):
        labels[2:10, 2:10, 2 + 5 * index : 5 + 5 * index] = fdi
    return segmentation(Volume(labels))


def write(folder: Path, stem: str, *numbers: int, **options: bool) -> list[str]:
    paths = write_outputs(teeth(*numbers), stem, folder, **{"picture": False, **options})
    return [path.relative_to(folder).as_posix() for path in paths]


def surfaces(folder: Path, name: str) -> list[int]:
    """FDI numbers of the surfaces in a folder of them; none where it is not there."""
    return sorted(int(path.name[:2]) for path in (folder / name).glob("*.stl"))


def make_old(folder: Path, stem: str, written: int) -> None:
    """Make a report one of an older version, which says nothing of files."""
    path = folder / f"{stem}-report.json"
    report = json.loads(path.read_text(encoding="utf-8"))
    for key in ("files", "checksums", "checksum"):
        del report[key]
    path.write_text(json.dumps(report), encoding="utf-8")
    os.utime(path, ns=(written, written))


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures without OpenGL."""
    monkeypatch.setattr(outputs, "teeth_picture", lambda *_: np.zeros((4, 5, 3), np.uint8))
    monkeypatch.setattr(
        "ToothSegLib.drawing.slices.slice_picture", lambda *_: np.zeros((4, 5, 3), np.uint8)
    )


def test_surfaces_of_two_scans_in_one_folder_stay_apart(tmp_path: Path) -> None:
    write(tmp_path, "a", 11, 16)
    first = {path.name: path.read_bytes() for path in (tmp_path / "stl").iterdir()}
    names = write(tmp_path, "b", 11)
    assert [name for name in names if name.endswith(".stl")] == [
        "b-stl/11_upper_right_central_incisor.stl"
    ]
    assert {path.name: path.read_bytes() for path in (tmp_path / "stl").iterdir()} == first
    for stem in ("a", "b"):
        report = json.loads((tmp_path / f"{stem}-report.json").read_text(encoding="utf-8"))
        assert all((tmp_path / name).is_file() for name in report["files"])
        where = "stl" if stem == "a" else "b-stl"
        found = [name.split("/")[0] for name in report["files"] if name.endswith(".stl")]
        assert set(found) == {where}
    # Each keeps its place, and what it no longer has goes.
    write(tmp_path, "a", 16)
    write(tmp_path, "b", 21)
    assert (surfaces(tmp_path, "stl"), surfaces(tmp_path, "b-stl")) == ([16], [21])
    # Once the first is without surfaces, stl/ is free.
    write(tmp_path, "a", 16, stl=False)
    write(tmp_path, "b", 22)
    assert surfaces(tmp_path, "stl") == [22]
    assert not (tmp_path / "b-stl").exists()


def test_surfaces_that_no_report_tells_of_are_another_scans_if_ours_are_elsewhere(
    tmp_path: Path,
) -> None:
    write(tmp_path, "a", 11)
    write(tmp_path, "b", 12)
    (tmp_path / "a-report.json").unlink()
    write(tmp_path, "b", 13)
    assert (surfaces(tmp_path, "stl"), surfaces(tmp_path, "b-stl")) == ([11], [13])


@pytest.mark.parametrize(("first", "second"), [("a", "b"), ("b", "a")])
@pytest.mark.parametrize("second_has", [(11,), (11, 16)])
def test_in_an_old_folder_the_report_with_those_teeth_that_came_last_has_them(
    tmp_path: Path, first: str, second: str, second_has: tuple[int, ...]
) -> None:
    write(tmp_path, first, 11, 16)
    make_old(tmp_path, first, 1)
    write(tmp_path, second, *second_has)
    assert surfaces(tmp_path, f"{second}-stl") == [*second_has], "an old report has 11 and 16"
    # As the version before left it: the second one's in stl/, and none of the first.
    for path in (tmp_path / "stl").iterdir():
        path.unlink()
    for path in (tmp_path / f"{second}-stl").iterdir():
        path.rename(tmp_path / "stl" / path.name)
    # Who has just these teeth has them, whenever the reports were copied.
    make_old(tmp_path, second, 2 if len(second_has) == 2 else 0)
    write(tmp_path, first, 11, 16, overwrite=True)
    assert surfaces(tmp_path, "stl") == [*second_has]
    assert surfaces(tmp_path, f"{first}-stl") == [11, 16]
    write(tmp_path, second, 12, overwrite=True)
    assert (surfaces(tmp_path, "stl"), surfaces(tmp_path, f"{second}-stl")) == ([12], [])


def test_without_surfaces_those_of_an_earlier_run_of_the_scan_go(tmp_path: Path) -> None:
    write(tmp_path, "a", 11)
    write(tmp_path, "b", 12)
    mine = tmp_path / "stl" / "mine.stl"
    mine.write_text("keep")
    write(tmp_path, "b", 13, stl=False)
    assert surfaces(tmp_path, "b-stl") == []
    assert len(list((tmp_path / "stl").iterdir())) == 2
    write(tmp_path, "a", 14, stl=False)
    assert [path.name for path in (tmp_path / "stl").iterdir()] == ["mine.stl"]


@pytest.mark.usefixtures("drawn")
def test_without_pictures_those_of_an_earlier_run_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "b.png"
    own.write_text("of the reader")

    def pictures() -> set[str]:
        return {path.name for path in tmp_path.glob("*.png")} - {own.name}

    def with_slices() -> None:
        result = teeth(11)
        write_outputs(result, "a", tmp_path, slices_of=result.labels)
        assert pictures() == {"a.png", "a-slices.png"}

    with_slices()
    write(tmp_path, "a", 12, picture=True)
    assert pictures() == {"a.png"}, "the slices are those of other labels"
    with_slices()
    write(tmp_path, "a", 12)
    assert pictures() == set()
    with_slices()

    def no_window(*_: object) -> None:
        raise NoDrawing("no picture: no OpenGL")

    monkeypatch.setattr(outputs, "teeth_picture", no_window)
    write(tmp_path, "a", 12, picture=True)
    assert pictures() == set()
    write(tmp_path, "b", 12)
    write(tmp_path, "b", 12)
    assert own.read_text() == "of the reader", "no run has made it"


@pytest.mark.usefixtures("drawn")
def test_what_is_stale_goes_with_the_rest_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, "a", 11, picture=True)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    replace = os.replace

    def full(source: Path, target: Path) -> None:
        if Path(target) == tmp_path / "a-report.json" and "replaced" not in str(source):
            raise OSError(28, "No space left on device")
        replace(source, target)

    monkeypatch.setattr("ToothSegLib.disk.moving.os.replace", full)
    with pytest.raises(OutputError, match="No space left"):
        write(tmp_path, "a", 12, stl=False)
    monkeypatch.undo()
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_a_report_cannot_have_other_files_taken_away(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    write(folder, "a", 11)
    for name in ("b.png", "notes.txt", "../outside.png", "stl/mine.stl"):
        (folder / name).write_text("keep")
    path = folder / "a-report.json"
    report = json.loads(path.read_text(encoding="utf-8"))
    report["files"] += ["b.png", "notes.txt", "../outside.png", "stl/mine.stl", "/etc/hostname"]
    path.write_text(json.dumps(report), encoding="utf-8")
    with pytest.raises(OutputError, match=r"a-report\.json was changed"):
        write(folder, "a", 11, stl=False)
    write(folder, "a", 11, stl=False, overwrite=True)
    for name in ("b.png", "notes.txt", "../outside.png", "stl/mine.stl"):
        assert (folder / name).read_text() == "keep"
