"""The whole loop at small size: predict, correct, learn on, compare, and who is not misled."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from learning_fixture import shrink, tiny_bundle, toy_heads, toy_scan
from ToothSegLib.dataset.checks import check_dataset
from ToothSegLib.dataset.folder import CaseMeta, Dataset
from ToothSegLib.errors import InputError
from ToothSegLib.evaluation.comparison import Difference
from ToothSegLib.evaluation.outcomes import Outcome
from ToothSegLib.models import Bundle, write_bundle
from ToothSegLib.synthesis import tissues
from ToothSegLib.synthesis.case import Case
from ToothSegLib.synthesis.compose import make_case
from ToothSegLib.training import course, loop_kinds, loop_trial
from ToothSegLib.training.finetune_plan import Plan
from ToothSegLib.training.loop_annotator import correct
from ToothSegLib.training.loop_kinds import KINDS, ScanMaker, moved_scan, stained_scan
from ToothSegLib.training.loop_trial import Result, Sizes, as_text, run_trial
from ToothSegLib.training.processes import Processes
from ToothSegLib.volume import Volume

ALONE = Processes(torch.device("cpu"))
PLAN = Plan(
    networks=("toothnet",),
    steps=80,
    check_every=40,
    learning_rate=0.12,
    held_out=0.3,
    simulated_share=0.1,
    guards=2,
)


def two_molars(seed: int) -> tuple[Volume, Volume]:
    """A scan with 36 and 46 alone, as far apart as in a mouth, at another place for every seed."""
    rng = np.random.default_rng(seed)
    labels = np.zeros((32, 32, 120), np.uint8)
    k, j = rng.integers(4, 14, 2)
    labels[k : k + 14, j : j + 14, 6:18] = 46
    labels[k : k + 14, j : j + 14, 102:114] = 36
    grey = rng.normal(200, 60, labels.shape) + np.where(labels > 0, 1500, 0)
    for i in (6, 102):  # a pulp: what is bright through and through is an implant
        grey[k + 5 : k + 9, j + 5 : j + 9, i + 4 : i + 8] -= 700
    image = Volume(grey.astype(np.int16), (0.5, 0.5, 0.5), (-30.0, -8.0, 3.0), np.eye(3))
    return image, image.with_array(labels)


def sees_everything(folder: Path) -> Bundle:
    """A toy bundle whose locator takes all of a scan for teeth: the other network counts."""
    toy = tiny_bundle(folder / "untrained")
    states = {role: dict(toy.build(role).state_dict()) for role in toy.networks}
    states["locator"]["head.bias"] = states["locator"]["head.bias"] + 20
    return write_bundle(folder / "toy", {**toy.card, "name": "toy"}, states, half=True)


@pytest.mark.timeout(600)
def test_correcting_a_few_scans_makes_the_bundle_better_on_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shrink(monkeypatch)
    monkeypatch.setattr(course, "draw_curve", lambda *_: None)
    same = [Outcome(str(n), str(n), {11: 0.9}, 1, 1, 1) for n in range(3)]
    monkeypatch.setattr(loop_trial, "fixed_benchmark", lambda bundle, device: same)
    parent, heads = sees_everything(tmp_path), toy_heads(tmp_path / "heads")

    def trial() -> Result:
        return run_trial(
            tmp_path / "trial",
            parent,
            PLAN,
            ALONE,
            sizes=Sizes(4, 1, 6),
            make_scan=two_molars,
            heads=heads,
        )

    result = trial()
    assert result.failures() == [], as_text(parent, result)
    dice, f1 = result.unseen[-2:]
    assert (dice.a, f1.a) == (0.0, 0.0)
    assert dice.b > 0.8
    assert f1.b > 0.9
    learned = result.made.bundle.card["lineage"]["data"]
    assert [len(learned[side]) for side in ("learned", "held_out")] == [4, 1]
    assert result.changes >= 10
    for name in ("corrected", "unseen"):
        assert check_dataset(tmp_path / "trial" / name) == []
    # What is done is not done again, and comes to the same.
    again = trial()
    assert (again.unseen, again.changes) == (result.unseen, result.changes)


def test_the_annotator_says_what_was_wrong_with_each_tooth(dataset: Dataset) -> None:
    image, truth = toy_scan(0)
    array = truth.array.copy()
    array[array == 36] = 37  # a wrong number
    array[0, 0, 0] = 46
    case = dataset.add(image, truth.with_array(array), CaseMeta(who="ab"))
    assert correct(case, truth) == 2
    assert (case.labels().array == truth.array).all()
    assert case.record.reviewed
    assert dict(case.record.review) == {36: "corrected", 37: "missing", 46: "corrected"}
    changes = {change.fdi: change.what for change in case.history()[-1].changes}
    assert changes == {36: "added", 37: "is not there", 46: "outline drawn anew"}


def test_iodine_makes_all_that_is_soft_as_bright_as_bone(monkeypatch: pytest.MonkeyPatch) -> None:
    head = make_case(940_000, spacing_mm=1.0, ordinary=True)
    scanned: list[Case] = []
    monkeypatch.setattr(loop_kinds, "make_case", lambda seed, ordinary: head)
    monkeypatch.setattr(loop_kinds, "simulate_scan", lambda case, *_, **__: scanned.append(case))
    stained_scan(940_000)
    case = scanned[0]
    soft = [tissues.SOFT, tissues.MUSCLE, tissues.PULP, tissues.LIGAMENT]
    assert set(soft) <= set(np.unique(head.tissue))
    assert (case.tissue[np.isin(head.tissue, soft)] == tissues.CORTICAL).all()
    assert (case.tissue[head.tissue == tissues.FAT] == tissues.SOFT).all()
    rest = ~np.isin(head.tissue, [*soft, tissues.FAT])
    assert (case.tissue[rest] == head.tissue[rest]).all()
    assert (case.labels == head.labels).all()
    # Else the picture would be made of what lies beside the surfaces, which is not stained.
    assert case.detail is None


def test_who_moved_is_seen_twice_and_labelled_where_he_stayed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    grey = np.zeros((4, 60, 4), np.int16)
    grey[:, 20] = 1000
    scan = Volume(grey, (0.4, 0.4, 0.4), (0.0, 0.0, 0.0), np.eye(3))
    truth = scan.with_array((grey > 0).astype(np.uint8))
    monkeypatch.setattr(loop_kinds, "make_case", lambda seed, ordinary: None)
    monkeypatch.setattr(loop_kinds, "simulate_scan", lambda *_, **__: (scan, truth))
    image, labels = moved_scan(1)
    assert labels is truth
    line = image.array[0, :, 0]
    assert 520 <= line[20] <= 600
    second = np.flatnonzero(line[25:]) + 25
    assert 4.0 <= 0.4 * (second.mean() - 20) <= 6.4
    assert line[second].sum() + line[20] == pytest.approx(1000, abs=2)


@pytest.mark.parametrize(("words", "kind"), [([], "moved"), (["--kind", "crowned"], "crowned")])
def test_every_kind_has_a_folder_of_its_own(
    words: list[str],
    kind: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    begun: list[tuple[Path, ScanMaker]] = []

    def run(folder: Path, *_: object, make_scan: ScanMaker, **__: object) -> None:
        begun.append((folder, make_scan))
        raise InputError("enough")

    monkeypatch.setattr(loop_trial, "run_trial", run)
    monkeypatch.setattr(sys, "argv", ["loop_trial", "-o", str(tmp_path), *words])
    assert loop_trial.main() == 2
    assert capsys.readouterr().err == "loop_trial: error: enough\n"
    assert begun == [(tmp_path / kind, KINDS[kind])]


def difference(name: str, change: float, low: float | None) -> Difference:
    return Difference(name, 8, 0.5, 0.5 + change, low, 0.2)


@pytest.mark.parametrize(
    ("low", "change", "words"),
    [
        (0.01, -0.004, []),
        (-0.01, 0.0, ["did not rise for certain"]),
        (None, 0.0, ["did not rise for certain"]),
        (0.01, -0.006, ["fell by 0.0060"]),
        (0.01, float("nan"), ["fell by nan"]),
    ],
)
def test_what_does_not_hold_is_told(low: float | None, change: float, words: list[str]) -> None:
    good = difference("identification F1", 0.1, 0.05)
    unseen = [difference("tooth Dice", 0.1, low), good]
    fixed = [difference("tooth Dice", change, -0.1), good]
    result = Result(None, 0, unseen, fixed)  # type: ignore[arg-type]
    told = result.failures()
    assert len(told) == len(words)
    assert all(word in line for word, line in zip(words, told, strict=True))
