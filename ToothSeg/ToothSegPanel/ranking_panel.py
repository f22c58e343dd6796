"""What to label next: the scans of a batch by what a correction would teach, and one of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from html import escape
from itertools import groupby
from pathlib import Path
from typing import Any

import qt
import slicer

from ToothSegLib.batch.ranking import WORTH_NAMING, Ranked, ranking
from ToothSegLib.dataset.folder import Dataset
from ToothSegLib.dataset.reviewed import reviewed_scans
from ToothSegLib.errors import one_line
from ToothSegPanel import notation as words
from ToothSegPanel.case_choice import words as progress_of
from ToothSegPanel.folder_line import folder_in, on_change
from ToothSegPanel.reporting import at_work
from ToothSegPanel.selection import READING_ORDER

MOST_SCANS = 20
MOST_TEETH = 5
MOST_DAMAGED = 3
_GAIN = "The larger its gain, the more a correction is likely to teach"
_TIP = "Load the scan and its teeth, and begin their review"


def ask_folder(folder: str) -> str:
    """A folder that the user chooses; "" if none."""
    title = "Results of a batch (the folder OUT of toothseg batch)"
    return str(qt.QFileDialog.getExistingDirectory(None, title, folder))


class RankingPanel:
    """Presents the button, the list below it and the button that opens a scan.

    Args:
        ui: the widgets of the module.
        say: shows a sentence about what was done.
        opened: called with the volume node and the segmentation node of a scan.
        choose_folder: asks the user for a folder, beginning at one; gives "" if none was chosen.
    """

    def __init__(
        self,
        ui: Any,
        say: Callable[[str], None],
        opened: Callable[[Any, Any], None],
        choose_folder: Callable[[str], str] = ask_folder,
    ) -> None:
        self._ui = ui
        self._say = say
        self._opened = opened
        self._choose_folder = choose_folder
        self._out = ""
        self._scans: list[Ranked] = []
        self._notation = words.NOTATIONS[0]
        ui.rankingLabel.textFormat = qt.Qt.PlainText  # names of folders stand in it
        ui.labelNextButton.connect("clicked()", self._ask)
        ui.rankingList.connect("currentRowChanged(int)", lambda row: self._offer())
        # A double click, and the key Return.
        ui.rankingList.connect("itemActivated(QListWidgetItem*)", lambda item: self._open())
        ui.openScanButton.connect("clicked()", self._open)
        # Which scans are reviewed is another question then.
        on_change(ui.datasetEdit, lambda: self._show([]))
        self._show([])

    def show(self, notation: str) -> None:
        """Speak of the teeth in a notation."""
        if notation != self._notation:
            self._notation = notation
            row = self._ui.rankingList.currentRow
            self._show(self._scans)
            self._ui.rankingList.currentRow = row

    def _ask(self) -> None:
        folder = self._choose_folder(self._out)
        if not folder:
            return
        self._show([])
        with at_work("rank the scans"):
            found = ranking(Path(folder), labelled=self._reviewed())
            waiting = [scan for scan in found.scans if not scan.labelled]
            self._out = folder
            told = [_summary(len(waiting), len(found.scans)), _left_out(found.damaged)]
            self._ui.rankingLabel.text = "\n".join(filter(None, told))
            self._show(waiting[:MOST_SCANS])
            self._ui.rankingFrame.visible = True

    def _reviewed(self) -> set[str]:
        folder = self._dataset()
        return set() if folder is None else reviewed_scans(folder)

    def _dataset(self) -> Path | None:
        """The data set; None where none is chosen, or a new one is yet to be made."""
        text = folder_in(self._ui.datasetEdit)
        folder = Path(text)
        if not text or not folder.is_dir():
            return None
        try:
            return folder if any(folder.iterdir()) else None
        except OSError:
            return folder  # opening it will tell

    def _show(self, scans: list[Ranked]) -> None:
        self._scans = scans
        self._ui.rankingList.clear()
        for scan in scans:
            item = qt.QListWidgetItem(in_words(scan, self._notation))
            item.setToolTip(f"{scan.name}\n{_GAIN}")
            self._ui.rankingList.addItem(item)
        if scans:
            self._ui.rankingList.currentRow = 0
        self._ui.rankingFrame.visible = bool(scans)
        self._ui.rankingList.visible = bool(scans)
        self._ui.openScanButton.visible = bool(scans)
        self._offer()

    def _offer(self) -> None:
        chosen = 0 <= self._ui.rankingList.currentRow < len(self._scans)
        self._ui.openScanButton.enabled = chosen
        self._ui.openScanButton.toolTip = _TIP if chosen else f"{_TIP}\nSelect a scan first."

    def _open(self) -> None:
        row = self._ui.rankingList.currentRow
        if not 0 <= row < len(self._scans):
            return
        with at_work("open the scan"):
            from ToothSegLib.batch.result import read_result
            from ToothSegScene.batch_result import place_result

            result = read_result(Path(self._out, self._scans[row].name))
            known = self._case_of(result.source.voxels_sha256)
            volume, node = place_result(slicer.mrmlScene, result)
            self._opened(volume, node)
            self._say(f"<b>{escape(result.name)}</b> is open.{escape(known)}")

    def _case_of(self, voxels_sha256: str) -> str:
        """A sentence, where somebody has begun with the scan."""
        folder = self._dataset()
        if folder is None:
            return ""
        dataset = Dataset.open(folder)
        case_id = dataset.find(voxels_sha256)
        if case_id is None:
            return ""
        case = progress_of(dataset.case(case_id))
        return f" The data set has it already, {case}: Go on with a case... continues there."


def in_words(scan: Ranked, notation: str) -> str:
    """A scan, its gain, and the few teeth to look at first, with the reasons."""
    named = [fdi for fdi, gain in scan.teeth if gain >= WORTH_NAMING and fdi in READING_ORDER]
    reason = scan.reasons.__getitem__
    told = [
        f"{words.numbers(teeth, notation)} ({why})"
        for why, teeth in groupby(named[:MOST_TEETH], reason)
    ]
    more = len(named) - MOST_TEETH
    teeth = ", ".join(told) + (f" and {more} more" if more > 0 else "")
    return "\n".join(
        filter(None, [f"{scan.name}: gain {scan.gain:.1f}", "; ".join(scan.remarks), teeth])
    )


def _summary(waiting: int, every: int) -> str:
    done = every - waiting
    left = f"{done} reviewed already" if done else ""
    if not waiting:
        return f"Nothing is left to label: all {every} scans are reviewed."
    if waiting > MOST_SCANS:
        first = f"The first {MOST_SCANS} of {waiting} scans, by what a correction may teach"
    else:
        first = f"{waiting} scan{'s' if waiting > 1 else ''}, by what a correction may teach"
    return f"{first} ({left})." if left else f"{first}."


def _left_out(damaged: Mapping[str, str]) -> str:
    """In one line, which results are not ranked, and why; "" if all are."""
    if not damaged:
        return ""
    count = len(damaged)
    which = f"{count} results could not be read and are"
    if count == 1:
        which = "1 result could not be read and is"
    named = [one_line(f"{name} ({why})") for name, why in damaged.items()]
    more = f" and {count - MOST_DAMAGED} more" if count > MOST_DAMAGED else ""
    return (
        f"{which} left out: {', '.join(named[:MOST_DAMAGED])}{more}. Run toothseg batch again: it "
        "makes what is damaged anew, or says why not."
    )
