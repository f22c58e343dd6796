"""Strata: each kind of patient and scan is what it says, and the table counts right."""

from __future__ import annotations

from functools import cache, partial
from pathlib import Path

import numpy as np
import pytest

from ToothSegLib.evaluation import strata
from ToothSegLib.evaluation.benchmark import CaseResult
from ToothSegLib.evaluation.metrics import evaluate
from ToothSegLib.evaluation.strata import (
    STRATA,
    Stratum,
    as_table,
    by_type,
    scans_of,
)
from ToothSegLib.models import Bundle
from ToothSegLib.report import Segmentation
from ToothSegLib.synthesis import tissues
from ToothSegLib.synthesis.compose import make_case
from ToothSegLib.volume import Volume

BY_NAME = {stratum.name: stratum for stratum in STRATA}


@cache
def case_of(name: str, seed: int = 1):  # type: ignore[no-untyped-def]
    wish = BY_NAME[name].wish(np.random.default_rng(seed))
    return make_case(seed, spacing_mm=1.0, ordinary=True, wish=wish)


@pytest.mark.parametrize(
    ("name", "fewest", "most"),
    [("clean", 28, 28), ("3-8 teeth missing", 20, 25), ("one jaw has teeth", 14, 14)],
)
def test_a_patient_has_the_teeth_of_the_stratum(name: str, fewest: int, most: int) -> None:
    case = case_of(name)
    teeth = {fdi for fdi in case.centres if fdi % 10 != 8}
    assert fewest <= len(teeth) <= most
    assert len(teeth) == len(case.centres)
    assert not np.isin(case.tissue, (tissues.METAL, tissues.TITANIUM, tissues.CERAMIC)).any()


def test_third_molars_are_there() -> None:
    assert len(case_of("third molars").centres) == 32


def test_crowns_are_of_metal() -> None:
    assert (case_of("2-4 metal crowns").tissue == tissues.METAL).sum() > 50


def test_the_edentulous_have_implants_and_no_tooth() -> None:
    case = case_of("edentulous, implants")
    assert not case.centres
    assert not case.labels.any()
    assert (case.tissue == tissues.TITANIUM).any()


def test_a_stratum_disturbs_its_scans(monkeypatch: pytest.MonkeyPatch) -> None:
    head = case_of("clean")
    coarse = partial(strata.simulate_scan, size=(72, 96, 112), spacing_mm=0.9)
    monkeypatch.setattr(strata, "make_case", lambda *_, **__: head)
    monkeypatch.setattr(strata, "simulate_scan", coarse)
    (clean,) = scans_of(BY_NAME["clean"], (), 1, False)
    (low,) = scans_of(BY_NAME["low dose"], (), 1, False)
    (field,) = scans_of(BY_NAME["field of 50 mm"], (), 1, False)
    assert low[1].array.std() > 1.05 * clean[1].array.std()
    assert np.array_equal(low[2].array, clean[2].array)
    assert 0 < (field[2].array > 0).sum() < (clean[2].array > 0).sum()
    assert np.array_equal(field[3].array, clean[2].array)


def test_teeth_that_the_field_hardly_touches_are_not_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = a_grid()
    seen = np.where((whole.array == 11) & (np.indices(whole.shape)[1] > 2), 0, whole.array)
    truth = whole.with_array(seen)
    found = whole.with_array(np.where(seen == 11, 12, seen))  # the sliver by another number
    result = Segmentation(found, [], [], {}, {})
    monkeypatch.setattr(strata, "scans_of", lambda *_: iter([("a case", truth, truth, whole)]))
    monkeypatch.setattr(strata, "segment", lambda *_, **__: result)
    bundle = Bundle("one", Path("one"), {}, {})
    ((_, _, case),) = strata.run([bundle], (), 1, strata=[BY_NAME["clean"]])
    rate = case.evaluation.identification
    assert (rate.true, rate.predicted, rate.matched) == (1, 1, 1)


