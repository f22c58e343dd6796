"""Data sets made by a program in the annotator's place, which sees the truth."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ToothSegLib.cascade import segment
from ToothSegLib.dataset.case import DatasetCase
from ToothSegLib.dataset.folder import CaseMeta, Dataset
from ToothSegLib.dataset.marker import MARKER
from ToothSegLib.dataset.record import APPROVED, CORRECTED, MISSING, Change, Prediction
from ToothSegLib.dataset.voxels import teeth_of
from ToothSegLib.models import Bundle
from ToothSegLib.training.loop_kinds import ScanMaker
from ToothSegLib.volume import Volume

_ANNOTATOR = "automatic"


def opened(folder: Path) -> Dataset:
    return Dataset.open(folder) if (folder / MARKER).exists() else Dataset.create(folder)


def predict_and_correct(
    dataset: Dataset, name: str, make_scan: ScanMaker, seed: int, bundle: Bundle, device: str
) -> None:
    """Let a bundle predict a scan, and correct it, as far as that has not been done before."""
    case = dataset.case(name) if name in dataset.case_ids() else None
    if case is not None and case.record.reviewed:
        return
    image, truth = make_scan(seed)
    if case is None:
        result = segment(image, bundle=bundle, device=device)
        prediction = Prediction.from_provenance(result.provenance)
        meta = CaseMeta(_ANNOTATOR, case_id=name, prediction=prediction)
        case = dataset.add(image, result.labels, meta)
    correct(case, truth)


def approve_truth(dataset: Dataset, name: str, make_scan: ScanMaker, seed: int) -> None:
    """Add a scan with its true labels, all approved, if it is not there."""
    if name in dataset.case_ids():
        return
    image, truth = make_scan(seed)
    review = dict.fromkeys(teeth_of(truth.array), APPROVED)
    dataset.add(image, truth, CaseMeta(_ANNOTATOR, case_id=name, review=review))


def correct(case: DatasetCase, truth: Volume) -> int:
    """What an annotator does who sees the truth: each tooth looked at, wrong ones drawn anew.

    Returns:
        The number of the new revision, which is reviewed to the end.
    """
    before, after = case.labels().array, truth.array
    changes, review = [], {}
    for fdi in sorted({*teeth_of(before), *teeth_of(after)}):
        drawn, true = before == fdi, after == fdi
        if not true.any():
            review[fdi], what = MISSING, "is not there"
        elif np.array_equal(drawn, true):
            review[fdi], what = APPROVED, ""
        else:
            review[fdi], what = CORRECTED, "outline drawn anew" if drawn.any() else "added"
        if what:
            changes.append(Change(fdi, what))
    return case.save_revision(truth, _ANNOTATOR, changes, review)
