"""A program for the tests: kills fine-tunings at random moments, and looks at what is left.

    python training_crashes.py FOLDER N

In FOLDER are a bundle `toy`, a data set `set` and simulated heads `heads` (see
`learning_fixture`). Each of N lives goes on with the run that the one before it left, until a kill
-9; a run that comes to its end before that is compared with one that nobody disturbed, and the next
begins. There are more than N where no kill came in the middle (see `kill_fixture`). Printed are how
many did, and how many of these while a file was being written. Lives are forked, as those of
`dataset_crashes` and for the same reasons.
"""

from __future__ import annotations

import csv
import os
import random
import signal
import sys
import time
from pathlib import Path

import pytest
import torch

from dataset_crashes import ended, forked
from kill_fixture import Attempts
from learning_fixture import judge_by_weights, shrink
from ToothSegLib.models import load_bundle
from ToothSegLib.training import tuner
from ToothSegLib.training.checkpoint import load_checkpoint
from ToothSegLib.training.course import Step
from ToothSegLib.training.finetune import FineTuned, fine_tune
from ToothSegLib.training.finetune_plan import RECORD, Plan, read_record
from ToothSegLib.training.processes import Processes

PLAN = Plan(networks=("toothnet",), steps=6, check_every=2, patience=9, seed=3)
ALONE = Processes(torch.device("cpu"))


def learn(world: Path, folder: Path, tell: int | None = None) -> FineTuned:
    """Begin or go on with a run; each step is told through a pipe once it is over."""

    def watch(step: Step) -> None:
        if tell is not None:
            os.write(tell, b"%d " % step.done)

    return fine_tune(
        world / "set", load_bundle(world / "toy"), folder, PLAN, ALONE,
        heads=world / "heads", resume=True, watcher=watch,
    )  # fmt: skip


def life(world: Path, folder: Path, seconds: float) -> tuple[bool, int]:
    """One life of a run: whether it came to its end, and the last step it told of."""
    read, write = os.pipe()
    pid = forked(lambda: learn(world, folder, write) and None)
    os.close(write)
    time.sleep(seconds)
    os.kill(pid, signal.SIGKILL)
    code = ended(pid)
    assert code in (0, -signal.SIGKILL), code
    with os.fdopen(read) as pipe:
        told = [0, *map(int, pipe.read().split())]
    return code == 0, told[-1]


def check(folder: Path, told: int, losses: list[float]) -> bool:
    """What a killed run has left is whole, and as far as it said; whether a file was in the making.

    Args:
        folder: of the run.
        told: the last step it told of, whose checkpoint was written before.
        losses: of the undisturbed run.
    """
    if (folder / RECORD).exists():
        read_record(folder)
    path = folder / "toothnet.checkpoint.safetensors"
    done = 0
    if path.exists():
        state = load_checkpoint(path).state
        done = len(state["losses"])
        assert state["losses"] == losses[:done]
        best = max(state["checks"], key=lambda look: look[1])[0]
        assert (folder / f"toothnet.best-{best}.safetensors").exists()
    assert done >= told, (done, told)
    log = folder / "toothnet.csv"
    if log.exists():
        rows = list(csv.DictReader(log.read_text().splitlines()))
        assert [float(row["loss"]) for row in rows[1:]] == losses[: len(rows) - 1]
    if (folder / "bundle").exists():
        load_bundle(folder / "bundle").verify()
    return any(folder.glob(".*.part")) or any(folder.glob(".*.old"))


def kills(world: Path, times: int) -> tuple[int, int]:
    """See the module's docstring."""
    moments = random.Random(20240229)
    whole = learn(world, world / "whole")
    losses = whole.courses["toothnet"].losses
    started = time.monotonic()
    assert ended(forked(lambda: learn(world, world / "measured") and None)) == 0
    seconds = time.monotonic() - started  # the machine may be slow, or busy
    finished, writing, run = 0, 0, world / "run-0"
    attempts = Attempts(times)
    for _ in attempts:
        over, told = life(world, run, moments.uniform(0.0, 0.8 * seconds))
        writing += check(run, told, losses)
        if over:
            _compare(load_folder(run), whole, run)
            finished += 1
            run = world / f"run-{finished}"
        else:
            attempts.hits += 1
    assert ended(forked(lambda: learn(world, run) and None)) == 0
    _compare(load_folder(run), whole, run)
    return attempts.hits, writing


def load_folder(run: Path) -> dict[str, str]:
    """Checksums of the bundle that a run has made."""
    bundle = load_bundle(run / "bundle")
    bundle.verify()
    return dict(bundle.weights)


def _compare(weights: dict[str, str], whole: FineTuned, run: Path) -> None:
    assert weights == dict(whole.bundle.weights)
    assert not any(run.glob(".*.part"))
    assert not any(run.glob(".*.old"))


def main(folder: str, times: str) -> None:
    """Do it and print the result."""
    torch.set_num_threads(1)
    patch = pytest.MonkeyPatch()
    shrink(patch)
    judge_by_weights(patch)
    patch.setattr(tuner, "_CHECKPOINT_EVERY_S", -1.0)
    print(*kills(Path(folder), int(times)))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
