"""The section "Advanced": weights, device, precision, and the log."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import qt

from ToothSegLib.errors import BundleError
from ToothSegLib.models import default_bundle_name, list_bundles, load_bundle
from ToothSegPanel.combos import Choice, ParameterCombo
from ToothSegPanel.reporting import errors_in_a_line, sentence

DEVICES = (
    ("auto", "Automatic"),
    ("cpu", "Processor (CPU)"),
    ("cuda", "NVIDIA graphics (CUDA)"),
    ("mps", "Apple graphics (MPS)"),
)
PRECISIONS = (("auto", "Automatic"), ("full", "Full (32 bit)"))
OUTPUTS = (("new", "Makes a new result"), ("overwrite", "Overwrites the result shown"))


def ask_folder() -> str:
    """A folder that the user chooses; "" if none."""
    return str(qt.QFileDialog.getExistingDirectory(None, "Folder of a model bundle"))


class AdvancedPanel:
    """Presents the section.

    Args:
        ui: the widgets of the module.
        choose_folder: asks the user for a folder; gives "" if none was chosen.
    """

    def __init__(self, ui: Any, choose_folder: Callable[[], str] = ask_folder) -> None:
        self._ui = ui
        self._choose_folder = choose_folder
        self._parameters: Any = None
        choices, self._why_no_default = _bundles()
        self._bundle = ParameterCombo(ui.bundleCombo, "bundle", choices)
        self._combos = [
            self._bundle,
            ParameterCombo(ui.deviceCombo, "device", DEVICES),
            ParameterCombo(ui.precisionCombo, "precision", PRECISIONS),
            ParameterCombo(ui.outputCombo, "output", OUTPUTS),
        ]
        ui.bundleFolderButton.connect("clicked()", self._take_folder)
        ui.roiSelector.connect("nodeAddedByUser(vtkMRMLNode*)", self._fit_roi)
        ui.copyLogButton.connect("clicked()", self._copy_log)
        ui.logText.connect("textChanged()", self._offer_copy)
        self._offer_copy()

    def wake(self) -> None:
        """The user comes to the module, and may have been promoting meanwhile."""
        self._list_bundles()

    def show(self, parameters: Any) -> None:
        """Take the parameters."""
        self._parameters = parameters
        for combo in self._combos:
            combo.show(parameters)

    @property
    def why_no_bundle(self) -> str:
        """Why the default bundle, if that is chosen, cannot be used; "" if it can."""
        if self._parameters is None or self._parameters.bundle or not self._why_no_default:
            return ""
        self._list_bundles()  # somebody may have put it right
        return self._why_no_default

    def _list_bundles(self) -> None:
        choices, self._why_no_default = _bundles()
        self._bundle.offer(choices)

    def _take_folder(self) -> None:
        folder = self._choose_folder()
        if not folder:
            return
        with errors_in_a_line("take the model bundle"):
            bundle = load_bundle(folder)
            self._bundle.choose(str(folder), f"{bundle.name} ({folder})")

    def _fit_roi(self, roi: Any) -> None:
        """A region just made has no size; one around the volume has handles to draw it smaller."""
        from ToothSegScene.roi import fit_to_volume

        volume_node = None if self._parameters is None else self._parameters.inputVolume
        if volume_node is not None:
            with errors_in_a_line("draw the region"):
                fit_to_volume(roi, volume_node)

    def _copy_log(self) -> None:
        qt.QApplication.clipboard().setText(self._ui.logText.plainText)

    def _offer_copy(self) -> None:
        there = bool(self._ui.logText.plainText)
        self._ui.copyLogButton.enabled = there
        tip = "Copy the log to the clipboard"
        self._ui.copyLogButton.toolTip = tip if there else f"{tip}\nThere is no log yet."


def _bundles() -> tuple[list[Choice], str]:
    """The default bundle under the value "", then the others; and what is wrong with the default.

    What cannot be loaded is marked. The list of promoted bundles may be damaged, or a newer
    ToothSeg's: then nobody knows the default, and the others can be used all the same.
    """
    default, why_not = "", ""
    try:
        default = default_bundle_name()
        load_bundle()
    except BundleError as error:
        why_not = sentence(error)
    first = f"{default or 'Default'} (cannot be loaded)" if why_not else f"{default} (default)"
    others = [name for name in list_bundles() if name != default]
    return [("", first), *((name, _marked(name)) for name in others)], why_not


def _marked(name: str) -> str:
    try:
        load_bundle(name)
    except BundleError:
        return f"{name} (cannot be loaded)"
    return name
