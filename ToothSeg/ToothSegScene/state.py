"""All of a segmentation that a correction can change, as values: what undo goes back to.

Voxels are held as one mask a label, packed to bits within the label's own box. A state of 28 teeth
takes about a megabyte and shares the masks of the teeth that did not change with the states before
and after it. Nothing here knows MRML.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ToothSegLib.dataset import record
from ToothSegLib.formats.slicer_header import terminology_entry
from ToothSegLib.teeth import by_fdi

FDI, CATEGORY, CONFIDENCE, REVIEW = (
    f"ToothSeg.{name}" for name in ("FDI", "Category", "Confidence", "Review")
)
TERMINOLOGY = "TerminologyEntry"
TAGS = (FDI, CATEGORY, CONFIDENCE, REVIEW, TERMINOLOGY)
PREDICTED, CORRECTED, APPROVED = record.PREDICTED, record.CORRECTED, record.APPROVED

Extent = tuple[int, ...]
"""First and last voxel along i, j and k, as VTK has it."""

Matrix = tuple[float, ...]
"""4 x 4, row by row: from voxel index (i, j, k, 1) to the segmentation's coordinates in RAS."""

SAME_GRID = 1e-6
"""How far grids may be off each other, mm a voxel: Slicer rounds when it writes and reads them."""


@dataclass(frozen=True)
class Mask:
    """Voxels of one label: a box in the voxel indices of its layer, and which of it are set."""

    extent: Extent
    bits: bytes

    @classmethod
    def of(cls, voxels: NDArray[np.bool_], corner: Collection[int] = (0, 0, 0)) -> Mask | None:
        """From a (k, j, i) array whose first voxel has the index ``corner`` (i, j, k)."""
        found = ndimage.find_objects(voxels.astype(np.uint8))
        if not found:
            return None
        bounds = [
            (int(part.start + first), int(part.stop - 1 + first))
            for part, first in zip(found[0][::-1], corner)
        ]
        return cls(tuple(np.ravel(bounds).tolist()), np.packbits(voxels[found[0]]).tobytes())

    @property
    def voxels(self) -> NDArray[np.bool_]:
        """(k, j, i) within the box."""
        shape = shape_of(self.extent)
        bits = np.frombuffer(self.bits, np.uint8)
        return np.unpackbits(bits, count=int(np.prod(shape))).view(bool).reshape(shape)

    @cached_property
    def shape_hash(self) -> str:
        """The form in few letters: that of the same voxels anywhere else, and of no others."""
        text = repr(shape_of(self.extent)).encode() + self.bits
        return hashlib.sha256(text).hexdigest()[:32]


@dataclass(frozen=True)
class Layer:
    """An image that one or more segments share."""

    number: int
    extent: Extent
    matrix: Matrix
    scalar_type: int
    masks: Mapping[int, Mask] = field(default_factory=dict)
    """By label; labels that belong to no segment too."""

    def same_grid(self, other: Layer) -> bool:
        """Whether an image of the one can hold the voxels of the other as they are."""
        return (self.extent, self.matrix, self.scalar_type) == (
            other.extent,
            other.matrix,
            other.scalar_type,
        )

    def with_mask(self, label: int, mask: Mask | None) -> Layer:
        """With other voxels of one label; the layer grows where it must."""
        masks = {number: old for number, old in self.masks.items() if number != label}
        if mask is None:
            return replace(self, masks=masks)
        return replace(self, masks={**masks, label: mask}, extent=union([self.extent, mask.extent]))


class Display(NamedTuple):
    """A segment's display properties, in the words of vtkMRMLSegmentationDisplayNode."""

    Visibility: bool
    Visibility3D: bool
    Visibility2DFill: bool
    Visibility2DOutline: bool
    Opacity3D: float
    Opacity2DFill: float
    Opacity2DOutline: float
    Pickable: bool
    OverrideColor: tuple[float, float, float]


