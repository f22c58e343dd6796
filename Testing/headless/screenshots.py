"""Pictures of a panel, taken without a display, in a light and a dark palette."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6 import QtGui, QtWidgets

# Window, text, base, button and highlight of the two palettes; Slicer's own dark style is near.
_COLOURS = {
    "light": ("#efefef", "#1a1a1a", "#ffffff", "#e6e6e6", "#308cc6"),
    "dark": ("#323232", "#eeeeee", "#232323", "#3c3c3c", "#2a82da"),
}


def palette(style: str) -> QtGui.QPalette:
    """The colours of ``light`` or ``dark``."""
    window, text, base, button, highlight = map(QtGui.QColor, _COLOURS[style])
    made = QtGui.QPalette(button, window)
    role = QtGui.QPalette.ColorRole
    for name, colour in {
        role.Window: window,
        role.WindowText: text,
        role.Text: text,
        role.ButtonText: text,
        role.ToolTipText: text,
        role.Base: base,
        role.AlternateBase: window,
        role.ToolTipBase: base,
        role.Button: button,
        role.Highlight: highlight,
        role.HighlightedText: QtGui.QColor("#ffffff"),
        role.Link: highlight,
    }.items():
        made.setColor(name, colour)
    grey = QtGui.QColor("#8a8a8a")
    for name in (role.Text, role.WindowText, role.ButtonText):
        made.setColor(QtGui.QPalette.ColorGroup.Disabled, name, grey)
    placeholder = QtGui.QColor(text)
    placeholder.setAlpha(128)
    made.setColor(role.PlaceholderText, placeholder)
    return made


def use_palette(style: str) -> None:
    """Give the application the colours of ``light`` or ``dark``."""
    app = QtWidgets.QApplication.instance()
    app.setPalette(palette(style))  # type: ignore[union-attr]
    app.processEvents()  # type: ignore[union-attr]


def panel_screenshot(
    widget: Any, path: str | Path, *, style: str = "light", width: int = 480, height: int = 0
) -> Path:
    """Show a widget at a size, write it as PNG at ``path`` and give the path.

    A height of 0 is what the widget wishes for at that width. The palette of before is restored.
    """
    before = style_now()
    use_palette(style)
    try:
        QtWidgets.QWidget.ensurePolished(widget)
        QtWidgets.QWidget.show(widget)
        hint = QtWidgets.QWidget.property(widget, "sizeHint")
        QtWidgets.QWidget.resize(widget, width, height or hint.height())
        for _ in range(3):
            QtWidgets.QApplication.processEvents()
        picture = QtWidgets.QWidget.grab(widget)
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        if not picture.save(str(path), "PNG"):
            raise OSError(f"the picture {path} could not be written")
        return path
    finally:
        QtWidgets.QApplication.setPalette(before)


def style_now() -> QtGui.QPalette:
    """The application's palette."""
    return QtGui.QPalette(QtWidgets.QApplication.palette())
