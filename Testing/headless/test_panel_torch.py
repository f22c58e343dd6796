"""Without torch the panel's button installs it; the PyTorch extension is stood in for."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from subprocess import CalledProcessError
from typing import Any

import pytest

from panel_fixture import open_panel

Extension = Callable[[Callable[[], None]], None]


@pytest.fixture
def panel_widget(sample_volume_node: Any, toothseg: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The ToothSegWidget, entered, in a Slicer without torch; ``there["torch"]`` brings it."""
    from ToothSegPanel import torch_setup

    monkeypatch.setattr(torch_setup, "is_there", lambda: there["torch"])
    there["torch"] = False
    return open_panel(toothseg)


there = {"torch": False}


@pytest.fixture
def extension(monkeypatch: pytest.MonkeyPatch) -> Extension:
    """``extension(pip)`` gives Slicer the PyTorch extension; ``pip`` is called at each line."""

    def give(pip: Callable[[], None]) -> None:
        import slicer

        class PyTorchUtilsLogic:
            def installTorch(self, askConfirmation: bool = True) -> None:
                for _line in range(2):
                    pip()
                    # As slicer.util.logProcessOutput, through which the extension runs pip.
                    slicer.app.processEvents()

        fake = type(sys)("PyTorchUtils")
        fake.PyTorchUtilsLogic = PyTorchUtilsLogic  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "PyTorchUtils", fake)

    return give


def test_a_folder_that_was_left_behind_is_no_torch(
    slicer_app: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ToothSegPanel import torch_setup

    monkeypatch.delitem(sys.modules, "torch", raising=False)
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    assert not torch_setup.is_there()
    (tmp_path / "torch" / "lib").mkdir(parents=True)
    importlib.invalidate_caches()
    assert not torch_setup.is_there()
    (tmp_path / "torch" / "__init__.py").touch()
    importlib.invalidate_caches()
    assert torch_setup.is_there()


def comes() -> None:
    there["torch"] = True


def test_the_button_offers_to_install_it(
    panel_widget: Any, dialogs: Any, extension: Extension
) -> None:
    import qt

    from ToothSegPanel import torch_setup

    button = panel_widget.ui.segmentButton
    assert (button.text, button.enabled) == (torch_setup.LABEL, True)
    button.click()
    assert "Extensions Manager" in dialogs.take()[0].text
    extension(comes)
    dialogs.answer(qt.QMessageBox.Cancel)
    button.click()
    assert not there["torch"]
    dialogs.answer(qt.QMessageBox.Ok)
    button.click()
    assert there["torch"]
    assert (button.text, button.enabled) == ("&Segment teeth", True)
    assert len(dialogs.take()) == 2


def test_a_second_click_starts_no_second_pip_within_the_first(
    panel_widget: Any, dialogs: Any, extension: Extension
) -> None:
    import qt

    button, depth, seen = panel_widget.ui.segmentButton, [0], []

    def pip() -> None:
        depth[0] += 1
        cursor = qt.QApplication.overrideCursor()
        seen.append((depth[0], button.enabled, button.text, cursor.shape()))
        comes()  # torch is unpacked, but pip has not ended
        qt.QTimer.singleShot(0, button.click)
        panel_widget.panel.refresh()
        panel_widget.panel.run._clicked()  # as a click that was on its way already
        import slicer

        slicer.app.processEvents()
        there["torch"] = False
        depth[0] -= 1

    extension(pip)
    dialogs.answer(qt.QMessageBox.Ok, qt.QMessageBox.Ok)
    button.click()
    assert seen == [(1, False, "Installing PyTorch, takes minutes", qt.Qt.WaitCursor)] * 2
    assert panel_widget.panel.run.run is None
    assert len(dialogs.take()) == 2
    assert (button.text, button.enabled) == ("Install PyTorch...", True)
    assert qt.QApplication.overrideCursor() is None


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (
            CalledProcessError(1, ["PythonSlicer", "-m", "light_the_torch", "install", "torch"]),
            "the network, the proxy and the free disk space",
        ),
        (OSError("[WinError 126] fbgemm.dll\nor one of its dependencies"), "fbgemm.dll or one"),
        (ImportError("libcudnn.so.9: cannot open shared object file"), "restart Slicer"),
    ],
)
def test_what_pip_could_not_do_is_no_fault_of_toothseg(
    panel_widget: Any, dialogs: Any, extension: Extension, error: Exception, told: str
) -> None:
    import qt

    def pip() -> None:
        raise error

    extension(pip)
    dialogs.answer(qt.QMessageBox.Ok)
    panel_widget.ui.segmentButton.click()
    _question, shown = dialogs.take()
    assert shown.text.startswith("PyTorch ")
    assert told in shown.text
    assert "Python console" in shown.text
    assert "fault" not in shown.text
    assert "\n" not in shown.text
    assert panel_widget.ui.segmentButton.enabled
    assert qt.QApplication.overrideCursor() is None


def test_the_self_test_is_skipped_where_there_is_no_torch(
    scene: Any, toothseg: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """As where Slicer's extensions are built; ctest and the button Reload and Test."""
    import unittest

    import ToothSeg
    from ToothSegPanel import torch_setup

    monkeypatch.setattr(torch_setup, "is_there", lambda: False)
    result = unittest.TestResult()
    unittest.defaultTestLoader.loadTestsFromTestCase(ToothSeg.ToothSegTest).run(result)
    ((_test, reason),) = result.skipped
    assert "PyTorch, which is not installed" in reason
    assert result.wasSuccessful()
    with caplog.at_level("INFO"):
        ToothSeg.ToothSegTest().runTest()
    assert reason in caplog.text
