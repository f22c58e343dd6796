"""`toothseg evaluate`: a label map against the truth."""

from __future__ import annotations

import argparse
import json
import os
from contextlib import suppress


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument("prediction", metavar="PREDICTION", help="label map of FDI numbers")
    parser.add_argument(
        "truth",
        metavar="TRUTH",
        help="label map of FDI numbers on the same grid (else see --resample)",
    )
    parser.add_argument(
        "--resample",
        action="store_true",
        help="bring the prediction to the truth's grid by nearest neighbour if the grids differ; "
        "what lies outside that grid does not count, and is told",
    )
    parser.add_argument(
        "--json",
        metavar="FILE",
        help="write the figures to a file too; '-' prints them instead of the table",
    )


def run(args: argparse.Namespace) -> int:
    """Evaluate one label map. Raises InputError, OutputError."""
    from ToothSegLib.disk.atomic import writing_to
    from ToothSegLib.evaluation.metrics import evaluate
    from ToothSegLib.evaluation.resample import outside_of, resample_labels
    from ToothSegLib.evaluation.scores import as_dict
    from ToothSegLib.evaluation.table import as_table, outside_as_text
    from ToothSegLib.segment_labels import read_labels

    prediction, truth = read_labels(args.prediction), read_labels(args.truth)
    resampled = args.resample and not prediction.same_grid(truth, truth.file_tolerance_mm)
    outside = {}
    if resampled:
        # No extra teeth: a truth that was cropped to a region has no say beyond it.
        outside = outside_of(prediction, truth)
        prediction = resample_labels(prediction, truth)
    evaluation = evaluate(prediction, truth)
    if args.json:
        beyond = [
            {"fdi": fdi, "mm3": round(mm3, 1), "share": round(share, 4)}
            for fdi, (mm3, share) in outside.items()
        ]
        figures = {"resampled": resampled, "outside": beyond, **as_dict(evaluation)}
        text = json.dumps(figures, indent=2)
        if _is_stdout(args.json):
            print(text)
            return 0
        with writing_to(args.json) as file:
            file.write((text + "\n").encode())
    if not args.quiet:
        if resampled:
            print("The prediction was brought to the truth's grid by nearest neighbour.")
            print(outside_as_text(outside))
        print(as_table(evaluation))
    return 0


def _is_stdout(path: str) -> bool:
    """Whether a path is where this program prints to, by whatever name."""
    if path != "-":
        with suppress(OSError):
            return os.path.samestat(os.stat(path), os.fstat(1))
    return path == "-"
