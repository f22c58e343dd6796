"""The Slicer module: from a dental cone-beam CT to 28 named teeth.

Registration and wiring; the panel is in ``ToothSegPanel``, the scene in ``ToothSegScene``, the
computation in ``ToothSegLib``. Nothing of them is imported when Slicer starts but
``ToothSegLib.resources``, for the sample's path.
"""

from __future__ import annotations

import importlib.util
import sys
import time
import unittest
from contextlib import suppress
from pathlib import Path
from typing import Any

import slicer
import vtk
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleLogic,
    ScriptedLoadableModuleTest,
    ScriptedLoadableModuleWidget,
)
from slicer.util import VTKObservationMixin

if importlib.util.find_spec("ToothSegLib") is None:
    # A checkout has the library beside the module's folder; the built extension beside this file.
    sys.path.append(str(Path(__file__).resolve().parents[1]))

_PACKAGES = ("ToothSegLib", "ToothSegPanel", "ToothSegScene")

# Slicer 5.8 has 3.9, which cannot read the packages; 5.10 has 3.12.
_OLDEST_PYTHON = (3, 10)

SAMPLE_NAME = "ToothSegSample"
SAMPLE_SHA256 = "a6a2a83d6622354a9289210675dec3e7a08fb22b71b9d047c130cd4d3c0f02a7"


class ToothSeg(ScriptedLoadableModule):
    """What Slicer knows of the module before anybody opens it."""

    def __init__(self, parent: Any) -> None:
        ScriptedLoadableModule.__init__(self, parent)
        parent.title = _("ToothSeg")
        parent.categories = [translate("qSlicerAbstractCoreModule", "Segmentation")]
        parent.dependencies = []
        parent.contributors = ["The ToothSeg contributors"]
        parent.helpText = _(
            "Finds the teeth of a dental cone-beam CT, tells them apart and numbers them (FDI). "
            "Choose a volume, click <b>Segment teeth</b>, then look at what is listed under "
            "<b>To check</b> and correct it. Everything is computed on this computer. "
            "<p>It has learned from simulated adult heads and was not measured on real dental "
            "cone-beam CT. Third molars get a finding, no number; milk teeth and supernumerary "
            "teeth are not known.</p>"
            "<p>For research use, not a medical device.</p>"
        )
        parent.acknowledgementText = _(
            "ToothSeg grew out of a published 3D U-Net cascade for single teeth, which it has as "
            "the bundle 'published'; the default network is its own. Its tooth shapes come from "
            "published dimensions, Open-Full-Jaw, 3D-Teeth-Reconstruction-from-Five-Intra-oral-"
            "Images and SlicerDentalSegmentator's test data. It stands on 3D Slicer, PyTorch, VTK, "
            "SciPy and SimpleITK."
        )
        slicer.app.connect("startupCompleted()", register_sample_data)


def register_sample_data() -> None:
    """Offer the sample scan, which lies in the extension, in Slicer's Sample Data module."""
    import SampleData

    from ToothSegLib.resources import resource_path

    scan = resource_path("Samples", "sample-cbct.nrrd")
    SampleData.SampleDataLogic.registerCustomSampleDataSource(
        category="ToothSeg",
        sampleName=SAMPLE_NAME,
        thumbnailFileName=str(Path(__file__).parent / "Resources" / "Icons" / f"{SAMPLE_NAME}.png"),
        uris=scan.as_uri(),
        fileNames=f"{SAMPLE_NAME}.nrrd",
        nodeNames=SAMPLE_NAME,
        checksums=f"SHA256:{SAMPLE_SHA256}",
    )


class ToothSegWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    """Loads the panel, and keeps it and the parameter node together as scenes come and go."""

    def __init__(self, parent: Any = None) -> None:
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)
        self.logic: ToothSegLogic | None = None
        self.ui: Any = None
        self.panel: Any = None
        self._parameters: Any = None
        self._wrapper: Any = None
        self._gui: Any = None

    def setup(self) -> None:
        """Build the panel; Slicer calls it when the module is opened for the first time."""
        ScriptedLoadableModuleWidget.setup(self)
        if sys.version_info < _OLDEST_PYTHON:
            self._refuse()
            return
        from ToothSegPanel.panel import Panel

        widget = slicer.util.loadUI(self.resourcePath("UI/ToothSeg.ui"))
        self.layout.addWidget(widget)
        self.ui = slicer.util.childWidgetVariables(widget)
        widget.setMRMLScene(slicer.mrmlScene)
        self.logic = ToothSegLogic()
        self.panel = Panel(self.ui, self.logic)
        scene = slicer.mrmlScene
        self.addObserver(scene, scene.StartCloseEvent, self._on_scene_start_close)
        self.addObserver(scene, scene.EndCloseEvent, self._on_scene_there)
        self.addObserver(scene, scene.StartImportEvent, self._on_scene_comes)
        self.addObserver(scene, scene.EndImportEvent, self._on_scene_there)
        self.addObserver(scene, scene.NodeAboutToBeRemovedEvent, self._on_node_leaves)
        self.addObserver(scene, scene.NodeRemovedEvent, self._on_node_left)
        self.addObserver(scene, scene.NodeAddedEvent, self._on_node_comes)
        if self._is_open:
            # A developer has reloaded the module: nobody will enter it, it is entered already.
            self._take_parameters()

    def _refuse(self) -> None:
        """Say why there is no panel: what it stands on cannot be imported here."""
        import qt

        label = qt.QLabel(_("ToothSeg needs Slicer 5.10 or later."))
        label.wordWrap = True
        self.layout.addWidget(label)

    def cleanup(self) -> None:
        """Slicer reloads the module, or quits and has the widgets destroyed by then."""
        if self.panel is not None:
            self.panel.close()
        self.removeObservers()
        # Of a widget that is no more PythonQt reads nothing (ValueError), sets nothing
        # (AttributeError) and disconnects nothing (SystemError).
        with suppress(ValueError, AttributeError, SystemError):
            self._drop_parameters()

    def onReload(self) -> None:
        """A developer reloads the module: with all of its code, not this file alone.

        What is there goes on with its own until the base class has cleaned it up.
        """
        for name in list(sys.modules):
            if name.partition(".")[0] in _PACKAGES:
                del sys.modules[name]
        ScriptedLoadableModuleWidget.onReload(self)

    def enter(self) -> None:
        """The user comes to the module."""
        if self.panel is not None:
            self.panel.wake()
            self._take_parameters()

    def exit(self) -> None:
        """The user goes to another module. A run goes on."""
        if self.panel is None:
            return
        self._drop_parameters()
        self.panel.result.points.stop()
        self.panel.rest()

    @property
    def _is_open(self) -> bool:
        return bool(getattr(self.parent, "isEntered", False))

    def _take_parameters(self) -> None:
        from ToothSegPanel.parameters import connect_widgets

        assert self.logic is not None
        self._drop_parameters()
        # Tied to widgets, a wrapper observes its node for good: there is one for each node.
        fresh = self.logic.getParameterNode()
        if self._wrapper is None or self._wrapper.parameterNode is not fresh.parameterNode:
            self._wrapper = fresh
        self._parameters = self._wrapper
        self._parameters.Modified()  # a scene that is read fills the node without telling of it
        if self._parameters.inputVolume is None:
            self._parameters.inputVolume = _active_volume()
        self._gui = connect_widgets(self._parameters, self.ui)
        node = self._parameters.parameterNode
        self.addObserver(node, vtk.vtkCommand.ModifiedEvent, self._on_parameters)
        self.panel.show(self._parameters)

    def _drop_parameters(self) -> None:
        if self._parameters is None:
            return
        parameters, self._parameters = self._parameters, None
        event = vtk.vtkCommand.ModifiedEvent
        if self.hasObserver(parameters.parameterNode, event, self._on_parameters):
            self.removeObserver(parameters.parameterNode, event, self._on_parameters)
        parameters.disconnectGui(self._gui)

    def _on_parameters(self, caller: Any = None, event: Any = None) -> None:
        # Half way through an import they may name a result whose segments are still to come.
        if not slicer.mrmlScene.IsImporting():
            self.panel.show(self._parameters)

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def _on_node_leaves(self, caller: Any, event: Any, node: Any) -> None:
        self.panel.node_leaves(node)
        # The selector, which hears of it later, would take the region next to this one.
        if self._parameters is not None and node is self._parameters.roi:
            self._parameters.roi = None

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def _on_node_left(self, caller: Any, event: Any, node: Any) -> None:
        self.panel.node_left(node)

    def _on_node_comes(self, caller: Any, event: Any) -> None:
        self.panel.look_again()

    def _on_scene_start_close(self, caller: Any, event: Any) -> None:
        self._drop_parameters()
        self.panel.leave_scene()

    def _on_scene_comes(self, caller: Any, event: Any) -> None:
        # A selector takes the first volume that comes, and would write it over the one chosen in
        # the scene, whose parameters are there before.
        if self._is_open:
            self._drop_parameters()
        self.panel.expect_results()

    def _on_scene_there(self, caller: Any, event: Any) -> None:
        # Otherwise a scene that has nothing to do with teeth would get a parameter node.
        if self._is_open:
            self._take_parameters()


def _active_volume() -> Any:
    """The scan that the views show, or else the first one; None where there is none.

    What a module keeps for itself is hidden from the selectors, which could not show the choice.
    """
    from ToothSegScene.nodes import nodes_of_class

    active = slicer.app.applicationLogic().GetSelectionNode().GetActiveVolumeID()
    volumes = nodes_of_class(slicer.mrmlScene, "vtkMRMLScalarVolumeNode")
    # Label maps and volumes of vectors are of classes derived from it.
    scans = [
        node
        for node in volumes
        if node.GetClassName() == "vtkMRMLScalarVolumeNode" and not node.GetHideFromEditors()
    ]
    shown = [node for node in scans if node.GetID() == active]
    return next(iter([*shown, *scans]), None)


