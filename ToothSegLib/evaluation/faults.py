"""The faults that a segmentation may have, to be put into good ones one at a time.

Each fault takes a good specimen and a source of chance, and gives a spoilt copy, or None where the
dentition does not allow it. Those of the scan itself are in `scan_faults`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from ToothSegLib.evaluation.specimen import Specimen
from ToothSegLib.teeth import LOWER_ARCH, N_TYPES, UPPER_ARCH, mirror, opposite, type_of

NEW_LABEL = 200
# Teeth that near a fragment are said to be beside it.
_BESIDE_MM = 5.0
# Of a tooth's look that is its own type's, where the networks do not doubt.
_SURE = 0.98
_OFF_ROW_MM = (15.0, 22.0)
_SEEN_STILL = 0.7  # of a tooth that was moved


@dataclass(frozen=True)
class Spoilt:
    """A segmentation with one fault.

    Attributes:
        specimen: the spoilt copy.
        labels: of the regions that the fault is about; none if it is about the whole scan.
        also: FDI numbers of teeth that suffer with them, of which to tell is no false alarm.
    """

    specimen: Specimen
    labels: frozenset[int] = frozenset()
    also: frozenset[int] = frozenset()


Fault = Callable[[Specimen, np.random.Generator], Spoilt | None]


@dataclass(frozen=True)
class Kind:
    """A kind of fault, and the codes of the findings that call it by its name."""

    name: str
    make: Fault
    codes: tuple[str, ...]


def pick(labels: list[int], rng: np.random.Generator) -> int:
    """One of them."""
    return int(labels[int(rng.integers(len(labels)))])


def _merged(good: Specimen, rng: np.random.Generator) -> Spoilt | None:
    pairs = [
        (a, b)
        for arch in (UPPER_ARCH, LOWER_ARCH)
        for a, b in zip(arch, arch[1:])
        if {a, b} <= set(good.teeth)
    ]
    if not pairs:
        return None
    keep, other = pairs[int(rng.integers(len(pairs)))]
    spoilt = good.copy()
    spoilt.regions[spoilt.regions == other] = keep
    return Spoilt(spoilt, frozenset({keep, other}))


def _merged_with_opposite(good: Specimen, rng: np.random.Generator) -> Spoilt | None:
    bitten = [fdi for fdi in good.teeth if fdi < 30 and opposite(fdi) in good.teeth]
    if not bitten:
        return None
    keep = pick(bitten, rng)
    spoilt = good.copy()
    spoilt.regions[spoilt.regions == opposite(keep)] = keep
    return Spoilt(spoilt, frozenset({keep, opposite(keep)}))


def _halved(across: bool) -> Fault:
    """Cut in two by a plane through the centre: across the tooth's axis, or along it."""

    def make(good: Specimen, rng: np.random.Generator) -> Spoilt | None:
        fdi = pick(good.teeth, rng)
        points = good.points(fdi)
        points = points - points.mean(axis=0)
        axis = np.linalg.eigh(np.cov(points.T))[1][:, -1]
        normal = axis if across else np.cross(axis, rng.normal(size=3))
        spoilt = good.copy()
        where = np.argwhere(spoilt.regions == fdi)[points @ normal > 0]
        spoilt.regions[tuple(where.T)] = NEW_LABEL
        return Spoilt(spoilt, frozenset({fdi, NEW_LABEL}))

    return make


def _fragment(good: Specimen, rng: np.random.Generator) -> Spoilt | None:
    """A ball of 2-3 mm radius, in so far as it lies outside of the teeth."""
    fdi = pick(good.teeth, rng)
    near = ndimage.binary_dilation(good.regions == fdi, iterations=3) & (good.regions == 0)
    centre = np.argwhere(near)[int(rng.integers(near.sum()))]
    away = np.moveaxis(np.indices(good.regions.shape), 0, -1) - centre
    far = np.sqrt((away**2).sum(axis=-1)) * good.scan.spacing[0]
    ball = (far <= rng.uniform(2.1, 3.0)) & (good.regions == 0)
    spoilt = good.copy()
    spoilt.regions[ball] = NEW_LABEL
    spoilt.seen_as[ball] = fdi
    beside = {int(label) for label in np.unique(good.regions[far <= _BESIDE_MM])} - {0}
    return Spoilt(spoilt, frozenset({fdi} | beside & set(good.teeth)))


