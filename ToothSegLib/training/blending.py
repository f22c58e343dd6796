"""Only as far from its parent as does it good: a network between what it was and what it became.

Weights on the straight line between a network and what fine-tuning made of it mostly do the new
as well as its end and the old as well as its beginning (WiSE-FT: Wortsman et al., Robust
fine-tuning of zero-shot models, CVPR 2022). How far to go is chosen on held-out cases, and on
simulated heads on which the parent's skill must be kept; neither has been learned from.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ToothSegLib.atomic import replacing
from ToothSegLib.training.guard import Skill

State = Mapping[str, Tensor]
SHARES = (0.25, 0.5, 0.75, 1.0)

# Held-out Dice that is no reason to go further from the parent.
_AS_GOOD = 0.005


@dataclass(frozen=True)
class Look:
    """A share of the way, its held-out Dice, and its skill on the heads if that was looked at."""

    share: float
    dice: float
    skill: Skill | None = None


@dataclass(frozen=True)
class Blend:
    """How far a network went.

    Attributes:
        share: of the way from the parent, 0 to 1.
        parent: skill of the parent on the heads; None if nobody looked.
        looks: at each share that was tried.
    """

    share: float
    parent: Skill | None = None
    looks: tuple[Look, ...] = ()

    def as_text(self) -> str:
        """A line a share that was tried; empty if there was no choice."""
        if self.parent is None:
            return ""
        lines = [f"{'of the way':>10}{'held-out Dice':>16}{'heads: Dice':>14}{'F1':>8}"]
        for look in (Look(0.0, float("nan"), self.parent), *self.looks):
            skill = f"{look.skill.dice:>14.4f}{look.skill.f1:>8.4f}" if look.skill else ""
            dice = f"{look.dice:>16.4f}" if look.share else f"{'':>16}"
            taken = "   taken" if look.share == self.share else ""
            lines.append(f"{look.share:>10.0%}{dice}{skill}{taken}")
        return "\n".join(lines)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Blend:
        """What `as_dict` gave. Raises KeyError, TypeError or ValueError for anything else."""

        def skill(entry: Any) -> Skill | None:
            return None if entry is None else Skill(float(entry["dice"]), float(entry["f1"]))

        looks = (Look(float(e["share"]), float(e["dice"]), skill(e["skill"]))
                 for e in values["looks"])  # fmt: skip
        return cls(float(values["share"]), skill(values["parent"]), tuple(looks))


def between(start: State, end: State, share: float) -> dict[str, Tensor]:
    """Weights a share of the way from ``start`` to ``end``; whole numbers are those of the end."""
    if share == 0:
        return dict(start)
    return {
        name: torch.lerp(start[name], tensor, share) if tensor.is_floating_point() else tensor
        for name, tensor in end.items()
    }


def choose_share(
    before: float, dice: Callable[[float], float], parent: Skill, skill: Callable[[float], Skill]
) -> Blend:
    """How far to go.

    Of the shares that do better on the held-out cases than the parent, the smallest that is as
    good as the best one comes first, the others by their Dice; the first is taken that keeps the
    parent's skill on the heads, and none if none does.

    Args:
        before: the parent's held-out Dice.
        dice: held-out Dice of a share.
        parent: the parent's skill on the heads.
        skill: that of a share; asked for as few as need be, for it takes its time.
    """
    found = {share: dice(share) for share in SHARES}
    better = [share for share in SHARES if found[share] > before]
    top = max((found[share] for share in better), default=before)

    def preference(share: float) -> tuple[bool, float]:
        as_good = found[share] >= top - _AS_GOOD
        return (False, share) if as_good else (True, -found[share])

    seen: dict[float, Skill] = {}
    chosen = 0.0
    for share in sorted(better, key=preference):
        seen[share] = skill(share)
        if seen[share].keeps(parent):
            chosen = share
            break
    looks = tuple(Look(share, round(found[share], 4), seen.get(share)) for share in SHARES)
    return Blend(chosen, parent, looks)


def read_blend(path: Path) -> Blend | None:
    """What was chosen before, if it was."""
    try:
        return Blend.from_dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_blend(path: Path, blend: Blend) -> None:
    """Keep it, so that a run that goes on need not choose again. Raises OutputError."""
    with replacing(path) as file:
        file.write((json.dumps(blend.as_dict(), indent=2) + "\n").encode())
