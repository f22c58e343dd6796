"""The result: odontogram, findings, review, tree, corrections, export of one segmentation."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import slicer

from ToothSegLib.report import Finding, Place
from ToothSegLib.teeth import FDI_NUMBERS
from ToothSegPanel.combos import ParameterCombo
from ToothSegPanel.corrections_panel import CorrectionsPanel
from ToothSegPanel.export_panel import ExportPanel
from ToothSegPanel.findings import FindingsList
from ToothSegPanel.hand_drawn_notice import HandDrawn
from ToothSegPanel.notation import NOTATIONS, Reader
from ToothSegPanel.odontogram import Odontogram, modifier_keys
from ToothSegPanel.points import PlacedPoints
from ToothSegPanel.ranking_panel import RankingPanel
from ToothSegPanel.reporting import errors_in_a_line
from ToothSegPanel.review_panel import ReviewPanel
from ToothSegPanel.reviewed_button import ReviewedButton
from ToothSegPanel.segment_editor import open_segment_editor
from ToothSegPanel.selection import Selection
from ToothSegPanel.training_panel import TrainingPanel
from ToothSegPanel.tree import CategoryTree, ToothRow
from ToothSegPanel.verbs import Situation

# What there is to see only with a result; "Training data" can bring one.
_SECTIONS = (
    "odontogramFrame", "findingsButton", "reviewButton", "correctionsButton", "categoriesButton",
    "exportButton",
)  # fmt: skip


class ResultPanel:
    """Presents everything below the button "Segment teeth".

    Args:
        ui: the widgets of the module.
        say: shows a sentence about what was done.
        blocked: why the result cannot be corrected now; "" if it can.
        points: asks for points in the views.
        open_editor: opens a segmentation, its volume and a segment for painting.
        modifiers: tells (Ctrl, Shift) at a click on a tooth.
    """

    def __init__(
        self,
        ui: Any,
        say: Callable[[str], None],
        blocked: Callable[[], str],
        points: Any = None,
        open_editor: Callable[[Any, Any, str], None] = open_segment_editor,
        modifiers: Callable[[], tuple[bool, bool]] = modifier_keys,
    ) -> None:
        self._ui = ui
        self._say = say
        # What is said from the user's leaving on until all results have been looked at on their
        # return: one message, or only the last part of it would be seen.
        self._collecting = True
        self._collected: list[str] = []
        self._blocked = blocked
        self._open_editor = open_editor
        self._parameters: Any = None
        self._histories: dict[str, tuple[Any, Any]] = {}
        self.selection = Selection()
        self.points = points or PlacedPoints()
        self.odontogram = Odontogram(
            ui.odontogramFrame, self.selection, self._bring_into_view, modifiers
        )
        self.tree = CategoryTree(
            ui.categoryTree,
            self.selection,
            self._bring_into_view,
            self._set_visible,
            self._set_opacity,
        )
        self.findings = FindingsList(
            ui.findingsList,
            self.selection,
            self._show_finding,
            self._finding_in_words,
            lambda finding: len(self._places(finding)),
        )
        self.corrections = CorrectionsPanel(
            ui,
            self.selection,
            self._situation,
            self._corrections,
            self.points,
            self._edit,
            self._step_done,
            say,
        )
        self.review = ReviewPanel(
            ui, self.selection, lambda: self.node, blocked, self._bring_into_view, self._step_done
        )
        self.hand_drawn = HandDrawn(self.tell)
        self.export = ExportPanel(ui, self._result, say)
        self.training = TrainingPanel(
            ui, lambda: self.node, self.tell, self._case_opened, self.take_note
        )
        self.ranking = RankingPanel(ui, say, self._case_opened)
        self._notation = ParameterCombo(
            ui.notationCombo,
            "notation",
            [(name, name) for name in NOTATIONS],
            lambda value: self.refresh(),
        )
        self._reader = Reader()
        self._notation.show(self._reader)
        self.reviewed = ReviewedButton(
            ui.reviewedButton,
            self.selection,
            lambda: self.findings.current,
            lambda: self.node,
            blocked,
            self._step_done,
            self.refresh,
        )

    @property
    def node(self) -> Any:
        """The segmentation node that is shown, or None."""
        return None if self._parameters is None else self._parameters.segmentation

    @property
    def scan(self) -> Any:
        """The volume node of the result; None where there is no result, or no scan of it.

        The chosen volume may be another patient's: it counts where the result may be of it.
        """
        from ToothSegScene.own_scan import may_be_of
        from ToothSegScene.segments import VOLUME

        if self.node is None:
            return None
        chosen = self._parameters.inputVolume
        own = self.node.GetNodeReference(VOLUME)
        return own or (chosen if may_be_of(self.node, chosen) else None)

    def show(self, parameters: Any) -> None:
        """Take the parameters (None between scenes) and show their result."""
        self._parameters = parameters
        self.refresh()

    def begin_anew(self) -> None:
        """Another result is shown, or a run has overwritten this one: no tooth is in hand."""
        self.review.forget()
        self.selection.set(())

    def forget(self) -> None:
        """Drop the histories and the selection: the scene goes."""
        self.points.stop()
        self._histories.clear()
        self._collected.clear()
        self.training.forget()
        self.hand_drawn.forget()
        self.selection.set(())

    def drop(self, node: Any) -> None:
        """A node leaves the scene: keep neither it nor what was kept for it."""
        self._histories.pop(node.GetID(), None)
        self.training.drop(node)
        self.hand_drawn.drop(node)

    def take_note(self) -> str:
        """Let what is edited from now on be a step apart from what was before, in every result.

        Other modules paint on results that are not shown here, too.

        Returns:
            What was said of that, as HTML; "" if nothing.
        """
        before, self._collecting, self._collected = self._collecting, True, []
        for corrections in self._every_corrections():
            corrections.take_note()
        self._collecting = before
        return " ".join(self._collected)

    def leave(self) -> None:
        """The user goes to another module."""
        self._collecting, self._collected = True, []
        for corrections in self._every_corrections():
            corrections.leave()
        self.training.leave()

    def catch_up(self) -> None:
        """The user is back, and the panel shows what there is: see to what was edited meanwhile."""
        for corrections in self._every_corrections():
            corrections.come_back()
        self.training.catch_up()
        self._collecting = False

    def refresh(self) -> None:
        """Bring all parts in line with the segmentation node."""
        node = self.node
        if node is not None:
            from ToothSegScene.own_scan import find_scan, remember_scan

            find_scan(node)
            remember_scan(node)
            if not self._blocked():
                self.hand_drawn.look(node)
        # With nothing to choose from, the choice of a result would only be in the way.
        scene = slicer.mrmlScene
        any_result = scene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode") > 0
        for name in ("resultLabel", "resultSelector", "notationCombo"):
            getattr(self._ui, name).visible = any_result
        for name in _SECTIONS:
            getattr(self._ui, name).visible = node is not None
        looks, states, findings = self._facts()
        notation = self._reader.notation
        colours = {fdi: look.colour for fdi, look in looks.items()}
        self.odontogram.show(states, colours, notation, self._reasons(states, findings))
        rows = {
            fdi: ToothRow(fdi, look.colour, look.visible, look.opacity)
            for fdi, look in looks.items()
        }
        self.tree.show(rows, notation)
        self.findings.show(findings, notation)
        self._ui.findingsButton.text = self._to_check(len(findings))
        self._ui.findingsList.visible = bool(findings)
        self.review.show(notation)
        self.corrections.show_notation(notation)
        self.export.show(self._parameters, bool(looks))
        self.training.show(self._parameters)
        self.ranking.show(notation)
        self.reviewed.refresh()

    def _facts(self) -> tuple[dict[int, Any], dict[int, str], list[Finding]]:
        if self.node is None:
            return {}, dict.fromkeys(FDI_NUMBERS, "absent"), []
        from ToothSegScene.display import looks_of
        from ToothSegScene.review import findings_of, states_of

        return looks_of(self.node), dict(states_of(self.node)), findings_of(self.node)

    def _reasons(
        self, states: dict[int, str], findings: list[Finding]
    ) -> dict[int, tuple[str, str]]:
        """FDI -> urgency and words of the first of the findings, of teeth that are not settled."""
        notation = self._reader.notation
        reasons: dict[int, tuple[str, str]] = {}
        for finding in findings:
            for fdi in finding.fdi:
                if states.get(fdi) in ("to check", "absent") and fdi not in reasons:
                    reasons[fdi] = finding.urgency, self.findings.words(finding, notation)
        return reasons

    def _to_check(self, findings: int) -> str:
        from ToothSegScene.review import has_report
        from ToothSegScene.snapshots import why_no_voxels

        if findings:
            return f"To check ({findings})"
        # A segmentation file carries no report: nothing is known of what to check.
        if self.node is not None and not has_report(self.node):
            return "To check: no report with this segmentation"
        # Nor is it of teeth that cannot be read; the line below the button says why.
        unread = self.node is not None and why_no_voxels(self.node)
        return "To check: not known" if unread else "To check: nothing"

    def _situation(self, new: int | None) -> Situation:
        if self.node is None:
            return Situation(self.selection.teeth, new=new, blocked="There is no result yet.")
        from ToothSegScene.own_scan import LOST, scan_is_lost
        from ToothSegScene.review import states_of

        states = states_of(self.node)
        return Situation(
            selected=self.selection.teeth,
            present=frozenset(
                fdi for fdi, state in states.items() if state not in ("missing", "absent")
            ),
            new=new,
            missing=frozenset(fdi for fdi, state in states.items() if state == "missing"),
            blocked=self._blocked(),
            scan_lost=LOST if scan_is_lost(self.node) else "",
            no_shapes=self._corrections().why_no_shapes,
        )

    def _corrections(self) -> Any:
        """Those of the result that is shown, if there is one."""
        return None if self.node is None else self._corrections_of(self.node)

    def _corrections_of(self, node: Any) -> Any:
        """The corrections of a node, with their history, as long as the node is there."""
        known = self._histories.get(node.GetID())
        if known is None or known[0] is not node:
            from ToothSegScene.editing import Corrections

            def opened(bitten: Any) -> None:
                shown = node is self.node
                words = self.corrections.opened_in_words(bitten, "" if shown else node.GetName())
                self.tell(words, first=shown)

            made = Corrections(node, opened=opened)
            known = self._histories[node.GetID()] = (node, made)
        return known[1]

    def _every_corrections(self) -> list[Any]:
        """Those of every result of the scene, shown or not, and of what else has been shown."""
        from ToothSegScene.training_case import results_in

        self._corrections()  # of the one that is shown there may be none yet
        for node in results_in(slicer.mrmlScene):
            self._corrections_of(node)
        return [corrections for _, corrections in self._histories.values()]

    def tell(self, text: str, *, first: bool = False) -> None:
        """Say something, together with what has been said of the same visit elsewhere.

        Args:
            text: as HTML.
            first: whether it goes before the rest: it names no result, being of the one shown.
        """
        if not self._collecting:
            self._collected = []
        if text:
            self._collected.insert(0 if first else len(self._collected), text)
        self._say(" ".join(self._collected))

    def _step_done(self, what: str) -> None:
        """A correction or a judgement: show it, and save it where that is wanted."""
        self.refresh()
        self.training.autosave(what)

    def _case_opened(self, volume_node: Any, segmentation_node: Any) -> None:
        """A case has come from a data set or a batch: go on where its review stopped."""
        from ToothSegScene.display import centre_in_3d, show_in_3d, show_in_slices

        show_in_slices(volume_node)
        self._parameters.inputVolume = volume_node
        if segmentation_node is None:
            return
        show_in_3d(segmentation_node)
        centre_in_3d(segmentation_node)
        self._parameters.segmentation = segmentation_node
        self.review.start()

    def _result(self) -> tuple[Any, Any]:
        """The result and its scan, each None where there is none."""
        return self.node, self.scan

    def _bring_into_view(self, teeth: tuple[int, ...]) -> None:
        from ToothSegScene.display import bring_into_view

        if self.node is not None:
            with errors_in_a_line("show the tooth"):
                bring_into_view(self.node, teeth, self.scan)

    def _show_finding(self, finding: Finding, place: int) -> None:
        from ToothSegScene.display import centre_views, put_into_slices

        self._bring_into_view(self.selection.teeth)
        if self.node is None:
            return
        with errors_in_a_line("show the place"):
            places = self._places(finding)
            if places:
                put_into_slices(self.scan)
                centre_views(self.node.GetScene(), places[place])

    def _places(self, finding: Finding) -> list[Place]:
        from ToothSegScene.places import places_of

        return [] if self.node is None else places_of(self.node, finding)

    def _finding_in_words(self, finding: Finding) -> str:
        from ToothSegScene.places import in_words

        return in_words(self.node, finding)

    def _set_visible(self, teeth: Iterable[int], visible: bool) -> None:
        from ToothSegScene.display import set_visible

        set_visible(self.node, teeth, visible)
        self.refresh()

    def _set_opacity(self, teeth: Iterable[int], opacity: float) -> None:
        from ToothSegScene.display import set_opacity

        set_opacity(self.node, teeth, opacity)

    def _edit(self, segment_id: str) -> None:
        self._open_editor(*self._result(), segment_id)
