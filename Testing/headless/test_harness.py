"""The harness itself: it must work as Slicer does, and refuse what Slicer refuses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest


def test_core_is_slicers_own(scene: Any) -> None:
    import slicer

    assert scene is slicer.mrmlScene
    assert slicer.vtkMRMLScene.__module__.startswith("slicer_core")
    assert slicer.modules.segmentations.logic().GetMRMLScene() is scene


def test_sample_volume_is_read(full_sample_node: Any, full_sample_labels: Any) -> None:
    import slicer

    array = slicer.util.arrayFromVolume(full_sample_node)
    assert array.shape == (128, 160, 176)
    assert np.ptp(array) > 1000
    assert full_sample_node.GetSpacing() == (0.5, 0.5, 0.5)
    # LPS (-43.75, -39.75) in the file is RAS (43.75, 39.75) in the node.
    assert full_sample_node.GetOrigin() == (43.75, 39.75, -31.75)
    assert full_sample_labels.array.max() > 10


def test_scene_is_empty_before_each_test(scene: Any) -> None:
    assert scene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode") == 0


def test_nobody_searches_the_scene_by_a_collection_that_python_would_keep() -> None:
    import bootstrap

    here = Path(__file__)
    files = [
        path
        for folder in (bootstrap.MODULE_FOLDER, here.parent)
        for path in folder.rglob("*.py")
        if path != here
    ]
    calls = [path.name for path in files if ".GetNodesByClass(" in path.read_text("utf-8")]
    assert "ToothSeg.py" in {path.name for path in files}
    assert calls == []  # ToothSegScene.nodes.nodes_of_class does it


def test_bundle_round_trip(scene: Any, tmp_path: Path) -> None:
    import slicer

    voxels = np.arange(60, dtype=np.int16).reshape(3, 4, 5)
    slicer.util.addVolumeFromArray(voxels, name="scan")
    assert slicer.util.saveScene(str(tmp_path / "a.mrb"))
    scene.Clear(0)
    slicer.util.loadScene(str(tmp_path / "a.mrb"))
    assert np.array_equal(slicer.util.arrayFromVolume(slicer.util.getNode("scan")), voxels)


def test_segmentation_round_trip(scene: Any, tmp_path: Path) -> None:
    import slicer

    node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "teeth")
    node.CreateDefaultDisplayNodes()
    volume = slicer.util.addVolumeFromArray(np.zeros((3, 4, 5), np.int16))
    node.SetReferenceImageGeometryParameterFromVolumeNode(volume)
    segment = node.GetSegmentation().AddEmptySegment("tooth_11", "11", (1, 0, 0))
    voxels = np.zeros((3, 4, 5), np.uint8)
    voxels[1, 2, 3] = 1
    slicer.util.updateSegmentBinaryLabelmapFromArray(voxels, node, segment, volume)
    assert slicer.util.saveNode(node, str(tmp_path / "teeth.seg.nrrd"))
    again = slicer.util.loadSegmentation(str(tmp_path / "teeth.seg.nrrd"))
    assert np.array_equal(
        slicer.util.arrayFromSegmentBinaryLabelmap(again, "tooth_11", volume), voxels
    )


def test_a_file_that_cannot_be_read_raises(scene: Any, tmp_path: Path) -> None:
    import slicer

    with pytest.raises(RuntimeError, match="Failed to load"):
        slicer.util.loadVolume(str(tmp_path / "none.nrrd"))


def test_slices_can_be_centred(scene: Any) -> None:
    import slicer

    slicer.vtkMRMLSliceNode.JumpAllSlices(scene, 10.0, 20.0, 30.0, 0)
    matrix = slicer.util.getNode("vtkMRMLSliceNodeRed").GetSliceToRAS()
    assert [matrix.GetElement(i, 3) for i in range(3)][2] == 30.0


def test_app_refuses_what_it_does_not_know(slicer_app: Any) -> None:
    with pytest.raises(AttributeError):
        _ = slicer_app.nothing
    with pytest.raises(ValueError, match="no signal"):
        slicer_app.connect("started()", print)


def test_a_folder_of_slicers_own(slicer_app: Any) -> None:
    import slicer

    folder = Path(slicer.util.tempDirectory())
    assert folder.is_dir()
    assert Path(slicer_app.temporaryPath) in folder.parents


def test_modules_are_selected_through_the_main_window(slicer_app: Any) -> None:
    import slicer

    slicer.util.selectModule("SegmentEditor")
    assert slicer.util.mainWindow().selected[-1] == "SegmentEditor"


def test_text_is_drawn_not_boxes(panel_screenshot: Any, tmp_path: Path) -> None:
    import matplotlib.image
    import qt

    pictures = []
    for text in ("iiiiiiii", "WWWWWWWW"):
        label = qt.QLabel(text)
        path = panel_screenshot(label, tmp_path / f"{text}.png", width=200, height=30)
        pictures.append(matplotlib.image.imread(path)[..., :3].mean(axis=2))
    # Boxes would be alike for both; letters are not, and a W is darker than an i.
    ink = [float((picture.max() - picture).sum()) for picture in pictures]
    assert ink[1] > 1.5 * ink[0] > 0


def test_pictures_in_light_and_dark(panel_screenshot: Any, tmp_path: Path) -> None:
    import matplotlib.image
    import qt

    button = qt.QPushButton("Segment teeth")
    light, dark = (
        matplotlib.image.imread(panel_screenshot(button, tmp_path / f"{s}.png", style=s))
        for s in ("light", "dark")
    )
    assert light[..., :3].mean() > 0.6 > 0.4 > dark[..., :3].mean()
    assert light.shape[1] == dark.shape[1] == 480


def test_sample_data_is_checked() -> None:
    import SampleData

    register = SampleData.SampleDataLogic.registerCustomSampleDataSource
    fields = {"sampleName": "A", "uris": "https://x/a.nrrd", "fileNames": "a.nrrd"}
    register(category="Dental", **fields, nodeNames="A", checksums="SHA256:" + 64 * "0")
    assert SampleData.SampleDataLogic.sources["Dental"][0].uris == ["https://x/a.nrrd"]
    with pytest.raises(ValueError, match="sum"):
        register(**fields, checksums="abc")
    with pytest.raises(ValueError, match="as many"):
        register(**{**fields, "fileNames": ["a", "b"]})
    with pytest.raises(TypeError):
        register(**fields, thumbnail="a.png")


MODULE = """
from slicer.ScriptedLoadableModule import *
from slicer.i18n import tr as _

