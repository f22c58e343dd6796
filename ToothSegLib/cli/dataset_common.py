"""What the actions of `toothseg dataset` have in common: the set, who saves, and counts."""

from __future__ import annotations

import argparse
import getpass
import sys
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ToothSegLib.cli.words import plain
from ToothSegLib.dataset.case import DatasetCase
from ToothSegLib.dataset.folder import CaseMeta, Dataset
from ToothSegLib.dataset.intake import read_foreign_labels
from ToothSegLib.dataset.label_doubts import case_doubts
from ToothSegLib.dataset.left_out import check_background
from ToothSegLib.dataset.nnunet import named_teeth
from ToothSegLib.dataset.record import check_who
from ToothSegLib.errors import InputError
from ToothSegLib.segment_labels import read_labels
from ToothSegLib.volume import Volume


def opened(args: argparse.Namespace) -> Dataset:
    """The data set; what opening it has tidied is told."""
    dataset = Dataset.open(args.folder)
    _tell(dataset, args)
    return dataset


@contextmanager
def opened_or_new(args: argparse.Namespace) -> Iterator[Dataset]:
    """The data set, made if need be; one that nothing has come into is taken away again."""
    with Dataset.new_if_missing(args.folder) as dataset:
        _tell(dataset, args)
        yield dataset


def _tell(dataset: Dataset, args: argparse.Namespace) -> None:
    if not args.quiet:
        for line in dataset.recovered:
            print(plain(line), file=sys.stderr)


def tell_doubts(cases: Iterable[DatasetCase]) -> None:
    """Say of which cases left and right, or the place, are not certain."""
    for case in cases:
        for doubt in case.record.doubts:
            print(plain(f"{case.id}: {doubt}"), file=sys.stderr)


def tell_label_doubts(case: DatasetCase) -> None:
    """Say which of the labels that somebody has approved can hardly be right."""
    for doubt in case_doubts(case):
        print(plain(f"{case.id}: {doubt}"), file=sys.stderr)


def labels_in(path: str | Path, args: argparse.Namespace) -> Volume:
    """FDI numbers in a file; --names is the one that says what its values mean, if one does.

    What of the file is left out is told, with --quiet too: it becomes background.

    Raises:
        InputError: a file cannot be read, values have no meaning, or of what is --approved nobody
            labelled a part, or a part that may be a tooth is left out.
    """
    if args.names is None:
        if args.background:
            raise InputError("--background without --names: there are no names of labels")
        return read_labels(path)
    teeth, others = named_teeth(args.names)
    check_background(others, args.background)
    labels, left_out = read_foreign_labels(
        Path(path), teeth, others, reviewed=args.approved, background=args.background
    )
    tell_left_out(left_out)
    return labels


def tell_left_out(names: Collection[str]) -> None:
    """Say which labels are no teeth and became background."""
    if names:
        print(plain(f"no teeth, left out: {', '.join(names)}"), file=sys.stderr)


def meta_of(args: argparse.Namespace) -> CaseMeta:
    """What the options tell of every new case. Raises InputError."""
    return CaseMeta(who=who_of(args), accept_text=args.accept_text)


def who_of(args: argparse.Namespace) -> str:
    """Who saves: by default the login name.

    Raises:
        InputError: there is none, or it holds what cannot be written.
    """
    try:
        who = str(args.who or getpass.getuser())
    except (OSError, KeyError, ImportError):  # no login name, as in some containers
        raise InputError("your login name is not known: give --who") from None
    check_who(who)
    return who


def counted(number: int, what: str) -> str:
    """A number of things in words: "1 tooth", "2 cases"."""
    return f"{number} {what if number == 1 else {'tooth': 'teeth'}.get(what, what + 's')}"
