"""The whole loop once, with a program in the annotator's place: does correcting make it better?

    python -m ToothSegLib.training.loop_trial -o DIR [--kind KIND] [--model NAME]

A bundle predicts scans of a kind that it is bad at, such as of patients who moved. An
automatic annotator corrects them from the truth, in a data set. The bundle learns on from most of
them; the rest tell it when to stop and how far to go. Then both bundles are compared on scans that
neither learning nor choosing has seen, and on the fixed benchmark. What is done is kept in
DIR/KIND, so the same command goes on where it was stopped.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ToothSegLib import side_program
from ToothSegLib.compute.devices import choose_device
from ToothSegLib.dataset.reviewed import reviewed_cases
from ToothSegLib.errors import InputError
from ToothSegLib.evaluation.comparison import Difference, as_table, compare, unseen_cases
from ToothSegLib.evaluation.fixed_benchmark import fixed_benchmark
from ToothSegLib.evaluation.outcomes import outcomes_on
from ToothSegLib.evaluation.promotion import TOLERANCE
from ToothSegLib.models import Bundle, load_bundle
from ToothSegLib.training.finetune import FineTuned, fine_tune
from ToothSegLib.training.finetune_plan import Plan
from ToothSegLib.training.loop_annotator import (
    approve_truth,
    opened,
    predict_and_correct,
)
from ToothSegLib.training.loop_kinds import KINDS, ScanMaker, moved_scan
from ToothSegLib.training.processes import Processes
from ToothSegLib.training.split import split_by_patient

# Beyond those of any training and of the other benchmarks.
_CORRECTED_SEED, _UNSEEN_SEED = 940_000, 950_000


@dataclass(frozen=True)
class Sizes:
    """How many scans there are of each part."""

    learned: int = 8
    stopping: int = 4
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


def run_trial(
    folder: Path,
    parent: Bundle,
    plan: Plan,
    processes: Processes,
    *,
    sizes: Sizes = Sizes(),
    make_scan: ScanMaker = moved_scan,
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
    device = processes.device.type
    corrected = opened(folder / "corrected")
    for number in range(sizes.learned + sizes.stopping):
        say(f"predict and correct scan {number + 1} of {sizes.learned + sizes.stopping}")
        predict_and_correct(
            corrected, f"scan-{number + 1}", make_scan, _CORRECTED_SEED + number, parent, device
        )
    unseen = opened(folder / "unseen")
    for number in range(sizes.unseen):
        say(f"simulate unseen scan {number + 1} of {sizes.unseen}")
        approve_truth(unseen, f"unseen-{number + 1}", make_scan, _UNSEEN_SEED + number)
    say("learn")
    plan = _splitting(plan, corrected.folder, sizes.stopping)
    made = fine_tune(
        corrected.folder,
        parent,
        folder / "run",
        plan,
        processes,
        heads=heads,
        resume=True,
        watcher=lambda step: (
            say(f"step {step.done}: held-out Dice {step.dice:.4f}")
            if step.done % plan.check_every == 0
            else None
        ),
    )
    say("compare on the unseen scans")
    cases = unseen_cases(unseen.folder, [parent, made.bundle])
    on_unseen = [list(outcomes_on(bundle, cases, device)) for bundle in (parent, made.bundle)]
    say("compare on the fixed benchmark")
    on_fixed = [fixed_benchmark(bundle, device) for bundle in (parent, made.bundle)]
    changes = sum(len(e.changes) for case in corrected.cases() for e in case.history())
    return Result(made, changes, compare(*on_unseen), compare(*on_fixed))


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
    failures = result.failures()
    return "\n".join(
        [
            f"A: {', '.join(f'{name} {sha}' for name, sha in parent.weights.items())}",
            f"{result.changes} corrections",
            *(
                f"\n{role}: best after step {course.best[0]} of {len(course.losses)}\n"
                f"{result.made.blends[role].as_text()}"
                for role, course in result.made.courses.items()
            ),
            f"\nunseen scans\n{as_table(names, result.unseen)}",
            f"\nfixed benchmark\n{as_table(names, result.benchmark[-2:])}",
            "",
            *(failures or ["The loop holds: better on what was corrected, as good as before."]),
        ]
    )


@side_program.program
def main(arguments: Sequence[str] | None = None) -> int:
    """Command line; see the module's docstring."""
    import torch

    parser = side_program.parser(
        "ToothSegLib.training.loop_trial", "The annotators' loop, once, by a program."
    )
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="DIR", help="folder for the trial"
    )
    parser.add_argument(
        "--kind",
        choices=KINDS,
        default="moved",
        help="kind of scans to learn from (default: moved)",
    )
    side_program.add_model(parser)
    parser.add_argument(
        "--steps",
        type=int,
        default=500,
        metavar="N",
        help="training steps of each network (default: 500)",
    )
    parser.add_argument(
        "--check-every",
        type=int,
        default=500,
        metavar="N",
        help="steps between looks at held-out scans (default: 500)",
    )
    parser.add_argument(
        "--learning-rate",
        type=float,
        default=5e-4,
        metavar="X",
        help="highest learning rate (default: 5e-4)",
    )
    parser.add_argument(
        "--simulated",
        type=int,
        default=32,
        metavar="N",
        help="simulated heads to mix in (default: 32)",
    )
    parser.add_argument(
        "--simulated-share",
        type=float,
        default=0.5,
        metavar="SHARE",
        help="share of the steps that learn from them (default: 0.5)",
    )
    side_program.add_device(parser, default="cpu")
    args = parser.parse_args(arguments)
    plan = Plan(
        networks=("locator", "toothnet"),
        steps=args.steps,
        check_every=args.check_every,
        learning_rate=args.learning_rate,
        simulated=args.simulated,
        simulated_share=args.simulated_share,
        held_out=1 / 3,
        mixed=True,
    )
    parent = load_bundle(args.model)
    processes = Processes(torch.device(choose_device(args.device)))
    result = run_trial(
        args.output / args.kind,
        parent,
        plan,
        processes,
        make_scan=KINDS[args.kind],
        say=lambda line: print(line, file=sys.stderr),
    )
    print(as_text(parent, result))
    return 1 if result.failures() else 0


if __name__ == "__main__":
    sys.exit(main())
