"""A reviewed scan made ready to be sampled as simulated heads are."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor
from torch.nn import functional

from ToothSegLib.compute.normalise import normalise
from ToothSegLib.grids.grid import Box, extent, to_working_grid
from ToothSegLib.grids.itk_image import resample, to_itk
from ToothSegLib.grids.padding import without_padding
from ToothSegLib.localise import LARGEST_MM, MARGIN_MM, small_scan
from ToothSegLib.synthesis.sampling import TensorCase
from ToothSegLib.training.tasks import Task
from ToothSegLib.volume import Volume

# Patches take the nearest sample; on a grid this much finer than theirs that is as good as
# interpolating, at most a quarter of a voxel off.
_FINER = 2
# Float16 tissue and a label; one more where prostheses are known, which is not known before.
_BYTES = 3

FindProstheses = Callable[[Volume], NDArray[np.bool_]]


class ScanCase(TensorCase):
    """A case whose `tissue` is the scan itself: (k, j, i) float16, normalised as for inference."""


def scan_case(
    image: Volume,
    labels: Volume,
    spacing_mm: float,
    *,
    whole: bool,
    marked: Volume | None = None,
    prostheses: FindProstheses | None = None,
) -> ScanCase:
    """Bring a scan to the grey values that a network gets of it in use, with its labels.

    Working grid and normalisation are those of `cascade.segment`: over all of a small scan, else
    over the box that the locator gives where it finds all that is marked.

    Args:
        image: the scan, on any grid.
        labels: FDI numbers on the scan's grid.
        spacing_mm: of the network's voxels, as large as they are in life.
        whole: the network sees the whole scan, as the locator does.
        marked: not 0 where something is, or was, taken for a tooth; the labels if None. What was
            taken for one by mistake is looked at in use, so it is to be learned from, too.
        prostheses: where there are any in the scan, on the working grid; not asked if None. What
            is labelled is none.

    Returns:
        A case on a grid of half that spacing. The centre of a tooth that the scan cuts is that of
        the part in view.
    """
    box = None if whole else _looked_at(labels if marked is None else marked)
    working = to_working_grid(without_padding(image), spacing_mm, box)
    grey = normalise(torch.from_numpy(np.ascontiguousarray(working.array, dtype=np.float32)))
    fine = _finer_grey(grey)
    step = spacing_mm / _FINER
    # Each coarse voxel holds its fine ones, so the first centre lies nearer to the corner.
    origin = np.asarray(working.origin) - (spacing_mm - step) / 2
    shape = (fine.shape[0], fine.shape[1], fine.shape[2])
    on_grid = resample(
        to_itk(labels), shape, (step,) * 3, origin.tolist(), np.eye(3), how="nearest"
    )
    on_grid = on_grid.astype(np.uint8)
    known = None if prostheses is None else _finer(prostheses(working)) & (on_grid == 0)
    boxes = {fdi: box for fdi, box in enumerate(ndimage.find_objects(on_grid), 1) if box}
    table = torch.zeros(100, 3)
    for fdi, (k, j, i) in boxes.items():
        middle = np.argwhere(on_grid[k, j, i] == fdi).mean(axis=0) + (k.start, j.start, i.start)
        table[fdi] = torch.from_numpy(middle[::-1] * step + origin)
    return ScanCase(
        tissue=fine.half(),
        labels=torch.from_numpy(on_grid),
        origin=torch.from_numpy(origin.astype(np.float32)),
        spacing_mm=step,
        table=table,
        present=tuple(boxes),
        # Of a scan without any nothing is asked that was not asked before.
        prosthesis=None if known is None or not known.any() else torch.from_numpy(known),
    )


def held_bytes(marked: Volume, task: Task) -> int:
    """How much memory the `task_case` of a scan takes as long as it is learned from, about.

    Args:
        marked: as of `scan_case`, on the scan's grid.
        task: what sees it.
    """
    box = None if task.name == "locator" else _looked_at(marked)
    first, last = extent(marked) if box is None else np.asarray(box)
    voxels = np.ceil((last - first) / (task.spacing_mm / task.magnification)) * _FINER
    return int(np.prod(voxels)) * _BYTES


def task_case(
    image: Volume,
    labels: Volume,
    task: Task,
    marked: Volume | None = None,
    prostheses: FindProstheses | None = None,
) -> ScanCase:
    """A scan as a task sees it: the locator all of it, the others what is looked at closely."""
    seen_mm = task.spacing_mm / task.magnification
    whole = task.name == "locator"
    return scan_case(image, labels, seen_mm, whole=whole, marked=marked, prostheses=prostheses)


def _finer_grey(grey: Tensor) -> Tensor:
    """Grey values (k, j, i) of the working grid on a case's, by cubic interpolation.

    A linear one would leave half of the noise, and a network would learn of scans that are quieter
    than those that it sees in use.
    """
    rows = functional.interpolate(grey[None], scale_factor=_FINER, mode="bicubic")[0]
    slices = rows.flatten(1)[None, None]
    stacked = functional.interpolate(slices, scale_factor=(_FINER, 1), mode="bicubic")
    return stacked[0, 0].unflatten(1, rows.shape[1:])


def _finer(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """A mask of the working grid on a case's."""
    for axis in range(mask.ndim):
        mask = mask.repeat(_FINER, axis)
    return mask


def _looked_at(marked: Volume) -> Box:
    """What `looking` looks at closely where the locator finds just what is marked, LPS mm."""
    box = dentition_box(marked)
    return small_scan(marked, seen=box is not None) or box or _middle(marked)


def dentition_box(labels: Volume) -> Box | None:
    """What the locator would give if it found exactly these teeth: their box with its margin.

    Returns:
        LPS mm, within the scan; None if there are no teeth.
    """
    voxels = np.argwhere(labels.array > 0)
    if not len(voxels):
        return None
    corners = np.stack([voxels.min(axis=0), voxels.max(axis=0)])
    k, j, i = np.meshgrid(*corners.T, indexing="ij")
    index = np.stack([i, j, k, np.ones_like(i)]).reshape(4, -1)
    points = (labels.index_to_lps @ index)[:3]
    return _within(labels, points.min(axis=1) - MARGIN_MM, points.max(axis=1) + MARGIN_MM)


def _middle(labels: Volume) -> Box:
    """As much of a scan without teeth as the largest dentition takes: of a whole head the finer
    samples would take gigabytes."""
    middle, half = extent(labels).mean(axis=0), LARGEST_MM / 2
    return _within(labels, middle - half, middle + half)


def _within(scan: Volume, low: np.ndarray, high: np.ndarray) -> Box:
    """The box between two corners, as far as the scan goes."""
    first, last = extent(scan)
    low, high = np.maximum(low, first), np.minimum(high, last)
    return tuple(low.tolist()), tuple(high.tolist())
