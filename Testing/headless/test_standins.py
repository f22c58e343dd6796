"""The stand-ins of Qt's widgets take what PythonQt takes, and refuse what it refuses."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.usefixtures("qt_app")


def test_properties_are_attributes() -> None:
    import qt

    button = qt.QPushButton("Go")
    assert button.text == "Go"
    button.text = "Stop"
    button.name = "stop"
    button.enabled = False
    assert (button.text, button.objectName, button.isEnabled()) == ("Stop", "stop", False)
    with pytest.raises(TypeError, match="not callable"):
        button.text()


@pytest.mark.parametrize(
    ("name", "value"),
    [("texxt", "x"), ("text", 3), ("text", None), ("enabled", "yes"), ("clicked", len), ("x", 3)],
)
def test_wrong_properties_are_refused(name: str, value: Any) -> None:
    import qt

    with pytest.raises(AttributeError):
        setattr(qt.QPushButton("Go"), name, value)


def test_a_timers_single_shot_is_a_function() -> None:
    import qt

    timer = qt.QTimer()
    with pytest.raises(AttributeError, match="singleShot"):
        timer.singleShot = True
    timer.setSingleShot(True)
    assert timer.isSingleShot()
    qt.QTimer.singleShot(0, timer.stop)


def test_a_fraction_is_no_int() -> None:
    import qt

    with pytest.raises(AttributeError, match=r"0\.5"):
        qt.QProgressBar().value = 0.5


def test_unknown_names_are_refused() -> None:
    import ctk
    import qt

    with pytest.raises(AttributeError):
        _ = qt.QPushButton("Go").texxt
    with pytest.raises(AttributeError, match="stand-ins"):
        _ = qt.QWebEngineView
    with pytest.raises(AttributeError, match="stand-ins"):
        _ = ctk.ctkNothing
    with pytest.raises(AttributeError):
        _ = qt.QDialog().exec
    with pytest.raises(AttributeError, match="qt.Qt.<value>"):
        _ = qt.Qt.AlignmentFlag


def test_only_python_subclasses_take_new_attributes() -> None:
    import qt

    class Tooth(qt.QWidget):
        def __init__(self) -> None:
            super().__init__()
            self.fdi = 11

        def sizeHint(self) -> Any:
            return qt.QSize(30, 40)

    assert Tooth().fdi == 11
    assert Tooth().sizeHint().height() == 40
    assert qt.QWidget().sizeHint.width() == -1
    with pytest.raises(AttributeError):
        qt.QWidget().fdi = 11
    with pytest.raises(AttributeError):
        qt.QTreeWidgetItem().fdi = 11


def test_signals_by_signature_and_by_name() -> None:
    import qt

    button = qt.QPushButton("Go")
    button.checkable = True
    heard: list[Any] = []
    button.connect("clicked(bool)", heard.append)
    button.toggled.connect(lambda on: heard.append(("toggled", on)))
    button.click()
    assert heard == [("toggled", True), True]
    # Python makes `heard.append` anew each time that it is asked for, and they are equal.
    assert button.disconnect("clicked(bool)", heard.append)
    button.click()
    assert heard == [("toggled", True), True, ("toggled", False)]
    with pytest.raises(AttributeError, match="no signal"):
        button.connect("clickd()", heard.append)
    with pytest.raises(TypeError, match="function"):
        button.connect("clicked()", None)


def test_a_connection_can_be_taken_back() -> None:
    import qt

    heard: list[bool] = []

    def hear(on: bool) -> None:
        heard.append(on)

    button = qt.QPushButton("Go")
    button.connect("clicked(bool)", hear)
    button.click()
    assert button.disconnect("clicked(bool)", hear)
    assert not button.disconnect("clicked(bool)", hear)
    button.click()
    assert heard == [False]


def test_arguments_are_counted_as_pythonqt_counts_them() -> None:
    import qt

    heard: list[Any] = []
    button = qt.QPushButton("Go")
    button.connect("clicked(bool)", lambda: heard.append("none"))
    # The trap of a default argument: the signal's bool takes its place.
    button.connect("clicked(bool)", lambda fdi=11: heard.append(fdi))
    button.connect("clicked()", lambda fdi=12: heard.append(fdi))
    button.connect("clicked(bool)", functools.partial(lambda *a: heard.append(a), 13))
    button.click()
    assert sorted(heard, key=str) == sorted(["none", False, 12, (13, False)], key=str)


def test_a_destroyed_widget_is_refused_as_by_pythonqt() -> None:
    import qt

    button = qt.QPushButton("Go")
    button.connect("clicked()", button.hide)
    click = button.click
    button.delete()
    for read in (lambda: button.text, lambda: button.hide(), click):
        with pytest.raises(ValueError, match="destroyed QPushButton"):
            read()
    with pytest.raises(AttributeError, match="destroyed QPushButton"):
        button.text = "Stop"
    with pytest.raises(SystemError):
        button.disconnect("clicked()", button)


def test_lists_come_back_as_tuples() -> None:
    import qt

    tree = qt.QTreeWidget()
    tree.addTopLevelItem(qt.QTreeWidgetItem(["incisor"]))
    tree.topLevelItem(0).setSelected(True)
    assert isinstance(tree.selectedItems(), tuple)
    assert tree.selectedItems()[0].text(0) == "incisor"


def test_objects_that_qt_made_are_strict_too() -> None:
    import qt

    tree = qt.QTreeWidget()
    header = tree.header()
    header.stretchLastSection = False
    assert header.stretchLastSection is False
    with pytest.raises(AttributeError):
        header.stretchLast = True


def test_an_emptied_path_is_told_by_its_validity_alone() -> None:
    """As by CTK: `ctkPathLineEdit::updateHasValidInput`."""
    import ctk

    line = ctk.ctkPathLineEdit()
    heard: list[Any] = []
    line.connect("currentPathChanged(QString)", heard.append)
    line.connect("validInputChanged(bool)", heard.append)
    for text in ("a", "ab", "", " "):
        line.currentPath = text
    assert heard == ["a", True, "ab", False, " ", True]


def test_an_exception_in_a_slot_is_caught(swallowed: list[BaseException]) -> None:
    import qt

    button = qt.QPushButton("Go")
    button.connect("clicked()", lambda: 1 / 0)
    button.click()
    assert [type(error) for error in swallowed] == [ZeroDivisionError]
    swallowed.clear()


TESTS_THAT_MUST_FAIL = """
def test_slot(qt_app):
    import qt
    button = qt.QPushButton("Go")
    button.connect("clicked()", lambda: 1 / 0)
    button.click()

