"""Which files of a folder are taken for scans, under which names."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from batch_stub import write_scan
from dicom_fixture import without_header, write_slices
from ToothSegLib.batch.record import RECORD_NAME
from ToothSegLib.batch.scans import Found, find_scans
from ToothSegLib.disk.checksum import file_sha256
from ToothSegLib.errors import Cancelled, InputError
from ToothSegLib.formats.scan_files import files_of
from ToothSegLib.volume_io import read_volume
from volume_fixture import a_scan, write_dicom_series


def found_in(folder: Path) -> Found:
    return find_scans(folder, folder / "out")


def names(found: Found) -> list[str]:
    return [scan.name for scan in found.scans]


def touch(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x")
    return path


def test_volumes_are_found_in_order_and_others_are_not(tmp_path: Path) -> None:
    for name in ("b.nrrd", "a.nii.gz", "p/c.MHA", "d.gipl", "notes.txt", "e.png", ".f.nrrd",
                 ".git/g.nrrd", "out/h.nrrd"):  # fmt: skip
        touch(tmp_path / name)
    found = found_in(tmp_path)
    assert [scan.source for scan in found.scans] == ["a.nii.gz", "b.nrrd", "d.gipl", "p/c.MHA"]
    assert names(found) == ["a", "b", "d", "p__c"]
    assert found.left_out == {}


@pytest.mark.parametrize(
    "name",
    ["s-labels.nrrd", "s.seg.nrrd", "s_seg.nii.gz", "mask.nii", "s-Segmentation.mha",
     "s-label.nrrd", "labelsTr/s.nii.gz", "labels/s.nii.gz"],
)  # fmt: skip
def test_label_maps_are_left_out_and_told_of(tmp_path: Path, name: str) -> None:
    touch(tmp_path / name)
    touch(tmp_path / "imagesTr" / "segal-mr-labelled.nii.gz")
    found = found_in(tmp_path)
    assert names(found) == ["imagesTr__segal-mr-labelled"]
    assert list(found.left_out) == [name]


def test_results_of_another_batch_are_no_scans(tmp_path: Path) -> None:
    touch(tmp_path / "earlier" / "scan" / RECORD_NAME)
    touch(tmp_path / "earlier" / "scan" / "anything.nrrd")
    touch(tmp_path / "earlier" / "scan" / "deeper" / "anything.nrrd")
    touch(tmp_path / "a.nrrd")
    assert names(found_in(tmp_path)) == ["a"]


def test_names_that_would_fall_together_are_told_apart_and_stay(tmp_path: Path) -> None:
    for name in ("a.nrrd", "A.nii", "b/c.nrrd", "b__c.nrrd", "x" * 200 + ".nrrd"):
        touch(tmp_path / name)
    first = {scan.source: scan.name for scan in found_in(tmp_path).scans}
    assert len({name.lower() for name in first.values()}) == 5
    assert max(map(len, first.values())) < 140
    touch(tmp_path / "0.nrrd")
    again = {scan.source: scan.name for scan in found_in(tmp_path).scans}
    assert first.items() <= again.items()


def test_names_are_whole_letters_and_those_of_other_alphabets_differ(tmp_path: Path) -> None:
    for name in ("x" * 119 + "\xe9\xe9.nrrd", "y" * 118 + "\xe9\xe9.nrrd"):
        touch(tmp_path / name)
    latin = [os.fsdecode(f"caf{letter}.nrrd".encode("latin-1")) for letter in "\xe8\xe9"]
    try:
        for name in latin:
            touch(tmp_path / name)
    except OSError:
        latin = []  # not on this disk
    scans = found_in(tmp_path).scans
    found = [scan.name.encode("utf-8") for scan in scans]
    assert len(set(found)) == 2 + len(latin)
    assert [len(name) for name in found[-2:]] == [119 + 9, 120 + 9]
    # The result of a version that cut the letter is found again.
    former = found[-2][:119] + b"\xc3" + found[-2][119:]
    assert [scan.former_name for scan in scans[-2:]] == [os.fsdecode(former), None]


def test_a_dicom_folder_is_a_scan_and_so_is_each_series_of_several(tmp_path: Path) -> None:
    write_dicom_series(tmp_path / "one", a_scan(), "1.2.3.5")
    write_dicom_series(tmp_path / "two", a_scan(), "1.2.3.6")
    write_dicom_series(tmp_path / "two", a_scan(), "1.2.3.7")
    for index, path in enumerate(sorted((tmp_path / "one").iterdir())):
        path.rename(path.with_name(f"IM{index}"))  # as on many discs
    touch(tmp_path / "DICOMDIR")
    touch(tmp_path / "damaged" / "1.dcm")
    found = found_in(tmp_path)
    assert names(found) == ["damaged", "one", "two__1.2.3.6", "two__1.2.3.7"]
    assert [scan.series for scan in found.scans] == [None, None, "1.2.3.6", "1.2.3.7"]
    assert [len(scan.files) for scan in found.scans] == [1, 6, 6, 6]
    assert not set(found.scans[2].files) & set(found.scans[3].files)
    (only,) = find_scans(tmp_path / "one", tmp_path / "out").scans
    assert (only.name, only.source) == ("one", ".")


def bare(folder: Path) -> None:
    """Slices without preamble, header and ending, as some devices export them."""
    write_slices(folder, {}, {})
    for number, path in enumerate(sorted(folder.iterdir())):
        path.write_bytes(without_header(path.read_bytes()))
        path.rename(folder / f"IM{number}")


def test_slices_without_mark_and_ending_are_a_scan(tmp_path: Path) -> None:
    bare(tmp_path / "a")
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "notes").write_bytes(b"\x08\0\x16\0UI" + bytes(50))  # no picture
    (tmp_path / "b" / "others").write_bytes(b"\x08\0\x16\0" + b"\xff" * 50)
    found = found_in(tmp_path)
    assert names(found) == ["a"]
    assert len(found.scans[0].files) == 5
    assert len(read_volume(tmp_path / "a").array) == 5
    path = tmp_path / "a" / "IM4"
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(InputError, match="IM4 is cut short"):
        read_volume(tmp_path / "a")


def test_a_dicom_folder_without_a_volume_is_left_out(tmp_path: Path) -> None:
    write_dicom_series(tmp_path / "scout", a_scan((1, 7, 8)), "1.2.3.5")
    found = found_in(tmp_path)
    assert found.scans == []
    assert found.left_out == {"scout": "its DICOM files hold no volume"}


NRRD_HEADER = "NRRD0004\ntype: short\ndata file: {}\n\n"
META_HEADER = "NDims = 3\nDimSize = 1 1 1\nElementSpacing = 1 1 1\nElementDataFile = {}\n"
HEADERS = {".nhdr": NRRD_HEADER, ".nrrd": NRRD_HEADER, ".mhd": META_HEADER, ".mha": META_HEADER}


@pytest.mark.parametrize("name", ["a.raw", "./a.raw", "raw/a.raw", "./raw/../raw/a.raw"])
@pytest.mark.parametrize("ending", HEADERS)
def test_voxels_in_a_file_of_their_own_count(tmp_path: Path, ending: str, name: str) -> None:
    header = tmp_path / f"a{ending}"
    header.write_text(HEADERS[ending].format(name))
    (tmp_path / "raw").mkdir()
    raw = touch(tmp_path / name)
    touch(tmp_path / "b.raw")
    assert files_of(header) == (str(header), str(raw))
    before = file_sha256(*files_of(header))
    raw.write_bytes(b"y")
    assert file_sha256(*files_of(header)) != before


@pytest.mark.parametrize("name", ["../a.raw", "absent.raw", "a" * 400 + ".raw", "LIST", "LOCAL"])
@pytest.mark.parametrize("ending", HEADERS)
def test_what_is_not_read_as_the_voxels_does_not_count(
    tmp_path: Path, ending: str, name: str
) -> None:
    touch(tmp_path / "a.raw")
    header = touch(tmp_path / "scans" / f"a{ending}")
    header.write_text(HEADERS[ending].format(name))
    assert files_of(header) == (str(header),)


def test_a_long_line_of_a_header_is_no_name_of_a_file(tmp_path: Path) -> None:
    nrrd, meta = tmp_path / "a.nhdr", tmp_path / "a.mhd"
    nrrd.write_text(NRRD_HEADER.strip().format("a.raw") + f"\nabout:={'x' * 400}\n\n")
    meta.write_text(f"Comment = {'x' * 400}\n" + META_HEADER.format("LOCAL"))
    raw = touch(tmp_path / "a.raw")
    assert files_of(nrrd) == (str(nrrd), str(raw))
    assert files_of(meta) == (str(meta),)


def test_a_scan_that_cannot_be_read_has_no_checksum(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        file_sha256(tmp_path / "absent.nrrd")


def test_the_search_can_be_cancelled(tmp_path: Path) -> None:
    write_scan(tmp_path / "a.nrrd")

    def stop() -> None:
        raise Cancelled("cancelled")

    with pytest.raises(Cancelled):
        find_scans(tmp_path, tmp_path / "out", check=stop)
