"""The whole panel: what a run needs, what follows it, and when to look again."""

from __future__ import annotations

from html import escape
from typing import Any

import qt
import slicer
import vtk
from slicer.util import VTKObservationMixin

from ToothSegLib.errors import InputError
from ToothSegPanel.advanced_panel import AdvancedPanel
from ToothSegPanel.pair import Pair, may_be_replaced
from ToothSegPanel.reporting import sentence
from ToothSegPanel.result_panel import ResultPanel
from ToothSegPanel.run_panel import RunPanel
from ToothSegPanel.scan_watch import ScanWatch

# Many events come at once, as when 28 segments are written; the panel looks once.
SETTLE_MS = 50

# Reference of the parameter node to the result that was brought forward last. It is saved with the
# scene, so that one that was hidden since then is not shown by loading it.
_SHOWN = "ToothSeg.Shown"


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
        self._region_of: tuple[str, str] | None = None
        self._pair = Pair()
        self._away = False
        self._back = False
        self._scans = ScanWatch(self._look_at_scan, SETTLE_MS)
        self._arrived: Any = None
        self._arrived_where = ""
        self._gone_on = False
        self._before_import: list[str] = []
        self._settle = qt.QTimer()
        self._settle.setSingleShot(True)  # PythonQt hides the property of that name
        self._settle.interval = SETTLE_MS
        self._settle.connect("timeout()", self.refresh)
        self.run: Any = None
        self.result = ResultPanel(ui, self._say, self._blocked, **parts)
        self.advanced = AdvancedPanel(ui)
        self.run = RunPanel(
            ui,
            self._start,
            self._why_not,
            self._remark,
            self._region,
            self.look_again,
            self._finished,
        )
        self.show(None)

    def show(self, parameters: Any) -> None:
        """Take the parameters; None between scenes."""
        self._parameters = parameters
        if self._pair.matching:
            return  # whoever matches goes on with both
        self._notice_choice()
        self.advanced.show(parameters)
        self.refresh()
        back, self._back = self._back, False
        if back:
            self.result.catch_up()

    def refresh(self) -> None:
        """Bring everything in line with the parameters and the scene.

        Not while a scene is imported: a result that is half there would pass for one that has been
        edited when the rest of it comes. The end of the import looks again.
        """
        self._settle.stop()
        if self._parameters is not None and slicer.mrmlScene.IsImporting():
            return
        self._pair.follow_result(self._parameters)
        self._leave_region()
        self._bring_forward()
        self._observe(None if self._parameters is None else self._parameters.segmentation)
        self._watch_views()
        self.result.show(self._parameters)
        chosen = None if self._parameters is None else self._parameters.inputVolume
        self._scans.watch(chosen, self.result.scan)
        self.run.refresh()

    def expect_results(self) -> None:
        """A scene is about to be imported, perhaps into one that has results already."""
        self._before_import = self._results()

    def leave_scene(self) -> None:
        """The scene goes: stop what runs and forget what was."""
        self.run.cancel(quietly=True)
        self.run.say("")
        self._region_of = self._arrived = None
        self._before_import = []
        self.result.forget()
        self._pair.forget()
        self.show(None)

    def node_leaves(self, node: Any) -> None:
        """A node is about to be removed, and before the selectors take another one in its place."""
        self._pair.leaves(node, self._parameters)
        self.result.drop(node)
        if node is self._arrived:
            self._arrived = None
        if node is self._observed:
            self._observe(None)
        self._scans.drop(node)

    def node_left(self, node: Any) -> None:
        """A node has been removed."""
        self._pair.left(node)
        self.look_again()

    def rest(self) -> None:
        """The user goes to another module: what changes from now on is looked at on their return.

        A visit to the Segment Editor is then one step, however many strokes it has.
        """
        self._settle.stop()
        self.result.leave()
        self._away = True

    def wake(self) -> None:
        """The user is back; `show` is to follow."""
        self._away, self._back = False, True
        self.advanced.wake()
        arrived, self._arrived = self._arrived, None
        if arrived is None or arrived.GetScene() is None:
            return
        painted = self.result.node is not arrived and self.result.training.was_edited()
        if painted or self._is_busy_with_other(arrived):
            self.result.tell(_waits(arrived, self._arrived_where))
            return
        self._choose(arrived)
        _present(arrived)

    def close(self) -> None:
        """The panel goes. When Slicer quits its widgets are gone before, so none is touched."""
        self._settle.stop()
        self._scans.rest()
        self._scans.watch()
        self.removeObservers()
        self.result.points.abandon()
        self.run.close()

    def _say(self, text: str) -> None:
        self.run.say(text)

    def look_again(self, caller: Any = None, event: Any = None) -> None:
        """Refresh soon, once for many calls."""
        if not self._away:
            self._settle.start()

    def _look_at_scan(self) -> None:
        """Tell what is wrong with the scan: all that the panel says of its voxels and its place.

        To refresh the rest with every frame of a sequence would make it stutter.
        """
        if not self._away and not slicer.mrmlScene.IsImporting():
            self.run.refresh()

    def _observe(self, node: Any) -> None:
        from ToothSegScene.segments import REPORT

        report = None if node is None else node.GetAttribute(REPORT)
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
            node.TransformModifiedEvent,
            changes.SegmentAdded,
            changes.SegmentRemoved,
            changes.SegmentModified,
            changes.RepresentationModified,
            changes.SourceRepresentationModified,
        ):
            self.addObserver(node, event, self.look_again)

    def _watch_views(self) -> None:
        """Look again when another scan comes into a slice view: it may not be the result's."""
        from ToothSegScene.nodes import nodes_of_class

        event = vtk.vtkCommand.ModifiedEvent
        for layers in nodes_of_class(slicer.mrmlScene, "vtkMRMLSliceCompositeNode"):
            if not self.hasObserver(layers, event, self.look_again):
                self.addObserver(layers, event, self.look_again)

    def _bring_forward(self) -> None:
        """Show a result alone when it has been chosen; how it is seen then is up to the user."""
        if self._parameters is None:
            return
        from ToothSegScene.display import bring_forward, has_surfaces
        from ToothSegScene.review import has_report
        from ToothSegScene.segments import teeth_of

        node, memory = self._parameters.segmentation, self._parameters.parameterNode
        # Results that were imported beside others are as visible as they were when saved, and the
        # memory is the other scene's.
        before, self._before_import = self._before_import, []
        beside = bool(before) and self._results() != before
        if node is memory.GetNodeReference(_SHOWN) and not beside:
            return
        memory.SetNodeReferenceID(_SHOWN, None if node is None else node.GetID())
        if node is None:
            return
        # One that has waited since its run ended has never been in the 3D view.
        if has_report(node) and teeth_of(node) and not has_surfaces(node):
            _present(node)
        else:
            bring_forward(node)

    def _results(self) -> list[str]:
        """The results of runs in the scene, by their ids."""
        from ToothSegScene.nodes import nodes_of_class
        from ToothSegScene.segments import REPORT

        every = nodes_of_class(slicer.mrmlScene, "vtkMRMLSegmentationNode")
        return [node.GetID() for node in every if node.GetAttribute(REPORT)]

    def _notice_choice(self) -> None:
        """With another volume or result, what was said of the one before is no longer true.

        Whoever chooses another result while a run lasts goes on with that one.
        """
        change = self._pair.notice(self._parameters)
        self._gone_on |= change.result and self.run.run is not None
        if change:
            self.run.say(change.said)

    def _leave_region(self) -> None:
        """A region is for the volume that it was chosen with, and not for the next one."""
        chosen = self._parameters
        if chosen is None or chosen.roi is None or chosen.inputVolume is None:
            return
        now = chosen.roi.GetID(), chosen.inputVolume.GetID()
        before, self._region_of = self._region_of, now
        if before is None or before[0] != now[0] or before == now:
            return
        name = escape(chosen.roi.GetName())
        chosen.roi = None
        self._say(
            f"The region {name} was for another volume: all of this one will be segmented. Choose "
            "the region again under <i>Advanced</i> if it is meant."
        )

    def _region(self) -> str:
        if self._parameters is None or self._parameters.roi is None:
            return ""
        return str(self._parameters.roi.GetName())

    def _why_not(self) -> str:
        if self._parameters is None or self._parameters.inputVolume is None:
            return (
                "Load a scan and choose it as volume. Slicer's module Sample Data has one to try: "
                "ToothSegSample."
            )
        from ToothSegScene.volumes import check_scan

        try:
            check_scan(self._parameters.inputVolume)
        except InputError as error:
            return sentence(error)
        return self.advanced.why_no_bundle

    def _remark(self) -> str:
        """What is wrong between the result, its scan, the chosen volume and the views; or ""."""
        from ToothSegScene.display import other_scan_in_words
        from ToothSegScene.own_scan import doubts_in_words, lost_in_words, stranger_in_words
        from ToothSegScene.snapshots import why_no_voxels

        node = None if self._parameters is None else self._parameters.segmentation
        if node is None:
            return ""
        unread = why_no_voxels(node)
        wrong = (
            sentence(InputError(unread)) if unread else "",
            lost_in_words(node) or doubts_in_words(node),
            stranger_in_words(node, self._parameters.inputVolume),
            other_scan_in_words(node, self.result.scan),
        )
        return " ".join(filter(None, wrong))

    def _blocked(self) -> str:
        run = None if self.run is None else self.run.run
        if run is not None and run.target is not None and run.target is self._observed:
            return "This result is about to be overwritten by the run."
        return ""

    def _start(self) -> Any:
        """A run; None if the user would rather keep what it would overwrite."""
        chosen = self._parameters
        target = chosen.segmentation if chosen.output == "overwrite" else None
        if target is not None and not may_be_replaced(target, chosen.inputVolume):
            return None
        self._gone_on = False
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
        from ToothSegScene.review import findings_of
        from ToothSegScene.segments import teeth_of

        node = run.result_node
        where = escape(f"{run.name} within {run.region}" if run.region else run.name)
        if self._is_busy_with_other(node):
            if node is not run.target:
                node.SetDisplayVisibility(False)
            return _waits(node, where)
        if self._away:
            # In the views the user may be painting another result, or begin to: their return tells.
            if node is not run.target:
                node.SetDisplayVisibility(False)
            self._arrived, self._arrived_where = node, where
            if self.result.node is None:
                self._choose(node)
        else:
            _present(node)
            self._choose(node)
            self.refresh()
        teeth, findings = len(teeth_of(node)), len(findings_of(node))
        found = {0: "No teeth found", 1: "1 tooth found"}.get(teeth, f"{teeth} teeth found")
        check = "1 thing to check" if findings == 1 else f"{findings} things to check"
        return f"<b>{found}</b> in {where}; {check if findings else 'nothing stands out'}."

    def _choose(self, node: Any) -> None:
        """Make a new result the one that is shown."""
        if self._parameters is not None:
            self._parameters.segmentation = node
            self._pair.take(self._parameters)  # what is said now is of this one

    def _is_busy_with_other(self, node: Any) -> bool:
        """Whether the user has gone on with another scan or result than this, or is at a step."""
        from ToothSegScene.segments import VOLUME

        chosen = None if self._parameters is None else self._parameters.inputVolume
        if chosen is not None and chosen is not node.GetNodeReference(VOLUME):
            return True
        at_a_step = self._gone_on or self.result.corrections.asking
        return at_a_step and self.result.node not in (None, node)


def _waits(segmentation_node: Any, where: str) -> str:
    """That a run has ended whose result is not shown; ``where``, as HTML, is what it was of."""
    name = escape(segmentation_node.GetName())
    return f"<b>{where} is done</b>: choose <i>{name}</i> under <i>Result</i>."


def _present(segmentation_node: Any) -> None:
    """Show a new result in all views."""
    from ToothSegScene.display import bring_forward, centre_in_3d, show_in_3d

    show_in_3d(segmentation_node)
    centre_in_3d(segmentation_node)
    bring_forward(segmentation_node)
