"""The stand-in of ``slicer.parameterNodeWrapper`` keeps values in the scene and follows widgets."""

from __future__ import annotations

import enum
import pathlib
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

pytestmark = pytest.mark.usefixtures("qt_app")


class Kind(enum.Enum):
    STL = 1
    OBJ = 2


SOURCE = """
from __future__ import annotations
import pathlib
from typing import Annotated, Optional
from slicer import vtkMRMLScalarVolumeNode
from slicer.parameterNodeWrapper import *
from test_parameter_node import Kind

@parameterNodeWrapper
class Parameters:
    inputVolume: vtkMRMLScalarVolumeNode
    bundle: str = ""
    count: int = 3
    limit: int | None = None
    smoothing: Annotated[float, WithinRange(0.0, 1.0), Decimals(2), SingleStep(0.05)] = 0.5
    empty: bool = False
    folder: pathlib.Path = pathlib.Path("a b/ü")
    kind: Kind
    notation: Annotated[str, Choice(["FDI", "Palmer"])] = "FDI"

    def doubled(self) -> int:
        return 2 * self.count
"""


@pytest.fixture
def wrap(scene: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The decorated class, written as a module writes it."""
    module = ModuleType("parameters_of_a_test")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    exec(SOURCE, module.__dict__)
    return module.Parameters


@pytest.fixture
def parameters(scene: Any, wrap: Any) -> Any:
    """A wrapper about a fresh node."""
    return wrap(scene.AddNewNodeByClass("vtkMRMLScriptedModuleNode", "Parameters"))


def test_defaults_and_types(scene: Any, parameters: Any) -> None:
    assert parameters.inputVolume is None
    assert parameters.limit is None
    assert parameters.kind is Kind.STL
    assert (parameters.count, parameters.doubled()) == (3, 6)
    for name, value in (
        ("count", 0.5),
        ("count", True),
        ("bundle", None),
        ("empty", 1),
        ("inputVolume", scene.AddNewNodeByClass("vtkMRMLModelNode")),
    ):
        with pytest.raises(TypeError, match=name):
            setattr(parameters, name, value)
    for name, value in (("smoothing", 2.0), ("notation", "ISO")):
        with pytest.raises(ValueError, match=str(value)):
            setattr(parameters, name, value)
    with pytest.raises(AttributeError, match="conut"):
        parameters.conut = 4


def test_types_that_the_harness_does_not_keep_are_refused() -> None:
    from slicer.parameterNodeWrapper import parameterNodeWrapper

    with pytest.raises(TypeError, match="teeth"):
        parameterNodeWrapper(type("Parameters", (), {"__annotations__": {"teeth": list[int]}}))


def test_values_come_back_with_the_scene(
    scene: Any, parameters: Any, wrap: Any, tmp_path: Path
) -> None:
    import slicer

    values = {
        "inputVolume": scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "scan"),
        "bundle": "größe <&>; 3",
        "count": -7,
        "limit": 5,
        "smoothing": 1 / 3,
        "empty": True,
        "folder": pathlib.Path("/a/ü x"),
        "kind": Kind.OBJ,
        "notation": "Palmer",
    }
    for name, value in values.items():
        setattr(parameters, name, value)
    assert slicer.util.saveScene(str(tmp_path / "a.mrb"))
    scene.Clear(0)
    slicer.util.loadScene(str(tmp_path / "a.mrb"))
    again = wrap(slicer.util.getNode("Parameters"))
    assert again.inputVolume is slicer.util.getNode("scan")
    del values["inputVolume"]
    assert {name: getattr(again, name) for name in values} == values


def test_an_empty_text_is_a_value_and_not_replaced_by_the_default(scene: Any, wrap: Any) -> None:
    node = scene.AddNewNodeByClass("vtkMRMLScriptedModuleNode")
    node.SetParameter("notation", "Palmer")
    node.SetParameter("folder", "")
    assert wrap(node).notation == "Palmer"
    assert wrap(node).folder == pathlib.Path()


def test_observers_hear_of_a_change_once(parameters: Any) -> None:
    import vtk
    from slicer.util import VTKObservationMixin

    class Panel(VTKObservationMixin):
        heard = 0

        def hear(self, caller: Any = None, event: Any = None) -> None:
            self.heard += 1

    panel = Panel()
    panel.addObserver(parameters, vtk.vtkCommand.ModifiedEvent, panel.hear)
    parameters.count = 9
    parameters.count = 9
    assert panel.heard == 1
    panel.removeObservers()
    parameters.count = 10
    assert panel.heard == 1


def test_a_node_that_goes_is_kept_until_the_parameter_node_tells_of_it(
    scene: Any, parameters: Any
) -> None:
    scan = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "scan")
    parameters.inputVolume = scan
    told: list[Any] = []
    for event in ("NodeAboutToBeRemovedEvent", "NodeRemovedEvent"):
        scene.AddObserver(getattr(scene, event), lambda *_: told.append(parameters.inputVolume))
    scene.RemoveNode(scan)
    scene.RemoveAllObservers()
    assert told == [scan, scan]
    assert parameters.inputVolume is None


def test_a_value_that_was_taken_away_is_the_default_again(parameters: Any) -> None:
    parameters.count = 9
    node = parameters.parameterNode
    node.UnsetParameter("count")
    assert (parameters.count, node.GetParameter("count")) == (3, "3")


def widgets() -> Any:
    import ctk
    import qt
    import slicer

    made = SimpleNamespace(
        inputVolume=slicer.qMRMLNodeComboBox(),
        bundle=qt.QLineEdit(),
        count=qt.QSpinBox(),
        smoothing=ctk.ctkSliderWidget(),
        empty=qt.QCheckBox(),
        folder=ctk.ctkPathLineEdit(),
        kind=qt.QComboBox(),
        notation=qt.QComboBox(),
    )
    made.inputVolume.nodeTypes = ["vtkMRMLScalarVolumeNode"]
    made.inputVolume.noneEnabled = True
    for name, widget in vars(made).items():
        widget.name = name
        widget.setProperty("SlicerParameterName", name)
    return made


def test_widgets_and_parameters_follow_one_another(scene: Any, parameters: Any) -> None:
    scan = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "scan")
    ui = widgets()
    ui.inputVolume.setMRMLScene(scene)
    tag = parameters.connectParametersToGui(vars(ui))
    assert (ui.smoothing.maximum, ui.smoothing.value, ui.kind.count) == (1.0, 0.5, 2)
    ui.inputVolume.setCurrentNode(scan)
    ui.smoothing.value = 0.25
    ui.empty.checked = True
    ui.kind.setCurrentIndex(1)
    ui.folder.currentPath = "/b"
    assert parameters.inputVolume is scan
    assert (parameters.smoothing, parameters.empty) == (0.25, True)
    assert (parameters.kind, parameters.folder) == (Kind.OBJ, pathlib.Path("/b"))
    parameters.bundle, parameters.count, parameters.notation = "x", 4, "Palmer"
    assert (ui.bundle.text, ui.count.value, ui.notation.currentText) == ("x", 4, "Palmer")
    parameters.disconnectGui(tag)
    ui.count.value = 5
    parameters.bundle = "y"
    assert (parameters.count, ui.bundle.text) == (4, "x")


def test_widgets_write_nothing_back_while_they_are_brought_in_line(
    scene: Any, parameters: Any
) -> None:
    ui = widgets()
    ui.inputVolume.setMRMLScene(scene)
    parameters.connectParametersToGui(vars(ui))
    ui.smoothing.connect("valueChanged(double)", lambda _value: setattr(ui.count, "value", 8))
    parameters.smoothing = 0.25
    assert (ui.count.value, parameters.count) == (8, 3)
    ui.count.value = 7
    assert parameters.count == 7


def test_what_brings_widgets_in_line_stays_on_the_node(
    scene: Any, parameters: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from compat.parameter_gui import Connections

    ui, heard, show = widgets(), [], Connections._show
    ui.inputVolume.setMRMLScene(scene)
    monkeypatch.setattr(Connections, "_show", lambda self, *event: heard.append(show(self)))
    for _visit in range(3):
        tag = parameters.connectParametersToGui(vars(ui))
        parameters.disconnectGui(tag)
    parameters.count = 5
    assert len(heard) == 3
    assert ui.count.value == 3


def test_connections_by_property_have_no_tag_as_in_slicer(scene: Any, parameters: Any) -> None:
    ui = widgets()
    ui.inputVolume.setMRMLScene(scene)
    tag = parameters.connectGui(ui)
    assert tag is None
    parameters.disconnectGui(tag)
    ui.count.value = 5
    assert parameters.count == 5


def test_a_widget_of_the_wrong_kind_is_refused(parameters: Any) -> None:
    import ctk
    import qt

    for name, widget in (
        ("bundle", qt.QComboBox()),
        ("bundle", ctk.ctkPathLineEdit()),
        ("count", qt.QDoubleSpinBox()),
        ("empty", qt.QPushButton()),
    ):
        with pytest.raises(RuntimeError):
            parameters.connectParametersToGui({name: widget})
    with pytest.raises(ValueError, match="conut"):
        parameters.connectParametersToGui({"conut": qt.QSpinBox()})
