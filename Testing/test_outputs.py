"""The files of a result: what is in them, and that they are there whole or not at all."""

from __future__ import annotations

import errno
import gzip
import json
import os
import tempfile
import threading
import zlib
from pathlib import Path
from typing import IO, Any

import numpy as np
import pytest

from dataset_fixture import tree
from drawing_fixture import not_drawn
from phantom_fixture import dentition, segmentation
from ToothSegLib.disk import atomic, output_folder
from ToothSegLib.disk.file_names import output_stem
from ToothSegLib.disk.output_folder import check_folder
from ToothSegLib.drawing.offscreen import NoDrawing
from ToothSegLib.errors import Cancelled, OutputError
from ToothSegLib.formats import nrrd_io
from ToothSegLib.meshes.mesh_names import stl_name
from ToothSegLib.report import Finding
from ToothSegLib.results import outputs
from ToothSegLib.results.outputs import write_outputs
from ToothSegLib.teeth import by_fdi
from ToothSegLib.volume import Volume
from ToothSegLib.volume_io import read_volume

ABSENT = (12, 25, 47)


@pytest.fixture(scope="module")
def written(tmp_path_factory) -> Path:
    """A folder with the outputs of a dentition on an oblique, left-handed grid; no picture."""
    folder = tmp_path_factory.mktemp("written")
    direction = np.array([[0, -1, 0], [0.6, 0, 0.8], [0.8, 0, -0.6]])
    labels = dentition(ABSENT)
    labels = Volume(labels.array, (0.5, 0.6, 0.7), (-30.0, 12.5, 99.0), direction)
    write_outputs(segmentation(labels), "scan", folder, picture=False)
    return folder


def test_names_of_the_files(written: Path) -> None:
    names = tree(written)
    assert names[:4] == ["scan-labels.nrrd", "scan-report.json", "scan.seg.nrrd", "stl"]
    assert "stl/11_upper_right_central_incisor.stl" in names
    assert len(names) == 4 + 28 - len(ABSENT)


def test_labels_read_back_on_the_source_grid(written: Path) -> None:
    labels = read_volume(written / "scan-labels.nrrd")
    assert labels.array.dtype == np.uint8
    np.testing.assert_array_equal(labels.array, dentition(ABSENT).array)
    assert labels.spacing == pytest.approx((0.5, 0.6, 0.7))
    assert labels.origin == pytest.approx((-30.0, 12.5, 99.0))
    assert np.linalg.det(labels.direction) < 0


def test_segmentation_has_slicers_fields(written: Path) -> None:
    import nrrd

    array, header = nrrd.read(str(written / "scan.seg.nrrd"), index_order="C")
    assert header["Segmentation_SourceRepresentation"] == "Binary labelmap"
    assert header["Segmentation_ContainedRepresentationNames"] == "Binary labelmap|"
    fields = {
        int(header[f"Segment{n}_LabelValue"]): {
            key: header[f"Segment{n}_{key}"]
            for key in ("ID", "Name", "Color", "Layer", "Extent", "Tags")
        }
        for n in range(28 - len(ABSENT))
    }
    assert f"Segment{28 - len(ABSENT)}_ID" not in header
    assert sorted(fields) == sorted(set(np.unique(array).tolist()) - {0})
    assert len({segment["ID"] for segment in fields.values()}) == len(fields)
    molar = fields[36]
    assert molar["Name"] == "36 lower left first molar"
    assert molar["Layer"] == "0"
    colour = [float(value) * 255 for value in molar["Color"].split()]
    assert colour == pytest.approx(by_fdi(36).colour, abs=0.01)
    k, j, i = np.nonzero(array == 36)
    extent = [i.min(), i.max(), j.min(), j.max(), k.min(), k.max()]
    assert [int(value) for value in molar["Extent"].split()] == extent


def test_terminology_entry_has_seven_parts(written: Path) -> None:
    import nrrd

    header = nrrd.read_header(str(written / "scan.seg.nrrd"))
    tags = header["Segment0_Tags"]
    key, _, entry = tags.removesuffix("|").partition(":")
    parts = entry.split("~")
    assert (key, len(parts), tags[-1]) == ("TerminologyEntry", 7, "|")
    assert parts[0] == "Segmentation category and type - DICOM master list"
    assert parts[1] == "SCT^123037004^Anatomical Structure"
    assert parts[2] == "SCT^422653006^Upper right central incisor tooth"
    assert parts[3:] == ["^^", "Anatomic codes - DICOM master list", "^^", "^^"]


