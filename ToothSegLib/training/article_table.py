"""What each of the article's experiments gives, as a table in the documentation.

    python -m ToothSegLib.training.article_table --case NAME IMAGE LABELS -o docs/article.md

Each experiment is trained as `toothseg train` trains it, for a stated budget, on each case, and
measured on held-out turns of that case. Trainings are kept in the work folder: a run that was
stopped goes on where it stood.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ToothSegLib import side_program
from ToothSegLib.compute.devices import choose_device
from ToothSegLib.disk.atomic import replacing
from ToothSegLib.teeth import CATEGORIES
from ToothSegLib.training.article import TrainingResult, train_recipe
from ToothSegLib.training.labelled_scan import load_labelled_scan
from ToothSegLib.training.recipes import RECIPES, Recipe
from ToothSegLib.training.stage_trainer import Step

Budget = tuple[int, int | None]  # epochs of each network, pieces an epoch (None: all)

# Each of these takes a minute or two on two CPU cores: enough to see that it runs and learns.
QUICK: dict[str, Budget] = {
    "article-1": (2, 80),
    "article-2": (2, 80),
    "article-3": (1, 80),
    "article-4": (1, 3),
    "article-5": (2, 10),
    "article-6": (6, 7),
    "article-7": (2, 7),
}
# Each of these takes between five and ten minutes on two CPU cores.
LAPTOP: dict[str, Budget] = {
    "article-1": (10, 80),
    "article-2": (10, 80),
    "article-3": (7, 80),
    "article-4": (3, 5),
    "article-5": (6, 21),
    "article-6": (20, 7),
    "article-7": (8, 21),
}
FULL: dict[str, Budget] = {name: (recipe.epochs, None) for name, recipe in RECIPES.items()}
BUDGETS = {"quick": QUICK, "laptop": LAPTOP, "full": FULL}

HEAD = """# The article's seven experiments

The article is a published 3D U-Net cascade for single teeth in small cone-beam CT data sets; its
full reference is still to be added ([publishing.md](publishing.md)).

Each experiment learns from seven turns of one scan and is measured on three other turns of the
same scan, because the article, too, trained and tested on a single scan. So these figures show how
well a network knows a scan that it has seen, and nothing about scans that it has not. Figures are
Dice against the labels, the mean over the three held-out turns; *tooth* is tooth against the rest,
*category* the mean over the eight categories. What the article leaves open, and how it was
settled, is in `training/recipes.py` and `training/preparation.py`.

article-6 is given the true teeth and has only to tell their categories, so it has no tooth figure
of its own. A cascade can name only what its first network has found, so its category figure holds
the faults of both. Each row's budget is in its command."""
SMALL = """ All are far too small for
the networks to converge, and they differ from row to row, so do not rank the rows."""
# What the cases of the page that is kept are.
CASES = {
    "real-head-CT": "the head CT of [benchmark.md](benchmark.md#a-real-head-ct)",
    "simulated-sample": "the sample scan",
}


@dataclass(frozen=True)
class Row:
    """One experiment on one case."""

    case: str
    recipe: Recipe
    budget: Budget
    result: TrainingResult

    @property
    def last(self) -> dict[str, Any]:
        """Figures of the last network, which are those of the whole."""
        return dict(self.result.figures[self.recipe.stages[-1].role])

    @property
    def minutes(self) -> float:
        """Time in training, by the log."""
        with open(self.result.log, newline="", encoding="utf-8") as file:
            return sum(float(row["seconds"]) for row in csv.DictReader(file)) / 60

    @property
    def small(self) -> bool:
        """Whether it has learned no longer than a laptop's budget lets it."""
        return self.budget[0] <= LAPTOP[self.recipe.name][0]

    @property
    def command(self) -> str:
        """What makes this row alone."""
        epochs, pieces = self.budget
        limit = "" if pieces is None else f" --max-pieces {pieces}"
        return f"toothseg train --recipe {self.recipe.name} --epochs {epochs}{limit}"


