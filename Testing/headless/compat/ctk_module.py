"""The module ``ctk``: stand-ins of the few CTK widgets that the module's panel uses.

Their properties, signals and methods are CTK's documented ones, as far as they are listed; their
look is near to CTK's and no more.
"""

from __future__ import annotations

import types
from typing import Any

from PySide6 import QtCore, QtGui, QtWidgets
from PySide6.QtCore import Property
from PySide6.QtCore import Signal as PySideSignal

from compat.dialogs import QMessageBox
from compat.strict import STAND_INS, Strict, stand_in


def _hidden_by_user(widget: Any) -> bool:
    """Whether the widget was told to hide, not merely never shown yet."""
    told = QtCore.Qt.WidgetAttribute.WA_WState_ExplicitShowHide
    return bool(
        QtWidgets.QWidget.isHidden(widget) and QtWidgets.QWidget.testAttribute(widget, told)
    )


class _CollapsibleBase(QtWidgets.QWidget):
    contentsCollapsed = PySideSignal(bool)
    toggled = PySideSignal(bool)
    clicked = PySideSignal(bool)

    def __init__(self, *arguments: Any) -> None:
        words = [a for a in arguments if isinstance(a, str)]
        super().__init__(*(a for a in arguments if not isinstance(a, str)))
        self.__dict__["_state"] = {"text": words[0] if words else "", "collapsed": False}
        self._state["folded"] = []
        height = self._header()
        QtWidgets.QWidget.setContentsMargins(self, 0, height, 0, 0)
        QtWidgets.QWidget.setMinimumHeight(self, height)

    def _header(self) -> int:
        return int(QtWidgets.QWidget.fontMetrics(self).height() + 8)

    def _get_text(self) -> str:
        return str(self._state["text"])

    def _set_text(self, text: str) -> None:
        self._state["text"] = text
        QtWidgets.QWidget.update(self)

    def _get_collapsed(self) -> bool:
        return bool(self._state["collapsed"])

    def _set_collapsed(self, collapsed: bool) -> None:
        if collapsed == self._state["collapsed"]:
            return
        self._state["collapsed"] = collapsed
        self._hide_children()
        object.__getattribute__(self, "toggled").emit(not collapsed)
        object.__getattribute__(self, "contentsCollapsed").emit(collapsed)

    def _hide_children(self) -> None:
        collapsed = bool(self._state["collapsed"])
        folded = self._state["folded"]
        if collapsed:
            for child in QtCore.QObject.children(self):
                if isinstance(child, QtWidgets.QWidget) and not _hidden_by_user(child):
                    QtWidgets.QWidget.hide(child)
                    folded.append(child)
        else:
            # Only what the folding hid comes back; what was hidden before stays so.
            for child in folded:
                QtWidgets.QWidget.show(child)
            folded.clear()
        QtWidgets.QWidget.setMaximumHeight(self, self._header() if collapsed else 16777215)
        QtWidgets.QWidget.updateGeometry(self)

    def _get_checked(self) -> bool:
        return not self._state["collapsed"]

    def _set_checked(self, checked: bool) -> None:
        self._set_collapsed(not checked)

    text = Property(str, _get_text, _set_text)
    collapsed = Property(bool, _get_collapsed, _set_collapsed)
    checked = Property(bool, _get_checked, _set_checked)

    def showEvent(self, event: Any) -> None:
        """The children may have come after the property was set."""
        self._hide_children()

    def mousePressEvent(self, event: Any) -> None:
        """A click on the header folds."""
        if event.position().y() < self._header():
            self._set_collapsed(not self._state["collapsed"])
            object.__getattribute__(self, "clicked").emit(not self._state["collapsed"])

    def paintEvent(self, event: Any) -> None:
        """A header with an arrow and the title, as CTK draws it."""
        painter = QtWidgets.QStylePainter(self)
        option = QtWidgets.QStyleOptionButton()
        option.initFrom(self)
        option.rect.setHeight(self._header())
        painter.drawControl(QtWidgets.QStyle.ControlElement.CE_PushButtonBevel, option)
        arrow = QtWidgets.QStyleOption()
        arrow.initFrom(self)
        arrow.rect = QtCore.QRect(6, 0, 10, self._header())
        kind = QtWidgets.QStyle.PrimitiveElement
        painter.drawPrimitive(
            kind.PE_IndicatorArrowRight if self._state["collapsed"] else kind.PE_IndicatorArrowDown,
            arrow,
        )
        painter.setPen(option.palette.color(QtGui.QPalette.ColorRole.ButtonText))
        flags = QtCore.Qt.AlignmentFlag.AlignVCenter | QtCore.Qt.AlignmentFlag.AlignLeft
        painter.drawText(option.rect.adjusted(24, 0, 0, 0), flags, str(self._state["text"]))


