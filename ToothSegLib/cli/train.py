"""`toothseg train`: networks by a recipe, or a bundle that learns on from reviewed scans."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ToothSegLib.errors import Cancelled, InputError

if TYPE_CHECKING:
    from ToothSegLib.training.recipes import Recipe
    from ToothSegLib.training.stage_trainer import Step

# The recipes by what they learn from; a test holds them to the tables in `training`, which need
# torch and would make --help slow.
SIMULATED = ("toothnet", "locator", "stage1", "stage2")
ARTICLE = tuple(f"article-{number}" for number in range(1, 8))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument(
        "--recipe",
        metavar="NAME",
        choices=(*SIMULATED, *ARTICLE),
        help="a network that ships: toothnet, locator, stage1, stage2; or one of the article's "
        "experiments: article-1 to article-7 (leave it out with --dataset)",
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="DIR",
        required=True,
        help="folder for the bundle, the log and the checkpoints",
    )
    parser.add_argument("--device", choices=("auto", "cpu", "cuda", "mps"), default="auto")
    parser.add_argument("--seed", metavar="N", type=int, default=0)
    parser.add_argument("--learning-rate", metavar="X", type=float, help="default: the recipe's")
    parser.add_argument(
        "--init",
        metavar="WEIGHTS",
        help="start from these: a bundle, or a safetensors file for the first network",
    )
    parser.add_argument(
        "--resume", action="store_true", help="go on with the checkpoints in the output folder"
    )
    _add_simulated(parser.add_argument_group("for a network that ships"))
    _add_article(parser.add_argument_group("for the article's experiments"))
    _add_fine_tuning(parser.add_argument_group("to fine-tune a bundle on reviewed scans"))


def _add_simulated(parser: argparse._ArgumentGroup) -> None:
    parser.add_argument("--cases", metavar="DIR", help="cases that toothseg simulate has written")
    parser.add_argument(
        "--scans",
        metavar="DIR",
        help="scans to learn from as well, of toothseg simulate with --physics (or --scan) and "
        "--third-molars",
    )
    parser.add_argument(
        "--scan-share",
        metavar="SHARE",
        type=float,
        default=0.25,
        help="of the steps, that learn from --scans (default: 0.25)",
    )
    parser.add_argument(
        "--steps", metavar="N", type=int, help="default: 3000; of each network 600 with --dataset"
    )


def _add_article(parser: argparse._ArgumentGroup) -> None:
    parser.add_argument("--image", metavar="FILE", help="the scan to learn from")
    parser.add_argument(
        "--labels", metavar="FILE", help="FDI numbers of its teeth, on the same grid"
    )
    parser.add_argument("--epochs", metavar="N", type=int, help="epochs of each network")
    parser.add_argument(
        "--max-pieces",
        metavar="N",
        type=int,
        help="pieces of the scan seen in an epoch, drawn anew for each (default: all)",
    )
    parser.add_argument("--optimiser", choices=("adam", "rmsprop"), help="default: adam")
    parser.add_argument(
        "--full-precision", action="store_true", help="compute in float32 throughout"
    )
    parser.add_argument(
        "--checkpoint-every", metavar="N", type=int, default=10, help="epochs (default: 10)"
    )


def _add_fine_tuning(parser: argparse._ArgumentGroup) -> None:
    parser.add_argument("--dataset", metavar="DIR", help="data set with the reviewed scans")
    parser.add_argument(
        "--from",
        metavar="NAME|PATH",
        dest="parent",
        help="the bundle that learns on (default: the default bundle)",
    )
    parser.add_argument(
        "--networks", metavar="NAME", nargs="+", help="of the bundle (default: all of them)"
    )
    parser.add_argument(
        "--held-out",
        metavar="SHARE",
        type=float,
        help="of the patients, to judge by and to stop in time (default: 0.25)",
    )
    parser.add_argument(
        "--simulated", metavar="N", type=int, help="heads to draw without --cases (default: 8)"
    )
    parser.add_argument(
        "--simulated-share",
        metavar="SHARE",
        type=float,
        help="of the steps, that learn from simulated heads, lest they be forgotten (default: 0.5)",
    )
    parser.add_argument(
        "--check-every",
        metavar="N",
        type=int,
        help="steps between two looks at the held-out cases (default: 100)",
    )
    parser.add_argument(
        "--patience",
        metavar="N",
        type=int,
        help="looks without a better Dice after which it stops (default: 3)",
    )
    parser.add_argument(
        "--guards",
        metavar="N",
        type=int,
        help="simulated heads on which it must stay as good as its parent; 0: none (default: 20)",
    )
    parser.add_argument(
        "--mixed",
        action="store_true",
        help="half precision where the processor has it: faster, not the same to the last bit",
    )


def run(args: argparse.Namespace) -> int:
    """Train by a recipe, or fine-tune. Raises InputError, BundleError, OutputError."""
    if args.dataset is not None:
        if args.recipe is not None:
            raise InputError(
                f"--recipe {args.recipe} with --dataset: a bundle learns on with its own recipes, "
                "so leave --recipe out"
            )
        from ToothSegLib.training import finetune_command

        return finetune_command.run(args)
    if args.recipe is None:
        raise InputError("nothing to train: give --recipe, or --dataset and --from")
    if args.recipe in SIMULATED:
        from ToothSegLib.training import pretrain_command

        return pretrain_command.run(args)
    if args.image is None or args.labels is None:
        raise InputError(f"{args.recipe} learns from one scan: give --image and --labels")
    return train_article(args)


def train_article(args: argparse.Namespace) -> int:
    """Train one of the article's experiments. Errors as for `run`."""
    from ToothSegLib.training.article import train_recipe
    from ToothSegLib.training.initial_weights import starting_weights
    from ToothSegLib.training.labelled_scan import load_labelled_scan

    recipe = chosen_recipe(args)
    roles = [stage.role for stage in recipe.stages]
    weights = starting_weights(args.init, recipe.name, roles) if args.init else None
    image, labels = load_labelled_scan(args.image, args.labels)
    try:
        with bars(quiet=args.quiet) as show:
            result = train_recipe(
                recipe,
                image,
                labels,
                args.output,
                epochs=args.epochs,
                device=args.device,
                seed=args.seed,
                resume=args.resume,
                init_weights=weights,
                checkpoint_every=args.checkpoint_every,
                max_pieces=args.max_pieces,
                mixed=not args.full_precision,
                trained_on=f"one scan, {args.image}",
                progress=show,
            )
    except KeyboardInterrupt:
        # The usual line, that nothing was written, would not be true.
        print(
            f"toothseg: cancelled; go on from the last checkpoint in {args.output} with --resume",
            file=sys.stderr,
        )
        return Cancelled.exit_code
    if not args.quiet:
        print(summary(result.figures))
        print(f"\n{result.bundle.folder}\n{result.log}")
    return 0


