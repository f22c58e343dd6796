"""The panel as it is built: from the real .ui file, on Slicer's core."""

from __future__ import annotations

import ast
import hashlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bootstrap
from panel_fixture import open_panel, settle
from ToothSegLib.teeth import FDI_NUMBERS


@pytest.fixture
def panel_widget(toothseg: Any) -> Any:
    """The ToothSegWidget, entered."""
    representation = toothseg.widgetRepresentation()
    representation.enter()
    return representation.self()


def test_the_module_says_what_it_is(toothseg: Any) -> None:
    assert toothseg.title == "ToothSeg"
    assert toothseg.categories == ["Segmentation"]
    assert "not a medical device" in toothseg.helpText
    assert toothseg.acknowledgementText
    assert toothseg.contributors


def test_the_sample_is_registered_once_slicer_is_up(toothseg: Any, slicer_app: Any) -> None:
    import SampleData

    slicer_app.emit_signal("startupCompleted()")
    (source,) = SampleData.SampleDataLogic.sources["ToothSeg"]
    scan = bootstrap.REPOSITORY / "Resources" / "Samples" / "sample-cbct.nrrd"
    assert source.uris == [scan.as_uri()]
    assert source.checksums == [f"SHA256:{hashlib.sha256(scan.read_bytes()).hexdigest()}"]


def test_the_module_file_imports_nothing_heavy() -> None:
    code = (
        "import sys; from pathlib import Path; import bootstrap, tempfile\n"
        "bootstrap.start(Path(tempfile.mkdtemp()))\n"
        "before = set(sys.modules); import ToothSeg\n"
        "print(*sorted(name for name in set(sys.modules) - before))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parent,
    )
    imported = set(done.stdout.split())
    assert "ToothSeg" in imported
    parts = ("torch", "scipy", "SimpleITK", "nrrd", "ToothSegLib", "ToothSegPanel", "ToothSegScene")
    assert not {name for name in imported if name.split(".")[0] in parts}


def test_an_empty_scene_explains_the_buttons(panel_widget: Any) -> None:
    ui = panel_widget.ui
    assert not ui.segmentButton.enabled
    assert "Load a scan" in ui.segmentButton.toolTip
    assert not ui.progressFrame.isVisibleTo(ui.progressFrame.parent())
    assert not ui.odontogramFrame.isVisibleTo(ui.odontogramFrame.parent())
    assert ui.advancedButton.collapsed
    assert "not a medical device" in ui.noticeLabel.text


def test_the_active_volume_is_chosen(sample_volume_node: Any, panel_widget: Any) -> None:
    assert panel_widget.ui.inputSelector.currentNode() is sample_volume_node
    assert panel_widget.ui.segmentButton.enabled


def test_the_volume_that_is_chosen_is_a_scan(toothseg: Any, scene: Any) -> None:
    """A label map lies before the scan, and the views show it."""
    import numpy as np
    import slicer

    labels = scene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "labels")
    slicer.util.updateVolumeFromArray(labels, np.zeros((4, 4, 4), np.uint8))
    scan = slicer.util.addVolumeFromArray(np.zeros((4, 4, 4), np.int16), name="scan")
    selection = slicer.app.applicationLogic().GetSelectionNode()
    selection.SetActiveVolumeID(labels.GetID())
    widget = open_panel(toothseg)
    assert widget.ui.inputSelector.currentNode() is scan
    assert widget.ui.segmentButton.enabled


@pytest.mark.parametrize("active", [True, False])
def test_a_volume_that_a_module_hides_is_not_chosen(
    toothseg: Any, scene: Any, slicer_app: Any, active: bool
) -> None:
    hidden, scan = (
        scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", name) for name in ("Mask", "Scan")
    )
    hidden.SetHideFromEditors(True)
    if active:
        slicer_app.applicationLogic().GetSelectionNode().SetActiveVolumeID(hidden.GetID())
    assert open_panel(toothseg).logic.getParameterNode().inputVolume is scan


