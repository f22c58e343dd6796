"""`toothseg train --recipe toothnet|locator|stage1|stage2`: learn from simulated cases."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ToothSegLib.compute.devices import choose_device
from ToothSegLib.errors import Cancelled, InputError
from ToothSegLib.training.checkpoint import load_checkpoint
from ToothSegLib.training.initial_weights import parent_of, starting_weights
from ToothSegLib.training.pretrain import CHECKPOINT, Plan, load_cases, load_scans, train
from ToothSegLib.training.run_folder import run_folder
from ToothSegLib.training.tasks import TASKS

_STEPS = 3000


def run(args: argparse.Namespace) -> int:
    """Train one network on the cases of a folder, or go on where the run stopped.

    Raises:
        InputError: no cases, a number of steps that makes no sense, or none left to do, or one
            part of a network to learn whose others have learned nothing.
        BundleError: the weights of --init cannot be read, or as of `pretrain.train`.
        OutputError: as of `pretrain.train`, or another process is at work in the folder.
    """
    if args.cases is None:
        raise InputError(
            f"{args.recipe} learns from simulated cases: make some with 'toothseg simulate' and "
            "give their folder with --cases"
        )
    steps = _STEPS if args.steps is None else args.steps
    if steps < 1:
        raise InputError(f"--steps {steps}: give at least 1")
    if args.learning_rate is not None and not args.learning_rate > 0:
        raise InputError(f"--learning-rate {args.learning_rate:g}: give a number above 0")
    share = Plan.scan_share if args.scan_share is None else args.scan_share
    if not 0 < share < 1:
        raise InputError(f"--scan-share {share:g}: give a share between 0 and 1")
    if args.scan_share is not None and not args.scans:
        raise InputError(f"--scan-share {share:g}: give the scans, too, with --scans")
    plan = Plan(
        steps=steps,
        learning_rate=args.learning_rate or Plan.learning_rate,
        seed=args.seed,
        scan_share=share,
        only=args.only or "",
        device=choose_device(args.device),
    )
    folder = Path(args.output)
    with run_folder(folder, resume=args.resume, record=CHECKPOINT) as there:
        if there and args.init:
            raise InputError(
                f"--init {args.init} with --resume: the run in {folder} goes on with its own "
                "weights, so leave --init out, or name another folder"
            )
        if args.only and not args.init and not there:
            raise InputError(
                f"--only {args.only} without --init: the rest of the network would stay as chance "
                "made it; give the weights that it is to have with --init"
            )
        return _train(args, folder, plan)


def _train(args: argparse.Namespace, folder: Path, plan: Plan) -> int:
    """The run in its folder; errors as of `run`."""
    from tqdm import tqdm

    task = TASKS[args.recipe]
    cases = load_cases(Path(args.cases))
    scans = load_scans(Path(args.scans), task) if args.scans else ()
    weights = parent = None
    if args.init:
        weights = starting_weights(args.init, args.recipe, [args.recipe])[args.recipe]
        parent = parent_of(args.init)
    bar = tqdm(
        total=plan.steps,
        desc=args.recipe,
        unit="step",
        file=sys.stderr,
        disable=args.quiet or not sys.stderr.isatty(),
    )
    figures: dict[str, float] = {}
    try:
        with bar:
            for figures in train(task, cases, folder, plan, weights, scans, parent):
                bar.n = int(figures.pop("step"))
                bar.set_postfix({k: f"{v:.3f}" for k, v in figures.items()}, refresh=False)
                bar.refresh()
    except KeyboardInterrupt:
        print(
            f"toothseg: cancelled; go on from the last checkpoint in {folder} with --resume",
            file=sys.stderr,
        )
        return Cancelled.exit_code
    if not figures:
        step = load_checkpoint(folder / CHECKPOINT).state["step"]
        raise InputError(
            f"{folder / CHECKPOINT} has {step} steps behind it already: ask for more with --steps"
        )
    if not args.quiet:
        print("  ".join(f"{name} {value:.4f}" for name, value in figures.items()))
        print(folder / CHECKPOINT)
    return 0
