"""A bundle learns on: from the right revisions, whole, and the same with a stop in between."""

from __future__ import annotations

import json
import math
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from drawing_fixture import draws
from kill_fixture import kills
from learning_fixture import judge_by_weights, shrink, tiny_bundle, toy_dataset, toy_heads
from ToothSegLib.bundles.safetensors_io import read_safetensors
from ToothSegLib.cli.main import main
from ToothSegLib.dataset.folder import Dataset
from ToothSegLib.errors import InputError, OutputError
from ToothSegLib.models import load_bundle
from ToothSegLib.training import judging, tuner
from ToothSegLib.training.course import Step
from ToothSegLib.training.finetune import FineTuned, fine_tune
from ToothSegLib.training.finetune_plan import Plan, read_record
from ToothSegLib.training.processes import Processes
from ToothSegLib.training.run_folder import run_folder
from ToothSegLib.training.skill import Skill

ALONE = Processes(torch.device("cpu"))
PLAN = Plan(networks=("toothnet",), steps=4, check_every=2, patience=5, seed=3, guards=0)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle, a data set and a simulated head, to be read alone."""
    folder = tmp_path_factory.mktemp("world")
    tiny_bundle(folder / "toy")
    toy_dataset(folder / "set")
    toy_heads(folder / "heads")
    return folder


@pytest.fixture(autouse=True)
def small_patches(monkeypatch: pytest.MonkeyPatch) -> None:
    shrink(monkeypatch)


@pytest.fixture
def stubs(monkeypatch: pytest.MonkeyPatch) -> None:
    judge_by_weights(monkeypatch)


def tuned(world: Path, folder: Path, plan: Plan = PLAN, **options: object) -> FineTuned:
    parent = load_bundle(world / "toy")
    return fine_tune(world / "set", parent, folder, plan, ALONE, heads=world / "heads", **options)


def seen(*checks: tuple[int, float]) -> list[tuple[int, Skill]]:
    """Looks, as a course keeps them, with every tooth numbered right."""
    return [(step, Skill(dice, 1.0)) for step, dice in checks]


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


@pytest.mark.usefixtures("stubs")
@pytest.mark.parametrize("stop_after", [1, 3])
def test_stopping_and_going_on_changes_no_bit(
    stop_after: int, world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tuner, "_CHECKPOINT_EVERY_S", -1.0)
    whole = tuned(world, tmp_path / "whole")

    class Stopped(Exception):
        pass

    def stop(step: Step) -> None:
        if step.done == stop_after:
            raise Stopped

    with pytest.raises(Stopped):
        tuned(world, tmp_path / "parts", watcher=stop)
    parts = tuned(world, tmp_path / "parts", resume=True)
    assert parts.courses == whole.courses
    best = f"toothnet.best-{whole.courses['toothnet'].best[0]}.safetensors"
    for name in ("toothnet.checkpoint.safetensors", best):
        one, other = (read_safetensors(tmp_path / run / name) for run in ("whole", "parts"))
        assert one.keys() == other.keys()
        assert all(torch.equal(one[key], other[key]) for key in one)
    assert parts.bundle.weights == whole.bundle.weights


@pytest.mark.usefixtures("stubs")
def test_a_run_killed_between_checkpoints_repeats_the_lost_steps(
    world: Path, tmp_path: Path
) -> None:
    whole = tuned(world, tmp_path / "whole")

    def stop(step: Step) -> None:
        if step.done == 3:  # the last checkpoint is that of step 2
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tuned(world, tmp_path / "parts", watcher=stop)
    parts = tuned(world, tmp_path / "parts", resume=True)
    assert parts.courses == whole.courses
    assert parts.bundle.weights == whole.bundle.weights


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.timeout(900)
def test_kill_9_at_random_moments_of_learning_changes_no_bit(world: Path, tmp_path: Path) -> None:
    for name in ("toy", "set", "heads"):
        shutil.copytree(world / name, tmp_path / name)
    times = kills(6)
    here = Path(__file__).parent
    run = subprocess.run(
        [sys.executable, str(here / "training_crashes.py"), str(tmp_path), str(times)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (here, here.parent))),
             "OMP_NUM_THREADS": "1"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr[-3000:]
    in_the_middle = int(run.stdout.split()[0])
    assert in_the_middle > 0, "no kill comes in the middle of a run: this test tests nothing"


@pytest.mark.usefixtures("stubs")
def test_a_run_killed_before_its_checkpoint_keeps_the_best_weights_of_the_last_one(
    world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dice = iter([0.5, 0.9])
    monkeypatch.setattr(judging.Judge, "of_role", lambda *_: lambda weights: Skill(next(dice), 1.0))
    save = tuner.Tuner._save

    def killed(self: tuner.Tuner, *arguments: object) -> None:
        if len(self.course.losses) == 2:
            raise KeyboardInterrupt
        save(self, *arguments)

    monkeypatch.setattr(tuner, "_CHECKPOINT_EVERY_S", -1.0)
    monkeypatch.setattr(tuner.Tuner, "_save", killed)
    with pytest.raises(KeyboardInterrupt):
        tuned(world, tmp_path)
    monkeypatch.setattr(tuner.Tuner, "_save", save)
    # In half precision the same steps need not come to the same weights again.
    monkeypatch.setattr(judging.Judge, "of_role", lambda *_: lambda weights: Skill(0.4, 1.0))
    made = tuned(world, tmp_path, resume=True)
    assert made.courses["toothnet"].checks == seen((0, 0.5), (2, 0.4), (4, 0.4))
    assert made.bundle.weights == load_bundle(world / "toy").weights


@pytest.mark.usefixtures("stubs")
def test_two_trainings_in_one_folder_are_refused(world: Path, tmp_path: Path) -> None:
    tuned(world, tmp_path)
    with run_folder(tmp_path, resume=True), pytest.raises(OutputError, match="wait for that train"):
        tuned(world, tmp_path, resume=True)


@pytest.mark.usefixtures("stubs")
def test_going_on_clears_away_what_a_killed_run_was_writing(world: Path, tmp_path: Path) -> None:
    tuned(world, tmp_path)
    (tmp_path / "heads").mkdir()
    files = [tmp_path / ".toothseg-01234567.part", tmp_path / "heads" / ".toothseg-89abcdef.part"]
    folders = [tmp_path / f".{name}.{'0a' * 16}.{kind}"
               for name, kind in (("candidate", "part"), ("bundle", "old"))]  # fmt: skip
    for path in files:
        path.write_bytes(b"half")
    for path in folders:
        path.mkdir()
        (path / "card.json").touch()
    tuned(world, tmp_path, resume=True)
    assert not any(path.exists() for path in (*files, *folders))


@pytest.mark.usefixtures("stubs")
def test_a_patient_who_came_to_both_sides_since_is_told(world: Path, tmp_path: Path) -> None:
    shutil.copytree(world / "set", tmp_path / "set")
    parent, heads = load_bundle(world / "toy"), world / "heads"
    arguments = (tmp_path / "set", parent, tmp_path / "run", PLAN, ALONE)
    fine_tune(*arguments, heads=heads)
    data = json.loads((tmp_path / "run" / "run.json").read_text())["data"]
    learned, held_out = (data[side][0]["case"] for side in ("learned", "held_out"))
    dataset = Dataset.open(tmp_path / "set")
    for name in (learned, held_out):
        case = dataset.case(name)
        case.save_revision(case.labels(), "ab", patient="p-z")
    told = f"{learned}, .* and {held_out}, .* are of one patient in .*: begin a new run in another"
    with pytest.raises(InputError, match=told):
        fine_tune(*arguments, heads=heads, resume=True)


@pytest.mark.usefixtures("stubs")
def test_the_bundle_of_another_training_is_not_replaced(world: Path, tmp_path: Path) -> None:
    theirs = tiny_bundle(tmp_path / "run" / "bundle", seed=1)
    with pytest.raises(InputError, match="holds the bundle of another training"):
        tuned(world, tmp_path / "run")
    assert load_bundle(theirs.folder).weights == theirs.weights
    assert not (tmp_path / "run" / "run.json").exists()


@pytest.mark.usefixtures("stubs")
def test_learning_lowers_the_loss_on_what_it_sees(world: Path, tmp_path: Path) -> None:
    plan = Plan(("toothnet",), steps=24, learning_rate=0.05, check_every=24, simulated_share=0.0)
    losses = tuned(world, tmp_path, plan).courses["toothnet"].losses
    assert sum(losses[-8:]) < 0.8 * sum(losses[:8])


@pytest.mark.usefixtures("stubs")
def test_the_seed_decides(world: Path, tmp_path: Path) -> None:
    one = tuned(world, tmp_path / "one")
    same = tuned(world, tmp_path / "same")
    other = tuned(world, tmp_path / "other", replace(PLAN, seed=4))
    assert one.courses == same.courses
    assert one.courses["toothnet"].losses != other.courses["toothnet"].losses


@pytest.mark.usefixtures("stubs")
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


@pytest.mark.usefixtures("stubs")
def test_what_runs_away_stops_with_advice(world: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no number any more in step .: lower the learning rate"):
        tuned(world, tmp_path, replace(PLAN, learning_rate=1e30, steps=9))


@pytest.mark.usefixtures("stubs")
def test_what_never_gets_better_stays_its_parent(
    world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judging.Judge, "of_role", lambda *_: lambda weights: Skill(0.5, 1.0))
    made = tuned(world, tmp_path)
    assert made.bundle.weights == load_bundle(world / "toy").weights


@pytest.mark.usefixtures("stubs")
def test_a_run_goes_on_only_as_it_began(
    world: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    base = ["train", "--dataset", str(world / "set"), "-o", str(tmp_path / "run"), "--steps", "1",
            "--cases", str(world / "heads"), "--device", "cpu", "--resume"]  # fmt: skip
    assert main([*base, "--from", str(world / "toy"), "--networks", "toothnet", "--quiet"]) == 0
    assert main([*base, "--from", str(world / "toy")]) == 2
    assert "--networks toothnet, not all" in capsys.readouterr().err
    (tmp_path / "heads").mkdir()
    elsewhere = [word.replace(str(world / "heads"), str(tmp_path / "heads")) for word in base]
    assert main([*elsewhere, "--from", str(world / "toy"), "--networks", "toothnet"]) == 2
    assert "other simulated cases" in capsys.readouterr().err
    other = tiny_bundle(tmp_path / "other", seed=1)
    assert main([*base, "--from", str(other.folder), "--networks", "toothnet"]) == 2
    assert "another bundle" in capsys.readouterr().err


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


@pytest.mark.usefixtures("stubs")
def test_a_start_that_is_refused_for_its_heads_leaves_no_run(world: Path, tmp_path: Path) -> None:
    (tmp_path / "heads").mkdir()
    arguments = (world / "set", load_bundle(world / "toy"), tmp_path / "run", PLAN, ALONE)
    with pytest.raises(InputError, match=r"no cases \(\*\.npz\)"):
        fine_tune(*arguments, heads=tmp_path / "heads")
    assert not (tmp_path / "run").exists()
    assert fine_tune(*arguments, heads=world / "heads").bundle.name == "toy+1"


@pytest.mark.usefixtures("stubs")
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


SCRIPT = """
import sys
from pathlib import Path
import pytest
sys.path.insert(0, {testing!r})
from learning_fixture import judge_by_weights, shrink
from ToothSegLib.cli.main import main
patch = pytest.MonkeyPatch()
shrink(patch)
judge_by_weights(patch)
code = main(sys.argv[1:])
# A thread of the group that is still there when Python ends can abort the process.
tasks = Path("/proc/self/task")
names = [(task / "comm").read_text() for task in tasks.iterdir()] if tasks.is_dir() else []
left = [name for name in names if "gloo" in name]
sys.exit(f"threads are left: {{left}}" if left else code)
"""


@pytest.mark.usefixtures("stubs")
@pytest.mark.timeout(400)  # three times the start of Python with torch
def test_two_processes_learn_together(world: Path, tmp_path: Path) -> None:
    """By torchrun, on processors: one bundle, weights of both processes' patches."""
    script = tmp_path / "together.py"
    script.write_text(SCRIPT.format(testing=str(Path(__file__).parent)))
    words = ["train", "--dataset", str(world / "set"), "--from", str(world / "toy"), "-o",
             str(tmp_path / "run"), "--cases", str(world / "heads"), "--steps", "4",
             "--check-every", "2", "--patience", "5", "--seed", "3", "--device", "cpu",
             "--networks", "toothnet"]  # fmt: skip
    root = Path(__file__).resolve().parents[1]
    env = {**os.environ, "PYTHONPATH": str(root), "OMP_NUM_THREADS": "1"}
    run = subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2",
         str(script), *words],
        env=env, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    assert run.stdout.count("bundle toy+1") == 1
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    assert record["processes"] == 2
    together = load_bundle(tmp_path / "run" / "bundle")
    together.verify()
    losses = [
        float(row.split(",")[1])
        for row in (tmp_path / "run" / "toothnet.csv").read_text().splitlines()[2:]
    ]
    assert len(losses) == 4
    assert all(map(math.isfinite, losses))
    # The first process begins with the patch that one alone begins with, and then goes its own way.
    alone = tuned(world, tmp_path / "alone").courses["toothnet"].losses
    assert losses[0] == pytest.approx(alone[0], rel=1e-5)
    assert losses[1] != pytest.approx(alone[1], rel=1e-5)
