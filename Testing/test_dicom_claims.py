"""DICOM that promises more or less than it holds is refused; packed voxels are read."""

from __future__ import annotations

import struct
import time
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from dicom_fixture import write_dicom, write_slices
from ToothSegLib.errors import InputError
from ToothSegLib.formats.dicom_series import is_worth_a_look
from ToothSegLib.grids.itk_image import to_itk
from ToothSegLib.volume import Volume
from ToothSegLib.volume_io import read_volume
from volume_fixture import a_frames_file

ITEM = (0xFFFE, 0xE000)


def change_text(path: Path, element: int, text: bytes) -> None:
    """Write another value, of any length, into a DICOM file whose types are not written."""
    data = path.read_bytes()
    at = data.find(struct.pack("<HH", 0x28, element), 132) + 4
    (length,) = struct.unpack_from("<I", data, at)
    path.write_bytes(data[:at] + struct.pack("<I", len(text)) + text + data[at + 4 + length :])


@pytest.mark.parametrize("frames", [b"7 ", b"40", b"5 ", b"1 "])
def test_frames_that_there_are_not_are_not_made_up(tmp_path, frames) -> None:
    path = a_frames_file(tmp_path / "a.dcm")
    assert len(read_volume(path).array) == 6
    change_text(path, 0x08, frames)
    with pytest.raises(InputError, match=r"promises \d+ bytes of voxels, the file has 672"):
        read_volume(path)


@pytest.mark.parametrize("frames", [b"1000000 1000000 1000000 ", b"6.", b"1_0 ", b"six "])
def test_a_number_of_frames_that_is_none(tmp_path, frames) -> None:
    path = a_frames_file(tmp_path / "a.dcm")
    change_text(path, 0x08, frames)
    with pytest.raises(InputError, match="the number of frames is"):
        read_volume(path)


def test_an_item_that_claims_gigabytes(tmp_path) -> None:
    path = a_frames_file(tmp_path / "a.dcm")
    data = path.read_bytes()
    at = data.find(struct.pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF)) + 4
    path.write_bytes(data[:at] + struct.pack("<I", 0xFFFFFFFD) + data[at + 4 :])
    with pytest.raises(InputError, match=r"element \(fffe,e000\) promises 4294967293 bytes"):
        read_volume(path)


def test_a_file_of_another_kind_is_not_only_called_cut_short(tmp_path) -> None:
    path = tmp_path / "picture.dcm"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(200))
    with pytest.raises(InputError, match=r"picture\.dcm is cut short, or no DICOM file: element"):
        read_volume(path)


def test_a_mark_without_a_header(tmp_path) -> None:
    path = a_frames_file(tmp_path / "a.dcm")
    data = path.read_bytes()
    path.write_bytes(data[:132] + b"\x01" + data[133:])
    with pytest.raises(InputError, match="no header follows the mark DICM"):
        read_volume(path)


@pytest.mark.parametrize("sequence", [(0x08, 0x1140), (0x09, 0x1001)])
def test_the_size_of_another_picture_in_a_sequence(tmp_path, sequence) -> None:
    other = {
        (0x28, 0x08): 90, (0x28, 0x10): np.uint16(900), (0x28, 0x11): np.uint16(900),
        (0x7FE0, 0x10): bytes(64),
    }  # fmt: skip
    folder = write_slices(tmp_path / "a", {sequence: [other]}, {})
    assert read_volume(folder).shape == (5, 7, 8)
    path = folder / "slice2.dcm"
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(InputError, match=r"slice2\.dcm is cut short"):
        read_volume(folder)


def test_a_packed_icon_in_a_sequence_is_not_taken_for_elements(tmp_path) -> None:
    path = write_slices(tmp_path / "a", {}, {}) / "slice2.dcm"
    claims_gigabytes = struct.pack("<HH2sHI", 0x0028, 0x0034, b"OB", 0, 0xFFFFFFF0)
    pieces = struct.pack("<HHIHHI", *ITEM, 0, *ITEM, len(claims_gigabytes)) + claims_gigabytes
    end, undefined = struct.pack("<HHI", 0xFFFE, 0xE0DD, 0), 0xFFFFFFFF
    icon = struct.pack("<HH2sHI", 0x7FE0, 0x0010, b"OB", 0, undefined) + pieces + end
    item = struct.pack("<HHI", *ITEM, undefined) + icon + struct.pack("<HHI", 0xFFFE, 0xE00D, 0)
    sequence = struct.pack("<HH2sHI", 0x0009, 0x1001, b"SQ", 0, undefined) + item + end
    data = path.read_bytes()
    at = data.find(struct.pack("<HH", 0x0018, 0x0050))
    path.write_bytes(data[:at] + sequence + data[at:])
    assert read_volume(path.parent).shape == (5, 7, 8)


def test_the_end_of_no_sequence_hides_no_size(tmp_path) -> None:
    path = write_dicom(tmp_path / "a.dcm", {(0x28, 0x10): np.uint16(60000)})
    data = path.read_bytes()
    at = data.find(struct.pack("<HH", 0x08, 0x18))
    assert at > 0
    path.write_bytes(data[:at] + struct.pack("<HHI", 0xFFFE, 0xE0DD, 0) + data[at:])
    with pytest.raises(InputError, match="promises 5760000 bytes of voxels"):
        read_volume(path)


def write_packed(path: Path, image: sitk.Image, packing: str) -> None:
    """DICOM by a packing that loses nothing."""
    writer = sitk.ImageFileWriter()
    writer.SetFileName(str(path))
    writer.UseCompressionOn()
    writer.SetCompressor(packing)
    writer.Execute(image)
    assert b"1.2.840.10008.1.2.4." in path.read_bytes()[:500]


# Any bytes may be in packed voxels, such as those of an element that claims gigabytes.
@pytest.mark.parametrize("packing", ["JPEG", "JPEG2000"])
def test_packed_voxels_are_not_taken_for_elements(tmp_path, packing) -> None:
    path = tmp_path / "a.dcm"
    array = np.random.default_rng(0).integers(-1000, 3000, (4, 96, 96)).astype(np.int16)
    image = to_itk(Volume(array, (0.5, 0.5, 0.5)))
    image.SetMetaData("0008|0060", "CT")
    image.SetMetaData("0008|0016", "1.2.840.10008.5.1.4.1.1.2.1")
    write_packed(path, image, packing)
    assert np.array_equal(read_volume(path).array, array)


@pytest.mark.parametrize("first", [(16, 32), (8, 5)])
def test_the_air_of_a_scan_of_another_kind_is_not_gone_through(tmp_path, first) -> None:
    path = tmp_path / "scan.vol"
    path.write_bytes(struct.pack("<HHI", *first, 0) + bytes(50_000_000))
    began = time.process_time()
    assert not is_worth_a_look(path)
    assert time.process_time() - began < 1
