"""Builds the stand-ins that a ``.ui`` file describes, and refuses what Qt passes over in silence.

Refused: a class that the harness does not know, a property that the class does not have (Qt makes a
dynamic one of it; ``SlicerParameterName`` is meant to be one), two widgets of one name, a missing
icon, a buddy that does not exist, a connection whose sender, signal, receiver or slot does not
exist. The file's ``<connections>`` are made here, so that a forgotten
``mrmlSceneChanged(vtkMRMLScene*)`` -> ``setMRMLScene(vtkMRMLScene*)`` shows.

Of Designer's language it knows what panels use; anything else is refused, not passed over.
"""

from __future__ import annotations

import os
import xml.etree.ElementTree as ElementTree
from typing import Any

from PySide6 import QtCore, QtGui, QtWidgets

from compat.strict import STAND_INS, stand_in
from compat.ui_properties import UiError, enumeration, value_of

DYNAMIC = ("SlicerParameterName",)
_MARGINS = ("leftMargin", "topMargin", "rightMargin", "bottomMargin")
_KNOWN = {"property", "attribute", "widget", "layout", "item", "column", "action", "addaction"}


class QUiLoader:
    """Stand-in of qt.QUiLoader; ``load`` takes an opened QFile."""

    def load(self, file: Any, parent: Any = None) -> Any:
        """The widget that the file describes."""
        root = ElementTree.fromstring(bytes(file.readAll().data()))
        names = [w.get("name", "") for w in root.iter() if w.tag in ("widget", "layout", "action")]
        twice = sorted({name for name in names if name and names.count(name) > 1})
        if twice:
            raise UiError(f"two widgets have the name {twice[0]!r}")
        form = root.find("widget")
        if form is None:
            raise UiError("the .ui file has no widget")
        builder = _Builder(os.path.dirname(os.path.abspath(file.fileName())))
        widget = builder.widget(form, parent)
        builder.finish(root.find("connections"))
        # The wrappers must live as long as the widget; C++ owns what they wrap.
        widget.__dict__["_parts"] = builder.named
        return widget


def widget_class(class_name: str) -> Any:
    """The stand-in of a widget class by its name; UiError where there is none."""
    import qt

    known = STAND_INS.get(class_name) or qt.__dict__.get(class_name)
    if not isinstance(known, type):
        raise UiError(f"the harness has no stand-in of the class {class_name}")
    return known


