"""Corrections of a segmentation node: tooth by tooth, each a step that can be undone."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import numpy as np

from ToothSegLib.editing import corrections, renumbering, splitting
from ToothSegLib.errors import InputError
from ToothSegLib.teeth import QUADRANT_NAMES
from ToothSegLib.tooth_words import ToothWords
from ToothSegScene import drafts, missing
from ToothSegScene.bitten import Bitten, look_for_bites, segment_in_hand
from ToothSegScene.history import History, Step
from ToothSegScene.nodes import as_one_change
from ToothSegScene.seen import look_for_edits, note_all, note_reviewed
from ToothSegScene.snapshots import Snapshots
from ToothSegScene.state import State

Point = Sequence[float]


class Corrections:
    """The verbs of correction on one segmentation node, with their undo and redo.

    A verb that cannot be done raises a `ToothSegError` in one line and changes nothing. A segment
    whose number changes gets the id, name, colour and codes of the new number and keeps its
    confidence and visibility. Segments may share a layer or not; they stay in theirs. Closed
    surfaces, where there are any, are made anew for the teeth whose shape changes.

    A tooth is tagged as corrected by a verb that is about it alone, or about two or three chosen
    one by one. Nobody has looked at each of many: smoothed or rid of their loose pieces together
    they keep their review, and those that get other numbers together are open.

    A tooth that was reviewed and has lost voxels by other means, while another one was painted, is
    open again, and one that has lost all of them counts as lost: see `bitten.py`. So is one that
    was edited before this object first looked: see `seen.py`.

    The history lives as long as this object, not in the scene: keep one object a node.

    Args:
        segmentation_node: vtkMRMLSegmentationNode.
        history: where the steps go; by default up to 100 steps and 256 MB.
        opened: told which teeth are open again or gone, which ones were painted meanwhile, and
            which ones came with another review mark than they had.
    """

    def __init__(
        self,
        segmentation_node: Any,
        history: History | None = None,
        opened: Callable[[Bitten], None] = lambda bitten: None,
    ) -> None:
        self._node = segmentation_node
        self._snapshots = Snapshots(segmentation_node)
        self._history = history if history is not None else History()
        self._opened = opened
        self._away = False
        self._looked = False

    def renumber(self, fdi: int, new: int) -> None:
        """Give a tooth another number, which must be free."""
        self._renumber(
            ToothWords("renumber {} to {}", fdi, new),
            lambda teeth: renumbering.renumber(teeth, fdi, new),
        )

    def swap(self, a: int, b: int) -> None:
        """Exchange the numbers of two teeth."""
        self._renumber(
            ToothWords("swap {} and {}", a, b), lambda teeth: renumbering.swap(teeth, a, b)
        )

    def shift_quadrant(self, quadrant: int, step: int) -> None:
        """Move all teeth of a quadrant by one place, distally (+1) or mesially (-1)."""
        side = QUADRANT_NAMES[quadrant - 1] if quadrant in (1, 2, 3, 4) else f"quadrant {quadrant}"
        self._renumber(
            f"shift {side} {'distally' if step > 0 else 'mesially'}",
            lambda teeth: renumbering.shift_quadrant(teeth, quadrant, step),
            one_by_one=False,
        )

    def renumber_from(self, fdi: int, new: int) -> None:
        """Move a tooth and all distal to it in its quadrant by the same number of places."""
        self._renumber(
            ToothWords("renumber from {} to {}", fdi, new),
            lambda teeth: renumbering.renumber_from(teeth, fdi, new),
            one_by_one=False,
        )

    def merge(self, keep: int, others: Collection[int]) -> None:
        """Join teeth to one, which has the number, layer and confidence of ``keep``."""
        state = self._state()
        others = renumbering.to_merge(state.teeth(), keep, others)
        crop = drafts.Crop.of(state, [keep, *others])
        # Not by `corrections.merge`: where teeth overlap, one may have no voxel in the label map.
        labels = np.where(np.isin(crop.labels, [keep, *others]), keep, 0)
        draft = drafts.without(state, others)
        self._do(_words("merge", [keep, *others]), state, crop.put(draft, labels, keep))

    def split(self, fdi: int, ras_a: Point, ras_b: Point, new: int) -> None:
        """Cut a tooth in two by a point in each half, in world RAS mm.

        The half with ``ras_a`` keeps the number, the other gets ``new``, which must be free.
        """
        state = self._state(fdi)
        renumbering.check_free(state.teeth(), new)
        crop = drafts.Crop.of(state, [fdi])
        points = []
        for ras in (ras_a, ras_b):
            local = [0.0, 0.0, 0.0]
            self._node.TransformPointFromWorld(ras, local)
            points.append(crop.millimetres(local))
        labels = splitting.split(crop.labels, fdi, points[0], points[1], new, crop.spacing)
        draft = drafts.with_new_tooth(crop.put(state, labels, fdi), fdi, new)
        self._do(ToothWords("split {}", fdi), state, crop.put(draft, labels, new))

    def delete(self, fdis: Collection[int]) -> None:
        """Remove teeth; they then count as not found."""
        if not fdis:
            raise InputError("no tooth is chosen: choose those to delete")
        state = self._state(*fdis)
        self._do(_words("delete", fdis), state, drafts.without(state, fdis))

    def add(self, fdi: int) -> str:
        """Make an empty segment of a tooth, to be painted; one that is there already is taken.

        Returns:
            The segment's id.
        """
        renumbering.check_number(fdi)
        state = self._state()
        segment = drafts.segment_of(state, fdi)
        if segment is None:
            self._do(ToothWords("add {}", fdi), state, drafts.with_empty_tooth(state, fdi))
            segment = drafts.segment_of(self._state(), fdi)
        assert segment is not None
        return segment.id

    def mark_missing(self, fdi: int) -> None:
        """Declare that the patient has no such tooth; a segment of it is removed."""
        renumbering.check_expected(fdi)
        state = self._state()
        declared = missing.missing_of(state)
        if fdi in declared and fdi not in state.teeth():
            raise InputError(ToothWords("{} is marked as missing already", fdi))
        draft = missing.with_numbers(drafts.without(state, [fdi]), {*declared, fdi})
        self._do(ToothWords("mark {} missing", fdi), state, draft)

    def take_back_missing(self, fdi: int) -> None:
        """Take a declaration by `mark_missing` back: the tooth counts as not found again."""
        state = self._state()
        declared = missing.missing_of(state)
        if fdi not in declared:
            raise InputError(ToothWords("{} is not marked as missing: choose one that is", fdi))
        draft = missing.with_numbers(state, declared - {fdi})
        self._do(ToothWords("take back that {} is missing", fdi), state, draft)

    def keep_largest(self, fdis: Collection[int]) -> None:
        """Drop all but the largest piece of each tooth; those of one piece are left alone."""
        self._reshape(
            _words("keep the largest piece of", fdis),
            fdis,
            0.0,
            lambda crop, fdi: corrections.keep_largest(crop.labels, [fdi]),
        )

    def smooth(self, fdis: Collection[int], mm: float) -> None:
        """Smooth teeth by ``mm`` at unchanged volume, without growing into neighbours."""
        self._reshape(
            _words("smooth", fdis),
            fdis,
            corrections.smoothing_reach(mm),
            lambda crop, fdi: corrections.smooth(crop.labels, [fdi], mm, crop.spacing),
        )

    def take_note(self) -> None:
        """Take what was done by other means since the last step for a step of its own, if any."""
        self._is_usable()

    def leave(self) -> None:
        """The reader goes to another module, where voxels are edited and nothing is reviewed.

        Until `come_back` the review marks are those of now, whatever the tags say: the Segment
        Editor's Undo brings old ones back with the voxels.
        """
        self._away = self._is_usable()  # or the marks known are older ones

    def come_back(self) -> None:
        """The reader is back: take what was done meanwhile for a step, if any."""
        self.take_note()
        self._away = False

    @property
    def why_no_shapes(self) -> str:
        """Why no shape can be changed, by merge, split, keep_largest or smooth; "" if it can."""
        try:
            state = self._state()
            if state.teeth():
                drafts.common_grid(state)
        except InputError as error:
            return str(error)
        return ""

    @property
    def latest(self) -> Step | None:
        """The step that an undo would take back; None where there is nothing."""
        return self._history.latest if self._is_usable() else None

    @property
    def can_undo(self) -> str | None:
        """What an undo would take back, in words; None where there is nothing."""
        return self._history.can_undo if self._is_usable() else None

    @property
    def can_redo(self) -> str | None:
        """What a redo would do again, in words; None where there is nothing."""
        return self._history.can_redo if self._is_usable() else None

    def undo(self) -> None:
        """Take the latest step back. Raises InputError where there is none."""
        state = self._state()
        if self._history.can_undo is None:
            raise InputError("there is nothing to undo")
        self._history.undone(self._apply(self._history.before_last(state)))

    def redo(self) -> None:
        """Do again what was undone last. Raises InputError where there is nothing."""
        state = self._state()
        if self._history.can_redo is None:
            raise InputError("there is nothing to redo")
        self._history.redone(self._apply(self._history.after_next(state)))

    def _renumber(
        self,
        name: str,
        change: Callable[[Collection[int]], Mapping[int, int]],
        *,
        one_by_one: bool = True,
    ) -> None:
        state = self._state()
        mapping = change(state.teeth())
        alone = one_by_one or len(mapping) == 1
        self._do(name, state, drafts.renumbered(state, mapping, one_by_one=alone))

    def _reshape(
        self,
        name: str,
        fdis: Collection[int],
        margin_mm: float,
        change: Callable[[drafts.Crop, int], Any],
    ) -> None:
        if not fdis:
            raise InputError("no tooth is chosen: choose one or more")
        state = draft = self._state(*fdis)
        for fdi in fdis:
            crop = drafts.Crop.of(draft, [fdi], margin_mm)
            draft = crop.put(draft, change(crop, fdi), fdi, one_by_one=len(set(fdis)) == 1)
        self._do(name, state, draft)

    def _state(self, *fdis: int) -> State:
        """The present state, in which these teeth must be."""
        if self._node is None or self._node.GetScene() is None:
            raise InputError("the segmentation is no longer in the scene: choose another")
        state = self._snapshots.capture()
        known = self._history.of_same_run(state, or_reviews=self._away)
        bitten = None
        if not self._looked:
            bitten = look_for_edits(self._node, state)
        elif known is not None:
            in_hand = segment_in_hand(self._node)
            bitten = look_for_bites(known, state, in_hand, away=self._away)
        if bitten is not None and bitten.state != state:
            # A part of the step by hand, so that its undo brings the old review back.
            state = self._apply(bitten.state)
        self._looked = True
        self._history.notice(state)
        with as_one_change(self._node):
            note_all(self._node.GetSegmentation(), state)
            note_reviewed(self._node, state)
        if bitten:
            self._opened(bitten)
        renumbering.check_present(state.teeth(), *fdis)
        return state

    def _is_usable(self) -> bool:
        """Whether there is a state at all; a panel that asks must not fail where a verb would."""
        try:
            self._state()
        except InputError:
            return False
        return True

    def _do(self, name: str, state: State, draft: State) -> None:
        """Carry a draft out, unless it changes nothing."""
        # A tooth that is there is not missing.
        there = draft.teeth().keys()
        draft = missing.with_numbers(
            draft, missing.missing_of(draft) - there, missing.lost_of(draft) - there
        )
        if draft != state:
            self._history.push(Step(name, state, self._apply(draft)))

    def _apply(self, target: State) -> State:
        """Bring the node to a state; the state read back."""
        with as_one_change(self._node):
            state = self._snapshots.apply(target)
            note_reviewed(self._node, state)
        return state


def _words(verb: str, fdis: Collection[int]) -> str:
    if len(fdis) <= 4:
        return ToothWords(f"{verb} {{}}", tuple(fdis))
    return f"{verb} {len(fdis)} teeth"
