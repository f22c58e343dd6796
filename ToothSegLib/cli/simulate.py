"""`toothseg simulate`: cases to learn from, or scans to try the program on."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from ToothSegLib.errors import InputError, OutputError

if TYPE_CHECKING:
    from ToothSegLib.synthesis.crown_statistics import CrownStatistics


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.description = (
        "Write simulated cases: one tissue map with one label map each, without any patient's "
        "data. With --scan, also a picture of each as a scanner might have stored it."
    )
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="DIR", help="folder to write to"
    )
    parser.add_argument("-n", "--count", type=int, default=1, help="how many cases (default 1)")
    parser.add_argument(
        "--seed",
        type=int,
        default=0,
        help="number of the first case; each number is another head (default 0)",
    )
    parser.add_argument(
        "--anatomy",
        type=Path,
        action="append",
        default=[],
        metavar="DIR",
        help="folder with one individual's tooth meshes (FDI11.stl ...) to mix in; "
        "may be given more than once",
    )
    parser.add_argument(
        "--crowns",
        type=Path,
        metavar="FILE",
        help="statistical model of crowns (.npz) to draw forms from, a new person for every case",
    )
    parser.add_argument(
        "--scan",
        action="store_true",
        help="write <case>.nrrd and <case>-labels.nrrd instead of <case>.npz",
    )
    parser.add_argument(
        "--ordinary",
        action="store_true",
        help="an ordinary bite on a decent scanner; by default anything goes, past what is common",
    )
    parser.add_argument(
        "--spacing",
        type=float,
        default=0.4,
        metavar="MM",
        help="voxel size of --scan, 0.2 to 1.0 (default 0.4)",
    )


def run(args: argparse.Namespace) -> int:
    """Write the cases; a case that is there already is left alone."""
    from ToothSegLib.cli import console
    from ToothSegLib.progress import Progress
    from ToothSegLib.synthesis.crown_statistics import load_crown_statistics
    from ToothSegLib.synthesis.mesh_form import load_individual

    if args.count < 1:
        raise InputError(f"--count {args.count}: give at least 1")
    if args.seed < 0:
        raise InputError(f"--seed {args.seed}: give 0 or more")
    if not 0.2 <= args.spacing <= 1.0:
        raise InputError(f"--spacing {args.spacing:g}: give 0.2 to 1.0 mm")
    try:
        args.output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make {args.output}: {error.strerror or error}") from error
    individuals = [load_individual(folder) for folder in args.anatomy]
    crowns = load_crown_statistics(args.crowns) if args.crowns else None
    with console.working(quiet=args.quiet) as (progress, cancelled):
        stage = Progress(progress, cancelled).stage("simulating", 0.0, 1.0)
        for n in range(args.count):
            stage.update(n / args.count)
            _write(args, args.seed + n, individuals, crowns)
        stage.update(1.0)
    return 0


def _write(
    args: argparse.Namespace, seed: int, individuals: list, crowns: CrownStatistics | None
) -> None:
    from ToothSegLib.synthesis.case import save_case
    from ToothSegLib.synthesis.compose import make_case
    from ToothSegLib.synthesis.pictures import ORDINARY
    from ToothSegLib.synthesis.scans import simulate_scan
    from ToothSegLib.volume_io import write_volume

    name = f"case-{seed:05d}"
    target = args.output / (f"{name}-labels.nrrd" if args.scan else f"{name}.npz")
    if target.exists():
        return
    case = make_case(seed, individuals, crowns=crowns, ordinary=args.ordinary)
    if not args.scan:
        save_case(target, case)
        return
    size = tuple(2 * round(mm / args.spacing / 2) for mm in (64.0, 80.0, 88.0))
    strength = ORDINARY if args.ordinary else 1.0
    image, labels = simulate_scan(case, seed, size=size, spacing_mm=args.spacing, strength=strength)
    write_volume(args.output / f"{name}.nrrd", image)
    write_volume(target, labels)