def test_a_slicer_that_is_too_old_is_told(
    toothseg: Any, scene: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import qt

    monkeypatch.setattr(sys, "version_info", (3, 9, 10))
    for name in [name for name in sys.modules if name.startswith("ToothSegPanel")]:
        monkeypatch.setitem(sys.modules, name, None)  # they cannot be imported there
    panel = toothseg.widgetRepresentation()
    panel.enter()
    scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode")
    scene.Clear(0)
    panel.exit()
    (label,) = panel.findChildren(qt.QLabel)
    assert label.text == "ToothSeg needs Slicer 5.10 or later."


@pytest.mark.parametrize("path", ["ToothSeg/ToothSeg.py", "ToothSegLib/resources.py"])
def test_what_says_so_can_be_read_there(path: str) -> None:
    ast.parse((bootstrap.REPOSITORY / path).read_text(encoding="utf-8"), feature_version=(3, 9))


def test_a_volume_that_is_no_scan_is_told_before_the_click(panel_widget: Any, scene: Any) -> None:
    import numpy as np
    import slicer

    from node_fixture import bent_transform, linear_transform

    ui, parameters = panel_widget.ui, panel_widget.logic.getParameterNode()
    empty = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "empty")
    bent, mirrored = (
        slicer.util.addVolumeFromArray(np.zeros((4, 4, 4), np.int16), name=name)
        for name in ("bent", "mirrored")
    )
    bent.SetAndObserveTransformNodeID(bent_transform().GetID())
    mirror = linear_transform(np.diag([-1.0, 1.0, 1.0, 1.0]))
    mirrored.SetAndObserveTransformNodeID(mirror.GetID())
    for node, reason in (
        (empty, "is empty"),
        (bent, "under the non-linear transform"),
        (mirrored, "mirrors it, right to left"),
    ):
        parameters.inputVolume = node
        settle()
        assert not ui.segmentButton.enabled
        assert reason in ui.segmentButton.toolTip
        assert reason in ui.messageLabel.text


def test_what_a_script_sets_is_seen_at_once(panel_widget: Any, scene: Any) -> None:
    """In a scene whose parameters nobody but the panel has looked at before."""
    for name in ("first", "second"):
        volume = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", name)
        panel_widget.logic.getParameterNode().inputVolume = volume
        settle()
        assert panel_widget.ui.inputSelector.currentNode() is volume
        assert name in panel_widget.ui.messageLabel.text


def test_names_are_seen_as_they_are_written(panel_widget: Any, scene: Any) -> None:
    """Marks of HTML in a name are none; quotes are no cipher."""
    import qt

    label = panel_widget.ui.messageLabel
    empty = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "A <b>&amp; B")
    panel_widget.logic.getParameterNode().inputVolume = empty
    settle()
    assert label.text.startswith("The volume &#x27;A &lt;b&gt;&amp;amp; B&#x27; is empty")
    for told in (label, panel_widget.ui.savedLabel):
        assert told.textFormat == qt.Qt.RichText


def test_all_28_teeth_have_a_button_with_a_name(panel_widget: Any) -> None:
    buttons = panel_widget.panel.result.odontogram.buttons
    assert set(buttons) == set(FDI_NUMBERS)
    assert buttons[16].accessibleName == "16 upper right first molar, not found"
    assert panel_widget.panel.result.odontogram.numbers[16].text == "16"
    assert not buttons[16].icon.isNull()


def test_the_panel_comes_back_after_it_was_left(sample_volume_node: Any, toothseg: Any) -> None:
    representation = toothseg.widgetRepresentation()
    representation.enter()
    ui = representation.self().ui
    ui.emptySegmentsCheck.checked = True
    ui.deviceCombo.currentIndex = 1
    representation.exit()
    representation.enter()
    assert ui.emptySegmentsCheck.checked
    parameters = representation.self().logic.getParameterNode()
    assert (parameters.emptySegments, parameters.device) == (True, "cpu")


def test_a_panel_that_was_left_changes_no_parameter(sample_volume_node: Any, toothseg: Any) -> None:
    representation = toothseg.widgetRepresentation()
    representation.enter()
    widget = representation.self()
    parameters = widget.logic.getParameterNode()
    representation.exit()
    widget.ui.emptySegmentsCheck.checked = True
    assert not parameters.emptySegments