def _half_lost(good: Specimen, rng: np.random.Generator) -> Spoilt | None:
    """The crown or the root."""
    fdi = pick(good.teeth, rng)
    points = good.points(fdi)
    way = (points - points.mean(axis=0)) @ np.linalg.eigh(np.cov(points.T))[1][:, -1]
    way = way * rng.choice([-1, 1])
    lost = np.argwhere(good.regions == fdi)[way > np.percentile(way, rng.uniform(40, 55))]
    spoilt = good.copy()
    spoilt.regions[tuple(lost.T)] = 0
    return Spoilt(spoilt, frozenset({fdi}))


def _grown(good: Specimen, rng: np.random.Generator) -> Spoilt | None:
    fdi = pick(good.teeth, rng)
    tooth = good.regions == fdi
    rounds = round(2.0 / good.scan.spacing[0])
    more = ndimage.binary_dilation(tooth, iterations=rounds) & (good.regions == 0)
    spoilt = good.copy()
    spoilt.regions[more] = fdi
    spoilt.seen_as[more] = fdi
    return Spoilt(spoilt, frozenset({fdi}))


def _overlooked(good: Specimen, rng: np.random.Generator) -> Spoilt | None:
    fdi = pick(good.teeth, rng)
    spoilt = good.copy()
    spoilt.regions[spoilt.regions == fdi] = 0
    return Spoilt(spoilt, frozenset({fdi}))


