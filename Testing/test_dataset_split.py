"""Exports that others learn from: left stays left, and a patient stays on one side of a split."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import numpy as np
import pytest

from dataset_fixture import add_case, labels_of, scan
from test_dataset_exchange import META, OPTIONS, WAYS
from ToothSegLib.cli.main import main
from ToothSegLib.dataset.case import DatasetCase
from ToothSegLib.dataset.folder import CaseMeta, Dataset
from ToothSegLib.dataset.label_codes import CODED_TEETH
from ToothSegLib.dataset.nnunet import export_nnunet
from ToothSegLib.dataset.patients import fold_by_name
from ToothSegLib.grids.axis_order import forward, in_order_of
from ToothSegLib.volume import Volume
from ToothSegLib.volume_io import read_volume, write_volume
from volume_fixture import OBLIQUE

# Axes to the left, backwards and up; to the right and forwards, as NIfTI has them; any which way.
ORDERS = (np.eye(3), np.diag([-1.0, -1.0, 1.0]), OBLIQUE[:, [2, 0, 1]] * [-1, 1, 1])


def a_head(seed: int) -> tuple[Volume, Volume]:
    """A scan and its labels: 16 on the right, 26 on the left."""
    image = scan(seed, direction=np.eye(3))
    labels = np.zeros(image.shape, np.uint8)
    labels[2:4, 2:4, 1], labels[2:4, 2:4, 6] = 16, 26
    return image, image.with_array(labels)


@pytest.mark.parametrize("way", WAYS)
def test_left_is_on_one_side_in_all_cases(dataset: Dataset, tmp_path: Path, way: str) -> None:
    export, take = WAYS[way]
    for seed, direction in enumerate(ORDERS):
        image, labels = a_head(seed)
        like = Volume(np.zeros((1, 1, 1)), direction=direction)
        meta = CaseMeta(who="ab", case_id=f"case-{seed}")
        dataset.add(in_order_of(image, like), in_order_of(labels, like), meta)
    out = tmp_path / "out"
    export(dataset, out)
    values = {tooth.fdi: value for value, tooth in enumerate(CODED_TEETH, start=1)}
    for path in (*out.glob("labels*/*"), *out.glob("images*/*")):
        volume = read_volume(path)
        assert np.array_equal(volume.direction, np.eye(3)), path
        if path.parent.name.startswith("labels"):
            right, left = (
                np.argwhere(volume.array == values[fdi])[:, 2].mean() for fdi in (16, 26)
            )
            assert right < left
    # What comes back is known for what it is, however its voxels lie.
    result = take(dataset, out, META, **OPTIONS)
    assert (result.added, result.differ, len(result.known)) == ([], {}, len(ORDERS))
    other = Dataset.create(tmp_path / "other")
    assert len(take(other, out, META, **OPTIONS).added) == len(ORDERS)
    assert len(take(other, out, META, **OPTIONS).known) == len(ORDERS)
    for case in other.cases():
        assert case.record.teeth == (16, 26)


def test_an_exported_scan_has_all_its_voxels(dataset: Dataset, tmp_path: Path) -> None:
    image = scan(direction=ORDERS[2])
    case = dataset.add(image, labels_of(image), META)
    export_nnunet(dataset, tmp_path / "out")
    there = read_volume(tmp_path / "out" / "imagesTr" / f"{case.id}_0000.nrrd")
    assert there.same_grid(forward(image), 1e-9)
    assert np.array_equal(in_order_of(there, image).array, image.array)
    assert there.array.dtype == image.array.dtype


@pytest.mark.parametrize("way", WAYS)
def test_a_patient_is_in_one_fold(dataset: Dataset, tmp_path: Path, way: str) -> None:
    patients = ["p1", "p2", "p3", "P2", " p1", "p1"]
    names = [add_case(dataset, seed, patient=p).id for seed, p in enumerate(patients)]
    dataset.add(scan(9), None, CaseMeta(who="ab"))  # nothing to learn from
    out = tmp_path / "out"
    WAYS[way][0](dataset, out)
    if way == "monai":
        training = json.loads((out / "datalist.json").read_text())["training"]
        fold_of = {Path(entry["image"]).stem: entry["fold"] for entry in training}
    else:
        splits = json.loads((out / "splits_final.json").read_text())
        fold_of = {name: fold for fold, split in enumerate(splits) for name in split["val"]}
        for split in splits:
            assert set(split) == {"train", "val"}
            assert sorted(split["train"] + split["val"]) == sorted(names)
    assert sorted(fold_of) == sorted(names)
    assert set(fold_of.values()) == {0, 1, 2}
    folds = [fold_of[name] for name in names]
    assert folds[0] == folds[4] == folds[5]
    assert folds[1] == folds[3]


def test_folds_are_five_of_about_as_many_cases(dataset: Dataset) -> None:
    for seed in range(9):
        add_case(dataset, seed, patient="p1" if seed in (4, 7) else None)
    folds = list(fold_by_name(dataset.cases()).values())
    assert sorted(folds.count(fold) for fold in range(5)) == [1, 2, 2, 2, 2]
    assert fold_by_name([]) == {}


def test_one_patient_alone_is_not_split(dataset: Dataset, tmp_path: Path) -> None:
    for seed in range(3):
        add_case(dataset, seed, patient="p1")
    export_nnunet(dataset, tmp_path / "out")
    assert not (tmp_path / "out" / "splits_final.json").exists()


def test_the_command_that_an_import_names_can_be_given(
    dataset: Dataset, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two cases of one patient are there already without a pseudonym, one of them unlabelled."""
    for seed in (0, 1):
        add_case(dataset, seed, patient="p1")
    export_nnunet(dataset, tmp_path / "out")
    target = Dataset.create(tmp_path / "it's here")
    add_case(target, 0)
    bare = target.add(scan(1), None, META)
    out = tmp_path / "out"
    (out / "imagesTs").mkdir()  # so that it stays without labels
    image = f"{bare.id}_0000.nrrd"
    (out / "imagesTr" / image).rename(out / "imagesTs" / image)
    take = ["dataset", "import", str(target.folder), str(out), "--format", "nnunet"]
    assert main([*take, "--who", "cd"]) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if "--patient" in line]
    assert len(lines) == 2
    labels = tmp_path / "labels.nrrd"
    write_volume(labels, labels_of(scan(1)))
    for line in lines:
        _, command = line.split(": toothseg ")
        words = [str(labels) if word == "LABELS" else word for word in shlex.split(command)]
        assert ("LABELS" in command) == (bare.id in command)
        assert main([*words, "--who", "cd"]) == 0
    patients = {DatasetCase(target.folder / name).record.patient for name in target.case_ids()}
    assert patients == {"imported-1"}
