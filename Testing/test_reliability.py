"""Confidences against what was right: the curve, its error, and the table in the card."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from ToothSegLib.calibration import look_up
from ToothSegLib.errors import BundleError
from ToothSegLib.evaluation import reliability
from ToothSegLib.evaluation.benchmark import CaseResult
from ToothSegLib.evaluation.metrics import evaluate
from ToothSegLib.evaluation.reliability import (
    Judged,
    crossed_error,
    expected_error,
    fit_table,
    judge,
    reliability_curve,
    with_table,
    write_calibration,
)
from ToothSegLib.models import Bundle, load_bundle, write_bundle
from ToothSegLib.toothnet import ToothNet
from ToothSegLib.volume import Volume

SMALL = {"class": "ToothNet", "widths": [4, 4, 4, 4], "edge_width": 2}


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    card = {"name": "tiny", "kind": "toothnet", "networks": {"toothnet": {"architecture": SMALL}}}
    network = ToothNet(widths=(4, 4, 4, 4), edge_width=2)
    return write_bundle(tmp_path / "tiny", card, {"toothnet": network.state_dict()})


def overconfident(teeth: int) -> list[Judged]:
    """Right as often as the square of the confidence says."""
    rng = np.random.default_rng(0)
    sure = rng.uniform(0.5, 1.0, teeth)
    return [Judged(float(c), bool(r)) for c, r in zip(sure, rng.random(teeth) < sure**2)]


def a_result(places: dict[int, int], confidences: dict[int, float]) -> CaseResult:
    """Blocks of teeth: number -> where it begins; the truth has 11 at 2 and 12 at 20."""

    def labels(blocks: dict[int, int]) -> Volume:
        array = np.zeros((60, 12, 12), np.uint8)
        for fdi, start in blocks.items():
            array[start : start + 10, 2:10, 2:10] = fdi
        return Volume(array, (0.5,) * 3, (0.0,) * 3, np.eye(3))

    truth = labels({11: 2, 12: 20})
    return CaseResult("a", evaluate(labels(places), truth), 1.0, confidences)


def test_a_tooth_is_right_by_overlap_and_number() -> None:
    result = a_result({11: 3, 12: 27, 13: 45}, {11: 0.9, 12: 0.8, 13: 0.7})
    assert judge(result) == [Judged(0.9, True), Judged(0.8, False), Judged(0.7, False)]


def test_a_right_place_with_a_wrong_number_is_wrong() -> None:
    assert judge(a_result({21: 2}, {21: 0.9})) == [Judged(0.9, False)]


def test_the_curve_has_a_bin_for_each_group_and_none_for_the_empty() -> None:
    judged = [Judged(0.6, True), Judged(0.7, False), Judged(0.8, True), Judged(1.0, True)]
    low, middle, high = reliability_curve(judged)
    assert (low.low, low.high, low.teeth, low.right) == (0.5, 0.8, 2, 0.5)
    assert low.confidence == pytest.approx(0.65)
    assert (middle.low, middle.teeth) == (0.8, 1)
    assert (high.low, high.high, high.teeth) == (0.99, 1.0, 1)


def test_the_error_is_weighted_by_teeth() -> None:
    judged = [Judged(0.6, True)] * 3 + [Judged(1.0, True)]
    assert expected_error(reliability_curve(judged)) == pytest.approx(0.4 * 3 / 4)
    assert np.isnan(expected_error([]))


def test_a_table_rises_and_mends_overconfidence() -> None:
    table = fit_table(overconfident(4000))
    at, value = np.array(table).T
    assert (np.diff(at) > 0).all()
    assert (np.diff(value) >= 0).all()
    others = overconfident(6000)[4000:]
    before = expected_error(reliability_curve(others))
    after = expected_error(reliability_curve(with_table(others, table)))
    assert before > 0.1
    assert after < 0.4 * before


def test_a_table_says_of_no_tooth_that_it_is_surely_right() -> None:
    table = fit_table([Judged(0.9, True)] * 100 + [Judged(1.0, True)] * 100)
    assert max(value for _, value in table) < 1


def test_no_tooth_gains_confidence_where_there_were_none_to_learn_from() -> None:
    table = fit_table([Judged(0.98, True)] * 100 + [Judged(1.0, True)] * 100)
    assert look_up(table, 0.3) == 0.3
    assert table[0][0] == 0.98


def test_the_error_with_a_table_is_measured_on_other_cases() -> None:
    """Cases that are right in turn with others that are wrong: each half teaches the other ill."""
    right, wrong = [Judged(0.9, True)] * 100, [Judged(0.9, False)] * 100
    assert crossed_error([right, wrong] * 2) > 0.9
    assert crossed_error([right, right]) < 0.02
    assert np.isnan(crossed_error([right, wrong[:10]]))


def test_too_few_teeth_make_no_table_and_none_changes_nothing() -> None:
    judged = overconfident(50)
    assert fit_table(judged) == []
    assert with_table(judged, []) == judged


def test_the_card_keeps_the_table_and_the_curve(bundle: Bundle) -> None:
    judged = overconfident(400)
    table = fit_table(judged)
    write_calibration(bundle, table, reliability_curve(judged), {"cases": 4})
    card = load_bundle(bundle.folder).card
    assert card["calibration"] == table
    assert card["reliability"]["cases"] == 4
    assert sum(part["teeth"] for part in card["reliability"]["curve"]) == 400


@pytest.mark.parametrize(
    "table",
    ["none", [0.5], [[0.5]], [[0.5, 1.2]], [[0.5, "1"]], [[0.5, 0.5], [0.4, 0.6]],
     [[0.5, 0.5], [0.6, 0.4]]],
)  # fmt: skip
def test_a_card_with_a_broken_table_is_refused(bundle: Bundle, table: object) -> None:
    write_calibration(bundle, table, [], {})  # type: ignore[arg-type]
    with pytest.raises(BundleError, match="calibration"):
        load_bundle(bundle.folder)


def test_the_command_fits_measures_and_writes(
    bundle: Bundle, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    seen: dict[str, object] = {}

    def benchmark(bundle: Bundle, *args: object, **options: object) -> Iterator[CaseResult]:
        seen.update(options, calibration=bundle.card.get("calibration"))
        for n in range(100):
            number = 12 if n % 5 else 13  # each fifth is wrong
            yield a_result({11: 2, number: 20}, {11: 0.95, number: 0.95})

    write_calibration(bundle, [[0.0, 0.1], [1.0, 0.2]], [], {})
    monkeypatch.setattr(reliability, "run_benchmark", benchmark)
    command = ["--model", str(bundle.folder), "--cases", "100", "--card"]
    assert reliability.main(command) == 0
    assert seen["first_seed"] == reliability.FIRST_SEED
    assert seen["calibration"] is None
    text = capsys.readouterr().out
    assert "| 0.95 to 0.99 | 200 | 0.950 | 0.900 |" in text
    assert "calibration error 0.0500" in text
    card = load_bundle(bundle.folder).card
    assert card["calibration"] == [[0.95, pytest.approx(0.9, abs=0.03)]]
    assert card["reliability"]["expected_error"] == 0.05


def test_the_command_writes_nothing_for_too_few_teeth(
    bundle: Bundle, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    results = [a_result({11: 2}, {11: 0.95})] * 2
    monkeypatch.setattr(reliability, "run_benchmark", lambda *_, **__: iter(results))
    before = (bundle.folder / "card.json").read_bytes()
    assert reliability.main(["--model", str(bundle.folder), "--cases", "2", "--card"]) == 0
    assert "give more --cases" in capsys.readouterr().out
    assert (bundle.folder / "card.json").read_bytes() == before


@pytest.mark.parametrize("cases", ["0", "1"])
def test_one_case_cannot_fit_and_measure(cases: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        reliability.main(["--cases", cases])
    assert "give at least 2" in capsys.readouterr().err


def test_an_unknown_bundle_is_an_error_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert reliability.main(["--model", "none such"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_table_that_would_make_it_worse_is_not_kept(
    bundle: Bundle, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def benchmark(*args: object, **options: object) -> Iterator[CaseResult]:
        for n in range(400):  # right and wrong in turn: each half teaches the other ill
            yield a_result({11: 2 if n % 2 else 20}, {11: 0.9})

    write_calibration(bundle, [[0.0, 0.1], [1.0, 0.2]], [], {})
    monkeypatch.setattr(reliability, "run_benchmark", benchmark)
    command = ["--model", str(bundle.folder), "--cases", "400", "--card"]
    assert reliability.main(command) == 0
    assert "too little" in capsys.readouterr().out
    card = load_bundle(bundle.folder).card
    assert "calibration" not in card
    assert card["reliability"]["cases"] == 400


@pytest.mark.parametrize(("share", "kept"), [(0.95, False), (0.7, True)])
def test_a_table_that_helps_by_a_hair_is_not_kept(
    bundle: Bundle, monkeypatch: pytest.MonkeyPatch, share: float, kept: bool
) -> None:
    def benchmark(*args: object, **options: object) -> Iterator[CaseResult]:
        for n in range(100):
            number = 12 if n % 5 else 13
            yield a_result({11: 2, number: 20}, {11: 0.95, number: 0.95})

    monkeypatch.setattr(reliability, "run_benchmark", benchmark)
    monkeypatch.setattr(reliability, "crossed_error", lambda _: share * 0.05)
    command = ["--model", str(bundle.folder), "--cases", "100", "--card"]
    assert reliability.main(command) == 0
    assert ("calibration" in load_bundle(bundle.folder).card) == kept
