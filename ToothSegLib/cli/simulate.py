"""`toothseg simulate`: cases to learn from, or scans to try the program on."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ToothSegLib.errors import Cancelled, InputError, OutputError
from ToothSegLib.seeds import LARGEST_SEED, check_seed

if TYPE_CHECKING:
    from ToothSegLib.progress import Progress
    from ToothSegLib.synthesis.case import Case
    from ToothSegLib.synthesis.crown_statistics import CrownStatistics
    from ToothSegLib.synthesis.scanner import Scanner
    from ToothSegLib.volume import Volume

# Those of `synthesis.scanner`, which waits for NumPy; --help does not.
SCANNER_NAMES = (
    "standard", "clean", "low-dose", "small-field", "short", "soft-beam", "hard-beam", "coarse",
)  # fmt: skip

_SPACING_MM = 0.4
_FIELD_MM = (64.0, 80.0, 88.0)  # along k, j, i


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.description = (
        "Write simulated cases: one tissue map with one label map each, without any patient's "
        "data. With --scan or --physics, a picture of each as a scanner might have stored it, and "
        "its true labels, instead."
    )
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        required=True,
        metavar="DIR",
        help="folder to write to; a case that is there already is left alone, with whatever "
        "options it was made",
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
    picture = parser.add_mutually_exclusive_group()
    picture.add_argument(
        "--scan",
        action="store_true",
        help="write <case>.nrrd and <case>-labels.nrrd instead of <case>.npz",
    )
    picture.add_argument(
        "--physics",
        nargs="?",
        const="standard",
        metavar="SCANNER",
        help="as --scan, but reconstructed from cone-beam projections with the physics of X-rays; "
        f"some minutes each; needs the extra 'physics' (scanners: {', '.join(SCANNER_NAMES)}; "
        "default standard; the documentation on scans by physics says how they differ)",
    )
    parser.add_argument(
        "--ordinary",
        action="store_true",
        help="an ordinary bite on a decent scanner; without it dentition and picture vary far "
        "beyond what is common",
    )
    dental = parser.add_mutually_exclusive_group()
    dental.add_argument(
        "--few-teeth",
        action="store_true",
        help="ten teeth or more are missing, third molars counted, and many places have implants "
        "(unless --no-implants)",
    )
    dental.add_argument(
        "--much-work",
        action="store_true",
        help="most teeth have fillings, crowns, posts or filled roots",
    )
    parser.add_argument(
        "--no-implants",
        action="store_true",
        help="nothing stands where teeth are missing",
    )
    parser.add_argument(
        "--third-molars",
        action="store_true",
        help="with --scan or --physics: label them too, as 'toothseg train --scans' wants it; "
        "by default they are left out, as of a result",
    )
    parser.add_argument(
        "--mark-implants",
        action="store_true",
        help="with --scan or --physics: label implants, crowns on them and pontics as 99, as "
        "'toothseg train --scans' wants it; by default they are background, as in a result",
    )
    parser.add_argument(
        "--spacing",
        type=float,
        metavar="MM",
        help="with --scan or --physics: voxel size of the picture, 0.2 to 1.0 (default 0.4, or the "
        "scanner's own)",
    )


def run(args: argparse.Namespace) -> int:
    """Write the cases; one that is there already is left alone. Raises InputError, OutputError."""
    from ToothSegLib.cli import console
    from ToothSegLib.synthesis.crown_statistics import load_crown_statistics
    from ToothSegLib.synthesis.mesh_form import load_individual

    _check_options(args)
    scanner = _scanner(args.physics, args.spacing) if args.physics is not None else None
    try:
        args.output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make {args.output}: {error.strerror or error}") from error
    individuals = [load_individual(folder) for folder in args.anatomy]
    crowns = load_crown_statistics(args.crowns) if args.crowns else None
    try:
        there = _write_all(args, individuals, crowns, scanner)
    except (Cancelled, KeyboardInterrupt):
        return console.told_how_to_go_on()
    if there and not args.quiet:
        print(
            f"{there} of {args.count} cases were there already and were left alone: to have "
            f"them with these options name another folder than {args.output}, or remove them"
        )
    return 0


def _check_options(args: argparse.Namespace) -> None:
    """Refuse values out of range, and options without the one that they belong to.

    Raises:
        InputError: as said.
    """
    if args.count < 1:
        raise InputError(f"--count {args.count}: give at least 1")
    check_seed(args.seed)
    if args.seed + args.count - 1 > LARGEST_SEED:
        raise InputError(
            f"--seed {args.seed} with --count {args.count}: the last case's number would be over "
            f"{LARGEST_SEED}"
        )
    if args.spacing is not None and not 0.2 <= args.spacing <= 1.0:
        raise InputError(f"--spacing {args.spacing:g}: give 0.2 to 1.0 mm")
    if args.spacing is not None and not args.scan and args.physics is None:
        raise InputError(
            f"--spacing {args.spacing:g} without --scan or --physics: it is of the picture, and "
            "cases have none"
        )
    if args.third_molars and not args.scan and args.physics is None:
        raise InputError("--third-molars without --scan or --physics: cases label them anyway")
    if args.mark_implants and not args.scan and args.physics is None:
        raise InputError("--mark-implants without --scan or --physics: cases tell them anyway")


def _scanner(name: str, spacing_mm: float | None) -> Scanner:
    """The scanner of that name, with other voxels if so asked; InputError if there is none."""
    from ToothSegLib.synthesis.conebeam import toolkit
    from ToothSegLib.synthesis.scanner import find_scanner

    scanner = find_scanner(name)
    toolkit()
    return replace(scanner, voxel_mm=spacing_mm) if spacing_mm else scanner


def _write_all(
    args: argparse.Namespace,
    individuals: list,
    crowns: CrownStatistics | None,
    scanner: Scanner | None,
) -> int:
    """Write the cases, and tell how far that is; how many are there already.

    Raises:
        OutputError: see `_write`.
        Cancelled: by the user.
    """
    from ToothSegLib.cli import console
    from ToothSegLib.progress import Progress

    there = 0
    with console.working(quiet=args.quiet) as (progress, cancelled):
        whole = Progress(progress, cancelled)
        for n in range(args.count):
            stage = whole.stage("simulating", n / args.count, (n + 1) / args.count)
            stage.update(0.0)
            there += not _write(args, args.seed + n, individuals, crowns, scanner, stage)
        whole.stage("simulating", 0.0, 1.0).update(1.0)
    return there


def _write(
    args: argparse.Namespace,
    seed: int,
    individuals: list,
    crowns: CrownStatistics | None,
    scanner: Scanner | None,
    progress: Progress,
) -> bool:
    """Write a case, all its files at once; false if it is there already.

    Raises:
        OutputError: the folder cannot be written to, or one of two files is there.
    """
    from ToothSegLib.disk.staging import all_or_nothing
    from ToothSegLib.synthesis.case import save_case
    from ToothSegLib.synthesis.compose import MUCH_WORK, Wish, few_teeth, make_case
    from ToothSegLib.volume_io import write_volume

    name = f"case-{seed:05d}"
    with_picture = args.scan or scanner is not None
    names = [f"{name}.nrrd", f"{name}-labels.nrrd"] if with_picture else [f"{name}.npz"]
    with all_or_nothing(args.output) as stage:
        there = [file for file in names if (args.output / file).exists()]
        if there == names:
            return False
        if there:
            raise OutputError(
                f"{args.output / there[0]} is there without the other file of its case: remove "
                "it, or name another folder"
            )
        wish = few_teeth(seed) if args.few_teeth else MUCH_WORK if args.much_work else None
        if args.no_implants:
            wish = replace(wish or Wish(), implants=0.0)
        case = make_case(seed, individuals, crowns=crowns, ordinary=args.ordinary, wish=wish)
        if with_picture:
            for file, volume in zip(names, _scan(case, seed, args, scanner, progress)):
                write_volume(stage / file, volume)
        else:
            save_case(stage / names[0], case)
    return True


def _scan(
    case: Case,
    seed: int,
    args: argparse.Namespace,
    scanner: Scanner | None,
    progress: Progress,
) -> tuple[Volume, Volume]:
    if scanner is not None:
        from ToothSegLib.synthesis.physics import simulate_cbct

        return simulate_cbct(
            case, seed, scanner, third_molars=args.third_molars, prostheses=args.mark_implants,
            progress=progress,
        )  # fmt: skip

    from ToothSegLib.synthesis.pictures import ORDINARY
    from ToothSegLib.synthesis.scans import simulate_scan

    spacing = args.spacing or _SPACING_MM
    depth, height, width = (2 * round(mm / spacing / 2) for mm in _FIELD_MM)
    strength = ORDINARY if args.ordinary else 1.0
    return simulate_scan(
        case, seed, size=(depth, height, width), spacing_mm=spacing, strength=strength,
        third_molars=args.third_molars, prostheses=args.mark_implants,
    )  # fmt: skip
