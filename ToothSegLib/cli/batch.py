"""`toothseg batch`: a folder of scans, each into a folder of its own."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from ToothSegLib.cli.device_option import add_device
from ToothSegLib.cli.words import plain

if TYPE_CHECKING:
    from ToothSegLib.batch.run import BatchResult

_MOST_FAILURES = 8


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument(
        "input", metavar="FOLDER", help="every scan in it and below: volume files, DICOM series"
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="OUT",
        required=True,
        help="folder for the results, one folder per scan, and manifest.jsonl; finished scans are "
        "kept, so that the same command goes on where it stopped",
    )
    parser.add_argument(
        "--model",
        metavar="NAME|PATH",
        help="bundle of weights (default: the one that toothseg models marks as default)",
    )
    add_device(parser, "the fastest there is")
    parser.add_argument(
        "--jobs",
        type=_at_least_one,
        metavar="N",
        help="scans at a time on this machine (default: as processors and memory allow)",
    )
    parser.add_argument(
        "--dask",
        metavar="ADDRESS",
        help="scheduler of a Dask cluster to do it on (needs the extra dask); its workers see both "
        "folders under the same paths",
    )
    parser.add_argument("--no-stl", action="store_true", help="write no surfaces")
    parser.add_argument("--no-picture", action="store_true", help="draw no pictures")
    parser.add_argument(
        "--slices", action="store_true", help="draw slices of the scans with the teeth outlined too"
    )


def run(args: argparse.Namespace) -> int:
    """Segment all scans. Raises InputError, BundleError, OutputError.

    Returns 0 if every scan is done, 2 if some failed for bad input or output, 1 if a fault of the
    program is among the failures, 130 if cancelled.
    """
    from ToothSegLib.machine.capacity import check_memory_limit

    check_memory_limit()  # before the large libraries are loaded
    from ToothSegLib.batch.entry import Options
    from ToothSegLib.batch.run import run_batch
    from ToothSegLib.cli.console import told_how_to_go_on, working
    from ToothSegLib.errors import Cancelled
    from ToothSegLib.models import from_anywhere

    options = Options(
        model=from_anywhere(args.model),
        device=args.device,
        stl=not args.no_stl,
        picture=not args.no_picture,
        slices=args.slices,
    )
    try:
        with working(quiet=args.quiet) as (progress, cancelled):
            result = run_batch(
                args.input,
                args.output,
                options,
                jobs=args.jobs,
                dask=args.dask,
                progress=progress,
                cancelled=cancelled,
            )
    except (Cancelled, KeyboardInterrupt):
        return told_how_to_go_on()
    if not args.quiet:
        print(summary(result))
    return result.exit_code


def summary(result: BatchResult) -> str:
    """One screen: how many scans of each kind, why some failed, and where the manifest is."""
    from collections import Counter

    from ToothSegLib.batch.entry import MADE

    entries = result.entries
    counts = Counter(entry.status for entry in entries)
    made = [entry for entry in entries if entry.status in MADE]
    urgent = sum(bool(entry.findings and entry.findings.get("high")) for entry in made)
    lines = [f"{len(made)} of {len(entries) - counts['left out']} scans are done"]
    if counts["kept"]:
        lines[0] += f", {counts['kept']} of them by an earlier run"
    if made:
        teeth = sum(len(entry.teeth or ()) for entry in made)
        lines.append(
            f"{teeth} teeth in all; {urgent} with an urgent finding, to be looked at first"
        )
    edited = [entry for entry in made if entry.error]
    if edited:
        was = "1 was" if len(edited) == 1 else f"{len(edited)} were"
        lines.append(f"{was} edited by hand and kept; what to do is in the manifest")
    if counts["left out"]:
        lines.append(f"{counts['left out']} left out: label maps or no volumes, see the manifest")
    failed = [entry for entry in entries if entry.status == "failed"]
    if failed:
        lines += [f"{len(failed)} failed; the same command tries them again"]
        lines += [f"  {plain(f'{e.source}: {e.error}')}" for e in failed[:_MOST_FAILURES]]
        if len(failed) > _MOST_FAILURES:
            lines.append(f"  and {len(failed) - _MOST_FAILURES} more, see the manifest")
    return "\n".join([*lines, str(result.manifest)])


def _at_least_one(text: str) -> int:
    if not text.strip().isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"'{text}': give a whole number of at least 1")
    return int(text)
