"""Files of 3D Slicer: which tooth a segment is, whatever value its voxels have."""

from __future__ import annotations

from pathlib import Path

import nrrd
import numpy as np
import pytest

from dataset_fixture import labels_of, scan
from ToothSegLib.cli.main import main
from ToothSegLib.dataset.case import DatasetCase
from ToothSegLib.dataset.folder import Dataset
from ToothSegLib.errors import InputError
from ToothSegLib.formats.nrrd_io import read_fields
from ToothSegLib.formats.slicer_header import segmentation_header
from ToothSegLib.segment_labels import read_labels
from ToothSegLib.tooth_names import teeth_by_name, tooth_by_name
from ToothSegLib.training.labelled_scan import load_labelled_scan
from ToothSegLib.volume import Volume
from ToothSegLib.volume_io import read_volume, write_volume


def a_file(
    path: Path, *segments: tuple, labels: Volume | None = None, ids: str = "Segment"
) -> Path:
    """A segmentation with segments of (value, name[, tag]), a slab of voxels for each value."""
    if labels is None:
        array = np.zeros((2 * len(segments) + 2, 5, 6), np.uint8)
        for number, (value, *_) in enumerate(segments):
            array[2 * number + 1, 1:3] = value
        labels = Volume(array)
    header = {}
    for number, (value, name, *tag) in enumerate(segments):
        header |= {
            f"Segment{number}_ID": f"Segment_{number + 1}",
            f"Segment{number}_Name": name,
            f"Segment{number}_LabelValue": str(value),
            f"Segment{number}_Layer": "0",
            f"Segment{number}_Tags": "TerminologyEntry:a~b:c|"
            + "".join(f"ToothSeg.FDI:{fdi}|" for fdi in tag),
        }
    write_volume(path, labels, header=header)
    return path


def numbers(path: Path) -> list[int]:
    """The label of each slab."""
    return read_labels(path).array[1:-1:2, 1, 1].tolist()


@pytest.mark.parametrize(
    "segments",
    [
        # As Slicer saves what the module has renumbered, 14 -> 17 and 1 -> 28.
        [(14, "17 upper right second molar", 17), (1, "28 upper left third molar", 28)],
        # Exchanged: the values alone would be two teeth too.
        [(17, "16 upper right first molar", 16), (16, "17 upper right second molar", 17)],
        # The tag counts where the name says nothing, the name where there is no tag.
        [(3, "a tooth", 11), (4, "Upper left first molar tooth"), (9, "44")],
        # Universal numbers and Palmer's, with the words or beside the tag.
        [(26, "3 upper right first molar"), (5, "UR7"), (6, "14", 26)],
        # 14 may be Universal; in a result of ToothSeg it is FDI.
        [(1, "14"), (2, "16 upper right first molar", 16)],
        # Values as they were meant, under any name.
        [(14, "Segment_1"), (26, "14"), (33, "implant")],
    ],
)
def test_a_segment_is_the_tooth_of_its_tag_or_name(tmp_path: Path, segments: list) -> None:
    expected = {
        "17 upper right second molar": 17, "28 upper left third molar": 28, "a tooth": 11,
        "16 upper right first molar": 16, "Upper left first molar tooth": 26, "44": 44,
        "3 upper right first molar": 16, "UR7": 17, "Segment_1": 14, "implant": 33,
    }  # fmt: skip
    path = a_file(tmp_path / "a.seg.nrrd", *segments)
    ambiguous = 14 if segments[0][0] == 1 else 26
    assert numbers(path) == [expected.get(name, ambiguous) for _, name, *_ in segments]
    assert set(np.unique(read_labels(path).array)) == {0, *numbers(path)}
    # The reader of volumes gives what the file holds.
    assert read_volume(path).array[1:-1:2, 1, 1].tolist() == [value for value, *_ in segments]


@pytest.mark.parametrize(
    ("segments", "words"),
    [
        ([(16, "17 upper right second molar", 16)], "tooth 16 by its tag"),
        ([(16, "16 upper right second molar")], "more than one tooth"),
        ([(16, "16 upper right second molar", 16)], "tooth 16 by its tag"),
        ([(12, "14")], "more than one tooth"),
        ([(12, "implant 36")], "more than one tooth"),
        ([(5, "x", 19)], "'19', no FDI number"),
        ([(5, "x", "")], "'', no FDI number"),
        ([(1, "36 lower left first molar"), (2, "x", 36)], "two segments for tooth 36"),
        ([(5, "36 lower left first molar"), (5, "37")], "same label value, 5"),
        # 12 is a number that Slicer gave, as 1 shows.
        ([(1, "36 lower left first molar"), (12, "Mandible")], "'Mandible'"),
        ([("x", "36 lower left first molar")], "label value of '36 lower left first molar' is 'x'"),
    ],
)
def test_what_cannot_be_reconciled_is_refused_in_a_line(
    tmp_path: Path, segments: list, words: str
) -> None:
    labels = None
    if segments[0][0] == "x":
        labels = Volume(np.ones((3, 3, 3), np.uint8))
    path = a_file(tmp_path / "a.seg.nrrd", *segments, labels=labels)
    with pytest.raises(InputError) as caught:
        read_labels(path)
    assert words in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_voxels_of_no_segment_are_no_tooth_where_values_are_no_numbers(tmp_path: Path) -> None:
    labels = labels_of(scan(), 11, 12)
    path = a_file(tmp_path / "a.seg.nrrd", (11, "17", 17), labels=labels)
    with pytest.raises(InputError, match="voxels of 12"):
        read_labels(path)