def chosen_recipe(args: argparse.Namespace) -> Recipe:
    """The recipe with the changes that the options ask for. Raises InputError."""
    from dataclasses import replace

    from ToothSegLib.training.recipes import recipe_by_name

    changes: dict[str, Any] = {}
    if args.optimiser is not None:
        changes["optimiser"] = args.optimiser
    if args.learning_rate is not None:
        changes["learning_rate"] = args.learning_rate
    return replace(recipe_by_name(args.recipe), **changes)


@contextmanager
def bars(*, quiet: bool) -> Iterator[Callable[[Step], None]]:
    """What shows the steps of a training: a bar for each network, with its loss."""
    from tqdm import tqdm

    shown: dict[str, tqdm] = {}

    def show(step: Step) -> None:
        if step.role not in shown:
            shown[step.role] = tqdm(
                desc=step.role,
                total=step.total,
                initial=step.done - 1,
                unit="step",
                file=sys.stderr,
                disable=quiet or not sys.stderr.isatty(),
            )
        bar = shown[step.role]
        bar.set_postfix({"epoch": step.epoch, "loss": f"{step.loss:.4f}"}, refresh=False)
        bar.update()

    try:
        yield show
    finally:
        for bar in shown.values():
            bar.close()


def summary(figures: dict[str, Any]) -> str:
    """The figures on the held-out turns, a line each."""
    lines = ["Dice on held-out turns of the same scan:"]
    for role, values in figures.items():
        lines.append(f"  {role:<8}{'teeth':<18}{values['tooth_dice']:.4f}")
        for name, value in values.get("categories", {}).items():
            lines.append(f"  {role:<8}{name:<18}{value:.4f}")
        if "category_dice" in values:
            lines.append(f"  {role:<8}{'categories, mean':<18}{values['category_dice']:.4f}")
    return "\n".join(lines)
