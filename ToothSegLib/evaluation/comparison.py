"""Two bundles on the same scans: what each gets, and how sure the difference is.

Scans of one patient, and the teeth of one scan, are no independent evidence: the bootstrap (Efron,
Annals of Statistics 1979; percentile intervals) draws whole patients, and every draw takes the same
patients for both bundles.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import bootstrap

from ToothSegLib.dataset.reviewed import ReviewedCase, reviewed_cases
from ToothSegLib.errors import InputError
from ToothSegLib.evaluation.outcomes import Outcome, identification_f1, mean_dice
from ToothSegLib.lineage import learned_scans
from ToothSegLib.models import Bundle
from ToothSegLib.teeth import FDI_NUMBERS

_DRAWS = 2000
_SEED = 0
Figure = Callable[[Sequence[Outcome]], float]


@dataclass(frozen=True)
class Difference:
    """One figure of two bundles, and B less A with its 95 % interval.

    ``low`` and ``high`` are None where fewer than two patients say anything.
    """

    name: str
    patients: int
    a: float
    b: float
    low: float | None
    high: float | None

    @property
    def change(self) -> float:
        """B less A."""
        return self.b - self.a

    @property
    def certain(self) -> bool:
        """Whether the interval leaves zero out."""
        return self.low is not None and self.high is not None and self.low * self.high > 0


def unseen_cases(folder: Path, bundles: Sequence[Bundle]) -> list[ReviewedCase]:
    """The reviewed cases of patients from whom none of the bundles, or its ancestors, learned.

    Raises:
        InputError: there are none, or the data set cannot be read.
    """
    cases = reviewed_cases(folder)
    known = set().union(*(learned_scans(bundle.card.get("lineage")) for bundle in bundles))
    seen = {case.patient for case in cases if case.scan_sha256 in known}
    unseen = [case for case in cases if case.patient not in seen]
    if not unseen:
        raise InputError(
            f"{' or '.join(bundle.name for bundle in bundles)} learned from every patient in "
            f"{folder}: nothing there can tell which is better"
        )
    return unseen


def compare(a: Sequence[Outcome], b: Sequence[Outcome]) -> list[Difference]:
    """Mean Dice of each tooth, of all teeth, and the F1 of identification, side by side.

    Args:
        a, b: outcomes of two bundles on the same cases, in the same order.

    Raises:
        ValueError: the cases are not the same.
    """
    if [outcome.name for outcome in a] != [outcome.name for outcome in b]:
        raise ValueError("the outcomes are of different cases")
    rows = [
        _difference(str(fdi), _of_tooth(a, fdi), _of_tooth(b, fdi), mean_dice)
        for fdi in sorted(FDI_NUMBERS)
        if any(fdi in outcome.dice for outcome in a)
    ]
    rows.append(_difference("tooth Dice", a, b, mean_dice))
    rows.append(_difference("identification F1", a, b, identification_f1))
    return rows


def _of_tooth(outcomes: Sequence[Outcome], fdi: int) -> list[Outcome]:
    """The outcomes of the scans that show a tooth, that tooth alone."""
    return [
        Outcome(o.name, o.patient, {fdi: o.dice[fdi]}, 0, 0, 0) for o in outcomes if fdi in o.dice
    ]


def _difference(
    name: str, a: Sequence[Outcome], b: Sequence[Outcome], figure: Figure
) -> Difference:
    patients = sorted({outcome.patient for outcome in a})
    of_a, of_b = _by_patient(a), _by_patient(b)

    def change(drawn: np.ndarray) -> float:
        ours = [outcome for number in drawn for outcome in of_a[patients[int(number)]]]
        theirs = [outcome for number in drawn for outcome in of_b[patients[int(number)]]]
        return figure(theirs) - figure(ours)

    low = high = None
    if len(patients) > 1:
        result = bootstrap(
            (np.arange(len(patients)),), change, vectorized=False, method="percentile",
            n_resamples=_DRAWS, random_state=np.random.default_rng(_SEED),
        )  # fmt: skip
        ends = float(result.confidence_interval.low), float(result.confidence_interval.high)
        low, high = ends if all(map(math.isfinite, ends)) else (None, None)
    return Difference(name, len(patients), figure(a), figure(b), low, high)


def _by_patient(outcomes: Sequence[Outcome]) -> Mapping[str, list[Outcome]]:
    groups: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        groups.setdefault(outcome.patient, []).append(outcome)
    return groups


def as_table(names: tuple[str, str], rows: Sequence[Difference]) -> str:
    """A line a figure; a star where the interval leaves zero out."""
    lines = [
        f"A = {names[0]}, B = {names[1]}; 95 % intervals of B - A by patients, * excludes zero",
        f"{'':<20}{'patients':>9}{'A':>9}{'B':>9}{'B - A':>9}   interval",
    ]
    for row in rows:
        interval = "-" if row.low is None else f"{row.low:+.4f} to {row.high:+.4f}"
        lines.append(
            f"{row.name:<20}{row.patients:>9}{row.a:>9.4f}{row.b:>9.4f}{row.change:>+9.4f}   "
            f"{interval}{' *' if row.certain else ''}"
        )
    if any(row.low is None for row in rows):
        lines.append("- no interval: it takes two patients at least")
    return "\n".join(lines)


def as_dicts(rows: Sequence[Difference]) -> list[dict[str, Any]]:
    """For JSON; None for what is no number."""
    return [
        {
            name: None if isinstance(value, float) and not math.isfinite(value) else value
            for name, value in {**asdict(row), "change": row.change}.items()
        }
        for row in rows
    ]
