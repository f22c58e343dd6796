"""What lies beside a scan and is none: by its kind, whatever it looks like. Said by its name."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest

from dicom_fixture import (
    AXIAL,
    BETWEEN,
    ENHANCED_CT,
    ORIENTATION,
    PER_FRAME,
    POSITION,
    SHARED,
    SPACING,
    groups,
    write_dicom,
    write_slices,
)
from ToothSegLib.batch.scans import find_scans
from ToothSegLib.volume_io import read_volume
from volume_fixture import refused

SERIES, IMAGE_TYPE = (0x20, 0x0E), (0x08, 0x08)
SCOUT = {IMAGE_TYPE: "ORIGINAL\\PRIMARY\\LOCALIZER", SERIES: "1.2.9"}
FRAMES = {SPACING: (0.3, 0.3), BETWEEN: 0.3, POSITION: (1, 2, 3), ORIENTATION: AXIAL}
STORAGE = "1.2.840.10008.5.1.4.1.1."


def two(folder: Path, kind: str, tags: dict, *changed: dict, **more: object) -> None:
    for n, other in enumerate(changed or ({}, {})):
        all_tags = {SPACING: (0.3, 0.3), SERIES: "1.2.9", **tags, **other}
        array = np.zeros((7, 8), np.int16)
        write_dicom(folder / f"x{n}.dcm", all_tags, kind=kind, array=array, number=50 + n)


@pytest.mark.parametrize("kind", ["66.4", "481.2", "1.1"])
def test_frames_that_are_no_scan_are_passed_over(tmp_path: Path, kind: str) -> None:
    write_slices(tmp_path / "a", {}, {})
    for folder in ("a", "b"):
        tags = {**FRAMES, SERIES: "1.2.9"}
        write_dicom(tmp_path / folder / "x.dcm", tags, kind=STORAGE + kind, number=9)
    assert len(read_volume(tmp_path / "a").array) == 5
    found = find_scans(tmp_path, tmp_path / "out")
    assert [(scan.source, scan.series) for scan in found.scans] == [("a", None)]
    assert found.left_out == {"b": "its DICOM files hold no volume"}
    refused(tmp_path / "b", "holds no scan, only pictures, scout views, label maps or doses: 1.2.9")


@pytest.mark.parametrize(
    ("kind", "tags", "changed"),
    [
        ("2", SCOUT, ({ORIENTATION: (1, 0, 0, 0, 0, -1)}, {ORIENTATION: (0, 1, 0, 0, 0, -1)})),
        ("2", {}, ({ORIENTATION: (1, 0, 0, 0, 0, -1)}, {ORIENTATION: (0, 1, 0, 0, 0, -1)})),
        ("1", {}, ()),
        ("1.1", {}, ()),
        ("1.3", {}, ()),
    ],
)
def test_two_pictures_beside_the_scan_are_passed_over(
    tmp_path: Path, kind: str, tags: dict, changed: tuple
) -> None:
    two(write_slices(tmp_path / "a", {}, {}), STORAGE + kind, tags, *changed)
    assert len(read_volume(tmp_path / "a").array) == 5
    (scan,) = find_scans(tmp_path, tmp_path / "out").scans
    assert len(scan.files) == 5


def test_screenshots_in_colour_are_passed_over(tmp_path: Path) -> None:
    folder = write_slices(tmp_path / "a", {}, {})
    colour = {
        (0x28, 0x02): np.uint16(3), (0x28, 0x04): "RGB", (0x28, 0x06): np.uint16(0),
        (0x7FE0, 0x10): bytes(7 * 8 * 6), SERIES: "1.2.9",
    }  # fmt: skip
    for n in range(2):
        array = np.zeros((7, 8))
        write_dicom(folder / f"x{n}.dcm", colour, kind=STORAGE + "7", array=array, number=50 + n)
    assert len(read_volume(folder).array) == 5


def test_a_scout_in_the_series_of_the_slices_is_no_slice(tmp_path: Path) -> None:
    folder = write_slices(tmp_path / "a", {}, {})
    tags = {**SCOUT, SERIES: "1.2.5", ORIENTATION: (1, 0, 0, 0, 0, -1), SPACING: (0.3, 0.3)}
    tags[POSITION] = (1, 2, 3)
    write_dicom(folder / "scout.dcm", tags, array=np.zeros((7, 8), np.int16), number=77)
    assert len(read_volume(folder).array) == 5


# What is wrong is said


def test_the_list_of_a_disc_is_no_scan(tmp_path: Path) -> None:
    path = write_dicom(tmp_path / "DICOMDIR", {}, kind="1.2.840.10008.1.3.10")
    refused(path, "list of a disc's files (DICOMDIR) and no scan; give the folder")


def test_each_slice_with_a_series_of_its_own(tmp_path: Path) -> None:
    changed = {n: {SERIES: f"1.2.5.{n}"} for n in range(5)}
    refused(write_slices(tmp_path / "a", {}, changed), "5 series of one picture each", "as one")


UNKNOWN = ["1.3.46.670589.33.1.4", "1.2.840.10008.1.2.4.201", "1.2.840.10008.1.2.4.103"]


@pytest.mark.parametrize("alone", [False, True])
@pytest.mark.parametrize("syntax", UNKNOWN)
def test_a_syntax_that_cannot_be_read_is_named(tmp_path: Path, syntax: str, alone: bool) -> None:
    """One that only its maker knows, HTJ2K and MPEG-4."""
    folder = write_slices(tmp_path / "a", {}, {})
    where = folder
    if alone:
        where = write_dicom(tmp_path / "a.dcm", {**FRAMES}, array=np.zeros((6, 7, 8), np.int16))
    for path in [where] if alone else folder.iterdir():
        in_syntax(path, syntax)
    refused(where, f"packed in a way that cannot be read (transfer syntax {syntax})")


def in_syntax(path: Path, syntax: str) -> None:
    """Say so in the header, and pack the voxels as one piece."""
    data = path.read_bytes()
    value = syntax.encode() + b"\0" * (len(syntax) % 2)
    plain = b"UI\x14\0" + b"1.2.840.10008.1.2.1\0"
    data = data.replace(plain, b"UI" + struct.pack("<H", len(value)) + value)
    longer = int.from_bytes(data[140:144], "little") + len(value) - 20
    data = data[:140] + struct.pack("<I", longer) + data[144:]
    at = data.index(b"\xe0\x7f\x10\0OW") + 8
    item, end = struct.pack("<HHI", 0xFFFE, 0xE000, 0), struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)
    piece = struct.pack("<HHI", 0xFFFE, 0xE000, len(data) - at - 4) + data[at + 4 :]
    path.write_bytes(data[:at] + b"\xff" * 4 + item + piece + end)


def enhanced(path: Path, shared: dict) -> Path:
    each = [groups({POSITION: (1, 2, n)}) for n in range(6)]
    return write_dicom(path, {SHARED: [groups(shared)], PER_FRAME: each}, kind=ENHANCED_CT)


@pytest.mark.parametrize("total", [2, None])
def test_a_part_of_the_frames_is_not_taken_for_all(tmp_path: Path, total: int | None) -> None:
    each = [groups({POSITION: (1, 2, n)}) for n in range(12)]
    for n in range(2):
        tags = {SHARED: [groups({SPACING: (1, 1), ORIENTATION: AXIAL})]}
        tags |= {PER_FRAME: each[6 * n : 6 * n + 6], (0x20, 0x9161): "1.2.7"}
        tags |= {(0x20, 0x9162): np.uint16(n + 1)}
        tags |= {(0x20, 0x9163): np.uint16(total)} if total else {}
        write_dicom(tmp_path / f"c{n}.dcm", tags, kind=ENHANCED_CT, number=n)
    for n, place in ((1, tmp_path / "c1.dcm"), (0, tmp_path)):
        words = f"c{n}.dcm is part {n + 1} of {total or 'several'} of one scan"
        assert "alone" not in refused(place, words, "export it as one file or as single slices")


def test_a_file_that_is_the_only_part_is_the_scan(tmp_path: Path) -> None:
    path = tmp_path / "a.dcm"
    tags = {(0x20, 0x9161): "1.2.7", (0x20, 0x9163): np.uint16(1)}
    each = [groups({POSITION: (1, 2, n)}) for n in range(6)]
    shared = [groups({SPACING: (1, 1), ORIENTATION: AXIAL})]
    write_dicom(path, {SHARED: shared, PER_FRAME: each, **tags}, kind=ENHANCED_CT)
    assert len(read_volume(path).array) == 6


def test_frames_in_a_file_that_is_packed_as_a_whole(tmp_path: Path) -> None:
    path = enhanced(tmp_path / "a.dcm", {SPACING: (1, 1), ORIENTATION: AXIAL})
    data = path.read_bytes()
    at = 144 + int.from_bytes(data[140:144], "little")
    plain, deflated = b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.1.99"
    head = data[144:at].replace(b"UI\x14\0" + plain, b"UI\x16\0" + deflated)
    squeeze = zlib.compressobj(wbits=-15)
    rest = squeeze.compress(data[at:]) + squeeze.flush()
    path.write_bytes(data[:140] + len(head).to_bytes(4, "little") + head + rest)
    refused(path, "packed as a whole (deflated)", "without compression")


def test_frames_that_do_not_say_which_way_they_lie(tmp_path: Path) -> None:
    path = enhanced(tmp_path / "a.dcm", {SPACING: (1, 1)})
    refused(path, "direction of its axes (ImageOrientationPatient)", "export it again with it")
