"""`toothseg rank`: which scans of a batch to correct and learn from next."""

from __future__ import annotations

import argparse
from pathlib import Path

from ToothSegLib.cli.words import plain
from ToothSegLib.errors import InputError

_MOST_TEETH = 6
_MOST_LEFT_OUT = 4


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument("output", metavar="OUT", type=Path, help="output of toothseg batch")
    parser.add_argument(
        "--against",
        metavar="OUT2",
        type=Path,
        help="output of toothseg batch over the same scans with another bundle; a tooth on which "
        "the two disagree comes earlier",
    )
    parser.add_argument(
        "--dataset",
        metavar="SET",
        type=Path,
        help="data set of the labelled scans; those that are reviewed to the end are left out",
    )
    parser.add_argument(
        "--most",
        metavar="N",
        type=int,
        default=20,
        help="list at most this many scans (default: 20)",
    )


def run(args: argparse.Namespace) -> int:
    """Print the table. Raises InputError."""
    from ToothSegLib.batch.ranking import WORTH_NAMING, ranking, unlisted
    from ToothSegLib.dataset.reviewed import reviewed_scans

    if args.most < 1:
        raise InputError(f"--most {args.most}: give at least 1")
    labelled = reviewed_scans(args.dataset) if args.dataset else set()
    found = ranking(args.output, args.against, labelled)
    everything = found.scans
    waiting = [scan for scan in everything if not scan.labelled]
    ranked = waiting[: args.most]
    names = [plain(scan.name) for scan in ranked]
    width = max([4, *map(len, names)])
    print(f" gain  {'scan':<{width}}  teeth to look at first (gain)")
    for scan, name in zip(ranked, names):
        named = [item for item in scan.teeth if item[1] >= WORTH_NAMING]
        teeth = ", ".join(f"{fdi} ({gain:.1f})" for fdi, gain in named[:_MOST_TEETH])
        more = f" and {len(named) - _MOST_TEETH} more" if len(named) > _MOST_TEETH else ""
        print(f"{scan.gain:5.1f}  {name:<{width}}  {teeth}{more}".rstrip())
    left_out = len(everything) - len(waiting)
    if left_out and not args.quiet:
        which = "scan is" if left_out == 1 else "scans are"
        print(f"{left_out} {which} left out: reviewed in {args.dataset} already")
    if found.alone and not args.quiet:
        which = "scan is" if found.alone == 1 else "scans are"
        print(f"{found.alone} {which} ranked without {args.against}, which has no result of them")
    old = unlisted(args.output)
    if old and not args.quiet:
        print(f"{_results(len(old))} left out, not made or kept by the last batch: {_first(old)}")
    damaged = [f"{name} ({why})" for name, why in found.damaged.items()]
    if damaged and not args.quiet:
        print(
            f"{_results(len(damaged))} left out, not whole: {_first(damaged)}; toothseg batch, run "
            "again, makes them anew or says why not"
        )
    return 0


def _results(count: int) -> str:
    return f"{count} {'result is' if count == 1 else 'results are'}"


def _first(names: list[str]) -> str:
    more = ", ..." if len(names) > _MOST_LEFT_OUT else ""
    return ", ".join(map(plain, names[:_MOST_LEFT_OUT])) + more