class ctkCollapsibleButton(Strict, _CollapsibleBase):
    """A section that folds; its children are hidden with it."""

    _stand_in = True
    _signals = {
        "contentsCollapsed(bool)": "contentsCollapsed",
        "toggled(bool)": "toggled",
        "clicked(bool)": "clicked",
        "clicked()": "clicked",
    }

    def setText(self, text: str) -> None:
        """The title."""
        self.text = text

    def setCollapsed(self, collapsed: bool) -> None:
        """Fold or unfold."""
        self.collapsed = collapsed

    def setChecked(self, checked: bool) -> None:
        """Unfold or fold."""
        self.checked = checked


class _PathBase(QtWidgets.QWidget):
    currentPathChanged = PySideSignal(str)
    validInputChanged = PySideSignal(bool)

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        line = stand_in(QtWidgets.QLineEdit)(self)
        button = QtWidgets.QToolButton(self)
        button.setText("...")
        row = QtWidgets.QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(line)
        row.addWidget(button)
        state = {"line": line, "valid": False, "filters": 0, "settingKey": "", "label": ""}
        self.__dict__["_state"] = state
        QtCore.QObject.connect(line, QtCore.SIGNAL("textChanged(QString)"), lambda t: self._tell(t))

    def _tell(self, text: str) -> None:
        """Without name filters CTK takes any text but "" for a path, and tells of no other."""
        was, valid = self._state["valid"], bool(text)
        self._state["valid"] = valid
        if valid:
            object.__getattribute__(self, "currentPathChanged").emit(text)
        if valid != was:
            object.__getattribute__(self, "validInputChanged").emit(valid)

    def _get_path(self) -> str:
        return str(self._state["line"].text)

    def _set_path(self, path: str) -> None:
        self._state["line"].text = path

    def _set(self, key: str, value: Any) -> None:
        self._state[key] = value

    currentPath = Property(str, _get_path, _set_path)
    filters = Property(int, lambda s: s._state["filters"], lambda s, v: s._set("filters", v))
    settingKey = Property(
        str, lambda s: s._state["settingKey"], lambda s, v: s._set("settingKey", v)
    )
    label = Property(str, lambda s: s._state["label"], lambda s, v: s._set("label", v))


class ctkPathLineEdit(Strict, _PathBase):
    """A line for a path, with a button to browse; CTK's name filters are not imitated."""

    _stand_in = True
    _signals = {
        "currentPathChanged(QString)": "currentPathChanged",
        "validInputChanged(bool)": "validInputChanged",
    }
    Dirs, Files, Readable, Writable, Executable = 0x001, 0x002, 0x010, 0x020, 0x040

    def setCurrentPath(self, path: str) -> None:
        """Set the path; TypeError for anything but a text."""
        if not isinstance(path, str):
            raise TypeError(f"setCurrentPath takes a text, not {path!r}")
        self._set_path(path)

    def addCurrentPathToHistory(self) -> None:
        """CTK remembers the path under ``settingKey``."""


class ctkMessageBox(QMessageBox):
    """A message with an optional "don't show again"."""

    _stand_in = True
    dontShowAgainSettingsKey = ""


CLASSES = (ctkCollapsibleButton, ctkPathLineEdit, ctkMessageBox)


class CtkModule(types.ModuleType):
    """Refuses names that are not listed, in words."""

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"ctk.{name} is not among the harness's stand-ins (ctk_module.py)")


def make() -> types.ModuleType:
    """The module, ready to be put in ``sys.modules``."""
    from compat.ctk_slider import ctkDoubleSpinBox, ctkSliderWidget

    module = CtkModule("ctk", __doc__)
    for cls in (*CLASSES, ctkSliderWidget, ctkDoubleSpinBox):
        STAND_INS[cls.__name__] = cls
        setattr(module, cls.__name__, cls)
    return module
