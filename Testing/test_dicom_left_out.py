"""What GDCM passes over without a word: a slice that cannot be read is told, a report is not."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from dicom_fixture import (
    AXIAL,
    POSITION,
    SPACING,
    THICKNESS,
    write_dicom,
    write_slices,
    write_without_picture,
)
from ToothSegLib.errors import InputError
from ToothSegLib.volume_io import read_volume

DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "cut among its voxels": lambda data: data[:-20],
    "cut before its voxels": lambda data: data[:-120],
    "cut in its header": lambda data: data[:330],
    "cut behind the first element": lambda data: data[:132] + data[132:144],
    "empty": lambda data: b"",
    "zeros": lambda data: bytes(len(data)),
    "text": lambda data: b"garbage not dicom",
}
REPORT, STRUCTURES = "1.2.840.10008.5.1.4.1.1.88.22", "1.2.840.10008.5.1.4.1.1.481.3"
DIRECTORY, CT = "1.2.840.10008.1.3.10", "1.2.840.10008.5.1.4.1.1.2"
SERIES = {(0x20, 0x0D): "1.2.4", (0x20, 0x0E): "1.2.99"}
ICON = {(0x28, 0x10): np.uint16(8), (0x28, 0x11): np.uint16(8), (0x7FE0, 0x10): bytes(64)}


def apple_double() -> bytes:
    """What macOS puts beside a file on a stick or a share: Finder's notes and an empty fork."""
    magic_and_version = bytes.fromhex("0005160700020000")
    entries = struct.pack(">H", 2) + struct.pack(">6I", 9, 0x32, 0xEB0, 2, 0xEE2, 0x11E)
    head = magic_and_version + b"Mac OS X        " + entries
    fork = struct.pack(">4I", 0x100, 0x100, 0, 0x1E)
    fork += b"This resource fork intentionally left blank   "
    data = head.ljust(0xEE2, b"\0") + fork
    return data.ljust(4096, b"\0")


def test_what_macos_puts_beside_every_slice_is_passed_over(tmp_path: Path) -> None:
    folder = write_slices(tmp_path / "a", {}, {})
    for number in range(5):
        (folder / f"._slice{number}.dcm").write_bytes(apple_double())
    (folder / ".empty.dcm").touch()
    assert len(read_volume(folder).array) == 5


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("which", [0, 2, 4])
def test_a_slice_that_cannot_be_read_is_named(tmp_path: Path, which: int, damage: str) -> None:
    folder = write_slices(tmp_path / "a", {}, {})
    path = folder / f"slice{which}.dcm"
    path.write_bytes(DAMAGE[damage](path.read_bytes()))
    with pytest.raises(InputError, match=rf"slice{which}\.dcm .*; copy or export it again"):
        read_volume(folder)


def test_a_large_slice_that_was_cut_short_is_named(tmp_path: Path) -> None:
    array = np.random.default_rng(0).integers(0, 3000, (256, 256)).astype(np.int16)
    for n in range(4):
        tags = {POSITION: (1, 2, 3 + 0.3 * n), (0x20, 0x37): AXIAL, SPACING: (0.3, 0.3)}
        path = write_dicom(
            tmp_path / f"s{n}.dcm", {**tags, THICKNESS: 0.3}, array=array, number=n + 1
        )
    assert len(read_volume(tmp_path).array) == 4
    path.write_bytes(path.read_bytes()[:-60000])
    with pytest.raises(InputError, match=r"s3\.dcm is cut short: element \(7fe0,0010\)"):
        read_volume(tmp_path)


@pytest.mark.parametrize(
    ("name", "kind", "tags"),
    [
        ("report.dcm", REPORT, SERIES),
        ("IM0009", STRUCTURES, SERIES),
        ("DICOMDIR", DIRECTORY, {(0x04, 0x1220): [{(0x88, 0x200): [ICON]}]}),
    ],
)
def test_what_holds_no_picture_is_passed_over(
    tmp_path: Path, name: str, kind: str, tags: dict
) -> None:
    folder = write_slices(tmp_path / "a", {}, {})
    (folder / "._slice0.dcm").write_bytes(bytes.fromhex("0005160700020000") + bytes(100))
    path = write_without_picture(folder / name, kind, tags)
    assert len(read_volume(folder).array) == 5
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(InputError, match=f"{name} is damaged, or no DICOM file"):
        read_volume(folder)


def test_records_of_a_disc_with_sizes_and_icons_are_passed_over(tmp_path: Path) -> None:
    folder = write_slices(tmp_path / "a", {}, {})
    size = {(0x28, 0x10): np.uint16(900), (0x28, 0x11): np.uint16(900)}
    record = {**size, (0x28, 0x100): np.uint16(16), (0x88, 0x200): [ICON]}
    write_without_picture(folder / "DICOMDIR", DIRECTORY, {(0x04, 0x1220): [record, record]})
    assert len(read_volume(folder).array) == 5


def test_a_slice_without_its_picture_is_named(tmp_path: Path) -> None:
    folder = write_slices(tmp_path / "a", {}, {})
    write_without_picture(folder / "slice4.dcm", CT, {(0x20, 0x0E): "1.2.5"})
    with pytest.raises(InputError, match=r"slice4\.dcm is damaged, or no DICOM file"):
        read_volume(folder)
