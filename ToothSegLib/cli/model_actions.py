"""What `toothseg models` does beside listing: a function an action, to an exit code."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tqdm import tqdm

from ToothSegLib.cli.words import plain
from ToothSegLib.errors import InputError
from ToothSegLib.evaluation.comparison import (
    Difference,
    as_dicts,
    as_table,
    compare,
    unseen_cases,
)
from ToothSegLib.evaluation.fixed_benchmark import CASES, fixed_benchmark
from ToothSegLib.evaluation.outcomes import Outcome, outcomes_on
from ToothSegLib.evaluation.promotion import promote, roll_back
from ToothSegLib.models import Bundle, default_bundle_name, load_bundle, shipped_default_name


def compare_bundles(args: argparse.Namespace, a: str | None, b: str | None) -> int:
    """Put two bundles side by side, None for the default. Raises InputError, BundleError."""
    if args.dataset is None and not args.benchmark:
        raise InputError("nothing to compare on: give --dataset DIR, --benchmark or both")
    bundles = [load_bundle(a), load_bundle(b)]
    for bundle in bundles:
        bundle.verify()
    tables: dict[str, list[Difference]] = {}
    if args.dataset is not None:
        cases = unseen_cases(Path(args.dataset), bundles)
        with _bar(args, 2 * len(cases)) as done:
            sides = [_noted(outcomes_on(bundle, cases, args.device), done) for bundle in bundles]
        tables["held-out cases"] = compare(*sides)
    if args.benchmark:
        with _bar(args, 2 * CASES) as done:
            sides = [fixed_benchmark(bundle, args.device, done) for bundle in bundles]
        tables["fixed benchmark"] = compare(*sides)
    names = (_title(bundles[0], a), _title(bundles[1], b))
    if args.json:
        told: dict[str, Any] = {"a": _told(bundles[0]), "b": _told(bundles[1])}
        told |= {title.replace(" ", "_"): as_dicts(rows) for title, rows in tables.items()}
        print(json.dumps(told, indent=2))
    else:
        for title, rows in tables.items():
            print(f"{title}\n{as_table(names, rows)}\n")
    return 0


def promote_bundle(args: argparse.Namespace, name: str) -> int:
    """Make a bundle the default. Raises InputError, BundleError, OutputError."""
    bundles = 2 if default_bundle_name() == shipped_default_name() else 3
    with _bar(args, 0 if args.force else bundles * CASES) as done:
        promotion = promote(
            load_bundle(name),
            lambda bundle: fixed_benchmark(bundle, args.device, done),
            force=args.force,
        )
    if not args.quiet:
        new = plain(promotion.name)
        print(f"{new} is the default now; 'toothseg models rollback' takes that back")
        for figure, pair in promotion.grounds.items():
            if isinstance(pair, list):
                words = " -> ".join(f"{value:.4f}" for value in pair)
                print(f"  fixed benchmark, {figure.replace('_', ' ')}: {words}")
    return 0


def roll_back_bundle(args: argparse.Namespace) -> int:
    """Take the last promotion back. Raises InputError, OutputError."""
    before, after = roll_back()
    if not args.quiet:
        print(plain(f"the default is {after} again, not {before}"))
    return 0


def _noted(outcomes: Iterator[Outcome], done: Callable[[], None]) -> Sequence[Outcome]:
    noted = []
    for outcome in outcomes:
        noted.append(outcome)
        done()
    return noted


def _title(bundle: Bundle, given: str | None) -> str:
    if bundle.name == given:
        return plain(bundle.name)
    return plain(f"{bundle.name} ({'the default' if given is None else given})")


def _told(bundle: Bundle) -> dict[str, Any]:
    return {"name": bundle.name, "networks": bundle.weights}


@contextmanager
def _bar(args: argparse.Namespace, scans: int) -> Iterator[Callable[[], None]]:
    """Counts scans on stderr."""
    quiet = args.quiet or not scans or not sys.stderr.isatty()
    with tqdm(total=scans, unit="scan", file=sys.stderr, disable=quiet) as bar:
        yield lambda: bar.update() and None
