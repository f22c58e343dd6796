"""What the ways into a data set have in common, whatever the other side's layout.

An import goes case by case, and passes over what the data set holds already; so it goes on where an
earlier one was broken off. A case that cannot be used does not keep the others out.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType

import numpy as np

from ToothSegLib.dataset.case import DatasetCase
from ToothSegLib.dataset.folder import CaseMeta, Dataset
from ToothSegLib.dataset.label_codes import to_fdi
from ToothSegLib.dataset.label_doubts import case_doubts
from ToothSegLib.dataset.left_out import check_background, check_no_tooth_is_left_out
from ToothSegLib.dataset.patients import Pseudonyms
from ToothSegLib.dataset.record import LOST, MISSING, PREDICTED, approved_review
from ToothSegLib.dataset.refusals import Locked, Outdated, Suspicious
from ToothSegLib.dataset.voxels import checked_labels, storable, teeth_of, values_in
from ToothSegLib.errors import InputError
from ToothSegLib.progress import Progress
from ToothSegLib.segment_labels import segment_teeth
from ToothSegLib.volume import Volume
from ToothSegLib.volume_io import read_volume


@dataclass(frozen=True)
class Incoming:
    """A case of another layout: its files, its name there; no labels for a scan alone."""

    name: str
    image: Path
    labels: Path | None


@dataclass
class Imported:
    """What became of an import.

    Args:
        added: names of the new cases.
        known: files of scans that were in the data set already, with nothing new to them.
        labelled: names of cases that were there without labels, and have got these.
        approved: names of cases that had these labels, not reviewed to the end, and now are.
        differ: files of labels that no revision of a case holds, by the case's name.
        failed: in a line each, why a scan or its labels could not be taken, or not at this moment.
        description: file that names the label values; None where they are FDI numbers.
        left_out: names of labels that are no tooth; they became background.
        patients: pseudonyms that were made up for patients of several cases, or of one.
        apart: by their names, the pseudonyms that cases which were there already should have, for
            others of the same patient have them, or are to get them as well.
        doubts: in a line each, labels that came as reviewed and can hardly be right.
    """

    added: list[str] = field(default_factory=list)
    known: list[Path] = field(default_factory=list)
    labelled: list[str] = field(default_factory=list)
    approved: list[str] = field(default_factory=list)
    differ: dict[str, Path] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)
    description: Path | None = None
    left_out: list[str] = field(default_factory=list)
    patients: list[str] = field(default_factory=list)
    apart: dict[str, str] = field(default_factory=dict)
    doubts: list[str] = field(default_factory=list)

    def doubt(self, case: DatasetCase) -> None:
        """Note which of a case's labels, said to be reviewed, can hardly be right."""
        self.doubts += [f"{case.id}: {doubt}" for doubt in case_doubts(case)]


def read_foreign_labels(
    path: Path,
    teeth: Mapping[int, int],
    left_out: Mapping[str, int],
    *,
    reviewed: bool,
    background: Collection[str] = (),
) -> tuple[Volume, list[str]]:
    """FDI numbers of a label map of another layout; what a file of segments says comes first.

    Args:
        teeth: FDI number by label value.
        left_out: values of labels that are no tooth, by name.
        reviewed: see `label_codes.to_fdi`; nor may what is left out be a tooth then.
        background: names among those left out of which somebody says that they are none.

    Returns:
        The labels, and the names of what is left out of this file.

    Raises:
        InputError: the file cannot be read, holds values without a meaning, or is reviewed and what
            is left out of it may be a tooth.
    """
    values = read_volume(path)
    meaning = {**teeth, **segment_teeth(path, values, teeth)}
    array = to_fdi(values.array, meaning, str(path), reviewed=reviewed)
    gone = {value for value in values_in(values.array) if value and meaning[value] <= 0}
    here = {name: left_out[name] for name in _by_value(left_out) if left_out[name] in gone}
    if reviewed:
        said = {name: value for name, value in here.items() if name not in background}
        check_no_tooth_is_left_out(said, str(path))
    return replace(values, array=array), list(here)


