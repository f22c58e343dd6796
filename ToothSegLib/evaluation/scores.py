"""What an evaluation gives: scores by tooth, rates, means."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class ToothScore:
    """One tooth of the truth. Lengths in mm; NaN for what a missing tooth does not have.

    How each is measured is told by `distances.surface_distances` and `distances.root_end`.
    """

    fdi: int
    dice: float
    iou: float
    assd: float
    hd95: float
    signed_distance: float
    root_end: float
    truth_mm3: float
    predicted_mm3: float


@dataclass(frozen=True)
class Rates:
    """Precision, recall and F1 of a matching: NaN where nothing was there to be right about."""

    matched: int
    predicted: int
    true: int

    @classmethod
    def of_all(cls, rates: Iterable[Rates]) -> Rates:
        """Of several matchings taken together."""
        counted = list(rates)
        return cls(
            sum(one.matched for one in counted),
            sum(one.predicted for one in counted),
            sum(one.true for one in counted),
        )

    @property
    def precision(self) -> float:
        """Share of the predicted teeth that are right."""
        return self.matched / self.predicted if self.predicted else math.nan

    @property
    def recall(self) -> float:
        """Share of the true teeth that were found."""
        return self.matched / self.true if self.true else math.nan

    @property
    def f1(self) -> float:
        """Harmonic mean of the two."""
        both = self.predicted + self.true
        return 2 * self.matched / both if both else math.nan


@dataclass(frozen=True)
class Evaluation:
    """A label map against the truth.

    Args:
        teeth: one score for each tooth of the truth, ascending.
        extra: predicted teeth that the truth does not have.
        matches: predicted FDI number -> the true tooth that it covers with IoU >= 0.5, whatever
            that one's number.
        foreground_dice: of all teeth together against all teeth together.
        identification: a predicted tooth is right if its IoU with the true tooth of the same
            number is at least 0.5.
        detection: the same whatever the number.
        category_accuracy: share of the matches whose category (of eight) is right.
    """

    teeth: list[ToothScore]
    extra: list[int]
    matches: dict[int, int]
    foreground_dice: float
    identification: Rates
    detection: Rates
    category_accuracy: float

    @property
    def missed(self) -> list[int]:
        """Teeth of the truth that the prediction has no voxel of."""
        return [score.fdi for score in self.teeth if not score.predicted_mm3]

    @property
    def misnumbered(self) -> dict[int, int]:
        """Matches with a wrong number: predicted -> true."""
        return {number: true for number, true in self.matches.items() if number != true}

    def mean(self, measure: str) -> float:
        """Mean over the teeth of the truth of a measure of `ToothScore`.

        Missing teeth count as Dice 0 and IoU 0 and are left out of the distances; NaN if there
        is nothing to average.
        """
        values = [getattr(score, measure) for score in self.teeth]
        values = [value for value in values if not math.isnan(value)]
        return float(np.mean(values)) if values else math.nan


def as_dict(evaluation: Evaluation) -> dict[str, object]:
    """Plain values for JSON: ratios to four decimals, mm to three, None for NaN."""

    def number(value: float, digits: int = 4) -> float | None:
        return None if math.isnan(value) else round(value, digits)

    def rates(of: Rates) -> dict[str, object]:
        return {
            "precision": number(of.precision),
            "recall": number(of.recall),
            "f1": number(of.f1),
            "matched": of.matched,
            "predicted": of.predicted,
            "true": of.true,
        }

    return {
        "mean": {
            "dice": number(evaluation.mean("dice")),
            "assd_mm": number(evaluation.mean("assd"), 3),
            "hd95_mm": number(evaluation.mean("hd95"), 3),
            "signed_distance_mm": number(evaluation.mean("signed_distance"), 3),
            "root_end_mm": number(evaluation.mean("root_end"), 3),
        },
        "foreground_dice": number(evaluation.foreground_dice),
        "identification": rates(evaluation.identification),
        "detection": rates(evaluation.detection),
        "category_accuracy": number(evaluation.category_accuracy),
        "missed": evaluation.missed,
        "extra": evaluation.extra,
        "misnumbered": [
            {"predicted": a, "true": b} for a, b in sorted(evaluation.misnumbered.items())
        ],
        "teeth": [
            {
                "fdi": score.fdi,
                "dice": number(score.dice),
                "iou": number(score.iou),
                "assd_mm": number(score.assd, 3),
                "hd95_mm": number(score.hd95, 3),
                "signed_distance_mm": number(score.signed_distance, 3),
                "root_end_mm": number(score.root_end, 3),
                "truth_mm3": number(score.truth_mm3, 1),
                "predicted_mm3": number(score.predicted_mm3, 1),
            }
            for score in evaluation.teeth
        ],
    }
