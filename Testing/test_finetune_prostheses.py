"""Implants in reviewed scans, which no reader labels, are not learned as background."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import learning_fixture
from learning_fixture import ARCHITECTURES, judge_by_weights, shrink, tiny_bundle, toy_dataset
from ToothSegLib.compute.device_faults import DeviceMemoryError
from ToothSegLib.grids.grid import to_working_grid
from ToothSegLib.inference import predict_maps
from ToothSegLib.maps import LEARNED_SPACING_MM
from ToothSegLib.models import Bundle
from ToothSegLib.progress import Progress
from ToothSegLib.training import finetune, prostheses, tuner
from ToothSegLib.training.finetune_plan import Plan
from ToothSegLib.training.processes import Processes
from ToothSegLib.training.prostheses import Prostheses, prostheses_for
from ToothSegLib.training.samples import draw_sample
from ToothSegLib.training.scan_case import scan_case
from ToothSegLib.training.tasks import TASKS
from ToothSegLib.volume import Volume


@pytest.fixture
def telling(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bundle:
    """An untrained bundle whose network tells prostheses from teeth, of half of all voxels."""
    told = {**ARCHITECTURES["toothnet"], "prosthesis": True}
    monkeypatch.setitem(learning_fixture.ARCHITECTURES, "toothnet", told)
    return tiny_bundle(tmp_path / "telling")


def everywhere(image: Volume) -> np.ndarray:
    return np.ones(image.shape, bool)


def test_a_scan_knows_its_prostheses_where_no_tooth_is_labelled() -> None:
    image, labels = learning_fixture.toy_scan(0)
    seen: list[Volume] = []

    def corner(working: Volume) -> np.ndarray:
        seen.append(working)
        found = np.zeros(working.shape, bool)
        found[:20, :20, :15] = True
        return found

    case = scan_case(image, labels, LEARNED_SPACING_MM, whole=False, prostheses=corner)
    assert case.prosthesis is not None
    assert case.prosthesis.shape == case.labels.shape
    expected = torch.zeros(case.labels.shape, dtype=torch.bool)
    expected[:40, :40, :30] = True
    assert (expected & (case.labels > 0)).any()
    assert torch.equal(case.prosthesis, expected & (case.labels == 0))
    # As in use: raw grey values on the working grid.
    assert seen[0].spacing == (LEARNED_SPACING_MM,) * 3
    assert seen[0].array.max() > 1000
    task = replace(TASKS["toothnet"], sizes=((32, 32, 32),))
    _, patch = draw_sample([case], task, 0, 1)
    assert patch.prosthesis is not None


def test_a_scan_without_any_is_asked_nothing_more() -> None:
    image, labels = learning_fixture.toy_scan(0)
    case = scan_case(image, labels, 0.5, whole=False, prostheses=lambda v: ~everywhere(v))
    assert case.prosthesis is None
    assert scan_case(image, labels, 0.5, whole=False).prosthesis is None


def test_they_are_what_the_bundle_takes_for_tooth_and_for_prosthesis(telling: Bundle) -> None:
    image, _ = learning_fixture.toy_scan(1)
    working = to_working_grid(image, LEARNED_SPACING_MM, None)
    found = Prostheses(telling, "cpu", "full")(working)
    maps = predict_maps(telling, working, "cpu", Progress(), "full")
    assert maps.prosthesis is not None
    assert maps.at is not None
    chance = np.zeros(working.shape, np.float16)
    chance.ravel()[maps.at] = maps.prosthesis
    np.testing.assert_array_equal(found, (chance > 0.5) & (maps.tooth > 0.5))
    assert 0 < found.sum() < (maps.tooth > 0.5).sum()


def test_the_processor_looks_where_a_graphics_device_is_too_small(
    telling: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def on(bundle: Bundle, image: Volume, device: str, *how: object) -> object:
        asked.append(device)
        if device != "cpu":
            raise DeviceMemoryError("too small")
        return predict_maps(bundle, image, device, *how)  # type: ignore[arg-type]

    monkeypatch.setattr(prostheses, "predict_maps", on)
    image, _ = learning_fixture.toy_scan(1)
    assert Prostheses(telling, "cuda", "full")(image).any()
    assert asked == ["cuda", "cpu"]


def test_a_network_that_does_not_tell_is_not_asked(telling: Bundle) -> None:
    task = finetune.task_of(telling, "toothnet")
    assert prostheses_for(task, telling, "cpu", "full") == Prostheses(telling, "cpu", "full")
    silent = replace(task, architecture={**task.architecture, "prosthesis": False})
    for other in (silent, finetune.task_of(telling, "locator")):
        assert prostheses_for(other, telling, "cpu", "full") is None


def test_fine_tuning_learns_from_scans_that_know_them(
    telling: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shrink(monkeypatch)
    judge_by_weights(monkeypatch)
    toy_dataset(tmp_path / "set", cases=2 + 1)
    genuine, terms = tuner.take_step, []

    def watched(*arguments: object, **options: object) -> dict[str, float]:
        terms.append(genuine(*arguments, **options))  # type: ignore[arg-type]
        return terms[-1]

    monkeypatch.setattr(tuner, "take_step", watched)
    plan = Plan(("toothnet",), steps=2, check_every=2, seed=3, guards=0, simulated_share=0.0)
    alone = Processes(torch.device("cpu"))
    heads = learning_fixture.toy_heads(tmp_path / "heads")
    finetune.fine_tune(tmp_path / "set", telling, tmp_path / "run", plan, alone, heads=heads)
    assert all("prosthesis" in step for step in terms)