def a_grid() -> Volume:
    truth = np.zeros((8, 8, 8), np.uint8)
    truth[2:4], truth[5:7] = 11, 46
    return Volume(truth, (1.0,) * 3, (0.0,) * 3, np.eye(3))


def a_result(*found: int) -> CaseResult:
    grid = a_grid()
    truth = grid.array
    predicted = grid.with_array(np.where(np.isin(truth, found), truth, 0).astype(np.uint8))
    if 45 in found:
        predicted.array[truth == 46] = 45
    return CaseResult("a case", evaluate(predicted, grid), 1.0)


def test_the_table_has_a_line_for_every_stratum_and_bundle() -> None:
    results = [
        ("clean", "one", a_result(11, 46)),
        ("clean", "two", a_result(11, 45)),
        ("clean", "two", a_result(11)),
    ]
    lines = as_table(results).splitlines()
    assert len(lines) == 4
    assert lines[2].startswith("| clean | one | 2 | 1.000 | 1.000 | 0.00 |")
    assert lines[3].startswith("| clean | two | 4 | 0.500 |")
    assert lines[3].endswith("| 1 |")
    assert "| upper 1 | 1 | 1.000 | 0.00 | +0.00 |" in by_type([results[0][2]])


def test_bundles_of_one_name_stay_apart(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bundles = [Bundle(name, Path(name, n), {}, {}) for name, n in ("xa", "yb", "xc")]
    found = {"a": (11, 46), "b": (11,), "c": ()}

    def segmented(image: Volume, *, bundle: Bundle, device: str) -> Segmentation:
        labels = np.where(np.isin(image.array, found[bundle.folder.name]), image.array, 0)
        return Segmentation(image.with_array(labels), [], [], {}, {})

    grid = a_grid()
    monkeypatch.setattr(strata, "scans_of", lambda *_: iter([("a case", grid, grid, grid)]))
    monkeypatch.setattr(strata, "segment", segmented)
    monkeypatch.setattr(strata, "load_bundle", lambda name: bundles[int(name)])
    monkeypatch.setattr("sys.argv", ["strata", "--model", "0", "1", "2", "--cases", "1"])
    strata.main()
    text = capsys.readouterr().out
    first, last = f"x (1: {Path('x', 'a')})", f"x (3: {Path('x', 'c')})"
    for shown, dice in ((first, "1.000"), ("y", "0.500"), (last, "0.000")):
        assert text.count(f"| clean | {shown} | 2 | {dice} |") == 1
    for shown in (first, "y", last):
        assert text.count(f"\n{shown}, all strata:") == 1


@pytest.mark.filterwarnings("error")
def test_a_kind_of_tooth_that_no_scan_found_has_no_distances() -> None:
    assert "| lower 6 | 1 | 0.000 | - | - |" in by_type([a_result(11)])
    assert "| lower 6 | 2 | 0.500 | 0.00 | +0.00 |" in by_type([a_result(11), a_result(46)])


def test_a_stratum_without_teeth_has_no_figures() -> None:
    empty = Volume(np.zeros((4, 4, 4), np.uint8), (1.0,) * 3, (0.0,) * 3, np.eye(3))
    result = CaseResult("a case", evaluate(empty, empty), 1.0)
    (line,) = as_table([("edentulous", "one", result)]).splitlines()[2:]
    assert line == "| edentulous | one | 0 | - | - | - | - | - | 0 |"


def test_every_scanner_of_a_stratum_is_known() -> None:
    from ToothSegLib.synthesis.scanner import SCANNERS

    assert {stratum.scanner for stratum in STRATA} <= set(SCANNERS)
    assert len(BY_NAME) == len(STRATA)
    assert all(isinstance(stratum, Stratum) for stratum in STRATA)


def test_help_and_errors_show_where_each_name_ends(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        strata.main(["--help"])
    told = " ".join(capsys.readouterr().out.split())
    assert "; ".join(f"'{name}'" for name in BY_NAME) in told
    with pytest.raises(SystemExit, match="2"):
        strata.main(["--strata", "edentulous,", "implants"])
    assert "--strata 'edentulous,'; 'implants': choose" in capsys.readouterr().err
