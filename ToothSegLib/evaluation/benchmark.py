"""How well a bundle does on simulated scans whose teeth it has never seen.

    python -m ToothSegLib.evaluation.benchmark [--model NAME] [--anatomy DIR] [--hard]
        [--physics [SCANNER]]

The cases are drawn from seeds that no training uses. Half of them, where --anatomy names one
individual's meshes, carry that individual's teeth in their own places; name one that the bundle
was not trained on. The other half is procedural. With --physics the pictures are reconstructed
from simulated projections instead of being drawn (docs/physics.md), three to nine minutes each.
Every figure comes from the whole way through `cascade.segment`, as a user goes it.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from ToothSegLib import side_program
from ToothSegLib.bundles.model_card import CARD_NAME
from ToothSegLib.cascade import segment
from ToothSegLib.compute.devices import choose_device
from ToothSegLib.disk.atomic import replacing
from ToothSegLib.evaluation.metrics import evaluate
from ToothSegLib.evaluation.scores import Evaluation, Rates
from ToothSegLib.models import Bundle, load_bundle
from ToothSegLib.synthesis.case import Case
from ToothSegLib.synthesis.compose import make_case
from ToothSegLib.synthesis.conebeam import toolkit
from ToothSegLib.synthesis.mesh_form import Individual, load_individual
from ToothSegLib.synthesis.physics import simulate_cbct
from ToothSegLib.synthesis.pictures import ORDINARY
from ToothSegLib.synthesis.scanner import find_scanner
from ToothSegLib.synthesis.scans import simulate_scan
from ToothSegLib.volume import Volume

# Training draws its cases from seeds below this one. 900,000-900,999 were looked at while the
# numbering was made; figures are to come from scans that nothing was chosen by.
FIRST_SEED = 910_000

ScanMaker = Callable[[Case, int], tuple[Volume, Volume]]
"""Takes a case and a seed; gives the picture and the true labels on one grid."""


@dataclass(frozen=True)
class CaseResult:
    """One case and how it went; ``confidences`` are of the teeth found, by FDI number."""

    name: str
    evaluation: Evaluation
    seconds: float
    confidences: dict[int, float] = field(default_factory=dict)


def run_benchmark(
    bundle: Bundle,
    individuals: Sequence[Individual],
    cases: int,
    device: str = "auto",
    *,
    ordinary: bool = True,
    first_seed: int = FIRST_SEED,
    make_scan: ScanMaker | None = None,
) -> Iterator[CaseResult]:
    """Segment and score the cases, one by one.

    Args:
        bundle: to measure.
        individuals: whose teeth every second case carries; may be empty.
        cases: how many.
        device: as of `cascade.segment`.
        ordinary: ordinary bites on a decent scanner; else the full spread of the training, where
            a picture may be worse than any scanner's and teeth lie in any disorder.
        first_seed: of the cases.
        make_scan: the scanner, by default `simulate_scan` as poor as ``ordinary`` says.
    """
    make_scan = make_scan or partial(simulate_scan, strength=ORDINARY if ordinary else 1.0)
    for n in range(cases):
        mesh = bool(individuals) and n % 2 == 1
        seed = first_seed + n
        case = make_case(
            seed, individuals if mesh else (), in_place=1.0, real_forms=mesh, ordinary=ordinary
        )
        image, truth = make_scan(case, seed)
        started = time.perf_counter()
        result = segment(image, bundle=bundle, device=device)
        seconds = time.perf_counter() - started
        source = individuals[0].name if mesh else "procedural"
        confidences = {tooth.fdi: tooth.confidence for tooth in result.teeth}
        evaluation = evaluate(result.labels, truth)
        yield CaseResult(f"{seed} {source}", evaluation, seconds, confidences)


def summarise(results: Sequence[CaseResult]) -> dict[str, float]:
    """Means over all teeth of all cases, and rates over all of them together.

    A true tooth that was not found counts as Dice 0; surface distances are over those found.
    """
    teeth = [tooth for result in results for tooth in result.evaluation.teeth]
    found = [tooth for tooth in teeth if tooth.predicted_mm3 > 0]

    def mean(values: list[float]) -> float:
        finite = [value for value in values if np.isfinite(value)]
        return float(np.mean(finite)) if finite else float("nan")

    identified = Rates.of_all(result.evaluation.identification for result in results)
    return {
        "cases": len(results),
        "teeth": len(teeth),
        "tooth_dice": mean([tooth.dice for tooth in teeth]),
        "identification_f1": identified.f1,
        "assd_mm": mean([tooth.assd for tooth in found]),
        "hd95_mm": mean([tooth.hd95 for tooth in found]),
        "signed_distance_mm": mean([tooth.signed_distance for tooth in found]),
        "root_end_mm": mean([tooth.root_end for tooth in found]),
        "seconds": mean([result.seconds for result in results]),
    }


def as_text(results: Sequence[CaseResult]) -> str:
    """A line a case, and the summary."""
    lines = [f"{'case':<28}{'teeth':>6}{'Dice':>8}{'id. F1':>8}{'seconds':>9}"]
    for result in results:
        figures = summarise([result])
        lines.append(
            f"{result.name:<28}{figures['teeth']:>6}{figures['tooth_dice']:>8.3f}"
            f"{figures['identification_f1']:>8.3f}{figures['seconds']:>9.1f}"
        )
    lines.append("")
    lines += [f"{name:<22}{value:.4g}" for name, value in summarise(results).items()]
    return "\n".join(lines)


def write_figures(
    bundle: Bundle, figures: dict[str, float], individuals: list[str], kind: str
) -> None:
    """Put the summary into the bundle's card, with what it was measured on.

    Raises:
        OutputError: the card cannot be written.
    """
    card = dict(bundle.card)
    measured = {name: round(value, 4) for name, value in figures.items() if np.isfinite(value)}
    measured.pop("seconds", None)  # says more about the machine than about the weights
    source = ", ".join(["procedural", *individuals])
    simulated = {**measured, "teeth_from": source, "first_seed": FIRST_SEED}
    card["figures"] = {**(bundle.card.get("figures") or {}), f"simulated, {kind}": simulated}
    with replacing(bundle.folder / CARD_NAME) as file:
        file.write((json.dumps(card, indent=2, ensure_ascii=False) + "\n").encode())


@side_program.program
def main(arguments: Sequence[str] | None = None) -> None:
    """Command line; see the module's docstring."""
    parser = side_program.parser(
        "ToothSegLib.evaluation.benchmark", "Measure a bundle on simulated scans."
    )
    side_program.add_model(parser)
    side_program.add_anatomy(parser)
    side_program.add_cases(parser, 10)
    side_program.add_device(parser)
    parser.add_argument(
        "--hard",
        action="store_true",
        help="the full spread of the training pictures and dentitions",
    )
    parser.add_argument(
        "--physics",
        nargs="?",
        const="standard",
        metavar="SCANNER",
        help="scan by simulated physics; needs the extra 'physics'",
    )
    parser.add_argument(
        "--card", action="store_true", help="write the summary into the bundle's card"
    )
    _run(parser.parse_args(arguments))


def _run(args: argparse.Namespace) -> None:
    from tqdm import tqdm

    choose_device(args.device)  # rather told now than after the first case
    individuals = [load_individual(args.anatomy)] if args.anatomy else []
    bundle = load_bundle(args.model)
    kind = "hard" if args.hard else "ordinary"
    make_scan: ScanMaker | None = None
    if args.physics is not None:
        make_scan = partial(simulate_cbct, scanner=find_scanner(args.physics))
        toolkit()
        kind = f"{kind}, physics of the {args.physics} scanner"
    steps = run_benchmark(
        bundle, individuals, args.cases, args.device, ordinary=not args.hard, make_scan=make_scan
    )
    results = list(tqdm(steps, total=args.cases, unit="case", file=sys.stderr))
    print(f"bundle {bundle.name}\n{as_text(results)}")
    if args.card:
        names = [individual.name for individual in individuals]
        write_figures(bundle, summarise(results), names, kind)


if __name__ == "__main__":
    sys.exit(main())
