"""Slices of a scan with the teeth outlined: to see whether a result is right.

Eight slices across the teeth, from the upper roots to the lower ones, and one that follows the
arches, like a panoramic film. All are cut along the dentition's own axes, the patient's right on
the viewer's left. A millimetre is as long across as it is up.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

from ToothSegLib.drawing.arch_sheet import arch_sheet
from ToothSegLib.drawing.canvas import PANEL, SOFT_INK, Canvas, PixelBox, shortened
from ToothSegLib.drawing.views import dentition_axes
from ToothSegLib.grids.label_boxes import label_boxes
from ToothSegLib.grids.padding import without_padding
from ToothSegLib.report import NOTICE, measure_teeth
from ToothSegLib.teeth import ALL_FDI_NUMBERS, by_fdi
from ToothSegLib.volume import Volume
from ToothSegLib.volume_io import in_known_type

WIDTH, HEIGHT = 1600, 1536
MM_PER_PIXEL = 0.2  # of the slices across

_ALONG: PixelBox = (24, 24, 1552, 720)  # a full dentition, unrolled, is twice as wide as high
_ROOT_MM = 7.0  # from the middle of the outermost tooth to the outermost slice


def slice_picture(volume: Volume, labels: Volume, title: str = "") -> NDArray[np.uint8]:
    """Draw slices of a scan with the outlines of its teeth.

    Args:
        volume: grey values; padding, which would take the window of greys, is drawn dark.
        labels: FDI numbers on the same grid.
        title: what the picture is of.

    Returns:
        (1536, 1600, 3) RGB.

    Raises:
        NoDrawing: this machine has no OpenGL.
        ValueError: the grids differ.
    """
    if not volume.same_grid(labels):
        raise ValueError("the scan and the labels are on different grids")
    teeth = {
        tooth.fdi: np.array(tooth.centroid_lps) for tooth in measure_teeth(labels, confidences={})
    }
    canvas = Canvas(WIDTH, HEIGHT)
    canvas.write(shortened(title) or "Slices", (28, HEIGHT - 36), 26, bold=True)
    canvas.write(NOTICE, (WIDTH - 28, HEIGHT - 36), 20, align="right", colour=SOFT_INK)
    if not teeth:
        canvas.write("No teeth", (WIDTH / 2, HEIGHT / 2), 30, align="centre")
        return canvas.pixels()

    axes = dentition_axes(teeth)
    volume = without_padding(in_known_type(volume))
    grey_range = np.percentile(volume.array[:: max(1, volume.shape[0] // 64)], (1, 99.7))

    def show(box: PixelBox, points: NDArray) -> NDArray[np.uint8]:
        panel, numbers = _overlaid(volume, labels, points, grey_range)
        canvas.image(box, panel)
        for side, x in (("R", box[0] + 16), ("L", box[0] + box[2] - 16)):
            canvas.write(side, (x, box[1] + box[3] - 18), 18, colour=(1, 1, 1))
        return numbers

    # The teeth's middles in the dentition's axes: left, posterior, superior.
    middles = np.array(list(teeth.values())) @ axes
    centre = (middles.min(axis=0) + middles.max(axis=0)) / 2
    heights = np.linspace(middles[:, 2].max() + _ROOT_MM, middles[:, 2].min() - _ROOT_MM, 8)
    for place, height in enumerate(heights):
        row, column = divmod(place, 4)
        box = (24 + 392 * column, 1120 - 360 * row, 376, 344)
        flat = _plane(box, MM_PER_PIXEL)
        points = np.stack(
            [centre[0] + flat[..., 0], centre[1] - flat[..., 1], np.full(flat.shape[:2], height)],
            axis=-1,
        )
        show(box, points @ axes.T)
        # What it is measured from is said once.
        words = f"{height - centre[2]:+.0f} mm" + (place == 0) * " above the middle of the teeth"
        _name(canvas, box, words)

    turned = {fdi: middle @ axes for fdi, middle in teeth.items()}
    left, bottom, width, height = _ALONG
    along = arch_sheet(turned, _heights(labels, axes[:, 2]), (height, width))
    numbers = show(_ALONG, along @ axes.T)
    _name(canvas, _ALONG, "Along the arches")
    for fdi in teeth:
        rows, columns = np.nonzero(numbers == fdi)
        if len(rows):
            at = (left + columns.mean(), bottom + height - rows.mean())
            canvas.write(str(fdi), at, 15, bold=True, align="centre", ground=PANEL)
    return canvas.pixels()


def _name(canvas: Canvas, box: PixelBox, words: str) -> None:
    """Write what a slice is at its foot."""
    place = (box[0] + box[2] / 2, box[1] + 14)
    canvas.write(words, place, 15, align="centre", colour=(1, 1, 1), ground=(0, 0, 0))


def _heights(labels: Volume, superior: NDArray) -> tuple[float, float]:
    """The lowest and the highest voxel of all teeth along an LPS unit vector, mm."""
    to_height = superior @ labels.index_to_lps[:3]
    ends = []
    for fdi, box in label_boxes(labels.array).items():
        voxels = np.argwhere(labels.array[box] == fdi) + [part.start for part in box]
        heights = voxels[:, ::-1] @ to_height[:3] + to_height[3]
        ends += [float(heights.min()), float(heights.max())]
    return min(ends), max(ends)


def _plane(box: PixelBox, mm_per_pixel: float) -> NDArray[np.float64]:
    """(rows, columns, 2) mm to the right and upwards from the middle of a box's pixels."""
    _, _, width, height = box
    right = (np.arange(width) - (width - 1) / 2) * mm_per_pixel
    up = ((height - 1) / 2 - np.arange(height)) * mm_per_pixel
    return np.stack(np.meshgrid(right, up), axis=-1)


def _overlaid(
    volume: Volume, labels: Volume, points: NDArray, grey_range: NDArray
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """(rows, columns, 3) RGB of the scan at LPS points with tinted, outlined teeth; the labels."""
    to_index = volume.lps_to_index
    indices = points @ to_index[:3, :3].T + to_index[:3, 3]
    at = np.moveaxis(indices, -1, 0)[::-1]
    low, high = grey_range
    grey = map_coordinates(volume.array, at, output=np.float32, order=1, cval=low)
    numbers = map_coordinates(labels.array, at, order=0, cval=0)

    shade = np.clip((grey - low) / max(high - low, 1e-6), 0, 1)[..., None] * (255, 255, 255)
    colours = np.zeros((256, 3))
    for fdi in ALL_FDI_NUMBERS:
        colours[fdi] = by_fdi(fdi).colour
    outline = np.zeros(numbers.shape, bool)
    for axis in (0, 1):
        step = np.diff(numbers, axis=axis) != 0
        np.moveaxis(outline, axis, 0)[:-1] |= np.moveaxis(step, axis, 0)
        np.moveaxis(outline, axis, 0)[1:] |= np.moveaxis(step, axis, 0)
    outline &= numbers > 0
    weight = np.where(outline, 1.0, np.where(numbers > 0, 0.2, 0.0))[..., None]
    mixed = (1 - weight) * shade + weight * colours[numbers]
    return mixed.round().astype(np.uint8), numbers.astype(np.uint8)
