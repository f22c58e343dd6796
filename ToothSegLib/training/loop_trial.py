"""The whole loop once, with a program in the annotator's place: does correcting make it better?

    python -m ToothSegLib.training.loop_trial -o DIR [--model NAME]

A bundle predicts scans of a kind that it is bad at: metal crowns on every tooth, in the poorest of
pictures. An automatic annotator corrects them from the truth, in a data set. The bundle learns on
from most of them; the rest tell it when to stop. Then both bundles are compared on scans that
neither training nor stopping has seen, and on the fixed benchmark. What is done is kept in DIR, so
the same command goes on where it was stopped.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ToothSegLib.cascade import segment
from ToothSegLib.dataset.case import DatasetCase
from ToothSegLib.dataset.folder import CaseMeta, Dataset
from ToothSegLib.dataset.marker import MARKER
from ToothSegLib.dataset.record import APPROVED, CORRECTED, MISSING, Change, Prediction
from ToothSegLib.dataset.reviewed import reviewed_cases
from ToothSegLib.dataset.voxels import teeth_of
from ToothSegLib.errors import InputError, ToothSegError
from ToothSegLib.evaluation.comparison import Difference, as_table, compare, unseen_cases
from ToothSegLib.evaluation.fixed_benchmark import fixed_benchmark
from ToothSegLib.evaluation.outcomes import outcomes_on
from ToothSegLib.evaluation.promotion import TOLERANCE
from ToothSegLib.models import Bundle, load_bundle
from ToothSegLib.synthesis.compose import Wish, make_case
from ToothSegLib.synthesis.scans import simulate_scan
from ToothSegLib.teeth import LOWER_ARCH, UPPER_ARCH
from ToothSegLib.training.finetune import FineTuned, fine_tune
from ToothSegLib.training.finetune_plan import Plan
from ToothSegLib.training.processes import Processes
from ToothSegLib.training.split import split_by_patient
from ToothSegLib.volume import Volume

ScanMaker = Callable[[int], tuple[Volume, Volume]]
"""Takes a seed; gives a scan and its true labels."""

# Beyond those of any training and of the other benchmarks.
_CORRECTED_SEED, _UNSEEN_SEED = 940_000, 946_000
_ANNOTATOR = "automatic"


@dataclass(frozen=True)
class Sizes:
    """How many scans there are of each part."""

    learned: int = 8
    stopping: int = 2
    unseen: int = 8


@dataclass(frozen=True)
class Result:
    """What came of it: B is the bundle that has learnt on from A.

    Attributes:
        made: of the fine-tuning.
        changes: corrections of the annotator, over all scans.
        unseen, benchmark: A against B on the unseen scans and on the fixed benchmark.
    """

    made: FineTuned
    changes: int
    unseen: list[Difference]
    benchmark: list[Difference]

    def failures(self) -> list[str]:
        """In words, what does not hold that the loop promises."""
        told = []
        for row in self.unseen[-2:]:
            if row.low is None or row.low <= 0:
                told.append(f"{row.name} on the unseen scans did not rise for certain")
        for row in self.benchmark[-2:]:
            if not row.change >= -TOLERANCE:
                told.append(f"{row.name} on the fixed benchmark fell by {-row.change:.4f}")
        return told


def crowned_scan(seed: int) -> tuple[Volume, Volume]:
    """An ordinary bite with a metal crown on every tooth, in a picture as poor as they come."""
    case = make_case(seed, ordinary=True, wish=Wish(crowned=(*UPPER_ARCH, *LOWER_ARCH)))
    return simulate_scan(case, seed, strength=1.0)


def run_trial(
    folder: Path,
    parent: Bundle,
    plan: Plan,
    processes: Processes,
    *,
    sizes: Sizes = Sizes(),
    make_scan: ScanMaker = crowned_scan,
    heads: Path | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> Result:
    """Predict, correct, learn on, compare.

    Args:
        folder: gets two data sets and the run, and is gone on with if they are there.
        parent: the bundle that is bad at it.
        plan: of the fine-tuning; its seed is replaced by the first that splits as ``sizes`` say.
        processes: where it computes.
        sizes: how many scans.
        make_scan: the kind of scan.
        heads: as of `fine_tune`.
        say: told what is being done.

    Raises:
        InputError, BundleError, OutputError: as of `fine_tune`; or no seed splits so.
    """
    device = str(processes.device)
    corrected = _opened(folder / "corrected")
    for number in range(sizes.learned + sizes.stopping):
        say(f"predict and correct scan {number + 1} of {sizes.learned + sizes.stopping}")
        _predict_and_correct(
            corrected, f"scan-{number + 1}", make_scan, _CORRECTED_SEED + number, parent, device
        )
    unseen = _opened(folder / "unseen")
    for number in range(sizes.unseen):
        say(f"simulate unseen scan {number + 1} of {sizes.unseen}")
        name = f"unseen-{number + 1}"
        if name not in unseen.case_ids():
            image, truth = make_scan(_UNSEEN_SEED + number)
            review = dict.fromkeys(teeth_of(truth.array), APPROVED)
            unseen.add(image, truth, CaseMeta(_ANNOTATOR, case_id=name, review=review))
    say("learn")
    plan = _splitting(plan, corrected.folder, sizes.stopping)
    made = fine_tune(
        corrected.folder, parent, folder / "run", plan, processes, heads=heads, resume=True,
        watcher=lambda step: say(f"step {step.done}: held-out Dice {step.dice:.4f}")
        if step.done % plan.check_every == 0 else None,
    )  # fmt: skip
    say("compare on the unseen scans")
    cases = unseen_cases(unseen.folder, [parent, made.bundle])
    on_unseen = [list(outcomes_on(bundle, cases, device)) for bundle in (parent, made.bundle)]
    say("compare on the fixed benchmark")
    on_fixed = [fixed_benchmark(bundle, device) for bundle in (parent, made.bundle)]
    changes = sum(len(e.changes) for case in corrected.cases() for e in case.history())
    return Result(made, changes, compare(*on_unseen), compare(*on_fixed))


def correct(case: DatasetCase, truth: Volume) -> int:
    """What an annotator does who sees the truth: each tooth looked at, wrong ones drawn anew.

    Returns:
        The number of the new revision, which is reviewed to the end.
    """
    before, after = case.labels().array, truth.array
    changes, review = [], {}
    for fdi in sorted({*teeth_of(before), *teeth_of(after)}):
        drawn, true = before == fdi, after == fdi
        if not true.any():
            review[fdi], what = MISSING, "is not there"
        elif np.array_equal(drawn, true):
            review[fdi], what = APPROVED, ""
        else:
            review[fdi], what = CORRECTED, "outline drawn anew" if drawn.any() else "added"
        if what:
            changes.append(Change(fdi, what))
    return case.save_revision(truth, _ANNOTATOR, changes, review)


def _opened(folder: Path) -> Dataset:
    return Dataset.open(folder) if (folder / MARKER).exists() else Dataset.create(folder)


def _predict_and_correct(
    dataset: Dataset, name: str, make_scan: ScanMaker, seed: int, bundle: Bundle, device: str
) -> None:
    case = dataset.case(name) if name in dataset.case_ids() else None
    if case is not None and case.record.reviewed:
        return
    image, truth = make_scan(seed)
    if case is None:
        result = segment(image, bundle=bundle, device=device)
        prediction = Prediction.from_provenance(result.provenance)
        meta = CaseMeta(_ANNOTATOR, case_id=name, prediction=prediction)
        case = dataset.add(image, result.labels, meta)
    correct(case, truth)


def _splitting(plan: Plan, dataset: Path, stopping: int) -> Plan:
    """The plan with the first seed by which so many patients are held out."""
    cases = reviewed_cases(dataset)
    for seed in range(1000):
        if len(split_by_patient(cases, seed, plan.held_out).held_out) == stopping:
            return replace(plan, seed=seed)
    raise InputError(f"no seed holds {stopping} of {len(cases)} cases out: take another --held-out")


def as_text(parent: Bundle, result: Result) -> str:
    """Tables, and whether what the loop promises holds."""
    names = (parent.name, result.made.bundle.name)
    role, course = next(iter(result.made.courses.items()))
    failures = result.failures()
    return "\n".join(
        [
            f"{result.changes} corrections; {role}: best after step {course.best[0]} of "
            f"{len(course.losses)}",
            f"\nunseen scans\n{as_table(names, result.unseen)}",
            f"\nfixed benchmark\n{as_table(names, result.benchmark[-2:])}",
            "",
            *(failures or ["The loop holds: better on what was corrected, as good as before."]),
        ]
    )


def main() -> None:
    """Command line; see the module's docstring."""
    import torch

    parser = argparse.ArgumentParser(description="The annotators' loop, once, by a program.")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="DIR")
    parser.add_argument("--model", metavar="NAME|PATH", help="default: the default bundle")
    parser.add_argument("--steps", type=int, default=360, metavar="N", help="default: 360")
    parser.add_argument("--check-every", type=int, default=120, metavar="N", help="default: 120")
    parser.add_argument("--learning-rate", type=float, default=1.5e-4, help="default: 1.5e-4")
    parser.add_argument("--simulated", type=int, default=16, metavar="N", help="default: 16")
    parser.add_argument(
        "--simulated-share", type=float, default=0.67, metavar="SHARE", help="default: 0.67"
    )
    parser.add_argument("--device", default="cpu")
    args = parser.parse_args()
    try:
        plan = Plan(
            networks=("toothnet",), steps=args.steps, check_every=args.check_every,
            learning_rate=args.learning_rate, simulated=args.simulated,
            simulated_share=args.simulated_share, held_out=0.2, mixed=True,
        )  # fmt: skip
        parent = load_bundle(args.model)
        processes = Processes(torch.device(args.device))
        result = run_trial(
            args.output, parent, plan, processes, say=lambda line: print(line, file=sys.stderr)
        )
    except ToothSegError as error:
        sys.exit(f"loop_trial: error: {error}")
    print(as_text(parent, result))
    sys.exit(1 if result.failures() else 0)


if __name__ == "__main__":
    main()
