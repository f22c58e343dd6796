"""A correction is one change to whoever watches the node, however many teeth it is about."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from teeth_node import segments_of


@pytest.fixture
def told(node: Any) -> Counter[str]:
    """How often the node and its display node have told of a change, by the kind of change."""
    import slicer
    import vtk

    counts: Counter[str] = Counter()
    segmentation = slicer.vtkSegmentation
    for name in ("SegmentAdded", "SegmentRemoved", "SegmentModified"):
        node.AddObserver(getattr(segmentation, name), lambda *_, name=name: counts.update([name]))
    node.GetDisplayNode().AddObserver(
        vtk.vtkCommand.ModifiedEvent, lambda *_: counts.update(["display"])
    )
    return counts


def test_a_verb_and_its_undo_tell_of_themselves_once(node: Any, told: Counter[str]) -> None:
    from ToothSegScene.editing import Corrections

    corrections = Corrections(node)
    for change in (
        lambda: corrections.shift_quadrant(1, 1),
        corrections.undo,
        lambda: corrections.smooth([15, 16], 0.6),
        corrections.undo,
        corrections.redo,
    ):
        told.clear()
        change()
        assert told
        assert max(told.values()) == 1, told


def test_hiding_teeth_is_one_change(node: Any, told: Counter[str]) -> None:
    from ToothSegScene.display import looks_of, set_opacity, set_visible

    set_visible(node, [14, 15, 16], False)
    set_opacity(node, [21, 46], 0.5)
    assert told["display"] == 2
    looks = looks_of(node)
    assert not any(looks[fdi].visible for fdi in (14, 15, 16))
    assert looks[21].opacity == looks[46].opacity == 0.5


def test_a_change_that_fails_does_not_silence_the_node(node: Any, told: Counter[str]) -> None:
    from ToothSegScene.nodes import as_one_change

    with pytest.raises(KeyError), as_one_change(node, None):
        raise KeyError("on purpose")
    segments_of(node)["tooth_14"].SetName("Other")
    assert told["SegmentModified"] == 1
