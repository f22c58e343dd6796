"""Files that lie: about how much they hold, how long to skip, and where their voxels are."""

from __future__ import annotations

import bz2
import gzip
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from ToothSegLib.cli.main import main
from ToothSegLib.errors import InputError
from ToothSegLib.grids.itk_image import to_itk
from ToothSegLib.volume_io import read_volume
from volume_fixture import a_frames_file, a_scan, write_dicom_series

HEADER = (
    "NRRD0004\ntype: {type}\ndimension: 3\nspace: left-posterior-superior\nsizes: {sizes}\n"
    "space directions: (1,0,0) (0,1,0) (0,0,1)\nspace origin: (0,0,0)\nendian: little\n"
    "encoding: {encoding}\n{more}\n"
)


def nrrd(
    path: Path, voxels: bytes, *, encoding="raw", sizes="4 3 2", type="short", more=""
) -> Path:
    """A file as a header and bytes."""
    text = HEADER.format(type=type, sizes=sizes, encoding=encoding, more=more)
    path.write_bytes(text.encode() + voxels)
    return path


PACKED = {"gzip": gzip.compress, "bzip2": bz2.compress, "raw": bytes}
VOXELS = np.arange(24, dtype=np.int16)


@pytest.mark.parametrize("encoding", PACKED)
def test_voxels_behind_skipped_lines_and_bytes(tmp_path, encoding) -> None:
    packed = PACKED[encoding]
    # Lines are skipped in the file, bytes in what it unpacks to.
    data = b"one\ntwo\n" + packed(b"xyz" + VOXELS.tobytes())
    path = nrrd(tmp_path / "a.nrrd", data, encoding=encoding, more="line skip: 2\nbyte skip: 3\n")
    assert np.array_equal(read_volume(path).array.ravel(), VOXELS)
    data = packed(b"any header" + VOXELS.tobytes())
    path = nrrd(tmp_path / "b.nrrd", data, encoding=encoding, more="byte skip: -1\n")
    assert np.array_equal(read_volume(path).array.ravel(), VOXELS)


def test_voxels_as_text(tmp_path) -> None:
    text = " ".join(map(str, VOXELS)).encode()
    path = nrrd(tmp_path / "a.nrrd", text, encoding="ascii")
    assert np.array_equal(read_volume(path).array.ravel(), VOXELS)
    for wrong in (text + b" 1", text[:-3]):
        with pytest.raises(InputError, match="promised"):
            read_volume(nrrd(tmp_path / "a.nrrd", wrong, encoding="ascii"))


@pytest.mark.parametrize("encoding", PACKED)
@pytest.mark.parametrize("change", [-2, 2])
def test_more_or_less_than_promised_is_refused(tmp_path, encoding, change) -> None:
    data = VOXELS.tobytes()[:change] if change < 0 else VOXELS.tobytes() + b"xx"
    with pytest.raises(InputError, match="promised"):
        read_volume(nrrd(tmp_path / "a.nrrd", PACKED[encoding](data), encoding=encoding))


