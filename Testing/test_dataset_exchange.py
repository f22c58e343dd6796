"""Out to nnU-Net and MONAI and back: the same voxels in the same place, by either way."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from dataset_fixture import add_case, files_in
from ToothSegLib.dataset import exchange
from ToothSegLib.dataset.folder import CaseMeta, Dataset
from ToothSegLib.dataset.label_codes import NAMES, fdi_by_value, to_fdi, to_values
from ToothSegLib.dataset.monai import export_monai, import_monai
from ToothSegLib.dataset.nnunet import export_nnunet, import_nnunet
from ToothSegLib.dataset.record import REVIEW_ORDER
from ToothSegLib.errors import Cancelled, InputError, OutputError
from ToothSegLib.machine.owner import owner
from ToothSegLib.progress import Progress
from ToothSegLib.volume_io import read_volume

META = CaseMeta(who="cd")
WAYS = {"nnunet": (export_nnunet, import_nnunet), "monai": (export_monai, import_monai)}
OPTIONS = {"keep_names": False, "reviewed": False, "run": Progress()}


@pytest.mark.parametrize("way", WAYS)
def test_out_and_in_again_gives_the_same_cases(filled: Dataset, tmp_path: Path, way: str) -> None:
    export, take = WAYS[way]
    out = tmp_path / "out"
    assert export(filled, out) == 3
    other = Dataset.create(tmp_path / "other")
    result = take(other, out, META, **OPTIONS)
    assert sorted(result.added) == filled.case_ids() == other.case_ids()
    assert (result.known, result.left_out) == ([], [])
    for ours, theirs in zip(filled.cases(), other.cases()):
        assert theirs.record.source.voxels_sha256 == ours.record.source.voxels_sha256
        assert theirs.image().same_grid(ours.image(), 1e-9)
        assert theirs.record.teeth == ours.record.teeth
        assert theirs.revision == ours.revision
        if ours.revision:
            assert np.array_equal(theirs.labels().array, ours.labels().array)
    # And once more changes nothing.
    before = files_in(other.folder)
    again = take(other, out, META, **OPTIONS)
    assert (again.added, len(again.known)) == ([], 3)
    assert files_in(other.folder) == before


@pytest.mark.parametrize("way", WAYS)
def test_patients_stay_together_and_pseudonyms_at_home(
    dataset: Dataset, tmp_path: Path, way: str
) -> None:
    export, take = WAYS[way]
    cases = [add_case(dataset, n, patient=p) for n, p in enumerate(("p17", "x", None, " P17"))]
    export(dataset, tmp_path / "out")
    assert not any(b"p17" in data.lower() for data in files_in(tmp_path / "out").values())
    other = Dataset.create(tmp_path / "other")
    add_case(other, 9, patient="imported-1")  # by an earlier import
    asked = iter([False, False, True])
    stopped = Progress(cancelled=lambda: next(asked))
    with pytest.raises(Cancelled):
        take(other, tmp_path / "out", META, **{**OPTIONS, "run": stopped})
    result = take(other, tmp_path / "out", META, **OPTIONS)
    assert (len(result.added), len(result.known), result.apart) == (2, 2, {})
    one, x, none, two = (other.case(case.id).record.patient for case in cases)
    assert {one, x} == {"imported-2", "imported-3"}
    assert (none, two) == (None, one)
    # Somebody's own pseudonym for one of the two is that of the other as well.
    third = Dataset.create(tmp_path / "third")
    add_case(third, 3, patient="p5")
    add_case(third, 1)
    result = take(third, tmp_path / "out", META, **OPTIONS)
    assert third.case(cases[0].id).record.patient == "p5"
    assert (result.patients, result.apart) == ([], {})
    assert third.case(cases[1].id).record.patient is None
    # One that was there without any is told.
    fourth = Dataset.create(tmp_path / "fourth")
    add_case(fourth, 0)
    result = take(fourth, tmp_path / "out", META, **OPTIONS)
    pseudonym = fourth.case(cases[3].id).record.patient
    assert result.apart == {cases[0].id: pseudonym}
    # So are two that were there without any: both are to get one, which nobody else has.
    fifth = Dataset.create(tmp_path / "fifth")
    for seed, patient in ((0, None), (1, None), (2, None), (3, None), (9, "imported-1")):
        add_case(fifth, seed, patient=patient)
    result = take(fifth, tmp_path / "out", META, **OPTIONS)
    assert (result.patients, len(result.known)) == ([], 4)
    assert result.apart == {cases[0].id: "imported-2", cases[3].id: "imported-2"}


def test_nnunet_finds_what_it_asks_for(filled: Dataset, tmp_path: Path) -> None:
    """The rules of nnU-Net's dataset_format.md."""
    out = tmp_path / "Dataset501_Teeth"
    export_nnunet(filled, out)
    content = json.loads((out / "dataset.json").read_text(encoding="utf-8"))
    assert content["channel_names"] == {"0": "CT"}
    assert content["file_ending"] == ".nrrd"
    assert content["numTraining"] == 2
    values = list(content["labels"].values())
    assert values == list(range(33))
    assert content["labels"]["background"] == 0
    images, labels = (sorted(os.listdir(out / name)) for name in ("imagesTr", "labelsTr"))
    assert images == [name.replace(".nrrd", "_0000.nrrd") for name in labels]
    assert len(os.listdir(out / "imagesTs")) == 1
    for image, label in zip(images, labels):
        # As its SimpleITKIO reads them: one geometry, and labels among those named.
        read = [
            sitk.ReadImage(str(out / part)) for part in (f"imagesTr/{image}", f"labelsTr/{label}")
        ]
        for get in ("GetSize", "GetSpacing", "GetOrigin", "GetDirection"):
            assert np.allclose(getattr(read[0], get)(), getattr(read[1], get)())
        assert set(np.unique(sitk.GetArrayFromImage(read[1]))) <= set(values)


