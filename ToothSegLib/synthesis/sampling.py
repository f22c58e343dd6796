"""A patch of a case, turned, stretched and bent, with everything a network is to learn of it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from ToothSegLib.synthesis.case import Case, Detail
from ToothSegLib.synthesis.detail import STEP_MM
from ToothSegLib.teeth import type_of


@dataclass(frozen=True)
class TensorDetail:
    """A case's `Detail` as tensors."""

    outside: Tensor
    inside: Tensor
    owner: Tensor
    surface: Tensor

    @classmethod
    def of(cls, detail: Detail) -> TensorDetail:
        """The same maps, their memory shared."""
        return cls(*(torch.from_numpy(map_) for map_ in vars(detail).values()))


@dataclass(frozen=True)
class Edges:
    """What lies on either side of the teeth's surfaces in a patch, and where they run.

    Attributes:
        outside, inside: (Z, Y, X) uint8 tissues without and with the teeth.
        distance: (Z, Y, X) float32 to the nearest surface, mm of the patch, negative inside.
    """

    outside: Tensor
    inside: Tensor
    distance: Tensor

    def share(self, spacing_mm: float, beyond_mm: float = 0.0) -> Tensor:
        """(Z, Y, X) float32: how much of each voxel, so many mm wide, lies within the surface or
        not more than ``beyond_mm`` outside of it. It is taken to cross a voxel along an axis.
        """
        return (0.5 + (beyond_mm - self.distance) / spacing_mm).clamp_(0.0, 1.0)

    def seen_in(self, seen: Tensor) -> Edges:
        """The same, air where a bool mask says that nothing was seen."""
        return Edges(
            torch.where(seen, self.outside, 0),
            torch.where(seen, self.inside, 0),
            torch.where(seen, self.distance, 1.0),
        )


@dataclass(frozen=True)
class TensorCase:
    """A case ready to be sampled. `table` maps a label to its tooth's centre (LPS mm).

    With `detail`, its tissues are sampled and ``tissue`` only tells the shape.
    """

    tissue: Tensor  # (k, j, i) uint8
    labels: Tensor  # (k, j, i) uint8
    origin: Tensor  # (3,) x, y, z
    spacing_mm: float
    table: Tensor  # (100, 3)
    present: tuple[int, ...]
    detail: TensorDetail | None = None
    prosthesis: Tensor | None = None  # (k, j, i) bool

    @classmethod
    def of(cls, case: Case) -> TensorCase:
        """From a case in memory."""
        table = torch.zeros(100, 3)
        for fdi, centre in case.centres.items():
            table[fdi] = torch.tensor(centre)
        detail = TensorDetail.of(case.detail) if case.detail else None
        return cls(
            detail.outside if detail else torch.from_numpy(case.tissue),
            torch.from_numpy(case.labels),
            torch.tensor(case.origin),
            case.spacing_mm,
            table,
            tuple(sorted(case.centres)),
            detail,
            None if case.prosthesis is None else torch.from_numpy(case.prosthesis),
        )


@dataclass(frozen=True)
class Patch:
    """Tissue and answers of one patch; Z, Y, X are its sizes, halved for types and offsets."""

    tissue: Tensor  # (Z, Y, X) uint8
    labels: Tensor  # (Z, Y, X) uint8, FDI
    types: Tensor  # (Z/2, Y/2, X/2) int64
    offsets: Tensor  # (3, Z/2, Y/2, X/2) mm along (x, y, z)
    tooth: Tensor  # (Z, Y, X) float32, the share of the voxel that is tooth
    edges: Edges | None = None
    prosthesis: Tensor | None = None  # (Z, Y, X) bool, where it is known


_TYPE_TABLE = torch.zeros(100, dtype=torch.int64)
for _fdi in (10 * quadrant + position for quadrant in range(1, 5) for position in range(1, 9)):
    _TYPE_TABLE[_fdi] = type_of(_fdi)


