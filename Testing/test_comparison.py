"""Two bundles side by side: intervals that can be worked out by hand, and who gets a star."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from learning_fixture import outcome, tiny_bundle, toy_dataset
from ToothSegLib.dataset.reviewed import reviewed_cases
from ToothSegLib.evaluation import outcomes
from ToothSegLib.evaluation.comparison import Difference, as_dicts, as_table, compare
from ToothSegLib.evaluation.intervals import FEWEST
from ToothSegLib.evaluation.outcomes import Outcome
from ToothSegLib.training.finetune_record import _entries


def test_a_difference_has_an_interval_that_holds_it() -> None:
    rng = np.random.default_rng(1)
    a = [outcome(f"{n}", {11: 0.7 + 0.1 * rng.random(), 36: 0.8}) for n in range(12)]
    b = [outcome(o.name, {11: o.dice[11] + 0.05 + 0.02 * rng.random(), 36: 0.8}) for o in a]
    rows = {row.name: row for row in compare(a, b)}
    assert list(rows) == ["11", "36", "tooth Dice", "identification F1"]
    tooth = rows["11"]
    # By hand: Student's t with eleven degrees of freedom.
    changes = np.array([there.dice[11] - here.dice[11] for here, there in zip(a, b, strict=True)])
    half = 2.200985 * changes.std(ddof=1) / np.sqrt(len(changes))
    assert tooth.change == pytest.approx(changes.mean())
    assert tooth.low == pytest.approx(changes.mean() - half, rel=1e-6)
    assert tooth.high == pytest.approx(changes.mean() + half, rel=1e-6)
    dice = rows["tooth Dice"]
    assert dice.change == pytest.approx(changes.mean() / 2)
    assert dice.certain
    assert not rows["identification F1"].certain


def test_a_star_is_for_the_figures_over_all_teeth_alone() -> None:
    a = [outcome(f"{n}", {11: 0.7, 36: 0.8}) for n in range(8)]
    b = [outcome(f"{n}", {11: 0.8 + 0.001 * n, 36: 0.8}) for n in range(8)]
    rows = compare(a, b)
    assert rows[0].name == "11"
    assert rows[0].low is not None
    assert rows[0].low > 0
    table = as_table(("x", "y"), rows).splitlines()
    assert [line.split()[0] for line in table if line.endswith(" *")] == ["tooth"]
    assert sum("No star for single teeth" in line for line in table) == 1
    assert sum("more than chance" in line for line in table) == 1
    assert [entry["certain"] for entry in as_dicts(rows)] == [False, False, True, False]
    # Worse for certain has a star as well, and the same has none, though its interval is a point.
    assert compare(b, a)[-2].certain
    assert not any(row.certain for row in compare(a, a))
    assert "*" not in as_table(("x", "y"), compare(a, a))


@pytest.mark.parametrize("side", ["a", "b"])
def test_patients_who_chose_weights_give_no_star_in_their_favour(side: str) -> None:
    a = [outcome(f"{n}", {11: 0.7}) for n in range(8)]
    b = [outcome(f"{n}", {11: 0.8 + 0.001 * n}) for n in range(8)]
    assert any(row.certain for row in compare(a, b))
    sides = {"a": a, "b": b}
    sides[side] = [replace(o, chose=int(o.name) < 3) for o in sides[side]]
    rows = compare(sides["a"], sides["b"])
    assert [(row.chose_a, row.chose_b) for row in rows] == [(3, 0) if side == "a" else (0, 3)] * 3
    table = as_table(("x", "y"), rows)
    said = f"No star where {side.upper()} is better: 3 of 8 patients chose when it stopped"
    assert said in table
    assert table.count("No star where") == 1
    # B is better: flattery may be why if it is B that they chose, and cannot be if it is A.
    assert any(row.certain for row in rows) == (side == "a")
    assert ("*" in table) == (side == "a")
    # The other way round B is worse.
    rows = compare(sides["b"], sides["a"])
    assert any(row.certain for row in rows) == (side == "a")


def test_f1_is_pooled_and_its_interval_goes_by_patients() -> None:
    true = (28, 12, 20, 28, 8, 24, 28, 16)
    before = (20, 10, 12, 22, 8, 20, 15, 12)
    after = (24, 11, 18, 24, 7, 23, 24, 14)
    a, b = (
        [
            Outcome(str(n), str(n), {}, found, size, size)
            for n, (found, size) in enumerate(zip(matched, true, strict=True))
        ]
        for matched in (before, after)
    )
    row = compare(a, b)[-1]
    assert row.change == pytest.approx((sum(after) - sum(before)) / sum(true))
    # By hand: what each patient adds, by the figure without that patient.
    pseudo = [
        8 * row.change
        - 7 * (sum(after) - after[n] - sum(before) + before[n]) / (sum(true) - true[n])
        for n in range(8)
    ]
    half = 2.364624 * np.std(pseudo, ddof=1) / np.sqrt(8)
    assert row.low == pytest.approx(row.change - half, rel=1e-6)
    assert row.high == pytest.approx(row.change + half, rel=1e-6)


def test_equally_good_bundles_hardly_ever_get_a_star() -> None:
    rng = np.random.default_rng(0)
    stars = 0
    for _ in range(400):
        a, b = (
            [outcome(f"{n}", {11: x}) for n, x in enumerate(rng.normal(0.8, 0.02, FEWEST))]
            for _ in "ab"
        )
        stars += compare(a, b)[-2].certain
    # 5 % are promised, and 36 are the 99.9th percentile of that.
    assert 0 < stars <= 36


def test_scans_of_one_patient_are_no_independent_evidence() -> None:
    a = [outcome(f"{n}", {11: 0.7 + 0.01 * n}) for n in range(24)]
    b = [outcome(f"{n}", {11: 0.7 + 0.02 * n}) for n in range(24)]
    alone = compare(a, b)[-2]
    together = [
        [Outcome(o.name, f"{int(o.name) // 4}", o.dice, 0, 1, 1) for o in side] for side in (a, b)
    ]
    joint = compare(*together)[-2]
    assert joint.change == alone.change
    assert joint.patients == 6
    assert None not in (joint.low, joint.high, alone.low, alone.high)
    assert joint.high - joint.low > alone.high - alone.low


def test_too_few_patients_have_no_interval_and_the_table_says_so_once() -> None:
    def rows(patients: int) -> list[Difference]:
        a = [outcome(f"{n}", {11: 0.7, 36: 0.5}) for n in range(patients)]
        b = [outcome(f"{n}", {11: 0.8 + 0.001 * n, 36: 0.5}) for n in range(patients)]
        return compare(a, b)

    few = rows(FEWEST - 1)
    assert all(row.low is None and row.high is None and not row.certain for row in few)
    table = as_table(("x", "y"), few)
    assert table.count("fewer than 6 patients") == 1
    assert "*" not in table
    assert "No star" not in table
    enough = rows(FEWEST)
    assert enough[-2].certain
    assert "no interval" not in as_table(("x", "y"), enough)


def test_a_patient_without_teeth_is_no_evidence_of_their_outlines() -> None:
    def side(dice: float) -> list[Outcome]:
        shown = [outcome(f"{n}", {11: dice}) for n in range(FEWEST - 1)]
        return [*shown, Outcome("none", "none", {}, 0, 0, 0)]

    rows = compare(side(0.7), side(0.8))
    assert [row.patients for row in rows] == [5, 5, 5]
    assert all(row.low is None for row in rows)


def test_different_cases_are_not_compared() -> None:
    with pytest.raises(ValueError, match="different cases"):
        compare([outcome("1", {11: 0.5})], [outcome("2", {11: 0.5})])


def test_outcomes_say_which_scans_chose_the_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    toy_dataset(tmp_path / "set")
    cases = reviewed_cases(tmp_path / "set")
    data = {"learned": _entries(cases[:2]), "held_out": _entries(cases[2:3])}
    bundle = tiny_bundle(tmp_path / "new", lineage={"parent": None, "data": data})
    found = SimpleNamespace(labels=cases[0].labels())
    monkeypatch.setattr(outcomes, "segment", lambda *_, **__: found)
    chose = {o.name: o.chose for o in outcomes.outcomes_on(bundle, cases)}
    assert chose == {"c0": False, "c1": False, "c2": True, "c3": False}