def test_monai_finds_what_it_asks_for(filled: Dataset, tmp_path: Path) -> None:
    """The rules of `load_decathlon_datalist`: lists of paths relative to the file."""
    export_monai(filled, tmp_path / "out")
    content = json.loads((tmp_path / "out" / "datalist.json").read_text(encoding="utf-8"))
    assert content["labels"]["0"] == "background"
    assert [int(value) for value in content["labels"]] == list(range(33))
    assert (len(content["training"]), len(content["testing"])) == (2, 1)
    for entry in content["training"]:
        assert set(entry) == {"image", "label", "fold"}
        assert all((tmp_path / "out" / entry[name]).is_file() for name in ("image", "label"))
    assert set(content["testing"][0]) == {"image"}


def test_values_are_consecutive_and_know_left_from_right() -> None:
    labels = np.array(REVIEW_ORDER, np.uint8)
    values = to_values(labels)
    assert sorted(values) == list(range(1, 33))
    teeth, others = fdi_by_value(NAMES)
    assert others == {}
    assert np.array_equal(to_fdi(values, teeth, "x"), labels)
    assert NAMES["11 upper right central incisor"] == values[REVIEW_ORDER.index(11)]
    assert NAMES["21 upper left central incisor"] == values[REVIEW_ORDER.index(21)]
    assert NAMES["28 upper left third molar"] > 28


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.float64])
def test_values_are_read_from_any_type(dtype: type) -> None:
    values = np.array([[[0, 19], [200, 19]]], dtype)
    teeth = {0: 0, 19: 36, 200: 11}
    assert to_fdi(values, teeth, "x").tolist() == [[[0, 36], [11, 36]]]
    for strange in (-1, 0.5, 70_000) if dtype == np.float64 else (7,):
        values[0, 0, 0] = strange
        with pytest.raises(InputError, match=f"x holds the label {strange:g}, which"):
            to_fdi(values, {**teeth, -1: 0, 70_000: 0}, "x")


@pytest.mark.parametrize("way", WAYS)
def test_only_what_is_reviewed_if_asked_for(filled: Dataset, tmp_path: Path, way: str) -> None:
    export = WAYS[way][0]
    with pytest.raises(InputError, match="no case that is reviewed to the end"):
        export(filled, tmp_path / "out", reviewed_only=True)
    assert not (tmp_path / "out").exists()
    case = next(case for case in filled.cases() if case.revision)
    case.save_revision(case.labels(), "cd", review=dict.fromkeys(case.record.teeth, "approved"))
    assert export(filled, tmp_path / "out", reviewed_only=True) == 1


@pytest.mark.parametrize("way", WAYS)
def test_an_export_is_there_whole_or_not_at_all(
    filled: Dataset, tmp_path: Path, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    export = WAYS[way][0]
    asked = iter([False, True])
    before = sorted(os.listdir(tmp_path))
    with pytest.raises(Cancelled):
        export(filled, tmp_path / "out", run=Progress(cancelled=lambda: next(asked)))
    (filled.folder / filled.case_ids()[-1] / "image.nrrd").unlink()
    with pytest.raises(InputError, match="does not exist"):
        export(filled, tmp_path / "out")
    assert sorted(os.listdir(tmp_path)) == before
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").touch()
    with pytest.raises(OutputError, match="is there already"):
        export(filled, tmp_path / "out")


def test_what_an_export_that_was_killed_has_left_is_cleared(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True
    ).stdout.strip()
    here = owner().split("-")[0]
    stages = {
        "left": f".out-{here}-{ended}-1.part",
        "running": f".out-{here}-{os.getpid()}-2.part",
        "another machine's": f".out-0123456789ab-{ended}-3.part",
        "somebody's": ".out-notes.part",
    }
    for name in stages.values():
        (tmp_path / name).mkdir()
    with exchange.whole_folder(tmp_path / "out") as folder:
        (folder / "file").touch()
    del stages["left"]
    assert sorted(os.listdir(tmp_path)) == sorted([*stages.values(), "out"])


def test_an_exported_image_is_the_scan(filled: Dataset, tmp_path: Path) -> None:
    export_nnunet(filled, tmp_path / "out")
    case = filled.cases()[0]
    folder = "imagesTr" if case.revision else "imagesTs"
    image = read_volume(tmp_path / "out" / folder / f"{case.id}_0000.nrrd")
    assert np.array_equal(image.array, case.image().array)
    assert image.array.dtype == case.image().array.dtype


@pytest.mark.parametrize("way", WAYS)
def test_names_that_may_tell_somebody_are_told_when_they_leave(
    dataset: Dataset, tmp_path: Path, way: str, caplog: pytest.LogCaptureFixture
) -> None:
    add_case(dataset, 1)
    add_case(dataset, 2, case_id="Smith_John", accept_text=True)
    WAYS[way][0](dataset, tmp_path / "out")
    assert caplog.messages == [
        "Smith_John: files of the export have this name, which may tell who the patient is: it "
        "holds what may be a name (Smith_John)"
    ]
