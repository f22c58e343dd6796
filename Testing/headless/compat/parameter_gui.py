"""Connects widgets to parameters, both ways, by the dynamic property ``SlicerParameterName``.

The pairs of widget and type are those that Slicer documents, as far as the harness has the widgets;
another pair raises, as does a name that is no parameter. A combo box is filled from ``Choice`` or
from the enumeration, replacing what the ``.ui`` file listed.

As in Slicer, widgets write nothing back while they are brought in line with the parameters, and the
observer that does this stays on the parameter node when they are disconnected.
"""

from __future__ import annotations

import enum
import pathlib
from typing import Any

# Widget -> (types, the property that holds the value, the signal that tells of a change).
_SIMPLE: dict[str, tuple[tuple[type, ...], str, str]] = {
    "QCheckBox": ((bool,), "checked", "toggled(bool)"),
    "QPushButton": ((bool,), "checked", "toggled(bool)"),
    "QSlider": ((int,), "value", "valueChanged(int)"),
    "QSpinBox": ((int,), "value", "valueChanged(int)"),
    "QDoubleSpinBox": ((float,), "value", "valueChanged(double)"),
    "ctkDoubleSpinBox": ((float,), "value", "valueChanged(double)"),
    "ctkSliderWidget": ((float,), "value", "valueChanged(double)"),
    "QLineEdit": ((str,), "text", "textChanged(QString)"),
    "QLabel": ((str,), "text", ""),
}


class Connector:
    """One widget and one parameter."""

    def __init__(self, wrapper: Any, parameter: Any, widget: Any) -> None:
        self.wrapper, self.parameter, self.widget = wrapper, parameter, widget
        name, kind = widget.className(), parameter.types[0]
        self.kind = kind
        self.choices: list[Any] | None = None
        if name == "qMRMLNodeComboBox" and parameter.is_node:
            self.signal = "currentNodeChanged(vtkMRMLNode*)"
        elif name == "QComboBox" and self._choices() is not None:
            self.signal, self.choices = "currentIndexChanged(int)", self._choices()
            widget.clear()
            widget.addItems([_label(choice) for choice in self.choices or []])
        elif name == "ctkPathLineEdit" and issubclass(kind, pathlib.PurePath):
            self.signal = "currentPathChanged(QString)"
        elif name in _SIMPLE and kind in _SIMPLE[name][0]:
            self.signal = _SIMPLE[name][2]
            if name == "QPushButton" and not widget.checkable:
                raise RuntimeError(f"{widget.name}: a connected push button must be checkable")
            self._limit()
        else:
            raise RuntimeError(
                f"{widget.name}: Slicer connects no {name} to {kind.__name__} "
                f"({parameter.name}; a QComboBox needs a Choice or an enumeration)"
            )

    def _choices(self) -> list[Any] | None:
        if issubclass(self.kind, enum.Enum):
            return list(self.kind)
        given = [n.choices for n in self.parameter.notes if hasattr(n, "choices")]
        return given[0] if given else None

    def _limit(self) -> None:
        """Validators set the ends of a number box, annotations its digits and step."""
        from compat.validators import Decimals, SingleStep

        for note in self.parameter.notes:
            if isinstance(note, Decimals):
                self.widget.decimals = note.value
            elif isinstance(note, SingleStep):
                self.widget.singleStep = note.value
            for end in ("minimum", "maximum"):
                if hasattr(note, end):
                    setattr(self.widget, end, getattr(note, end))

    def connect(self) -> None:
        """Show the parameter, then listen."""
        self.show()
        if self.signal:
            self.widget.connect(self.signal, self.store)

    def disconnect(self) -> None:
        """Listen no more."""
        if self.signal:
            self.widget.disconnect(self.signal, self.store)

    def show(self) -> None:
        """Parameter to widget."""
        value = self.wrapper.getValue(self.parameter.name)
        if self.parameter.is_node:
            self.widget.setCurrentNode(value)
        elif self.choices is not None:
            self.widget.setCurrentIndex(self.choices.index(value))
        elif self.widget.className() == "ctkPathLineEdit":
            self.widget.currentPath = str(value)
        else:
            name = _SIMPLE[self.widget.className()][1]
            if getattr(self.widget, name) != value:
                setattr(self.widget, name, value)

    def store(self) -> None:
        """Widget to parameter."""
        import slicer

        with slicer.util.NodeModify(self.wrapper):
            if not self.wrapper._updating:
                self._store()

    def _store(self) -> None:
        if self.parameter.is_node:
            value = self.widget.currentNode()
        elif self.choices is not None:
            index = self.widget.currentIndex
            if index < 0:
                return
            value = self.choices[index]
        elif self.widget.className() == "ctkPathLineEdit":
            value = self.kind(self.widget.currentPath)
        else:
            value = getattr(self.widget, _SIMPLE[self.widget.className()][1])
        self.wrapper.setValue(self.parameter.name, value)


def _label(choice: Any) -> str:
    if isinstance(choice, enum.Enum):
        label = getattr(choice, "label", None)
        return str(label()) if callable(label) else choice.name
    return str(choice)


class Connections:
    """The part of a wrapper that knows widgets."""

    _connections: dict[int, list[Connector]]
    _next: int
    _updating: bool

    def __init__(self) -> None:
        self.__dict__.update(_connections={}, _next=0, _updating=False)

    def connectGui(self, gui: Any) -> None:
        """Connect a widget's children, or the result of ``childWidgetVariables``.

        As in Slicer (its issue 7547) there is no tag, so that the connections stay for good.
        """
        import slicer

        if hasattr(gui, "className"):
            widgets = slicer.util.findChildren(gui)
        else:
            widgets = [w for w in vars(gui).values() if hasattr(w, "dynamicPropertyNames")]
        mapping = {}
        for widget in widgets:
            if not hasattr(widget, "dynamicPropertyNames"):
                continue
            name = widget.property("SlicerParameterName")
            if name:
                mapping[name] = widget
        self.connectParametersToGui(mapping)

    def connectParametersToGui(self, mapping: dict[str, Any]) -> int:
        """Connect widgets by the names of their parameters; give a tag."""
        parameters = self.allParameters  # type: ignore[attr-defined]
        unknown = sorted(set(mapping) - set(parameters))
        if unknown:
            raise ValueError(f"there is no parameter {unknown[0]!r}; there are {list(parameters)}")
        connectors = [Connector(self, parameters[n], widget) for n, widget in mapping.items()]
        for connector in connectors:
            connector.connect()

        tag = self._next
        self._connections[tag] = connectors
        self.__dict__["_next"] += 1
        self.AddObserver("ModifiedEvent", self._show)  # type: ignore[attr-defined]
        return tag

    def _show(self, *_event: Any) -> None:
        """Bring all widgets in line."""
        import slicer

        if self._updating:
            return
        self.__dict__["_updating"] = True
        try:
            with slicer.util.NodeModify(self):
                for connector in [c for tied in self._connections.values() for c in tied]:
                    connector.show()
        finally:
            self.__dict__["_updating"] = False

    def disconnectGui(self, tag: int | None) -> None:
        """Take the connections of a tag back; nothing happens for what is no tag, as in Slicer."""
        if tag not in self._connections:
            return
        for connector in self._connections[tag]:
            connector.disconnect()
        del self._connections[tag]