class Tiny(ScriptedLoadableModule):
    def __init__(self, parent):
        ScriptedLoadableModule.__init__(self, parent)
        parent.title = _("Tiny")

class TinyWidget(ScriptedLoadableModuleWidget):
    def setup(self):
        import qt
        ScriptedLoadableModuleWidget.setup(self)
        self.logic, self.calls = TinyLogic(), []
        self.layout.addWidget(qt.QLabel(self.resourcePath("UI/Tiny.ui")))
    def enter(self):
        self.calls.append("enter")
    def exit(self):
        self.calls.append("exit")
    def cleanup(self):
        self.calls.append("cleanup")

class TinyLogic(ScriptedLoadableModuleLogic):
    pass
"""


def test_a_module_is_loaded_opened_and_closed(
    scene: Any, qt_app: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import slicer

    from compat.module_host import load_module

    (tmp_path / "Tiny.py").write_text(MODULE, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    module = load_module(tmp_path / "Tiny.py")
    assert slicer.modules.tiny.title == "Tiny"
    panel = slicer.util.getModuleWidget("Tiny")
    assert panel.parent.children()[1].text.endswith("Resources/UI/Tiny.ui")
    assert slicer.util.getModuleLogic("Tiny") is panel.logic
    node = panel.logic.getParameterNode()
    assert panel.logic.getParameterNode() is node
    assert node.GetModuleName() == "Tiny"
    module.widgetRepresentation().enter()
    module.close()
    assert panel.calls == ["enter", "exit", "cleanup"]
    with pytest.raises(AttributeError, match="no property"):
        module.titel = "x"
