"""An evaluation as a table to read."""

from __future__ import annotations

import math
from collections.abc import Mapping

from ToothSegLib.evaluation.scores import Evaluation, Rates
from ToothSegLib.teeth import by_fdi


def as_table(evaluation: Evaluation) -> str:
    """A line a tooth of the truth, then the means and the rates."""
    lines = [
        f"{'tooth':<32}{'Dice':>7}{'ASSD':>8}{'HD95':>8}{'signed':>8}{'root':>8}{'mm3':>8}{'truth':>8}"
    ]
    for score in evaluation.teeth:
        name = f"{score.fdi} {by_fdi(score.fdi).name}"
        lines.append(
            f"{name:<32}{score.dice:>7.3f}{_mm(score.assd):>8}{_mm(score.hd95):>8}"
            f"{_mm(score.signed_distance, sign=True):>8}{_mm(score.root_end, sign=True):>8}"
            f"{score.predicted_mm3:>8.0f}{score.truth_mm3:>8.0f}"
        )
    mean = evaluation.mean
    lines.append(
        f"{f'mean of {len(evaluation.teeth)} teeth':<32}{_ratio(mean('dice')):>7}"
        f"{_mm(mean('assd')):>8}{_mm(mean('hd95')):>8}"
        f"{_mm(mean('signed_distance'), sign=True):>8}{_mm(mean('root_end'), sign=True):>8}"
    )
    lines += [
        "",
        "Dice: a missed tooth counts as 0. Distances in mm, of the teeth that are on both sides;",
        "signed: negative where the prediction is thinner than the truth; root: negative where its",
        "root ends short of the true one.",
        "",
        f"all teeth together   Dice {_ratio(evaluation.foreground_dice)}",
        f"identification       {_rates(evaluation.identification)}   (IoU >= 0.5, right number)",
        f"detection            {_rates(evaluation.detection)}   (IoU >= 0.5, any number)",
        f"category             {_ratio(evaluation.category_accuracy)} of the matched teeth right",
        f"missed               {_numbers(evaluation.missed)}",
        f"extra                {_numbers(evaluation.extra)}",
        f"wrong number         {_pairs(evaluation.misnumbered)}",
    ]
    return "\n".join(lines)


def outside_as_text(outside: Mapping[int, tuple[float, float]]) -> str:
    """A sentence about the teeth that `resample.outside_of` gives, with a newline; "" without any.

    Less than half a per cent is left away: a border's voxels, which only differ in size.
    """
    whole = [str(fdi) for fdi, (_, share) in outside.items() if share == 1]
    parts = [
        f"{min(round(100 * share), 99)} % of {fdi}"
        for fdi, (_, share) in outside.items()
        if 0.005 <= share < 1
    ]
    if not whole + parts:
        return ""
    return f"Outside the truth's grid, and not counted: {', '.join(whole + parts)}.\n"


def _rates(rates: Rates) -> str:
    return (
        f"precision {_ratio(rates.precision)}  recall {_ratio(rates.recall)}  F1 {_ratio(rates.f1)}"
    )


def _ratio(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.3f}"


def _mm(value: float, *, sign: bool = False) -> str:
    return "-" if math.isnan(value) else f"{value:+.2f}" if sign else f"{value:.2f}"


def _numbers(numbers: list[int]) -> str:
    return ", ".join(map(str, numbers)) or "none"


def _pairs(pairs: dict[int, int]) -> str:
    return ", ".join(f"{a} is {b}" for a, b in sorted(pairs.items())) or "none"
