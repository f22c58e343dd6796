"""Out to nnU-Net and MONAI and back: the same voxels in the same place, by either way."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from dataset_fixture import add_case, files_in, labels_of, scan
from test_segment_labels import a_file
from ToothSegLib.dataset import exchange
from ToothSegLib.dataset.folder import CaseMeta, Dataset
from ToothSegLib.dataset.label_codes import NAMES, fdi_by_value, to_fdi, to_values
from ToothSegLib.dataset.monai import export_monai, import_monai
from ToothSegLib.dataset.nnunet import export_nnunet, import_nnunet
from ToothSegLib.dataset.record import REVIEW_ORDER
from ToothSegLib.dataset.refusals import Suspicious
from ToothSegLib.errors import Cancelled, InputError, OutputError
from ToothSegLib.itk_image import to_itk
from ToothSegLib.progress import Progress
from ToothSegLib.volume_io import read_volume, write_volume

META = CaseMeta(who="cd")
WAYS = {"nnunet": (export_nnunet, import_nnunet), "monai": (export_monai, import_monai)}
OPTIONS = {"keep_names": False, "reviewed": False, "run": Progress()}


@pytest.fixture
def filled(dataset: Dataset) -> Dataset:
    """Two cases with labels, every tooth of the 32 in one of them, and one without."""
    add_case(dataset, 1)
    image = scan(2)
    array = np.zeros(image.shape, np.uint8)
    array.reshape(-1)[: len(REVIEW_ORDER)] = REVIEW_ORDER
    dataset.add(image, image.with_array(array), META)
    dataset.add(scan(3), None, META)
    return dataset


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
        ]  # noqa: E501
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
        assert set(entry) == {"image", "label"}
        assert all((tmp_path / "out" / path).is_file() for path in entry.values())
    assert set(content["testing"][0]) == {"image"}


def test_values_are_consecutive_and_know_left_from_right() -> None:
    labels = np.array(REVIEW_ORDER, np.uint8)
    values = to_values(labels)
    assert sorted(values) == list(range(1, 33))
    teeth, others = fdi_by_value(NAMES)
    assert others == []
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
    here = exchange._this_machine()
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


def foreign(
    folder: Path, names: dict[str, object], values: tuple[int, int], **more: object
) -> Path:
    """An nnU-Net data set as others make it: NIfTI, other numbers; a tooth and something else."""
    for name in ("imagesTr", "labelsTr"):
        (folder / name).mkdir(parents=True)
    image = scan(direction=np.diag([-1.0, -1.0, 1.0]))
    labels = labels_of(image, *values)
    sitk.WriteImage(to_itk(image), str(folder / "imagesTr" / "P_001_0000.nii.gz"))
    sitk.WriteImage(to_itk(labels), str(folder / "labelsTr" / "P_001.nii.gz"))
    content = {"channel_names": {"0": "CBCT"}, "labels": names, "file_ending": ".nii.gz", **more}
    (folder / "dataset.json").write_text(json.dumps(content), encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    "names",
    [
        {"background": 0, "Lower Jawbone": 1, "Lower Left First Molar": 19},
        {"background": 0, "jaw": 1, "tooth_36": 19},
        {"0": "background", "1": "jaw", "19": "FDI 36"},
    ],
    ids=["ToothFairy", "numbers", "first nnU-Net"],
)
def test_other_peoples_labels_are_understood_by_name(
    dataset: Dataset, tmp_path: Path, names: dict[str, object]
) -> None:
    folder = foreign(tmp_path / "in", names, (1, 19))
    result = import_nnunet(dataset, folder, META, **{**OPTIONS, "reviewed": True})
    assert result.left_out in (["Lower Jawbone"], ["jaw"])
    (case,) = dataset.cases()
    expected = labels_of(scan(), 1, 36).array
    expected[expected == 1] = 0
    assert np.array_equal(case.labels().array, expected)
    assert case.image().same_grid(scan(direction=np.diag([-1.0, -1.0, 1.0])), 1e-3)
    assert (case.record.review, case.record.reviewed) == ({36: "approved"}, True)
    assert case.id.startswith("case-")


@pytest.mark.parametrize(
    ("name", "fdi"),
    [
        ("36", 36),
        ("FDI36", 36),
        ("tooth-36", 36),
        ("UR6", 16),
        ("36 lower left first molar", 36),
        ("14 upper left first molar", 26),  # by the Universal system
        ("Upper Left Third Molar (Wisdom Tooth)", 28),
        ("implant 41", None),
        ("crown of 42", None),
        ("root canal 43", None),
        ("implant at the upper right first molar", None),
        ("tooth_51", None),
    ],
)
def test_a_label_is_a_tooth_only_if_its_name_says_no_more(name: str, fdi: int | None) -> None:
    teeth, others = fdi_by_value({"background": 0, name: 1, "tooth_47": 2})
    assert teeth == {0: 0, 1: fdi or 0, 2: 47}
    assert others == ([] if fdi else [name])


@pytest.mark.parametrize("pattern", ["tooth_{}", "Tooth {:02}", "{}", "T-{} (tooth)", "FDI{}"])
def test_universal_tooth_numbers_are_refused(pattern: str) -> None:
    names = {pattern.format(number): number for number in range(1, 33)}
    with pytest.raises(InputError, match=r"(Universal tooth numbers|none of the labels is a)"):
        fdi_by_value({"background": 0, **names})
    names = {pattern.format(fdi): fdi for fdi in REVIEW_ORDER}
    if "T-" not in pattern:
        assert len(fdi_by_value({"background": 0, "bone 1": 1, **names})[1]) == 1


def test_a_number_that_contradicts_the_words_is_refused() -> None:
    with pytest.raises(InputError, match="'15 upper left first molar' is another tooth by its"):
        fdi_by_value({"background": 0, "15 upper left first molar": 1})


def test_names_are_kept_on_request_and_looked_at(dataset: Dataset, tmp_path: Path) -> None:
    names = {"background": 0, "jaw": 1, "tooth 36": 19}
    folder = foreign(tmp_path / "in", names, (1, 19))
    import_nnunet(dataset, folder, META, **{**OPTIONS, "keep_names": True})
    assert dataset.case_ids() == ["P_001"]
    for part in ("imagesTr/{}_0000.nii.gz", "labelsTr/{}.nii.gz"):
        (folder / part.format("P_001")).rename(folder / part.format("Smith_John"))
    other = Dataset.create(tmp_path / "other")
    with pytest.raises(Suspicious, match=r"Smith_John_0000.nii.gz: the name of the case"):
        import_nnunet(other, folder, META, **{**OPTIONS, "keep_names": True})
    assert other.case_ids() == []


GOOD = {"background": 0, "jaw": 1, "tooth_36": 19}
BAD: dict[str, tuple[Callable[[Path], object], str]] = {
    "no dataset.json": (lambda d: (d / "dataset.json").unlink(), "dataset.json cannot be read"),
    "no JSON": (lambda d: (d / "dataset.json").write_text("{"), "is not JSON"),
    "a list": (lambda d: (d / "dataset.json").write_text("[]"), "not a set of named values"),
    "two channels": (
        lambda d: put(d, channel_names={"0": "CT", "1": "MR"}),
        "for channels: one, of CT, is needed",
    ),
    "no labels": (lambda d: put(d, labels=None), "does not name its labels"),
    "regions": (lambda d: put(d, labels={**GOOD, "all": [1, 19]}), "no single numbers"),
    "no teeth": (lambda d: put(d, labels={"background": 0, "jaw": 1}), "none of the labels is a"),
    "a tooth twice": (
        lambda d: put(d, labels={**GOOD, "FDI36": 2}),
        "two of the labels are tooth 36",
    ),
    "no label file": (
        lambda d: (d / "labelsTr" / "P_001.nii.gz").unlink(),
        "P_001.nii.gz is missing",
    ),
    "no images": (lambda d: shutil.rmtree(d / "imagesTr"), "no files that end in _0000.nii.gz"),
}  # fmt: skip


def put(folder: Path, **values: object) -> None:
    """Change values in dataset.json."""
    path = folder / "dataset.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


@pytest.mark.parametrize(("damage", "words"), BAD.values(), ids=BAD)
def test_what_is_no_such_data_set_is_refused(
    dataset: Dataset, tmp_path: Path, damage: Callable[[Path], object], words: str
) -> None:
    folder = foreign(tmp_path / "in", GOOD, (1, 19))
    damage(folder)
    before = files_in(dataset.folder)
    with pytest.raises(InputError, match=words):
        import_nnunet(dataset, folder, META, **OPTIONS)
    assert files_in(dataset.folder) == before


def data_list(folder: Path, **content: object) -> Path:
    """A MONAI data list beside a scan and labels that hold FDI numbers."""
    folder.mkdir()
    write_volume(folder / "a.nrrd", scan())
    write_volume(folder / "b.nrrd", labels_of(scan()))
    (folder / "list.json").write_text(json.dumps(content))
    return folder / "list.json"


@pytest.mark.parametrize(
    "content",
    [
        {"training": [{"image": "a.nrrd", "label": "b.nrrd", "fold": 0}]},
        {"validation": [{"image": ["a.nrrd"], "label": ["./b.nrrd"]}]},
    ],
)
def test_a_data_list_without_names_holds_fdi_numbers(
    dataset: Dataset, tmp_path: Path, content: dict[str, object]
) -> None:
    import_monai(dataset, data_list(tmp_path / "in", **content), META, **OPTIONS)
    (case,) = dataset.cases()
    assert np.array_equal(case.labels().array, labels_of(scan()).array)


@pytest.mark.parametrize("names", [None, {"0": "background", "19": "tooth_36", "1": "jaw"}])
def test_segments_of_slicer_say_themselves_which_tooth_they_are(
    dataset: Dataset, tmp_path: Path, names: dict[str, str] | None
) -> None:
    """Two teeth that were exchanged in Slicer keep their values; one value is not named at all."""
    value = 36 if names is None else 19
    image = scan()
    folder = data_list(tmp_path / "in", training=[{"image": "a.nrrd", "label": "c.seg.nrrd"}])
    if names is not None:
        content = json.loads(folder.read_text())
        folder.write_text(json.dumps({**content, "labels": names}))
    a_file(
        tmp_path / "in" / "c.seg.nrrd",
        (value, "46 lower right first molar", 46),
        (46, "36 lower left first molar", 36),
        labels=labels_of(image, value, 46),
    )
    import_monai(dataset, folder, META, **OPTIONS)
    (case,) = dataset.cases()
    assert np.array_equal(case.labels().array, labels_of(image, 46, 36).array)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({}, "names no images in training"),
        ({"training": {"image": "a.nrrd"}}, "'training' is not a list"),
        ({"training": [5]}, "an entry that is no image: 5"),
        ({"training": [{"label": "b.nrrd"}]}, "an entry with None for its image"),
        ({"training": [{"image": ["a.nrrd", "b.nrrd"]}]}, "one file"),
        ({"training": [{"image": "a.nrrd"}], "labels": ["x"]}, "not names by number"),
    ],
)
def test_what_is_no_data_list_is_refused(
    dataset: Dataset, tmp_path: Path, content: dict[str, object], words: str
) -> None:
    path = data_list(tmp_path / "in", **content)
    with pytest.raises(InputError, match=words):
        import_monai(dataset, path, META, **OPTIONS)
    assert dataset.case_ids() == []
    with pytest.raises(InputError, match="name the data list itself"):
        import_monai(dataset, tmp_path / "in", META, **OPTIONS)


FAULTS: dict[str, tuple[Callable[[Path], object], str]] = {
    "damaged scan": (
        lambda d: (d / "imagesTr" / "P_001_0000.nii.gz").write_bytes(b"abc"),
        "P_001_0000.nii.gz",
    ),
    "unnamed value": (
        lambda d: sitk.WriteImage(
            to_itk(labels_of(scan(), 1, 7)), str(d / "labelsTr" / "P_001.nii.gz")
        ),
        "holds the label 7, which the data set gives no name",
    ),
    "labels of another grid": (
        lambda d: sitk.WriteImage(
            to_itk(labels_of(scan(), 1, 19).part((slice(0, 5),) * 3)),
            str(d / "labelsTr" / "P_001.nii.gz"),
        ),
        "P_001_0000.nii.gz: the labels are not on the scan's grid",
    ),
}


@pytest.mark.parametrize(("damage", "words"), FAULTS.values(), ids=FAULTS)
def test_a_case_that_cannot_be_taken_keeps_no_other_out(
    dataset: Dataset, tmp_path: Path, damage: Callable[[Path], object], words: str
) -> None:
    folder = foreign(tmp_path / "in", GOOD, (1, 19))
    damage(folder)
    other = scan(3)
    sitk.WriteImage(to_itk(other), str(folder / "imagesTr" / "P_002_0000.nii.gz"))
    sitk.WriteImage(to_itk(labels_of(other, 1, 19)), str(folder / "labelsTr" / "P_002.nii.gz"))
    result = import_nnunet(dataset, folder, META, **OPTIONS)
    assert dataset.case_ids() == result.added
    assert len(result.added) == 1
    (line,) = result.failed
    assert words in line
    assert str(folder) in line
    assert "\n" not in line


def test_labels_that_come_back_corrected_are_told_and_those_of_a_bare_scan_are_taken(
    filled: Dataset, tmp_path: Path
) -> None:
    older = tmp_path / "older"
    export_nnunet(filled, older)
    bare = next(case for case in filled.cases() if not case.revision)
    case = next(case for case in filled.cases() if case.record.teeth == (11, 18, 36))
    for name in (bare.id, case.id):
        image = filled.case(name).image()
        labels = image.with_array(to_values(labels_of(image, 21, 36).array))
        write_volume(older / "labelsTr" / f"{name}.nrrd", labels)
    shutil.move(older / "imagesTs" / f"{bare.id}_0000.nrrd", older / "imagesTr")
    result = import_nnunet(filled, older, META, **{**OPTIONS, "reviewed": True})
    assert (result.added, result.labelled, len(result.known)) == ([], [bare.id], 1)
    assert filled.case(bare.id).record.review == {21: "approved", 36: "approved"}
    assert result.differ == {case.id: older / "labelsTr" / f"{case.id}.nrrd"}
    assert result.description == older / "dataset.json"
    # Once they are a revision they are there, and so are those that it came after.
    array = np.array(labels_of(scan(1), 21, 36).array)
    case.save_revision(case.labels().with_array(array), "cd")
    case.save_revision(case.labels(1), "cd")
    again = import_nnunet(filled, older, META, **OPTIONS)
    assert (again.differ, again.labelled, len(again.known)) == ({}, [], 3)


def test_an_import_goes_on_where_it_was_stopped(filled: Dataset, tmp_path: Path) -> None:
    export_nnunet(filled, tmp_path / "out")
    other = Dataset.create(tmp_path / "other")
    asked = iter([False, True])
    stopped = Progress(cancelled=lambda: next(asked))
    with pytest.raises(Cancelled):
        import_nnunet(other, tmp_path / "out", META, **{**OPTIONS, "run": stopped})
    assert len(other.case_ids()) == 1
    result = import_nnunet(other, tmp_path / "out", META, **OPTIONS)
    assert (len(result.added), len(result.known)) == (2, 1)


def test_an_exported_image_is_the_scan(filled: Dataset, tmp_path: Path) -> None:
    export_nnunet(filled, tmp_path / "out")
    case = filled.cases()[0]
    folder = "imagesTr" if case.revision else "imagesTs"
    image = read_volume(tmp_path / "out" / folder / f"{case.id}_0000.nrrd")
    assert np.array_equal(image.array, case.image().array)
    assert image.array.dtype == case.image().array.dtype