def take_in(
    dataset: Dataset,
    incoming: Sequence[Incoming],
    teeth: Mapping[int, int],
    meta: CaseMeta,
    *,
    keep_names: bool,
    reviewed: bool,
    run: Progress,
    left_out: Mapping[str, int] = MappingProxyType({}),
    background: Collection[str] = (),
    groups: Mapping[str, str] = MappingProxyType({}),
) -> Imported:
    """Add cases of another layout.

    Args:
        teeth: FDI number by label value.
        left_out, background: see `read_foreign_labels`.
        meta: for all of them; its `case_id` and `patient` are not looked at.
        keep_names: name the cases as they are named there, not by their checksums.
        reviewed: their labels have been reviewed; they count as approved.
        groups: what the cases of one patient share, by a case's name there.

    Raises:
        InputError: ``background`` names no label that is left out.
        Suspicious: a name that is to be kept may tell who the patient is.
        OutputError: the data set cannot be written to.
        Cancelled: as asked; the cases before have been added.
    """
    check_background(left_out, background)
    result = Imported(left_out=_by_value(left_out))
    pseudonyms = Pseudonyms(dataset, groups)
    result.patients = pseudonyms.made
    for number, case in enumerate(incoming):
        run.stage(f"adding {case.name}", 0.0, 1.0).update(number / len(incoming))
        try:
            image = storable(read_volume(case.image))
            labels = (
                None
                if case.labels is None
                else read_foreign_labels(
                    case.labels, teeth, left_out, reviewed=reviewed, background=background
                )[0]
            )
            review = (
                approved_review(teeth_of(labels.array)) if labels is not None and reviewed else {}
            )
            there = dataset.find_scan(image)
            if there is not None:
                known = dataset.case(there)
                pseudonyms.meet(case.name, known)
                if _meet(result, case, known, labels, replace(meta, review=review)) and review:
                    result.doubt(known)
                continue
            case_id, patient = case.name if keep_names else None, pseudonyms.of(case.name)
            named = replace(meta, case_id=case_id, review=review, patient=patient)
            new = dataset.add(image, labels, named)
            result.added.append(new.id)
            if review:
                result.doubt(new)
        except (InputError, Locked, Outdated) as error:
            about = "" if str(error).startswith(_files(case)) else f"{case.image}: "
            if isinstance(error, Suspicious):
                raise Suspicious(f"{about}{error}") from error
            result.failed.append(f"{about}{error}")
    result.apart = pseudonyms.apart()
    return result


def _by_value(names: Mapping[str, int]) -> list[str]:
    return sorted(names, key=lambda name: names[name])


def _files(case: Incoming) -> tuple[str, ...]:
    return tuple(str(path) for path in (case.image, case.labels) if path is not None)


def _meet(
    result: Imported, incoming: Incoming, case: DatasetCase, labels: Volume | None, meta: CaseMeta
) -> bool:
    """A scan is in the data set already: are its labels, and their review? Whether they came."""
    if labels is not None and meta.review and _waits(case, labels):
        case.save_revision(
            case.saved_labels(case.revision),
            meta.who,
            review={**meta.review, **_looked_at(case)},
            note=meta.note,
            accept_text=meta.accept_text,
        )
        result.approved.append(case.id)
        return True
    if labels is None or incoming.labels is None or _has(case, labels):
        result.known.append(incoming.image)
    elif case.revision:
        result.differ[case.id] = incoming.labels
    else:
        case.save_revision(
            labels, meta.who, review=meta.review, note=meta.note, accept_text=meta.accept_text
        )
        result.labelled.append(case.id)
        return True
    return False


def _looked_at(case: DatasetCase) -> dict[int, str]:
    """What is known of a case whose labels are approved; what they lack is in no mouth then."""
    review = case.record.review
    return {fdi: MISSING if how == LOST else how for fdi, how in review.items() if how != PREDICTED}


def _waits(case: DatasetCase, labels: Volume) -> bool:
    """Whether these labels are a case's newest, and not reviewed to the end."""
    if not case.revision or case.record.reviewed:
        return False
    array = checked_labels(labels, case.record.source).array
    return np.array_equal(array, case.saved_labels(case.revision).array)


def _has(case: DatasetCase, labels: Volume) -> bool:
    """Whether one of a case's revisions holds these labels."""
    array = checked_labels(labels, case.record.source).array
    return any(
        np.array_equal(array, case.labels(entry.number).array)
        for entry in reversed(case.history())
        if entry.number
    )
