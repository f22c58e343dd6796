"""What the panel's tests share: a panel, a result in it, and time for Qt."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from ToothSegLib.report import Finding, Segmentation, measure_teeth

FINDINGS = (
    Finding("number-unsure", "high", "The number of 16 is unsure (61 %).", (16,)),
    Finding("odd-size", "medium", "34 and 35 differ from their neighbours.", (34, 35)),
    Finding("dropped-pieces", "low", "3 small pieces apart from any tooth were left out."),
)


class GivenPoints:
    """Stands in for `points.PlacedPoints`: the test says where the user clicks."""

    def __init__(self) -> None:
        self.done: Callable[[Sequence[Any]], None] | None = None

    def ask(self, count: int, done: Callable[[Sequence[Any]], None]) -> None:
        """Remember whom to tell."""
        self.done = done

    def click(self, points: Sequence[Any]) -> None:
        """Tell the points."""
        done, self.done = self.done, None
        assert done is not None, "nobody has asked for points"
        done(points)

    def abandon(self) -> None:
        """Give up the question without a word."""
        self.done = None

    def stop(self) -> None:
        """Give up the question."""
        if self.done is not None:
            self.click([])


def open_panel(toothseg: Any) -> Any:
    """The ToothSegWidget, entered."""
    representation = toothseg.widgetRepresentation()
    representation.enter()
    return representation.self()


def give_result(widget: Any, volume_node: Any, labels: Any) -> Any:
    """Put a segmentation of these labels with `FINDINGS` into the panel; the node."""
    import slicer

    from ToothSegScene.segments import write_segmentation

    teeth = measure_teeth(labels, dict.fromkeys(range(11, 48), 0.95))
    result = Segmentation(labels, teeth, list(FINDINGS))
    node = write_segmentation(slicer.mrmlScene, volume_node, result)
    parameters = widget.logic.getParameterNode()
    parameters.inputVolume = volume_node
    parameters.segmentation = node
    settle()
    return node


def in_hand(widget: Any) -> tuple[int, ...]:
    """The teeth that the review or the reader has chosen."""
    return tuple(widget.panel.result.selection.teeth)


def stroke(scan: Any, node: Any, where: tuple[slice, ...], segment: str = "tooth_16") -> None:
    """A brush stroke, and time for the panel to look."""
    import slicer

    array = slicer.util.arrayFromSegmentBinaryLabelmap(node, segment, scan)
    array[where] = 1
    slicer.util.updateSegmentBinaryLabelmapFromArray(array, node, segment, scan)
    settle()


def tree_row(widget: Any, key: int) -> Any:
    """The row of a category 1-8 or of a tooth, by FDI number; KeyError if it is not listed."""
    import qt

    waiting = [widget.ui.categoryTree.invisibleRootItem()]
    while waiting:
        item = waiting.pop()
        if item.data(0, qt.Qt.UserRole) == key:
            return item
        waiting += [item.child(n) for n in range(item.childCount())]
    raise KeyError(key)


def settle(seconds: float = 0.0) -> None:
    """Let Qt work off what waits, the panel's timer included, and others of so many seconds."""
    import slicer

    if seconds:
        wait_until(lambda: False, seconds, must=False)
    for _ in range(4):  # what is done may make more to do
        slicer.app.processEvents()


def wait_until(done: Callable[[], bool], seconds: float = 90.0, *, must: bool = True) -> None:
    """Let Qt work until ``done``; AssertionError if it takes longer than ``seconds``."""
    import slicer

    end = time.monotonic() + seconds
    while not done() and time.monotonic() < end:
        slicer.app.processEvents()
        time.sleep(0.01)
    assert done() or not must, f"nothing happened within {seconds:.0f} s"
