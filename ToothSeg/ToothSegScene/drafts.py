"""From one state of a segmentation to the next: what corrections do, before any of it is done."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from itertools import count

import numpy as np
from numpy.typing import NDArray

from ToothSegLib.editing.renumbering import check_mapping
from ToothSegLib.errors import InputError
from ToothSegScene.state import (
    CORRECTED,
    PREDICTED,
    SAME_GRID,
    Extent,
    Look,
    Mask,
    Segment,
    State,
    fdi_of,
    overlap,
    shape_of,
    union,
)

# A label in a crop that stands for whatever is no tooth.
_OTHER = 255


def renumbered(state: State, mapping: Mapping[int, int], *, one_by_one: bool = True) -> State:
    """Teeth with other numbers, where they are. An empty segment of a new number gives way.

    Unless the reader has given them their numbers one by one, they are all to be looked at: what
    was reviewed of them, the shape with another number, is no longer so.
    """
    teeth = state.teeth()
    check_mapping(teeth, mapping)
    numbers = {teeth[old].id: new for old, new in mapping.items()}
    segments = [
        segment
        for segment in state.segments
        if segment.id in numbers or not _is_empty_one_of(state, segment, mapping.values())
    ]
    taken = {segment.id for segment in segments if segment.id not in numbers}
    review = CORRECTED if one_by_one else PREDICTED
    return replace(
        state,
        segments=tuple(
            _numbered(segment, numbers[segment.id], taken, review)
            if segment.id in numbers
            else segment
            for segment in segments
        ),
    )


def without(state: State, fdis: Collection[int]) -> State:
    """The segments and the voxels of teeth are gone; empty segments of these numbers too."""
    teeth = state.teeth()
    gone = {teeth[fdi].id for fdi in fdis if fdi in teeth}
    layers = dict(state.layers)
    for segment in state.segments:
        if segment.id in gone and segment.layer is not None:
            layers[segment.layer] = layers[segment.layer].with_mask(segment.label, None)
    segments = tuple(
        segment
        for segment in state.segments
        if segment.id not in gone and not _is_empty_one_of(state, segment, fdis)
    )
    return replace(state, layers=layers, segments=segments)


def with_new_tooth(state: State, beside: int, new: int) -> State:
    """An empty segment of a new number, after a tooth, in its layer and with its look."""
    state = without(state, [new])
    model = state.teeth()[beside]
    assert model.layer is not None
    in_use = {segment.label for segment in state.segments if segment.layer == model.layer}
    in_use |= state.layers[model.layer].masks.keys()
    label = next(label for label in count(1) if label not in in_use)
    taken = {segment.id for segment in state.segments}
    segments = list(state.segments)
    place = segments.index(model) + 1
    segments.insert(place, _numbered(replace(model, label=label), new, taken))
    return replace(state, segments=tuple(segments))


def with_empty_tooth(state: State, fdi: int) -> State:
    """An empty segment of a tooth, the last of all and in no layer yet."""
    taken = {segment.id for segment in state.segments}
    blank = Segment("", Look("", (0.0, 0.0, 0.0), {}, None), layer=None, label=1)
    return replace(state, segments=(*state.segments, _numbered(blank, fdi, taken)))


def segment_of(state: State, fdi: int) -> Segment | None:
    """The segment of a tooth, an empty one where there is no other; None if there is none."""
    every = (segment for segment in state.segments if fdi_of(segment) == fdi)
    return state.teeth().get(fdi) or next(every, None)


def common_grid(state: State) -> NDArray[np.float64]:
    """The voxel grid that all segments lie on: (4, 4) from voxel index to their coordinates.

    Raises:
        InputError: they lie on different ones.
    """
    grids = np.array([state.matrix(segment) for segment in state.segments if state.mask(segment)])
    if np.abs(grids - grids[0]).max() > SAME_GRID:
        raise InputError(
            "the segments lie on different voxel grids: give them one by Specify geometry in the "
            "Segment Editor"
        )
    matrix: NDArray[np.float64] = grids[0].reshape(4, 4)
    return matrix


@dataclass(frozen=True)
class Crop:
    """The surroundings of some teeth as a label map of FDI numbers.

    Args:
        labels: (k, j, i) uint8; 255 where there is a segment that is no tooth. The chosen teeth
            lie above whatever overlaps them.
        extent: of the labels, in the voxel indices of the layers.
        matrix: 4 x 4, from voxel index to the segmentation's coordinates.
    """

    labels: NDArray[np.uint8]
    extent: Extent
    matrix: NDArray[np.float64]

    @classmethod
    def of(cls, state: State, fdis: Collection[int], margin_mm: float = 0.0) -> Crop:
        """Around some teeth that are there.

        Raises:
            InputError: the segments are on different voxel grids.
        """
        teeth = state.teeth()
        matrix = common_grid(state)
        margin = np.ceil(margin_mm / np.linalg.norm(matrix[:3, :3], axis=0)).astype(int) + 1
        masks = {fdi: state.mask(teeth[fdi]) for fdi in fdis}
        box = np.array(union([mask.extent for mask in masks.values() if mask]))
        box += np.ravel([(-m, m) for m in margin])
        # Nothing grows out of the scan.
        extents = [layer.extent for layer in state.layers.values()]
        if state.scan is not None and np.allclose(np.ravel(matrix), state.scan[0], atol=1e-3):
            extents.append(state.scan[1])
        whole = np.array(union(extents))
        inner = np.where([1, 0] * 3, np.maximum(box, whole), np.minimum(box, whole))
        extent: Extent = tuple(inner.tolist())
        labels = np.zeros(shape_of(extent), np.uint8)
        numbers = {segment.id: fdi for fdi, segment in teeth.items()}
        for segment in state.segments:
            _paint(labels, extent, state.mask(segment), numbers.get(segment.id, _OTHER))
        for fdi, mask in masks.items():
            _paint(labels, extent, mask, fdi)
        return cls(labels, extent, matrix)

    @property
    def spacing(self) -> tuple[float, float, float]:
        """(x, y, z) mm, of the axes i, j, k."""
        x, y, z = np.linalg.norm(self.matrix[:3, :3], axis=0)
        return float(x), float(y), float(z)

    def millimetres(self, ras: Collection[float]) -> tuple[float, float, float]:
        """A point in the segmentation's coordinates, in mm along the axes from the first voxel."""
        index = (np.linalg.inv(self.matrix) @ [*ras, 1.0])[:3]
        x, y, z = (index - self.extent[::2]) * self.spacing
        return float(x), float(y), float(z)

    def put(
        self, state: State, labels: NDArray[np.uint8], fdi: int, *, one_by_one: bool = True
    ) -> State:
        """A state in which a tooth has its voxels from a changed label map.

        The tooth is marked as corrected if that changes it and it was about this tooth alone.
        """
        segment = segment_of(state, fdi)
        assert segment is not None
        assert segment.layer is not None
        mask = Mask.of(labels == fdi, self.extent[::2])
        if mask == state.mask(segment):
            return state
        layer = state.layers[segment.layer].with_mask(segment.label, mask)
        look = segment.look.corrected() if one_by_one else segment.look
        changed = replace(segment, look=look)
        return replace(
            state,
            layers={**state.layers, layer.number: layer},
            segments=tuple(changed if s is segment else s for s in state.segments),
        )


def _numbered(
    segment: Segment, fdi: int, taken: Collection[str], review: str = CORRECTED
) -> Segment:
    """A segment with another number and an id of it that no other segment has."""
    names = (f"tooth_{fdi}" if n == 0 else f"tooth_{fdi}_{n}" for n in count())
    segment_id = next(name for name in names if name not in taken)
    return replace(segment, id=segment_id, look=segment.look.as_tooth(fdi, review))


def _is_empty_one_of(state: State, segment: Segment, fdis: Collection[int]) -> bool:
    return fdi_of(segment) in fdis and state.mask(segment) is None


def _paint(labels: NDArray[np.uint8], extent: Extent, mask: Mask | None, value: int) -> None:
    if mask is not None:
        inside, part = overlap(extent, mask.extent)
        labels[inside][mask.voxels[part]] = value
