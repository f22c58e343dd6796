"""How good weights are: within the whole cascade, as a user would see it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from torch import Tensor

from ToothSegLib.dataset.reviewed import ReviewedCase
from ToothSegLib.evaluation.outcomes import Outcome, Scored, outcomes_on
from ToothSegLib.models import Bundle, write_bundle
from ToothSegLib.training.bars import Tell, silent
from ToothSegLib.training.blending import Blend, between, choose_share, is_gain
from ToothSegLib.training.course import Course
from ToothSegLib.training.guard import GuardHead
from ToothSegLib.training.skill import Skill

States = dict[str, dict[str, Tensor]]
State = Mapping[str, Tensor]
_CANDIDATE = "candidate"


@dataclass
class Judge:
    """Tells how good weights are on cases and heads that no network of the run learns from.

    Args:
        parent: the bundle that learns on.
        folder: of the run; gets the candidate of the moment.
        held_out: cases to judge by.
        heads: on which the parent's skill is to be kept.
        device, precision: as of `cascade.segment`.
        states: weights of every role, as tuned so far.
        tell: called before each scan that is looked at.
    """

    parent: Bundle
    folder: Path
    held_out: Sequence[ReviewedCase]
    heads: Sequence[GuardHead]
    device: str
    precision: str
    states: States
    tell: Tell = silent

    def of_role(self, role: str) -> Callable[[State], Skill]:
        """Skill on the held-out cases of a role's weights beside the others'."""
        return lambda weights: Skill.on(self.outcomes({**self.states, role: dict(weights)}))

    def outcomes(self, states: States) -> list[Outcome]:
        """Results on the held-out cases."""
        return self._on(self._candidate(states), self.held_out)

    def outcomes_of_parent(self) -> list[Outcome]:
        """Those of the bundle that learns on."""
        return self._on(self.parent, self.held_out)

    def blend(self, role: str, tuned: State, course: Course) -> Blend:
        """How far a role goes from its weights so far to the tuned ones."""
        if not course.best[0]:
            return Blend(0.0)
        before, after = course.checks[0][1], course.best[1]
        if not self.heads:
            return Blend(1.0 if is_gain(before, after) else 0.0)
        start, judge = self.states[role], self.of_role(role)

        def held_out(share: float) -> Skill:
            return after if share == 1.0 else judge(between(start, tuned, share))

        def skill(share: float) -> Skill:
            states = {**self.states, role: between(start, tuned, share)}
            return self._skill(self._candidate(states))

        return choose_share(before, held_out, self._skill_of_parent, skill)

    def clear(self) -> None:
        """Take the candidate away."""
        shutil.rmtree(self.folder / _CANDIDATE, ignore_errors=True)

    @cached_property
    def _skill_of_parent(self) -> Skill:
        # Of the bundle, whatever role is tuned: many small falls must not add up.
        return self._skill(self.parent)

    def _skill(self, bundle: Bundle) -> Skill:
        return Skill.on(self._on(bundle, self.heads)).rounded()

    def _candidate(self, states: States) -> Bundle:
        # In half precision, as the bundle will be stored.
        return write_bundle(self.folder / _CANDIDATE, self.parent.card, states, half=True)

    def _on(self, bundle: Bundle, cases: Sequence[Scored]) -> list[Outcome]:
        what = "looking at ordinary heads" if cases is self.heads else "looking at held-out cases"
        outcomes = []
        self.tell(what, 0, len(cases))
        for outcome in outcomes_on(bundle, cases, self.device, self.precision):
            outcomes.append(outcome)
            self.tell(what, len(outcomes), len(cases))
        return outcomes