def test_paint(qt_app):
    import qt
    class Tooth(qt.QWidget):
        def paintEvent(self, event):
            1 / 0
    tooth = Tooth()
    tooth.show()
    qt_app.processEvents()

def test_observer(scene):
    tag = scene.AddObserver("ModifiedEvent", lambda *a: 1 / 0)
    scene.Modified()
    scene.RemoveObserver(tag)

def test_dialog(dialogs):
    import slicer
    slicer.util.errorDisplay("No volume is selected.")

def test_answer(dialogs):
    dialogs.answer("never asked for")
"""


def test_what_qt_and_vtk_swallow_fails_a_test(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(TESTS_THAT_MUST_FAIL, encoding="utf-8")
    here = Path(__file__).parent
    paths = os.pathsep.join(map(str, (here, here.parents[1])))
    outcome = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "conftest", "-p", "no:cacheprovider"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "5 passed, 5 errors" in outcome.stdout, outcome.stdout + outcome.stderr
    assert outcome.stdout.count("ZeroDivisionError: division by zero") >= 3


def test_dialogs_are_recorded_and_answered(dialogs: Any) -> None:
    import qt
    import slicer

    slicer.util.errorDisplay("No volume is selected.")
    assert [shown.text for shown in dialogs.take()] == ["No volume is selected."]
    dialogs.answer(qt.QMessageBox.Cancel, "/somewhere")
    assert slicer.util.confirmOkCancelDisplay("Overwrite?") is False
    assert qt.QFileDialog.getExistingDirectory(None, "Folder") == "/somewhere"
    with pytest.raises(AssertionError, match="no answer"):
        slicer.util.confirmYesNoDisplay("Sure?")
    dialogs.take()


def test_errors_are_displayed_and_raised(dialogs: Any) -> None:
    import slicer

    with (
        pytest.raises(ValueError, match="bad"),
        slicer.util.tryWithErrorDisplay("It failed.", waitCursor=True),
    ):
        raise ValueError("bad")
    (shown,) = dialogs.take()
    assert shown.text == "It failed.\n\nbad"
    assert "Traceback" in shown.detail


def test_a_menu_is_answered_by_the_text_of_an_entry(dialogs: Any) -> None:
    import qt

    heard: list[str] = []
    menu = qt.QMenu()
    menu.addAction("Merge").connect("triggered()", lambda: heard.append("merge"))
    dialogs.answer("Merge")
    assert menu.exec_(qt.QCursor.pos()).text == "Merge"
    assert heard == ["merge"]
    dialogs.take()