def _row_shifted(good: Specimen, rng: np.random.Generator) -> Spoilt | None:
    """A tooth overlooked, and those behind it numbered as if it had never been."""
    teeth = set(good.teeth)
    places = [n for n in teeth if n % 10 in (2, 3, 4, 5, 6) and {n - 1, n + 1} <= teeth]
    if not places:
        return None
    fdi = pick(sorted(places), rng)
    spoilt = good.copy()
    spoilt.regions[spoilt.regions == fdi] = 0
    spoilt.given = {n: n - 1 for n in teeth if n // 10 == fdi // 10 and n > fdi}
    behind = frozenset(range(fdi, fdi // 10 * 10 + 8))
    return Spoilt(spoilt, frozenset({fdi, fdi - 1, fdi + 1}), behind)


def _exchanged(good: Specimen, rng: np.random.Generator) -> Spoilt | None:
    teeth = set(good.teeth)
    pairs = [n for n in good.teeth if n + 1 in teeth]
    if not pairs:
        return None
    fdi = pick(pairs, rng)
    spoilt = good.copy()
    spoilt.given = {fdi: fdi + 1, fdi + 1: fdi}
    return Spoilt(spoilt, frozenset({fdi, fdi + 1}))


def _transposed(good: Specimen, rng: np.random.Generator) -> Spoilt | None:
    """A canine and its neighbour stand in each other's place, and look like themselves for sure.

    No fault but a rare mouth: the numbers go by form then, and the order is told.
    """
    pair = _canine_and_neighbour(good, rng)
    if not pair:
        return None
    spoilt = good.copy()
    spoilt.regions[np.isin(good.regions, pair)] = 0
    one, other = (np.argwhere(good.regions == fdi).mean(axis=0) for fdi in pair)
    way = np.rint(other - one).astype(int)
    for fdi, there in zip(pair, (way, -way), strict=True):
        _look_for_sure(spoilt, fdi)
        if not _put(spoilt, good, fdi, there):
            return None
    return Spoilt(spoilt, frozenset(pair))


def _taken_for_each_other(good: Specimen, rng: np.random.Generator) -> Spoilt | None:
    """A canine and its neighbour look like each other for sure, each of its own size and place."""
    pair = _canine_and_neighbour(good, rng)
    if not pair:
        return None
    spoilt = good.copy()
    for fdi, seen in (pair, pair[::-1]):
        spoilt.seen_as[good.regions == fdi] = seen
        _look_for_sure(spoilt, seen)
    return Spoilt(spoilt, frozenset(pair))


def _canine_and_neighbour(good: Specimen, rng: np.random.Generator) -> tuple[int, ...]:
    teeth = set(good.teeth)
    pairs = [n for n in good.teeth if n % 10 in (2, 3) and n + 1 in teeth]
    fdi = pick(pairs, rng) if pairs else 0
    return (fdi, fdi + 1) if fdi else ()


def _look_for_sure(spoilt: Specimen, fdi: int) -> None:
    spoilt.looks[fdi] = (1 - _SURE) / (N_TYPES - 1)
    spoilt.looks[fdi, type_of(fdi)] = _SURE


def _number_twice(good: Specimen, rng: np.random.Generator) -> Spoilt | None:
    teeth = set(good.teeth)
    pairs = [n for n in good.teeth if n + 1 in teeth]
    if not pairs:
        return None
    fdi = pick(pairs, rng)
    spoilt = good.copy()
    spoilt.given = {fdi + 1: fdi}
    return Spoilt(spoilt, frozenset({fdi, fdi + 1}))


def _renumbered(number: Callable[[int], int]) -> Fault:
    """Every tooth gets the number of another."""

    def make(good: Specimen, rng: np.random.Generator) -> Spoilt | None:
        spoilt = good.copy()
        spoilt.given = {fdi: number(fdi) for fdi in good.teeth}
        return Spoilt(spoilt, frozenset(good.teeth))

    return make


def _off_its_row(good: Specimen, rng: np.random.Generator) -> Spoilt | None:
    """As deep in the jaw as no tooth of the row is, in its place along it."""
    fdi = pick(good.teeth, rng)
    away = round(rng.uniform(*_OFF_ROW_MM) / good.scan.spacing[2])
    spoilt = good.copy()
    spoilt.regions[good.regions == fdi] = 0
    put = _put(spoilt, good, fdi, np.array([away if fdi < 30 else -away, 0, 0]))
    return Spoilt(spoilt, frozenset({fdi})) if put else None


def _put(spoilt: Specimen, good: Specimen, fdi: int, way: np.ndarray) -> bool:
    """Put a tooth that was taken away elsewhere, ``way`` (k, j, i) voxels off; whether there is
    room for it. Other teeth, and the end of the scan, may be in the way of some of it."""
    there = np.argwhere(good.regions == fdi) + way
    voxels = len(there)
    there = there[((there >= 0) & (there < good.regions.shape)).all(axis=1)]
    there = there[spoilt.regions[tuple(there.T)] == 0]
    spoilt.regions[tuple(there.T)] = fdi
    spoilt.seen_as[tuple(there.T)] = fdi
    return len(there) >= _SEEN_STILL * voxels


def _faint(good: Specimen, rng: np.random.Generator) -> Spoilt | None:
    fdi = pick(good.teeth, rng)
    spoilt = good.copy()
    spoilt.probability[spoilt.regions == fdi] = rng.uniform(0.5, 0.69)
    return Spoilt(spoilt, frozenset({fdi}))


SEGMENTATION_FAULTS = (
    Kind("two neighbours merged", _merged, ("merged",)),
    Kind("merged with the opposite tooth", _merged_with_opposite, ("merged",)),
    Kind("cut in two lengthwise", _halved(across=False), ("split",)),
    Kind("cut in two across", _halved(across=True), ("split",)),
    Kind("fragment beside a tooth", _fragment, ("fragments", "split", "dropped-pieces")),
    Kind("crown or root lost", _half_lost, ("odd-size", "asymmetry")),
    Kind("grown by 2 mm", _grown, ("odd-size", "asymmetry")),
    Kind("tooth overlooked", _overlooked, ("missing-teeth",)),
    Kind("overlooked, row shifted", _row_shifted, ("wide-gap",)),
    Kind("two numbers exchanged", _exchanged, ("order",)),
    Kind("far below or above its row", _off_its_row, ("off-row",)),
    Kind("two neighbours taken for each other", _taken_for_each_other, ("number-unsure",)),
    Kind("one number twice", _number_twice, ("number-twice",)),
    Kind("left and right swapped", _renumbered(mirror), ("order",)),
    Kind("upper and lower swapped", _renumbered(opposite), ("order",)),
    Kind("faint tooth", _faint, ("unclear-tooth",)),
)
# Of these a good segmentation tells as well.
RARE_MOUTHS = (Kind("two neighbours transposed", _transposed, ("order",)),)
