"""What the card of a fine-tuned bundle says is true, over generations too."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from learning_fixture import tiny_bundle
from ToothSegLib.evaluation.outcomes import Outcome
from ToothSegLib.lineage import as_parent, learned_scans
from ToothSegLib.models import Bundle, load_bundle
from ToothSegLib.training.blending import Blend
from ToothSegLib.training.course import Course
from ToothSegLib.training.finetune_card import finetuned_card
from ToothSegLib.training.pack import LIMITS, TRAINED_ON
from ToothSegLib.training.skill import Skill

OUTCOMES = [Outcome("c", "p", {36: 0.7}, 1, 1, 1)]


def learned_on(
    parent: Bundle, role: str, share: float, cases: int = 1, simulated: float = 0.5
) -> dict[str, Any]:
    """The card after 100 steps of one role."""
    record = {
        "parent": as_parent(parent),
        "data": {"learned": [{}] * cases, "held_out": [{}]},
        "recipe": {"simulated_share": simulated},
        "begun": "2026-11-30",
    }
    course = Course([1.0] * 100, [(0, Skill(0.6, 1.0)), (100, Skill(0.7, 1.0))])
    blends = {role: Blend(share)}
    return finetuned_card(parent, record, {role: course}, blends, {}, OUTCOMES, OUTCOMES)


def steps(card: dict[str, Any]) -> dict[str, int]:
    return {role: entry["fine_tuning_steps"] for role, entry in card["networks"].items()}


def shipped(folder: Path, card: dict[str, Any]) -> Bundle:
    return tiny_bundle(folder, **{**card, "name": folder.name})


def test_each_thing_is_said_once_and_steps_add_up_over_generations(tmp_path: Path) -> None:
    parent = shipped(tmp_path / "toy", {"limits": LIMITS, "trained_on": TRAINED_ON})
    first = learned_on(parent, "locator", 0.5)
    assert steps(first) == {"toothnet": 0, "locator": 100}
    second = learned_on(tiny_bundle(tmp_path / "first", **first), "toothnet", 1.0, cases=3)
    assert steps(second) == {"toothnet": 100, "locator": 100}
    third = learned_on(tiny_bundle(tmp_path / "second", **second), "toothnet", 1.0)
    assert steps(third) == {"toothnet": 200, "locator": 100}
    assert third["name"] == "toy+3"
    assert third["title"] == "a toy; fine-tuned"
    assert third["licence"].count("whatever holds for the scans") == 1
    assert len(set(third["limits"])) == len(third["limits"]) == len(LIMITS) + 1
    heads = "with simulated heads mixed in."
    assert third["trained_on"].removeprefix(TRAINED_ON) == (
        f" Then fine-tuned on 1 reviewed case {heads} Then fine-tuned on 3 reviewed cases {heads}"
        f" Then fine-tuned on 1 reviewed case {heads}"
    )


def test_names_do_not_grow_with_every_promotion(tmp_path: Path) -> None:
    for name, child in (
        ("toothnet", "toothnet+1"),
        ("toothnet+1", "toothnet+1"),
        ("toothnet-1-0a1b2c3d", "toothnet+1"),
        ("toothnet-1-0a1b2c3d-2-ffffffff", "toothnet+1"),
        ("our-clinic-2", "our-clinic-2+1"),
        ("mine-0a1b2c3d", "mine+1"),
    ):
        parent = tiny_bundle(tmp_path / name.replace("+", "_"), name=name)
        assert learned_on(parent, "toothnet", 1.0)["name"] == child


def test_what_was_packed_from_simulated_heads_is_no_generation(tmp_path: Path) -> None:
    first = tiny_bundle(tmp_path / "first")
    packed = tiny_bundle(tmp_path / "packed", lineage={"parent": as_parent(first)})
    assert learned_on(packed, "toothnet", 1.0)["name"] == "packed+1"


def test_limits_of_simulated_heads_are_those_of_before(tmp_path: Path) -> None:
    parent = shipped(tmp_path / "toy", {"limits": LIMITS})
    limits = learned_on(parent, "toothnet", 1.0)["limits"]
    assert limits[0] == LIMITS[0]
    for before, now in zip(LIMITS[1:], limits[1:]):
        assert now == f"Before it was fine-tuned: {before[:1].lower()}{before[1:]}"


def test_what_a_shipped_bundle_was_not_measured_on_is_told_of_it_alone(tmp_path: Path) -> None:
    """A bundle that has learned on from real scans has been measured on some of them."""
    limits = load_bundle("toothnet").card["limits"]
    assert any("not measured on any real dental cone-beam CT" in limit for limit in limits)
    parent = shipped(tmp_path / "toy", {"limits": limits})
    kept = set(learned_on(parent, "toothnet", 1.0)["limits"]) & set(limits)
    assert kept == {
        "For research use, not a medical device.",
        "Numbers the 28 teeth; third molars are left out with a finding.",
    }


def test_heads_that_were_not_mixed_in_are_not_told(tmp_path: Path) -> None:
    parent = tiny_bundle(tmp_path / "toy")
    told = learned_on(parent, "toothnet", 1.0, simulated=0.0)["trained_on"]
    assert told == "Nothing. Then fine-tuned on 1 reviewed case."


def test_a_bundle_that_took_nothing_is_described_as_its_parent(tmp_path: Path) -> None:
    parent = shipped(tmp_path / "toy", {"limits": LIMITS})
    card = learned_on(parent, "toothnet", 0.0)
    for name in ("title", "trained_on", "licence"):
        assert card[name] == parent.card[name]
    assert card["limits"][:-1] == LIMITS
    assert steps(card) == {"toothnet": 0, "locator": 0}


def test_names_that_somebody_has_given_to_cases_do_not_leave_with_the_bundle(
    tmp_path: Path,
) -> None:
    parent = tiny_bundle(tmp_path / "parent")
    entries = [{"case": name, "scan": "5ca7"} for name in ("Smith_John", "case-0123456789ab")]
    record = {
        "parent": as_parent(parent),
        "data": {"learned": entries, "held_out": entries[:1], "of_learned_patients": []},
        "recipe": {"simulated_share": 0.0},
        "begun": "2026-11-30",
    }
    card = finetuned_card(parent, record, {}, {}, {}, OUTCOMES, OUTCOMES)
    assert card["lineage"]["data"] == {
        "learned": [{"scan": "5ca7"}, {"case": "case-0123456789ab", "scan": "5ca7"}],
        "held_out": [{"scan": "5ca7"}],
        "of_learned_patients": [],
    }
    assert learned_scans(card["lineage"]) == {"5ca7"}
