"""The volume and the result that are chosen are of one scan, whichever of them the user chooses."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import Any

import slicer.util


@dataclass(frozen=True)
class Change:
    """What the user has chosen since the last look.

    Args:
        volume, result: whether there is another one now.
        said: what to tell of it, as HTML.
    """

    volume: bool
    result: bool
    said: str = ""

    def __bool__(self) -> bool:
        return self.volume or self.result


class Pair:
    """Chooses the other one of the two with the one that the user has chosen.

    Attributes:
        matching: whether it is at that; what the parameters say then is half of a change.
    """

    def __init__(self) -> None:
        self.matching = False
        self._volume: str | None = None
        self._result: str | None = None
        self._leaving: set[str] = set()

    def forget(self) -> None:
        """The scene goes."""
        self._volume = self._result = None
        self._leaving.clear()

    def leaves(self, node: Any, parameters: Any) -> None:
        """A node is about to go, and a selector would take the one that is listed next to it.

        In the place of a result comes another one of its scan, or none. Nobody has chosen the
        volume that comes in the place of one; a result still knows the one that goes as its scan.
        """
        from ToothSegScene.own_scan import results_of
        from ToothSegScene.segments import VOLUME

        self._leaving.add(node.GetID())
        if node.GetID() == self._volume:
            self._volume = None
        if parameters is not None and node is parameters.segmentation:
            scan = node.GetNodeReference(VOLUME)
            others = [] if scan is None else [o for o in results_of(scan) if o is not node]
            parameters.segmentation = others[-1] if others else None

    def left(self, node: Any) -> None:
        """A node has gone; another one may come to bear its id."""
        self._leaving.discard(node.GetID())

    def take(self, parameters: Any) -> None:
        """Take what is chosen now as it is; between scenes what was chosen last stands."""
        if parameters is not None:
            self._volume = _id_of(parameters.inputVolume)
            self._result = _id_of(parameters.segmentation)

    def notice(self, parameters: Any) -> Change:
        """Match what the user has chosen since the last look, and tell what that was."""
        before = self._volume, self._result
        self.take(parameters)
        volume = self._volume not in (None, before[0])
        result = self._result not in (None, before[1])
        said = ""
        if volume and not result and before[0] is not None:
            said = self._follow_volume(parameters)
        elif result and not volume:
            said = self._bring_drawn_on(parameters)
        return Change(volume, result, said)

    def follow_result(self, parameters: Any) -> None:
        """Choose the scan of the result, also where it has just been loaded again.

        One that knows no scan stays with a volume that it may be of.
        """
        from ToothSegScene.own_scan import find_scan, may_be_of, only_scan_of
        from ToothSegScene.segments import VOLUME

        if parameters is None or parameters.segmentation is None:
            return
        node = parameters.segmentation
        find_scan(node)
        own = node.GetNodeReference(VOLUME)
        if own is None and not may_be_of(node, parameters.inputVolume):
            own = only_scan_of(node)
        if own is None or own.GetID() in self._leaving:
            return
        if own is not parameters.inputVolume:
            self._choose(parameters, "inputVolume", own)

    def _bring_drawn_on(self, parameters: Any) -> str:
        """With a result that knows no scan, choose what it was drawn on; what to tell of it.

        The volume that is chosen still may be of another patient, on the same voxels. Whoever
        chooses it again, as where teeth were drawn on a filtered copy of it, means it.
        """
        from ToothSegScene.own_scan import may_be_of, only_scan_of
        from ToothSegScene.segments import VOLUME

        node, chosen = parameters.segmentation, parameters.inputVolume
        if node.GetNodeReference(VOLUME) is not None or chosen is None:
            return ""
        scan = only_scan_of(node)
        if scan in (None, chosen) or scan.GetID() in self._leaving or not may_be_of(node, chosen):
            return ""
        self._choose(parameters, "inputVolume", scan)
        teeth, drawn_on, before = (escape(each.GetName()) for each in (node, scan, chosen))
        return (
            f"<i>{teeth}</i> was drawn on {drawn_on}, which is the volume now. If it is of "
            f"{before}, choose that again under <i>Volume</i>."
        )

    def _follow_volume(self, parameters: Any) -> str:
        """Choose the newest result of the volume, or none where it has none; what to tell of it."""
        from ToothSegScene.display import show_scan_alone
        from ToothSegScene.own_scan import may_be_of, results_of

        volume, shown = parameters.inputVolume, parameters.segmentation
        results = results_of(volume)
        if results:
            if shown not in results:
                self._choose(parameters, "segmentation", results[-1])
            return ""
        if shown is None or may_be_of(shown, volume):
            return ""
        self._choose(parameters, "segmentation", None)
        show_scan_alone(volume)
        return (
            f"{escape(volume.GetName())} is not segmented yet. "
            f"<i>{escape(shown.GetName())}</i> is still there to choose under <i>Result</i>."
        )

    def _choose(self, parameters: Any, name: str, node: Any) -> None:
        self.matching = True
        try:
            setattr(parameters, name, node)
        finally:
            self.matching = False
        self.take(parameters)


def may_be_replaced(segmentation_node: Any, volume_node: Any) -> bool:
    """Whether the user agrees to a run over a volume, where there is anything to lose."""
    from ToothSegScene.own_scan import may_be_of

    segments = segmentation_node.GetSegmentation().GetNumberOfSegments()
    scan, name = volume_node.GetName(), segmentation_node.GetName()
    other = "" if may_be_of(segmentation_node, volume_node) else f", which is not of {scan}"
    return not segments or slicer.util.confirmOkCancelDisplay(
        f"The run of {scan} will replace all segments of {name} ({segments}){other}. "
        "That cannot be undone.",
        windowTitle="ToothSeg",
    )


def _id_of(node: Any) -> str | None:
    return None if node is None else str(node.GetID())
