"""Nothing that tells who the patient is comes into a data set unasked."""

from __future__ import annotations

from pathlib import Path

import nrrd
import numpy as np
import pytest

from dataset_fixture import add_case, files_in, labels_of, scan
from ToothSegLib.dataset.case import DatasetCase
from ToothSegLib.dataset.folder import CaseMeta, Dataset
from ToothSegLib.dataset.privacy import suspicious_text
from ToothSegLib.dataset.record import Change, patient_key
from ToothSegLib.dataset.refusals import Suspicious
from ToothSegLib.teeth import TEETH, THIRD_MOLARS
from ToothSegLib.volume_io import read_volume
from volume_fixture import write_dicom_series


@pytest.mark.parametrize(
    "text",
    [
        "SMITH^JOHN",
        "Smith, John",
        "john smith's: Dr. John Smith",
        "John_Smith",
        "JohnSmith",
        "MÜLLER-JÜRGEN",
        "Zoe\u0308 Mu\u0308ller",
        "seen with Mrs Jones",
        "Patient name: xy",
        "geb. 3.4.70",
        "1970-01-31",
        "31.01.1970",
        "31/1/70",
        "19700131",
        "31011970",
        "31 Jan 1970",
        "January 31, 1970",
        "scan_20231105",
        "MRN 00123",
        "pid-4711",
        "patient 0815",
        "ID: 123",
        "1234567",
        "555-123-4567",
        "1.2.840.113619.2.55.3.604688.1",
        "anna@example.org",
    ],
)
def test_what_looks_like_a_person_is_suspected(text: str) -> None:
    assert suspicious_text(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ab",
        "case-0123456789ab",
        "case-123456789012",
        "case-00042",
        "Dataset501",
        "smoothed by 0.5 mm",
        "Renumbered from 36 to 37",
        "Segment Editor: painted",
        "metal crown on 46, root tip missing",
        "Keep Largest",
        "revision 12 of 28 teeth",
        "0.25 x 0.25 x 0.25 mm",
        "400 x 400 x 300 voxels",
        "Left side blurred. Looks sound otherwise",
        *(tooth.name.title() for tooth in (*TEETH, *THIRD_MOLARS)),
    ],
)
def test_what_annotators_write_is_not(text: str) -> None:
    assert suspicious_text(text) == []


def test_what_is_written_has_one_spelling_whatever_the_system(dataset: Dataset) -> None:
    apart = "zoe\u0308"
    case = add_case(dataset, patient=apart, note=apart)
    case.save_revision(case.labels(), apart, [Change(11, apart)], patient=f" {apart}", note=apart)
    record = DatasetCase(case.folder).record
    assert record.patient == " zo\xeb"
    assert [entry.note for entry in record.history] == ["zo\xeb"] * 2
    assert (record.history[1].who, record.history[1].changes[0].what) == ("zo\xeb", "zo\xeb")
    assert patient_key(apart) == patient_key("ZO\xcb")


def test_the_reason_is_told() -> None:
    assert suspicious_text("Smith^John 19700131") == [
        "a name as DICOM writes it (Smith^John)",
        "a date (19700131)",
    ]


@pytest.mark.parametrize(
    "meta",
    [
        {"case_id": "Smith_John"},
        {"patient": "19700131"},
        {"note": "MRN 4711"},
        {"who": "seen by Mrs Jones"},
    ],
)
def test_a_case_is_refused_before_anything_is_written(
    dataset: Dataset, meta: dict[str, str]
) -> None:
    before = files_in(dataset.folder)
    image = scan()
    with pytest.raises(Suspicious, match="may tell who the patient is: .*change it, or accept"):
        dataset.add(image, labels_of(image), CaseMeta(**{"who": "ab", **meta}))
    assert files_in(dataset.folder) == before
    accepted = CaseMeta(**{"who": "ab", **meta}, accept_text=True)
    assert dataset.add(image, None, accepted).revision == 0


def test_a_revision_is_refused_before_anything_is_written(case: DatasetCase) -> None:
    before = files_in(case.folder)
    labels = labels_of(case.labels(), 11)
    for texts in (
        {"note": "born in May 1970"},
        {"patient": "19700131"},
        {"changes": [Change(11, "as SMITH^JOHN has it")]},
    ):
        with pytest.raises(Suspicious):
            case.save_revision(labels, "cd", **texts)
    assert files_in(case.folder) == before
    assert case.save_revision(labels, "cd", note="12.05.1970", accept_text=True) == 2


def everything_in(folder: Path) -> bytes:
    """All bytes below a folder, and all names."""
    names = "\n".join(path.name for path in folder.rglob("*"))
    return names.encode() + b"\n".join(files_in(folder).values())


def test_a_headers_free_text_does_not_come_in(dataset: Dataset, tmp_path: Path) -> None:
    image, secret = scan(), {"PatientName": "SMITH^JOHN", "content": "Smith 1970"}
    paths = [tmp_path / "John Smith.nrrd", tmp_path / "John Smith.seg.nrrd"]
    for path, volume in zip(paths, (image, labels_of(image))):
        header = {
            **secret,
            "space": "left-posterior-superior",
            "space directions": volume.index_to_lps[:3, :3].T,
            "space origin": volume.origin,
        }
        nrrd.write(str(path), volume.array, header, index_order="C")
        assert b"SMITH" in path.read_bytes()
    dataset.add(read_volume(paths[0]), read_volume(paths[1]), CaseMeta(who="ab"))
    written = everything_in(dataset.folder)
    assert b"space directions" in written
    assert b"mith" not in written.lower()


def test_dicom_tags_do_not_come_in(dataset: Dataset, tmp_path: Path) -> None:
    image = scan(direction=np.eye(3))
    write_dicom_series(tmp_path / "dicom", image, "1.2.826.0.1.3680043.2.1125.7", "SMITH JOHN")
    dataset.add(read_volume(tmp_path / "dicom"), None, CaseMeta(who="ab"))
    written = everything_in(dataset.folder)
    assert b"SMITH" not in written
    assert b"3680043" not in written


def test_own_names_are_never_suspected(dataset: Dataset) -> None:
    for seed in range(5):
        assert suspicious_text(add_case(dataset, seed).id) == []
