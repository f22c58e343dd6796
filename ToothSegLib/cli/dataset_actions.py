"""What `toothseg dataset` does: a function an action, each from options to an exit code."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from ToothSegLib.cli.console import told_how_to_go_on, working
from ToothSegLib.cli.dataset_common import (
    counted,
    labels_in,
    meta_of,
    opened,
    opened_or_new,
    tell_doubts,
    tell_label_doubts,
    tell_left_out,
)
from ToothSegLib.cli.words import escaped, plain
from ToothSegLib.command_line import command_line
from ToothSegLib.dataset.checks import check_dataset, doubtful_cases
from ToothSegLib.dataset.folder import Dataset
from ToothSegLib.dataset.intake import Imported
from ToothSegLib.dataset.lock import break_lock
from ToothSegLib.dataset.monai import export_monai, import_monai
from ToothSegLib.dataset.nnunet import export_nnunet, import_nnunet
from ToothSegLib.dataset.reading import read_json
from ToothSegLib.dataset.record import CaseRecord, Prediction, approved_review
from ToothSegLib.dataset.voxels import checked_labels, source_of, teeth_of
from ToothSegLib.errors import Cancelled, InputError, OutputError
from ToothSegLib.formats.scan_checksum import scan_sha256
from ToothSegLib.progress import Progress
from ToothSegLib.report import SCAN_SHA256
from ToothSegLib.volume_io import read_volume


def add(args: argparse.Namespace) -> int:
    """Add a scan."""
    if args.approved and not args.labels:
        raise InputError("--approved without --labels: there is nothing that was reviewed")
    if args.report and not args.labels:
        raise InputError("--report without --labels: give the labels that it is the report of")
    if args.names and not args.labels:
        raise InputError("--names without --labels: there are no values that it names")
    meta = replace(meta_of(args), case_id=args.id, patient=args.patient, note=args.note)
    provenance = {} if args.report is None else _provenance(args.report)
    if provenance:
        meta = replace(meta, prediction=Prediction.from_provenance(provenance))
    with working(quiet=args.quiet) as (progress, cancelled):
        whole = Progress(progress, cancelled)
        whole.stage("reading", 0.0, 0.4).update(0.0)
        image = read_volume(args.scan, series=args.series)
        if provenance.get(SCAN_SHA256) not in (None, scan_sha256(image)):
            raise InputError(
                f"{args.report} is the report of another scan than {args.scan}: give that of this "
                "one, or leave --report out"
            )
        labels = labels_in(args.labels, args) if args.labels else None
        if labels is not None and args.approved:
            teeth = teeth_of(checked_labels(labels, source_of(image)).array)
            meta = replace(meta, review=approved_review(teeth))
        whole.stage("writing", 0.4, 1.0).update(0.0)
        with opened_or_new(args) as dataset:
            case = dataset.add(image, labels, meta)
    if not args.quiet:
        teeth_words = counted(len(case.record.teeth), "tooth") if case.revision else "no labels yet"
        print(escaped(f"{case.id} added, {teeth_words}"))
        tell_doubts([case])
        if args.approved:
            tell_label_doubts(case)
    return 0


def _provenance(report: Path) -> dict[str, Any]:
    """Where a result comes from, by its report. Raises InputError."""
    provenance = read_json(report).get("provenance")
    if not isinstance(provenance, dict):
        raise InputError(f"{report} is no report of toothseg segment")
    return provenance


def show(args: argparse.Namespace) -> int:
    """List the cases."""
    dataset = opened(args)
    cases = dataset.cases()
    for case in cases:
        print(escaped(f"{case.id}  revision {case.revision}  {_how_far(case.record)}"))
    if not args.quiet:
        print(counted(len(cases), "case"))
        tell_doubts(cases)
    return 0


def _how_far(record: CaseRecord) -> str:
    """How far a case's review has come, in words."""
    if not record.revision:
        return "no labels yet"
    if record.reviewed:
        teeth = counted(len(record.teeth), "tooth")
        return f"{teeth}, all reviewed" if record.teeth else "no teeth, reviewed"
    following = [fdi for fdi in record.waiting if fdi in record.teeth]
    lost = [str(fdi) for fdi in record.waiting if fdi not in record.teeth]
    if record.teeth:
        done = len(record.teeth) - len(following)
        words = [f"{done} of {len(record.teeth)} teeth reviewed"]
    else:
        words = ["no teeth"] if lost else ["no teeth, nobody has looked"]
    words += [f"next {fdi}" for fdi in following[:1]]
    words += [f"{', '.join(lost)} lost"] if lost else []
    return ", ".join(words)