def test_visits_of_the_module_do_not_slow_the_parameters_down(
    sample_volume_node: Any, toothseg: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Slicer reads them all anew, for each wrapper that was ever made, when one changes."""
    from compat.parameter_node import Kept

    representation = toothseg.widgetRepresentation()
    representation.enter()
    parameters = representation.self()._parameters
    renewed, renew = [0], Kept._renew

    def counted(kept: Any) -> None:
        renewed[0] += 1
        renew(kept)

    monkeypatch.setattr(Kept, "_renew", counted)
    counts = []
    for visits in (1, 5):
        for _ in range(visits):
            representation.exit()
            representation.enter()
        renewed[0] = 0
        parameters.parameterNode.SetParameter("other", str(visits))
        counts.append(renewed[0])
    # Wrappers of other tests observe it as well.
    assert counts[0] == counts[1] >= len(parameters.allParameters)


def test_a_node_of_its_own_has_parameters_of_its_own(toothseg: Any, scene: Any) -> None:
    widget = open_panel(toothseg)
    before = widget._parameters.parameterNode
    widget.parent.exit()
    scene.RemoveNode(before)
    widget.parent.enter()
    assert widget._parameters.parameterNode is not before
    assert widget._parameters.parameterNode.GetScene() is scene


def test_a_reloaded_module_works_at_once(sample_volume_node: Any, toothseg: Any) -> None:
    """As Slicer's button Reload does it: a new panel in a module that is entered already."""
    import ToothSeg

    representation = toothseg.widgetRepresentation()
    representation.enter()
    representation.self().cleanup()
    widget = ToothSeg.ToothSegWidget(representation)
    widget.setup()
    assert widget.ui.inputSelector.currentNode() is sample_volume_node
    assert widget.ui.segmentButton.enabled
    widget.cleanup()


def test_every_widget_of_the_odontogram_has_a_parent_from_the_start(
    qt_app: Any, slicer_app: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PythonQt deletes one that has none, though a layout lists it."""
    import qt

    from ToothSegPanel.odontogram import Odontogram
    from ToothSegPanel.selection import Selection

    parents: list[Any] = []

    def watched(kind: Any) -> Any:
        def make(*arguments: Any) -> Any:
            parents.append(arguments[-1] if arguments else None)
            return kind(*arguments)

        return make

    for name in ("QLabel", "QToolButton"):
        monkeypatch.setattr(qt, name, watched(getattr(qt, name)))
    frame = qt.QWidget()
    Odontogram(frame, Selection(), lambda teeth: None)
    assert len(parents) == 2 * 28 + 4 + 2 * 5
    assert all(parent is frame for parent in parents)


def test_no_letter_of_the_keyboard_stands_for_two_things(panel_widget: Any) -> None:
    """Nor for one of Slicer's own menus: File, Edit, View, Help."""
    worded = ("QPushButton", "QLabel", "QCheckBox")
    parts = [part for part in vars(panel_widget.ui).values() if part.className() in worded]
    letters = [part.text[part.text.index("&") + 1].upper() for part in parts if "&" in part.text]
    assert len(letters) >= 9
    assert len({*letters, *"FEVH"}) == len(letters) + 4


def test_long_names_do_not_widen_the_panel(panel_widget: Any, scene: Any) -> None:
    import slicer
    from PySide6.QtWidgets import QWidget

    series = "5: CBCT Full Arch 0.25mm HiRes Sagittal Reconstruction Filter [Sharp] 2024-03-05"
    scan = slicer.util.addVolumeFromArray(np.zeros((4, 4, 4), np.int16), name=series)
    teeth = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", series)
    region = scene.AddNewNodeByClass("vtkMRMLMarkupsROINode", series)
    parameters, ui = panel_widget.logic.getParameterNode(), panel_widget.ui
    parameters.inputVolume, parameters.segmentation, parameters.roi = scan, teeth, region
    parameters.bundle = series
    ui.advancedButton.collapsed = False
    QWidget.show(panel_widget.parent)
    settle()
    least = QWidget.minimumSizeHint(panel_widget.parent).width()
    assert least < QWidget.minimumSizeHint(ui.odontogramFrame).width() + 60
