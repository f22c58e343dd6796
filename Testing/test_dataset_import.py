"""Into a data set from other programs': labels understood, faults told, nothing lost."""

from __future__ import annotations

import json
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from dataset_fixture import files_in, labels_of, scan
from test_segment_labels import a_file
from ToothSegLib.cli import dataset_actions
from ToothSegLib.cli.main import main
from ToothSegLib.dataset.case import DatasetCase
from ToothSegLib.dataset.folder import CaseMeta, Dataset
from ToothSegLib.dataset.label_codes import to_values
from ToothSegLib.dataset.monai import import_monai
from ToothSegLib.dataset.nnunet import export_nnunet, import_nnunet
from ToothSegLib.dataset.refusals import Locked, Outdated, Suspicious
from ToothSegLib.errors import Cancelled, InputError
from ToothSegLib.grids.itk_image import to_itk
from ToothSegLib.progress import Progress
from ToothSegLib.volume_io import write_volume

META = CaseMeta(who="cd")
OPTIONS = {"keep_names": False, "reviewed": False, "run": Progress()}


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


@pytest.mark.parametrize("layout", ["nnunet", "monai"])
def test_what_nobody_labelled_cannot_be_approved(
    tmp_path: Path, layout: str, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = foreign(tmp_path / "in", {"background": 0, "tooth_36": 1, "ignore": 2}, (1, 2))
    scan_file, label_file = "imagesTr/P_001_0000.nii.gz", "labelsTr/P_001.nii.gz"
    if layout == "monai":
        entry = {"image": scan_file, "label": label_file}
        names = {"0": "background", "1": "tooth_36", "2": "Ignore"}
        content = {"labels": names, "training": [entry]}
        (folder / "datalist.json").write_text(json.dumps(content))
    target = str(tmp_path / "set")
    take = ["dataset", "import", target, str(folder), "--format", layout, "--who", "cd"]
    assert main([*take, "--approved"]) == 2
    told = capsys.readouterr().err
    assert f"{folder / label_file} holds the label 2, which is 'ignore': voxels that nobody" in told
    assert main(take) == 0
    assert "no teeth, left out: " in capsys.readouterr().err
    (case,) = Dataset.open(Path(target)).cases()
    assert (case.record.teeth, case.record.reviewed) == ((36,), False)
    # Nor one by one.
    names_file = folder / ("dataset.json" if layout == "nnunet" else "datalist.json")
    more = ["--names", str(names_file), "--approved", "--who", "cd"]
    labels = str(folder / label_file)
    assert main(["dataset", "revise", target, case.id, labels, *more]) == 2
    add = ["dataset", "add", str(tmp_path / "other"), str(folder / scan_file), "--labels", labels]
    assert main([*add, *more]) == 2
    assert capsys.readouterr().err.count("which is 'ignore'") == 2
    # Where no voxel is of that label there is nothing against it.
    sitk.WriteImage(to_itk(labels_of(scan(direction=np.diag([-1.0, -1.0, 1.0])), 1)), labels)
    assert main(["dataset", "revise", target, case.id, labels, *more]) == 0


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
}


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


def test_what_macos_leaves_beside_the_files_is_no_scan(dataset: Dataset, tmp_path: Path) -> None:
    folder = foreign(tmp_path / "in", GOOD, (1, 19))
    for part in ("imagesTr", "labelsTr"):
        for path in list((folder / part).iterdir()):
            path.with_name(f"._{path.name}").write_bytes(b"\0\5\x16\7")
    result = import_nnunet(dataset, folder, META, **OPTIONS)
    assert (len(result.added), result.failed) == (1, [])


