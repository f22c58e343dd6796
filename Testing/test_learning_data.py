"""What fine-tuning learns from: the right revisions and patients, in the right place and greys."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from learning_fixture import tiny_bundle, toy_dataset, toy_scan
from ToothSegLib.compute.normalise import normalise
from ToothSegLib.dataset.checks import check_dataset
from ToothSegLib.dataset.exchange import Outgoing, write_case
from ToothSegLib.dataset.folder import CaseMeta, Dataset
from ToothSegLib.dataset.record import APPROVED, Change
from ToothSegLib.dataset.reviewed import reviewed_case, reviewed_cases
from ToothSegLib.dataset.voxels import write_image, write_labels
from ToothSegLib.errors import InputError
from ToothSegLib.evaluation.comparison import unseen_cases
from ToothSegLib.grids.grid import to_working_grid
from ToothSegLib.lineage import held_out_scans, learned_scans
from ToothSegLib.maps import LEARNED_SPACING_MM
from ToothSegLib.teeth import type_of
from ToothSegLib.training import finetune
from ToothSegLib.training.finetune_plan import Plan
from ToothSegLib.training.finetune_record import new_record, recorded_split
from ToothSegLib.training.processes import Processes
from ToothSegLib.training.samples import draw_sample
from ToothSegLib.training.scan_case import dentition_box, scan_case
from ToothSegLib.training.split import _number, split_by_patient
from ToothSegLib.training.tasks import TASKS
from ToothSegLib.volume import Volume
from volume_fixture import OBLIQUE


def patients(*names: str) -> list:
    """Cases of these patients; the checksum of a scan is its number."""
    return [
        SimpleNamespace(patient=name, scan_sha256=str(n), is_among=lambda sums, n=n: str(n) in sums)
        for n, name in enumerate(names)
    ]


def test_the_newest_reviewed_revision_is_taken(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    dataset = toy_dataset(tmp_path / "set", 3)
    case = dataset.case("c0")
    shifted = case.labels().with_array(np.roll(case.labels().array, 1, axis=2))
    case.save_revision(shifted, "ab", [Change(36, "moved")], {36: APPROVED, 46: APPROVED})
    again = dataset.case("c0")
    # Somebody has begun to look at a third revision, and one tooth is still open.
    again.save_revision(case.labels(1), "ab", [Change(36, "moved")], {46: APPROVED})
    taken = {case.id: case for case in reviewed_cases(tmp_path / "set")}
    (told,) = caplog.messages
    assert told.startswith("c0: until 36 is reviewed, learning takes revision 2, not 3; ")
    assert {name: case.revision for name, case in taken.items()} == {"c0": 2, "c1": 1, "c2": 1}
    np.testing.assert_array_equal(taken["c0"].labels().array, shifted.array)
    assert taken["c0"].patient == taken["c1"].patient != taken["c2"].patient
    with pytest.raises(InputError, match="revision 3 of c0 is not reviewed"):
        reviewed_case(dataset, "c0", 3)


def test_an_older_revision_that_cannot_be_read_is_left_out_with_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    dataset = toy_dataset(tmp_path / "set", 3)
    for _ in range(2):
        case = dataset.case("c0")
        case.save_revision(case.labels(), "ab", [Change(36, "looked at")], {46: APPROVED})
    record = tmp_path / "set" / "c0" / "revisions" / "0002" / "case.json"
    record.write_text("{")
    taken = {case.id: case.revision for case in reviewed_cases(tmp_path / "set")}
    assert taken == {"c0": 1, "c1": 1, "c2": 1}
    assert any(
        message.startswith("c0: revision 2 is left out: ") and str(record) in message
        for message in caplog.messages
    )
    (tmp_path / "set" / "c0" / "revisions" / "0001" / "case.json").unlink()
    assert [case.id for case in reviewed_cases(tmp_path / "set")] == ["c1", "c2"]


def test_exchanged_or_overwritten_files_are_not_learned_from(tmp_path: Path) -> None:
    dataset = toy_dataset(tmp_path / "set", 3)
    image = tmp_path / "set" / "c0" / "image.nrrd"
    shutil.copyfile(tmp_path / "set" / "c1" / "image.nrrd", image)
    lessened = dataset.case("c1").labels()
    lessened.array[lessened.array == 36] = 0
    labels = tmp_path / "set" / "c1" / "revisions" / "0001" / "labels.seg.nrrd"
    write_labels(labels, lessened)
    cases = {case.id: case for case in reviewed_cases(tmp_path / "set")}
    with pytest.raises(InputError, match="does not hold the scan that was added as c0") as told:
        cases["c0"].image()
    assert str(image) in str(told.value)
    assert "put that file back" in str(told.value)
    with pytest.raises(InputError, match="the labels that were saved as revision 1") as told:
        cases["c1"].labels()
    assert str(labels) in str(told.value)
    assert f"dataset revise {tmp_path / 'set'} c1" in str(told.value)
    for going in (Outgoing(cases["c0"].case, 1), Outgoing(cases["c1"].case, 1)):
        with pytest.raises(InputError, match="does not hold"):
            write_case(going, tmp_path / "scan.nrrd", tmp_path / "labels.nrrd")
    assert cases["c2"].labels().array.any()
    # The same voxels in a file that another program has written are the same scan.
    shutil.copyfile(tmp_path / "set" / "c2" / "image.nrrd", tmp_path / "c2.nrrd")
    write_image(
        tmp_path / "set" / "c2" / "image.nrrd",
        cases["c2"].image().with_array(np.asfortranarray(cases["c2"].image().array)),
    )
    assert cases["c2"].image().array.any()


def test_a_pseudonym_is_one_patient_however_it_is_spelt(tmp_path: Path) -> None:
    dataset = toy_dataset(tmp_path / "set", 4)
    for name, patient in (("c1", "P-A"), ("c2", " p-a "), ("c3", "p a")):
        case = dataset.case(name)
        case.save_revision(case.labels(), "ab", (), {36: APPROVED, 46: APPROVED}, patient=patient)
    taken = {case.id: case.patient for case in reviewed_cases(tmp_path / "set")}
    assert taken["c0"] == taken["c1"] == taken["c2"] != taken["c3"]
    (problem,) = check_dataset(tmp_path / "set")
    assert "the pseudonyms ' p-a ' and 'P-A' and 'p-a' count as one patient" in str(problem)


def test_without_a_reviewed_case_it_says_so(tmp_path: Path) -> None:
    Dataset.create(tmp_path / "set")
    with pytest.raises(InputError, match=r"reviewed to the end \(0 not yet\)"):
        reviewed_cases(tmp_path / "set")


@pytest.mark.parametrize("seed", range(5))
def test_no_patient_is_on_both_sides_and_both_have_some(seed: int) -> None:
    cases = patients(*(f"p{n // 2}" for n in range(10)))
    split = split_by_patient(cases, seed, 0.25)
    learned, held_out = (
        {case.patient for case in side} for side in (split.learned, split.held_out)
    )
    assert not learned & held_out
    assert learned
    assert held_out
    assert len(split.learned) + len(split.held_out) == 10


def test_a_new_patient_moves_no_other_one() -> None:
    names = [f"p{n}" for n in range(40)]
    before = {case.patient for case in split_by_patient(patients(*names), 1, 0.3).held_out}
    after = {case.patient for case in split_by_patient(patients(*names, "new"), 1, 0.3).held_out}
    assert after - {"new"} == before
    other = {case.patient for case in split_by_patient(patients(*names), 2, 0.3).held_out}
    assert other != before


def held_out(cases: list, seed: int, share: float = 0.25, **before: set[str]) -> set[str]:
    return {case.patient for case in split_by_patient(cases, seed, share, **before).held_out}


def test_a_new_patient_moves_another_one_only_where_all_are_on_one_side_of_the_share() -> None:
    moved, rounds = 0, 400
    for seed in range(rounds):
        four, five = (held_out(patients(*"abcde"[:count]), seed) for count in (4, 5))
        if five - {"e"} != four:
            moved += 1
            below = {_number(seed, name) < 0.25 for name in "abcd"}
            assert len(below) == 1
            assert len(four) == (3 if below == {True} else 1)
    assert 0 < moved < 0.32 * rounds


def test_who_was_held_out_is_so_in_every_round_that_goes_on_from_it() -> None:
    for seed in range(60):
        names, known, judged_by = "abcdefghij", set(), set()
        sides: dict[str, bool] = {}
        for count in (2, 3, 5, 6, 10):
            cases = patients(*names[:count])
            # Another round may be drawn by another seed.
            held = held_out(cases, seed + count, known=known, judged_by=judged_by)
            now = {case.patient: case.patient in held for case in cases}
            assert now | sides == now
            sides = now
            known |= {case.scan_sha256 for case in cases if case.patient not in held}
            judged_by |= {case.scan_sha256 for case in cases if case.patient in held}
    # Where somebody must be learned from, it is one by whom nothing was judged.
    assert held_out(patients("a", "b"), 0, 0.999, judged_by={"0"}) == {"a"}
    assert held_out(patients("a", "b"), 0, 0.999, judged_by={"1"}) == {"b"}
    highest = max("ab", key=lambda name: _number(0, name))
    assert held_out(patients("a", "b"), 0, 0.5, judged_by={"0", "1"}) == {*"ab"} - {highest}


def test_a_run_holds_out_again_by_whom_its_parent_was_judged(tmp_path: Path) -> None:
    toy_dataset(tmp_path / "set")
    scans = {case.id: case.scan_sha256 for case in reviewed_cases(tmp_path / "set")}
    data = {"learned": [{"scan": scans["c0"]}], "held_out": [{"scan": scans["c3"]}]}
    parent = tiny_bundle(tmp_path / "parent", lineage={"parent": None, "data": data})
    for seed in range(10):
        alone = Processes(torch.device("cpu"))
        record = new_record(tmp_path / "set", parent, Plan(seed=seed), None, alone)
        sides = {
            side: {entry["case"] for entry in record["data"][side]}
            for side in ("learned", "held_out")
        }
        assert sides["learned"] >= {"c0", "c1"}
        assert "c3" in sides["held_out"]


def test_a_run_goes_on_with_the_scans_with_which_it_began(tmp_path: Path) -> None:
    toy_dataset(tmp_path / "set")
    parent, alone = tiny_bundle(tmp_path / "parent"), Processes(torch.device("cpu"))
    record = new_record(tmp_path / "set", parent, Plan(), None, alone)
    split = recorded_split(tmp_path / "set", record)
    assert {case.id for case in (*split.learned, *split.held_out)} == {"c0", "c1", "c2", "c3"}
    shutil.move(tmp_path / "set" / "c1", tmp_path / "c1")
    with pytest.raises(InputError, match="c1, with which the run was begun, is not in .*put it"):
        recorded_split(tmp_path / "set", record)
    # Another data set with cases of the same names.
    other = Dataset.create(tmp_path / "other")
    for number in range(4):
        image, labels = toy_scan(100 + number)
        review = {36: APPROVED, 46: APPROVED}
        other.add(image, labels, CaseMeta(who="ab", case_id=f"c{number}", review=review))
    with pytest.raises(InputError, match="is another scan than the run was begun with"):
        recorded_split(tmp_path / "other", record)


def test_a_run_does_not_go_on_with_other_labels_of_the_same_number(tmp_path: Path) -> None:
    dataset = toy_dataset(tmp_path / "set")
    parent, alone = tiny_bundle(tmp_path / "parent"), Processes(torch.device("cpu"))
    record = new_record(tmp_path / "set", parent, Plan(), None, alone)
    # Taken out, and added again with other labels: the same name and revision.
    shutil.move(tmp_path / "set" / "c2", tmp_path / "c2")
    image, labels = toy_scan(2)
    meta = CaseMeta(who="ab", case_id="c2", review={36: APPROVED, 46: APPROVED})
    dataset.add(image, labels.with_array(np.roll(labels.array, 1, axis=2)), meta)
    with pytest.raises(InputError, match="revision 1 of c2 in .* holds other labels than the run"):
        recorded_split(tmp_path / "set", record)
    for entry in (*record["data"]["learned"], *record["data"]["held_out"]):
        del entry["labels"]  # as in runs of older versions
    recorded_split(tmp_path / "set", record)


def test_a_patient_learned_from_stays_one_when_the_case_is_gone(tmp_path: Path) -> None:
    dataset = toy_dataset(tmp_path / "set")
    image, labels = toy_scan(9)
    dataset.add(image, labels, CaseMeta(who="ab", case_id="later", patient="P-A"))
    parent, alone = tiny_bundle(tmp_path / "parent"), Processes(torch.device("cpu"))
    seeds = (
        new_record(tmp_path / "set", parent, Plan(seed=seed), None, alone) for seed in range(20)
    )
    learned = next(r for r in seeds if "c0" in {e["case"] for e in r["data"]["learned"]})
    assert "p-a" not in str(learned).lower()
    case = dataset.case("later")
    case.save_revision(labels, "ab", review={36: APPROVED, 46: APPROVED})
    for name in ("c0", "c1"):
        shutil.move(tmp_path / "set" / name, tmp_path / name)
    child = tiny_bundle(tmp_path / "child", lineage=learned)
    assert "later" not in {c.id for c in unseen_cases(tmp_path / "set", [child, parent])}


def test_whom_an_ancestor_learned_from_is_not_held_out() -> None:
    cases = patients("a", "b", "b", "c", "d")
    for seed in range(10):
        held_out = split_by_patient(cases, seed, 0.9, known={"0", "2"}).held_out
        assert {case.patient for case in held_out} <= {"c", "d"}
    with pytest.raises(InputError, match="all 4 patients before"):
        split_by_patient(cases, 0, 0.5, known={"0", "1", "3", "4"})
    with pytest.raises(InputError, match="at least one more"):
        split_by_patient(patients("a", "a"), 0, 0.5)


def test_lineages_are_followed_to_the_first_ancestor_and_damage_is_borne() -> None:
    first = {"parent": None, "data": {"learned": [{"scan": "1"}, {"scan": 5}, None]}}
    second = {"parent": {"lineage": first}, "data": {"learned": [{"scan": "2"}]}}
    assert learned_scans({"parent": {"lineage": second}}) == {"1", "2"}
    for strange in (None, [], {"data": 3, "parent": 4}, {"data": {"learned": "x"}}):
        assert learned_scans(strange) == held_out_scans(strange) == set()
    first["data"]["held_out"] = [{"scan": "7"}, 3]
    assert held_out_scans({"parent": {"lineage": second}}) == {"7"}


def test_a_scan_has_the_greys_and_the_place_that_inference_gives_it() -> None:
    image, labels = toy_scan(0)
    case = scan_case(image, labels, LEARNED_SPACING_MM, whole=False)
    working = to_working_grid(image, LEARNED_SPACING_MM, dentition_box(labels))
    grey = normalise(torch.from_numpy(working.array.astype(np.float32)))
    # The mean of the finer voxels within a coarse one, but for the interpolation's smoothing.
    coarse = torch.nn.functional.avg_pool3d(case.tissue.float()[None, None], 2)[0, 0]
    inner = (slice(2, -2),) * 3
    assert (
        float(torch.corrcoef(torch.stack([coarse[inner].flatten(), grey[inner].flatten()]))[0, 1])
        > 0.95
    )
    assert case.spacing_mm == LEARNED_SPACING_MM / 2
    first = case.origin.numpy() + case.spacing_mm / 2
    np.testing.assert_allclose(first, working.origin, atol=1e-4)
    for fdi in (36, 46):
        k, j, i = np.argwhere(labels.array == fdi).mean(axis=0)
        truth = (labels.index_to_lps @ [i, j, k, 1])[:3]
        np.testing.assert_allclose(case.table[fdi].numpy(), truth, atol=0.2)


def test_teeth_that_a_reader_has_deleted_are_within_what_is_learned_from(tmp_path: Path) -> None:
    """In use the networks look at what the locator took for teeth, wherever that is."""
    image = Volume(np.zeros((40, 50, 180), np.int16), (1.0, 1.0, 1.0))
    labels = image.with_array(np.zeros(image.shape, np.uint8))
    labels.array[10:20, 20:30, 20:30] = 36
    remaining = labels.array.copy()
    labels.array[10:20, 20:30, 140:150] = 37
    dataset = Dataset.create(tmp_path / "set")
    image.array[:] = np.random.default_rng(0).integers(0, 99, image.shape)
    case = dataset.add(image, labels, CaseMeta(who="ab", case_id="c"))
    gone = labels.with_array(remaining)
    case.save_revision(gone, "ab", [Change(37, "deleted")], {36: APPROVED})
    task = replace(TASKS["toothnet"], spacing_mm=4.0)
    (taken,) = reviewed_cases(tmp_path / "set")
    (learned,) = finetune._scans([taken], task)
    last = learned.origin.numpy() + np.array(learned.labels.shape[::-1]) * learned.spacing_mm
    assert learned.present == (36,)
    assert float(learned.origin[0]) < 25 < 145 < last[0]
    # What the labels alone tell ends with the tooth that is left.
    alone = scan_case(image, gone, 4.0, whole=False)
    assert float(alone.origin[0]) + alone.labels.shape[2] * alone.spacing_mm < 60
    # A first revision that is lost keeps no case from being learned from.
    (tmp_path / "set" / "c" / "revisions" / "0001" / "labels.seg.nrrd").unlink()
    np.testing.assert_array_equal(taken.marked().array, remaining > 0)


def test_a_small_scan_is_learned_from_whole_as_it_is_looked_at() -> None:
    image = Volume(np.zeros((50, 80, 80), np.int16), (1.0, 1.0, 1.0))
    labels = image.with_array(np.zeros(image.shape, np.uint8))
    labels.array[20:30, 30:40, 2:12] = 36
    box = dentition_box(labels)
    assert box is not None
    assert box[1][0] < 30
    case = scan_case(image, labels, 1.0, whole=False)
    assert tuple(np.array(case.labels.shape) * case.spacing_mm) == image.shape


def test_an_oblique_scan_lands_where_it_lies() -> None:
    image, labels = toy_scan(1)
    image, labels = (
        Volume(v.array, (0.4, 0.5, 0.6), (30.0, -20.0, 10.0), OBLIQUE) for v in (image, labels)
    )
    case = scan_case(image, labels, 0.5, whole=True)
    for fdi in (36, 46):
        k, j, i = np.argwhere(labels.array == fdi).mean(axis=0)
        truth = (labels.index_to_lps @ [i, j, k, 1])[:3]
        np.testing.assert_allclose(case.table[fdi].numpy(), truth, atol=0.3)
        volume = float((case.labels == fdi).sum()) * case.spacing_mm**3
        assert volume == pytest.approx((labels.array == fdi).sum() * 0.4 * 0.5 * 0.6, rel=0.05)


def test_of_a_head_without_teeth_no_more_is_kept_than_a_dentition_takes() -> None:
    image = Volume(np.zeros((60, 60, 60), np.int16), (4.0, 4.0, 4.0))
    labels = image.with_array(np.zeros((60, 60, 60), np.uint8))
    case = scan_case(image, labels, 2.0, whole=False)
    assert max(case.labels.shape) * case.spacing_mm <= 94.0
    assert not case.present
    middle = case.origin.numpy() + np.array(case.labels.shape[::-1]) * case.spacing_mm / 2
    np.testing.assert_allclose(middle, 118.0, atol=3.0)


def test_a_patch_of_a_scan_points_at_the_centres_of_its_teeth() -> None:
    image, labels = toy_scan(2)
    case = scan_case(image, labels, 0.5, whole=False)
    task = replace(TASKS["toothnet"], sizes=((48, 48, 64),))
    for step in range(6):
        picture, patch = draw_sample([case], task, seed=1, step=step)
        assert picture.dtype == torch.float32
        inside = patch.types > 0
        if int(inside.sum()) < 200:
            continue
        assert set(patch.types[inside].tolist()) == {type_of(36)}
        # The greys that came along are those of the teeth.
        bright = picture[0, 0][patch.labels > 0].mean() - picture[0, 0][patch.labels == 0].mean()
        assert float(bright) > 0.3
        # Whatever the mirror: a voxel left of its tooth's centre points to the right.
        x = torch.arange(inside.shape[2], dtype=torch.float32).expand(inside.shape)
        for fdi in (36, 46):
            mine = inside & (patch.labels[::2, ::2, ::2] == fdi)
            if int(mine.sum()) > 100:
                pair = torch.stack([x[mine], patch.offsets[0][mine]])
                assert float(torch.corrcoef(pair)[0, 1]) < -0.7


def test_a_scan_without_teeth_is_all_background() -> None:
    image, labels = toy_scan(3)
    empty = labels.with_array(np.zeros_like(labels.array))
    case = scan_case(image, empty, 0.5, whole=False)
    assert case.present == ()
    _, patch = draw_sample([case], TASKS["locator"], seed=1, step=0)
    assert not patch.types.any()
