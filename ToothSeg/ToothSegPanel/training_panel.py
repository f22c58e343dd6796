"""The section "Training data": results into a data set, by hand or after every step, and back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from html import escape
from pathlib import Path
from typing import Any

import slicer
import slicer.util

from ToothSegLib.dataset.folder import Dataset
from ToothSegLib.errors import InputError, ToothSegError
from ToothSegPanel.case_choice import chosen_case, words
from ToothSegPanel.case_saver import CaseSaver
from ToothSegPanel.folder_line import folder_in, needed_folder, on_change
from ToothSegPanel.note_line import NoteLine, Result, result_in
from ToothSegPanel.privacy_question import Declined
from ToothSegPanel.reporting import clock, errors_in_a_line, sentence, show_error
from ToothSegScene.user_settings import recall, remember

_TIPS = {
    "exportCaseButton": "Write scan, teeth and review of this result as a new revision",
    "exportReviewedButton": "Write every result of the scene whose teeth are all reviewed",
    "openCaseButton": "Load a case of the data set and review it from where it stopped",
    "autosaveCheck": "Every approval and every correction becomes a revision of its own",
}
_PSEUDONYM = (
    "Needed only if there are several scans of this patient: the same for all of them, and never "
    "the patient's name. A model must not be tried on a patient whom it has learnt from. It can be "
    "entered or changed later, too"
)
_NO_FOLDER = "Choose the folder of a data set first."
_OF_THIS_RESULT = ("exportCaseButton", "autosaveCheck")
_ON = "on"
_CHANGED = "<b>Changed since it was saved</b>: the next step of the review saves that too."
_UNKNOWN = "What has changed since is not known: the next step of the review saves that too."
_OFF = "Not saved after each step: see <i>Training data</i>."


class TrainingPanel:
    """Presents the section, and the line of the section "Review" that tells what is saved.

    Args:
        ui: the widgets of the module.
        node: gives the segmentation node, or None.
        say: shows a sentence about what was done.
        opened: called with the volume node and the segmentation node (or None) of a case.
        take_note: looks for reviewed teeth that were painted over, in every result; what was said
            of them, as HTML.
    """

    def __init__(
        self,
        ui: Any,
        node: Callable[[], Any],
        say: Callable[[str], None],
        opened: Callable[[Any, Any], None],
        take_note: Callable[[], str],
    ) -> None:
        self._ui = ui
        self._node = node
        self._say = say
        self._opened = opened
        self._take_note = take_note
        self._parameters: Any = None
        self._saver = CaseSaver()
        self._note = NoteLine(ui.noteEdit)
        self._told: dict[Result, str] = {}
        self._saved: dict[Result, Any] = {}
        self._left: dict[Result, Any] = {}
        self._patient_typed = False
        self._recall()
        on_change(ui.datasetEdit, self._on_folder)
        ui.annotatorEdit.connect("textChanged(QString)", self._on_annotator)
        ui.patientEdit.connect("textEdited(QString)", self._on_patient)
        ui.patientEdit.connect("editingFinished()", self._on_patient_done)
        ui.autosaveCheck.connect("clicked(bool)", self._on_autosave)
        ui.exportCaseButton.connect("clicked()", self._export)
        ui.exportReviewedButton.connect("clicked()", self._export_reviewed)
        ui.openCaseButton.connect("clicked()", self._open)

    def show(self, parameters: Any) -> None:
        """Take the parameters; None between scenes."""
        self._parameters = parameters
        self._note.show(self._node())
        self._offer()

    def forget(self) -> None:
        """The scene goes."""
        self._saver.forget()
        for known in (self._told, self._saved, self._left):
            known.clear()
        self._note.forget()
        self._recall()

    def drop(self, node: Any) -> None:
        """A node leaves the scene."""
        self._saver.drop(node)

    def _recall(self) -> None:
        """The user's folder, initials and wish for autosave, whatever the scene is."""
        self._ui.datasetEdit.currentPath = recall("datasetFolder")
        self._ui.annotatorEdit.text = recall("annotator")
        self._ui.autosaveCheck.checked = recall("autosave") == _ON

    def autosave(self, what: str) -> None:
        """Save the result after a step, if the user wants that; ``what`` was done, in a word."""
        if self._node() is not None:
            self._autosave(self._node(), what)
        self._offer()

    def _autosave(self, node: Any, what: str) -> None:
        """Save a result, if the user wants that."""
        if not self._ui.autosaveCheck.checked or self._why_not():
            return
        try:
            self._save(node, what)
        except Declined as error:
            self._ui.autosaveCheck.checked = False
            self._say(escape(sentence(error)))
        except Exception as error:
            self._not_saved(node, error)

    def leave(self) -> None:
        """The user goes to another module, perhaps to paint, on any of the results."""
        self._left = {result_in(node): _content(node) for node in self._results()}

    def was_edited(self) -> bool:
        """Whether the result that is shown is not as it was when the user left."""
        return self._node() is not None and self._differs(self._node(), self._left)

    def catch_up(self) -> None:
        """The user is back: what is in the data set is saved there as it is by now.

        Of results that are not shown those that were edited meanwhile.
        """
        from ToothSegScene.segments import CASE

        for node in self._results():
            shown = node is self._node()
            edited = self._differs(node, self._left)
            if shown and result_in(node) in self._saved:
                edited = self._differs(node, self._saved)
            if edited and node.GetAttribute(CASE):
                self._autosave(node, "")
        self._offer()

    def _results(self) -> list[Any]:
        """Every result of the scene, and what is shown."""
        from ToothSegScene.training_case import results_in

        nodes = results_in(slicer.mrmlScene)
        shown = self._node()
        return nodes if shown is None or shown in nodes else [*nodes, shown]

    def _differs(self, node: Any, known: Mapping[Result, Any]) -> bool:
        """Whether something is known of a result, and it is not that any more."""
        before = known.get(result_in(node))
        return before is not None and before != _content(node)

    def _standing(self, node: Any) -> str:
        """What was told last of a result, unless it is no longer true."""
        if self._differs(node, self._saved):
            return _CHANGED
        if result_in(node) not in self._told:
            self._told[result_in(node)] = self._from_marks(node)
        return self._told[result_in(node)]

    def _from_marks(self, node: Any) -> str:
        """Of a result that came with its scene: what of the data set it was; "" if nothing."""
        from ToothSegScene.training_case import revisions_of

        folder = folder_in(self._ui.datasetEdit)
        known = revisions_of(node) if folder else []
        # A scene comes from anybody: its name of a case may be a path to anywhere.
        named = [(case, number) for case, number in known if Path(case).name == case]
        cases = [(case, number) for case, number in named if (Path(folder) / case).is_dir()]
        if not cases:
            return ""
        which = " or ".join(f"revision {number} of {escape(case)}" for case, number in cases)
        return f"From {which}. {_UNKNOWN}"

    def _not_saved(self, node: Any, error: Exception) -> None:
        """A dialog for the first failure of a row of the same ones, a line for each."""
        text = f"<b>Not saved:</b> {escape(sentence(error))}"
        self._saved.pop(result_in(node), None)
        if self._told.get(result_in(node)) != text:
            self._told[result_in(node)] = text
            if node is not self._node() and isinstance(error, ToothSegError):
                error = ToothSegError(f"{node.GetName()}: {sentence(error)}")
            show_error(error, "save the step")

    def _show_patient(self) -> None:
        volume = self._volume()
        self._ui.patientEdit.enabled = volume is not None
        whose = "" if volume is None else f"of {volume.GetName()}"
        self._ui.patientEdit.placeholderText = f"optional; {whose}" if whose else "optional"
        self._ui.patientEdit.toolTip = f"Pseudonym {whose}. {_PSEUDONYM}" if whose else _PSEUDONYM
        patient = "" if volume is None else volume.GetAttribute("ToothSeg.Patient") or ""
        # What is being typed may end in a space, for a word to come.
        if str(self._ui.patientEdit.text).strip() != patient:
            self._ui.patientEdit.text = patient

    def _offer(self) -> None:
        self._show_patient()
        from ToothSegScene.own_scan import LOST, scan_is_lost

        node, reason = self._node(), self._why_not()
        lost = LOST if node is not None and scan_is_lost(node) else ""
        for name, tip in _TIPS.items():
            why = reason
            if name == "openCaseButton" and folder_in(self._ui.datasetEdit):
                why = ""  # nothing is written
            elif not why and node is None and name == "exportCaseButton":
                why = "There is no result yet."
            elif not why and name in _OF_THIS_RESULT:
                why = lost
            button = getattr(self._ui, name)
            button.enabled = not why
            button.toolTip = f"{tip}\n{why}" if why else tip
        on = bool(self._ui.autosaveCheck.checked)
        told = "" if node is None else self._standing(node)
        saved = f"<b>Not saved:</b> {reason}" if reason else told or "Nothing saved yet."
        self._ui.savedLabel.text = saved if on else _OFF

    def _why_not(self) -> str:
        if not folder_in(self._ui.datasetEdit):
            return _NO_FOLDER
        return "" if self._who() else "Enter your initials first."

    def _folder(self) -> str:
        """The data set; InputError where the line is empty."""
        return needed_folder(self._ui.datasetEdit, _NO_FOLDER)

    def _who(self) -> str:
        return str(self._ui.annotatorEdit.text).strip()

    def _volume(self) -> Any:
        """That of the result; before there is one, the volume that is about to be segmented."""
        node = self._node()
        if node is None:
            return self._chosen()
        from ToothSegScene.own_scan import scan_for

        return scan_for(node, self._chosen())

    def _chosen(self) -> Any:
        return None if self._parameters is None else self._parameters.inputVolume

    def _on_folder(self) -> None:
        remember("datasetFolder", str(self._ui.datasetEdit.currentPath))
        self._told.clear()
        self._saved.clear()
        self._offer()

    def _on_annotator(self, text: str) -> None:
        remember("annotator", text)
        self._offer()

    def _on_autosave(self, on: bool) -> None:
        remember("autosave", _ON if on else "")
        self.autosave("")

    def _on_patient(self, text: str) -> None:
        volume = self._volume()
        if volume is not None:
            volume.SetAttribute("ToothSeg.Patient", text.strip() or None)
            self._patient_typed = True

    def _on_patient_done(self) -> None:
        """A pseudonym for a case that is saved already does not wait for the next step."""
        from ToothSegScene.segments import CASE

        typed, self._patient_typed = self._patient_typed, False
        node = self._node()
        if typed and node is not None and node.GetAttribute(CASE):
            self.autosave("")

    def _save(self, node: Any, what: str = "") -> str:
        """Save a result; what has been done, in words.

        Raises:
            Declined: the user would rather not.
            ToothSegError: it could not be done.
        """
        from ToothSegScene.own_scan import tie_to_scan

        shown = node is self._node()
        if shown:
            tie_to_scan(node, self._chosen())
        note = self._note.text() if shown else ""  # it is about what is seen
        saved = self._saver.save(node, self._folder(), self._who(), note, what)
        if saved.new and shown:
            self._note.written()
        self._told[result_in(node)] = saved.standing
        self._saved[result_in(node)] = _content(node)
        return saved.said

    def _export(self) -> None:
        with errors_in_a_line("export the case"):
            self._folder()  # none is refused before anything is asked
            try:
                self._say(self._save(self._node()))
            except Declined as error:
                self._say(escape(sentence(error)))
        self._offer()

    def _export_reviewed(self) -> None:
        from ToothSegScene.own_scan import tie_to_scan
        from ToothSegScene.training_case import cautions_in_words, is_reviewed, results_in

        with errors_in_a_line("export the cases"):
            self._folder()
            if self._node() is not None:
                tie_to_scan(self._node(), self._chosen())
            opened = self._take_note()
            nodes = results_in(slicer.mrmlScene)
            done, errors, partly = 0, [], []
            left = [node.GetName() for node in nodes if not is_reviewed(node)]
            for node in filter(is_reviewed, nodes):
                try:
                    self._save(node)
                    done += 1
                    if words := cautions_in_words(node):
                        partly.append(f"{node.GetName()}: {words}")
                except ToothSegError as error:
                    errors.append(f"{node.GetName()}: {sentence(error)}")
            text = " ".join([f"{done} of {len(nodes)} results are in the data set.", *partly])
            if left:
                text += f" Not yet reviewed to the end: {', '.join(left)}."
            self._say(f"{opened} {escape(text)}".strip())
            if errors:
                raise ToothSegError(" ".join(errors))
        self._offer()

    def _open(self) -> None:
        with errors_in_a_line("open a case"):
            dataset = Dataset.open(self._folder())
            case = chosen_case(dataset)
            if case is None:
                return
            from ToothSegScene.training_case import place_case

            with clock():
                volume, node = place_case(slicer.mrmlScene, case, self._same_case(case.id))
                if node is not None:
                    whence = f"From revision {case.revision} of {escape(case.id)}."
                    self._told[result_in(node)] = whence
                    self._saved[result_in(node)] = _content(node)
                self._opened(volume, node)
            self._say(escape(" ".join([words(case), *dataset.recovered])))

    def _same_case(self, case_id: str) -> Any:
        """The result that is shown, if it is of the same scan: its findings go on."""
        from ToothSegScene.scan_checksums import checksum_of
        from ToothSegScene.segments import VOLUME

        node = self._node()
        volume = None if node is None else node.GetNodeReference(VOLUME)
        if volume is None:
            return None
        try:
            checksum = checksum_of(volume)
        except InputError:  # it cannot be used, which is no matter of the case to be opened
            return None
        found = Dataset.open(self._folder()).find(checksum)
        return node if found == case_id else None


def _content(segmentation_node: Any) -> Any:
    """`content_of`; None where that cannot be told, as with voxels that are no whole numbers."""
    from ToothSegScene.training_case import content_of

    try:
        return content_of(segmentation_node)
    except InputError:
        return None
