"""Labels of another program that become background: a tooth is not among them unsaid."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dataset_fixture import labels_of, scan
from ToothSegLib.cli.main import main
from ToothSegLib.dataset.folder import Dataset
from ToothSegLib.dataset.left_out import speaks_of_a_tooth
from ToothSegLib.volume_io import write_volume

NAMES = {"background": 0, "Lower Left First Molar": 1}


def put(folder: Path, more: dict[str, int]) -> Path:
    """An nnU-Net data set of one scan, with voxels of each label."""
    for name in ("imagesTr", "labelsTr"):
        (folder / name).mkdir(parents=True)
    names = {**NAMES, **more}
    write_volume(folder / "imagesTr" / "p_0000.nrrd", scan())
    values = [value for value in names.values() if value]
    write_volume(folder / "labelsTr" / "p.nrrd", labels_of(scan(), *values))
    content = {"channel_names": {"0": "CT"}, "labels": names, "file_ending": ".nrrd"}
    (folder / "dataset.json").write_text(json.dumps(content), encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    "name",
    [
        "Lower Left Second Molr",
        "Lower Left Second Molar (permanent)",
        "Pulp of Lower Left First Molar",
        "maxillary right first bicuspid",
        "lower left second moler",
        "Tooth 51",
        "65",
        "T36",
        "3.6",
        "supernumerary",
        "Crown",
        "Bridge",
        "enamel",
        "Upper jaw dentition",
    ],
)
def test_names_that_speak_of_teeth(name: str) -> None:
    assert speaks_of_a_tooth(name)


@pytest.mark.parametrize(
    "name",
    [
        "Lower Jawbone",
        "Left Inferior Alveolar Canal",
        "Lower Left Incisive Canal",
        "Right Maxillary Sinus",
        "Pharynx",
        "air",
        "NA1",
        "bone 1",
        "vertebra 11",
        "C2",
        "Malar bone",
        "mouth",
        "Implant",
        "implant at the upper right first molar",
        "ignore",
        "Alveolar Ridge",
        "Maxillary sinus lateral wall",
        "Lower lateral border",
    ],
)
def test_names_that_do_not(name: str) -> None:
    assert not speaks_of_a_tooth(name)


def test_a_tooth_without_a_known_name_is_not_approved_as_background(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = put(tmp_path / "in", {"Lower Left Second Molr": 2, "Crown": 3, "Lower Jawbone": 4})
    labels, names = source / "labelsTr" / "p.nrrd", source / "dataset.json"
    target = str(tmp_path / "set")
    take = ["dataset", "import", target, str(source), "--format", "nnunet", "--quiet"]
    assert main([*take, "--approved"]) == 2
    said = (
        f"{labels} holds 2 ('Lower Left Second Molr'), 3 ('Crown'), which would be learned as no "
        "tooth: "
    )
    err = capsys.readouterr().err
    assert said in err
    assert "--background 'Lower Left Second Molr' --background Crown; " in err
    # Nor one by one.
    add = ["dataset", "add", str(tmp_path / "other"), str(source / "imagesTr" / "p_0000.nrrd")]
    more = ["--labels", str(labels), "--names", str(names), "--quiet"]
    assert main([*add, *more, "--approved"]) == 2
    assert said in capsys.readouterr().err
    # What waits for a look, or is said to be none, is taken, and told.
    told = "no teeth, left out: Lower Left Second Molr, Crown, Lower Jawbone\n"
    assert main([*add, *more]) == 0
    assert capsys.readouterr().err == told
    (case,) = Dataset.open(tmp_path / "other").cases()
    revise = ["dataset", "revise", str(tmp_path / "other"), case.id, str(labels), *more[2:]]
    revise += ["--approved"]
    assert main(revise) == 2
    assert said in capsys.readouterr().err
    none = ["--background", "Lower Left Second Molr", "--background", "Crown"]
    assert main([*revise, *none]) == 0
    assert capsys.readouterr().err == told
    assert main([*take, "--approved", *none]) == 0
    assert capsys.readouterr().err == told
    (case,) = Dataset.open(target).cases()
    assert (case.record.teeth, case.record.reviewed) == ((36,), True)


def test_an_ordinary_export_is_approved_as_it_is(tmp_path: Path) -> None:
    source = put(tmp_path / "in", {"Lower Jawbone": 2, "Left Maxillary Sinus": 3, "air": 4})
    take = ["dataset", "import", str(tmp_path / "set"), str(source), "--format", "nnunet"]
    assert main([*take, "--approved"]) == 0


def test_what_is_said_to_be_background_must_be_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = put(tmp_path / "in", {"Crown": 2})
    take = ["dataset", "import", str(tmp_path / "set"), str(source), "--format", "nnunet"]
    assert main([*take, "--approved", "--background", "crowns"]) == 2
    assert "--background 'crowns': no label that is left out has that name" in (
        capsys.readouterr().err
    )
    add = ["dataset", "add", str(tmp_path / "set"), str(source / "imagesTr" / "p_0000.nrrd")]
    labels = ["--labels", str(source / "labelsTr" / "p.nrrd"), "--background", "Crown"]
    assert main([*add, *labels]) == 2
    assert "--background without --names" in capsys.readouterr().err
