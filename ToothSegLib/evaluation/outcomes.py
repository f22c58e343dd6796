"""How a bundle does on one scan after the other, in the few numbers that comparisons need."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Protocol

import numpy as np

from ToothSegLib.cascade import segment
from ToothSegLib.dataset.reviewed import ReviewedCase
from ToothSegLib.evaluation.metrics import evaluate
from ToothSegLib.evaluation.scores import Evaluation
from ToothSegLib.lineage import held_out_scans
from ToothSegLib.models import Bundle
from ToothSegLib.volume import Volume


class Scored(Protocol):
    """A scan with labels to measure against: a `ReviewedCase`, or a simulated head."""

    @property
    def id(self) -> str: ...

    @property
    def patient(self) -> str: ...

    def image(self) -> Volume: ...

    def labels(self) -> Volume: ...


@dataclass(frozen=True)
class Outcome:
    """One scan's result against the truth.

    Attributes:
        name: of the case.
        patient: whose scan it is; scans of one patient are no independent evidence.
        dice: by FDI number of the teeth of the truth; 0 for one that was not found.
        matched, predicted, true: teeth, as of `scores.Rates` for identification.
        chose: whether the bundle, or an ancestor, was judged by this scan while it learned, which
            flatters it.
    """

    name: str
    patient: str
    dice: Mapping[int, float]
    matched: int
    predicted: int
    true: int
    chose: bool = False

    @classmethod
    def of(cls, name: str, patient: str, evaluation: Evaluation) -> Outcome:
        """From a full evaluation."""
        rates = evaluation.identification
        dice = {score.fdi: score.dice for score in evaluation.teeth}
        return cls(name, patient, dice, rates.matched, rates.predicted, rates.true)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {**asdict(self), "dice": {str(fdi): value for fdi, value in self.dice.items()}}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Outcome:
        """What `as_dict` gave. Raises KeyError, TypeError or ValueError for anything else."""
        dice = {int(fdi): float(value) for fdi, value in values["dice"].items()}
        matched, predicted, true = (int(values[n]) for n in ("matched", "predicted", "true"))
        return cls(str(values["name"]), str(values["patient"]), dice, matched, predicted, true)


def outcomes_on(
    bundle: Bundle, cases: Sequence[Scored], device: str = "auto", precision: str = "auto"
) -> Iterator[Outcome]:
    """Segment scans as a user would, and measure against what the reader left, or the truth.

    Raises:
        InputError: a scan or its labels cannot be read.
        BundleError: the bundle is damaged.
    """
    judged_by = held_out_scans(bundle.card.get("lineage"))
    for case in cases:
        result = segment(case.image(), bundle=bundle, device=device, precision=precision)
        outcome = Outcome.of(case.id, case.patient, evaluate(result.labels, case.labels()))
        yield replace(outcome, chose=isinstance(case, ReviewedCase) and case.is_among(judged_by))


def mean_dice(outcomes: Iterable[Outcome]) -> float:
    """Over all teeth of all scans; NaN if there is none."""
    values = [value for outcome in outcomes for value in outcome.dice.values()]
    return float(np.mean(values)) if values else math.nan


def identification_f1(outcomes: Sequence[Outcome]) -> float:
    """Over all teeth of all scans; NaN if there is none, neither true nor found."""
    either = sum(outcome.predicted + outcome.true for outcome in outcomes)
    return 2.0 * sum(outcome.matched for outcome in outcomes) / either if either else math.nan
