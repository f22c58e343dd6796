"""What each choice of the default network is worth, on development heads and a small budget.

    python -m ToothSegLib.training.ablation --cases DIR [DIR ...] -o RUNS [--steps N]
        [--anatomy DIR]

Each variant differs from the default network in one thing and learns for the same number of steps
from random weights, from the same patches in the same order. Two more rows take what the finished
weights say and leave out one of their answers. All of them go the whole way from the scan to the
numbered teeth, with the same locator before them; the heads are those of seeds that choices are
made by, never those of `docs/benchmark.md`. A run that was stopped goes on where it was.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from ToothSegLib import looking, side_program
from ToothSegLib.evaluation.benchmark import CaseResult, run_benchmark, summarise
from ToothSegLib.maps import Maps
from ToothSegLib.models import Bundle, load_bundle, write_bundle
from ToothSegLib.synthesis.mesh_form import Individual, load_individual
from ToothSegLib.synthesis.sampling import TensorCase
from ToothSegLib.training.checkpoint import load_checkpoint
from ToothSegLib.training.learning_step import averages_in
from ToothSegLib.training.pretrain import CHECKPOINT, Plan, load_cases, train
from ToothSegLib.training.tasks import TASKS, Task, toothnet_loss

FIRST_SEED = 900_200
"""Of the heads: among those that are looked at while choices are made."""

_SIZES = ((64, 96, 112), (64, 112, 96))


@dataclass(frozen=True)
class Variant:
    """One row: the default network but for one thing, which ``change`` makes of the task."""

    name: str
    change: Callable[[Task], Task]


def with_architecture(**architecture: object) -> Callable[[Task], Task]:
    """A change of some arguments of the network."""
    return lambda task: replace(task, architecture={**task.architecture, **architecture})


VARIANTS = (
    Variant("as it ships", lambda task: task),
    Variant("half the channels", with_architecture(widths=[16, 32, 48, 64])),
    Variant("twice the channels at 0.5 mm", with_architecture(edge_width=16)),
    Variant("three levels instead of four", with_architecture(widths=[32, 64, 96])),
    Variant(
        "cross-entropy without Dice",
        lambda task: replace(task, loss=partial(toothnet_loss, dice=0.0)),
    ),
    Variant("patches of 32 mm", lambda task: replace(task, sizes=((64, 64, 64),))),
)

LEFT_OUT: dict[str, Callable[[Maps], Maps]] = {
    "nothing": lambda maps: maps,  # to compare with
    "offsets to the teeth's centres": lambda maps: replace(maps, offsets=None),
    "what is a prosthesis": lambda maps: replace(maps, prosthesis=None),
}
"""Answers of the finished network that a row does without."""


def learnt(
    variant: Variant, cases: Sequence[TensorCase], folder: Path, steps: int, rest: Bundle
) -> Iterator[int]:
    """Train a variant, or go on with it, and write its bundle; yields the steps done.

    Args:
        variant: what is different.
        cases: to learn from.
        folder: of its run; the bundle is its subfolder ``bundle``.
        steps: how many in all.
        rest: gives the locator.
    """
    # Learned and judged as large as in life: 300 steps are not enough for one more thing to vary.
    task = replace(TASKS["toothnet"], sizes=_SIZES, magnification=1.0)
    task = variant.change(task)
    for figures in train(task, cases, folder, Plan(steps)):
        yield int(figures["step"])
    network = averages_in(load_checkpoint(folder / CHECKPOINT).weights)
    entry = {"architecture": task.architecture, "spacing_mm": task.spacing_mm, "steps": steps}
    card = {**rest.card, "name": folder.name, "title": variant.name, "figures": {}}
    card["magnification"] = task.magnification
    card["networks"] = {"toothnet": entry, "locator": rest.card["networks"]["locator"]}
    networks = {"toothnet": network, "locator": rest.build("locator").state_dict()}
    write_bundle(folder / "bundle", card, networks)


@contextmanager
def leaving_out(change: Callable[[Maps], Maps]) -> Iterator[None]:
    """All that is segmented meanwhile does without an answer of the networks."""
    really = looking.predict_maps
    looking.predict_maps = lambda *args, **options: change(really(*args, **options))
    try:
        yield
    finally:
        looking.predict_maps = really


def measured(bundle: Bundle, individuals: Sequence[Individual], heads: int) -> list[CaseResult]:
    """How it goes with the development heads."""
    return list(run_benchmark(bundle, individuals, heads, first_seed=FIRST_SEED))


def row(name: str, parameters: int, results: Sequence[CaseResult]) -> str:
    """A line of the table, in Markdown."""
    figures = summarise(results)
    together = [result.evaluation.foreground_dice for result in results]
    numbers = [
        sum(together) / len(together),
        figures["tooth_dice"],
        figures["identification_f1"],
    ]
    shown = " | ".join(f"{number:.3f}" for number in numbers)
    away = f"{figures['assd_mm']:.2f}".replace("nan", "-")  # nothing was found
    return f"| {name} | {parameters:,} | {shown} | {away} |"


@side_program.program
def main(arguments: Sequence[str] | None = None) -> None:
    """Command line; see the module's docstring."""
    from tqdm import tqdm

    parser = side_program.parser(
        "ToothSegLib.training.ablation", "What each choice of the network is worth."
    )
    parser.add_argument(
        "--cases",
        type=Path,
        nargs="+",
        required=True,
        metavar="DIR",
        help="simulated heads to learn from",
    )
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="DIR", help="for the runs"
    )
    parser.add_argument("--steps", type=int, default=450, help="of each variant (default: 450)")
    parser.add_argument("--heads", type=int, default=8, help="to measure on (default: 8)")
    side_program.add_anatomy(parser)
    args = parser.parse_args(arguments)
    if args.steps < 1 or args.heads < 1:
        parser.error(f"--steps {args.steps} --heads {args.heads}: give at least 1 of each")
    rest = load_bundle(None)
    cases = [case for folder in args.cases for case in load_cases(folder)]
    individuals = [load_individual(args.anatomy)] if args.anatomy else []
    lines = []
    for variant in VARIANTS:
        folder = args.output / variant.name.replace(" ", "-")
        steps = learnt(variant, cases, folder, args.steps, rest)
        for _ in tqdm(steps, desc=variant.name, total=args.steps, file=sys.stderr):
            pass
        bundle = load_bundle(folder / "bundle")
        results = measured(bundle, individuals, args.heads)
        lines.append(row(variant.name, _parameters(bundle), results))
        print(lines[-1], file=sys.stderr)
    for name, change in LEFT_OUT.items():
        with leaving_out(change):
            results = measured(rest, individuals, args.heads)
        left = f" without {name}" if name != "nothing" else ""
        lines.append(row(f"shipped weights{left}", _parameters(rest), results))
        print(lines[-1], file=sys.stderr)
    head = ["network", "parameters", "Dice of all teeth", "Dice", "id. F1", "ASSD mm"]
    print(f"| {' | '.join(head)} |\n| --- {'| ---: ' * (len(head) - 1)}|")
    print("\n".join(lines))


def _parameters(bundle: Bundle) -> int:
    return sum(tensor.numel() for tensor in bundle.build("toothnet").state_dict().values())


if __name__ == "__main__":
    sys.exit(main())
