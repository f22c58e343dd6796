"""Undo and redo of corrections, bounded by their number and by their memory."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ToothSegScene.moved import move_between
from ToothSegScene.state import REVIEW, Mask, Segment, State

BY_HAND = "edit by hand"
"""Name of a step that was not a correction: the Segment Editor's, or a script's."""


@dataclass(frozen=True)
class Step:
    """A change, by its name in words."""

    name: str
    before: State
    after: State


class History:
    """The steps done, and those undone that can be done again.

    What the Segment Editor or a script did to the voxels between two corrections becomes a step of
    its own, so that no undo takes it away unasked. What does not touch voxels - visibility, names,
    review marks - is left as the reader has set it, except on segments that the step concerns: a
    review is of the voxels that were looked at, and does not go over to others. Where all teeth
    have been moved as one, as by a transform that was hardened, the steps go with them; the move
    itself is none, for the scan would not come back with it.

    Args:
        most_steps: the oldest steps are forgotten beyond this number,
        most_bytes: and beyond this memory, of which shared masks count once. The latest step is
            always kept.
    """

    def __init__(self, most_steps: int = 100, most_bytes: int = 256 * 2**20) -> None:
        self._most_steps, self._most_bytes = most_steps, most_bytes
        self._done: list[Step] = []
        self._undone: list[Step] = []
        self._last: State | None = None

    @property
    def latest(self) -> Step | None:
        """The step that was done last and not undone."""
        return self._done[-1] if self._done else None

    @property
    def can_undo(self) -> str | None:
        """The name of the step that an undo would take back."""
        return self._done[-1].name if self._done else None

    @property
    def can_redo(self) -> str | None:
        """The name of the step that a redo would do again."""
        return self._undone[-1].name if self._undone else None

    @property
    def size(self) -> int:
        """Bytes of voxels held."""
        masks = {
            id(mask): len(mask.bits)
            for step in (*self._done, *self._undone)
            for state in (step.before, step.after)
            for layer in state.layers.values()
            for mask in layer.masks.values()
        }
        return sum(masks.values())

    def of_same_run(self, current: State, *, or_reviews: bool = False) -> State | None:
        """The state known last, if this one is of the same run's result and other voxels.

        Args:
            current: the present state.
            or_reviews: whether other review marks are enough.
        """
        self._follow(current)
        last = self._last
        if last is None or last.report != current.report:
            return None
        if last.voxels() != current.voxels():
            return last
        return last if or_reviews and last.reviews() != current.reviews() else None

    def notice(self, current: State) -> None:
        """Take note of what has happened to the segmentation since the last step.

        To be called with the present state before anything else. A new run's result in the same
        node ends the history: its steps were of other teeth.
        """
        self._follow(current)
        last, self._last = self._last, current
        if last is None:
            return
        if last.report != current.report:
            self._done, self._undone = [], []
        elif last.voxels() != current.voxels():
            self.push(Step(BY_HAND, last, current))

    def _follow(self, current: State) -> None:
        """Go by all states as they would be where the teeth are now."""
        move = None if self._last is None else move_between(self._last, current)
        if move is None or self._last is None:
            return
        self._last = move.of(self._last)
        self._done, self._undone = (
            [Step(step.name, move.of(step.before), move.of(step.after)) for step in steps]
            for steps in (self._done, self._undone)
        )

    def push(self, step: Step) -> None:
        """Add a step that has been done; what was undone can no longer be redone."""
        self._last = step.after
        self._undone = []
        self._done.append(step)
        del self._done[: -self._most_steps]
        while len(self._done) > 1 and self.size > self._most_bytes:
            del self._done[0]

    def before_last(self, current: State) -> State:
        """The state to go to for an undo. There must be a step to undo."""
        step = self._done[-1]
        return _between(step.after, step.before, current)

    def after_next(self, current: State) -> State:
        """The state to go to for a redo. There must be a step to redo."""
        step = self._undone[-1]
        return _between(step.before, step.after, current)

    def undone(self, now: State) -> None:
        """The undo has been carried out and has led to the state ``now``."""
        self._undone.append(self._done.pop())
        self._last = now

    def redone(self, now: State) -> None:
        """The redo has been carried out and has led to the state ``now``."""
        self._done.append(self._undone.pop())
        self._last = now


def _between(start: State, end: State, current: State) -> State:
    """The step's end, with the present look of the segments whose look the step leaves alone.

    The review is of voxels: where the step changes these, it is that of the voxels it leads to.
    """
    before = {segment.id: segment for segment in start.segments}
    present = {segment.id: segment.look for segment in current.segments}

    def kept(segment: Segment) -> Segment:
        old = before.get(segment.id)
        if old is None or segment.id not in present or old.look != segment.look:
            return segment
        look = present[segment.id]
        if _voxels(start, old) != _voxels(end, segment):
            look = look.reviewed(segment.look.tags.get(REVIEW, ""))
        return replace(segment, look=look)

    return replace(
        end,
        segments=tuple(kept(segment) for segment in end.segments),
        missing=current.missing if start.missing == end.missing else end.missing,
    )


def _voxels(state: State, segment: Segment) -> tuple[tuple[float, ...] | None, Mask | None]:
    return state.matrix(segment), state.mask(segment)
