"""Small networks that learn from coarse simulated heads, for tests of trainings and runs."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from ToothSegLib.synthesis.case import save_case
from ToothSegLib.synthesis.compose import make_case
from ToothSegLib.synthesis.sampling import TensorCase
from ToothSegLib.training.checkpoint import load_checkpoint
from ToothSegLib.training.pretrain import CHECKPOINT, Plan, train
from ToothSegLib.training.tasks import TASKS, Task

SMALL = {
    "toothnet": {"class": "ToothNet", "widths": [4, 6, 8, 8], "edge_width": 4, "prosthesis": True},
    "locator": {**TASKS["locator"].architecture, "start_filters": 2},
    "stage1": {**TASKS["stage1"].architecture, "start_filters": 2},
    "stage2": {**TASKS["stage2"].architecture, "start_filters": 2},
}


def shrink_networks(patch: pytest.MonkeyPatch) -> None:
    """Small networks, coarse voxels and small patches for every task."""
    for name, task in list(TASKS.items()):
        small = replace(
            task, architecture=SMALL[name], spacing_mm=1.5, sizes=((32, 32, 32), (16, 32, 48))
        )
        patch.setitem(TASKS, name, small)


def coarse_cases(folder: Path, seeds: Sequence[int] = (3, 4)) -> Path:
    """Simulated heads in a folder that is there."""
    for seed in seeds:
        save_case(folder / f"{seed}.npz", make_case(seed, spacing_mm=2.0))
    return folder


def weights_after(task: Task, cases: list[TensorCase], folder: Path, steps: int) -> dict:
    """What a run's checkpoint holds after so many steps."""
    for _ in train(task, cases, folder, Plan(steps=steps, seed=5)):
        pass
    return load_checkpoint(folder / CHECKPOINT).weights


def options(folder: Path, output: Path, **changes: object) -> argparse.Namespace:
    """Of `toothseg train --recipe locator`, on the cases of a folder."""
    given = {
        "recipe": "locator", "cases": str(folder), "output": str(output), "steps": 2, "seed": 0,
        "learning_rate": None, "device": "cpu", "resume": False, "quiet": True, "init": None,
        "scans": None, "scan_share": None, "only": None,
    }  # fmt: skip
    return argparse.Namespace(**{**given, **changes})
