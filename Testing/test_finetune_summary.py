"""What `toothseg train --dataset` says at its end, above all where nothing came of it."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from ToothSegLib.evaluation.outcomes import Outcome
from ToothSegLib.training.blending import SHARES, Blend, choose_share, read_blend, write_blend
from ToothSegLib.training.course import Course
from ToothSegLib.training.finetune_command import summary
from ToothSegLib.training.judging import Judge
from ToothSegLib.training.skill import Skill

GOOD, WORSE = Skill(0.88, 0.98), Skill(0.80, 0.98)


def blend(after: float, skill: Skill = GOOD) -> Blend:
    """Of a network with 0.7 before and another held-out Dice at every share."""
    at_every_share = dict.fromkeys(SHARES, Skill(after, 1.0))
    return choose_share(Skill(0.7, 1.0), at_every_share.__getitem__, GOOD, lambda _: skill)


def course(best: float) -> Course:
    """Of a network that had its best Dice at the first look."""
    return Course([1.0], [(0, Skill(0.7, 1.0)), (1, Skill(best, 1.0))])


def said(*blends: Blend, best: float) -> list[str]:
    """The lines about networks that had their best Dice at the first look."""
    roles = [f"network{n}" for n in range(len(blends))]
    outcomes = [Outcome("c", "p", {36: 0.7}, 1, 1, 1)]
    made = SimpleNamespace(
        bundle=SimpleNamespace(name="toy+1", folder=Path("run/bundle")),
        courses={role: course(best) for role in roles},
        blends=dict(zip(roles, blends, strict=True)),
        before=outcomes,
        after=outcomes,
    )
    return summary(made).splitlines()  # type: ignore[arg-type]


def test_a_gain_that_does_not_show_is_none() -> None:
    lines = said(blend(0.700005), blend(0.700005), best=0.700005)
    assert not any("best after" in line for line in lines)
    assert (
        "no better than its parent by 0.0005 of Dice and F1 together, so left as it was" in lines[1]
    )
    assert lines[3].split() == ["0%", "0.7000", "1.0000", "0.8800", "0.9800", "taken"]
    assert lines[-1].startswith("Nothing was learnt that shows on the held-out cases")


def test_what_spoils_ordinary_heads_is_told_apart() -> None:
    lines = said(blend(0.8, WORSE), blend(0.700005), best=0.8)
    assert "best after step 1 (Dice 0.8000, F1 1.0000), but worse on ordinary heads" in lines[1]
    assert lines[-1].startswith("What was learnt spoils ordinary heads")


def test_one_network_that_went_on_is_something() -> None:
    lines = said(blend(0.8), blend(0.700005), best=0.8)
    assert lines[1].endswith(
        "best after step 1 (Dice 0.8000, F1 1.0000), 25% of the way there taken"
    )
    assert lines[-1].startswith("identification F1")


@pytest.mark.parametrize(("after", "share"), [(0.700005, 0.0), (0.7005, 1.0), (0.8, 1.0)])
def test_without_heads_too_a_gain_must_show(after: float, share: float) -> None:
    judge = Judge(None, Path(), [], [], "cpu", "full", {})  # type: ignore[arg-type]
    assert judge.blend("toothnet", {}, course(after)).share == share


def test_what_an_older_version_chose_by_dice_alone_is_chosen_anew(tmp_path: Path) -> None:
    path = tmp_path / "toothnet.blend.json"
    write_blend(path, blend(0.8))
    assert read_blend(path) == blend(0.8)
    values = json.loads(path.read_text())
    values["before"] = values["before"]["dice"]
    path.write_text(json.dumps(values))
    assert read_blend(path) is None
