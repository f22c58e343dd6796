"""Files of one labelled scan to the two arrays that a recipe learns from."""

from __future__ import annotations

import os

import numpy as np
from numpy.typing import NDArray

from ToothSegLib.errors import InputError
from ToothSegLib.grids.grid import labels_to_source, to_working_grid
from ToothSegLib.grids.label_boxes import filled_box, grown
from ToothSegLib.segment_labels import read_labels
from ToothSegLib.training.preparation import check_fdi
from ToothSegLib.volume import Volume
from ToothSegLib.volume_io import check_scan, read_volume

SPACING_MM = 0.5
MARGIN_MM = 8.0


def load_labelled_scan(
    image_path: str | os.PathLike[str], labels_path: str | os.PathLike[str]
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Read a scan with the FDI numbers of its teeth; see `to_arrays`.

    Raises:
        InputError: a file cannot be used, or the two do not belong together.
    """
    return to_arrays(*read_labelled_scan(image_path, labels_path))


def read_labelled_scan(
    image_path: str | os.PathLike[str], labels_path: str | os.PathLike[str]
) -> tuple[Volume, Volume]:
    """A scan and the FDI numbers of its teeth, as they are in the files.

    Raises:
        InputError: a file cannot be used, or the two do not belong together.
    """
    image, labels = read_volume(image_path), read_labels(labels_path)
    check_scan(image)
    if not image.same_grid(labels, image.file_tolerance_mm):
        raise InputError(
            f"{labels_path} is not on the grid of {image_path}: give the labels of this image"
        )
    return image, labels


def to_arrays(
    image: Volume, labels: Volume, *, margin_mm: float = MARGIN_MM
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Image and labels on the working grid at 0.5 mm, cropped to the teeth and a margin.

    The article's scan shows the jaws and little else; a larger one is cropped to the like, by its
    labels.

    Returns:
        (z, y, x) grey values in float32, and labels of the same shape by nearest neighbour.

    Raises:
        InputError: the labels are empty, or hold numbers that are not FDI.
    """
    check_fdi(labels.array)
    working = to_working_grid(image, SPACING_MM)
    # Made for the way back to a scan's grid, this is the same work: nearest labels on a grid.
    marked = labels_to_source(labels, None, working)
    found = filled_box(marked)
    if found is None:
        raise InputError("the labels are empty: there is nothing to learn")
    box = grown(found, marked.shape, round(margin_mm / SPACING_MM))
    return np.ascontiguousarray(working.array[box]), np.ascontiguousarray(marked[box])
