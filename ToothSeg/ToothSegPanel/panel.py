"""The whole panel: what a run needs, what follows it, and when to look again."""

from __future__ import annotations

from typing import Any

import qt
import slicer
import slicer.util
import vtk
from slicer.util import VTKObservationMixin

from ToothSegPanel.advanced_panel import AdvancedPanel
from ToothSegPanel.result_panel import ResultPanel
from ToothSegPanel.run_panel import RunPanel

# Many events come at once, as when 28 segments are written; the panel looks once.
SETTLE_MS = 50


class Panel(VTKObservationMixin):
    """Ties the parts to the parameter node and to the segmentation node.

    Args:
        ui: the widgets of the module.
        logic: the module's logic, which starts runs.
        parts: passed on to `ResultPanel`: what stands in for views and dialogs.
    """

    def __init__(self, ui: Any, logic: Any, **parts: Any) -> None:
        VTKObservationMixin.__init__(self)
        self._ui = ui
        self._logic = logic
        self._parameters: Any = None
        self._observed: Any = None
        self._report: str | None = None
        self._settle = qt.QTimer()
        self._settle.singleShot = True
        self._settle.interval = SETTLE_MS
        self._settle.connect("timeout()", self.refresh)
        self.run: Any = None
        self.result = ResultPanel(ui, self._say, self._blocked, **parts)
        self.advanced = AdvancedPanel(ui)
        self.run = RunPanel(ui, self._start, self._why_not, self.look_again, self._finished)
        self.show(None)

    def show(self, parameters: Any) -> None:
        """Take the parameters; None between scenes."""
        self._parameters = parameters
        self.advanced.show(parameters)
        self.refresh()

    def refresh(self) -> None:
        """Bring everything in line with the parameters and the scene."""
        self._settle.stop()
        self._observe(None if self._parameters is None else self._parameters.segmentation)
        self.result.show(self._parameters)
        self.run.refresh()

    def leave_scene(self) -> None:
        """The scene goes: stop what runs and forget what was."""
        self.run.cancel(quietly=True)
        self.run.say("")
        self.result.forget()
        self.show(None)

    def close(self) -> None:
        """The panel goes. When Slicer quits its widgets are gone before, so none is touched."""
        self._settle.stop()
        self.removeObservers()
        self.result.points.abandon()
        self.run.close()

    def _say(self, text: str) -> None:
        self.run.say(text)

    def look_again(self, caller: Any = None, event: Any = None) -> None:
        """Refresh soon, once for many calls."""
        self._settle.start()

    def _observe(self, node: Any) -> None:
        report = None if node is None else node.GetAttribute("ToothSeg.Report")
        if node is self._observed and report == self._report:
            return
        self.removeObservers()
        self._observed, self._report = node, report
        self.result.begin_anew()
        if node is None:
            return
        changes = slicer.vtkSegmentation
        for event in (
            vtk.vtkCommand.ModifiedEvent,
            node.DisplayModifiedEvent,
            changes.SegmentAdded,
            changes.SegmentRemoved,
            changes.SegmentModified,
            changes.RepresentationModified,
            changes.SourceRepresentationModified,
        ):
            self.addObserver(node, event, self.look_again)

    def _why_not(self) -> str:
        if self._parameters is None or self._parameters.inputVolume is None:
            return (
                "Load a scan and choose it as volume. Slicer's module Sample Data has one to try: "
                "ToothSegSample."
            )
        if self._parameters.inputVolume.GetImageData() is None:
            return "The volume is empty: choose another one."
        return ""

    def _blocked(self) -> str:
        run = None if self.run is None else self.run.run
        if run is not None and run.target is not None and run.target is self._observed:
            return "This result is about to be overwritten by the run."
        return ""

    def _start(self) -> Any:
        """A run; None if the user would rather keep what it would overwrite."""
        chosen = self._parameters
        target = chosen.segmentation if chosen.output == "overwrite" else None
        if target is not None and not _may_be_replaced(target):
            return None
        return self._logic.start(
            chosen.inputVolume,
            target,
            roi=chosen.roi,
            bundle=chosen.bundle or None,
            device=chosen.device,
            precision=chosen.precision,
            emptySegments=chosen.emptySegments,
        )

    def _finished(self, run: Any) -> str:
        from ToothSegScene.display import centre_in_3d, is_in_slices, show_in_3d, show_in_slices
        from ToothSegScene.review import findings_of
        from ToothSegScene.segments import VOLUME, teeth_of

        node = run.result_node
        show_in_3d(node)
        centre_in_3d(node)
        volume_node = node.GetNodeReference(VOLUME)
        if not is_in_slices(volume_node):  # teeth over another scan would mislead
            show_in_slices(volume_node)
        if self._parameters is not None:
            self._parameters.segmentation = node
        self.refresh()
        teeth, findings = len(teeth_of(node)), len(findings_of(node))
        found = {0: "No teeth found", 1: "1 tooth found"}.get(teeth, f"{teeth} teeth found")
        check = "1 thing to check" if findings == 1 else f"{findings} things to check"
        return f"<b>{found}</b> in {run.name}; {check if findings else 'nothing stands out'}."


def _may_be_replaced(segmentation_node: Any) -> bool:
    """Whether the user agrees, where there is anything to lose."""
    segments = segmentation_node.GetSegmentation().GetNumberOfSegments()
    return not segments or slicer.util.confirmOkCancelDisplay(
        f"The run will replace all segments of {segmentation_node.GetName()} ({segments}). "
        "That cannot be undone.",
        windowTitle="ToothSeg",
    )
