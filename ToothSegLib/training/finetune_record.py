"""What a fine-tuning begins with: parent, cases and recipe, written down so that it can go on."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from ToothSegLib.dataset.folder import Dataset
from ToothSegLib.dataset.reviewed import (
    ReviewedCase,
    patient_of,
    reviewed_case,
    reviewed_cases,
)
from ToothSegLib.dataset.voxels import values_sha256
from ToothSegLib.errors import InputError
from ToothSegLib.lineage import as_parent, held_out_scans, learned_scans
from ToothSegLib.models import Bundle
from ToothSegLib.report import software_versions
from ToothSegLib.training.bars import Tell, silent
from ToothSegLib.training.finetune_plan import Plan, recipe_of
from ToothSegLib.training.processes import Processes
from ToothSegLib.training.split import Split, split_by_patient


def new_record(
    dataset: Path,
    parent: Bundle,
    plan: Plan,
    heads: Path | None,
    processes: Processes,
    tell: Tell = silent,
) -> dict[str, Any]:
    """What is written down, see above. Raises InputError: nothing can be learned from that."""
    lineage = parent.card.get("lineage")
    cases = reviewed_cases(dataset)
    for number, case in enumerate(cases):
        tell("checking scans", number, len(cases))
        case.values_sha256  # noqa: B018 - kept with the case; it is asked for below
    tell("checking scans", len(cases), len(cases))
    split = split_by_patient(
        cases,
        plan.seed,
        plan.held_out,
        learned_scans(lineage),
        held_out_scans(lineage),
    )
    if not any(np.any(case.labels().array) for case in split.held_out):
        raise InputError("the held-out cases have no teeth to judge by: take another --seed")
    versions = software_versions()
    return {
        "parent": as_parent(parent),
        "data": {
            "learned": _entries(split.learned),
            "held_out": _entries(split.held_out),
            "of_learned_patients": _others_of(split.learned, dataset),
        },
        "recipe": recipe_of(plan),
        "seed": plan.seed,
        "heads": head_names(heads),
        "processes": processes.count,
        "code": {name: versions[name] for name in ("toothseg", "python", "torch")},
        "begun": datetime.date.today().isoformat(),
    }


def head_names(heads: Path | None) -> list[str] | None:
    """Files of the simulated cases that were given, without their folder."""
    return None if heads is None else sorted(path.name for path in heads.glob("*.npz"))


def _entries(cases: Sequence[ReviewedCase]) -> list[dict[str, Any]]:
    return [
        {
            "case": c.id,
            "revision": c.revision,
            "scan": c.scan_sha256,
            "values": c.values_sha256,
            "labels": c.labels_sha256,
        }
        for c in cases
    ]


def _others_of(cases: Sequence[ReviewedCase], dataset: Path) -> list[dict[str, str]]:
    """Scans of the same patients that are not reviewed yet: whatever becomes of the cases that were
    learned from, and although no pseudonym is kept, the bundle is never tried on these."""
    patients, ids = {case.patient for case in cases}, {case.id for case in cases}
    others = []
    for case in Dataset.open(dataset).cases():
        if patient_of(case) in patients and case.id not in ids:
            others.append({"scan": case.record.source.voxels_sha256})
            with suppress(InputError):  # damaged; nothing learns from it
                others[-1]["values"] = values_sha256(case.image())
    return others


def recorded_split(dataset: Path, record: Mapping[str, Any]) -> Split:
    """The cases with which a run began.

    Raises:
        InputError: one is not in the data set any more or has other labels, or by pseudonyms given
            since one that is learned from and one that is held out are of the same patient.
    """
    opened = Dataset.open(dataset)
    there = set(opened.case_ids())

    def begun_with(entry: Mapping[str, Any]) -> ReviewedCase:
        if entry["case"] not in there:
            raise InputError(
                f"{entry['case']}, with which the run was begun, is not in {dataset} any more: put "
                "it back, or begin a new run in another folder"
            )
        case = reviewed_case(opened, entry["case"], entry["revision"])
        if case.scan_sha256 != entry["scan"]:
            raise InputError(
                f"{case.id} in {dataset} is another scan than the run was begun with: resume it "
                "with the same data set"
            )
        # Runs of older versions do not say.
        if entry.get("labels", case.labels_sha256) != case.labels_sha256:
            raise InputError(
                f"revision {case.revision} of {case.id} in {dataset} holds other labels than the "
                "run was begun with, as of a case that was taken out and added again: put that one "
                "back, or begin a new run in another folder"
            )
        return case

    def side(name: str) -> tuple[ReviewedCase, ...]:
        return tuple(map(begun_with, record["data"][name]))

    split = Split(side("learned"), side("held_out"))
    held_out = {case.patient: case.id for case in split.held_out}
    for case in split.learned:
        if case.patient in held_out:
            raise InputError(
                f"{case.id}, which the run learns from, and {held_out[case.patient]}, which it is "
                f"judged by, are of one patient in {dataset} now: begin a new run in another folder"
            )
    return split