def table(rows: Sequence[Row], machine: str) -> str:
    """The page in Markdown."""
    there = {row.case for row in rows}
    told = "; ".join(f"`{case}` is {what}" for case, what in CASES.items() if case in there)
    lines = [
        HEAD + SMALL * all(row.small for row in rows) + "\n",
        f"Trained on {machine}." + (f" {told}." if told else ""),
        "",
        "| case | experiment | parameters | tooth | category | minutes | command (with --image, "
        "--labels, -o) |",
        "| --- | --- | ---: | ---: | ---: | ---: | --- |",
    ]
    for row in rows:
        entries = row.result.bundle.card["networks"].values()
        parameters = " + ".join(f"{entry['parameters']:,}" for entry in entries)
        teeth_are_told = row.recipe.stages[0].mask == "truth"
        lines.append(
            f"| {row.case} | {row.recipe.name}: {row.recipe.title} | {parameters} | "
            f"{'given' if teeth_are_told else _text(row.last['tooth_dice'])} | "
            f"{_text(row.last.get('category_dice'))} | {row.minutes:.1f} | `{row.command}` |"
        )
    names = [category.name for category in CATEGORIES]
    lines += [
        "",
        "Dice of each category:",
        "",
        f"| case | experiment | {' | '.join(names)} |",
        "| --- | --- |" + " ---: |" * len(names),
    ]
    for row in rows:
        if "categories" in row.last:
            scores = [_text(row.last["categories"].get(name)) for name in names]
            lines.append(f"| {row.case} | {row.recipe.name} | {' | '.join(scores)} |")
    return "\n".join(lines) + "\n"


def _text(score: float | None) -> str:
    return "-" if score is None else f"{score:.3f}"


@side_program.program
def main(arguments: Sequence[str] | None = None) -> None:
    """Train, measure, write the page; 2 for bad input."""
    parser = side_program.parser(
        "ToothSegLib.training.article_table",
        "Train the article's experiments for a stated budget and tabulate them.",
    )
    parser.add_argument(
        "--case",
        nargs=3,
        action="append",
        required=True,
        metavar=("NAME", "IMAGE", "LABELS"),
        help="a scan with its labels; may be given again",
    )
    parser.add_argument(
        "-o",
        "--output",
        default="docs/article.md",
        metavar="FILE",
        help="the page (default: docs/article.md)",
    )
    parser.add_argument(
        "--work", default="runs/article", metavar="DIR", help="where the trainings are kept"
    )
    parser.add_argument(
        "--recipes",
        nargs="+",
        choices=RECIPES,
        default=list(RECIPES),
        help="which experiments (default: all)",
    )
    parser.add_argument(
        "--budget", choices=BUDGETS, default="laptop", help="how long to train (default: laptop)"
    )
    parser.add_argument("--epochs", type=int, metavar="N", help="instead of the budget's")
    parser.add_argument("--max-pieces", type=int, metavar="N", help="instead of the budget's")
    side_program.add_device(parser)
    parser.add_argument("--machine", default="two CPU cores", help="what the page says it ran on")
    args = parser.parse_args(arguments)
    choose_device(args.device)  # rather told now than after the first case
    page = table(_train_all(args), args.machine)
    with replacing(args.output) as file:
        file.write(page.encode())
    print(args.output)


def _train_all(args: argparse.Namespace) -> list[Row]:
    rows = []
    for case, image_path, labels_path in args.case:
        image, labels = load_labelled_scan(image_path, labels_path)
        for name in args.recipes:
            epochs, pieces = BUDGETS[args.budget][name]
            budget = (args.epochs or epochs, args.max_pieces or pieces)
            print(f"{case}: {name}", file=sys.stderr)
            result = train_recipe(
                RECIPES[name],
                image,
                labels,
                Path(args.work) / case / name,
                epochs=budget[0],
                max_pieces=budget[1],
                device=args.device,
                resume=True,
                checkpoint_every=1,
                trained_on=f"one scan, {case}",
                progress=_show,
            )
            rows.append(Row(case, RECIPES[name], budget, result))
    return rows


def _show(step: Step) -> None:
    line = f"  {step.role} epoch {step.epoch}, step {step.done}/{step.total}: {step.loss:.4f}"
    print(line, end="\n" if step.done == step.total else "\r", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
