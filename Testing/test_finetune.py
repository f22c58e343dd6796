"""A bundle learns on: from the right revisions, from what it may, and no longer than it pays."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from drawing_fixture import draws
from finetune_fixture import ALONE, PLAN, seen, tuned
from learning_fixture import tiny_bundle
from ToothSegLib.cli.main import main
from ToothSegLib.errors import InputError, OutputError
from ToothSegLib.models import load_bundle
from ToothSegLib.training import judging
from ToothSegLib.training.finetune import fine_tune
from ToothSegLib.training.finetune_plan import Plan, read_record
from ToothSegLib.training.run_folder import run_folder
from ToothSegLib.training.skill import Skill

pytestmark = pytest.mark.usefixtures("small_patches")


@pytest.mark.timeout(300)  # whole cascades, and the first pictures of the process
def test_the_command_makes_a_bundle_with_its_lineage(
    world: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    words = ["train", "--dataset", str(world / "set"), "--from", str(world / "toy"), "-o", str(out)]
    words += ["--cases", str(world / "heads"), "--steps", "2", "--check-every", "2",
              "--guards", "1"]  # fmt: skip
    assert main([*words, "--device", "cpu", "--learning-rate", "0.05", "--seed", "1"]) == 0
    captured = capsys.readouterr()
    assert "held-out case" in captured.out
    # What takes time is told, in a line each where there is no terminal to count in.
    stages = [line for line in captured.err.splitlines() if line.endswith(")")]
    assert stages[:2] == ["checking scans (4)", "reckoning memory (3)"]
    assert "reading scans for locator (3)" in stages
    assert "looking at held-out cases (1)" in stages
    bundle = load_bundle(out / "bundle")
    bundle.verify()
    parent = load_bundle(world / "toy")
    assert bundle.name == "toy+1"
    lineage = bundle.card["lineage"]
    assert lineage["parent"]["name"] == "toy"
    assert lineage["parent"]["networks"] == parent.weights
    data = read_record(out)["data"]
    sides = [{entry["case"] for entry in data[side]} for side in ("learned", "held_out")]
    assert sides[0] | sides[1] == {"c0", "c1", "c2", "c3"}
    assert not sides[0] & sides[1]
    for side in ("learned", "held_out"):  # in the bundle without names that somebody has given
        without = [{key: entry[key] for key in entry if key != "case"} for entry in data[side]]
        assert lineage["data"][side] == without
    assert all(entry["revision"] == 1 for entry in lineage["data"]["learned"])
    assert lineage["seed"] == 1
    assert lineage["recipe"]["steps"] == 2
    assert lineage["code"]["toothseg"]
    assert lineage["simulated_seeds"] == [3]
    assert len(lineage["guard_seeds"]) == 1
    assert lineage["blends"].keys() == {"toothnet", "locator"}
    for role in ("toothnet", "locator"):
        if draws():
            assert (out / f"{role}.png").read_bytes().startswith(b"\x89PNG")
        rows = (out / f"{role}.csv").read_text().splitlines()
        assert len(rows) == 1 + 1 + 2
    assert not (out / "candidate").exists()
    # A run that is done is not begun again by mistake, and going on with it changes nothing.
    before = {path.name: path.read_bytes() for path in (out / "bundle").iterdir()}
    assert main([*words, "--device", "cpu", "--learning-rate", "0.05", "--seed", "1"]) == 2
    assert "--resume" in capsys.readouterr().err
    again = [*words, "--device", "cpu", "--learning-rate", "0.05", "--seed", "1", "--resume"]
    assert main(again) == 0
    assert before == {path.name: path.read_bytes() for path in (out / "bundle").iterdir()}


@pytest.mark.usefixtures("judged_by_weights")
def test_two_trainings_in_one_folder_are_refused(world: Path, tmp_path: Path) -> None:
    tuned(world, tmp_path)
    with run_folder(tmp_path, resume=True), pytest.raises(OutputError, match="wait for that train"):
        tuned(world, tmp_path, resume=True)


@pytest.mark.usefixtures("judged_by_weights")
def test_the_bundle_of_another_training_is_not_replaced(world: Path, tmp_path: Path) -> None:
    theirs = tiny_bundle(tmp_path / "run" / "bundle", seed=1)
    with pytest.raises(InputError, match="holds the bundle of another training"):
        tuned(world, tmp_path / "run")
    assert load_bundle(theirs.folder).weights == theirs.weights
    assert not (tmp_path / "run" / "run.json").exists()


@pytest.mark.usefixtures("judged_by_weights")
def test_learning_lowers_the_loss_on_what_it_sees(world: Path, tmp_path: Path) -> None:
    plan = Plan(("toothnet",), steps=24, learning_rate=0.05, check_every=24, simulated_share=0.0)
    losses = tuned(world, tmp_path, plan).courses["toothnet"].losses
    assert sum(losses[-8:]) < 0.8 * sum(losses[:8])


@pytest.mark.usefixtures("judged_by_weights")
def test_the_seed_decides(world: Path, tmp_path: Path) -> None:
    one = tuned(world, tmp_path / "one")
    same = tuned(world, tmp_path / "same")
    other = tuned(world, tmp_path / "other", replace(PLAN, seed=4))
    assert one.courses == same.courses
    assert one.courses["toothnet"].losses != other.courses["toothnet"].losses


@pytest.mark.usefixtures("judged_by_weights")
def test_it_stops_when_it_gets_no_better_and_keeps_the_best(
    world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dice = iter([0.5, 0.7, 0.6, 0.65, 0.9])
    monkeypatch.setattr(judging.Judge, "of_role", lambda *_: lambda weights: Skill(next(dice), 1.0))
    plan = Plan(("toothnet",), steps=10, check_every=1, patience=2, learning_rate=0.05, guards=0)
    made = tuned(world, tmp_path, plan)
    course = made.courses["toothnet"]
    assert course.checks == seen((0, 0.5), (1, 0.7), (2, 0.6), (3, 0.65))
    assert len(course.losses) == 3
    assert made.bundle.card["networks"]["toothnet"]["fine_tuning_steps"] == 1
    assert made.bundle.card["networks"]["locator"]["fine_tuning_steps"] == 0


@pytest.mark.usefixtures("judged_by_weights")
def test_what_runs_away_stops_with_advice(world: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no number any more in step .: lower the learning rate"):
        tuned(world, tmp_path, replace(PLAN, learning_rate=1e30, steps=9))


@pytest.mark.usefixtures("judged_by_weights")
def test_what_never_gets_better_stays_its_parent(
    world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judging.Judge, "of_role", lambda *_: lambda weights: Skill(0.5, 1.0))
    made = tuned(world, tmp_path)
    assert made.bundle.weights == load_bundle(world / "toy").weights


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--held-out", "1.5"], "--held-out 1.5"),
        (["--steps", "0"], "--steps 0"),
        (["--guards", "-1"], "--guards -1"),
        (["--seed", "10000000000000"], "--seed 10000000000000: give 0 to 4294967295"),
        (["--simulated-share", "1"], "--simulated-share 1"),
        (["--learning-rate", "nan"], "--learning-rate nan"),
        (["--recipe", "toothnet"], "leave --recipe out"),
        (["--networks", "stage1"], "no network 'stage1'"),
        (["--networks", "toothnet", "toothnet"], "toothnet toothnet: name each network once"),
        (["--simulated", "3", "--cases", "heads"], "--simulated does not go with --cases"),
    ],
)
def test_bad_options_are_told_and_leave_nothing(
    more: list[str], words: str, world: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    base = ["train", "--dataset", str(world / "set"), "--from", str(world / "toy"), "-o", str(out)]
    assert main([*base, "--device", "cpu", *more]) == 2
    assert words in capsys.readouterr().err
    assert not out.exists()


def test_heads_kept_for_measuring_are_refused(
    world: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from ToothSegLib.synthesis.case import save_case
    from ToothSegLib.synthesis.compose import make_case

    (tmp_path / "heads").mkdir()
    save_case(tmp_path / "heads" / "a.npz", make_case(910_000, spacing_mm=3.0))
    words = ["train", "--dataset", str(world / "set"), "--from", str(world / "toy"), "-o"]
    words += [str(tmp_path / "run"), "--cases", str(tmp_path / "heads"), "--device", "cpu"]
    assert main(words) == 2
    assert "must not be learned from" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


@pytest.mark.usefixtures("judged_by_weights")
def test_a_start_that_is_refused_for_its_heads_leaves_no_run(world: Path, tmp_path: Path) -> None:
    (tmp_path / "heads").mkdir()
    arguments = (world / "set", load_bundle(world / "toy"), tmp_path / "run", PLAN, ALONE)
    with pytest.raises(InputError, match=r"no cases \(\*\.npz\)"):
        fine_tune(*arguments, heads=tmp_path / "heads")
    assert not (tmp_path / "run").exists()
    assert fine_tune(*arguments, heads=world / "heads").bundle.name == "toy+1"


@pytest.mark.usefixtures("judged_by_weights")
def test_heads_are_drawn_where_none_are_given(
    world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ToothSegLib.synthesis.compose import make_case
    from ToothSegLib.training import rehearsal

    monkeypatch.setattr(
        rehearsal, "make_case", lambda seed, **o: make_case(seed, spacing_mm=2.0, **o)
    )
    plan = Plan(("toothnet",), steps=1, simulated=2)
    parent = load_bundle(world / "toy")
    made = fine_tune(world / "set", parent, tmp_path, plan, ALONE)
    drawn = sorted(int(path.stem) for path in (tmp_path / "heads").glob("*.npz"))
    assert len(drawn) == 2
    assert sorted(made.bundle.card["lineage"]["simulated_seeds"]) == drawn
    assert all(seed < rehearsal.FIRST_MEASURING_SEED for seed in drawn)