def test_the_voxels_are_packed_once_for_both_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layers = []
    real = zlib.compressobj

    class Packer:
        def __init__(self, *how: int) -> None:
            self.inner = real(*how)

        def compress(self, layer: bytes) -> bytes:
            layers.append(len(layer))
            return self.inner.compress(layer)

        def flush(self) -> bytes:
            return self.inner.flush()

    labels = dentition(ABSENT)
    monkeypatch.setattr(nrrd_io.zlib, "compressobj", Packer)
    write_outputs(segmentation(labels), "scan", tmp_path, picture=False, stl=False)
    layers = [count for count in layers if count > 1]  # the headers are made with a voxel each
    assert layers == [labels.array[0].nbytes] * len(labels.array)
    payloads = [
        (tmp_path / name).read_bytes().partition(b"\n\n")[2]
        for name in ("scan-labels.nrrd", "scan.seg.nrrd")
    ]
    assert payloads[0] == payloads[1]
    assert gzip.decompress(payloads[0]) == labels.array.tobytes()


def test_report_is_beside_them(written: Path) -> None:
    report = json.loads((written / "scan-report.json").read_text(encoding="utf-8"))
    assert report["missing"] == list(ABSENT)


def test_all_is_written_with_a_picture_and_progress(tmp_path: Path) -> None:
    seen: list[float] = []
    result = segmentation(dentition(ABSENT))
    paths = write_outputs(
        result,
        "scan",
        tmp_path / "new" / "folder",
        slices_of=result.labels,
        progress=lambda done, _: seen.append(done),
    )
    for finding in result.findings:
        if finding.code == "no-picture":
            not_drawn(finding.message)
    files = {path for path in (tmp_path / "new").rglob("*") if path.is_file()}
    assert set(paths) == files
    for name in ("scan.png", "scan-slices.png"):
        assert (tmp_path / "new" / "folder" / name).read_bytes().startswith(b"\x89PNG")
    assert seen == sorted(seen)
    assert 0 <= seen[0] <= seen[-1] <= 1


def test_files_are_written_while_the_picture_is_drawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = threading.Event()
    write = outputs.write_stl

    def write_and_tell(*words: Any) -> None:
        write(*words)
        written.set()

    def draw(*_: object) -> np.ndarray:
        assert written.wait(30), "nothing was written until the picture was there"
        return np.zeros((4, 5, 3), np.uint8)

    monkeypatch.setattr(outputs, "write_stl", write_and_tell)
    monkeypatch.setattr(outputs, "teeth_picture", draw)
    write_outputs(segmentation(dentition(ABSENT)), "scan", tmp_path)
    assert {"scan-labels.nrrd", "scan.png"} <= set(tree(tmp_path))


def test_the_picture_tells_how_many_findings_are_urgent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[int] = []

    def draw(surfaces: object, title: str, urgent: int) -> np.ndarray:
        told.append(urgent)
        return np.zeros((4, 5, 3), np.uint8)

    monkeypatch.setattr(outputs, "teeth_picture", draw)
    result = segmentation(dentition(ABSENT))
    result.findings[:] = [Finding("a", urgency, "") for urgency in ("high", "low", "high")]
    write_outputs(result, "scan", tmp_path, stl=False)
    assert told == [2]


def test_where_nothing_can_be_drawn_the_rest_is_written_and_the_report_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_window(*_: object) -> None:
        raise NoDrawing("no picture: no OpenGL")

    monkeypatch.setattr("ToothSegLib.drawing.canvas.offscreen_window", no_window)
    write_outputs(segmentation(dentition(ABSENT)), "scan", tmp_path, stl=False)
    assert tree(tmp_path) == ["scan-labels.nrrd", "scan-report.json", "scan.seg.nrrd"]
    report = json.loads((tmp_path / "scan-report.json").read_text(encoding="utf-8"))
    assert [finding["code"] for finding in report["findings"]] == ["no-picture"]


def test_a_scan_without_teeth_has_its_files_too(tmp_path: Path) -> None:
    empty = Volume(np.zeros((4, 5, 6), np.uint8))
    write_outputs(segmentation(empty), "scan", tmp_path, picture=False)
    assert tree(tmp_path) == ["scan-labels.nrrd", "scan-report.json", "scan.seg.nrrd"]
    assert not read_volume(tmp_path / "scan.seg.nrrd").array.any()


def test_an_earlier_result_is_replaced_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "stl").mkdir()
    (tmp_path / "stl" / "mine.stl").write_text("keep")
    (tmp_path / "notes.txt").write_text("keep")
    write_outputs(segmentation(dentition()), "scan", tmp_path, picture=False)
    write_outputs(segmentation(dentition(ABSENT)), "scan", tmp_path, picture=False)
    names = tree(tmp_path)
    assert {"notes.txt", "stl/mine.stl"} <= set(names)
    assert len([name for name in names if name.endswith(".stl")]) == 1 + 28 - len(ABSENT)
    assert read_volume(tmp_path / "scan-labels.nrrd").array.max() == 46


def test_without_overwrite_an_earlier_result_stays(tmp_path: Path) -> None:
    (tmp_path / "scan.seg.nrrd").write_text("earlier")
    with pytest.raises(OutputError, match=r"scan\.seg\.nrrd was not written by an earlier run"):
        write_outputs(segmentation(dentition()), "scan", tmp_path, stl=False, picture=False)
    assert tree(tmp_path) == ["scan.seg.nrrd"]


