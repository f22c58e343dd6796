"""`toothseg train`: networks by a recipe, or a bundle that learns on from reviewed scans."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from ToothSegLib.cli.console import told_how_to_go_on
from ToothSegLib.cli.train_options import SIMULATED, add_arguments, refuse_foreign
from ToothSegLib.errors import InputError

if TYPE_CHECKING:
    from ToothSegLib.training.recipes import Recipe
    from ToothSegLib.training.stage_trainer import Step

__all__ = ["add_arguments", "run"]

_CHECKPOINT_EVERY = 10  # epochs


def run(args: argparse.Namespace) -> int:
    """Train by a recipe, or fine-tune. Raises InputError, BundleError, OutputError."""
    if args.dataset is not None:
        if args.recipe is not None:
            raise InputError(
                f"--recipe {args.recipe} with --dataset: a bundle learns on with its own recipes, "
                "so leave --recipe out"
            )
        refuse_foreign(args)
        from ToothSegLib.training import finetune_command

        return finetune_command.run(args)
    if args.recipe is None:
        raise InputError("nothing to train: give --recipe, or --dataset")
    refuse_foreign(args)
    if args.recipe in SIMULATED:
        from ToothSegLib.training import pretrain_command

        return pretrain_command.run(args)
    if args.image is None or args.labels is None:
        raise InputError(f"{args.recipe} learns from one scan: give --image and --labels")
    return train_article(args)


def train_article(args: argparse.Namespace) -> int:
    """Train one of the article's experiments. Errors as for `run`."""
    from ToothSegLib.formats.scan_checksum import voxels_sha256
    from ToothSegLib.training.article import train_recipe
    from ToothSegLib.training.bars import step_bars
    from ToothSegLib.training.initial_weights import starting_weights
    from ToothSegLib.training.labelled_scan import read_labelled_scan, to_arrays

    recipe = chosen_recipe(args)
    roles = [stage.role for stage in recipe.stages]
    weights = starting_weights(args.init, recipe.name, roles) if args.init else None
    scan, drawn = read_labelled_scan(args.image, args.labels)
    image, labels = to_arrays(scan, drawn)
    every = _CHECKPOINT_EVERY if args.checkpoint_every is None else args.checkpoint_every
    try:
        with step_bars(_words, quiet=args.quiet) as show:
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
                checkpoint_every=every,
                max_pieces=args.max_pieces,
                mixed=not args.full_precision,
                # The card travels with the bundle, and a file is often named after its patient.
                trained_on=f"one scan (voxels' SHA-256 {voxels_sha256(scan.array)})",
                progress=show,
            )
    except KeyboardInterrupt:
        return told_how_to_go_on(f"go on from the last checkpoint in {args.output} with --resume")
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


def _words(step: Step) -> dict[str, str]:
    """What stands behind a network's bar."""
    return {"epoch": str(step.epoch), "loss": f"{step.loss:.4f}"}


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
