"""A key of the review that is held down judges the one tooth that is seen."""

from __future__ import annotations

from typing import Any

import pytest

from case_fixture import result
from panel_fixture import open_panel, settle


@pytest.mark.parametrize(
    ("key", "folded", "judged"), [("A", False, 1), ("C", False, 1), ("A", True, 0)]
)
def test_a_held_key_counts_once(toothseg: Any, key: str, folded: bool, judged: int) -> None:
    from PySide6.QtCore import Qt
    from PySide6.QtTest import QTest

    from ToothSegScene.review import progress

    widget = open_panel(toothseg)
    scan, node = result()
    parameters = widget.logic.getParameterNode()
    parameters.inputVolume, parameters.segmentation = scan, node
    widget.parent.show()
    widget.parent.activateWindow()
    widget.ui.reviewButton.collapsed = folded
    settle()
    widget.panel.result.selection.set((36,))
    code = getattr(Qt.Key, f"Key_{key}")
    for repeated in (False, *(True,) * 20):
        QTest.simulateEvent(
            widget.parent, True, code, Qt.KeyboardModifier.NoModifier, key.lower(), repeated, -1
        )
        settle(0.02)
    settle()
    assert progress(node) == (judged, 4)