def sample_patch(
    case: TensorCase,
    size: tuple[int, int, int],
    spacing_mm: float,
    generator: torch.Generator,
    *,
    tilt_deg: float = 11.0,
    size_spread: float = 0.08,
    magnification: float = 1.0,
    off_teeth: float = 0.15,
    centre: Tensor | None = None,
) -> Patch:
    """Draw a patch around a tooth, or now and then anywhere.

    Mirroring leaves types as they are, since a type does not know its side; the FDI labels that
    come along are swapped.

    Args:
        case: where to sample.
        size: of the patch, (Z, Y, X), even.
        spacing_mm: of the patch.
        generator: the only source of chance.
        tilt_deg: standard deviation of the rotation about each axis, bounded by 35 degrees.
        size_spread: standard deviation of the head's size, as a share of it.
        magnification: how many times as large as in life the head is; so are the offsets.
        off_teeth: share of patches centred anywhere in the case.
        centre: LPS mm, instead of a random one.
    """
    flip = bool(_uniform(generator) < 0.5)
    matrix = _draw_matrix(generator, tilt_deg, size_spread, flip) / magnification
    if centre is None:
        centre = _draw_centre(case, generator, off_teeth)
    bend = _bend(size, spacing_mm, generator)
    points = bend.clone()
    axes = [(torch.arange(n, dtype=torch.float32) - (n - 1) / 2) * spacing_mm for n in size]
    steps = axes[2], axes[1][:, None], axes[0][:, None, None]
    for a in range(3):
        for b in range(3):
            points[a] += float(matrix[a, b]) * steps[b]
        points[a] += float(centre[a])
    index = _voxel_index(case, points)
    edges = None
    if case.detail is None:
        tissue, labels = _take(case.tissue, index), _take(case.labels, index)
        tooth = (labels > 0).float()
    else:
        scale = float(torch.linalg.det(matrix).abs()) ** (1 / 3)
        outside, inside = _take(case.detail.outside, index), _take(case.detail.inside, index)
        edges = Edges(outside, inside, _distance(case, points) / scale)
        teeth = edges.distance < 0
        tissue = torch.where(teeth, inside, outside)
        labels = torch.where(teeth, _take(case.detail.owner, index), 0)
        tooth = edges.share(spacing_mm)
    coarse = functional.avg_pool3d(points[None], 2)[0]
    coarse_labels = _take(case.labels, _voxel_index(case, coarse)).long()
    away = case.table[coarse_labels].permute(3, 0, 1, 2) - coarse
    # The bend at the voxel is in `coarse`, that at the centre is not in the table.
    away += _beyond_mean(functional.avg_pool3d(bend[None], 2)[0], coarse_labels)
    offsets = torch.einsum("ab,bzyx->azyx", torch.linalg.inv(matrix), away)
    # Its border is as rough as the voxels; that of a tooth beside it is not, and goes before.
    prosthesis = None if case.prosthesis is None else _take(case.prosthesis, index) & (labels == 0)
    if flip:
        labels = _mirror_table()[labels.long()]
    return Patch(tissue, labels, _TYPE_TABLE[coarse_labels], offsets, tooth, edges, prosthesis)


def _beyond_mean(field: Tensor, labels: Tensor) -> Tensor:
    """A field (3, Z, Y, X) less its mean over all voxels of the same label."""
    index = labels.flatten()
    count = torch.bincount(index, minlength=100).clamp(min=1)
    rows = [torch.bincount(index, row.flatten(), minlength=100) / count for row in field]
    return field - torch.stack(rows)[:, labels]


def _take(values: Tensor, index: Tensor) -> Tensor:
    return torch.index_select(values.flatten(), 0, index.flatten()).reshape(index.shape)


def _mirror_table() -> Tensor:
    table = torch.zeros(100, dtype=torch.uint8)
    for quadrant, other in ((1, 2), (2, 1), (3, 4), (4, 3)):
        for position in range(1, 9):
            table[10 * quadrant + position] = 10 * other + position
    return table


