"""Compare, promote, roll back: figures that can be worked out by hand, and a user's own folder."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from learning_fixture import outcome, tiny_bundle, toy_dataset, toy_scan
from ToothSegLib import models
from ToothSegLib.cli import doctor, model_actions
from ToothSegLib.cli.main import main
from ToothSegLib.dataset.folder import CaseMeta, Dataset
from ToothSegLib.dataset.record import APPROVED
from ToothSegLib.dataset.reviewed import reviewed_cases
from ToothSegLib.errors import BundleError, InputError, OutputError
from ToothSegLib.evaluation import fixed_benchmark as fixed
from ToothSegLib.evaluation.benchmark import CaseResult
from ToothSegLib.evaluation.comparison import unseen_cases
from ToothSegLib.evaluation.fixed_benchmark import weights_digest
from ToothSegLib.evaluation.metrics import evaluate
from ToothSegLib.evaluation.outcomes import Outcome, identification_f1, mean_dice
from ToothSegLib.evaluation.promotion import Worse, promote, roll_back
from ToothSegLib.lineage import learned_scans
from ToothSegLib.machine.os_lock import os_locked
from ToothSegLib.models import default_bundle_name, list_bundles, load_bundle
from ToothSegLib.training.finetune_record import _entries
from ToothSegLib.training.split import split_by_patient
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


def with_figures(monkeypatch: pytest.MonkeyPatch, dice: dict[str, float]) -> list[str]:
    """Let the fixed benchmark give each bundle this Dice; who was measured."""
    measured = []

    def stub(bundle: models.Bundle, *_: object) -> list[Outcome]:
        measured.append(bundle.name)
        return [outcome(f"case {n}", {11: dice[bundle.name], 36: 0.9}) for n in range(3)]

    monkeypatch.setattr(model_actions, "fixed_benchmark", stub)
    return measured


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


@pytest.mark.parametrize("stored", ["as int32", "upside down"])
def test_a_scan_that_was_stored_otherwise_is_no_unseen_one(stored: str, tmp_path: Path) -> None:
    toy_dataset(tmp_path / "set", 2)
    data = {"learned": _entries(reviewed_cases(tmp_path / "set")), "held_out": []}
    learned = tiny_bundle(tmp_path / "learned", lineage={"parent": None, "data": data})
    copies = Dataset.create(tmp_path / "copies")
    for seed in range(2):
        pair = toy_scan(seed)
        if stored == "as int32":
            pair = (pair[0].with_array(pair[0].array.astype(np.int32)), pair[1])
        else:
            last = (*pair[0].origin[:2], pair[0].origin[2] + 0.5 * (pair[0].shape[0] - 1))
            pair = tuple(
                Volume(v.array[::-1], v.spacing, last, np.diag([1.0, 1.0, -1.0])) for v in pair
            )
        meta = CaseMeta(who="ab", case_id=f"copy{seed}", review={36: APPROVED, 46: APPROVED})
        copies.add(*pair, meta)
    known = learned_scans(learned.card["lineage"])
    cases = reviewed_cases(tmp_path / "copies")
    assert not any(case.scan_sha256 in known for case in cases)
    with pytest.raises(InputError, match="learned from every patient"):
        unseen_cases(tmp_path / "copies", [learned])
    with pytest.raises(InputError, match="has learned from all 2 patients before"):
        split_by_patient(cases, 0, 0.5, known)


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
    dice: float,
    code: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
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
        shipped = load_bundle("shipped").identity
        assert promotions()[-1].grounds == {"forced": True, "shipped": shipped}


def test_small_falls_of_many_promotions_do_not_add_up(tmp_path: Path) -> None:
    dice = {"shipped": 0.7, "first": 0.695, "second": 0.69, "better": 0.71}
    bundles = {name: tiny_bundle(tmp_path / name, seed=n) for n, name in enumerate(dice) if n}

    def measure(bundle: models.Bundle) -> list[Outcome]:
        return [Outcome("case", "p", {11: dice[bundle.name.split("-")[0]]}, 1, 1, 1)]

    first = promote(bundles["first"], measure)
    with pytest.raises(Worse, match=r"second is worse than shipped .* 0\.6900, not 0\.7000"):
        promote(bundles["second"], measure)
    assert default_bundle_name() == first.name
    promote(bundles["better"], measure)
    promote(bundles["second"], measure, force=True)
    assert promotions()[-1].name.startswith("second-")


def test_a_bundle_that_cannot_segment_is_refused_even_if_forced(tmp_path: Path) -> None:
    whole = tiny_bundle(tmp_path / "whole", seed=1)
    entry = {role: whole.card["networks"][role] for role in ("toothnet",)}
    states = {"toothnet": whole.build("toothnet").state_dict()}
    part = models.write_bundle(tmp_path / "part", {**whole.card, "networks": entry}, states)
    with pytest.raises(BundleError, match="has no network 'locator', only toothnet"):
        promote(part, lambda _: [], force=True)
    assert default_bundle_name() == "shipped"
    assert promotions() == ()


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
    capsys.readouterr()
    assert main(["models"]) == 2
    out, err = capsys.readouterr()
    assert "shipped: " in out
    assert "(default)" not in out
    assert "is gone: go back to the one before it with 'toothseg models rollback'" in err
    assert err.count("\n") == 1
    assert main(["models", "shipped"]) == 0
    with pytest.raises(BundleError, match="toothseg models rollback"):
        doctor._weights()
    assert main(["models", "rollback"]) == 0
    assert load_bundle().name == "shipped"
    (user_models_folder() / "promoted.json").write_text("[]")
    with pytest.raises(BundleError, match="no list of promoted bundles"):
        load_bundle()
    assert main(["models"]) == 2
    assert "no list of promoted bundles" in capsys.readouterr().err


def test_the_same_weights_are_not_promoted_twice(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    same = tiny_bundle(tmp_path / "same")
    assert main(["models", "promote", str(same.folder), "--force"]) == 2
    assert "already" in capsys.readouterr().err


def test_what_another_program_measured_is_measured_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = []

    def run(bundle: models.Bundle, *_: object, **__: object) -> Iterator[CaseResult]:
        ran.append(bundle.name)
        return iter(())

    monkeypatch.setattr(fixed, "run_benchmark", run)
    monkeypatch.setattr(fixed, "CASES", 0)
    bundle = tiny_bundle(tmp_path / "new", seed=1)
    for _ in range(2):
        fixed.fixed_benchmark(bundle)
    assert ran == ["new"]
    monkeypatch.setattr(fixed, "_program", lambda: "another")
    fixed.fixed_benchmark(bundle)
    assert ran == ["new", "new"]


def test_the_same_weights_with_teeth_seen_larger_are_another_bundle(tmp_path: Path) -> None:
    larger = tiny_bundle(tmp_path / "larger", magnification=1.2)
    assert larger.weights == load_bundle("shipped").weights
    assert weights_digest(larger) != weights_digest(load_bundle("shipped"))
    measured = []

    def measure(bundle: models.Bundle) -> list[Outcome]:
        measured.append(bundle.name)
        return [outcome("case", {11: 0.9})]

    promote(larger, measure)
    assert measured == ["larger", "shipped"]
    assert load_bundle().magnification == 1.2


@pytest.mark.parametrize(
    ("first", "said"),
    [("other", "became the default while new was held against shipped"), ("new", "already")],
)
def test_what_was_promoted_while_a_bundle_was_measured_is_not_lost(
    tmp_path: Path, first: str, said: str
) -> None:
    names = ("new", "other")
    bundles = {name: tiny_bundle(tmp_path / name, seed=n) for n, name in enumerate(names, 1)}

    def measure(bundle: models.Bundle) -> list[Outcome]:
        if bundle.name == "new":  # somebody else is faster
            promote(bundles[first], measure, force=True)
        return [outcome("case", {11: 0.9})]

    with pytest.raises(InputError, match=said):
        promote(bundles["new"], measure)
    (promotion,) = promotions()
    assert promotion.name.startswith(f"{first}-")


def test_one_program_at_a_time_promotes_or_rolls_back(tmp_path: Path) -> None:
    new = tiny_bundle(tmp_path / "new", seed=1)
    promote(new, lambda _: [], force=True)
    other = tiny_bundle(tmp_path / "other", seed=2)
    lock = user_models_folder() / ".toothseg-promote.lock"
    with os_locked(lock, "promotion"):
        with pytest.raises(OutputError, match="wait for that promotion or rollback, or try again"):
            promote(other, lambda _: [], force=True)
        with pytest.raises(OutputError, match="is in use by process"):
            roll_back()
    assert [promotion.name for promotion in promotions()] == [default_bundle_name()]
    assert list_bundles() == ["shipped", default_bundle_name()]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["compare"], "takes 1 or 2 bundles, not 0"),
        (["promote"], "takes 1 bundle, not 0"),
        (["promote", "--force", "a", "b"], "takes 1 bundle, not 2"),
        (["rollback", "shipped"], "takes 0 bundles"),
        (
            ["show", "shipped"],
            "'show' is no action: bundles are shown without one, by toothseg models shipped",
        ),
        (["list"], "by toothseg models\n"),
        (["shipped", "--force"], "give an action"),
        (["promote", "shipped", "--dataset", "set"], "--dataset is of toothseg models compare:"),
        (["promote", "shipped", "--benchmark"], "--benchmark is of toothseg models compare:"),
        (["promote", "shipped", "--json"], "--json is of toothseg models compare:"),
        (["rollback", "--force"], "--force is of toothseg models promote:"),
        (["rollback", "--dataset", "set"], "toothseg models rollback would do nothing with it"),
        (["compare", "shipped", "--benchmark", "--force"], "--force is of toothseg models promote"),
        (["promote", "no such"], "no bundle 'no such'"),
    ],
)
def test_wrong_words_are_told(
    words: list[str],
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    measured = with_figures(monkeypatch, {"shipped": 0.7})
    assert main(["models", *words]) == 2
    err = capsys.readouterr().err
    assert said in err
    assert err.count("\n") == 1
    assert measured == []


def test_the_fixed_benchmark_is_measured_once(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    truth = np.zeros((20, 12, 12), np.uint8)
    truth[2:12, 2:10, 2:10] = 11
    volume = Volume(truth, (0.5,) * 3, (0.0,) * 3, np.eye(3))

    def run_benchmark(
        bundle: object, people: object, cases: int, *_: object, **options: int
    ) -> Iterator[CaseResult]:
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