def test_a_segment_without_voxels_is_no_tooth(tmp_path: Path) -> None:
    labels = labels_of(scan(), 11)
    path = a_file(tmp_path / "a.seg.nrrd", (11, "17", 17), (3, "17", 17), labels=labels)
    assert set(np.unique(read_labels(path).array)) == {0, 17}


def test_a_segment_that_is_said_to_be_no_tooth_is_background(tmp_path: Path) -> None:
    segments = [(11, "11", 11), (49, "Segment_1", 0), (16, "16 upper right first molar", 0)]
    path = a_file(tmp_path / "a.seg.nrrd", *segments)
    assert numbers(path) == [11, 0, 0]
    # Nor does it say that other values are no FDI numbers.
    path = a_file(tmp_path / "b.seg.nrrd", (49, "Segment_1", 0), (26, "Segment_2"))
    assert numbers(path) == [0, 26]


def test_a_large_value_is_kept_beside_what_is_no_tooth(tmp_path: Path) -> None:
    array = np.zeros((8, 5, 6), np.uint16)
    array[1, 1:3], array[3, 1:3], array[5, 1:3] = 16, 20, 300
    segments = [(16, "16 upper right first molar", 16), (20, "nerve", 0), (300, "mandible")]
    path = a_file(tmp_path / "a.seg.nrrd", *segments, labels=Volume(array))
    assert numbers(path) == [16, 0, 300]


def test_names_are_read_in_whatever_letters(tmp_path: Path) -> None:
    path = a_file(tmp_path / "a.seg.nrrd", (1, "NAME-0"), (2, "NAME-1"))
    names = ["Нижняя челюсть", "歯 Zähne"]
    data = path.read_bytes()
    for number, name in enumerate(names):
        data = data.replace(b"NAME-%d" % number, name.encode())
    path.write_bytes(data)
    fields = read_fields(path)
    assert [fields[f"Segment{n}_Name"] for n in range(2)] == names
    assert numbers(path) == [1, 2]  # the voxels begin where they began


def test_an_evaluation_leaves_out_what_is_no_tooth(tmp_path: Path) -> None:
    teeth = labels_of(scan(), 11, 36)
    drawn = teeth.array.copy()
    drawn[:2] = 49
    tags = [(11, "11", 11), (36, "36", 36), (49, "Segment_1", 0)]
    mine = a_file(tmp_path / "a.seg.nrrd", *tags, labels=teeth.with_array(drawn))
    write_volume(tmp_path / "truth.nrrd", teeth.with_array(np.where(drawn == 49, 0, drawn)))
    assert main(["evaluate", str(mine), str(tmp_path / "truth.nrrd")]) == 0


def test_a_result_of_the_command_line_renamed_in_slicer(tmp_path: Path) -> None:
    labels = labels_of(scan(), 14, 15)
    header = segmentation_header(labels)
    assert header["Segment0_Name"] == "14 upper right first premolar"
    header |= {"Segment0_Name": "15", "Segment1_Name": "14"}
    write_volume(tmp_path / "a.seg.nrrd", labels, header=header)
    expected = labels_of(scan(), 15, 14)
    assert np.array_equal(read_labels(tmp_path / "a.seg.nrrd").array, expected.array)


def test_a_plain_map_keeps_its_values(tmp_path: Path) -> None:
    labels = labels_of(scan(), 11, 36)
    write_volume(tmp_path / "a.nrrd", labels)
    assert np.array_equal(read_labels(tmp_path / "a.nrrd").array, labels.array)
    floats = labels.with_array(labels.array.astype(np.float32))
    write_volume(tmp_path / "b.nrrd", floats)
    assert read_labels(tmp_path / "b.nrrd").array.dtype == np.float32
    with pytest.raises(InputError, match="no label values"):
        read_labels(a_file(tmp_path / "c.seg.nrrd", (11, "17", 17), labels=floats))


