"""What `toothseg dataset` does: a function an action, each from options to an exit code."""

from __future__ import annotations

import argparse
import getpass
import sys
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from ToothSegLib.cli.console import working
from ToothSegLib.dataset.checks import check_dataset
from ToothSegLib.dataset.folder import CaseMeta, Dataset
from ToothSegLib.dataset.lock import break_lock
from ToothSegLib.dataset.monai import export_monai, import_monai
from ToothSegLib.dataset.nnunet import export_nnunet, import_nnunet
from ToothSegLib.dataset.reading import read_json
from ToothSegLib.dataset.record import (
    APPROVED,
    CORRECTED,
    MISSING,
    PREDICTED,
    CaseRecord,
    Change,
    Prediction,
    approved_review,
)
from ToothSegLib.dataset.voxels import changed_teeth, checked_labels, source_of, teeth_of
from ToothSegLib.errors import Cancelled, InputError
from ToothSegLib.progress import Progress
from ToothSegLib.segment_labels import read_labels
from ToothSegLib.volume_io import read_volume


def add(args: argparse.Namespace) -> int:
    """Add a scan."""
    meta = replace(_meta(args), case_id=args.id, patient=args.patient, note=args.note)
    if args.report is not None:
        provenance = read_json(args.report).get("provenance")
        if not isinstance(provenance, dict):
            raise InputError(f"{args.report} is no report of toothseg segment")
        meta = replace(meta, prediction=Prediction.from_provenance(provenance))
    with working(quiet=args.quiet) as (progress, cancelled):
        whole = Progress(progress, cancelled)
        whole.stage("reading", 0.0, 0.4).update(0.0)
        image = read_volume(args.scan, series=args.series)
        labels = read_labels(args.labels) if args.labels else None
        if labels is not None and args.approved:
            teeth = teeth_of(checked_labels(labels, source_of(image)).array)
            meta = replace(meta, review=approved_review(teeth))
        whole.stage("writing", 0.4, 1.0).update(0.0)
        with _open_or_new(args) as dataset:
            case = dataset.add(image, labels, meta)
    if not args.quiet:
        teeth_words = _count(len(case.record.teeth), "tooth") if case.revision else "no labels yet"
        print(f"{case.id} added, {teeth_words}")
    return 0


def revise(args: argparse.Namespace) -> int:
    """Save labels as a new revision; what was approved and has not changed stays approved."""
    case = _open(args).case(args.case)
    record = case.record
    with working(quiet=args.quiet) as (progress, cancelled):
        whole = Progress(progress, cancelled)
        whole.stage("reading", 0.0, 0.4).update(0.0)
        labels = checked_labels(read_labels(args.labels), record.source)
        before = case.labels() if case.revision else labels.with_array(0 * labels.array)
        changed = changed_teeth(before.array, labels.array)
        states = _review(record, teeth_of(labels.array), changed, approved=args.approved)
        if case.revision and not changed and states == record.review:
            raise InputError(f"{args.labels} is the same as revision {case.revision} of {case.id}")
        whole.stage("writing", 0.4, 1.0).update(0.0)
        number = case.save_revision(
            labels,
            _who(args),
            [Change(fdi, "changed in another program") for fdi in changed],
            states,
            note=args.note,
            accept_text=args.accept_text,
        )
    if not args.quiet:
        print(f"{case.id}: revision {number}, {_count(len(changed), 'tooth')} changed")
    return 0


def _review(
    record: CaseRecord, teeth: Sequence[int], changed: Collection[int], *, approved: bool
) -> dict[int, str]:
    """The states after a revision: what has changed waits for a look, unless it had one."""
    was = record.review
    states = {fdi: PREDICTED if fdi in changed else was.get(fdi, PREDICTED) for fdi in teeth}
    if approved:
        corrected = {*changed, *(fdi for fdi, state in was.items() if state == CORRECTED)}
        states = {fdi: CORRECTED if fdi in corrected else APPROVED for fdi in teeth}
    missing = {fdi for fdi, state in was.items() if state == MISSING} - set(teeth)
    states |= dict.fromkeys(missing, MISSING)
    return states if states or not approved else approved_review(teeth)


