"""What of the desktop modules reach through ``slicer.app`` and ``slicer.util.mainWindow()``.

Views do not render here: they record what they were asked for (``layout_manager().calls``).
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

from PySide6 import QtCore, QtGui, QtWidgets


def start_qt() -> Any:
    """The one QApplication, with a font that has letters and settings that nobody else sees."""
    app = QtWidgets.QApplication.instance() or QtWidgets.QApplication([])
    app.setApplicationName("Slicer")
    app.setOrganizationName("ToothSegTests")
    app.setStyle("Fusion")
    _use_font(app)
    return app


def _use_font(app: Any) -> None:
    """DejaVu Sans, which matplotlib brings along, so that pictures are alike on all machines."""
    import matplotlib

    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    for name in ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf", "DejaVuSans-Oblique.ttf"):
        if QtGui.QFontDatabase.addApplicationFont(str(folder / name)) < 0:
            raise RuntimeError(f"Qt cannot read the font {folder / name}")
    font = QtGui.QFont("DejaVu Sans", 9)
    app.setFont(font)


def keep_settings_in(folder: Path) -> None:
    """Settings go to files of this folder."""
    settings = QtCore.QSettings
    settings.setDefaultFormat(settings.Format.IniFormat)
    settings.setPath(settings.Format.IniFormat, settings.Scope.UserScope, str(folder))


class Recording:
    """Something of which only the listed methods exist; calls are kept."""

    def __init__(self, calls: list[Any], where: str, /, **results: Any) -> None:
        self.__dict__.update(_calls=calls, _where=where, _results=results)

    def __getattr__(self, name: str) -> Any:
        results = self.__dict__["_results"]
        if name not in results:
            raise AttributeError(f"{self._where} has no {name!r} in the harness (desktop.py)")
        result = results[name]
        if not isinstance(result, functools.partial) and not callable(result):
            return result

        def call(*arguments: Any) -> Any:
            self._calls.append((f"{self._where}.{name}", *arguments))
            return result(*arguments)

        return call


class LayoutManager(Recording):
    """Stand-in of qSlicerLayoutManager: one 3D view, three slice views."""

    def __init__(self, logic: Any) -> None:
        calls: list[Any] = []
        slices = {"Red": 0, "Yellow": 1, "Green": 2}

        def nothing(*_arguments: Any) -> None:
            return

        def slice_widget(name: str) -> Any:
            slice_logic = logic.GetSliceLogics().GetItemAsObject(slices[name])
            return Recording(
                calls,
                f"sliceWidget({name})",
                sliceLogic=lambda: slice_logic,
                mrmlSliceNode=slice_logic.GetSliceNode,
                fitSliceToBackground=nothing,
            )

        def view() -> Any:
            node = logic.GetViewLogics().GetItemAsObject(0).GetViewNode()
            return Recording(
                calls,
                "threeDView",
                mrmlViewNode=lambda: node,
                resetFocalPoint=nothing,
                resetCamera=nothing,
                setFocalPoint=nothing,
                forceRender=nothing,
                scheduleRender=nothing,
            )

        def three_d_widget(_index: int) -> Any:
            return Recording(
                calls,
                "threeDWidget",
                threeDView=view,
                mrmlViewNode=lambda: view().mrmlViewNode(),
                threeDController=lambda: Recording(
                    calls, "threeDController", resetFocalPoint=nothing, setBlackBackground=nothing
                ),
            )

        super().__init__(
            calls,
            "layoutManager",
            calls=calls,
            threeDViewCount=1,
            layout=4,
            setLayout=nothing,
            sliceViewNames=lambda: tuple(slices),
            sliceWidget=slice_widget,
            threeDWidget=three_d_widget,
            resetThreeDViews=nothing,
            resetSliceViews=nothing,
        )


@functools.cache
def main_window_class() -> type:
    """The class of the main window, whose module selector records what was selected."""
    from compat.strict import stand_in

    class MainWindow(stand_in(QtWidgets.QMainWindow)):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.name = "qSlicerMainWindow"
            self.selected: list[str] = []

        def moduleSelector(self) -> Any:
            """The selector; ``slicer.util.selectModule`` ends here."""
            return Recording(
                [],
                "moduleSelector",
                selectModule=self.selected.append,
                selectedModule=self.selected[-1] if self.selected else "Welcome",
            )

        def statusBar(self) -> Any:
            """Qt's own, made strict."""
            from compat.strict import strictly

            return strictly(QtWidgets.QMainWindow.statusBar(self))

    return MainWindow
