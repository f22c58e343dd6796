"""Kinds of dentition that the numbering has to cope with, each a maker of random ones.

A maker takes a generator and gives regions and the truth: label -> FDI number, third molars by
theirs, None for what is no tooth of the arch.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from dentition_fixture import ALL_28, ALL_32, a_region, blurred_type, simulated_regions
from ToothSegLib.arches.regions import Region
from ToothSegLib.numbering import Numbering, number_regions
from ToothSegLib.teeth import CATEGORY_OF_TYPE, mirror

Case = tuple[list[Region], dict[int, int | None]]
Maker = Callable[[np.random.Generator], Case]
RIGHT, LEFT = (1, 4), (2, 3)


def _with(choose: Callable[[np.random.Generator], tuple[int, ...]], **options: object) -> Maker:
    def make(rng: np.random.Generator) -> Case:
        regions, truth = simulated_regions(rng, choose(rng), **options)  # type: ignore[arg-type]
        return regions, dict(truth)

    return make


def _of(quadrants: tuple[int, ...], first: int = 1, last: int = 7) -> tuple[int, ...]:
    return tuple(f for f in ALL_32 if f // 10 in quadrants and first <= f % 10 <= last)


def _all(rng: np.random.Generator) -> tuple[int, ...]:
    return ALL_28


def _less(most: int, teeth: tuple[int, ...] = ALL_28) -> Callable:
    def choose(rng: np.random.Generator) -> tuple[int, ...]:
        count = len(teeth) - int(rng.integers(1, most + 1))
        return tuple(int(fdi) for fdi in rng.choice(teeth, count, replace=False))

    return choose


def _one_of(*choices: tuple[int, ...]) -> Callable:
    return lambda rng: choices[int(rng.integers(len(choices)))]


def _some_third_molars(rng: np.random.Generator) -> tuple[int, ...]:
    return ALL_28 + tuple(fdi for fdi in (18, 28, 38, 48) if rng.random() < 0.6)


def _fragment(rng: np.random.Generator) -> Case:
    """A root tip or a spot of noise beside a tooth, too small for a tooth."""
    regions, truth = _with(_all)(rng)
    beside = regions[int(rng.integers(len(regions)))]
    look = blurred_type(rng, truth[beside.label] or 11, 0.4)
    centre = beside.centroid + rng.normal(0, 4, 3)
    return [*regions, a_region(99, centre, rng.uniform(26, 60), look)], {**truth, 99: None}


def _supernumerary(rng: np.random.Generator) -> Case:
    """A tooth too many, above or below its look-alike."""
    regions, truth = _with(_all)(rng)
    beside = regions[int(rng.integers(len(regions)))]
    look = blurred_type(rng, truth[beside.label] or 11, 0.4)
    centre = beside.centroid + rng.normal(0, 1, 3) + np.array([0, 0, 9 * rng.choice([-1, 1])])
    extra = a_region(99, centre, 0.7 * beside.volume_mm3, look)
    return [*regions, extra], {**truth, 99: None}


def _cut_uppers(rng: np.random.Generator) -> Case:
    """A field of view about the lower jaw: of the upper teeth it shows the tips of the crowns."""
    regions, truth = _with(_one_of(ALL_28, (*_LOWER, 16, 17, 26, 27)), tilt_deg=5.0)(rng)
    for region in regions:
        if (truth[region.label] or 0) < 30:
            region.volume_mm3 *= 0.1 * rng.uniform(0.5, 1.5)
            region.centroid = region.centroid - np.array([0.0, 0.0, 7.0])
            region.cut = True
    return regions, truth


def _by_category(make: Maker) -> Maker:
    """As from a network that tells categories only."""

    def blurred(rng: np.random.Generator) -> Case:
        regions, truth = make(rng)
        category = np.array(CATEGORY_OF_TYPE)
        for region in regions:
            look = region.type_probabilities
            region.type_probabilities = np.array([look[category == c].mean() for c in category])
        return regions, truth

    return blurred


_UPPER, _LOWER = _of((1, 2)), _of((3, 4))
_NO_FIRST_PREMOLARS = tuple(fdi for fdi in ALL_28 if fdi % 10 != 4)
_QUADRANTS = tuple(_of((quadrant,)) for quadrant in (1, 2, 3, 4))

STRATA: dict[str, Maker] = {
    "all 28": _with(_all),
    "all 28, types blurred": _with(_all, confusion=0.45),
    "three pairs look swapped": _with(_all, swaps=3),
    "tilted by up to 40 degrees": _with(_all, tilt_deg=40.0),
    "mouth open 25 mm": _with(_all, mouth_opening_mm=25.0),
    "up to 10 missing": _with(_less(10)),
    "up to 20 missing": _with(_less(20)),
    "up to 4 missing, gaps closed": _with(_less(4), close_gaps=True),
    "the same, types clearer": _with(_less(4), close_gaps=True, confusion=0.15),
    "first premolars extracted, closed": _with(lambda rng: _NO_FIRST_PREMOLARS, close_gaps=True),
    "third molars": _with(_some_third_molars),
    "third molars, 8 missing": _with(_less(8, ALL_32)),
    "upper arch": _with(lambda rng: _UPPER),
    "lower arch, up to 6 missing": _with(_less(6, _LOWER)),
    "one side": _with(_one_of(_of(RIGHT), _of(LEFT))),
    "one side, from the canine": _with(_one_of(_of(RIGHT, 3), _of(LEFT, 3))),
    "one quadrant": _with(_one_of(*_QUADRANTS)),
    "front teeth": _with(lambda rng: _of((1, 2, 3, 4), last=3)),
    "molars alone": _with(_one_of((16, 17, 26, 27), (16, 26, 36, 46), (17, 27, 37, 47))),
    "lower arch, two upper molars": _with(_one_of((*_LOWER, 16, 26), (*_LOWER, 17, 27))),
    "upper teeth cut": _cut_uppers,
    "a fragment": _fragment,
    "a supernumerary tooth": _supernumerary,
    "categories only": _by_category(_with(_all)),
    "categories only, up to 10 missing": _by_category(_with(_less(10))),
}


def rightly_numbered(result: Numbering, truth: dict[int, int | None]) -> int:
    """How many regions got their number; third molars and extras count as None."""
    return sum(
        result.numbers[label] == (None if fdi is None or fdi % 10 == 8 else fdi)
        for label, fdi in truth.items()
    )


def accuracy(make: Maker, trials: int, seed: int = 0) -> tuple[float, float, int]:
    """Share of regions rightly numbered; of cases without a mistake; count of mirrored cases."""
    rng = np.random.default_rng(seed)
    right = total = perfect = mirrored = 0
    for _ in range(trials):
        regions, truth = make(rng)
        result = number_regions(regions)
        correct = rightly_numbered(result, truth)
        right, total = right + correct, total + len(truth)
        perfect += correct == len(truth)
        swapped = sum(
            fdi is not None and result.numbers[label] == mirror(fdi) for label, fdi in truth.items()
        )
        mirrored += swapped > len(truth) / 2
    return right / total, perfect / trials, mirrored