class _Builder:
    """Makes the widgets of one file and keeps them by name."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.named: dict[str, Any] = {}
        self.buddies: list[tuple[Any, str]] = []

    def widget(self, element: ElementTree.Element, parent: Any) -> Any:
        """A widget with all that is in it."""
        class_name, name = element.get("class", ""), element.get("name", "")
        odd = sorted({child.tag for child in element} - _KNOWN)
        if odd:
            raise UiError(f"the harness reads no <{odd[0]}> of {name!r}")
        if class_name == "Line":
            widget = stand_in(QtWidgets.QFrame)(parent)
            widget.frameShadow = QtWidgets.QFrame.Sunken
        else:
            widget = widget_class(class_name)(parent)
        widget.name = name
        self.named[name] = widget
        self._contents(element, widget)
        for prop in element.findall("property"):
            self._property(widget, class_name, prop)
        for action in element.findall("action"):
            self._action(action, widget)
        for added in element.findall("addaction"):
            widget.addAction(self.named[added.get("name", "")])
        for layout in element.findall("layout"):
            widget.setLayout(self.layout(layout))
        for child in element.findall("widget"):
            self._child(widget, child)
        return widget

    def _property(self, widget: Any, class_name: str, prop: ElementTree.Element) -> None:
        name = prop.get("name", "")
        value = value_of(prop, type(widget), self.folder)
        if class_name == "Line" and name == "orientation":
            flat = value == QtCore.Qt.Horizontal
            widget.frameShape = QtWidgets.QFrame.HLine if flat else QtWidgets.QFrame.VLine
        elif name == "buddy":
            self.buddies.append((widget, value))
        elif name in DYNAMIC:
            widget.setProperty(name, value)
        elif name != "objectName" and type(widget).staticMetaObject.indexOfProperty(name) < 0:
            raise UiError(f"{class_name} {widget.name!r} has no property {name!r}")
        else:
            setattr(widget, name, value)

    def _contents(self, element: ElementTree.Element, widget: Any) -> None:
        """Entries of a combo box or list, columns of a tree or table."""
        texts = [_text(item) for item in element.findall("item")]
        columns = [_text(column) for column in element.findall("column")]
        if texts:
            widget.addItems(texts)
        if columns and hasattr(widget, "setHeaderLabels"):
            widget.setHeaderLabels(columns)
        elif columns:
            widget.setColumnCount(len(columns))
            widget.setHorizontalHeaderLabels(columns)

    def _action(self, element: ElementTree.Element, parent: Any) -> None:
        action = stand_in(QtGui.QAction)(parent)
        action.name = element.get("name", "")
        self.named[action.name] = action
        for prop in element.findall("property"):
            self._property(action, "QAction", prop)

    def _child(self, parent: Any, element: ElementTree.Element) -> None:
        """A child that no layout holds: a page, the widget of a scroll area..."""
        child = self.widget(element, parent)
        if isinstance(parent, QtWidgets.QTabWidget):
            titles = [a for a in element.findall("attribute") if a.get("name") == "title"]
            parent.addTab(child, titles[0][0].text or "" if titles else "")
        elif isinstance(parent, QtWidgets.QScrollArea):
            parent.setWidget(child)
        elif isinstance(parent, (QtWidgets.QStackedWidget, QtWidgets.QSplitter)):
            parent.addWidget(child)

    def layout(self, element: ElementTree.Element) -> Any:
        """A layout with its items; its widgets get their parent from it."""
        layout = stand_in(getattr(QtWidgets, element.get("class", "")))()
        layout.name = element.get("name", "")
        self.named[layout.name] = layout
        given = {p.get("name", ""): p for p in element.findall("property")}
        values = {n: value_of(p, type(layout), self.folder) for n, p in given.items()}
        wanted = [values.pop(name, None) for name in _MARGINS]
        if any(value is not None for value in wanted):
            now = QtWidgets.QLayout.contentsMargins(layout)
            margins = (now.left(), now.top(), now.right(), now.bottom())
            layout.setContentsMargins(*(m if w is None else w for w, m in zip(wanted, margins)))
        for name, value in values.items():
            if type(layout).staticMetaObject.indexOfProperty(name) < 0:
                raise UiError(f"{element.get('class')} {layout.name!r} has no property {name!r}")
            setattr(layout, name, value)
        for item in element.findall("item"):
            self._item(layout, item)
        for key in ("stretch", "columnstretch", "rowstretch"):
            for index, number in enumerate((element.get(key) or "").split(",")):
                if number and number != "0":
                    setter = {"stretch": "setStretch", "columnstretch": "setColumnStretch"}
                    getattr(layout, setter.get(key, "setRowStretch"))(index, int(number))
        return layout

    def _item(self, layout: Any, item: ElementTree.Element) -> None:
        element = item[0]
        if element.tag == "widget":
            made, kind = self.widget(element, None), "Widget"
        elif element.tag == "layout":
            made, kind = self.layout(element), "Layout"
        else:
            made, kind = _spacer(element), "Item"
        row, column = int(item.get("row") or 0), int(item.get("column") or 0)
        alignment = item.get("alignment")
        if isinstance(layout, QtWidgets.QFormLayout):
            role = QtWidgets.QFormLayout.ItemRole
            wide = int(item.get("colspan") or 1) > 1
            place = role.SpanningRole if wide else (role.LabelRole, role.FieldRole)[column]
            getattr(layout, f"set{kind}")(row, place, made)
        elif isinstance(layout, QtWidgets.QGridLayout):
            span = (int(item.get("rowspan") or 1), int(item.get("colspan") or 1))
            getattr(layout, f"add{kind}")(made, row, column, *span)
        else:
            getattr(layout, f"add{kind}")(made)
        if alignment:
            layout.setAlignment(made, enumeration(alignment, QtWidgets.QWidget))

    def finish(self, connections: ElementTree.Element | None) -> None:
        """Buddies and connections, once all widgets are there."""
        for label, name in self.buddies:
            if name not in self.named:
                raise UiError(f"the buddy {name!r} of {label.name!r} is not in the file")
            label.setBuddy(self.named[name])
        for connection in connections if connections is not None else ():
            _connect(self.named, connection)


def _text(element: ElementTree.Element) -> str:
    texts = [p[0].text or "" for p in element.findall("property") if p.get("name") == "text"]
    return texts[0] if texts else ""


def _spacer(element: ElementTree.Element) -> Any:
    values = {p.get("name", ""): value_of(p, QtWidgets.QSpacerItem, "") for p in element}
    size = values.get("sizeHint", QtCore.QSize(0, 0))
    along = values.get("sizeType", QtWidgets.QSizePolicy.Policy.Expanding)
    policies = [along, QtWidgets.QSizePolicy.Policy.Minimum]
    if values.get("orientation") == QtCore.Qt.Vertical:
        policies.reverse()
    return QtWidgets.QSpacerItem(size.width(), size.height(), *policies)


def _connect(named: dict[str, Any], connection: ElementTree.Element) -> None:
    """Make one of the file's connections."""
    sender, signal, receiver, slot = (
        (connection.findtext(tag) or "") for tag in ("sender", "signal", "receiver", "slot")
    )
    for name in (sender, receiver):
        if name not in named:
            raise UiError(f"a connection names {name!r}, which is not in the file")
    method = getattr(named[receiver], slot.split("(")[0], None)
    if not callable(method):
        raise UiError(f"{receiver!r} has no slot {slot!r}")
    named[sender].connect(signal, method)
