"""A network goes only as far from its parent as keeps what the parent could do."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from learning_fixture import judge_by_weights, shrink, tiny_bundle, toy_dataset
from ToothSegLib.bundles.safetensors_io import read_safetensors
from ToothSegLib.evaluation.benchmark import FIRST_SEED
from ToothSegLib.evaluation.fixed_benchmark import CASES
from ToothSegLib.evaluation.outcomes import Outcome
from ToothSegLib.models import Bundle, load_bundle
from ToothSegLib.training import judging
from ToothSegLib.training.blending import SHARES, between, choose_share
from ToothSegLib.training.finetune import FineTuned, fine_tune
from ToothSegLib.training.finetune_plan import Plan
from ToothSegLib.training.guard import GuardHead, guard_heads
from ToothSegLib.training.processes import Processes
from ToothSegLib.training.rehearsal import FIRST_MEASURING_SEED
from ToothSegLib.training.skill import Skill

GOOD, AS_GOOD, WORSE = Skill(0.88, 0.98), Skill(0.878, 0.98), Skill(0.88, 0.976)
PLAN = Plan(
    networks=("toothnet",),
    steps=4,
    check_every=2,
    patience=5,
    seed=3,
    learning_rate=0.05,
    guards=2,
    simulated_share=0.0,
)


@pytest.mark.parametrize(
    ("dice", "spoilt", "share", "asked"),
    [
        # The nearest to the parent of those that are as good as the best.
        ([0.60, 0.70, 0.90, 0.903], [], 0.75, [0.75]),
        # Neither figure may fall on the heads; then the next best.
        ([0.60, 0.70, 0.90, 0.903], [0.75, 1.0], 0.5, [0.75, 1.0, 0.5]),
        ([0.60, 0.70, 0.80, 0.90], [0.25, 0.5, 0.75, 1.0], 0.0, [1.0, 0.75, 0.5, 0.25]),
        # No better on the held-out cases is never taken, whatever the heads say.
        ([0.50, 0.40, 0.45, 0.55], [1.0], 0.0, [1.0]),
        ([float("nan"), 0.40, 0.45, 0.55], [], 1.0, [1.0]),
        # Hardly better is not better.
        ([0.500005, 0.5004, 0.45, 0.50049], [], 0.0, []),
        ([0.4, 0.4, 0.45, 0.5005], [], 1.0, [1.0]),
    ],
)
def test_the_share_that_is_best_and_forgets_nothing(
    dice: list[float], spoilt: list[float], share: float, asked: list[float]
) -> None:
    looked: list[float] = []

    def skill(at: float) -> Skill:
        looked.append(at)
        return WORSE if at in spoilt else AS_GOOD

    of_share = {at: Skill(held, 1.0) for at, held in zip(SHARES, dice, strict=True)}
    blend = choose_share(Skill(0.5, 1.0), of_share.__getitem__, GOOD, skill)
    assert (blend.share, looked) == (share, asked)
    assert [look.share for look in blend.looks if look.skill] == sorted(asked)
    assert ("taken" in blend.as_text().splitlines()[1 + round(4 * share)]) or share == 0


@pytest.mark.parametrize(
    ("held_out", "share"),
    [
        (Skill(0.6, 0.8), 0.25),
        # Teeth that are drawn where there are none cost as much as poor outlines.
        (Skill(0.9, 0.7), 0.0),
        (Skill(0.5, 0.9), 0.25),
        (Skill(0.4975, 0.9), 0.25),
        (Skill(0.49, 0.9), 0.0),
        (Skill(0.6, float("nan")), 0.0),
    ],
)
def test_neither_dice_nor_f1_is_paid_for_by_the_other(held_out: Skill, share: float) -> None:
    blend = choose_share(Skill(0.5, 0.8), lambda _: held_out, GOOD, lambda _: GOOD)
    assert blend.share == share


@pytest.mark.parametrize(
    ("after", "kept"),
    [
        (Skill(0.8775, 0.9775), True),
        (Skill(0.8774, 0.99), False),
        (Skill(0.99, 0.9774), False),
        (Skill(float("nan"), 0.99), False),
    ],
)
def test_a_quarter_point_may_be_lost_and_no_more(after: Skill, kept: bool) -> None:
    assert after.keeps(Skill(0.88, 0.98)) is kept


def test_between_ends_at_both_ends_to_the_bit() -> None:
    start = {"w": torch.tensor([0.1, 3.0]), "count": torch.tensor(2)}
    end = {"w": torch.tensor([0.3, -7.7]), "count": torch.tensor(9)}
    assert between(start, end, 0.0) == start
    assert torch.equal(between(start, end, 1.0)["w"], end["w"])
    half = between(start, end, 0.5)
    assert half["w"].tolist() == pytest.approx([0.2, -2.35])
    assert half["count"] == 9


def test_the_heads_are_no_others() -> None:
    seeds = [head.seed for seed in range(50) for head in guard_heads(10, seed)]
    assert min(seeds) >= FIRST_MEASURING_SEED
    assert not set(seeds) & set(range(FIRST_SEED, FIRST_SEED + CASES))
    assert len({head.seed for head in guard_heads(10, 1)}) == 10
    assert guard_heads(10, 1) == guard_heads(10, 1) != guard_heads(10, 2)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shrink(monkeypatch)
    judge_by_weights(monkeypatch)
    tiny_bundle(tmp_path / "toy")
    toy_dataset(tmp_path / "set")
    return tmp_path


def tuned(world: Path, plan: Plan = PLAN, **options: object) -> FineTuned:
    return fine_tune(
        world / "set",
        load_bundle(world / "toy"),
        world / "run",
        plan,
        Processes(torch.device("cpu")),
        **options,
    )


def judged(
    world: Path,
    on_heads: Callable[[Bundle], float],
    on_cases: Callable[[float], tuple[float, int]] = lambda far: (0.5 + 0.5 * far, 1),
) -> Callable[..., list[Outcome]]:
    """Outcomes as a test wants them.

    Args:
        on_heads: Dice on heads.
        on_cases: Dice and the teeth drawn, of which one is true, on held-out cases, by how far the
            weights are from the parent's, 0 to 1; by default the further the better.
    """
    parent = load_bundle(world / "toy")

    def distance(bundle: Bundle, role: str) -> float:
        before, after = (b.build(role).state_dict() for b in (parent, bundle))
        return sum(float((after[name] - before[name]).abs().sum()) for name in before)

    def outcomes_on(bundle: Bundle, cases: list, *_: object) -> list[Outcome]:
        away = distance(bundle, "toothnet") + distance(bundle, "locator")
        dice, drawn = on_cases(away / (1.0 + away))
        if isinstance(cases[0], GuardHead):
            dice, drawn = on_heads(bundle), 1
        return [Outcome(case.id, case.patient, {36: dice}, 1, drawn, 1) for case in cases]

    return outcomes_on


def test_what_spoils_ordinary_heads_is_taken_in_part(
    world: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parent = load_bundle(world / "toy")
    end = {}

    def on_heads(bundle: Bundle) -> float:
        """Half of what may change at most has changed."""
        if bundle.weights == parent.weights:
            return 0.9
        path = next((world / "run").glob("toothnet.best-[1-9]*.safetensors"))
        end.update(read_safetensors(path))
        start, now = (b.build("toothnet").state_dict() for b in (parent, bundle))
        way = sum(float((now[k] - start[k]).abs().sum()) for k in start)
        whole = sum(float((end[k] - start[k]).abs().sum()) for k in start)
        return 0.9 if way < 0.6 * whole else 0.7

    monkeypatch.setattr(judging, "outcomes_on", judged(world, on_heads))
    made = tuned(world)
    assert made.blends["toothnet"].share == 0.5
    start = parent.build("toothnet").state_dict()
    for name, tensor in made.bundle.build("toothnet").state_dict().items():
        middle = 0.5 * (start[name].double() + end[name].double())
        assert torch.allclose(tensor.double(), middle, atol=2e-3), name
    kept = json.loads((world / "run" / "toothnet.blend.json").read_text())
    lineage = made.bundle.card["lineage"]
    assert lineage["blends"] == {"toothnet": kept}
    assert lineage["guard_seeds"] == [head.seed for head in guard_heads(2, PLAN.seed)]
    assert kept["parent"] == {"dice": 0.9, "f1": 1.0}
    tried = {look["share"]: look["skill"]["dice"] for look in kept["looks"] if look["skill"]}
    assert tried == {1.0: 0.7, 0.75: 0.7, 0.5: 0.9}
    # A run that goes on chooses nothing anew.
    monkeypatch.setattr(judging.Judge, "blend", None)
    assert tuned(world, resume=True).bundle.weights == made.bundle.weights
    assert tuned(world, resume=True).blends == made.blends


def test_what_spoils_ordinary_heads_at_every_share_stays_its_parent(
    world: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parent = load_bundle(world / "toy")
    spoilt = judged(world, lambda bundle: 0.9 if bundle.weights == parent.weights else 0.8)
    monkeypatch.setattr(judging, "outcomes_on", spoilt)
    made = tuned(world)
    assert made.courses["toothnet"].best[0] > 0
    assert made.bundle.weights == parent.weights
    assert made.bundle.card["networks"]["toothnet"]["fine_tuning_steps"] == 0


def test_small_falls_of_several_networks_do_not_add_up(
    world: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parent = load_bundle(world / "toy")

    def on_heads(bundle: Bundle) -> float:
        changed = sum(bundle.weights[role] != parent.weights[role] for role in parent.weights)
        return 0.9 - 0.002 * changed

    monkeypatch.setattr(judging, "outcomes_on", judged(world, on_heads))
    made = tuned(world, replace(PLAN, networks=("toothnet", "locator")))
    assert made.courses["locator"].best[0] > 0
    assert made.blends["toothnet"].share > 0
    assert made.bundle.weights["locator"] == parent.weights["locator"]


def test_what_draws_teeth_where_there_are_none_stays_its_parent(
    world: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stubbed = judged(world, lambda _: 0.9, lambda far: (0.5 + 0.5 * far, 4 if far else 1))
    monkeypatch.setattr(judging, "outcomes_on", stubbed)
    made = tuned(world)
    assert made.bundle.weights == load_bundle(world / "toy").weights
    assert [skill.f1 for _, skill in made.courses["toothnet"].checks] == [1.0, 0.4, 0.4]
    assert made.courses["toothnet"].best[0] == 0
    rows = (world / "run" / "toothnet.csv").read_text().splitlines()
    assert rows[0].endswith(",held_out_dice,held_out_f1")
    assert [row for row in rows if row.endswith(",0.4")] == [rows[3], rows[5]]


def test_what_only_leaves_off_drawing_false_teeth_is_better(
    world: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stubbed = judged(world, lambda _: 0.9, lambda far: (0.5, 1 if far else 4))
    monkeypatch.setattr(judging, "outcomes_on", stubbed)
    made = tuned(world)
    assert made.courses["toothnet"].best[0] == 2
    assert made.blends["toothnet"].share == 0.25
    figures = made.bundle.card["figures"]["held-out reviewed cases"]
    assert (figures["identification_f1_of_parent"], figures["identification_f1"]) == (0.4, 1.0)


def test_without_guards_the_tuned_weights_are_taken_as_they_are(
    world: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judging, "outcomes_on", judged(world, lambda _: 0.0))
    made = tuned(world, replace(PLAN, guards=0))
    step = made.courses["toothnet"].best[0]
    best = read_safetensors(world / "run" / f"toothnet.best-{step}.safetensors")
    after = made.bundle.build("toothnet").state_dict()
    assert step > 0
    assert all(torch.equal(after[name], tensor.half().float()) for name, tensor in best.items())
