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

from ToothSegLib.disk.atomic import replacing
from ToothSegLib.errors import UNSOUND_JSON
from ToothSegLib.training.skill import Skill

State = Mapping[str, Tensor]
SHARES = (0.25, 0.5, 0.75, 1.0)

# Of Dice and F1 together on held-out cases: no reason to go further from the parent.
_AS_GOOD = 0.005

# Likewise; less than this is a voxel here and there, and no reason to leave the parent at all.
SMALLEST_GAIN = 0.0005


@dataclass(frozen=True)
class Look:
    """A share of the way, its skill on the held-out cases, and on the heads if it was looked at."""

    share: float
    held_out: Skill
    skill: Skill | None = None


@dataclass(frozen=True)
class Blend:
    """How far a network went.

    Attributes:
        share: of the way from the parent, 0 to 1.
        parent: skill of the parent on the heads; None if nobody looked.
        looks: at each share that was tried.
        before: skill of the network as it was on the held-out cases; None if no share was tried.
    """

    share: float
    parent: Skill | None = None
    looks: tuple[Look, ...] = ()
    before: Skill | None = None

    @property
    def gains(self) -> bool:
        """Whether a share was good enough on the held-out cases to be looked at on the heads."""
        return any(look.skill is not None for look in self.looks)

    def as_text(self) -> str:
        """A line a share that was tried; empty if there was no choice."""
        if self.parent is None:
            return ""
        f1 = f"{'F1':>8}"
        lines = [f"{'of the way':>10}{'held-out: Dice':>17}{f1}{'heads: Dice':>14}{f1}"]
        untouched = [] if self.before is None else [Look(0.0, self.before, self.parent)]
        for look in (*untouched, *self.looks):
            held_out = f"{look.held_out.dice:>17.4f}{look.held_out.f1:>8.4f}"
            skill = f"{look.skill.dice:>14.4f}{look.skill.f1:>8.4f}" if look.skill else ""
            taken = "   taken" if look.share == self.share else ""
            lines.append(f"{look.share:>10.0%}{held_out}{skill}{taken}")
        return "\n".join(lines)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Blend:
        """What `as_dict` gave. Raises KeyError, TypeError or ValueError for anything else."""

        def skill(entry: Any) -> Skill:
            return Skill(float(entry["dice"]), float(entry["f1"]))

        def if_any(entry: Any) -> Skill | None:
            return None if entry is None else skill(entry)

        looks = (
            Look(float(e["share"]), skill(e["held_out"]), if_any(e["skill"]))
            for e in values["looks"]
        )
        return cls(
            float(values["share"]),
            if_any(values["parent"]),
            tuple(looks),
            if_any(values["before"]),
        )


def between(start: State, end: State, share: float) -> dict[str, Tensor]:
    """Weights a share of the way from ``start`` to ``end``; whole numbers are those of the end."""
    if share == 0:
        return dict(start)
    return {
        name: torch.lerp(start[name], tensor, share) if tensor.is_floating_point() else tensor
        for name, tensor in end.items()
    }


def is_gain(before: Skill, after: Skill) -> bool:
    """Whether Dice and F1 together are better by `SMALLEST_GAIN` or more, and neither has fallen by
    more than `Skill.keeps` lets pass; never for what is no number."""
    return after.keeps(before) and after.both - before.both >= SMALLEST_GAIN - 1e-9


def choose_share(
    before: Skill,
    held_out: Callable[[float], Skill],
    parent: Skill,
    skill: Callable[[float], Skill],
) -> Blend:
    """How far to go.

    Of the shares that gain on the parent on the held-out cases (`is_gain`), the smallest that is as
    good as the best one comes first, the others by Dice and F1 together; the first is taken that
    keeps the parent's skill on the heads, and none if none does.

    Args:
        before: the parent's skill on the held-out cases.
        held_out: that of a share.
        parent: the parent's skill on the heads.
        skill: that of a share; asked for as few as need be, for it takes its time.
    """
    found = {share: held_out(share) for share in SHARES}
    better = [share for share in SHARES if is_gain(before, found[share])]
    top = max((found[share].both for share in better), default=before.both)

    def preference(share: float) -> tuple[bool, float]:
        as_good = found[share].both >= top - _AS_GOOD
        return (False, share) if as_good else (True, -found[share].both)

    seen: dict[float, Skill] = {}
    chosen = 0.0
    for share in sorted(better, key=preference):
        seen[share] = skill(share)
        if seen[share].keeps(parent):
            chosen = share
            break
    looks = tuple(Look(share, found[share].rounded(), seen.get(share)) for share in SHARES)
    return Blend(chosen, parent, looks, before.rounded())


def read_blend(path: Path) -> Blend | None:
    """What was chosen before, if it was."""
    try:
        return Blend.from_dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, *UNSOUND_JSON):
        return None


def write_blend(path: Path, blend: Blend) -> None:
    """Keep it, so that a run that goes on need not choose again. Raises OutputError."""
    with replacing(path) as file:
        file.write((json.dumps(blend.as_dict(), indent=2) + "\n").encode())