def test_several_layers_are_refused_with_the_way_out(tmp_path: Path) -> None:
    path = tmp_path / "a.seg.nrrd"
    header = {
        "space": "LPS",
        "space directions": np.vstack([np.full(3, np.nan), np.eye(3)]),
        "kinds": ["list", "domain", "domain", "domain"],
        "Segment0_Name": "16",
    }
    nrrd.write(str(path), np.zeros((4, 4, 4, 2), np.uint8), header, index_order="C")
    with pytest.raises(InputError, match=r"in 2 layers.*collapse"):
        read_labels(path)


@pytest.mark.parametrize(
    ("name", "fdi"),
    [("tooth_36", 36), ("FDI 14", 14), ("tooth 14", None), ("14", None), ("19", None), ("ll6", 36),
     ("Segment_36", None), ("implant 36", None), ("36 lower left first molar", 36),
     ("14 upper left first molar", 26), ("15 upper left first molar", None),
     ("36, lower left first molar", 36), ("implant of the lower left first molar", None),
     ("", None), ("lower left first molar", 36), ("lower-left first molar", 36),
     ("UR 6", 16), ("ur-6", 16), ("upper right 6", 16), ("Lower Left 8", 38), ("UR 16", None),
     ("#3", None), ("tooth-3", None), ("3 tooth", None), ("(36)", 36), ("FDI-14", 14),
     ("канал 36", None), ("зуб36", None), ("インプラント 36", None), ("根36", None),
     ("16 upper right first molar + 17 upper right second molar", None)],
)  # fmt: skip
def test_a_name_is_a_tooth_where_it_is_unmistakable(name: str, fdi: int | None) -> None:
    assert tooth_by_name(name, numbers_are_fdi=False) == fdi


@pytest.mark.parametrize(
    ("name", "teeth"),
    [
        ("14", {14, 26}),
        ("#14", {14, 26}),
        ("UR 6", {16}),
        ("upper right 6, drawn by hand", {16}),
        ("16 upper right first molar + 17 upper right second molar", {16, 17}),
        ("upper right first molar, upper right second molar", {16, 17}),
        ("upper right first molar (upper right first molar)", {16}),
        ("16 upper right second molar", {0}),
        ("根36", set()),
    ],
)
def test_a_name_may_mean_these_teeth(name: str, teeth: set[int]) -> None:
    assert teeth_by_name(name) == teeth


# All who take labels from a file


def renumbered(path: Path, *, name: str = "17 upper right second molar", tag: int = 17) -> str:
    """11, 18 and 36 as `labels_of` has them, saved with 18 as another tooth."""
    teeth = [(11, "11", 11), (18, name, tag), (36, "36", 36)]
    return str(a_file(path, *teeth, labels=labels_of(scan())))


def test_a_data_set_takes_the_new_number(tmp_path: Path) -> None:
    folder, image = str(tmp_path / "set"), str(tmp_path / "scan.nrrd")
    write_volume(image, scan())
    write_volume(tmp_path / "labels.nrrd", labels_of(scan()))
    assert main(["dataset", "add", folder, image, "--labels", str(tmp_path / "labels.nrrd")]) == 0
    (case,) = Dataset.open(folder).cases()
    new = renumbered(tmp_path / "new.seg.nrrd")
    assert main(["dataset", "revise", folder, case.id, new, "--approved"]) == 0
    record = DatasetCase(case.folder).record
    assert record.review == {11: "approved", 17: "corrected", 36: "approved"}

    words = ["--labels", new, "--approved", "--quiet"]
    assert main(["dataset", "add", str(tmp_path / "other"), image, *words]) == 0
    (case,) = Dataset.open(tmp_path / "other").cases()
    assert set(np.unique(case.labels().array)) == {0, 11, 17, 36}


def test_an_evaluation_takes_the_new_number(tmp_path: Path, capsys) -> None:
    write_volume(tmp_path / "truth.nrrd", labels_of(scan(), 11, 17, 36))
    new, truth = renumbered(tmp_path / "new.seg.nrrd"), str(tmp_path / "truth.nrrd")
    figures = tmp_path / "figures.json"
    for pair in ((new, truth), (truth, new)):
        assert main(["evaluate", *pair, "--json", str(figures)]) == 0
        table = capsys.readouterr().out
        assert "17" in table
        assert "18" not in table


def test_a_scan_to_learn_from_takes_the_new_number(tmp_path: Path) -> None:
    write_volume(tmp_path / "scan.nrrd", scan())
    new = renumbered(tmp_path / "new.seg.nrrd")
    _, labels = load_labelled_scan(tmp_path / "scan.nrrd", new)
    assert 17 in labels
    assert 18 not in labels
