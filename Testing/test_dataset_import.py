"""Into a data set from other programs': labels understood, and what is none refused."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from dataset_fixture import files_in, labels_of, scan
from import_fixture import GOOD, META, OPTIONS, foreign
from test_segment_labels import a_file
from ToothSegLib.cli.main import main
from ToothSegLib.dataset.folder import Dataset
from ToothSegLib.dataset.monai import import_monai
from ToothSegLib.dataset.nnunet import import_nnunet
from ToothSegLib.dataset.refusals import Suspicious
from ToothSegLib.errors import InputError
from ToothSegLib.grids.itk_image import to_itk
from ToothSegLib.volume_io import write_volume


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
