"""The section "Export": files into a folder, nodes into the scene."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import Any

from ToothSegLib.errors import Cancelled
from ToothSegPanel.combos import ParameterCombo
from ToothSegPanel.folder_line import folder_in, needed_folder, on_change
from ToothSegPanel.note_line import result_in
from ToothSegPanel.reporting import at_work, cancellable, errors_in_a_line

FORMATS = (("STL", "STL"), ("OBJ", "OBJ, with colours"))
GROUPINGS = (
    ("tooth", "One for each tooth"),
    ("category", "One for each category"),
    ("all", "One with all teeth"),
)
_TIPS = {
    "exportSurfacesButton": "Write closed surfaces, in millimetres (LPS)",
    "exportSegmentationButton": "Write names, colours and codes with the voxels, for 3D Slicer",
    "exportModelsButton": "Make models, in folders by category",
    "exportLabelmapButton": "Make a label map of FDI numbers with its colour table",
}
_NEED_FOLDER = ("exportSurfacesButton", "exportSegmentationButton")
_NO_FOLDER = "Choose a folder first."


class ExportPanel:
    """Presents the section.

    Args:
        ui: the widgets of the module.
        result: gives the segmentation node and its volume node, each None where there is none.
        say: shows a sentence about what was done.
    """

    def __init__(
        self, ui: Any, result: Callable[[], tuple[Any, Any]], say: Callable[[str], None]
    ) -> None:
        self._ui = ui
        self._result = result
        self._say = say
        self._parameters: Any = None
        self._has_teeth = False
        self._replaces: Any = None
        self._combos = [
            ParameterCombo(ui.formatCombo, "exportFormat", FORMATS),
            ParameterCombo(ui.groupingCombo, "exportGrouping", GROUPINGS),
        ]
        on_change(ui.folderEdit, self._on_folder)
        ui.exportSurfacesButton.connect("clicked()", self._surfaces)
        ui.exportSegmentationButton.connect("clicked()", self._segmentation)
        ui.exportModelsButton.connect("clicked()", self._models)
        ui.exportLabelmapButton.connect("clicked()", self._labelmap)

    def show(self, parameters: Any, has_teeth: bool) -> None:
        """Take the parameters, and whether the result has any teeth.

        The folder is for the scene that is open, of which no file tells it, and goes with that: the
        next scene may be another patient's.
        """
        self._parameters = None
        for combo in self._combos:
            combo.show(parameters)
        if parameters is None and folder_in(self._ui.folderEdit):
            self._ui.folderEdit.currentPath = ""
        self._parameters = parameters
        self._has_teeth = has_teeth
        self._untick_for_others()
        self._offer()

    def _offer(self) -> None:
        for name, tip in _TIPS.items():
            reason = "" if self._has_teeth else "There are no teeth to export."
            if not reason and name in _NEED_FOLDER and not folder_in(self._ui.folderEdit):
                reason = _NO_FOLDER
            if not reason and name == "exportLabelmapButton":
                reason = self._no_grid()
            button = getattr(self._ui, name)
            button.enabled = not reason
            button.toolTip = f"{tip}\n{reason}" if reason else tip

    def _no_grid(self) -> str:
        """Why no label map can be made; "" if one can."""
        from ToothSegScene.own_scan import LOST, scan_is_lost

        node, volume_node = self._result()
        if volume_node is not None:
            return ""
        if node is not None and scan_is_lost(node):
            return LOST
        return "There is no volume on whose grid to make it: choose one."

    def _folder(self) -> str:
        """Where to export to; InputError where the line is empty."""
        return needed_folder(self._ui.folderEdit, _NO_FOLDER)

    def _on_folder(self) -> None:
        if self._parameters is not None:
            self._untick_for_others()
        self._offer()

    def _untick_for_others(self) -> None:
        """Files may be replaced by the result and in the folder for which the user has said so."""
        node = self._result()[0]
        now = None if node is None else result_in(node), folder_in(self._ui.folderEdit)
        if now != self._replaces:
            self._replaces = now
            self._ui.replaceCheck.checked = False

    def _surfaces(self) -> None:
        from ToothSegScene.export import export_surfaces

        with errors_in_a_line("export the surfaces"):
            folder = self._folder()
            # Qt works meanwhile: a run may end, and another result be the one shown.
            node, overwrite = self._result()[0], bool(self._ui.replaceCheck.checked)
            try:
                with cancellable("Export surfaces") as (progress, cancelled):
                    files = export_surfaces(
                        node,
                        folder,
                        smoothing=float(self._parameters.smoothing),
                        format=self._parameters.exportFormat,
                        grouping=self._parameters.exportGrouping,
                        overwrite=overwrite,
                        progress=progress,
                        cancelled=cancelled,
                    )
            except Cancelled:
                self._say("Cancelled; nothing was written.")
                return
            self._ui.replaceCheck.checked = False  # it is for one export
            count = "1 file" if len(files) == 1 else f"{len(files)} files"
            self._say_teeth(node, f"{count} of {_name(node)} written to {escape(folder)}.")

    def _segmentation(self) -> None:
        from ToothSegScene.export import export_segmentation
        from ToothSegScene.hand_drawn import misnamed_in_words

        with at_work("export the segmentation"):
            node = self._result()[0]
            path = Path(self._folder(), f"{_file_stem(node.GetName())}.seg.nrrd")
            export_segmentation(node, path, overwrite=bool(self._ui.replaceCheck.checked))
            self._ui.replaceCheck.checked = False
            self._say(f"{escape(str(path))} written. {escape(misnamed_in_words(node))}".strip())

    def _models(self) -> None:
        from ToothSegScene.export import export_models

        with at_work("make the models"):
            node = self._result()[0]
            export_models(node, float(self._parameters.smoothing))
            self._say_teeth(
                node, f"The models of {_name(node)} are in the scene, in folders by category."
            )

    def _labelmap(self) -> None:
        from ToothSegScene.export import export_labelmap

        with at_work("make the label map"):
            node, volume_node = self._result()
            made = export_labelmap(node, volume_node)
            self._say_teeth(node, f"The label map {_name(made)} is in the scene.")

    def _say_teeth(self, node: Any, text: str) -> None:
        """What was made of the teeth, what does not count as one, and what goes by its number."""
        from ToothSegScene.hand_drawn import remarks_in_words

        self._say(" ".join([text, escape(remarks_in_words(node))]).strip())


def _name(node: Any) -> str:
    return escape(str(node.GetName()))


def _file_stem(name: str) -> str:
    """A node's name as a file's, on every system."""
    kept = "".join(" " if character in '<>:"/\\|?*\t\r\n' else character for character in name)
    return kept.strip(" .") or "teeth"