BOMB = """
import resource, sys
from pathlib import Path
import nrrd, SimpleITK
from ToothSegLib.errors import InputError
from ToothSegLib.volume_io import read_volume
size = int(Path("/proc/self/status").read_text().split("VmSize:")[1].split()[0]) << 10
resource.setrlimit(resource.RLIMIT_AS, (size + (24 << 20),) * 2)
try:
    read_volume(sys.argv[1])
except InputError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the guard on memory is of Linux")
@pytest.mark.parametrize(
    "kind", ["gzip", "bzip2", "lying gzip", "lying raw", "lying NIfTI", "lying frames"]
)
def test_nothing_is_unpacked_or_set_aside_beyond_what_is_true(tmp_path, kind) -> None:
    much = 48 << 20
    path = tmp_path / "a.nrrd"
    if kind in ("gzip", "bzip2"):  # 48 MiB in next to nothing, where 48 bytes are promised
        nrrd(path, PACKED[kind](bytes(much)), encoding=kind)
    elif kind in ("lying gzip", "lying raw"):
        nrrd(path, gzip.compress(bytes(4096)), sizes="1000 1000 1000", encoding=kind[6:])
    elif kind == "lying NIfTI":
        path = tmp_path / "a.nii"
        sitk.WriteImage(to_itk(a_scan(direction=np.eye(3))), str(path))
        data = bytearray(path.read_bytes())
        struct.pack_into("<3h", data, 42, 1000, 1000, 1000)
        path.write_bytes(data)
    else:
        path = a_frames_file(tmp_path / "a.dcm")
        claim_large_slices(path)
    run = subprocess.run(
        [sys.executable, "-c", BOMB, str(path)], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    assert "promise" in run.stdout, run.stdout


@pytest.mark.skipif(sys.platform != "linux", reason="the guard on memory is of Linux")
@pytest.mark.parametrize("where", ["a.dcm", "folder"])
def test_an_element_that_claims_gigabytes(tmp_path, where) -> None:
    path = a_frames_file(tmp_path / "a.dcm")
    data = bytearray(path.read_bytes())
    # The series' UID, whose length is in four bytes here.
    at = data.find(struct.pack("<HH", 0x20, 0x0E), 132)
    struct.pack_into("<I", data, at + 4, 2**31)
    path.write_bytes(data)
    source = path if where == "a.dcm" else tmp_path
    run = subprocess.run(
        [sys.executable, "-c", BOMB, str(source)], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    assert "element (0020,000e) promises 2147483648 bytes" in run.stdout, run.stdout


@pytest.mark.parametrize(("element", "value"), [(0x103, 255), (0x100, 9), (0x002, 65535)])
def test_voxels_that_there_are_not(tmp_path, element, value) -> None:
    path = a_frames_file(tmp_path / "a.dcm")
    data = bytearray(path.read_bytes())
    struct.pack_into("<H", data, data.find(struct.pack("<HH", 0x28, element)) + 8, value)
    path.write_bytes(data)
    with pytest.raises(InputError, match=rf"\(0028,{element:04x}\) is {value};"):
        read_volume(path)


def test_a_file_header_without_types(tmp_path) -> None:
    path = a_frames_file(tmp_path / "a.dcm")
    path.write_bytes(path.read_bytes().replace(b"\x02\0\x10\0UI", b"\x02\0\x10\0Ui"))
    with pytest.raises(InputError, match=r"\(0002,0010\) has no type"):
        read_volume(path)


def claim_large_slices(path: Path) -> None:
    """Let a DICOM header say 20,000 rows and columns."""
    data = bytearray(path.read_bytes())
    for element in (0x10, 0x11):
        struct.pack_into("<H", data, data.find(struct.pack("<HH", 0x28, element)) + 8, 20_000)
    path.write_bytes(data)


def test_a_slice_that_promises_more_than_its_file_holds(tmp_path) -> None:
    write_dicom_series(tmp_path, a_scan(direction=np.eye(3)), "1.2.3.4")
    for path in tmp_path.iterdir():
        claim_large_slices(path)
    with pytest.raises(InputError, match="header promises 800000000 bytes of voxels"):
        read_volume(tmp_path)


@pytest.mark.parametrize("skip", ["line skip: 2000000000", "line skip: -1", "byte skip: -2"])
def test_a_header_that_skips_without_end_is_refused(tmp_path, skip) -> None:
    path = nrrd(tmp_path / "a.nrrd", VOXELS.tobytes(), more=f"{skip}\n")
    with pytest.raises(InputError, match="skips"):
        read_volume(path)


@pytest.mark.parametrize("kind", [".nhdr", ".mhd"])
@pytest.mark.parametrize("where", ["../secret.raw", "{absolute}", "link.raw"])
def test_voxels_elsewhere_than_beside_the_header_are_not_opened(tmp_path, kind, where) -> None:
    secret = tmp_path / "secret.raw"
    secret.write_bytes(VOXELS.tobytes())
    (tmp_path / "scan").mkdir()
    (tmp_path / "scan" / "link.raw").symlink_to(secret)
    (tmp_path / "scan" / "good.raw").write_bytes(VOXELS.tobytes())
    path = tmp_path / "scan" / f"a{kind}"

    def header(name: str) -> None:
        if kind == ".nhdr":
            nrrd(path, b"", more=f"data file: {name}\n")
        else:
            path.write_text(
                "ObjectType = Image\nNDims = 3\nBinaryData = True\nElementSpacing = 1 1 1\n"
                f"DimSize = 4 3 2\nElementType = MET_SHORT\nElementDataFile = {name}\n"
            )

    header("good.raw")
    assert np.array_equal(read_volume(path).array.ravel(), VOXELS)
    header(where.format(absolute=secret))
    by_link = "leads out of its folder by a link; put the file itself there"
    words = by_link if where == "link.raw" else "outside its own folder; put both into one"
    with pytest.raises(InputError, match=words):
        read_volume(path)


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("NDims", "2147483647", "NDims is '2147483647'"),  # ITK crashes on these two
        ("NDims", "-2147483648", "NDims"),
        ("NDims", "three", "NDims"),
        ("DimSize", "4 3", "DimSize '4 3' is not 3 numbers"),
        ("ElementSpacing", "1 1 x", "is not 3 numbers"),
        ("ElementSpacing", "1 1 nan", "is not 3 numbers"),
        ("TransformMatrix", "1 0 0", "is not 9 numbers"),
        ("ElementDataFile", "LIST", "several files"),
        ("ElementDataFile", "a\0b", "not beside it"),
        ("ElementDataFile", "%03d.raw 1 3 1", "several files"),
    ],
)
def test_a_metaimage_out_of_order_is_refused(tmp_path, field, value, words) -> None:
    fields = {
        "NDims": "3", "BinaryData": "True", "ElementSpacing": "1 1 1", "DimSize": "4 3 2",
        "ElementType": "MET_SHORT", field: value,
    }  # fmt: skip
    fields = {**fields, "ElementDataFile": fields.pop("ElementDataFile", "LOCAL")}
    path = tmp_path / "a.mha"
    text = "".join(f"{name} = {value}\n" for name, value in fields.items())
    path.write_bytes(text.encode() + VOXELS.tobytes())
    with pytest.raises(InputError, match=words):
        read_volume(path)


def test_a_file_can_not_command_the_terminal(tmp_path, capfd) -> None:
    path = nrrd(tmp_path / "a.nrrd", VOXELS.tobytes(), type="\x1b]0;owned\x07" + "x" * 9000)
    assert main(["segment", str(path), "-o", str(tmp_path / "out")]) == 2
    line = capfd.readouterr().err
    assert line.strip().isprintable()
    assert r"\x1b]0;owned" in line
    assert len(line) < 2100
