"""The loader of ``.ui`` files makes stand-ins, their connections, and refuses slips."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.usefixtures("qt_app")

UI = """<?xml version="1.0" encoding="UTF-8"?>
<ui version="4.0"><class>Panel</class>
<widget class="qMRMLWidget" name="Panel">
 <layout class="QVBoxLayout" name="rows">
  <property name="leftMargin"><number>3</number></property>
  <item><widget class="ctkCollapsibleButton" name="section">
   <property name="text"><string>Advanced</string></property>
   <property name="collapsed"><bool>true</bool></property>
   <layout class="QFormLayout" name="form">
    <item row="0" column="0"><widget class="QLabel" name="label">
      <property name="text"><string>Volume:</string></property></widget></item>
    <item row="0" column="1"><widget class="qMRMLNodeComboBox" name="selector">
      <property name="nodeTypes"><stringlist>
        <string>vtkMRMLScalarVolumeNode</string></stringlist></property>
      <property name="noneEnabled"><bool>true</bool></property>
      <property name="SlicerParameterName" stdset="0"><string>inputVolume</string></property>
    </widget></item>
    <item row="1" column="1"><widget class="ctkSliderWidget" name="slider">
      <property name="maximum"><double>1.0</double></property>
      <property name="singleStep"><double>0.1</double></property></widget></item>
    <item row="2" column="1"><widget class="ctkPathLineEdit" name="path"/></item>
    <item row="3" column="1"><widget class="QComboBox" name="device">
      <item><property name="text"><string>auto</string></property></item></widget></item>
    <item row="4" column="1"><widget class="Line" name="line">
      <property name="orientation"><enum>Qt::Horizontal</enum></property></widget></item>
   </layout></widget></item>
  <item><widget class="QPushButton" name="apply">
    <property name="toolTip"><string>Go</string></property></widget></item>
 </layout>
</widget>
<connections><connection><sender>Panel</sender><signal>mrmlSceneChanged(vtkMRMLScene*)</signal>
<receiver>selector</receiver><slot>setMRMLScene(vtkMRMLScene*)</slot></connection></connections>
</ui>"""


def load(tmp_path: Path, text: str = UI) -> Any:
    import slicer

    path = tmp_path / "Panel.ui"
    path.write_text(text, encoding="utf-8")
    return slicer.util.loadUI(str(path))


def test_widgets_are_stand_ins_with_the_properties_of_the_file(tmp_path: Path) -> None:
    import qt
    import slicer

    panel = load(tmp_path)
    ui = slicer.util.childWidgetVariables(panel)
    assert ui.apply.toolTip == "Go"
    assert isinstance(ui.apply, qt.QPushButton)
    assert ui.section.text == "Advanced"
    assert ui.section.collapsed is True
    assert ui.selector.nodeTypes == ("vtkMRMLScalarVolumeNode",)
    assert ui.selector.SlicerParameterName == "inputVolume"
    assert (ui.slider.maximum, ui.slider.singleStep) == (1.0, 0.1)
    assert (ui.device.count, ui.device.currentText) == (1, "auto")
    assert panel.layout().className() == "QVBoxLayout"
    panel.layout().spacing = 3
    with pytest.raises(AttributeError):
        panel.layout().spaceing = 3


def test_connections_of_the_file_hand_the_scene_on(tmp_path: Path, scene: Any) -> None:
    import slicer

    panel = load(tmp_path)
    ui = slicer.util.childWidgetVariables(panel)
    assert ui.selector.mrmlScene() is None
    panel.setMRMLScene(scene)
    assert ui.selector.mrmlScene() is scene
    panel.setMRMLScene(None)


def test_without_the_connection_the_selector_has_no_scene(tmp_path: Path, scene: Any) -> None:
    import slicer

    start, rest = UI.split("<connections>")
    panel = load(tmp_path, start + rest.split("</connections>")[1])
    panel.setMRMLScene(scene)
    assert slicer.util.childWidgetVariables(panel).selector.mrmlScene() is None


@pytest.mark.parametrize(
    ("old", "new", "match"),
    [
        ('"toolTip"', '"tooltip"', "no property 'tooltip'"),
        ("QPushButton", "QFancyButton", "QFancyButton"),
        ('name="apply"', 'name="label"', "two widgets"),
        ("<receiver>selector", "<receiver>selctor", "selctor"),
        ("<slot>setMRMLScene", "<slot>setScene", "no slot"),
        ("<signal>mrmlSceneChanged", "<signal>sceneChanged", "no signal"),
    ],
)
def test_slips_are_refused(tmp_path: Path, old: str, new: str, match: str) -> None:
    with pytest.raises((RuntimeError, AttributeError), match=match):
        load(tmp_path, UI.replace(old, new))


def test_folding_hides_the_children(tmp_path: Path) -> None:
    import slicer

    panel = load(tmp_path)
    ui = slicer.util.childWidgetVariables(panel)
    panel.show()
    slicer.app.processEvents()
    assert not ui.label.visible
    ui.section.collapsed = False
    assert ui.label.visible
    ui.line.visible = False
    ui.section.checked = False
    assert not ui.label.visible
    ui.section.checked = True
    assert (ui.label.visible, ui.line.visible) == (True, False)
