"""Does for a scripted module what Slicer's module factory does: load, open, leave, close.

A module's ``parent`` knows the attributes that Slicer's does and refuses others, so that a slip of
the pen in the module's description shows.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

_KNOWN = (
    "title", "categories", "dependencies", "contributors", "helpText", "acknowledgementText",
    "icon", "hidden", "path", "name", "index",
    "associatedNodeTypes", "widgetRepresentationCreationEnabled",
)  # fmt: skip


class qSlicerScriptedLoadableModule:
    """``parent`` of the module's class, and what ``slicer.modules.<name>`` is."""

    def __init__(self, path: Path) -> None:
        self.__dict__.update(path=str(path), name=path.stem, _widget=None, _class=None)

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in _KNOWN:
            raise AttributeError(f"a module has no property {name!r}; it has {', '.join(_KNOWN)}")
        self.__dict__[name] = value

    def logic(self) -> Any:
        """The C++ logic of a scripted module, which modules seldom use."""
        import slicer

        return slicer.vtkSlicerScriptedLoadableModuleLogic()

    def widgetRepresentation(self) -> Any:
        """The module's panel, built when it is first asked for."""
        if self._widget is None:
            self.__dict__["_widget"] = self.createNewWidgetRepresentation()
        return self._widget

    def createNewWidgetRepresentation(self) -> Any:
        """Another panel."""
        module = importlib.import_module(self.name)
        return widget_parent(getattr(module, f"{self.name}Widget"))

    def close(self) -> None:
        """What Slicer does when it quits: leave the panel, then clean it up."""
        if self._widget is not None:
            self._widget.close_module()
            self.__dict__["_widget"] = None


def widget_parent(widget_class: type) -> Any:
    """Build a panel in a parent of its own and call ``setup``."""
    import qt
    import slicer

    parent = slicer.qSlicerScriptedLoadableModuleWidget()
    parent.setLayout(qt.QVBoxLayout())
    parent.setMRMLScene(slicer.mrmlScene)
    widget = widget_class(parent)
    parent.__dict__["_python"] = widget
    widget.setup()
    return parent


def load_module(path: Path) -> Any:
    """Import ``<Name>.py`` and make its module known as ``slicer.modules.<name>``."""
    import slicer

    module = importlib.import_module(path.stem)
    parent = qSlicerScriptedLoadableModule(path)
    parent.__dict__["_class"] = getattr(module, path.stem)(parent)
    setattr(slicer.modules, path.stem.lower(), parent)
    return parent


def install(slicer: Any) -> None:
    """Hang the classes on the ``slicer`` package."""
    from compat.mrml_widgets import qMRMLWidget
    from compat.strict import STAND_INS

    class qSlicerScriptedLoadableModuleWidget(qMRMLWidget):
        """The parent of a panel."""

        _stand_in = True
        _python: Any = None
        _entered = False

        @property
        def isEntered(self) -> bool:
            """Whether the user is in the module."""
            return self._entered

        def self(self) -> Any:
            """The panel's Python object."""
            return self._python

        def enter(self) -> None:
            """The user opens the module."""
            self.__dict__["_entered"] = True
            self._python.enter()

        def exit(self) -> None:
            """The user leaves the module."""
            self.__dict__["_entered"] = False
            self._python.exit()

        def close_module(self) -> None:
            """Leave if entered, clean up, delete."""
            if self._entered:
                self.exit()
            self._python.cleanup()
            self.deleteLater()

    name = "qSlicerScriptedLoadableModuleWidget"
    STAND_INS[name] = qSlicerScriptedLoadableModuleWidget
    slicer.qSlicerScriptedLoadableModuleWidget = qSlicerScriptedLoadableModuleWidget
    slicer.qSlicerScriptedLoadableModule = qSlicerScriptedLoadableModule
