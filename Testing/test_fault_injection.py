"""Faults put into a good segmentation: they are what they say, and the findings tell them."""

from __future__ import annotations

import numpy as np
import pytest

from ToothSegLib.evaluation import fault_injection
from ToothSegLib.evaluation.fault_injection import KINDS, Outcome, Tally, inject, is_so, table
from ToothSegLib.evaluation.faults import NEW_LABEL, Kind, Spoilt
from ToothSegLib.evaluation.reliability import Judged
from ToothSegLib.evaluation.specimen import Specimen, good_specimen
from ToothSegLib.numbering import Numbering
from ToothSegLib.report import Finding
from ToothSegLib.teeth import type_of

# One whose findings thresholds were chosen on.
SEED = 921_006


@pytest.fixture(scope="module")
def good() -> Specimen:
    return good_specimen(SEED)


@pytest.fixture(scope="module")
def outcome(good: Specimen) -> Outcome:
    return inject([good])


def spoil(good: Specimen, name: str, seed: int = 0) -> Spoilt:
    (kind,) = (kind for kind in KINDS if kind.name == name)
    spoilt = kind.make(good, np.random.default_rng(seed))
    assert spoilt is not None
    return spoilt


def test_a_good_segmentation_has_true_findings_only(outcome: Outcome) -> None:
    assert outcome.cases == 1
    assert outcome.true.total() > 0
    assert outcome.false.total() == 0


def test_confidences_are_calibrated_as_the_cascade_does(
    good: Specimen, monkeypatch: pytest.MonkeyPatch
) -> None:
    low = [[0.0, 0.1], [1.0, 0.2]]
    numbering, findings = good.result({"calibration": low})
    numbered = [label for label, fdi in numbering.numbers.items() if fdi]
    assert all(numbering.confidence[label] <= 0.2 for label in numbered)
    assert "numbers-unsure" in {finding.code for finding in findings}
    default = "ToothSegLib.evaluation.specimen._default_card"
    monkeypatch.setattr(default, lambda: {"calibration": low})
    assert good.result()[0].confidence == numbering.confidence


@pytest.mark.parametrize("name", [kind.name for kind in KINDS])
def test_every_kind_of_fault_is_found(outcome: Outcome, name: str) -> None:
    tally = outcome.kinds[name]
    assert (tally.injected, tally.pointed_at, tally.named) == (1, 1, 1)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_fault_changes_a_copy_and_by_its_seed_alone(good: Specimen, kind: Kind) -> None:
    before = good.regions.copy(), good.scan.array.copy(), dict(good.given), good.looks.copy()
    one, two = (kind.make(good, np.random.default_rng(0)) for _ in range(2))
    assert np.array_equal(good.regions, before[0])
    assert np.array_equal(good.scan.array, before[1])
    assert good.given == before[2]
    assert np.array_equal(good.looks, before[3])
    assert one is not None
    assert two is not None
    assert one.labels == two.labels
    assert np.array_equal(one.specimen.regions, two.specimen.regions)
    assert np.array_equal(one.specimen.scan.array, two.specimen.scan.array)


def test_merged_teeth_are_one_region(good: Specimen) -> None:
    spoilt = spoil(good, "two neighbours merged")
    keep, other = sorted(spoilt.labels, key=lambda label: label not in spoilt.specimen.teeth)
    merged = (good.regions == keep) | (good.regions == other)
    assert np.array_equal(spoilt.specimen.regions == keep, merged)


@pytest.mark.parametrize("name", ["cut in two lengthwise", "cut in two across"])
def test_halves_are_the_whole_tooth(good: Specimen, name: str) -> None:
    spoilt = spoil(good, name)
    (fdi,) = spoilt.labels - {NEW_LABEL}
    halves = [(spoilt.specimen.regions == label).sum() for label in (fdi, NEW_LABEL)]
    whole = (good.regions == fdi).sum()
    assert sum(halves) == whole
    assert min(halves) > 0.3 * whole


def test_transposed_neighbours_are_whole_and_have_their_own_numbers(good: Specimen) -> None:
    """So what is told of them is true, and no number is wrong."""
    spoilt = spoil(good, "two neighbours transposed")
    one, other = sorted(spoilt.labels)
    before, after = good, spoilt.specimen
    for fdi, place in ((one, other), (other, one)):
        there = after.regions == fdi
        assert there.sum() >= 0.7 * (before.regions == fdi).sum()
        assert np.all(after.seen_as[there] == fdi)
        away = after.points(fdi).mean(axis=0) - before.points(place).mean(axis=0)
        assert np.linalg.norm(away) < 2.0
    numbers = after.result()[0].numbers
    assert {fdi: numbers[fdi] for fdi in good.teeth} == {fdi: fdi for fdi in good.teeth}


