"""The benchmark's sums, and what it writes into a card."""

from __future__ import annotations

import json
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from ToothSegLib.evaluation import benchmark
from ToothSegLib.evaluation.metrics import evaluate
from ToothSegLib.models import load_bundle, write_bundle
from ToothSegLib.report import Segmentation
from ToothSegLib.synthesis.case import Case
from ToothSegLib.synthesis.compose import make_case
from ToothSegLib.toothnet import ToothNet
from ToothSegLib.volume import Volume

SMALL = {"class": "ToothNet", "widths": [4, 4, 4, 4], "edge_width": 2}


def labels(**teeth: slice) -> Volume:
    """A label map with a block for each tooth: fdi11=slice(...) along the first axis."""
    array = np.zeros((40, 12, 12), np.uint8)
    for name, where in teeth.items():
        array[where, 2:10, 2:10] = int(name.removeprefix("fdi"))
    return Volume(array, (0.5,) * 3, (0.0,) * 3, np.eye(3))


def result(prediction: Volume, truth: Volume) -> benchmark.CaseResult:
    return benchmark.CaseResult("a", evaluate(prediction, truth), 2.0)


def test_a_perfect_and_a_half_missed_case() -> None:
    both = labels(fdi11=slice(2, 12), fdi21=slice(14, 24))
    one = labels(fdi11=slice(2, 12))
    figures = benchmark.summarise([result(both, both), result(one, both)])
    assert figures["teeth"] == 4
    assert figures["tooth_dice"] == pytest.approx(0.75)
    assert figures["identification_f1"] == pytest.approx(2 * 3 / 7)
    assert figures["assd_mm"] == 0.0


def test_a_wrong_number_is_not_identified() -> None:
    truth = labels(fdi11=slice(2, 12))
    figures = benchmark.summarise([result(labels(fdi12=slice(2, 12)), truth)])
    assert figures["identification_f1"] == 0.0
    assert figures["tooth_dice"] == 0.0


@pytest.mark.parametrize("before", [{"figures": {}}, {"figures": None}, {}])
def test_figures_go_into_the_card(tmp_path: Path, before: dict[str, object]) -> None:
    card = {
        "name": "tiny",
        "kind": "toothnet",
        "networks": {"toothnet": {"architecture": SMALL}},
        **before,
    }
    network = ToothNet(widths=(4, 4, 4, 4), edge_width=2)
    bundle = write_bundle(tmp_path / "tiny", card, {"toothnet": network.state_dict()})
    benchmark.write_figures(bundle, {"tooth_dice": 0.91234, "assd_mm": float("nan")}, ["b"], "hard")
    figures = load_bundle(tmp_path / "tiny").card["figures"]["simulated, hard"]
    assert figures["tooth_dice"] == 0.9123
    assert figures["teeth_from"] == "procedural, b"
    assert "assd_mm" not in figures
    json.dumps(figures)


def test_cases_are_simulated_segmented_and_scored(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def nothing_found(image: Volume, **options: object) -> Segmentation:
        seen.append(options["device"])
        return Segmentation(image.with_array(np.zeros(image.shape, np.uint8)))

    monkeypatch.setattr(
        benchmark, "make_case", lambda seed, *a, **o: make_case(seed, *a, spacing_mm=1.0, **o)
    )
    coarse = partial(benchmark.simulate_scan, size=(72, 96, 112), spacing_mm=0.9)
    monkeypatch.setattr(benchmark, "simulate_scan", coarse)
    monkeypatch.setattr(benchmark, "segment", nothing_found)
    results = list(benchmark.run_benchmark(load_bundle(), [], 1, "cpu"))
    assert seen == ["cpu"]
    assert results[0].name == f"{benchmark.FIRST_SEED} procedural"
    assert benchmark.summarise(results)["tooth_dice"] == 0.0
    assert "tooth_dice" in benchmark.as_text(results)


def test_another_scanner_may_take_the_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    truth = labels(fdi11=slice(2, 12), fdi21=slice(14, 24))
    asked = []

    def make_scan(case: Case, seed: int) -> tuple[Volume, Volume]:
        asked.append((case.about["seed"], seed))
        return truth, truth

    monkeypatch.setattr(benchmark, "make_case", lambda seed, *a, **o: make_case(seed, spacing_mm=2))
    monkeypatch.setattr(benchmark, "segment", lambda image, **options: Segmentation(image))
    results = list(benchmark.run_benchmark(load_bundle(), [], 2, make_scan=make_scan))
    seeds = [benchmark.FIRST_SEED, benchmark.FIRST_SEED + 1]
    assert asked == [(seed, seed) for seed in seeds]
    assert benchmark.summarise(results)["tooth_dice"] == 1.0


def test_physics_without_its_toolkit_is_said_before_anything_is_measured(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "itk", None)
    monkeypatch.setattr(sys, "argv", ["benchmark", "--physics"])
    assert benchmark.main() == 2
    told = capsys.readouterr().err
    assert told.startswith("benchmark: error: ")
    assert "the extra 'physics'" in told
