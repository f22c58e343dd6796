"""A toy world to learn in: tiny networks, and small scans of two bright teeth each."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from ToothSegLib.architectures import build_network
from ToothSegLib.dataset.folder import CaseMeta, Dataset
from ToothSegLib.dataset.record import APPROVED
from ToothSegLib.evaluation.outcomes import Outcome
from ToothSegLib.models import Bundle, write_bundle
from ToothSegLib.synthesis.case import save_case
from ToothSegLib.synthesis.compose import make_case
from ToothSegLib.training import course, guard, judging
from ToothSegLib.training.tasks import TASKS
from ToothSegLib.volume import Volume

ARCHITECTURES = {
    "toothnet": {"class": "ToothNet", "widths": [4, 4, 4, 4], "edge_width": 2},
    "locator": {**TASKS["locator"].architecture, "start_filters": 2},
}
SIZES = ((32, 32, 32), (16, 32, 48))


def shrink(patch: pytest.MonkeyPatch) -> None:
    """Small patches for every network, and small scans for the heads that guard."""
    patch.setattr(guard, "ordinary_scan", toy_scan)
    for name, task in list(TASKS.items()):
        patch.setitem(TASKS, name, replace(task, sizes=SIZES, fine_tuning_sizes=()))


def judge_by_weights(patch: pytest.MonkeyPatch) -> None:
    """Instead of whole scans the weights are judged, by a number that any change changes."""

    def outcomes_on(bundle: Bundle, cases: list, *_: object) -> list[Outcome]:
        weights = bundle.build("toothnet").state_dict().values()
        dice = sum(float(tensor.double().abs().sum()) for tensor in weights) % 1.0
        return [Outcome(case.id, case.patient, {36: dice}, 1, 1, 1) for case in cases]

    patch.setattr(judging, "outcomes_on", outcomes_on)
    patch.setattr(course, "draw_curve", lambda *_: None)


def outcome(name: str, dice: dict[int, float]) -> Outcome:
    """What the only scan of a patient gave; a Dice beyond 0.6 counts as found."""
    found = sum(value > 0.6 for value in dice.values())
    return Outcome(name, name, dice, found, len(dice), len(dice))


def tiny_bundle(folder: Path, seed: int = 0, **card: object) -> Bundle:
    """Untrained: it calls about half of all voxels tooth."""
    torch.manual_seed(seed)
    states = {name: build_network(what).state_dict() for name, what in ARCHITECTURES.items()}
    for state in states.values():
        for tensor in state.values():
            if tensor.is_floating_point():
                tensor.add_(0.05 * torch.randn(tensor.shape))
    base = {
        "name": folder.name, "title": "a toy", "kind": "toothnet", "trained_on": "Nothing.",
        "networks": {
            name: {"architecture": what, "spacing_mm": TASKS[name].spacing_mm}
            for name, what in ARCHITECTURES.items()
        },
        "figures": {}, "limits": ["finds nothing"], "licence": "Apache-2.0",
        "lineage": {"parent": None},
    }  # fmt: skip
    return write_bundle(folder, {**base, **card}, states, half=True)


def toy_scan(seed: int) -> tuple[Volume, Volume]:
    """Two bright blocks in noise, 36 on the patient's left and 46 on the right."""
    rng = np.random.default_rng(seed)
    labels = np.zeros((36, 40, 60), np.uint8)
    at = rng.integers(0, 4, 3)
    labels[at[0] + 10 : at[0] + 24, at[1] + 10 : at[1] + 24, 8:20] = 46
    labels[at[0] + 10 : at[0] + 24, at[1] + 10 : at[1] + 24, 40:52] = 36
    grey = rng.normal(200, 60, labels.shape) + np.where(labels > 0, 1500, 0)
    image = Volume(grey.astype(np.int16), (0.5, 0.5, 0.5), (-15.0, -10.0, 3.0), np.eye(3))
    return image, image.with_array(labels)


def toy_dataset(folder: Path, cases: int = 4) -> Dataset:
    """So many reviewed cases, two of them of one patient."""
    dataset = Dataset.create(folder)
    for number in range(cases):
        image, labels = toy_scan(number)
        patient = "p-a" if number < 2 else None
        meta = CaseMeta(
            who="ab", case_id=f"c{number}", patient=patient, review={36: APPROVED, 46: APPROVED}
        )
        dataset.add(image, labels, meta)
    return dataset


def toy_heads(folder: Path) -> Path:
    """One simulated head, coarse."""
    folder.mkdir()
    save_case(folder / "3.npz", make_case(3, spacing_mm=2.0))
    return folder