def test_neighbours_taken_for_each_other_look_it_and_keep_their_numbers(good: Specimen) -> None:
    spoilt = spoil(good, "two neighbours taken for each other")
    one, other = sorted(spoilt.labels)
    assert np.array_equal(spoilt.specimen.regions, good.regions)
    for place, kind in ((one, other), (other, one)):
        (seen,) = np.unique(spoilt.specimen.seen_as[good.regions == place])
        assert seen == kind
        assert spoilt.specimen.looks[kind].argmax() == type_of(kind)
        assert spoilt.specimen.looks[kind].sum() == pytest.approx(1.0)
    numbers = spoilt.specimen.result()[0].numbers
    assert (numbers[one], numbers[other]) == (one, other)


def test_about_half_of_a_tooth_is_lost(good: Specimen) -> None:
    spoilt = spoil(good, "crown or root lost")
    (fdi,) = spoilt.labels
    left = (spoilt.specimen.regions == fdi).sum() / (good.regions == fdi).sum()
    assert 0.35 < left < 0.6


def test_a_grown_tooth_takes_nothing_from_its_neighbours(good: Specimen) -> None:
    spoilt = spoil(good, "grown by 2 mm")
    others = good.regions > 0
    assert np.array_equal(spoilt.specimen.regions[others], good.regions[others])
    assert (spoilt.specimen.regions > 0).sum() > others.sum()


def test_a_shifted_row_goes_on_where_a_tooth_was_lost(good: Specimen) -> None:
    spoilt = spoil(good, "overlooked, row shifted")
    numbering, _ = spoilt.specimen.result()
    (lost,) = set(good.teeth) - set(spoilt.specimen.teeth)
    assert numbering.numbers[lost + 1] == lost


def test_a_cylinder_ends_in_the_middle_of_the_tooth(good: Specimen) -> None:
    spoilt = spoil(good, "cut by a cylinder")
    (fdi,) = spoilt.labels
    left = (spoilt.specimen.regions == fdi).sum() / (good.regions == fdi).sum()
    assert 0.2 < left < 0.8
    assert fdi in spoilt.also


def test_metal_is_brighter_than_any_tooth(good: Specimen) -> None:
    spoilt = spoil(good, "metal crown")
    (fdi,) = spoilt.labels
    own = spoilt.specimen.scan.array[good.regions == fdi]
    assert own.max() > 1.2 * np.percentile(good.scan.array[good.regions > 0], 99.5)


def test_a_finding_elsewhere_is_an_alarm_unless_it_is_so(good: Specimen) -> None:
    tooth, other, third = good.teeth[0], good.teeth[-1], 18
    kind = Kind("any", lambda good, rng: None, ("split",))
    spoilt = Spoilt(good, frozenset({tooth}), frozenset({good.teeth[1]}))
    numbering = Numbering({label: label for label in good.teeth})
    absent = next(fdi for fdi in (22, 12, third) if fdi not in good.teeth)
    after = [
        Finding("odd-size", "low", "told before", (other,)),
        Finding("split", "high", "the fault", (tooth,)),
        Finding("asymmetry", "low", "follows from it", (good.teeth[1],)),
        Finding("missing-teeth", "low", "is so", (absent,)),
        Finding("asymmetry", "low", "false", (other,)),
    ]
    tally = Tally()
    tally.add(kind, good, spoilt, numbering, after[:1], after)
    assert tally == Tally(injected=1, pointed_at=1, named=1, alarms=1)
    tally.add(Kind("any", kind.make, ("merged",)), good, spoilt, numbering, [], after[1:2])
    assert (tally.injected, tally.pointed_at, tally.named) == (2, 2, 1)


def test_only_what_is_missing_is_so(good: Specimen) -> None:
    absent = next(fdi for fdi in (11, 12, 21, 22) if fdi not in good.teeth)
    assert is_so(Finding("missing-teeth", "low", "", (absent,)), good)
    assert not is_so(Finding("missing-teeth", "low", "", (absent, good.teeth[0])), good)
    assert not is_so(Finding("odd-size", "low", "", (absent,)), good)


def test_the_table_has_a_line_a_kind_and_the_false_alarms() -> None:
    outcome = Outcome(cases=2, kinds={"a fault": Tally(2, 2, 1, 3)}, numbers=[Judged(0.85, True)])
    outcome.true["third-molar"] = 2
    outcome.false["odd-size"] = 1
    text = table(outcome)
    assert "| a fault | 2 | 2 | 1 | 3 |" in text
    assert "0.50 false alarms (odd-size 1)" in text
    assert "| 0.80 to 0.90 | 1 | 0.850 | 1.000 |" in text


def test_no_dentitions_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        fault_injection.main(["--cases", "0"])
    assert caught.value.code == 2
    assert "give at least 1, not 0" in capsys.readouterr().err


def test_reported_seeds_are_not_those_that_thresholds_were_chosen_on() -> None:
    assert fault_injection.FIRST_SEED == 920_000
    assert SEED >= 921_000
