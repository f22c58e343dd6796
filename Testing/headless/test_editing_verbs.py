"""A correction does to segments what it does to labels, and undo undoes it, in any layout."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from editing_fixture import LAYOUTS, arrange
from teeth_node import HALF_A, HALF_B, SHAPE, SPACING, digest, fdi_labels, some_labels, world
from ToothSegLib.editing import corrections as on_labels
from ToothSegLib.editing import splitting

# A verb, and what it makes of the label map.
Verb = tuple[Callable[[Any, Any], Any], Callable[[Any], Any]]
VERBS: dict[str, Verb] = {
    "renumber 15 to 17": (
        lambda c, n: c.renumber(15, 17),
        lambda a: on_labels.renumbered(a, {15: 17}),
    ),
    "swap 14 and 46": (
        lambda c, n: c.swap(14, 46),
        lambda a: on_labels.renumbered(a, {14: 46, 46: 14}),
    ),
    "shift upper right distally": (
        lambda c, n: c.shift_quadrant(1, 1),
        lambda a: on_labels.renumbered(a, {14: 15, 15: 16, 16: 17}),
    ),
    "shift lower right mesially": (
        lambda c, n: c.shift_quadrant(4, -1),
        lambda a: on_labels.renumbered(a, {46: 45, 47: 46}),
    ),
    "renumber from 15 to 16": (
        lambda c, n: c.renumber_from(15, 16),
        lambda a: on_labels.renumbered(a, {15: 16, 16: 17}),
    ),
    "merge 46, 47": (
        lambda c, n: c.merge(46, [47]),
        lambda a: on_labels.merge(a, 46, [47]),
    ),
    "split 16": (
        lambda c, n: c.split(16, world(n, HALF_A), world(n, HALF_B), 17),
        lambda a: splitting.split(
            a,
            16,
            tuple(np.multiply(HALF_A, SPACING)),
            tuple(np.multiply(HALF_B, SPACING)),
            17,
            SPACING,
        ),
    ),
    "delete 14, 21": (
        lambda c, n: c.delete([14, 21]),
        lambda a: on_labels.delete(a, [14, 21]),
    ),
    "mark 15 missing": (
        lambda c, n: c.mark_missing(15),
        lambda a: on_labels.delete(a, [15]),
    ),
    "mark 11 missing": (lambda c, n: c.mark_missing(11), lambda a: a),
    "keep the largest piece of 16, 15": (
        lambda c, n: c.keep_largest([16, 15]),
        lambda a: on_labels.keep_largest(a, [16, 15]),
    ),
    "smooth 15, 16": (
        lambda c, n: c.smooth([15, 16], 0.6),
        lambda a: on_labels.smooth(a, [15, 16], 0.6, SPACING),
    ),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", VERBS)
def test_verb_does_to_segments_what_it_does_to_labels_and_undo_restores_all(
    scene: Any, name: str, layout: str
) -> None:
    from ToothSegScene.editing import Corrections

    node = arrange(scene, layout)
    assert np.array_equal(fdi_labels(node, SHAPE), some_labels())
    corrections = Corrections(node)
    before = digest(node)
    do, expected = VERBS[name]
    do(corrections, node)
    assert corrections.can_undo == name
    after = digest(node)
    assert after != before
    assert np.array_equal(fdi_labels(node, SHAPE), expected(some_labels()))

    corrections.undo()
    assert digest(node) == before
    assert (corrections.can_undo, corrections.can_redo) == (None, name)
    corrections.redo()
    assert digest(node) == after
    corrections.undo()
    assert digest(node) == before


@pytest.mark.parametrize("layout", LAYOUTS)
def test_all_verbs_one_after_the_other_and_all_the_way_back(scene: Any, layout: str) -> None:
    from ToothSegScene.editing import Corrections

    node = arrange(scene, layout)
    corrections = Corrections(node)
    digests = [digest(node)]
    corrections.renumber(21, 22)
    digests.append(digest(node))
    corrections.split(16, world(node, HALF_A), world(node, HALF_B), 17)
    digests.append(digest(node))
    corrections.smooth([17, 15], 0.5)
    digests.append(digest(node))
    corrections.merge(47, [46])
    digests.append(digest(node))
    corrections.shift_quadrant(1, -1)
    digests.append(digest(node))
    corrections.delete([47])
    digests.append(digest(node))
    corrections.mark_missing(13)
    digests.append(digest(node))
    for expected in digests[-2::-1]:
        corrections.undo()
        assert digest(node) == expected
    for expected in digests[1:]:
        corrections.redo()
        assert digest(node) == expected
