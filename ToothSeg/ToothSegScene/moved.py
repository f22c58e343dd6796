"""Teeth that were moved as a whole, as by a transform that was hardened on scan and result.

Their voxels lie elsewhere then and are the same: no tooth was edited, and no review is of less.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ToothSegScene.state import Matrix, State

# What `SAME_GRID` comes to far from the origin.
_SAME_MOVE = 1e-3


@dataclass(frozen=True)
class Move:
    """Where the voxel grids have gone.

    Args:
        whole: (4, 4) RAS, from where a point was to where it is.
        grids: matrices of layers, as `state.Layer` has them, before -> after, to the last digit.
    """

    whole: NDArray[np.float64]
    grids: Mapping[Matrix, Matrix]

    def of(self, state: State) -> State:
        """A state from before the move as it would be after it."""
        layers = {
            number: replace(layer, matrix=self._to(layer.matrix))
            for number, layer in state.layers.items()
        }
        return replace(state, layers=layers)

    def _to(self, matrix: Matrix) -> Matrix:
        known = self.grids.get(matrix)
        return known or tuple((self.whole @ np.reshape(matrix, (4, 4))).ravel().tolist())


def move_between(before: State, after: State) -> Move | None:
    """How the teeth were moved from one state to another; None if they were not, or not as one.

    One that exchanges left and right is no move: every tooth is another one then.

    Teeth may have been painted as well: a tooth whose voxels have the same indices proves that it
    was no change of the grid, which would have given all of them others.
    """
    known = {segment.id: segment for segment in before.segments}
    painted: dict[Matrix, Matrix] = {}
    still: dict[Matrix, Matrix] = {}
    moves = []
    for segment in after.segments:
        old = known.get(segment.id)
        was = None if old is None else before.matrix(old)
        now = after.matrix(segment)
        if old is None or was is None or now is None:
            continue
        same = after.mask(segment) is not None and before.mask(old) == after.mask(segment)
        (still if same else painted)[was] = now
        moves.append((was, now))
    if not still or all(was == now for was, now in moves):
        return None
    steps = [np.reshape(now, (4, 4)) @ np.linalg.inv(np.reshape(was, (4, 4))) for was, now in moves]
    if np.abs(np.array(steps) - steps[0]).max() > _SAME_MOVE:
        return None
    if np.linalg.det(steps[0][:3, :3]) < 0:
        return None
    # Slicer rounds the grid of a segment that it writes anew.
    return Move(steps[0], painted | still)