def test_without_overwrite_surfaces_of_an_earlier_result_stay(tmp_path: Path) -> None:
    (tmp_path / "stl").mkdir()
    earlier = tmp_path / "stl" / stl_name(ABSENT[0])
    earlier.write_text("earlier")
    with pytest.raises(OutputError, match=f"{earlier.name} was not written by an earlier run"):
        write_outputs(segmentation(dentition(ABSENT)), "scan", tmp_path, picture=False)
    assert tree(tmp_path) == ["stl", f"stl/{earlier.name}"]


def test_a_folder_in_the_place_of_a_file_undoes_all(tmp_path: Path) -> None:
    (tmp_path / "scan-labels.nrrd").write_text("earlier")
    (tmp_path / "scan-report.json").mkdir()
    with pytest.raises(OutputError, match="is a folder where a file should go"):
        write_outputs(
            segmentation(dentition()), "scan", tmp_path, stl=False, picture=False, overwrite=True
        )
    assert tree(tmp_path) == ["scan-labels.nrrd", "scan-report.json"]
    assert (tmp_path / "scan-labels.nrrd").read_text() == "earlier"


@pytest.mark.parametrize("after", [0, 1, 3])
def test_a_full_disk_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    calls = iter(range(100))
    fsync = os.fsync

    def full(handle: int) -> None:
        if next(calls) >= after:
            raise OSError(errno.ENOSPC, "No space left on device")
        fsync(handle)

    monkeypatch.setattr(atomic.os, "fsync", full)
    with pytest.raises(OutputError, match="No space left on device"):
        write_outputs(segmentation(dentition()), "scan", tmp_path / "a" / "b", picture=False)
    assert tree(tmp_path) == []


def test_a_failing_move_undoes_those_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "scan-labels.nrrd").write_text("earlier")
    replace = os.replace

    def failing(source: Path, target: Path) -> None:
        if Path(target) == tmp_path / "scan-report.json":
            raise PermissionError(errno.EACCES, "Permission denied")
        replace(source, target)

    monkeypatch.setattr(outputs.os, "replace", failing)
    monkeypatch.setattr(atomic, "_PATIENCE_S", 0.1)
    with pytest.raises(OutputError, match="scan-report.json: Permission denied"):
        write_outputs(segmentation(dentition()), "scan", tmp_path, picture=False, overwrite=True)
    assert tree(tmp_path) == ["scan-labels.nrrd"]
    assert (tmp_path / "scan-labels.nrrd").read_text() == "earlier"


@pytest.mark.parametrize("at", [1, 4, 12, 32])
def test_cancelling_at_any_moment_leaves_nothing(tmp_path: Path, at: int) -> None:
    asked = iter(range(1, 1000))
    with pytest.raises(Cancelled):
        write_outputs(
            segmentation(dentition()),
            "scan",
            tmp_path / "out",
            picture=False,
            cancelled=lambda: next(asked) >= at,
        )
    assert tree(tmp_path) == []


def test_a_folder_is_checked_without_a_trace(tmp_path: Path) -> None:
    check_folder(tmp_path / "not" / "yet")
    assert tree(tmp_path) == []
    file = tmp_path / "file"
    file.write_text("a file")
    with pytest.raises(OutputError, match="is a file"):
        check_folder(file)
    with pytest.raises(OutputError, match="is a file"):
        check_folder(file / "below")


def test_a_folder_that_cannot_be_written_to_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_only(**_: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(output_folder.tempfile, "TemporaryFile", read_only)
    with pytest.raises(OutputError, match="Read-only file system"):
        check_folder(tmp_path)


@pytest.mark.skipif(os.name != "posix", reason="on Windows a file has its name until it is closed")
def test_whoever_is_killed_while_a_folder_is_checked_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    really = tempfile.TemporaryFile
    left = []

    def killed(dir: Path) -> IO[bytes]:
        file = really(dir=dir)
        left.append(tree(tmp_path))
        return file

    monkeypatch.setattr(output_folder.tempfile, "TemporaryFile", killed)
    check_folder(tmp_path)
    assert left == [[]]


@pytest.mark.parametrize(
    ("source", "stem"),
    [
        ("a/scan.nrrd", "scan"),
        ("scan.v2.NII.GZ", "scan.v2"),
        ("J\N{LATIN SMALL LETTER U WITH DIAERESIS}rgen 1.mha", "J\xfcrgen 1"),
        ("series", "series"),
        ("scan.seg.nrrd", "scan.seg"),
    ],
)
def test_outputs_are_named_after_the_scan(source: str, stem: str) -> None:
    assert output_stem(source) == stem


def test_outputs_of_a_folder_are_named_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "patient.1"
    folder.mkdir()
    assert output_stem(folder) == "patient.1"
    monkeypatch.chdir(folder)
    assert output_stem(".") == "patient.1"
