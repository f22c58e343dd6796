"""`toothseg train --dataset DIR --from BUNDLE`: learn on from reviewed scans."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ToothSegLib.errors import Cancelled, InputError
from ToothSegLib.evaluation.outcomes import identification_f1, mean_dice
from ToothSegLib.models import load_bundle
from ToothSegLib.training.bars import stage_lines, step_bars
from ToothSegLib.training.blending import SMALLEST_GAIN, Blend
from ToothSegLib.training.course import Course, Step
from ToothSegLib.training.finetune import FineTuned, fine_tune
from ToothSegLib.training.finetune_plan import Plan
from ToothSegLib.training.processes import learning_together
from ToothSegLib.training.skill import Skill


def run(args: argparse.Namespace) -> int:
    """Fine-tune, or go on where a run stopped. Errors as of `finetune.fine_tune`."""
    if args.cases and args.simulated is not None:
        raise InputError(
            "--simulated does not go with --cases: all of its heads are mixed in, so leave it out"
        )
    plan = plan_of(args)
    parent = load_bundle(args.parent)
    parent.verify()
    try:
        with (
            learning_together(args.device) as processes,
            step_bars(_words, quiet=args.quiet or not processes.first) as show,
            stage_lines(quiet=args.quiet or not processes.first) as tell,
        ):
            made = fine_tune(
                Path(args.dataset),
                parent,
                Path(args.output),
                plan,
                processes,
                heads=Path(args.cases) if args.cases else None,
                resume=args.resume,
                watcher=show,
                tell=tell,
            )
    except KeyboardInterrupt:
        # The usual line, that nothing was written, would not be true.
        print(
            f"toothseg: cancelled; go on from the last checkpoint in {args.output} with --resume",
            file=sys.stderr,
        )
        return Cancelled.exit_code
    if processes.first and not args.quiet:
        print(summary(made))
    return 0


def plan_of(args: argparse.Namespace) -> Plan:
    """The plan with the changes that the options ask for. Raises InputError."""
    asked = {
        "networks": tuple(args.networks or ()),
        "steps": args.steps,
        "learning_rate": args.learning_rate,
        "seed": args.seed,
        "held_out": args.held_out,
        "simulated": args.simulated,
        "simulated_share": args.simulated_share,
        "check_every": args.check_every,
        "patience": args.patience,
        "guards": args.guards,
        "mixed": args.mixed,
    }
    return Plan(**{name: value for name, value in asked.items() if value is not None})


def summary(made: FineTuned) -> str:
    """What came of it, in lines to read."""
    lines = [f"bundle {made.bundle.name}: {made.bundle.folder}"]
    for role, course in made.courses.items():
        what = _outcome(course, made.blends[role])
        lines.append(f"  {role:<10}{len(course.losses):>6} steps, {what}")
        lines += made.blends[role].as_text().splitlines()
    for name, figure in (("tooth Dice", mean_dice), ("identification F1", identification_f1)):
        lines.append(
            f"{name} on {len(made.after)} held-out case{'s' * (len(made.after) != 1)}: "
            f"{figure(made.before):.4f} -> {figure(made.after):.4f}"
        )
    if not any(blend.share for blend in made.blends.values()):
        lines.append(_nothing_taken(any(blend.gains for blend in made.blends.values())))
    return "\n".join(lines)


def _nothing_taken(gains: bool) -> str:
    """The last line where every network stayed as it was; ``gains``: the heads alone forbade it."""
    if gains:
        return (
            "What was learnt spoils ordinary heads, so the bundle is its parent: mix in more "
            "--simulated heads, or lower the --learning-rate."
        )
    return (
        "Nothing was learnt that shows on the held-out cases, so the bundle is its parent: correct "
        "more scans of the kind that it is bad at, or give more --steps."
    )


def _outcome(course: Course, blend: Blend) -> str:
    """In words, what became of one network."""
    step, skill = course.best
    figures = _figures(skill)
    if not step:
        return f"no better than its parent, so left as it was ({figures})"
    what = f"best after step {step} ({figures})"
    if not (blend.share or blend.gains):
        before = _figures(course.checks[0][1])
        return (
            f"no better than its parent by {SMALLEST_GAIN} of Dice and F1 together, so left as it "
            f"was ({before} -> {figures})"
        )
    if not blend.share:
        return f"{what}, but worse on ordinary heads, so left as it was"
    return what if blend.share == 1 else f"{what}, {blend.share:.0%} of the way there taken"


def _figures(skill: Skill) -> str:
    return f"Dice {skill.dice:.4f}, F1 {skill.f1:.4f}"


def _words(step: Step) -> dict[str, str]:
    """What stands behind a network's bar."""
    return {"loss": f"{step.loss:.3f}", "Dice": f"{step.dice:.4f}"}
