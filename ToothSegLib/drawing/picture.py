"""One picture of the numbered teeth: from the front, and each arch from its biting side.

The patient's right is on the viewer's left throughout, as in a dental chart: the upper arch is
seen from below with its front teeth on top, the lower arch from above with its front teeth at
the bottom.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ToothSegLib.drawing.canvas import PANEL, SOFT_INK, Canvas, PixelBox, shortened
from ToothSegLib.drawing.label_places import line_ends, parted, spread
from ToothSegLib.drawing.views import View, dentition_axes
from ToothSegLib.report import NOTICE
from ToothSegLib.surfaces import Surface
from ToothSegLib.teeth import FDI_NUMBERS, LOWER_ARCH, UPPER_ARCH

WIDTH, HEIGHT = 1600, 1000

_FRONT: PixelBox = (24, 84, 950, 836)
_UPPER: PixelBox = (998, 514, 578, 406)
_LOWER: PixelBox = (998, 84, 578, 406)
_WHOLE: PixelBox = (24, 84, 1552, 836)

_ALARM = (0.72, 0.11, 0.11)

_LABEL_GAP = 44
_LABEL_ROOM = 64
_LABEL_SIZE = 19
_BARS_MM = (10.0, 5.0, 2.0, 1.0, 0.5)
_LABEL_BOX = (28, 24)  # what a number takes with its ground, and a pixel around


def teeth_picture(
    surfaces: Mapping[int, Surface], title: str = "", urgent: int = 0
) -> NDArray[np.uint8]:
    """Draw the teeth, each in its colour with its FDI number.

    Args:
        surfaces: by FDI number; may be empty.
        title: what the picture is of, such as the file's name.
        urgent: how many findings of high urgency the report has.

    Returns:
        (1000, 1600, 3) RGB.

    Raises:
        NoDrawing: this machine has no OpenGL.
    """
    canvas = Canvas(WIDTH, HEIGHT)
    shown = {fdi: surface for fdi, surface in surfaces.items() if len(surface.points)}
    if not shown:
        canvas.panel(_WHOLE)
        canvas.write("No teeth found", (WIDTH / 2, HEIGHT / 2), 44, bold=True, align="centre")
        _write_frame(canvas, title, urgent)
        return canvas.pixels()
    for box in (_FRONT, _UPPER, _LOWER):
        canvas.panel(box)

    centroids = {fdi: surface.points.mean(axis=0) for fdi, surface in shown.items()}
    left, posterior, superior = dentition_axes(centroids).T
    _draw_front(canvas, shown, left, superior)
    for box, arch, up in ((_UPPER, UPPER_ARCH, -posterior), (_LOWER, LOWER_ARCH, posterior)):
        if _of_arch(shown, arch):
            # Both arches by the frame of the whole: the same scale, and a lone molar at its side.
            view = View.fitted(_all_points(shown), left, up, box, (56, 40))
            _draw_arch(canvas, _of_arch(shown, arch), view)
    _write_frame(canvas, title, urgent)
    _write_teeth(canvas, sorted(set(FDI_NUMBERS) - set(shown)))
    return canvas.pixels()


def _draw_front(
    canvas: Canvas,
    surfaces: Mapping[int, Surface],
    right: NDArray,
    up: NDArray,
) -> None:
    margin = (40, _LABEL_ROOM + 44)
    view = View.fitted(_all_points(surfaces), right, up, _FRONT, margin)
    canvas.teeth(surfaces, view)
    seen = view.visible({fdi: surface.points for fdi, surface in surfaces.items()})
    _, bottom, _, height = _FRONT
    rows = ((UPPER_ARCH, bottom + height - _LABEL_ROOM, 1), (LOWER_ARCH, bottom + _LABEL_ROOM, -1))
    for arch, row, sign in rows:
        part = _of_arch(surfaces, arch)
        if not part:
            continue
        flat = [
            seen[fdi] if len(seen[fdi]) else view.project(tooth.points)
            for fdi, tooth in part.items()
        ]
        tips = line_ends(flat, sign)
        # By their lines' ends: the numbers of two teeth whose lines would cross change places.
        order = np.argsort(tips[:, 0], kind="stable")
        numbers, tips = np.array(list(part))[order], tips[order]
        places = spread(tips[:, 0], _LABEL_GAP)
        for fdi, place, tip in zip(numbers, places, tips, strict=True):
            canvas.line((place, row - sign * 16), (tip[0], tip[1] - sign * 6))
            _number(canvas, fdi, (place, row))
    _draw_scale(canvas, view)


def _draw_scale(canvas: Canvas, view: View) -> None:
    """A bar of so many mm at the foot of a view, as long as there is room for."""
    left, bottom, width, _ = view.box
    for mm in _BARS_MM:
        length = mm / view.mm_per_pixel
        if length <= width / 3:
            canvas.line((left + 28, bottom + 20), (left + 28 + length, bottom + 20), 3)
            canvas.write(f"{mm:g} mm", (left + 36 + length, bottom + 20), 17, colour=SOFT_INK)
            return


def _draw_arch(canvas: Canvas, surfaces: Mapping[int, Surface], view: View) -> None:
    canvas.teeth(surfaces, view)
    crowns = []
    for surface in surfaces.values():
        # The crown is the end towards the eye.
        heights = surface.points @ view.towards
        crown = surface.points[heights >= np.quantile(heights, 0.7)]
        crowns.append(crown.mean(axis=0))
    places = parted(view.project(np.array(crowns)), _LABEL_BOX)
    for fdi, place in zip(surfaces, places, strict=True):
        _number(canvas, fdi, place)


def _write_frame(canvas: Canvas, title: str, urgent: int) -> None:
    canvas.write(shortened(title) or "Teeth", (28, 956), 30, bold=True)
    canvas.write(NOTICE, (WIDTH - 28, 48), 20, align="right", colour=SOFT_INK)
    if urgent:
        words = f"{urgent} urgent finding{'s' if urgent > 1 else ''}: see the report"
        canvas.write(words, (28, 20), 20, bold=True, colour=_ALARM)


def _write_teeth(canvas: Canvas, missing: Sequence[int]) -> None:
    found = len(FDI_NUMBERS) - len(missing)
    canvas.write(f"{found} of {len(FDI_NUMBERS)} teeth", (WIDTH - 28, 956), 26, align="right")
    below = f"Not found: {', '.join(map(str, missing))}" if missing else "All 28 teeth found"
    canvas.write(below, (28, 48), 20)
    names = (
        (_FRONT, "Front"),
        (_UPPER, "Upper arch from below"),
        (_LOWER, "Lower arch from above"),
    )
    for (left, bottom, width, height), name in names:
        canvas.write(name, (left + width / 2, bottom + 20), 17, align="centre", colour=SOFT_INK)
        middle = bottom + height / 2
        canvas.write("R", (left + 22, middle), 30, bold=True, align="centre", colour=SOFT_INK)
        canvas.write(
            "L", (left + width - 22, middle), 30, bold=True, align="centre", colour=SOFT_INK
        )


def _of_arch(surfaces: Mapping[int, Surface], arch: Sequence[int]) -> dict[int, Surface]:
    """The arch's teeth, from the patient's right to the left."""
    return {fdi: surfaces[fdi] for fdi in arch if fdi in surfaces}


def _all_points(surfaces: Mapping[int, Surface]) -> NDArray:
    return np.concatenate([surface.points for surface in surfaces.values()]).astype(float)


def _number(canvas: Canvas, fdi: int, place: Sequence[float] | NDArray) -> None:
    canvas.write(str(fdi), place, _LABEL_SIZE, bold=True, align="centre", ground=PANEL)
