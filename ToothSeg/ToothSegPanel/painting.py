"""Small pictures on pixmaps: teeth, marks, colour swatches.

They are painted, not shipped, so that they are sharp at every resolution, and as icons of plain
buttons they need no widget class of our own. All of them stand on light and on dark ground.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import qt

from ToothSegPanel.state_style import (
    OUTLINE,
    STATES,
    URGENCY_BADGES,
    URGENCY_MARKS,
    Colour,
    StateStyle,
)
from ToothSegPanel.tooth_shapes import Outline, crown_of, roots_of, width_of

# Painted at twice the size: sharp on fine screens, and Qt scales down where it is not needed.
SCALE = 2
TOOTH_HEIGHT, BAND_HEIGHT = 50, 4
PLACE_HEIGHT = TOOTH_HEIGHT + BAND_HEIGHT + 4
_MARGIN = 2
_BADGE_SIZE, _SWATCH_SIZE = 16, 14


def paint_tooth(fdi: int, state: str, colour: Colour, urgency: str = "") -> Any:
    """A tooth of the odontogram, its crown towards the bite.

    Args:
        fdi: which tooth; it decides the shape, and which way is up.
        state: one of `STATES`.
        colour: of its segment; a band under a tooth that is there, to tell it in the views.
        urgency: of the finding that its mark stands for; "" for the mark of the state.
    """
    width = width_of(fdi)
    upper = fdi < 30
    style = STATES[state]
    mark, badge = style.mark, style.badge
    if urgency:
        mark, badge = URGENCY_MARKS[urgency], URGENCY_BADGES[urgency]

    def draw(painter: Any) -> None:
        top = _MARGIN if upper else PLACE_HEIGHT - _MARGIN - TOOTH_HEIGHT
        place = (_MARGIN, top, width - 2 * _MARGIN, TOOTH_HEIGHT, upper)
        painter.setPen(_outline_pen(style))
        for root in roots_of(fdi):
            painter.setBrush(_brush(style.root))
            painter.drawPath(_path(root, *place))
        painter.setBrush(_brush(style.crown))
        painter.drawPath(_path(crown_of(fdi), *place))
        # The mark sits in the middle of the crown, where every shape is wide.
        middle = top + TOOTH_HEIGHT * (0.77 if upper else 0.23)
        _mark(painter, mark, badge, width / 2, middle, 6.5)
        if style.crown is not None:
            band = top + TOOTH_HEIGHT + 1 if upper else top - BAND_HEIGHT - 1
            painter.setPen(qt.QPen(qt.Qt.NoPen))
            painter.setBrush(_brush(colour))
            painter.drawRect(4, band, width - 8, BAND_HEIGHT - 1)

    return _pixmap(width, PLACE_HEIGHT, draw)


def paint_badge(mark: str, badge: Colour | None) -> Any:
    """A mark on its disc, as the icon of a legend or of a list."""
    half = _BADGE_SIZE / 2
    return _pixmap(
        _BADGE_SIZE,
        _BADGE_SIZE,
        lambda painter: _mark(painter, mark, badge, half, half, half - 1),
    )


def paint_urgency(urgency: str) -> Any:
    """The mark of a finding, as the icon of a list."""
    return paint_badge(URGENCY_MARKS[urgency], URGENCY_BADGES[urgency])


def paint_legend(state: str) -> Any:
    """The crown of a premolar in the look of a state, with its mark."""
    style = STATES[state]

    def draw(painter: Any) -> None:
        painter.setPen(_outline_pen(style))
        painter.setBrush(_brush(style.crown))
        painter.drawPath(_path(crown_of(14), 1, -1, 16, 38, False))
        _mark(painter, style.mark, style.badge, 9, 9.5, 5)

    return _pixmap(18, 18, draw)


def paint_swatch(colour: Colour) -> Any:
    """A square of a segment's or a category's colour."""

    def draw(painter: Any) -> None:
        painter.setPen(qt.QPen(_colour(OUTLINE)))
        painter.setBrush(_brush(colour))
        painter.drawRoundedRect(1, 1, _SWATCH_SIZE - 2, _SWATCH_SIZE - 2, 3, 3)

    return _pixmap(_SWATCH_SIZE, _SWATCH_SIZE, draw)


def icon_of(pixmap: Any) -> Any:
    """An icon that a selected row does not tint."""
    icon = qt.QIcon()
    for mode in (qt.QIcon.Normal, qt.QIcon.Selected):
        icon.addPixmap(pixmap, mode)
    return icon


def _pixmap(width: int, height: int, draw: Callable[[Any], None]) -> Any:
    pixmap = qt.QPixmap(SCALE * width, SCALE * height)
    pixmap.fill(qt.QColor(0, 0, 0, 0))
    painter = qt.QPainter(pixmap)
    painter.setRenderHint(qt.QPainter.Antialiasing)
    painter.scale(SCALE, SCALE)
    draw(painter)
    # Without it the painter outlives the pixmap under some bindings, which Qt punishes.
    painter.end()
    return pixmap


def _path(
    outline: Outline, left: float, top: float, width: float, height: float, upper: bool
) -> Any:
    def at(x: Any, y: Any) -> tuple[float, float]:
        down = 1 - y if upper else y
        return left + width * (x + 1) / 2, top + height * down

    path = qt.QPainterPath()
    for command, *numbers in outline:
        if command == "Z":
            path.closeSubpath()
        elif command == "M":
            path.moveTo(*at(*numbers))
        else:
            pairs = (at(*numbers[start : start + 2]) for start in (0, 2, 4))
            path.cubicTo(*(value for pair in pairs for value in pair))
    return path


def _mark(painter: Any, mark: str, badge: Colour | None, x: float, y: float, radius: float) -> None:
    if not mark:
        return
    colour = OUTLINE
    if badge is not None:
        painter.setPen(qt.QPen(qt.Qt.NoPen))
        painter.setBrush(_brush(badge))
        painter.drawEllipse(qt.QRectF(x - radius, y - radius, 2 * radius, 2 * radius))
        colour = (255, 255, 255)
    pen = qt.QPen(_colour(colour))
    pen.setWidthF(radius / 3.2)
    pen.setCapStyle(qt.Qt.RoundCap)
    painter.setPen(pen)
    painter.setBrush(qt.QBrush())
    for strokes in _STROKES[mark]:
        path = qt.QPainterPath()
        path.moveTo(x + radius * strokes[0][0], y + radius * strokes[0][1])
        for across, down in strokes[1:]:
            path.lineTo(x + radius * across, y + radius * down)
        painter.drawPath(path)


# Lines inside the unit circle, y down. A dot is a very short line.
_STROKES: dict[str, tuple[tuple[tuple[float, float], ...], ...]] = {
    "check": (((-0.42, 0.02), (-0.1, 0.36), (0.46, -0.36)),),
    "cross": (((-0.7, -0.7), (0.7, 0.7)), ((-0.7, 0.7), (0.7, -0.7))),
    "exclamation": (((0.0, -0.52), (0.0, 0.12)), ((0.0, 0.52), (0.0, 0.53))),
    "double exclamation": (
        ((-0.25, -0.5), (-0.25, 0.12)), ((-0.25, 0.5), (-0.25, 0.51)),
        ((0.25, -0.5), (0.25, 0.12)), ((0.25, 0.5), (0.25, 0.51)),
    ),
    "information": (((0.0, -0.08), (0.0, 0.52)), ((0.0, -0.5), (0.0, -0.49))),
}  # fmt: skip


def _outline_pen(style: StateStyle) -> Any:
    pen = qt.QPen(_colour(OUTLINE))
    if style.crown is None:
        pen.setStyle(qt.Qt.DashLine)
    return pen


def _colour(colour: Colour) -> Any:
    return qt.QColor(*colour)


def _brush(colour: Colour | None) -> Any:
    return qt.QBrush() if colour is None else qt.QBrush(_colour(colour))