def test_a_case_that_somebody_else_is_writing_keeps_no_other_out(
    dataset: Dataset,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = foreign(tmp_path / "in", GOOD, (1, 19))
    for number in (2, 3):
        other, name = scan(number), f"P_00{number}"
        sitk.WriteImage(to_itk(other), str(folder / "imagesTr" / f"{name}_0000.nii.gz"))
        sitk.WriteImage(
            to_itk(labels_of(other, 1, 19)), str(folder / "labelsTr" / f"{name}.nii.gz")
        )
    add, number = Dataset.add, iter(range(9))

    def meets_others(self: Dataset, *words: object) -> DatasetCase:
        turn = next(number)
        if turn == 0:
            raise Locked("set is locked by ef")
        if turn == 1:
            raise Outdated("c has got a revision 2 in this moment")
        return add(self, *words)

    monkeypatch.setattr(Dataset, "add", meets_others)
    target = str(dataset.folder)
    take = ["dataset", "import", target, str(folder), "--format", "nnunet", "--who", "cd"]
    assert main(take) == 2
    out, err = capsys.readouterr()
    assert out.startswith("1 case added, 0 there already\n")
    assert "2 could not be taken; the same command tries them again" in out
    lines = err.splitlines()
    assert lines[0].endswith("P_001_0000.nii.gz: set is locked by ef")
    assert "P_002_0000.nii.gz: c has got a revision 2" in lines[1]
    assert main(take) == 0
    assert len(dataset.case_ids()) == 3


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
    assert (result.added, result.labelled, result.known) == ([], [bare.id], [])
    assert len(result.approved) == 1
    assert filled.case(bare.id).record.review == {21: "approved", 36: "approved"}
    assert result.differ == {case.id: older / "labelsTr" / f"{case.id}.nrrd"}
    assert result.description == older / "dataset.json"
    # Once they are a revision they are there, and so are those that it came after.
    array = np.array(labels_of(scan(1), 21, 36).array)
    case.save_revision(case.labels().with_array(array), "cd")
    case.save_revision(case.labels(1), "cd")
    again = import_nnunet(filled, older, META, **OPTIONS)
    assert (again.differ, again.labelled, len(again.known)) == ({}, [], 3)


@pytest.mark.parametrize("error", [Cancelled("cancelled"), KeyboardInterrupt()])
def test_an_import_that_is_cancelled_does_not_deny_what_it_has_added(
    tmp_path: Path,
    error: BaseException,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    source = foreign(tmp_path / "in", GOOD, (1, 19))

    def interrupted(dataset: Dataset, *words: object, **options: object) -> None:
        import_nnunet(dataset, source, META, **OPTIONS)
        raise error

    monkeypatch.setattr(dataset_actions, "import_nnunet", interrupted)
    words = ["dataset", "import", str(tmp_path / "set"), str(source), "--format", "nnunet"]
    assert main([*words, "--who", "cd"]) == 130
    told = capsys.readouterr().err
    assert told == "toothseg: cancelled; the same command goes on with the rest\n"
    assert len(Dataset.open(tmp_path / "set").case_ids()) == 1


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


def test_labels_that_another_program_has_saved_over_are_not_approved_by_an_import(
    dataset: Dataset, tmp_path: Path
) -> None:
    folder = foreign(tmp_path / "in", {"background": 0, "tooth_36": 1}, (1,))
    import_nnunet(dataset, folder, META, **OPTIONS)
    (case,) = dataset.cases()
    path = case.folder / "revisions" / "0001" / "labels.seg.nrrd"
    write_volume(path, case.labels())  # the same teeth, in another file
    result = import_nnunet(dataset, folder, META, **{**OPTIONS, "reviewed": True})
    (line,) = result.failed
    assert f"{path} does not hold the labels that were saved as revision 1" in line
    assert DatasetCase(case.folder).revision == 1


def test_the_command_that_an_import_prints_for_other_labels_is_one_that_works(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = {"background": 0, "tooth_36": 1, "tooth_37": 2}
    folder = foreign(tmp_path / "in", names, (1, 2))
    target = str(tmp_path / "set")
    take = ["dataset", "import", target, str(folder), "--format", "nnunet", "--approved"]
    assert main([*take, "--who", "ab"]) == 0
    image = scan(direction=np.diag([-1.0, -1.0, 1.0]))
    for layer, count in ((4, 2), (5, 3)):
        labels = labels_of(image, 1, 2)
        labels.array[0, layer, 1] = 1
        labels.array[1, layer, 1] = 2
        sitk.WriteImage(to_itk(labels), str(folder / "labelsTr" / "P_001.nii.gz"))
        capsys.readouterr()
        assert main([*take, "--who", "cd"]) == 0
        (line,) = (told for told in capsys.readouterr().out.splitlines() if "toothseg" in told)
        command = shlex.split(line.partition("toothseg ")[2])
        # Work of others in later revisions is not taken back by what was pasted.
        assert ("--from" in command) == (count == 2)
        assert main([*command, "--who", "cd"]) == 0
    (case,) = Dataset.open(Path(target)).cases()
    assert case.revision == 3