@dataclass(frozen=True)
class Look:
    """What a segment is called and looks like. Tags that are not in `TAGS` are in ``origin``."""

    name: str
    colour: tuple[float, float, float]
    tags: Mapping[str, str]
    display: Display | None
    origin: Any = field(compare=False, default=None)
    """A vtkSegment whose metadata the rest is set upon; None for a segment that is new."""

    def as_tooth(self, fdi: int, review: str = CORRECTED) -> Look:
        """Name, colour and tags of a tooth that a reader has given this number."""
        tooth = by_fdi(fdi)
        tags = {
            **self.tags,
            FDI: str(fdi),
            CATEGORY: tooth.category_name,
            REVIEW: review,
            TERMINOLOGY: terminology_entry(tooth),
        }
        red, green, blue = (value / 255 for value in tooth.colour)
        display = self.display and self.display._replace(OverrideColor=(-1.0, -1.0, -1.0))
        return replace(
            self, name=f"{fdi} {tooth.name}", colour=(red, green, blue), tags=tags, display=display
        )

    def corrected(self) -> Look:
        """The same tooth, marked as corrected."""
        return self.reviewed(CORRECTED)

    def reviewed(self, review: str) -> Look:
        """The same tooth with another review mark; "" for none."""
        tags = {name: value for name, value in self.tags.items() if name != REVIEW}
        return replace(self, tags={**tags, REVIEW: review} if review else tags)


@dataclass(frozen=True)
class Segment:
    """A segment and where its voxels are: a label of a layer; no layer if it has no image."""

    id: str
    look: Look
    layer: int | None
    label: int


@dataclass(frozen=True)
class State:
    """A segmentation at one moment.

    Args:
        layers: by their numbers, which an image keeps from one state to the next.
        segments: in their order.
        missing: the attribute ``ToothSeg.Missing``.
        report: the attribute ``ToothSeg.Report``: the run that this is the result of.
        scan: matrix and extent of the reference geometry, for layers may be no larger than their
            teeth; no part of what is compared or restored.
    """

    layers: Mapping[int, Layer]
    segments: tuple[Segment, ...]
    missing: str | None = None
    report: str | None = None
    scan: tuple[Matrix, Extent] | None = field(default=None, compare=False)

    def mask(self, segment: Segment) -> Mask | None:
        """The voxels of a segment; None if it is empty."""
        if segment.layer is None:
            return None
        return self.layers[segment.layer].masks.get(segment.label)

    def matrix(self, segment: Segment) -> Matrix | None:
        """The geometry of a segment's voxels; None if it has no image."""
        return None if segment.layer is None else self.layers[segment.layer].matrix

    def teeth(self) -> dict[int, Segment]:
        """FDI number -> segment, of those that have voxels; of two with a number, the first."""
        teeth: dict[int, Segment] = {}
        for segment in self.segments:
            fdi = fdi_of(segment)
            if fdi and self.mask(segment):
                teeth.setdefault(fdi, segment)
        return teeth

    def voxels(self) -> list[tuple[str, str | None, Any, Mask | None]]:
        """What is where, whatever it looks like and in whatever layer it lies."""
        return [
            (segment.id, segment.look.tags.get(FDI), self.matrix(segment), self.mask(segment))
            for segment in self.segments
        ]

    def reviews(self) -> list[str | None]:
        """The review mark of each segment."""
        return [segment.look.tags.get(REVIEW) for segment in self.segments]


def fdi_of(segment: Segment) -> int:
    """The FDI number of a segment by its tag; 0 where it is no tooth."""
    tag = segment.look.tags.get(FDI, "")
    try:
        return by_fdi(int(tag)).fdi
    except (ValueError, KeyError):
        return 0


def shape_of(extent: Extent) -> tuple[int, int, int]:
    """(k, j, i) size of an extent; zero where it is empty."""
    i, j, k = (max(extent[axis + 1] - extent[axis] + 1, 0) for axis in (0, 2, 4))
    return k, j, i


def union(extents: Collection[Extent]) -> Extent:
    """The smallest extent that holds all of them; empty ones do not count."""
    table = np.array([extent for extent in extents if all(shape_of(extent))])
    if not len(table):
        return (0, -1, 0, -1, 0, -1)
    return tuple(np.where([1, 0] * 3, table.min(0), table.max(0)).tolist())


def overlap(canvas: Extent, box: Extent) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    """Where two extents meet: (k, j, i) slices of an array of each; empty where they do not."""
    parts: list[list[slice]] = [[], []]
    for axis in (4, 2, 0):
        first = max(canvas[axis], box[axis])
        stop = max(min(canvas[axis + 1], box[axis + 1]) + 1, first)
        for part, extent in zip(parts, (canvas, box)):
            part.append(slice(first - extent[axis], stop - extent[axis]))
    return tuple(parts[0]), tuple(parts[1])