def show(args: argparse.Namespace) -> int:
    """List the cases."""
    dataset = _open(args)
    cases = dataset.cases()
    for case in cases:
        record = case.record
        if not case.revision:
            state = "no labels yet"
        elif not record.teeth:
            state = "no teeth, " + ("reviewed" if record.reviewed else "nobody has looked")
        elif record.reviewed:
            state = f"{_count(len(record.teeth), 'tooth')}, all reviewed"
        else:
            waiting = sum(record.review.get(fdi) == "predicted" for fdi in record.teeth)
            done = len(record.teeth) - waiting
            state = f"{done} of {len(record.teeth)} teeth reviewed, next {case.next_tooth()}"
        print(f"{case.id}  revision {case.revision}  {state}")
    if not args.quiet:
        print(_count(len(cases), "case"))
    return 0


def check(args: argparse.Namespace) -> int:
    """Look for everything that is inconsistent; 2 if something is."""
    with working(quiet=args.quiet) as (progress, cancelled):
        problems = check_dataset(args.folder, progress=progress, cancelled=cancelled)
    for problem in problems:
        print(" ".join(str(problem).split()))
    if not args.quiet:
        print(_count(len(problems), "problem") if problems else "Everything is consistent.")
    return 2 if problems else 0


def export(args: argparse.Namespace) -> int:
    """Write another program's layout."""
    write = export_nnunet if args.format == "nnunet" else export_monai
    dataset = _open(args)
    with working(quiet=args.quiet) as (progress, cancelled):
        count = write(
            dataset, args.out, reviewed_only=args.reviewed, run=Progress(progress, cancelled)
        )
    if not args.quiet:
        print(f"{_count(count, 'case')} in {args.out}")
    return 0


def take_in(args: argparse.Namespace) -> int:
    """Add the cases of another program's data set."""
    take = import_nnunet if args.format == "nnunet" else import_monai
    try:
        with _open_or_new(args) as dataset, working(quiet=args.quiet) as (progress, cancelled):
            result = take(
                dataset,
                args.source,
                _meta(args),
                keep_names=args.keep_names,
                reviewed=args.approved,
                run=Progress(progress, cancelled),
            )
    except Cancelled:
        # The usual line, that nothing was written, would not be true.
        print("toothseg: cancelled; import again to go on with the rest", file=sys.stderr)
        return Cancelled.exit_code
    if not args.quiet:
        print(f"{_count(len(result.added), 'case')} added, {len(result.known)} there already")
        if result.left_out:
            print(f"no teeth, left out: {', '.join(result.left_out)}")
    return 0


def unlock(args: argparse.Namespace) -> int:
    """Break locks that were left behind."""
    dataset = _open(args)
    names = dataset.case_ids()
    if args.case is not None and args.case not in names:
        raise InputError(f"there is no case {args.case!r} in {args.folder}")
    folders = [args.folder / name for name in ([args.case] if args.case else names)]
    if args.case is None:
        folders.append(args.folder)
    broken = [(folder.name, lock) for folder in folders if (lock := break_lock(folder))]
    for name, lock in broken:
        print(f"{name}: unlocked, it was locked by {lock}")
    if not (broken or args.quiet):
        print("There are no locks.")
    return 0


def _open(args: argparse.Namespace) -> Dataset:
    """The data set; what opening it has tidied is told."""
    dataset = Dataset.open(args.folder)
    _tell(dataset, args)
    return dataset


@contextmanager
def _open_or_new(args: argparse.Namespace) -> Iterator[Dataset]:
    """The data set, made if need be; one that nothing has come into is taken away again."""
    with Dataset.new_if_missing(args.folder) as dataset:
        _tell(dataset, args)
        yield dataset


def _tell(dataset: Dataset, args: argparse.Namespace) -> None:
    if not args.quiet:
        for line in dataset.recovered:
            print(line, file=sys.stderr)


def _meta(args: argparse.Namespace) -> CaseMeta:
    return CaseMeta(who=_who(args), accept_text=args.accept_text)


def _who(args: argparse.Namespace) -> str:
    try:
        return str(args.who or getpass.getuser())
    except (OSError, KeyError, ImportError):  # no login name, as in some containers
        raise InputError("your login name is not known: give --who") from None


def _count(number: int, what: str) -> str:
    return f"{number} {what if number == 1 else {'tooth': 'teeth'}.get(what, what + 's')}"
