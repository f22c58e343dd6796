"""Compare, promote, roll back: figures that can be worked out by hand, and a user's own folder."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from learning_fixture import tiny_bundle, toy_dataset
from ToothSegLib import models
from ToothSegLib.cli import model_actions
from ToothSegLib.cli.main import main
from ToothSegLib.dataset.reviewed import reviewed_cases
from ToothSegLib.errors import BundleError, InputError
from ToothSegLib.evaluation import fixed_benchmark as fixed
from ToothSegLib.evaluation.benchmark import CaseResult
from ToothSegLib.evaluation.comparison import (
    Difference,
    as_dicts,
    as_table,
    compare,
    unseen_cases,
)
from ToothSegLib.evaluation.intervals import FEWEST
from ToothSegLib.evaluation.metrics import evaluate
from ToothSegLib.evaluation.outcomes import Outcome, identification_f1, mean_dice
from ToothSegLib.models import default_bundle_name, list_bundles, load_bundle
from ToothSegLib.user_models import promotions, user_models_folder
from ToothSegLib.volume import Volume


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's folder, and the toy bundle `shipped` in the place of those that ship."""
    monkeypatch.setenv("TOOTHSEG_HOME", str(tmp_path / "home"))
    folder = tmp_path / "Models"
    folder.mkdir()
    tiny_bundle(folder / "shipped")
    (folder / "default.txt").write_text("shipped\n")
    monkeypatch.setattr(models, "models_folder", lambda: folder)
    return tmp_path / "home"


def outcome(name: str, dice: dict[int, float], patient: str = "") -> Outcome:
    found = sum(value > 0.6 for value in dice.values())
    return Outcome(name, patient or name, dice, found, len(dice), len(dice))


def with_figures(monkeypatch: pytest.MonkeyPatch, dice: dict[str, float]) -> list[str]:
    """Let the fixed benchmark give each bundle this Dice; who was measured."""
    measured = []

    def stub(bundle: models.Bundle, *_: object) -> list[Outcome]:
        measured.append(bundle.name)
        return [outcome(f"case {n}", {11: dice[bundle.name], 36: 0.9}) for n in range(3)]

    monkeypatch.setattr(model_actions, "fixed_benchmark", stub)
    return measured


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


def test_f1_is_pooled_and_its_interval_goes_by_patients() -> None:
    true = (28, 12, 20, 28, 8, 24, 28, 16)
    before = (20, 10, 12, 22, 8, 20, 15, 12)
    after = (24, 11, 18, 24, 7, 23, 24, 14)
    a, b = (
        [Outcome(str(n), str(n), {}, found, size, size)
         for n, (found, size) in enumerate(zip(matched, true, strict=True))]
        for matched in (before, after)
    )  # fmt: skip
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
        a, b = ([outcome(f"{n}", {11: x}) for n, x in enumerate(rng.normal(0.8, 0.02, FEWEST))]
                for _ in "ab")  # fmt: skip
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


def test_means_count_a_missed_tooth() -> None:
    outcomes = [outcome("1", {11: 0.9, 12: 0.0}), outcome("2", {11: 0.6})]
    assert mean_dice(outcomes) == pytest.approx(0.5)
    assert identification_f1(outcomes) == pytest.approx(1 / 3)
    assert [Outcome.from_dict(json.loads(json.dumps(o.as_dict()))) for o in outcomes] == outcomes


def test_patients_that_one_of_the_bundles_learned_from_are_left_out(tmp_path: Path) -> None:
    toy_dataset(tmp_path / "set")
    cases = {case.id: case for case in reviewed_cases(tmp_path / "set")}
    learned = [{"case": "c0", "revision": 1, "scan": cases["c0"].scan_sha256}]
    child = {"parent": None, "data": {"learned": learned, "held_out": []}}
    grandchild = {"parent": {"name": "c", "networks": {}, "lineage": child}}
    fresh = tiny_bundle(tmp_path / "fresh")
    young = tiny_bundle(tmp_path / "young", lineage=grandchild)
    assert [c.id for c in unseen_cases(tmp_path / "set", [fresh])] == ["c0", "c1", "c2", "c3"]
    # c1 is of the same patient as c0.
    assert [c.id for c in unseen_cases(tmp_path / "set", [fresh, young])] == ["c2", "c3"]
    learned += [{"scan": case.scan_sha256} for case in cases.values()]
    old = tiny_bundle(tmp_path / "old", lineage=child)
    with pytest.raises(InputError, match="learned from every patient"):
        unseen_cases(tmp_path / "set", [old, fresh])


