"""Fine-tunings that are stopped or killed go on as if nothing had been, and as they began."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from finetune_fixture import ALONE, PLAN, seen, tuned
from kill_fixture import kills
from learning_fixture import tiny_bundle
from ToothSegLib.bundles.safetensors_io import read_safetensors
from ToothSegLib.cli.main import main
from ToothSegLib.dataset.folder import Dataset
from ToothSegLib.errors import InputError
from ToothSegLib.models import load_bundle
from ToothSegLib.training import judging, tuner
from ToothSegLib.training.course import Step
from ToothSegLib.training.finetune import fine_tune
from ToothSegLib.training.skill import Skill

pytestmark = pytest.mark.usefixtures("small_patches")


@pytest.mark.usefixtures("judged_by_weights")
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


@pytest.mark.usefixtures("judged_by_weights")
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


@pytest.mark.usefixtures("judged_by_weights")
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


@pytest.mark.usefixtures("judged_by_weights")
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


@pytest.mark.usefixtures("judged_by_weights")
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


@pytest.mark.usefixtures("judged_by_weights")
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
