"""Our own small stand-ins of ``slicer.app``, of a module and of the reader and writer of files.

What differs from desktop Slicer: ``app`` is not the QApplication itself but an object that refuses
what it does not know. The input and output manager reads and writes the kinds of file in
``file_io.py``; a drop of a DICOM folder, a plug-in reader and the like are absent.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6 import QtCore, QtGui, QtWidgets

from compat.user_settings import UserSettings


class Module:
    """A module with a C++ logic and no widget."""

    def __init__(self, name: str, logic: Any) -> None:
        self.name = name
        self.title = name
        self._logic = logic

    def logic(self) -> Any:
        """The module's logic; None where it has none."""
        return self._logic

    def widgetRepresentation(self) -> None:
        """No desktop, no widget."""
        return


class ModuleManager:
    """Stand-in of qSlicerModuleManager: finds what hangs on ``slicer.modules``."""

    def module(self, name: str) -> Any:
        """A module by its name; None where there is none."""
        import slicer

        return getattr(slicer.modules, name.lower(), None)

    def modulesNames(self) -> tuple[str, ...]:
        """The names of all modules."""
        import slicer

        return tuple(module.name for module in vars(slicer.modules).values())


class _Signals:
    """Named signals that Python functions can be connected to by signature."""

    def __init__(self, *signatures: str) -> None:
        self._slots: dict[str, list[Callable[..., Any]]] = {name: [] for name in signatures}

    def connect(self, signature: str, slot: Callable[..., Any]) -> bool:
        """Connect; ValueError where there is no such signal, TypeError for what is no function."""
        if signature not in self._slots:
            raise ValueError(f"there is no signal {signature!r}; there are {sorted(self._slots)}")
        if not callable(slot):
            raise TypeError(f"{slot!r} cannot be called; connect a function")
        self._slots[signature].append(slot)
        return True

    def disconnect(self, signature: str, slot: Callable[..., Any]) -> bool:
        """Take a connection back; False where there was none."""
        if slot not in self._slots.get(signature, []):
            return False
        self._slots[signature].remove(slot)
        return True

    def emit_signal(self, signature: str, *arguments: Any) -> None:
        """What a test calls so that the application speaks."""
        for slot in list(self._slots[signature]):
            slot(*arguments)


class Application(_Signals):
    """What modules use of ``slicer.app``; an unknown attribute is an AttributeError."""

    applicationName = "Slicer"
    applicationVersion = "5.12.0-headless"
    majorVersion = 5
    minorVersion = 12
    revision = "34000"
    arch = "amd64"

    def __init__(self, scene: Any, logic: Any, temporary: Path) -> None:
        super().__init__("startupCompleted()", "aboutToQuit()", "lastWindowClosed()")
        from compat import desktop
        from file_io import CoreIOManager

        self.temporaryPath = str(temporary / "temporary")
        self.slicerHome = str(temporary / "home")
        self.testing = False
        self._scene, self._logic = scene, logic
        desktop.keep_settings_in(temporary)
        self._layout = desktop.LayoutManager(logic)
        self._window = desktop.main_window_class()()
        self._io = CoreIOManager(scene, logic)

    def applicationLogic(self) -> Any:
        """The vtkSlicerApplicationLogic."""
        return self._logic

    def mrmlScene(self) -> Any:
        """The one scene."""
        return self._scene

    def coreIOManager(self) -> Any:
        """The reader and writer of files."""
        return self._io

    def ioManager(self) -> Any:
        """The same one: there are no dialogs here to open."""
        return self._io

    def testingEnabled(self) -> bool:
        """True where ``app.testing`` was set; dialogs are then left out."""
        return self.testing

    def startupEnvironment(self) -> dict[str, str]:
        """The environment that Slicer was started with."""
        return dict(os.environ)

    def moduleManager(self) -> ModuleManager:
        """Finds modules by their names."""
        return ModuleManager()

    def processEvents(self) -> None:
        """Let Qt work off what waits."""
        QtWidgets.QApplication.processEvents()

    def layoutManager(self) -> Any:
        """The views; ``layoutManager().calls`` tells what was asked of them."""
        return self._layout

    def topLevelWidgets(self) -> tuple[Any, ...]:
        """The main window; ``slicer.util.mainWindow`` looks for it here."""
        return (self._window,)

    def settings(self) -> Any:
        """Settings of this run alone."""
        return QtCore.QSettings()

    def userSettings(self) -> UserSettings:
        """Settings of the person; of this run alone, too."""
        return UserSettings()

    def palette(self) -> Any:
        """The colours of the application."""
        return QtWidgets.QApplication.palette()

    def clipboard(self) -> Any:
        """The clipboard."""
        return QtWidgets.QApplication.clipboard()

    def setOverrideCursor(self, cursor: Any) -> None:
        """Show another cursor."""
        QtWidgets.QApplication.setOverrideCursor(QtGui.QCursor(cursor))

    def restoreOverrideCursor(self) -> None:
        """The one before; an error where there is none to take back."""
        assert QtWidgets.QApplication.overrideCursor() is not None, "no cursor to restore"
        QtWidgets.QApplication.restoreOverrideCursor()

    def pauseRender(self) -> None:
        """Tell the application logic."""
        self._logic.PauseRender()

    def resumeRender(self) -> None:
        """Tell the application logic."""
        self._logic.ResumeRender()