def _voxel_index(case: TensorCase, points: Tensor) -> Tensor:
    """Flat index of the nearest voxel; beyond the case its border goes on."""
    depth, height, width = case.tissue.shape
    i, j, k = (
        points[a]
        .sub(float(case.origin[a]))
        .div_(case.spacing_mm)
        .add_(0.5)
        .clamp_(0, n - 0.51)
        .to(torch.int32)
        for a, n in ((0, width), (1, height), (2, depth))
    )
    return k.mul_(height).add_(j).mul_(width).add_(i)


def _distance(case: TensorCase, points: Tensor) -> Tensor:
    """mm of the case to the nearest tooth's surface, between the voxels' centres as well."""
    assert case.detail is not None
    place = torch.stack([(points[a] - float(case.origin[a])) / case.spacing_mm for a in range(3)])
    low = place.amin((1, 2, 3)).floor().long() - 1
    high = place.amax((1, 2, 3)).ceil().long() + 2
    box = [
        slice(max(0, min(int(a), n - 2)), max(2, min(int(b), n)))
        for a, b, n in zip(low, high, case.tissue.shape[::-1], strict=True)
    ]
    part = case.detail.surface[box[2], box[1], box[0]].float()
    for a in range(3):
        first, last = box[a].start, box[a].stop - 1
        place[a] = (place[a] - first) * (2.0 / (last - first)) - 1.0
    found = functional.grid_sample(
        part[None, None],
        place.permute(1, 2, 3, 0)[None],
        mode="bilinear",
        padding_mode="border",
        align_corners=True,
    )
    return STEP_MM * found[0, 0]


def _draw_matrix(
    generator: torch.Generator, tilt_deg: float, size_spread: float, flip: bool
) -> Tensor:
    """Rotation, stretch and mirror that take patch mm to case mm."""
    angles = (torch.randn(3, generator=generator) * tilt_deg).clamp_(-35, 35) * math.pi / 180
    matrix = torch.eye(3)
    for axis, angle in enumerate(angles.tolist()):
        turn = torch.eye(3)
        p, q = [(1, 2), (0, 2), (0, 1)][axis]
        turn[p, p] = turn[q, q] = math.cos(angle)
        turn[p, q], turn[q, p] = -math.sin(angle), math.sin(angle)
        matrix = matrix @ turn
    stretch = 1.0 + 0.06 * torch.randn(3, generator=generator)
    stretch = stretch * (1.0 + size_spread * torch.randn(1, generator=generator))
    stretch.clamp_(0.7, 1.35)
    if flip:
        stretch[0] = -stretch[0]
    return torch.diag(stretch) @ matrix


def _draw_centre(case: TensorCase, generator: torch.Generator, off_teeth: float) -> Tensor:
    extent = torch.tensor(case.tissue.shape[::-1]) * case.spacing_mm
    if not case.present or _uniform(generator) < off_teeth:
        return case.origin + extent * (0.15 + 0.7 * torch.rand(3, generator=generator))
    pick = int(torch.randint(len(case.present), (1,), generator=generator))
    return case.table[case.present[pick]] + 9.0 * torch.randn(3, generator=generator)


def _bend(size: tuple[int, int, int], spacing_mm: float, generator: torch.Generator) -> Tensor:
    """A smooth displacement field, (3, Z, Y, X) mm, from a coarse grid of random shifts."""
    strength = 1.6 * float(_uniform(generator))
    knots = [max(3, round(n * spacing_mm / 16.0) + 2) for n in size]
    coarse = torch.randn(1, 3, *knots, generator=generator) * strength
    return functional.interpolate(coarse, size=size, mode="trilinear", align_corners=True)[0]


def _uniform(generator: torch.Generator) -> Tensor:
    return torch.rand((), generator=generator)
