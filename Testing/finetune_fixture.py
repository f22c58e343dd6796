"""Fine-tunings of a toy bundle, for the tests of them."""

from __future__ import annotations

from pathlib import Path

import torch

from learning_fixture import tiny_bundle, toy_dataset, toy_heads
from ToothSegLib.models import load_bundle
from ToothSegLib.training.finetune import FineTuned, fine_tune
from ToothSegLib.training.finetune_plan import Plan
from ToothSegLib.training.processes import Processes
from ToothSegLib.training.skill import Skill

ALONE = Processes(torch.device("cpu"))
PLAN = Plan(networks=("toothnet",), steps=4, check_every=2, patience=5, seed=3, guards=0)


def toy_world(folder: Path) -> Path:
    """A bundle, a data set and a simulated head in a folder that is there, to be read alone."""
    tiny_bundle(folder / "toy")
    toy_dataset(folder / "set")
    toy_heads(folder / "heads")
    return folder


def tuned(world: Path, folder: Path, plan: Plan = PLAN, **options: object) -> FineTuned:
    """What comes of the bundle in a world, learning in a folder."""
    parent = load_bundle(world / "toy")
    return fine_tune(world / "set", parent, folder, plan, ALONE, heads=world / "heads", **options)


def seen(*checks: tuple[int, float]) -> list[tuple[int, Skill]]:
    """Looks, as a course keeps them, with every tooth numbered right."""
    return [(step, Skill(dice, 1.0)) for step, dice in checks]