def test_compare_prints_tables_and_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tiny_bundle(tmp_path / "new", seed=1)
    toy_dataset(tmp_path / "set")
    with_figures(monkeypatch, {"shipped": 0.7, "new": 0.8})
    words = ["models", "compare", "shipped", str(tmp_path / "new"), "--device", "cpu"]
    assert main([*words, "--benchmark"]) == 0
    out = capsys.readouterr().out
    assert "fixed benchmark" in out
    assert "+0.1000" in out
    # One alone is compared with the default.
    assert main(["models", "compare", str(tmp_path / "new"), "--benchmark"]) == 0
    assert "A = shipped (the default), B = new" in capsys.readouterr().out
    assert main([*words, "--benchmark", "--dataset", str(tmp_path / "set"), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [row["name"] for row in told["held-out_cases"]] == [
        "36", "46", "tooth Dice", "identification F1",
    ]  # fmt: skip
    assert told["fixed_benchmark"][0]["change"] == pytest.approx(0.1)
    assert main(words) == 2
    assert "--dataset DIR, --benchmark" in capsys.readouterr().err


def test_a_better_bundle_is_promoted_and_rolled_back(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    new = tiny_bundle(tmp_path / "new", seed=1)
    package = sorted(path.name for path in (tmp_path / "Models").rglob("*"))
    with_figures(monkeypatch, {"shipped": 0.7, "new": 0.8})
    assert main(["models", "promote", str(new.folder)]) == 0
    assert "0.8000 -> 0.8500" in capsys.readouterr().out
    name = default_bundle_name()
    assert name.startswith("new-")
    assert list_bundles() == ["shipped", name]
    # The copy stands on its own, with the very same weights.
    for path in new.folder.iterdir():
        path.unlink()
    loaded = load_bundle()
    loaded.verify()
    assert loaded.name == name
    assert loaded.weights == new.weights
    assert loaded.folder.is_relative_to(home)
    assert main(["models"]) == 0
    assert f"{name} (default)" in capsys.readouterr().out
    assert main(["models", "rollback"]) == 0
    assert default_bundle_name() == "shipped"
    assert load_bundle(name).weights == new.weights
    assert main(["models", "rollback"]) == 2
    assert "nothing to roll back" in capsys.readouterr().err
    assert package == sorted(path.name for path in (tmp_path / "Models").rglob("*"))


@pytest.mark.parametrize(("dice", "code"), [(0.691, 0), (0.6889, 2), (0.5, 2)])
def test_half_a_point_is_let_pass_and_no_more(
    dice: float, code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    # Two teeth a case: what tooth 11 loses counts half.
    new = tiny_bundle(tmp_path / "new", seed=1)
    with_figures(monkeypatch, {"shipped": 0.7, "new": dice})
    assert main(["models", "promote", str(new.folder)]) == code
    assert (default_bundle_name() == "shipped") == (code == 2)
    if code:
        assert "worse than shipped" in capsys.readouterr().err
        measured = with_figures(monkeypatch, {})
        assert main(["models", "promote", str(new.folder), "--force"]) == 0
        assert not measured
        assert default_bundle_name().startswith("new-")
        assert promotions()[-1].grounds == {"forced": True}


def test_a_damaged_bundle_is_refused_even_if_forced(
    tmp_path: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    new = tiny_bundle(tmp_path / "new", seed=1)
    weights = new.networks["toothnet"]
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x07")
    assert main(["models", "promote", str(new.folder), "--force"]) == 2
    assert "checksum" in capsys.readouterr().err
    assert default_bundle_name() == "shipped"
    assert not home.exists()


def test_a_lost_or_damaged_default_can_be_rolled_back(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    new = tiny_bundle(tmp_path / "new", seed=1)
    assert main(["models", "promote", str(new.folder), "--force"]) == 0
    folder = user_models_folder() / default_bundle_name()
    (folder / "card.json").unlink()
    with pytest.raises(BundleError, match="toothseg models rollback"):
        load_bundle()
    assert main(["models", "rollback"]) == 0
    assert load_bundle().name == "shipped"
    (user_models_folder() / "promoted.json").write_text("[]")
    with pytest.raises(BundleError, match="no list of promoted bundles"):
        load_bundle()


def test_the_same_weights_are_not_promoted_twice(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    same = tiny_bundle(tmp_path / "same")
    assert main(["models", "promote", str(same.folder), "--force"]) == 2
    assert "already" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["compare"], "takes 1 or 2 bundles, not 0"),
        (["rollback", "shipped"], "takes 0 bundles"),
        (["shipped", "--force"], "give an action"),
        (["promote", "no such"], "no bundle 'no such'"),
    ],
)
def test_wrong_words_are_told(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["models", *words]) == 2
    assert said in capsys.readouterr().err


def test_the_fixed_benchmark_is_measured_once(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    truth = np.zeros((20, 12, 12), np.uint8)
    truth[2:12, 2:10, 2:10] = 11
    volume = Volume(truth, (0.5,) * 3, (0.0,) * 3, np.eye(3))

    def run_benchmark(bundle: object, people: object, cases: int, *_: object, **options: int
                      ) -> Iterator[CaseResult]:  # fmt: skip
        asked.append(options["first_seed"])
        for n in range(cases):
            yield CaseResult(f"{n}", evaluate(volume, volume), 1.0)

    monkeypatch.setattr(fixed, "run_benchmark", run_benchmark)
    bundle = load_bundle("shipped")
    count = []
    first = fixed.fixed_benchmark(bundle, done=lambda: count.append(1))
    assert mean_dice(first) == 1.0
    assert fixed.fixed_benchmark(bundle) == first
    assert (len(asked), len(count)) == (1, fixed.CASES)
    for path in (home / "benchmark").iterdir():
        path.write_text("{}")
    assert fixed.fixed_benchmark(bundle) == first
    assert len(asked) == 2
