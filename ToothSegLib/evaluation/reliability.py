"""Whether a tooth's confidence says how often it is right, and a table that makes it so.

    python -m ToothSegLib.evaluation.reliability [--model NAME] [--cases 20] [--hard] [--card]

A tooth of a result is right if its IoU with the true tooth of the same number is at least 0.5.
The reliability curve and the expected calibration error are those of Guo et al. (On Calibration of
Modern Neural Networks, ICML 2017); the table is an isotonic regression (Zadrozny and Elkan, KDD
2002). The error with the table is measured on every second case with a table of the others.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
from scipy.optimize import isotonic_regression

from ToothSegLib import side_program
from ToothSegLib.bundles.model_card import CARD_NAME
from ToothSegLib.calibration import look_up
from ToothSegLib.compute.devices import choose_device
from ToothSegLib.disk.atomic import replacing
from ToothSegLib.evaluation.benchmark import CaseResult, run_benchmark
from ToothSegLib.evaluation.metrics import MATCH_IOU
from ToothSegLib.models import Bundle, load_bundle
from ToothSegLib.synthesis.mesh_form import load_individual

# Neither trained on nor reported in the benchmark.
FIRST_SEED = 917_000
EDGES = (0.0, 0.5, 0.8, 0.95, 0.99, 1.0)
"""Of the bins of confidence; most teeth are sure, so they are narrow there."""

# Fewer teeth say little about a share.
_TEETH_A_KNOT = 40
# By less than a fifth of the error a table may help by chance: it moves all confidences, and with
# them what is told as unsure.
_HELPS = 0.8

Table = list[list[float]]


@dataclass(frozen=True)
class Judged:
    """One tooth of a result: how sure the program was, and whether it was right."""

    confidence: float
    right: bool


@dataclass(frozen=True)
class Bin:
    """The teeth whose confidence lies in ``low`` to ``high``."""

    low: float
    high: float
    teeth: int
    confidence: float
    """Mean."""
    right: float
    """Share."""


def judge(result: CaseResult) -> list[Judged]:
    """Every tooth of one result; those that the truth does not have are wrong."""
    iou = {score.fdi: score.iou for score in result.evaluation.teeth}
    return [
        Judged(confidence, iou.get(fdi, 0.0) >= MATCH_IOU)
        for fdi, confidence in sorted(result.confidences.items())
    ]


def reliability_curve(judged: Sequence[Judged], edges: Sequence[float] = EDGES) -> list[Bin]:
    """The bins that have teeth in them, ascending.

    Args:
        judged: any number of teeth.
        edges: rising, from 0 to 1; a bin holds its lower edge, the last one both.
    """
    sure, right = _arrays(judged)
    place = np.clip(np.searchsorted(edges, sure, side="right") - 1, 0, len(edges) - 2)
    return [
        Bin(
            float(edges[n]),
            float(edges[n + 1]),
            int((place == n).sum()),
            float(sure[place == n].mean()),
            float(right[place == n].mean()),
        )
        for n in np.unique(place)
    ]


def expected_error(curve: Sequence[Bin]) -> float:
    """Expected calibration error: how far a bin's confidence is from its share right, on average
    over the teeth. NaN without teeth."""
    teeth = sum(part.teeth for part in curve)
    if not teeth:
        return float("nan")
    return sum(part.teeth * abs(part.confidence - part.right) for part in curve) / teeth


def fit_table(judged: Sequence[Judged]) -> Table:
    """Confidence to share right, rising, at some ten knots; [] for too few teeth to tell.

    Teeth of equal number make a knot; each share counts one right and one wrong tooth more, so that
    no tooth is said to be surely right. Below the first knot the table says nothing, as few teeth
    are so unsure; `calibration.look_up` says what becomes of them.
    """
    knots = min(12, len(judged) // _TEETH_A_KNOT)
    if knots < 2:
        return []
    sure, right = _arrays(sorted(judged, key=lambda tooth: tooth.confidence))
    parts = np.array_split(np.arange(len(sure)), knots)
    at = [float(sure[part].mean()) for part in parts]
    share = [(right[part].sum() + 1) / (len(part) + 2) for part in parts]
    rising = isotonic_regression(share, weights=[len(part) for part in parts]).x
    table: Table = []
    for confidence, value in zip(at, rising):
        pair = [round(confidence, 5), round(float(value), 4)]
        if not table or pair[0] > table[-1][0]:
            table.append(pair)
    return table


def with_table(judged: Sequence[Judged], table: Table) -> list[Judged]:
    """The same teeth with calibrated confidences; as they are with an empty table."""
    if not table:
        return list(judged)
    return [Judged(look_up(table, tooth.confidence), tooth.right) for tooth in judged]


def crossed_error(cases: Sequence[Sequence[Judged]]) -> float:
    """Expected calibration error of every second case with a table of the others, both ways.

    NaN if one half has too few teeth for a table.
    """
    halves = [[tooth for case in cases[start::2] for tooth in case] for start in range(2)]
    tables = [fit_table(half) for half in halves]
    if not all(tables):
        return float("nan")
    crossed = [*with_table(halves[0], tables[1]), *with_table(halves[1], tables[0])]
    return expected_error(reliability_curve(crossed))


def as_text(curve: Sequence[Bin]) -> str:
    """The curve as Markdown."""
    lines = ["| confidence | teeth | mean confidence | right |", "| --- | --- | --- | --- |"]
    lines += [
        f"| {part.low:.2f} to {part.high:.2f} | {part.teeth} | {part.confidence:.3f} | "
        f"{part.right:.3f} |"
        for part in curve
    ]
    return "\n".join(lines)


def write_calibration(
    bundle: Bundle, table: Table | None, curve: Sequence[Bin], about: dict[str, object]
) -> None:
    """Put the table, the curve that it was made from and what is known of it into the card.

    Without a table the card loses the one that it had: confidences are taken as they are.

    Raises:
        OutputError: the card cannot be written.
    """
    card = dict(bundle.card)
    card.pop("calibration", None)
    if table is not None:
        card["calibration"] = table
    card["reliability"] = {**about, "curve": [asdict(part) for part in curve]}
    with replacing(bundle.folder / CARD_NAME) as file:
        file.write((json.dumps(card, indent=2, ensure_ascii=False) + "\n").encode())


def _arrays(judged: Sequence[Judged]) -> tuple[np.ndarray, np.ndarray]:
    sure = np.array([tooth.confidence for tooth in judged], float)
    return sure, np.array([tooth.right for tooth in judged], float)


@side_program.program
def main(arguments: Sequence[str] | None = None) -> None:
    """Command line; see the module's docstring."""
    parser = side_program.parser(
        "ToothSegLib.evaluation.reliability",
        "Compare the confidence of a bundle's teeth with how often they are right.",
    )
    side_program.add_model(parser)
    side_program.add_anatomy(parser)
    side_program.add_cases(parser, 20, least=2, why="one to fit and one to measure")
    parser.add_argument(
        "--seed",
        type=int,
        default=FIRST_SEED,
        help=f"number of the first head (default: {FIRST_SEED})",
    )
    side_program.add_device(parser)
    parser.add_argument(
        "--hard",
        action="store_true",
        help="the full spread of the training pictures and dentitions",
    )
    parser.add_argument(
        "--card", action="store_true", help="write the table and the curve into the bundle's card"
    )
    _run(parser.parse_args(arguments))


