"""Cases and their revisions: what goes in comes out, and nothing is ever written over."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from dataset_fixture import TEETH, add_case, files_in, labels_of, moved, scan
from ToothSegLib.dataset.case import DatasetCase
from ToothSegLib.dataset.checks import check_dataset
from ToothSegLib.dataset.folder import CaseMeta, Dataset
from ToothSegLib.dataset.record import Change, Prediction
from ToothSegLib.errors import InputError, OutputError
from ToothSegLib.volume import Volume
from ToothSegLib.volume_io import read_volume
from volume_fixture import OBLIQUE

SHEARED = OBLIQUE @ np.array([[1, 0.2, 0], [0, 0.9797958971132712, 0], [0, 0, 1]])
DIRECTIONS = {
    "oblique": OBLIQUE,
    "negative axes": np.diag([-1.0, -1.0, 1.0]),
    "axes swapped": np.array([[0.0, 0, -1], [1, 0, 0], [0, -1, 0]]),
    "left-handed": np.diag([1.0, 1.0, -1.0]),
    "tilted gantry": SHEARED,
}


def same(one: Volume, other: Volume) -> bool:
    """To the last bit, voxels and geometry."""
    return (
        one.array.dtype == other.array.dtype
        and np.array_equal(one.array, other.array)
        and (one.spacing, one.origin) == (other.spacing, other.origin)
        and np.array_equal(one.direction, other.direction)
    )


def test_a_revision_may_bring_the_pseudonym(dataset: Dataset) -> None:
    case = add_case(dataset)
    before, labels = case.record.patient, case.labels()
    case.save_revision(labels, "ab")
    assert case.record.patient == before
    case.save_revision(labels, "ab", patient="p17")
    case.save_revision(labels, "cd")
    assert Dataset.open(dataset.folder).case(case.id).record.patient == "p17"
    assert check_dataset(dataset.folder) == []


@pytest.mark.parametrize("direction", DIRECTIONS.values(), ids=DIRECTIONS)
@pytest.mark.parametrize("pynrrd", [True, False], ids=["pynrrd", "ITK alone"])
def test_voxels_and_place_come_back_exactly(
    dataset: Dataset, direction: np.ndarray, pynrrd: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not pynrrd:
        monkeypatch.setitem(sys.modules, "nrrd", None)  # Slicer's Python has none
    image = scan(direction=direction)
    labels = labels_of(image)
    added = dataset.add(image, labels, CaseMeta(who="ab"))
    found = Dataset.open(dataset.folder).case(added.id)
    assert same(found.image(), image)
    assert same(found.labels(), labels)
    # Every other program finds the same, to the header's rounding.
    monkeypatch.undo()
    for name, volume in (("image.nrrd", image), ("labels.seg.nrrd", labels)):
        read = read_volume(found.folder / name)
        assert np.array_equal(read.array, volume.array)
        assert read.same_grid(volume, 1e-9)


@pytest.mark.parametrize("pynrrd", [True, False], ids=["pynrrd", "ITK alone"])
def test_slicer_finds_names_and_colours_in_the_labels(
    dataset: Dataset, pynrrd: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    import nrrd

    if not pynrrd:
        monkeypatch.setitem(sys.modules, "nrrd", None)
    folder = add_case(dataset).folder
    monkeypatch.undo()
    header = nrrd.read_header(str(folder / "labels.seg.nrrd"))
    assert header["Segment2_Name"] == "36 lower left first molar"
    assert header["Segment2_LabelValue"] == "36"
    assert header["Segment1_LabelValue"] == "18"
    assert header["space"] == "left-posterior-superior"


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint16, np.int32, np.float32, np.float64])
def test_grey_values_keep_their_type(dataset: Dataset, dtype: type) -> None:
    image = scan(dtype=dtype)
    found = dataset.add(image, None, CaseMeta(who="ab")).image()
    assert same(found, image)


def test_a_revision_is_added_and_the_old_ones_stay(case: DatasetCase) -> None:
    before = files_in(case.folder / "revisions")
    first = case.labels()
    second = labels_of(first, 11, 17, 36)
    number = case.save_revision(
        second, "cd", [Change(17, "renumbered from 18")], {17: "corrected"}, note="looked at"
    )
    assert (number, case.revision) == (2, 2)
    after = files_in(case.folder / "revisions")
    assert before.items() <= after.items()
    again = DatasetCase(case.folder)
    assert same(again.labels(), second)
    assert same(again.labels(1), first)
    assert [(entry.number, entry.who) for entry in again.history()] == [(1, "ab"), (2, "cd")]
    assert again.history()[1].changes == (Change(17, "renumbered from 18"),)
    assert again.history()[1].note == "looked at"
    # The copies for other programs are those of the newest.
    for name in ("labels.seg.nrrd", "case.json"):
        assert (case.folder / name).read_bytes() == after[f"0002/{name}"]


def test_next_tooth_goes_along_the_arches(case: DatasetCase) -> None:
    labels = labels_of(case.labels(), 36, 11, 21, 17)
    case.save_revision(labels, "cd")
    seen = []
    review: dict[int, str] = {}
    while (fdi := case.next_tooth()) is not None:
        seen.append(fdi)
        review[fdi] = "approved"
        assert not case.record.reviewed
        case.save_revision(labels, "cd", review=review)
    assert seen == [17, 11, 21, 36]
    assert case.record.reviewed


def test_a_tooth_declared_missing_needs_no_review(case: DatasetCase) -> None:
    labels = labels_of(case.labels(), 11)
    case.save_revision(labels, "cd", review={11: "approved", 46: "missing"})
    assert case.next_tooth() is None
    assert DatasetCase(case.folder).record.review == {11: "approved", 46: "missing"}


@pytest.mark.parametrize("dtype", [np.int32, np.float32, np.float64, np.uint8])
def test_a_scan_is_the_same_in_another_type(
    dataset: Dataset, dtype: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = add_case(dataset)
    other = scan(dtype=dtype)
    assert dataset.find_scan(other) == Dataset.open(dataset.folder).find_scan(other) == case.id
    with pytest.raises(InputError, match=f"already, as {case.id}"):
        dataset.add(other, None, CaseMeta(who="cd"))
    other.array[-1, -1, -1] += 1
    added = dataset.add(other, None, CaseMeta(who="cd"))
    assert check_dataset(dataset.folder) == []
    # As an earlier version let it in.
    added.folder.rename(dataset.folder / ".aside")
    monkeypatch.setattr(Dataset, "find_scan", lambda *_: None)
    twin = dataset.add(scan(dtype=dtype), None, CaseMeta(who="cd"))
    shutil.rmtree(dataset.folder / ".aside")
    (problem,) = check_dataset(dataset.folder)
    assert all(word in str(problem) for word in (case.id, twin.id, np.dtype(dtype).name))


@pytest.mark.parametrize("dtype", [np.int16, np.float32])
@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1, 0, 2)])
def test_a_scan_is_the_same_in_another_order_of_its_voxels(
    dataset: Dataset,
    dtype: type,
    order: tuple[int, int, int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    case = add_case(dataset)
    other = stored_otherwise(scan(dtype=dtype), order)
    with pytest.raises(InputError, match=f"already, as {case.id}"):
        dataset.add(other, None, CaseMeta(who="cd"))
    # Labels that were drawn on it are those of the case.
    fewer = stored_otherwise(labels_of(scan(), 11, 36), order)
    case.save_revision(fewer, "cd")
    assert same(DatasetCase(case.folder).labels(), labels_of(scan(), 11, 36))
    assert check_dataset(dataset.folder) == []
    # As an earlier version let it in.
    monkeypatch.setattr(Dataset, "find_scan", lambda *_: None)
    twin = dataset.add(other, None, CaseMeta(who="cd"))
    (problem,) = check_dataset(dataset.folder)
    how = "with their voxels in another order" if dtype is np.int16 else "as "
    assert all(word in str(problem) for word in (case.id, twin.id, how))


def test_labels_of_a_scan_that_lies_between_two_axes_stay_as_they_are(dataset: Dataset) -> None:
    def turned(degrees: float) -> np.ndarray:
        c, s = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
        return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])

    image = scan(direction=turned(45 - 1e-6))
    labels = labels_of(scan(direction=turned(45 + 1e-6)))
    found = dataset.add(image, labels, CaseMeta(who="ab")).labels()
    assert np.array_equal(found.array, labels.array)


def stored_otherwise(volume: Volume, order: tuple[int, int, int]) -> Volume:
    """The same voxels in the same places: axes in another order, the first one backwards."""
    spacing = tuple(volume.spacing[axis] for axis in order)
    direction = volume.direction[:, order]
    array = volume.array.transpose([2 - axis for axis in order[::-1]])
    origin = volume.origin + direction[:, 0] * spacing[0] * (array.shape[2] - 1)
    direction = direction * [-1, 1, 1]
    return Volume(np.flip(array, 2), spacing, tuple(origin), direction)


def test_labels_without_teeth_need_a_look(dataset: Dataset) -> None:
    image = scan()
    empty = image.with_array(np.zeros(image.shape, np.uint8))
    added = dataset.add(image, empty, CaseMeta(who="ab"))
    assert (added.next_tooth(), added.record.reviewed) == (None, False)
    added.save_revision(empty, "cd", review={36: "missing"})
    assert added.record.reviewed


def test_a_scan_without_labels_gets_them_later(dataset: Dataset) -> None:
    image = scan()
    added = dataset.add(image, None, CaseMeta(who="ab"))
    assert (added.revision, added.next_tooth(), added.record.reviewed) == (0, None, False)
    with pytest.raises(InputError, match="no labels of revision 0: none yet"):
        added.labels()
    assert not (added.folder / "labels.seg.nrrd").exists()
    prediction = Prediction("toothnet", {"toothnet": "ab" * 32})
    assert added.save_revision(labels_of(image), "cd", prediction=prediction) == 1
    again = DatasetCase(added.folder)
    assert same(again.labels(), labels_of(image))
    assert again.record.prediction == prediction
    with pytest.raises(InputError, match="no labels of revision 7: its newest revision is 1"):
        again.labels(7)


def test_the_default_name_comes_from_the_voxels_alone(dataset: Dataset, tmp_path: Path) -> None:
    one = add_case(dataset)
    other_place = Volume(scan().array, (1.0, 1.0, 1.0))
    two = Dataset.create(tmp_path / "other").add(other_place, None, CaseMeta(who="ab"))
    assert one.id == two.id == f"case-{one.record.source.voxels_sha256[:12]}"
    assert add_case(dataset, seed=8).id != one.id


def test_one_scan_is_one_case(dataset: Dataset) -> None:
    added = add_case(dataset)
    before = files_in(dataset.folder)
    for again in (dataset, Dataset.open(dataset.folder)):
        with pytest.raises(InputError, match=f"already, as {added.id}"):
            add_case(again, case_id="another")
    with pytest.raises(InputError, match="give another id"):
        add_case(dataset, seed=8, case_id=added.id)
    # What whoever wanted to add it can do is another thing where the header was a false one.
    with pytest.raises(InputError, match=f"revise {dataset.folder} {added.id} FILE gives"):
        add_case(dataset)
    with pytest.raises(InputError, match=f"another place: .* move {added.folder} out"):
        dataset.add(moved(scan()), None, CaseMeta(who="ab"))
    assert files_in(dataset.folder) == before


@pytest.mark.parametrize("name", ["", ".x", "a/b", "..", "a b", "nul", "CON.x", "x.", "x" * 101])
def test_a_name_that_is_no_folders_name_is_refused(dataset: Dataset, name: str) -> None:
    before = files_in(dataset.folder)
    if name:  # none at all asks for the default
        with pytest.raises(InputError, match="is no name for a case"):
            add_case(dataset, case_id=name)
    assert files_in(dataset.folder) == before


BAD = {
    "another size": (lambda v: v.part((slice(0, 5), slice(0, 7), slice(0, 8))), {}, "8 x 7 x 5"),
    "another place": (moved, {}, "in another place"),
    "no tooth": (lambda v: v.with_array(v.array + np.uint8(8)), {}, "hold 8, 19:"),
    "fractions": (lambda v: v.with_array(v.array + 0.5), {}, "hold 0.5"),
    "unknown state": (lambda v: v, {11: "fine"}, "'fine', which is none of"),
    "no such tooth": (lambda v: v, {99: "approved"}, "there is no tooth 99"),
    "tooth not there": (lambda v: v, {21: "approved"}, "21 is approved, but the labels do not"),
    "missing yet there": (lambda v: v, {11: "missing"}, "11 is declared missing, but"),
}


@pytest.mark.parametrize(("change", "review", "words"), BAD.values(), ids=BAD)
def test_what_cannot_be_right_is_refused_before_anything_is_written(
    case: DatasetCase, change, review, words: str
) -> None:
    before = files_in(case.folder)
    with pytest.raises(InputError, match=words):
        case.save_revision(change(case.labels()), "cd", review=review)
    assert files_in(case.folder) == before
    assert case.revision == 1


def test_a_revision_needs_a_name_and_changes_to_teeth(case: DatasetCase) -> None:
    with pytest.raises(InputError, match="nobody is named"):
        case.save_revision(case.labels(), " ")
    with pytest.raises(InputError, match="to tooth 99: nobody has it"):
        case.save_revision(case.labels(), "cd", [Change(99, "painted")])
    assert DatasetCase(case.folder).revision == 1


def test_labels_saved_over_from_outside_are_not_written_over(case: DatasetCase) -> None:
    foreign = case.folder / "labels.seg.nrrd"
    foreign.write_bytes(b"an hour of work")
    with pytest.raises(OutputError, match="changed outside of the data set: move it elsewhere"):
        case.save_revision(labels_of(case.labels(), 11), "cd")
    assert foreign.read_bytes() == b"an hour of work"
    assert same(DatasetCase(case.folder).labels(), labels_of(scan()))
    foreign.unlink()
    assert case.save_revision(labels_of(case.labels(), 11), "cd") == 2


def test_a_full_disk_leaves_the_case_as_it_was(
    case: DatasetCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ToothSegLib.dataset import case as module

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    before = files_in(case.folder)
    monkeypatch.setattr(module, "write_record", full)
    with pytest.raises(OutputError, match="No space left"):
        case.save_revision(labels_of(case.labels(), 11), "cd")
    assert files_in(case.folder) == before
    assert case.revision == 1


def test_only_an_empty_folder_becomes_a_data_set(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError, match="is not empty"):
        Dataset.create(tmp_path)
    with pytest.raises(OutputError, match="cannot make"):
        Dataset.create(tmp_path / "file")
    with pytest.raises(InputError, match=r"it has no dataset\.json"):
        Dataset.open(tmp_path)
    with pytest.raises(InputError, match="there is no folder"):
        Dataset.open(tmp_path / "nowhere")


def test_a_newer_version_is_not_touched(dataset: Dataset) -> None:
    marker = dataset.folder / "dataset.json"
    marker.write_text(marker.read_text().replace('version": 1', 'version": 2'))
    with pytest.raises(InputError, match="of version 2; this version of ToothSeg reads 1"):
        Dataset.open(dataset.folder)


def test_cases_are_listed_by_name(dataset: Dataset) -> None:
    for seed, name in enumerate(("b", "a", "c")):
        add_case(dataset, seed, case_id=name)
    assert [found.id for found in dataset.cases()] == ["a", "b", "c"]
    assert dataset.case("b").record.teeth == TEETH
    with pytest.raises(InputError, match="no case 'd'"):
        dataset.case("d")
