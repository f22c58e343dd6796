"""How good a bundle is on some scans, in two figures, of which neither may pay for the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ToothSegLib.evaluation.outcomes import Outcome, identification_f1, mean_dice
from ToothSegLib.evaluation.promotion import TOLERANCE

# Half of what promoting lets pass: it was chosen by, and is measured on few scans.
LARGEST_FALL = TOLERANCE / 2


@dataclass(frozen=True)
class Skill:
    """Mean Dice of the true teeth, and F1 of identification, which teeth that are none lower."""

    dice: float
    f1: float

    @classmethod
    def on(cls, outcomes: Sequence[Outcome]) -> Skill:
        """From results on scans."""
        return cls(mean_dice(outcomes), identification_f1(outcomes))

    @property
    def both(self) -> float:
        """One number to rank by: Dice and F1 together, 0 to 2."""
        return self.dice + self.f1

    def keeps(self, before: Skill) -> bool:
        """Whether neither figure is below another's by more than `LARGEST_FALL`."""
        fall = max(before.dice - self.dice, before.f1 - self.f1)
        return bool(fall <= LARGEST_FALL + 1e-9)  # never for what is no number

    def rounded(self) -> Skill:
        """To the four digits that are shown."""
        return Skill(round(self.dice, 4), round(self.f1, 4))
