"""Fixtures of the tests that run on Slicer's own core.

Where slicer-core or PySide6 is not installed these tests fail; they are skipped, with a reason,
only where the environment variable ``TOOTHSEG_SKIP_HEADLESS`` says so.

Every test here fails on an exception that Qt or VTK swallowed (in a slot, a paint event, an
observer) and on a dialog that it neither expected nor looked at; see ``swallowed`` and ``dialogs``.
"""

from __future__ import annotations

import importlib.util
import os
import sys
import traceback
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import bootstrap

SAMPLES = bootstrap.REPOSITORY / "Resources" / "Samples"
_NEEDED = ("slicer", "PySide6")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip, where the environment asks for it and something needed is absent."""
    absent = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if not absent or not os.environ.get("TOOTHSEG_SKIP_HEADLESS"):
        return
    mark = pytest.mark.skip(reason=f"TOOTHSEG_SKIP_HEADLESS is set and {absent} not installed")
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(mark)


@pytest.fixture(scope="session")
def slicer_app(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """``slicer.app``, with the scene, the logics, ``slicer.util``, ``qt`` and ``ctk`` working."""
    return bootstrap.start(tmp_path_factory.mktemp("slicer"))


@pytest.fixture(autouse=True)
def swallowed(slicer_app: Any) -> Iterator[list[BaseException]]:
    """Exceptions that Qt and VTK print and go on from; one left in the list fails the test."""
    caught: list[BaseException] = []
    before = sys.excepthook
    sys.excepthook = lambda kind, error, trace: caught.append(error)
    yield caught
    sys.excepthook = before
    if caught:
        pytest.fail("".join(traceback.format_exception(caught[0])))


@pytest.fixture(autouse=True)
def dialogs(slicer_app: Any) -> Iterator[Any]:
    """The recorder of dialogs: ``answer(...)`` before, ``take()`` after; see compat/dialogs.py."""
    from compat.dialogs import recorder

    recorder.clear()
    yield recorder
    shown, answers = recorder.shown, list(recorder.answers)
    recorder.clear()
    assert not shown, f"dialogs that the test did not look at (dialogs.take()): {shown}"
    assert not answers, f"answers that no dialog asked for: {answers}"


@pytest.fixture(autouse=True)
def _at_once(slicer_app: Any) -> None:
    """The panel waits for nothing more that may come; `panel_fixture.settle` counts on it.

    For every test, for one of them reads the module's packages anew.
    """
    from ToothSegPanel import panel

    panel.SETTLE_MS = 0


@pytest.fixture(autouse=True)
def _nobodys_settings(slicer_app: Any) -> None:
    """What a test has made Slicer remember is forgotten before the next."""
    slicer_app.settings().clear()


@pytest.fixture
def scene(slicer_app: Any) -> Iterator[Any]:
    """``slicer.mrmlScene``, empty before and after the test."""
    scene = slicer_app.mrmlScene()
    scene.Clear(0)
    yield scene
    scene.Clear(0)


@pytest.fixture
def qt_app(slicer_app: Any) -> Iterator[Any]:
    """The QApplication, without a display; widgets left open are closed after the test."""
    from PySide6.QtWidgets import QApplication

    app = QApplication.instance()
    yield app
    keep = slicer_app.topLevelWidgets()
    for widget in app.topLevelWidgets():
        if widget not in keep:
            widget.close()
            widget.deleteLater()
    app.sendPostedEvents(None, 52)  # QEvent.DeferredDelete
    app.processEvents()


@pytest.fixture
def full_sample_node(scene: Any) -> Any:
    """The sample scan of the repository as a vtkMRMLScalarVolumeNode, 176 x 160 x 128 of 0.5 mm."""
    import slicer

    return slicer.util.loadVolume(str(SAMPLES / "sample-cbct.nrrd"))


@pytest.fixture
def full_sample_labels() -> Any:
    """The FDI labels of the sample scan as a ``Volume``, on the same grid."""
    from ToothSegLib.volume_io import read_volume

    return read_volume(SAMPLES / "sample-cbct-labels.nrrd")


@pytest.fixture(scope="session")
def _coarse_sample() -> tuple[Any, Any]:
    """Every second voxel of the sample scan and of its labels, which take an eighth of the time."""
    from ToothSegLib.volume_io import read_volume

    scan, labels = (
        read_volume(SAMPLES / f"sample-cbct{ending}.nrrd") for ending in ("", "-labels")
    )
    spacing = tuple(2 * length for length in scan.spacing)
    every_second = (slice(None, None, 2),) * 3
    return tuple(
        replace(volume, array=volume.array[every_second].copy(), spacing=spacing)
        for volume in (scan, labels)
    )


@pytest.fixture
def sample_volume_node(scene: Any, _coarse_sample: tuple[Any, Any]) -> Any:
    """The sample scan at 1 mm as a vtkMRMLScalarVolumeNode, 88 x 80 x 64."""
    from node_fixture import volume_node

    node = volume_node(_coarse_sample[0])
    node.SetName("sample-cbct")
    return node


@pytest.fixture
def sample_labels(_coarse_sample: tuple[Any, Any]) -> Any:
    """The FDI labels of the sample scan at 1 mm as a ``Volume``, on the same grid."""
    return _coarse_sample[1].with_array(_coarse_sample[1].array.copy())


@pytest.fixture
def toothseg(scene: Any, qt_app: Any) -> Iterator[Any]:
    """The module, loaded as Slicer does; its panel is ``slicer.util.getModuleWidget(toothseg)``.

    The panel is left and cleaned up before the scene is emptied, as when Slicer quits.
    """
    from compat.module_host import load_module
    from ToothSegScene.nodes import nodes_of_class

    module = load_module(bootstrap.MODULE_FOLDER / "ToothSeg.py")
    yield module
    module.close()
    # Clearing a scene leaves the parameters in it, and with them every wrapper that observes them.
    for node in nodes_of_class(scene, "vtkMRMLScriptedModuleNode"):
        scene.RemoveNode(node)


@pytest.fixture
def panel_screenshot(qt_app: Any) -> Callable[..., Path]:
    """``panel_screenshot(widget, path, style="light", width=480, height=0)`` writes a PNG."""
    from screenshots import panel_screenshot

    return panel_screenshot


@pytest.fixture
def exporter(slicer_app: Any) -> Any:
    """The module that exports."""
    from ToothSegScene import export

    return export


@pytest.fixture(scope="module")
def labels() -> Any:
    """The three teeth of the tests of export as a ``Volume``; see export_fixture.py."""
    from export_fixture import three_teeth

    return three_teeth()


@pytest.fixture
def put(scene: Any) -> Callable[[Any], tuple[Any, Any]]:
    """``put(labels)`` puts them into the scene; the segmentation node and its volume node."""
    from export_fixture import put

    return lambda labels: put(scene, labels)


@pytest.fixture
def teeth_node(put: Callable[[Any], tuple[Any, Any]], labels: Any) -> Any:
    """The segmentation node of ``labels``."""
    return put(labels)[0]


@pytest.fixture
def node(scene: Any) -> Any:
    """The hand-made dentition of teeth_node.py as a segmentation node."""
    from teeth_node import make_node, some_labels

    return make_node(scene, some_labels())


@pytest.fixture
def widget(toothseg: Any) -> Any:
    """The panel."""
    from panel_fixture import open_panel

    return open_panel(toothseg)


@pytest.fixture
def scan_and_node(widget: Any) -> tuple[Any, Any]:
    """A result of four teeth, shown on the panel."""
    from case_fixture import result
    from panel_fixture import settle

    scan, node = result()
    parameters = widget.logic.getParameterNode()
    parameters.inputVolume, parameters.segmentation = scan, node
    settle()
    return scan, node


@pytest.fixture
def folder(widget: Any, scan_and_node: tuple[Any, Any], tmp_path: Path) -> Path:
    """A data set that is yet to be made; the panel knows it, and who works."""
    from panel_fixture import settle

    widget.ui.datasetEdit.currentPath = str(tmp_path / "set")
    widget.ui.annotatorEdit.text = "ab"
    settle()
    return tmp_path / "set"
