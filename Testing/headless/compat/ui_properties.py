"""Values of properties and enumerations as a ``.ui`` file writes them."""

from __future__ import annotations

import os
import xml.etree.ElementTree as ElementTree
from typing import Any

from PySide6 import QtCore, QtGui, QtWidgets


class UiError(RuntimeError):
    """The file asks for something that Slicer would not do."""


def enumeration(text: str, cls: type) -> Any:
    """``Qt::AlignLeft|Qt::AlignTop`` or ``QFrame::StyledPanel``: the value, or'ed."""
    value: Any = None
    for word in text.split("|"):
        scope, name = word.split("::")[0], word.split("::")[-1]
        holder: Any = next(
            (
                getattr(module, scope)
                for module in (QtCore, QtGui, QtWidgets)
                if hasattr(module, scope)
            ),
            cls,
        )
        # A class of ours has its enumerations as plain attributes (ctkPathLineEdit::Dirs).
        found = getattr(cls if "::" not in word else holder, name, None)
        if found is None:
            found = getattr(cls, name, None)
        if found is None:
            raise UiError(f"there is no value {word!r}")
        value = found if value is None else value | found
    return value


def _pair(element: ElementTree.Element, cls: type) -> Any:
    return QtCore.QSize(*(int(element.findtext(tag) or 0) for tag in ("width", "height")))


def _rect(element: ElementTree.Element, cls: type) -> Any:
    tags = ("x", "y", "width", "height")
    return QtCore.QRect(*(int(element.findtext(tag) or 0) for tag in tags))


def _policy(element: ElementTree.Element, cls: type) -> Any:
    names = (element.get("hsizetype", "Preferred"), element.get("vsizetype", "Preferred"))
    policy = QtWidgets.QSizePolicy(*(getattr(QtWidgets.QSizePolicy.Policy, n) for n in names))
    policy.setHorizontalStretch(int(element.findtext("horstretch") or 0))
    policy.setVerticalStretch(int(element.findtext("verstretch") or 0))
    return policy


def _font(element: ElementTree.Element, cls: type) -> Any:
    font = QtGui.QFont(QtWidgets.QApplication.font())
    if element.findtext("pointsize"):
        font.setPointSize(int(element.findtext("pointsize") or 9))
    font.setBold("true" in (element.findtext("bold"), element.findtext("fontweight")))
    font.setItalic(element.findtext("italic") == "true")
    return font


_READERS: dict[str, Any] = {
    "string": lambda e, c: e.text or "",
    "cstring": lambda e, c: e.text or "",
    "bool": lambda e, c: {"true": True, "false": False}[e.text or ""],
    "number": lambda e, c: int(e.text or 0),
    "double": lambda e, c: float(e.text or 0),
    "stringlist": lambda e, c: [s.text or "" for s in e.findall("string")],
    "enum": lambda e, c: enumeration(e.text or "", c),
    "set": lambda e, c: enumeration(e.text or "", c),
    "size": _pair,
    "rect": _rect,
    "sizepolicy": _policy,
    "font": _font,
    "iconset": lambda e, c: QtGui.QIcon((e.findtext("normaloff") or e.text or "").strip()),
    "pixmap": lambda e, c: QtGui.QPixmap((e.text or "").strip()),
    "cursorShape": lambda e, c: QtGui.QCursor(getattr(QtCore.Qt.CursorShape, e.text or "")),
}


def value_of(prop: ElementTree.Element, cls: type, folder: str) -> Any:
    """The value of a ``<property>`` of a widget of class ``cls``.

    An icon's path is taken from ``folder``; one that is not there is refused, since Qt would show
    nothing in its place.
    """
    element = prop[0]
    if element.tag not in _READERS:
        raise UiError(f"the harness reads no <{element.tag}> (property {prop.get('name')!r})")
    if element.tag in ("iconset", "pixmap"):
        path = (element.findtext("normaloff") or element.text or "").strip()
        if path and not os.path.isfile(os.path.join(folder, path)):
            raise UiError(f"there is no icon {path!r}")
    return _READERS[element.tag](element, cls)
