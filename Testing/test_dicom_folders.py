"""What else lies in a folder of DICOM slices: it hides none of them, and none is lost."""

from __future__ import annotations

import builtins
import os
import shutil
import struct
import zlib
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dicom_fixture import grey_values, without_header, write_slices
from ToothSegLib.errors import InputError
from ToothSegLib.formats import dicom_series
from ToothSegLib.volume_io import read_volume
from volume_fixture import refused

SERIES, CHARACTERS = (0x20, 0x0E), (0x08, 0x05)


@pytest.fixture
def six(tmp_path: Path) -> Path:
    """A folder of six slices."""
    return write_slices(tmp_path / "a", {}, {}, 6)


def check_all_are_read(folder: Path) -> None:
    assert np.array_equal(read_volume(folder).array, grey_values(6))


@pytest.mark.skipif(os.name != "posix", reason="pipes and links are of Unix")
@pytest.mark.parametrize("name", ["0", "pipe", "slice3a.dcm", "z"])
def test_what_is_no_file_hides_no_slice(six: Path, name: str) -> None:
    os.mkfifo(six / name)
    check_all_are_read(six)


@pytest.mark.skipif(os.name != "posix", reason="links that need no rights are of Unix")
@pytest.mark.parametrize("name", [".#slice2.dcm", ".hidden", "notes.txt", "a.nrrd"])
def test_a_link_to_nowhere_that_is_no_slice_hides_none(six: Path, name: str) -> None:
    (six / name).symlink_to("nobody@nowhere.1234")
    check_all_are_read(six)


@pytest.mark.skipif(os.name != "posix", reason="links that need no rights are of Unix")
@pytest.mark.parametrize("has_ending", [True, False])
@pytest.mark.parametrize("which", [0, 3, 5])
def test_a_slice_that_was_not_fetched_is_named(six: Path, which: int, has_ending: bool) -> None:
    if not has_ending:
        for path in list(six.iterdir()):
            path.rename(path.with_suffix(""))
    path = sorted(six.iterdir())[which]
    shutil.move(path, six.parent / "elsewhere")
    path.symlink_to("../annex/SHA256E-s1--0")
    refused(six, f"{path.name} is a link that leads nowhere", "put the file itself there")
    path.unlink()
    path.symlink_to("../elsewhere")
    check_all_are_read(six)


def test_every_file_is_read_a_few_times_however_many_series_there_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import SimpleITK as sitk

    count = 30
    each = {n: {SERIES: f"1.2.5.{n}"} for n in range(count)}
    folder = write_slices(tmp_path / "a", {}, each, count)
    opened: Counter[str] = Counter()
    really = builtins.open

    def noted(path: Any, *args: Any, **more: Any) -> Any:
        opened[Path(path).name] += Path(path).parent == folder
        return really(path, *args, **more)

    def never(*_: object) -> None:
        raise AssertionError("GDCM reads the whole folder for a list of it")

    monkeypatch.setattr(builtins, "open", noted)
    monkeypatch.setattr(sitk.ImageSeriesReader, "GetGDCMSeriesIDs", never)
    monkeypatch.setattr(sitk.ImageSeriesReader, "GetGDCMSeriesFileNames", never)
    refused(folder, f"holds {count} series of one picture each")
    assert 0 < sum(opened.values()) <= 5 * count


@pytest.mark.parametrize("name", ["Thumbs.db", "notes.txt", "a.json"])
def test_what_is_no_slice_need_not_be_readable(
    six: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    close(six / name, monkeypatch)
    check_all_are_read(six)


@pytest.mark.parametrize("name", ["slice3.dcm", "IM7"])
def test_a_file_that_may_not_be_read_is_named(
    six: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    close(six / name, monkeypatch)
    refused(six, f"{name} cannot be read (Permission denied)", "see that you may read it")


def close(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nobody open a file, not even whom no permission stops."""
    path.touch()
    really = builtins.open

    def denied(file: Any, *args: Any, **more: Any) -> Any:
        if str(file) == str(path):
            raise PermissionError(13, "Permission denied", str(file))
        return really(file, *args, **more)

    monkeypatch.setattr(builtins, "open", denied)


def test_slices_that_begin_behind_the_first_elements_are_none_too_few(six: Path) -> None:
    path = six / "slice5.dcm"
    data = without_header(path.read_bytes())
    path.unlink()
    (six / "slice5").write_bytes(data[data.index(b"\x08\0\x60\0") :])  # from the modality on
    check_all_are_read(six)


def test_slices_packed_as_a_whole_are_asked_for_their_series(six: Path) -> None:
    plain, deflated = b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.1.99"
    for path in six.iterdir():
        data = path.read_bytes()
        length = int.from_bytes(data[140:144], "little") + 2
        head = data[:140] + length.to_bytes(4, "little") + data[144 : 142 + length]
        head = head.replace(b"UI\x14\0" + plain, b"UI\x16\0" + deflated)
        pack = zlib.compressobj(wbits=-zlib.MAX_WBITS)
        path.write_bytes(head + pack.compress(data[142 + length :]) + pack.flush())
    (series,) = dicom_series.series_files(six).values()
    assert series.uid == "1.2.5"
    check_all_are_read(six)


def test_a_damaged_picture_of_another_series_is_told(six: Path) -> None:
    other = write_slices(six.parent / "b", {SERIES: "1.2.9"}, {}, 1) / "slice0.dcm"
    (six / "other.dcm").write_bytes(other.read_bytes() + bytes(5))
    with pytest.raises(InputError, match="other.dcm is damaged"):
        read_volume(six)


@pytest.mark.parametrize(
    ("words", "encoding", "characters"),
    [
        ("Sch\xe4del OK", "latin-1", "ISO_IR 100"),
        ("Sch\xe4del OK", "latin-1", None),
        ("Sch\xe4del OK", "utf-8", None),
        ("Sch\xe4del OK", "utf-8", "ISO_IR 192"),
        ("Sch\xe4del OK", "latin-1", "ISO_IR 192"),  # which is not true
        ("\u0447\u0435\u043b\u044e\u0441\u0442\u044c", "iso8859-5", "ISO_IR 144"),
        ("\u4e0a\u9854", "iso2022_jp", "\\ISO 2022 IR 87"),
        ("\u4e0a\u988c", "gb18030", "GB18030"),
    ],
)
def test_series_are_listed_in_their_own_language(
    six: Path, words: str, encoding: str, characters: str | None
) -> None:
    other = {n: {(0x08, 0x18): f"9.{n}"} for n in range(5)}
    tags = {SERIES: "1.2.6", (0x08, 0x103E): "WORDS"}
    write_slices(six.parent / "b", tags | ({CHARACTERS: characters} if characters else {}), other)
    data = words.encode(encoding)
    data += b" " * (len(data) % 2)
    for path in (six.parent / "b").iterdir():
        head = b"\x08\0\x3e\x10LO"
        written = path.read_bytes().replace(
            b"\x08\0\x3e\x10LO\x06\0WORDS ", head + struct.pack("<H", len(data)) + data
        )
        (six / f"b{path.name}").write_bytes(written)
    refused(six, "holds 2 series", f"1.2.6 ('{words}', 5 files)")