class ToothSegLogic(ScriptedLoadableModuleLogic):
    """What scripts call; no widget is needed."""

    def getParameterNode(self) -> Any:
        """The parameters that are saved with the scene."""
        from ToothSegPanel.parameters import ToothSegParameterNode

        # The decorator of the class makes a constructor that type checkers do not see.
        wrapper: Any = ToothSegParameterNode
        node = super().getParameterNode()
        # VTK calls the first observer of an event after all others. That must not be a wrapper's,
        # which brings what it keeps of the node up to date: the panel would still see the old.
        if not node.HasObserver("ModifiedEvent"):
            node.AddObserver("ModifiedEvent", lambda caller, event: None)
        return wrapper(node)

    def start(
        self,
        volumeNode: Any,
        segmentationNode: Any = None,
        *,
        roi: Any = None,
        bundle: str | None = None,
        device: str = "auto",
        precision: str = "auto",
        emptySegments: bool = False,
    ) -> Any:
        """Start a run and give it, to be polled; see ``ToothSegScene.run.Run``.

        Args:
            volumeNode: the scan.
            segmentationNode: to be overwritten; a new one is made if None.
            roi: a markups ROI that holds the teeth, or None.
            bundle: weights by name or folder; the default ones if None.
            device: "auto", "cpu", "cuda" or "mps".
            precision: "auto" or "full".
            emptySegments: whether teeth that were not found get an empty segment.

        Raises:
            ToothSegError: in one line, what cannot be used and what to do about it.
        """
        from ToothSegScene.run import Run

        return Run(
            volumeNode,
            segmentationNode,
            roi=roi,
            bundle=bundle,
            device=device,
            precision=precision,
            empty_segments=emptySegments,
        )

    def process(self, volumeNode: Any, segmentationNode: Any = None, **options: Any) -> Any:
        """Segment the teeth and wait for it; `start`, with the same arguments, does not wait.

        Returns:
            The segmentation node.

        Raises:
            ToothSegError: as `start`, or the run failed.
        """
        from ToothSegLib.errors import ToothSegError

        run = self.start(volumeNode, segmentationNode, **options)
        try:
            while (state := run.poll()).running:
                time.sleep(0.05)
        except BaseException:
            run.cancel()
            raise
        if state.failed:
            raise ToothSegError(state.message)
        return run.result_node


class ToothSegTest(ScriptedLoadableModuleTest):
    """The self-test; it runs in desktop Slicer and on Slicer's core alone."""

    def setUp(self) -> None:
        """Start with an empty scene."""
        slicer.mrmlScene.Clear(0)

    def runTest(self) -> None:
        """Open the panel; segment the sample, correct the result, take the correction back."""
        self.setUp()
        self.test_panel()
        try:
            self.test_segment_sample()
        except unittest.SkipTest as skipped:
            self.delayDisplay(str(skipped))  # the button Reload and Test knows no skipped test

    def test_panel(self) -> None:
        """The panel is built, comes and goes, and follows the scene. It needs no PyTorch."""
        built = slicer.modules.toothseg.widgetRepresentation().self()
        widget = getattr(slicer.modules, "ToothSegWidget", built)  # another one after a reload
        assert widget.panel is not None, "the panel could not be built; the log tells why"
        if slicer.util.mainWindow() is not None:
            slicer.util.selectModule("ToothSeg")
        by_hand = not widget.parent.isEntered  # there is no window
        if by_hand:
            widget.enter()
        try:
            assert widget.ui.inputSelector.currentNode() is None
            assert widget.ui.segmentButton.text
            volume = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "Scan")
            widget.ui.inputSelector.setCurrentNode(volume)
            assert widget.logic.getParameterNode().inputVolume is volume
            slicer.mrmlScene.Clear(0)
            assert widget.ui.inputSelector.currentNode() is None
        finally:
            if by_hand:
                widget.exit()

    def test_segment_sample(self) -> None:
        """The teeth of the sample come as named segments; a swap and its undo keep the voxels."""
        from ToothSegPanel import torch_setup

        if not torch_setup.is_there():
            # As on the machines that build Slicer's extensions, where nobody installs it.
            self.skipTest("ToothSeg: the self-test needs PyTorch, which is not installed here")

        import numpy as np

        from ToothSegLib.resources import resource_path
        from ToothSegLib.teeth import FDI_NUMBERS
        from ToothSegScene.editing import Corrections
        from ToothSegScene.segments import read_labels, teeth_of

        volume = slicer.util.loadVolume(str(resource_path("Samples", "sample-cbct.nrrd")))
        node = ToothSegLogic().process(volume, device="cpu")
        teeth = teeth_of(node)
        assert len(teeth) >= 20
        assert set(teeth) <= set(FDI_NUMBERS)
        before = read_labels(node, volume).array.copy()
        assert set(np.unique(before)) - {0} == set(teeth)
        a, b = sorted(teeth)[:2]
        corrections = Corrections(node)
        corrections.swap(a, b)
        swapped = read_labels(node, volume).array
        np.testing.assert_array_equal(swapped == a, before == b)
        corrections.undo()
        np.testing.assert_array_equal(read_labels(node, volume).array, before)
        self.delayDisplay("ToothSeg: the self-test has passed")
