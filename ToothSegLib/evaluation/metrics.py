"""A label map of teeth against the truth, tooth by tooth.

Overlap is Dice and IoU; the distances are those of `distances.py`. Teeth are the 28; third molars
count as background on both sides. A tooth of the truth that the prediction lacks has Dice 0 and
no distances. A predicted region is a true tooth if their IoU is 0.5 or more.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import find_objects
from scipy.optimize import linear_sum_assignment

from ToothSegLib.errors import InputError
from ToothSegLib.evaluation.distances import root_end, surface_distances
from ToothSegLib.evaluation.scores import Evaluation, Rates, ToothScore
from ToothSegLib.teeth import (
    CLASS_TO_FDI,
    FDI_NUMBERS,
    FDI_TO_CLASS,
    FDI_TO_TYPE,
    UPPER_ARCH,
    by_fdi,
)
from ToothSegLib.volume import Volume, corner_indices

MATCH_IOU = 0.5
"""Least IoU at which a predicted region is said to be a tooth of the truth."""


def evaluate(prediction: Volume, truth: Volume) -> Evaluation:
    """Compare two label maps of FDI numbers on the same grid.

    Raises:
        InputError: the grids differ, or a label is not the FDI number of an adult tooth.
    """
    if not prediction.same_grid(truth, truth.file_tolerance_mm):
        raise InputError(
            f"the grids differ: {_difference(prediction, truth)}; resample the prediction first "
            "(toothseg evaluate --resample)"
        )
    predicted, true = _cropped(_classes(prediction, "prediction"), _classes(truth, "truth"))
    overlap = _overlap(predicted, true)
    voxels_predicted, voxels_true = overlap.sum(axis=1), overlap.sum(axis=0)
    union = voxels_predicted[:, None] + voxels_true[None, :] - overlap
    iou = np.divide(overlap, union, out=np.zeros(overlap.shape), where=union > 0)

    matches = _matches(iou[1:, 1:])
    n_predicted = int((voxels_predicted[1:] > 0).sum())
    n_true = int((voxels_true[1:] > 0).sum())
    right = int((np.diag(iou)[1:] >= MATCH_IOU).sum())
    same_category = [by_fdi(a).category == by_fdi(b).category for a, b in matches.items()]
    foreground = voxels_predicted[1:].sum() + voxels_true[1:].sum()
    boxes = _boxes(predicted, true)
    return Evaluation(
        teeth=[
            _score(fdi, predicted, true, boxes.get(FDI_TO_CLASS[fdi]), truth)
            for fdi in sorted(FDI_NUMBERS)
            if voxels_true[FDI_TO_CLASS[fdi]]
        ],
        extra=[
            fdi
            for fdi in sorted(FDI_NUMBERS)
            if voxels_predicted[FDI_TO_CLASS[fdi]] and not voxels_true[FDI_TO_CLASS[fdi]]
        ],
        matches=matches,
        foreground_dice=float(2 * overlap[1:, 1:].sum() / foreground) if foreground else math.nan,
        identification=Rates(right, n_predicted, n_true),
        detection=Rates(len(matches), n_predicted, n_true),
        category_accuracy=float(np.mean(same_category)) if same_category else math.nan,
    )


def _score(
    fdi: int,
    predicted: NDArray[np.uint8],
    true: NDArray[np.uint8],
    box: tuple[slice, ...] | None,
    grid: Volume,
) -> ToothScore:
    """The score of a tooth of the truth; without a box the prediction lacks it."""
    index = FDI_TO_CLASS[fdi]
    if box is None:
        truth_mm3, nan = float((true == index).sum() * grid.voxel_mm3), math.nan
        return ToothScore(fdi, 0.0, 0.0, nan, nan, nan, nan, truth_mm3, 0.0)
    ours, theirs = predicted[box] == index, true[box] == index
    common, both = (ours & theirs).sum(), ours.sum() + theirs.sum()
    steps = grid.index_to_lps[:3, :3]
    return ToothScore(
        fdi=fdi,
        dice=float(2 * common / both),
        iou=float(common / (both - common)),
        truth_mm3=float(theirs.sum() * grid.voxel_mm3),
        predicted_mm3=float(ours.sum() * grid.voxel_mm3),
        root_end=root_end(ours, theirs, steps, upper=fdi in UPPER_ARCH),
        **surface_distances(ours, theirs, steps),
    )


def _classes(labels: Volume, what: str) -> NDArray[np.uint8]:
    """Class indices 0-28 of a map of FDI numbers."""
    array = labels.array
    found = np.unique(array)
    known = {fdi for fdi, kind in enumerate(FDI_TO_TYPE) if kind} | {0}
    strange = [value for value in found.tolist() if value not in known]
    if strange:
        raise InputError(
            f"the {what} holds the label {strange[0]:g}, which is not the FDI number of an adult "
            "tooth (11-18, 21-28, 31-38, 41-48): give a label map of FDI numbers"
        )
    return np.asarray(FDI_TO_CLASS, np.uint8)[array.astype(np.uint8)]


def _cropped(
    predicted: NDArray[np.uint8], true: NDArray[np.uint8]
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Both without the background around them, which most of a scan is."""
    boxes = find_objects(((predicted > 0) | (true > 0)).astype(np.uint8))
    return (predicted[boxes[0]], true[boxes[0]]) if boxes else (predicted, true)


def _overlap(predicted: NDArray[np.uint8], true: NDArray[np.uint8]) -> NDArray[np.int64]:
    """(29, 29) voxels with each pair of class indices, predicted by true."""
    n = len(CLASS_TO_FDI)
    counts = np.zeros(n * n, np.int64)
    for ours, theirs in zip(predicted, true, strict=True):  # counting takes 16 bytes a voxel
        pairs = ours.astype(np.uint16) * n + theirs
        counts += np.bincount(pairs.ravel(), minlength=n * n)
    return counts.reshape(n, n)


def _boxes(
    predicted: NDArray[np.uint8], true: NDArray[np.uint8]
) -> Mapping[int, tuple[slice, ...]]:
    """The box that holds both regions of each class index that is on both sides."""
    n = len(CLASS_TO_FDI)
    pairs = zip(find_objects(predicted, n), find_objects(true, n), strict=True)
    return {
        index: tuple(
            slice(min(a.start, b.start), max(a.stop, b.stop))
            for a, b in zip(one, other, strict=True)
        )
        for index, (one, other) in enumerate(pairs, start=1)
        if one is not None and other is not None
    }


def _matches(iou: NDArray[np.float64]) -> dict[int, int]:
    """Predicted FDI number -> true one, each at most once, by the best total IoU."""
    rows, columns = linear_sum_assignment(np.where(iou >= MATCH_IOU, iou, 0), maximize=True)
    return {
        CLASS_TO_FDI[row + 1]: CLASS_TO_FDI[column + 1]
        for row, column in zip(rows, columns, strict=True)
        if iou[row, column] >= MATCH_IOU
    }


def _difference(prediction: Volume, truth: Volume) -> str:
    ours, theirs = _grid(prediction), _grid(truth)
    if ours != theirs:
        return f"prediction {ours}, truth {theirs}"
    shift = (prediction.index_to_lps - truth.index_to_lps) @ corner_indices(truth.shape)
    furthest = float(np.linalg.norm(shift, axis=0).max())
    return (
        f"both have {ours}, but voxels of the same number lie up to {furthest:.3g} mm apart (by "
        "origin or direction)"
    )


def _grid(volume: Volume) -> str:
    size = "x".join(map(str, volume.shape[::-1]))
    return f"{size} voxels of {'x'.join(f'{value:.4g}' for value in volume.spacing)} mm"
