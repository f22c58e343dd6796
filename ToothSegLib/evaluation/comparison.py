"""Two bundles on the same scans: what each gets, and how sure the difference is.

Scans of one patient, and the teeth of one scan, are no independent evidence: intervals are by
patients, each the same for both bundles; see `intervals`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from ToothSegLib.dataset.reviewed import ReviewedCase, reviewed_cases
from ToothSegLib.errors import InputError
from ToothSegLib.evaluation.intervals import FEWEST, interval
from ToothSegLib.evaluation.outcomes import Outcome, identification_f1, mean_dice
from ToothSegLib.lineage import learned_scans
from ToothSegLib.models import Bundle
from ToothSegLib.teeth import FDI_NUMBERS

Figure = Callable[[Sequence[Outcome]], float]


@dataclass(frozen=True)
class Difference:
    """One figure of two bundles, and B less A with its 95 % interval.

    Attributes:
        name: of the figure, or the FDI number of a tooth.
        patients: who show what it is about.
        a, b: of each bundle.
        low, high: ends of the interval; None where fewer than `FEWEST` patients say anything.
        of_tooth: whether it is of one tooth alone.
        chose_a, chose_b: those of the patients by whom the bundle was judged while it learned; see
            `Outcome.chose`.
    """

    name: str
    patients: int
    a: float
    b: float
    low: float | None
    high: float | None
    of_tooth: bool = False
    chose_a: int = 0
    chose_b: int = 0

    @property
    def change(self) -> float:
        """B less A."""
        return self.b - self.a

    @property
    def certain(self) -> bool:
        """Whether the change is more than chance: the interval leaves zero out.

        Never of a tooth alone: of 28 intervals one or two leave zero out by chance. Nor in favour
        of weights that some of the patients chose: where nothing is better in the long run, the
        best of six looks seemed better for certain on them in 8 to 16 of 100 draws of 6 to 12
        patients. Weights that are worse on them are so for certain.
        """
        if self.low is None or self.high is None or self.of_tooth:
            return False
        return (self.low > 0 and not self.chose_b) or (self.high < 0 and not self.chose_a)


def unseen_cases(folder: Path, bundles: Sequence[Bundle]) -> list[ReviewedCase]:
    """The reviewed cases of patients from whom none of the bundles, or its ancestors, learned.

    Raises:
        InputError: there are none, or the data set cannot be read.
    """
    cases = reviewed_cases(folder)
    known = set().union(*(learned_scans(bundle.card.get("lineage")) for bundle in bundles))
    seen = {case.patient for case in cases if case.is_among(known)}
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
        replace(
            _difference(str(fdi), _of_tooth(a, fdi), _of_tooth(b, fdi), mean_dice), of_tooth=True
        )
        for fdi in sorted(FDI_NUMBERS)
        if any(fdi in outcome.dice for outcome in a)
    ]
    rows.append(_difference("tooth Dice", a, b, mean_dice))
    rows.append(_difference("identification F1", a, b, identification_f1))
    return rows


def _of_tooth(outcomes: Sequence[Outcome], fdi: int) -> list[Outcome]:
    """The outcomes of the scans that show a tooth, that tooth alone."""
    return [
        replace(o, dice={fdi: o.dice[fdi]}, matched=0, predicted=0, true=0)
        for o in outcomes
        if fdi in o.dice
    ]


def _difference(
    name: str, a: Sequence[Outcome], b: Sequence[Outcome], figure: Figure
) -> Difference:
    of_a, of_b = _by_patient(a), _by_patient(b)
    # A patient without teeth says nothing of their outlines.
    patients = sorted(
        patient
        for patient in of_a
        if not (math.isnan(figure(of_a[patient])) and math.isnan(figure(of_b[patient])))
    )

    def change(left_out: str) -> float:
        ours = [outcome for outcome in a if outcome.patient != left_out]
        theirs = [outcome for outcome in b if outcome.patient != left_out]
        return figure(theirs) - figure(ours)

    whole = figure(a), figure(b)
    ends = None
    if len(patients) >= FEWEST:
        ends = interval(whole[1] - whole[0], [change(patient) for patient in patients])
    chose_a, chose_b = (
        len({outcome.patient for outcome in side if outcome.chose}.intersection(patients))
        for side in (a, b)
    )
    low, high = ends or (None, None)
    return Difference(name, len(patients), *whole, low, high, chose_a=chose_a, chose_b=chose_b)


def _by_patient(outcomes: Sequence[Outcome]) -> Mapping[str, list[Outcome]]:
    groups: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        groups.setdefault(outcome.patient, []).append(outcome)
    return groups


def as_table(names: tuple[str, str], rows: Sequence[Difference]) -> str:
    """A line a figure, with what star and interval mean below."""
    lines = [
        f"A = {names[0]}, B = {names[1]}; 95 % intervals of B - A by patients",
        f"{'':<20}{'patients':>9}{'A':>9}{'B':>9}{'B - A':>9}   interval",
    ]
    for row in rows:
        ends = "-" if row.low is None else f"{row.low:+.4f} to {row.high:+.4f}"
        lines.append(
            f"{row.name:<20}{row.patients:>9}{row.a:>9.4f}{row.b:>9.4f}{row.change:>+9.4f}   "
            f"{ends}{' *' if row.certain else ''}"
        )
    if any(row.certain for row in rows):
        lines.append("* more than chance: the interval leaves zero out")
    if any(row.of_tooth and row.low is not None for row in rows):
        lines.append(
            "No star for single teeth: of 28 intervals one or two leave zero out by chance."
        )
    for bundle in "AB":
        chose, patients = max(
            ((row.chose_a if bundle == "A" else row.chose_b, row.patients) for row in rows),
            default=(0, 0),
        )
        if chose:
            lines.append(
                f"No star where {bundle} is better: {chose} of {patients} patients chose when it "
                "stopped,\nwhich flatters it; patients whom no run has seen tell more"
            )
    if any(row.low is None for row in rows):
        lines.append(
            f"- no interval: fewer than {FEWEST} patients, too few to tell a change from chance"
        )
    return "\n".join(lines)


def as_dicts(rows: Sequence[Difference]) -> list[dict[str, Any]]:
    """For JSON; None for what is no number."""
    return [
        {
            name: None if isinstance(value, float) and not math.isfinite(value) else value
            for name, value in {**asdict(row), "change": row.change, "certain": row.certain}.items()
        }
        for row in rows
    ]