def check(args: argparse.Namespace) -> int:
    """Look for everything that is inconsistent; 2 if something is."""
    with working(quiet=args.quiet) as (progress, cancelled):
        problems = check_dataset(args.folder, progress=progress, cancelled=cancelled)
        doubts = doubtful_cases(args.folder, progress=progress, cancelled=cancelled)
    for problem in [*problems, *doubts]:
        print(plain(str(problem)))
    if not args.quiet:
        print(counted(len(problems), "problem") if problems else "Everything is consistent.")
    return 2 if problems else 0


def export(args: argparse.Namespace) -> int:
    """Write another program's layout."""
    write = export_nnunet if args.format == "nnunet" else export_monai
    dataset = opened(args)
    with working(quiet=args.quiet) as (progress, cancelled):
        count = write(
            dataset, args.out, reviewed_only=args.reviewed, run=Progress(progress, cancelled)
        )
    if not args.quiet:
        print(escaped(f"{counted(count, 'case')} in {args.out}"))
    return 0


def take_in(args: argparse.Namespace) -> int:
    """Add the cases of another program's data set."""
    take = import_nnunet if args.format == "nnunet" else import_monai
    try:
        with opened_or_new(args) as dataset, working(quiet=args.quiet) as (progress, cancelled):
            result = take(
                dataset,
                args.source,
                meta_of(args),
                keep_names=args.keep_names,
                reviewed=args.approved,
                background=args.background,
                run=Progress(progress, cancelled),
            )
    except (Cancelled, KeyboardInterrupt):
        return told_how_to_go_on()
    if not args.quiet:
        for line in _came_in(result, dataset, args):
            print(escaped(line))
        tell_doubts(dataset.case(name) for name in result.added)
        for line in result.doubts:
            print(plain(line), file=sys.stderr)
    for line in result.failed:
        print(f"toothseg: {plain(line)}", file=sys.stderr)
    tell_left_out(result.left_out)
    return InputError.exit_code if result.failed else 0


def _came_in(result: Imported, dataset: Dataset, args: argparse.Namespace) -> Iterator[str]:
    """What became of an import, in lines, with what is left to do."""
    yield f"{counted(len(result.added), 'case')} added, {len(result.known)} there already"
    if result.labelled:
        yield f"there without labels, which came now: {', '.join(result.labelled)}"
    if result.approved:
        yield f"there unreviewed, approved now: {', '.join(result.approved)}"
    revise = command_line("toothseg", "dataset", "revise", str(args.folder))
    for case, labels in result.differ.items():
        command = f"{revise} {case} {command_line(str(labels))}"
        if result.description is not None:
            command += f" --names {command_line(str(result.description))}"
        if dataset.case(case).revision == 1:  # later ones may be the work of others
            command += " --from 1"
        yield f"{case} has other labels here than there; to take those from there: {command}"
    if result.patients:
        made = ", ".join(result.patients)
        yield f"{counted(len(result.patients), 'patient')} named anew: {made}"
    for case, patient in result.apart.items():
        # No revision without labels can be made, so the first ones bring the pseudonym.
        bare = not dataset.case(case).revision
        what, file = ("; with its first labels", " LABELS") if bare else ("", "")
        yield (
            f"{case} is of the same patient as others that came{what}: {revise} {case}{file} "
            f"--patient {command_line(patient)}"
        )
    if result.failed:
        yield f"{len(result.failed)} could not be taken; the same command tries them again"


def unlock(args: argparse.Namespace) -> int:
    """Break locks that were left behind; 2 if one stays."""
    dataset = opened(args)
    names = dataset.case_ids()
    if args.case is not None and args.case not in names:
        raise InputError(f"there is no case {args.case!r} in {args.folder}")
    folders = [args.folder / name for name in ([args.case] if args.case else names)]
    if args.case is None:
        folders.append(args.folder)
    broken, refusals = 0, list[str]()
    for folder in folders:
        try:
            lock = break_lock(folder)
        except OutputError as error:
            refusals.append(str(error))
            continue
        if lock is not None:
            broken += 1
            name = os.path.basename(os.path.abspath(folder))
            print(plain(f"{name}: unlocked, it was locked by {lock}"), flush=True)
    for line in refusals:
        print(f"toothseg: {plain(line)}", file=sys.stderr)
    if not (broken or refusals or args.quiet):
        print("There are no locks.")
    return OutputError.exit_code if refusals else 0