def _run(args: argparse.Namespace) -> None:
    from tqdm import tqdm

    choose_device(args.device)  # rather told now than after the first case
    individuals = [load_individual(args.anatomy)] if args.anatomy else []
    bundle = _uncalibrated(load_bundle(args.model))
    steps = run_benchmark(
        bundle,
        individuals,
        args.cases,
        args.device,
        ordinary=not args.hard,
        first_seed=args.seed,
    )
    cases = [judge(result) for result in tqdm(steps, total=args.cases, unit="case")]
    judged = [tooth for case in cases for tooth in case]
    curve, table = reliability_curve(judged), fit_table(judged)
    before, after = expected_error(curve), crossed_error(cases)
    print(f"bundle {bundle.name}, {args.cases} cases from seed {args.seed}\n\n{as_text(curve)}\n")
    print(f"expected calibration error {before:.4f}; calibrated on other cases {after:.4f}")
    if np.isnan(after):
        print("too few teeth in half of the cases for a table: give more --cases")
        return
    print(f"table {table}")
    helps = after < _HELPS * before
    if not helps:
        print("the table would help too little: confidences are to be taken as they are")
    if args.card:
        about: dict[str, object] = {
            "cases": args.cases,
            "first_seed": args.seed,
            "expected_error": round(before, 4),
            "expected_error_calibrated": round(after, 4),
        }
        write_calibration(bundle, table if helps else None, curve, about)


def _uncalibrated(bundle: Bundle) -> Bundle:
    """The same bundle without the table that an earlier run left."""
    card = {name: value for name, value in bundle.card.items() if name != "calibration"}
    return Bundle(bundle.name, bundle.folder, card, bundle.networks)


if __name__ == "__main__":
    sys.exit(main())
